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

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace mlir;
using namespace mlir::attn;
namespace runtime = ::attn::runtime;

std::string mlir::attn::compilerVersion() { return "attn " ATTN_VERSION; }

using Kind = runtime::Term::Kind;

/// The size of a tensor along `axis`. The arguments of the function are the
/// first tensors of its kernels.
static runtime::Term sizeOf(BlockArgument tensor, int64_t axis) {
  return {Kind::Size, 0, static_cast<int32_t>(tensor.getArgNumber()),
          static_cast<int32_t>(axis)};
}

/// Whether a size is at least `least`.
static runtime::Expression createGuard(int64_t least, runtime::Term size) {
  if (least == 0)
    return {};
  return {{Kind::Constant, least}, size, {Kind::LessEqual}};
}

/// Whether the last block of so many keys has at least `least` of them.
static runtime::Expression createTailGuard(int64_t least, int64_t block,
                                           runtime::Term size) {
  if (least == 0)
    return {};
  // What the blocks hold without those that the last one may lack.
  return {{Kind::Constant, least - block},
          size,
          {Kind::Constant, block},
          {Kind::CeilDivide},
          {Kind::Constant, block},
          {Kind::Multiply},
          {Kind::Add},
          size,
          {Kind::LessEqual}};
}

/// Lets `guard` hold only where `other` does, too; one that is empty holds.
static void require(runtime::Expression &guard, runtime::Expression other) {
  bool wantsBoth = !guard.empty() && !other.empty();
  llvm::append_range(guard, other);
  if (wantsBoth)
    guard.push_back({Kind::And});
}

namespace {
/// A schedule, or none for the one that is selected, and when to use it.
struct GuardedSchedule {
  tile::ScheduleAttr schedule;
  runtime::Expression guard;
};
} // namespace

/// The ways to compute a program whose schedules have been selected, in the
/// order in which their guards are asked; the last one has none.
static SmallVector<GuardedSchedule> listSchedules(ModuleOp scheduled) {
  SmallVector<GuardedSchedule> schedules;
  auto add = [&](Operation *op, auto createGuardOf) {
    if (auto list = op->getAttrOfType<ArrayAttr>(kGuardedSchedulesAttrName))
      for (auto guarded : list.getAsRange<tile::GuardedScheduleAttr>())
        schedules.push_back({guarded.getSchedule(), createGuardOf(guarded)});
  };
  scheduled.walk([&](AttentionOp op) {
    auto key = dyn_cast<BlockArgument>(op.getKVTensors().key);
    if (key)
      add(op, [&](tile::GuardedScheduleAttr guarded) {
        int64_t axis = cast<RankedTensorType>(key.getType()).getRank() - 3;
        runtime::Term keys = sizeOf(key, axis);
        runtime::Expression guard = createGuard(guarded.getLeastKeys(), keys);
        require(guard,
                createTailGuard(guarded.getLeastTail(),
                                guarded.getSchedule().getBlockKv(), keys));
        return guard;
      });
  });
  scheduled.walk([&](RecurrenceOp op) {
    if (auto query = dyn_cast<BlockArgument>(op.getQuery()))
      add(op, [&](tile::GuardedScheduleAttr guarded) {
        return createGuard(guarded.getLeastBatch(), sizeOf(query, /*axis=*/0));
      });
  });
  schedules.emplace_back();
  return schedules;
}

/// Takes over the kernels of `way` and the only variant that launches them.
static void addVariant(runtime::TargetProgram &program,
                       runtime::TargetProgram way, runtime::Expression guard) {
  runtime::Variant variant = std::move(way.variants.front());
  for (runtime::KernelLaunch &launch : variant.launches)
    launch.kernel += static_cast<uint32_t>(program.kernels.size());
  variant.guard = std::move(guard);
  program.variants.push_back(std::move(variant));
  for (runtime::CompiledKernel &kernel : way.kernels)
    program.kernels.push_back(std::move(kernel));
}

static constexpr int64_t kCopyAlignment = 16;

