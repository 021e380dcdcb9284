//===- CompileBundle.cpp - From a program to a bundle ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Compile.h"

#include "attn/Export/Assemble.h"
#include "attn/Runtime/Bundle.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::attn;
namespace runtime = ::attn::runtime;

std::string mlir::attn::compilerVersion() { return "attn " ATTN_VERSION; }

/// A program that is one kernel, launched on the arguments of the function.
static runtime::TargetProgram createProgram(StringRef target,
                                            runtime::CompiledKernel kernel) {
  runtime::KernelLaunch launch;
  for (size_t i = 0; i < kernel.plan.tensors.size(); ++i)
    launch.tensors.push_back(static_cast<int32_t>(i));
  runtime::Variant variant;
  variant.launches.push_back(std::move(launch));
  runtime::TargetProgram program;
  program.target = target.str();
  program.kernels.push_back(std::move(kernel));
  program.variants.push_back(std::move(variant));
  return program;
}

/// The signature that a kernel shares with its program.
static runtime::Signature createSignature(const runtime::LaunchPlan &plan) {
  return {plan.kernel, plan.tensors, plan.equalSizes};
}

FailureOr<runtime::Bundle>
mlir::attn::compileBundle(ModuleOp module, const CompileOptions &options) {
  runtime::Bundle bundle;
  bundle.compiler = compilerVersion();
  bool assembled = false;
  for (StringRef target : llvm::split(options.target, ',')) {
    // Compiling consumes a module.
    OwningOpRef<ModuleOp> copy = module.clone();
    CompileOptions forTarget = options;
    forTarget.target = target.str();
    FailureOr<runtime::CompiledKernel> kernel = compileKernel(*copy, forTarget);
    if (failed(kernel))
      return failure();
    assembled |= !kernel->cubin.empty();
    if (bundle.targets.empty())
      bundle.signature = createSignature(kernel->plan);
    bundle.targets.push_back(createProgram(target, std::move(*kernel)));
  }
  if (assembled) {
    llvm::Expected<Assembler> assembler = findAssembler(options.ptxas);
    if (!assembler)
      return module.emitError(llvm::toString(assembler.takeError()));
    bundle.assembler = "ptxas " + assembler->version;
  }
  if (runtime::Status status = runtime::checkBundle(bundle); status.failed())
    return module.emitError(status.message());
  return bundle;
}
