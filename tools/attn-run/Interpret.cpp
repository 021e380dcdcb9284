//===- Interpret.cpp - Runs a program by its definition -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interpret.h"

#include "Tile/Tile.h"
#include "attn/Pipelines/Compile.h"
#include "attn/Schedule/Passes.h"

#include <algorithm>

using namespace attn::run;
using namespace attn::runtime;
namespace reference = mlir::attn::reference;

std::vector<reference::Tensor>
attn::run::decode(const std::vector<HostTensor> &tensors) {
  std::vector<reference::Tensor> decoded(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const HostTensor &tensor = tensors[i];
    decoded[i].shape.assign(tensor.shape.begin(), tensor.shape.end());
    decoded[i].values.resize(static_cast<size_t>(tensor.size()));
    for (size_t j = 0; j < decoded[i].values.size(); ++j)
      decoded[i].values[j] = tensor.get(j);
  }
  return decoded;
}

std::vector<HostTensor>
attn::run::encode(const std::vector<TensorSpec> &specs,
                  const std::vector<reference::Tensor> &tensors) {
  std::vector<HostTensor> encoded;
  encoded.reserve(tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const reference::Tensor &tensor = tensors[i];
    HostTensor &own = encoded.emplace_back(
        specs[i].elementType,
        std::vector<int64_t>(tensor.shape.begin(), tensor.shape.end()));
    for (size_t j = 0; j < tensor.values.size(); ++j)
      own.set(j, tensor.values[j]);
  }
  return encoded;
}

Result<std::vector<reference::Tensor>>
attn::run::interpret(const Program &program,
                     const std::vector<HostTensor> &inputs,
                     const reference::Options &options) {
  auto results = reference::run(program.function(), decode(inputs), options);
  if (mlir::failed(results))
    return failure("cannot interpret the program");
  return std::move(*results);
}

Result<CheckReport> attn::run::verify(const Program &program,
                                      const AttentionProgram &attention,
                                      const std::vector<HostTensor> &inputs,
                                      const std::vector<HostTensor> &outputs,
                                      const Sample &sample) {
  reference::Options options;
  if (!sample.complete) {
    options.rows.emplace();
    for (const RowIndex &row : sample.rows)
      options.rows->push_back({row.batch, row.head, row.query});
  }
  auto expected = interpret(program, inputs, options);
  if (expected.failed())
    return expected.error();
  options.arithmetic = reference::Arithmetic::Eager;
  auto eager = interpret(program, inputs, options);
  if (eager.failed())
    return eager.error();

  Comparison comparison;
  comparison.geometry = attention.geometry(inputs);
  comparison.output = &outputs[attention.output];
  comparison.expectedOutput = (*expected)[attention.output].values.data();
  comparison.eagerOutput = (*eager)[attention.output].values.data();
  if (attention.lse) {
    comparison.lse = &outputs[*attention.lse];
    comparison.expectedLse = (*expected)[*attention.lse].values.data();
  }
  return check(comparison, sample);
}

/// By sequence and head: of packed sequences, by head.
static std::vector<size_t> headAxes(mlir::attn::RecurrenceOp op,
                                    mlir::Value result) {
  if (result == op.getFinalState() || result == op.getFinalNormalizer())
    return {0, 1};
  return op.isPacked() ? std::vector<size_t>{1} : std::vector<size_t>{0, 2};
}

/// Whether the selected schedule takes several tokens at once.
static bool isInChunks(const Program &program) {
  mlir::ScopedDiagnosticHandler silence(program.module().getContext(),
                                        [](mlir::Diagnostic &) {});
  mlir::OwningOpRef<mlir::ModuleOp> scheduled(program.module().clone());
  if (mlir::failed(mlir::attn::selectSchedules(*scheduled, {})))
    return false;
  bool takesSeveral = false;
  scheduled->walk([&](mlir::attn::RecurrenceOp op) {
    auto schedule = op->getAttrOfType<mlir::tile::ScheduleAttr>(
        mlir::attn::kScheduleAttrName);
    takesSeveral |= schedule && schedule.getBlockKv() > 1;
  });
  return takesSeveral;
}

Result<std::vector<ExpectedReport>>
attn::run::verifyRecurrence(const Program &program, mlir::attn::RecurrenceOp op,
                            const std::vector<HostTensor> &inputs,
                            const std::vector<HostTensor> &outputs) {
  auto expected = interpret(program, inputs, {});
  if (expected.failed())
    return expected.error();
  reference::Options options;
  options.arithmetic = reference::Arithmetic::Eager;
  auto eager = interpret(program, inputs, options);
  if (eager.failed())
    return eager.error();
  std::vector<HostTensor> rounded = encode(program.outputs(), *eager);
  double least = 0;
  if (isInChunks(program)) {
    auto rows = elementTypeOf(op.getKeyType().getElementType());
    least = allowedErrorOfChunks(*rows);
  }
  std::vector<ExpectedReport> reports;
  auto results = program.function().front().getTerminator()->getOperands();
  for (size_t i = 0; i < outputs.size(); ++i) {
    auto errorOf = [&](const HostTensor &tensor) {
      return largestError(tensor, (*expected)[i].values,
                          headAxes(op, results[i]));
    };
    // Some recurrences magnify what any f32 state has lost.
    double limit = std::max(
        {least, allowedError(outputs[i].elementType), 2 * errorOf(rounded[i])});
    reports.push_back({program.outputs()[i].name, errorOf(outputs[i]), limit});
  }
  return reports;
}
