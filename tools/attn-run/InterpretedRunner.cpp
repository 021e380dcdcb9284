//===- InterpretedRunner.cpp - Runs a program on the CPU ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Interpret.h"
#include "Runner.h"

#include "attn/Pipelines/Compile.h"
#include "attn/Reference/TileInterpreter.h"

using namespace attn::run;
using namespace attn::runtime;
namespace reference = mlir::attn::reference;

namespace {
class ReferenceRunner : public Runner {
public:
  explicit ReferenceRunner(const Program &program) : program(program) {}

  std::string description() const override {
    return "the CPU, by the reference interpreter in double precision";
  }

  Result<std::vector<HostTensor>>
  run(const std::vector<HostTensor> &inputs) override {
    auto results = interpret(program, inputs, {});
    if (results.failed())
      return results.error();
    return encode(program.outputs(), *results);
  }

private:
  const Program &program;
};

class TileRunner : public Runner {
public:
  explicit TileRunner(const Program &program) : program(program) {}

  Status lower();

  std::string description() const override {
    return "the CPU, by the interpreter of the tile level";
  }

  Result<std::vector<HostTensor>>
  run(const std::vector<HostTensor> &inputs) override {
    auto results = reference::runTile(kernels, decode(inputs));
    if (mlir::failed(results))
      return failure("cannot interpret the tile level of the program");
    return encode(program.outputs(), *results);
  }

private:
  const Program &program;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<mlir::tile::KernelOp> kernels;
};
} // namespace

Status TileRunner::lower() {
  module = program.module().clone();
  if (mlir::failed(mlir::attn::lowerToLevel(
          *module, mlir::attn::EmitLevel::Tile, mlir::attn::CompileOptions())))
    return failure("cannot lower the program to the tile level");
  for (auto kernel : module->getOps<mlir::tile::KernelOp>())
    kernels.push_back(kernel);
  return {};
}

std::unique_ptr<Runner> attn::run::makeReferenceRunner(const Program &program) {
  return std::make_unique<ReferenceRunner>(program);
}

Result<std::unique_ptr<Runner>>
attn::run::makeTileRunner(const Program &program) {
  auto runner = std::make_unique<TileRunner>(program);
  if (Status status = runner->lower(); status.failed())
    return status.error();
  return std::unique_ptr<Runner>(std::move(runner));
}
