//===- Compile.cpp - From a program to a kernel ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Compile.h"

#include "Sm90/Sm90.h"
#include "Tile/Tile.h"
#include "attn/Conversion/Passes.h"
#include "attn/Export/Assemble.h"
#include "attn/Export/BundleWriter.h"
#include "attn/Export/LaunchPlan.h"
#include "attn/Export/PtxLint.h"
#include "attn/Export/TranslateToPtx.h"
#include "attn/Schedule/Passes.h"
#include "attn/Target/TargetModel.h"
#include "attn/Transforms/Attention/Passes.h"
#include "attn/Transforms/Sm90/Passes.h"
#include "attn/Transforms/Tile/Passes.h"

#include "mlir/Conversion/AffineToStandard/AffineToStandard.h"
#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/ReconcileUnrealizedCasts/ReconcileUnrealizedCasts.h"
#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// Levels
//===----------------------------------------------------------------------===//

static void addSchedulePasses(OpPassManager &manager,
                              const CompileOptions &options) {
  manager.addPass(createLowerMaskOpsPass());
  manager.addPass(createDropMagnitudesPass());
  SelectSchedulePassOptions schedule;
  schedule.target = options.target;
  schedule.table = options.scheduleTable;
  manager.addPass(createSelectSchedulePass(schedule));
}

