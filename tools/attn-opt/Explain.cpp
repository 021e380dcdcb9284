//===- Explain.cpp - The sizes for --explain ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Explain.h"

#include "attn/Runtime/Launch.h"
#include "common/Shapes.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::tools;
using mlir::attn::ProgramShapes;

/// The longest sequence that is given, or a common length. Those of queries,
/// keys and values are axis 1 of [batch, position, head, channel], and any
/// unless the program says which; that of states is the heads.
static int64_t
longestSequence(const Signature &signature,
                const std::vector<std::vector<int64_t>> &shapes) {
  constexpr int64_t usualLength = 4096;
  int64_t longest = -1;
  for (size_t number = 0; number < shapes.size(); ++number)
    if (shapes[number].size() == 4 && signature.tensors[number].shape[1] < 0)
      longest = std::max(longest, shapes[number][1]);
  return longest < 0 ? usualLength : longest;
}

Result<ProgramShapes>
attn::opt::chooseShapes(const Signature &signature,
                        const std::vector<std::string> &flags) {
  std::vector<TensorSpec> inputs;
  for (const TensorSpec &spec : signature.tensors)
    if (!spec.isOutput)
      inputs.push_back(spec);
  Result<Assignments> given = parseAssignments("shape", flags, inputs);
  if (given.failed())
    return given.error();

  ProgramShapes chosen;
  for (const TensorSpec &spec : signature.tensors) {
    Result<TensorSpec> refined =
        refine(spec, spec.isOutput ? nullptr : find(*given, spec.name));
    if (refined.failed())
      return refined.error();
    chosen.shapes.push_back(refined->shape);
  }
  propagateSizes(signature.equalSizes, chosen.shapes);
  constexpr int64_t assumedBatches = 1;
  const int64_t assumedLength = longestSequence(signature, chosen.shapes);
  for (std::vector<int64_t> &shape : chosen.shapes)
    for (size_t axis = 0; axis < shape.size(); ++axis) {
      if (shape[axis] >= 0)
        continue;
      // The batch comes first in every tensor that has more than one axis.
      bool isBatch = axis == 0 && shape.size() > 1;
      shape[axis] = isBatch ? assumedBatches : assumedLength;
      chosen.assumed = " (sizes that --shape does not give are assumed)";
      propagateSizes(signature.equalSizes, chosen.shapes);
    }
  for (const auto &[a, b] : signature.equalSizes)
    if (chosen.shapes[a.tensor][a.axis] != chosen.shapes[b.tensor][b.axis])
      return failure("expected size ", a.axis, " of '",
                     signature.tensors[a.tensor].name, "' to equal size ",
                     b.axis, " of '", signature.tensors[b.tensor].name,
                     "', got ", chosen.shapes[a.tensor][a.axis], " and ",
                     chosen.shapes[b.tensor][b.axis]);
  return chosen;
}
