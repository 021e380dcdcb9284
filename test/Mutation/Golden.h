//===- Golden.h - A right kernel, and how mutants of it fare ----*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_MUTATION_GOLDEN_H
#define ATTN_TEST_MUTATION_GOLDEN_H

#include "Hazard.h"

#include "attn/Runtime/EmulatorDevice.h"
#include "attn/Runtime/HostTensor.h"

#include <set>
#include <string>
#include <vector>

namespace attn::mutation {

/// How one execution ended.
struct Outcome {
  std::set<runtime::emulator::HazardKind> hazards;
  /// What went wrong, or nothing.
  std::string message;
  std::vector<runtime::HostTensor> outputs;
};

/// A compiled kernel with all that it is launched on, of whose launch a few
/// instances are executed.
class Golden {
public:
  /// `tensors` are what those of the kernel's plan hold at first.
  static runtime::Result<Golden>
  create(runtime::CompiledKernel compiled,
         std::vector<runtime::HostTensor> tensors, uint32_t instances);

  /// Executes `ptx` in place of the kernel's own, with all checks.
  Outcome run(const std::string &ptx, uint64_t seed) const;
  /// The lines of `ptx` that an execution reports something at.
  std::set<uint32_t> reportedLines(const std::string &ptx) const;
  /// Whether an execution ended with the result of the right kernel.
  bool isRight(const Outcome &outcome) const;

private:
  Outcome run(const std::string &ptx,
              const runtime::EmulatorOptions &options) const;
  runtime::Status launch(runtime::Device &device, const std::string &ptx,
                         Outcome &outcome) const;

  runtime::CompiledKernel compiled;
  std::vector<runtime::HostTensor> tensors;
  runtime::EmulatorOptions options;
  std::vector<runtime::HostTensor> expected;
};

} // namespace attn::mutation

#endif // ATTN_TEST_MUTATION_GOLDEN_H