static void addTilePasses(OpPassManager &manager,
                          const CompileOptions &options) {
  addSchedulePasses(manager, options);
  manager.addPass(createStepRecurrencePass());
  manager.addPass(createChunkRecurrencePass());
  manager.addPass(createConvertAttentionToTilePass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  OpPassManager &kernels = manager.nest<tile::KernelOp>();
  kernels.addPass(tile::createHoistScoreDotPass());
  kernels.addPass(tile::createSplitMaskedLoopPass());
  kernels.addPass(tile::createInsertMaskTestPass());
  kernels.addPass(tile::createMergeBoundsPass());
  kernels.addPass(tile::createStageReadsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

static void addSm90Passes(OpPassManager &manager,
                          const CompileOptions &options) {
  manager.addPass(createConvertTileToSm90Pass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  OpPassManager &kernels = manager.nest<sm90::KernelOp>();
  kernels.addPass(sm90::createStackProductsPass());
  kernels.addPass(sm90::createOrderProductsPass());
  kernels.addPass(sm90::createHoistMaskPass());
  kernels.addPass(sm90::createNarrowTanhPass());
  kernels.addPass(sm90::createHoistReadsPass());
  kernels.addPass(sm90::createPairReadsPass());
  kernels.addPass(sm90::createJoinSumsPass());
  kernels.addPass(sm90::createSeparateWarpsPass());
  kernels.addPass(sm90::createInferLayoutsPass());
  kernels.addPass(sm90::createScaleVectorsPass());
  kernels.addPass(sm90::createStageStripsPass());
  sm90::AssignSharedMemoryPassOptions memory;
  memory.target = options.target;
  kernels.addPass(sm90::createAssignSharedMemoryPass(memory));
  kernels.addPass(sm90::createInsertProxyFencePass());
  // The constants that inference has separated.
  manager.addPass(createCSEPass());
}

/// The canonicaliser, for loops that carry the elements of fragments one by
/// one. It looks for two that are always equal among all pairs of them: half of
/// the time of all passes, and in vain, because no two fragments are by then.
static std::unique_ptr<Pass> createThreadCanonicalizerPass() {
  // As the compilers that LLVM may have been built with spell it. By another
  // name the pattern stays, which costs time only.
  static const std::string disabled[] = {
      "(anonymous namespace)::RemoveDuplicateSuccessorInputUses",
      "{anonymous}::RemoveDuplicateSuccessorInputUses"};
  return createCanonicalizerPass(GreedyRewriteConfig(), disabled);
}

static void addNVVMPasses(OpPassManager &manager) {
  manager.addPass(createConvertSm90ToNVVMPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createThreadCanonicalizerPass());
  manager.addPass(createCSEPass());
  // Index arithmetic that lowering affine maps has exposed.
  manager.addPass(createLoopInvariantCodeMotionPass());
  manager.addPass(createSCFToControlFlowPass());
  // Sizes and positions are below 2^31; what is not is an i64 by name.
  constexpr unsigned kIndexBits = 32;
  ArithToLLVMConversionPassOptions arith;
  arith.indexBitwidth = kIndexBits;
  manager.addPass(createArithToLLVMConversionPass(arith));
  manager.addPass(createConvertMathToLLVMPass());
  ConvertControlFlowToLLVMPassOptions branches;
  branches.indexBitwidth = kIndexBits;
  manager.addPass(createConvertControlFlowToLLVMPass(branches));
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addNestedPass<LLVM::LLVMFuncOp>(createJoinWaitsPass());
  // What there is to simplify is left to LLVM, which is quicker.
  manager.addPass(createCSEPass());
}

// A release checks what all of the passes leave together: checking what each of
// them does takes a quarter of their time.
#ifdef NDEBUG
static constexpr bool kVerifiesEach = false;
#else
static constexpr bool kVerifiesEach = true;
#endif

static LogicalResult runPasses(ModuleOp module, const CompileOptions &options,
                               function_ref<void(OpPassManager &)> add) {
  PassManager manager(module.getContext());
  add(manager);
  manager.enableVerifier(kVerifiesEach);
  if (!options.reproducer.empty())
    manager.enableCrashReproducerGeneration(options.reproducer);
  LogicalResult result = manager.run(module);
  if (succeeded(result) && !kVerifiesEach)
    result = verify(module);
  if (failed(result) && !options.reproducer.empty())
    emitRemark(module.getLoc(), "attn-reduce makes the program in '")
        << options.reproducer << "' smaller";
  return result;
}

/// The model of the target, or a diagnostic.
static const TargetModel *findTarget(ModuleOp module,
                                     const CompileOptions &options) {
  const TargetModel *model = TargetModel::lookup(options.target);
  if (!model)
    module.emitError("expected a target of ")
        << TargetModel::known() << ", got '" << options.target << "'";
  return model;
}

LogicalResult mlir::attn::selectSchedules(ModuleOp module,
                                          const CompileOptions &options) {
  return runPasses(module, options, [&](OpPassManager &manager) {
    addSchedulePasses(manager, options);
  });
}

LogicalResult mlir::attn::lowerToLevel(ModuleOp module, EmitLevel level,
                                       const CompileOptions &options) {
  if (!findTarget(module, options))
    return failure();
  return runPasses(module, options, [&](OpPassManager &manager) {
    if (level >= EmitLevel::Tile)
      addTilePasses(manager, options);
    if (level >= EmitLevel::Sm90)
      addSm90Passes(manager, options);
    if (level >= EmitLevel::NVVM)
      addNVVMPasses(manager);
  });
}

//===----------------------------------------------------------------------===//
// Text and bytes
//===----------------------------------------------------------------------===//

/// PTX from the NVVM level. What the assembler would quietly serialise is an
/// error.
static FailureOr<std::string> createPtx(ModuleOp module,
                                        const TargetModel &target) {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> llvmModule =
      translateToLLVM(module, context, target);
  if (!llvmModule)
    return failure();
  FailureOr<std::string> ptx = compileToPtx(module, *llvmModule, target);
  if (failed(ptx))
    return failure();
  std::vector<PtxLintFinding> findings = lintPtx(*ptx);
  for (const PtxLintFinding &finding : findings)
    module.emitError("PTX line ") << finding.line << ": " << finding.message;
  return findings.empty() ? ptx : FailureOr<std::string>(failure());
}

/// The cubin of `ptx`, with no advisory and no spill.
static FailureOr<std::vector<uint8_t>> createCubin(ModuleOp module,
                                                   StringRef ptx,
                                                   StringRef target,
                                                   const Assembler &assembler) {
  llvm::Expected<AssemblyReport> report = assemblePtx(ptx, target, assembler);
  llvm::Error error = report ? checkAssembly(*report) : report.takeError();
  if (error)
    return module.emitError(llvm::toString(std::move(error)));
  return std::move(report->cubin);
}

LogicalResult mlir::attn::emitLevel(ModuleOp module, EmitLevel level,
                                    const CompileOptions &options,
                                    std::string &output) {
  if (level == EmitLevel::Bundle) {
    FailureOr<::attn::runtime::Bundle> bundle = compileBundle(module, options);
    if (failed(bundle))
      return failure();
    output = writeBundle(*bundle);
    return success();
  }
  if (failed(lowerToLevel(module, EmitLevel::NVVM, options)))
    return failure();
  const TargetModel &target = *TargetModel::lookup(options.target);
  if (level == EmitLevel::LLVM) {
    llvm::LLVMContext context;
    std::unique_ptr<llvm::Module> llvmModule =
        translateToLLVM(module, context, target);
    if (!llvmModule)
      return failure();
    llvm::raw_string_ostream(output) << *llvmModule;
    return success();
  }
  FailureOr<std::string> ptx = createPtx(module, target);
  if (failed(ptx))
    return failure();
  if (level == EmitLevel::PTX) {
    output = std::move(*ptx);
    return success();
  }
  llvm::Expected<Assembler> assembler = findAssembler(options.ptxas);
  if (!assembler)
    return module.emitError(llvm::toString(assembler.takeError()));
  FailureOr<std::vector<uint8_t>> cubin =
      createCubin(module, *ptx, options.target, *assembler);
  if (failed(cubin))
    return failure();
  output.assign(cubin->begin(), cubin->end());
  return success();
}

/// Makes the cubin of a kernel, where that is wanted and there is an assembler.
static LogicalResult assemble(ModuleOp module, const CompileOptions &options,
                              ::attn::runtime::CompiledKernel &kernel) {
  if (!options.assemble)
    return success();
  llvm::Expected<Assembler> assembler = findAssembler(options.ptxas);
  if (!assembler) {
    // Without one the driver assembles, unless the user has named one.
    if (!options.ptxas.empty())
      return module.emitError(llvm::toString(assembler.takeError()));
    llvm::consumeError(assembler.takeError());
    return success();
  }
  FailureOr<std::vector<uint8_t>> cubin =
      createCubin(module, kernel.ptx, options.target, *assembler);
  if (failed(cubin))
    return failure();
  kernel.cubin = std::move(*cubin);
  return success();
}

/// Compiles the only kernel of a module of the sm90 level.
static FailureOr<::attn::runtime::CompiledKernel>
compileKernel(ModuleOp module, const CompileOptions &options) {
  ::attn::runtime::CompiledKernel kernel;
  kernel.plan = createLaunchPlan(*module.getOps<sm90::KernelOp>().begin());
  if (failed(runPasses(module, options, addNVVMPasses)))
    return failure();
  FailureOr<std::string> ptx =
      createPtx(module, *TargetModel::lookup(options.target));
  if (failed(ptx))
    return failure();
  kernel.ptx = std::move(*ptx);
  if (failed(assemble(module, options, kernel)))
    return failure();
  return kernel;
}

FailureOr<CompiledProgram>
mlir::attn::compileProgram(ModuleOp module, const CompileOptions &options) {
  if (failed(lowerToLevel(module, EmitLevel::Sm90, options)))
    return failure();
  auto kernels = llvm::to_vector(module.getOps<sm90::KernelOp>());
  int64_t functions = llvm::count_if(
      kernels, [](sm90::KernelOp kernel) { return !isPreparation(kernel); });
  if (functions != 1)
    return module.emitError("expected exactly one function to compile, got ")
           << functions;
  CompiledProgram result;
  result.signature = createSignature(kernels.back());
  result.program.target = options.target;
  result.program.variants.push_back(createVariant(kernels));
  for (sm90::KernelOp kernel : kernels) {
    OwningOpRef<ModuleOp> own = ModuleOp::create(module.getLoc());
    own->push_back(kernel->clone());
    FailureOr<::attn::runtime::CompiledKernel> compiled =
        compileKernel(*own, options);
    if (failed(compiled))
      return failure();
    result.program.kernels.push_back(std::move(*compiled));
  }
  return result;
}
