//===- CompileBundle.cpp - From a program to a bundle ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Compile.h"

#include "CompilerIdentity.h"

#include "Attention/Attention.h"
#include "Tile/Tile.h"
#include "attn/Export/Assemble.h"
#include "attn/Export/BundleWriter.h"
#include "attn/Runtime/Bundle.h"
#include "attn/Runtime/DiskCache.h"
#include "attn/Schedule/Passes.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace mlir::attn;
namespace runtime = ::attn::runtime;

std::string mlir::attn::compilerVersion() { return "attn " ATTN_VERSION; }

/// A way to run a program that is one kernel, launched on the arguments of the
/// function.
static runtime::Variant createVariant(uint32_t number,
                                      const runtime::LaunchPlan &plan) {
  runtime::KernelLaunch launch;
  launch.kernel = number;
  for (size_t i = 0; i < plan.tensors.size(); ++i)
    launch.tensors.push_back(static_cast<int32_t>(i));
  launch.dependent = plan.awaitsPrevious;
  runtime::Variant variant;
  variant.launches.push_back(std::move(launch));
  return variant;
}

/// Whether a sequence has at least as many keys as the schedule is for. The
/// arguments of the function are the first tensors of its kernels.
static runtime::Expression createGuard(tile::GuardedScheduleAttr guarded,
                                       BlockArgument key) {
  using Kind = runtime::Term::Kind;
  int64_t axis = cast<RankedTensorType>(key.getType()).getRank() - 3;
  return {{Kind::Constant, guarded.getLeastKeys()},
          {Kind::Size, 0, static_cast<int32_t>(key.getArgNumber()),
           static_cast<int32_t>(axis)},
          {Kind::LessEqual}};
}

namespace {
/// A schedule, or none for what is selected, and when to use its kernel.
struct GuardedKernel {
  tile::ScheduleAttr schedule;
  runtime::Expression guard;
};
} // namespace

/// The kernels of a program whose schedules have been selected, in the order in
/// which their guards are asked; the last one has none.
static SmallVector<GuardedKernel> listKernels(ModuleOp scheduled) {
  SmallVector<GuardedKernel> kernels;
  scheduled.walk([&](AttentionOp op) {
    auto key = dyn_cast<BlockArgument>(op.getKVTensors().key);
    auto list = op->getAttrOfType<ArrayAttr>(kGuardedSchedulesAttrName);
    if (list && key)
      for (auto guarded : list.getAsRange<tile::GuardedScheduleAttr>())
        kernels.push_back({guarded.getSchedule(), createGuard(guarded, key)});
  });
  kernels.emplace_back();
  return kernels;
}

static FailureOr<runtime::TargetProgram>
compileProgram(ModuleOp module, const CompileOptions &options) {
  OwningOpRef<ModuleOp> scheduled = module.clone();
  if (failed(selectSchedules(*scheduled, options)))
    return failure();
  runtime::TargetProgram program;
  program.target = options.target;
  for (GuardedKernel &wanted : listKernels(*scheduled)) {
    // Compiling consumes a module.
    OwningOpRef<ModuleOp> copy = module.clone();
    if (wanted.schedule)
      copy->walk([&](AttentionOp op) {
        op->setAttr(kScheduleAttrName, wanted.schedule);
      });
    FailureOr<runtime::CompiledKernel> kernel = compileKernel(*copy, options);
    if (failed(kernel))
      return failure();
    runtime::Variant variant =
        createVariant(program.kernels.size(), kernel->plan);
    variant.guard = std::move(wanted.guard);
    program.kernels.push_back(std::move(*kernel));
    program.variants.push_back(std::move(variant));
  }
  return program;
}

/// The signature that a kernel shares with its program.
static runtime::Signature createSignature(const runtime::LaunchPlan &plan) {
  return {plan.kernel, plan.tensors, plan.equalSizes};
}

static FailureOr<runtime::Bundle> compileAnew(ModuleOp module,
                                              const CompileOptions &options) {
  runtime::Bundle bundle;
  bundle.compiler = compilerVersion();
  bool assembled = false;
  for (StringRef target : llvm::split(options.target, ',')) {
    CompileOptions forTarget = options;
    forTarget.target = target.str();
    FailureOr<runtime::TargetProgram> program =
        compileProgram(module, forTarget);
    if (failed(program))
      return failure();
    const runtime::CompiledKernel &kernel = program->kernels.back();
    assembled |= !kernel.cubin.empty();
    if (bundle.targets.empty())
      bundle.signature = createSignature(kernel.plan);
    bundle.targets.push_back(std::move(*program));
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

//===----------------------------------------------------------------------===//
// The cache
//===----------------------------------------------------------------------===//

namespace {
/// Hashes fields so that two lists of fields never run into one.
class KeyHash {
public:
  void add(StringRef field) {
    hash.update(std::to_string(field.size()) + ":");
    hash.update({field.data(), field.size()});
  }
  runtime::Sha256::Digest finish() { return hash.finish(); }

private:
  runtime::Sha256 hash;
};
} // namespace

/// Everything that a bundle is made from. Fails where this cannot be told.
static runtime::Result<runtime::Sha256::Digest>
createCacheKey(ModuleOp module, const CompileOptions &options) {
  std::optional<std::string> identity = compilerIdentity();
  // untested: every build of the project links with build IDs.
  if (!identity)
    return runtime::failure("the compiler was linked without a build ID");
  // A new option belongs either into the key or among those that are not.
  const auto &[target, ptxas, assemble, cacheFolder, reproducer] = options;
  std::string assembler = "none";
  if (assemble) {
    llvm::Expected<Assembler> found = findAssembler(ptxas);
    if (found)
      assembler = found->version;
    else if (std::string message = llvm::toString(found.takeError());
             !ptxas.empty())
      return runtime::failure(message);
  }
  std::string text;
  llvm::raw_string_ostream(text) << module;
  KeyHash hash;
  for (StringRef field :
       {StringRef("bundle"), StringRef(compilerVersion()), StringRef(*identity),
        StringRef(assembler), StringRef(target), StringRef(text)})
    hash.add(field);
  return hash.finish();
}

FailureOr<runtime::Bundle>
mlir::attn::compileBundle(ModuleOp module, const CompileOptions &options) {
  if (options.cacheFolder.empty())
    return compileAnew(module, options);
  auto remark = [&](const std::string &reason) {
    module.emitRemark("the cache is not used: ") << reason;
  };
  auto key = createCacheKey(module, options);
  if (key.failed()) {
    remark(key.message());
    return compileAnew(module, options);
  }
  runtime::DiskCache cache(options.cacheFolder);
  if (std::optional<std::string> found = cache.load(*key)) {
    runtime::Result<runtime::Bundle> bundle = runtime::readBundle(*found);
    if (!bundle.failed())
      return *bundle;
  }
  FailureOr<runtime::Bundle> bundle = compileAnew(module, options);
  if (failed(bundle))
    return failure();
  if (runtime::Status status = cache.store(*key, writeBundle(*bundle));
      status.failed())
    remark(status.message());
  return bundle;
}