/// Whether a kernel copies what a parameter says, or asks for what copies do.
static bool asksAsCopies(const runtime::KernelParameter &parameter) {
  return parameter.kind == runtime::KernelParameter::Kind::TensorMap ||
         parameter.alignment >= kCopyAlignment;
}

/// The inputs of the program that copies of a variant read, by number.
static llvm::SmallSetVector<int32_t, 4>
findCopied(const CompiledProgram &program, const runtime::Variant &variant) {
  llvm::SmallSetVector<int32_t, 4> copied;
  const auto &tensors = program.signature.tensors;
  for (const runtime::KernelLaunch &launch : variant.launches)
    for (const runtime::KernelParameter &parameter :
         program.program.kernels[launch.kernel].plan.parameters) {
      if (!asksAsCopies(parameter))
        continue;
      int32_t tensor = launch.tensors[parameter.tensor];
      if (static_cast<size_t>(tensor) < tensors.size() &&
          !tensors[tensor].isOutput)
        copied.insert(tensor);
    }
  return copied;
}

/// Asks in the guards of variants for what a copy asks of a tensor, where the
/// last one, which runs anything, does not copy from it.
static void guardCopies(CompiledProgram &program) {
  std::vector<runtime::Variant> &variants = program.program.variants;
  auto always = findCopied(program, variants.back());
  for (runtime::Variant &variant : MutableArrayRef(variants).drop_back())
    for (int32_t tensor : findCopied(program, variant)) {
      if (always.contains(tensor))
        continue;
      require(variant.guard, {{Kind::Aligned, kCopyAlignment, tensor}});
    }
}

static FailureOr<CompiledProgram>
compileVariants(ModuleOp module, const CompileOptions &options) {
  OwningOpRef<ModuleOp> scheduled = module.clone();
  if (failed(selectSchedules(*scheduled, options)))
    return failure();
  CompiledProgram result;
  result.program.target = options.target;
  for (GuardedSchedule &wanted : listSchedules(*scheduled)) {
    // Compiling consumes a module.
    OwningOpRef<ModuleOp> copy = scheduled->clone();
    if (wanted.schedule)
      copy->walk([&](Operation *op) {
        if (isa<AttentionOp, RecurrenceOp>(op))
          op->setAttr(kScheduleAttrName, wanted.schedule);
      });
    FailureOr<CompiledProgram> way = compileProgram(*copy, options);
    if (failed(way))
      return failure();
    result.signature = std::move(way->signature);
    addVariant(result.program, std::move(way->program),
               std::move(wanted.guard));
  }
  guardCopies(result);
  return result;
}

static FailureOr<runtime::Bundle> compileAnew(ModuleOp module,
                                              const CompileOptions &options) {
  runtime::Bundle bundle;
  bundle.compiler = compilerVersion();
  bool assembled = false;
  for (StringRef target : llvm::split(options.target, ',')) {
    CompileOptions forTarget = options;
    forTarget.target = target.str();
    FailureOr<CompiledProgram> compiled = compileVariants(module, forTarget);
    if (failed(compiled))
      return failure();
    assembled |= !compiled->program.kernels.back().cubin.empty();
    if (bundle.targets.empty())
      bundle.signature = std::move(compiled->signature);
    bundle.targets.push_back(std::move(compiled->program));
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
  const auto &[target, ptxas, assemble, cacheFolder, scheduleTable,
               reproducer] = options;
  std::string assembler = "none";
  if (assemble) {
    llvm::Expected<Assembler> found = findAssembler(ptxas);
    if (found)
      assembler = found->version;
    else if (std::string message = llvm::toString(found.takeError());
             !ptxas.empty())
      return runtime::failure(message);
  }
  std::string text, schedules;
  llvm::raw_string_ostream(text) << module;
  if (!scheduleTable.empty()) {
    // What it says counts, not where it lies. That there is none is said when
    // it is read.
    auto file = llvm::MemoryBuffer::getFile(scheduleTable);
    schedules = file ? (*file)->getBuffer().str() : "none";
  }
  KeyHash hash;
  for (StringRef field :
       {StringRef("bundle"), StringRef(compilerVersion()), StringRef(*identity),
        StringRef(assembler), StringRef(target), StringRef(schedules),
        StringRef(text)})
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
