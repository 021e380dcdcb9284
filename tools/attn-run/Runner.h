//===- Runner.h - What a program is run by ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_RUNNER_H
#define ATTN_TOOLS_ATTNRUN_RUNNER_H

#include "Program.h"

#include "attn/Pipelines/Compile.h"
#include "attn/Runtime/Bundle.h"
#include "attn/Runtime/Device.h"
#include "attn/Runtime/HostTensor.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace attn::run {

/// Work on a device.
struct DeviceWork {
  runtime::Device *device;
  runtime::Work work;
};

/// Runs one program.
class Runner {
public:
  virtual ~Runner() = default;

  /// Says plainly what computes.
  virtual std::string description() const = 0;

  virtual runtime::Result<std::vector<runtime::HostTensor>>
  run(const std::vector<runtime::HostTensor> &inputs) = 0;

  /// The last run as work that can be measured, where it was on a device.
  virtual std::optional<DeviceWork> lastRun() { return std::nullopt; }
};

/// Compiles `program` for `device` and loads it there.
runtime::Result<std::unique_ptr<Runner>>
makeCompiledRunner(const Program &program,
                   std::unique_ptr<runtime::Device> device,
                   mlir::attn::CompileOptions options);

/// Loads a compiled program on `device`.
runtime::Result<std::unique_ptr<Runner>>
makeBundleRunner(const runtime::Bundle &bundle,
                 std::unique_ptr<runtime::Device> device);

/// Interprets `program` on the CPU in double precision.
std::unique_ptr<Runner> makeReferenceRunner(const Program &program);

/// Lowers `program` to the tile level and interprets that on the CPU.
runtime::Result<std::unique_ptr<Runner>> makeTileRunner(const Program &program);

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_RUNNER_H
