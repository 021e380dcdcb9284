//===- Sm90ToNVVM.cpp - What each thread does
//------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"

#include "InlineAsm.h"
#include "Patterns.h"

#include "mlir/Conversion/SCFToControlFlow/SCFToControlFlow.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/SCF/Transforms/Patterns.h"

namespace mlir::attn {
#define GEN_PASS_DEF_CONVERTSM90TONVVMPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

//===----------------------------------------------------------------------===//
// Types and i32 arithmetic
//===----------------------------------------------------------------------===//

int64_t mlir::attn::sm90_to_nvvm::elementsPerThread(RankedTensorType type) {
  std::optional<sm90::Layout> layout = sm90::getLayout(type);
  if (layout && sm90::isAlongStrips(*layout)) {
    sm90::StripLanes lanes =
        sm90::getStripLanes(cast<sm90::LayoutAttr>(type.getEncoding()));
    return type.getNumElements() / (lanes.along * lanes.parts());
  }
  if (layout == sm90::Layout::ColumnStripsColumns ||
      layout == sm90::Layout::RowStripsRows)
    return sm90::kStripNeighbours;
  // The threads of a quad hold the same rows.
  if (type.getRank() == 1 && *sm90::getLayout(type) == sm90::Layout::Columns)
    return type.getNumElements() / 4;
  if (type.getRank() == 1)
    return type.getNumElements() * 4 / sm90::kWarpgroupThreads;
  return type.getNumElements() / sm90::kWarpgroupThreads;
}

int64_t mlir::attn::sm90_to_nvvm::registersOf(sm90::BitsType type) {
  constexpr int64_t kBitsOfThreads = 32 * sm90::kWarpgroupThreads;
  return llvm::divideCeil(type.getRows() * type.getColumns(), kBitsOfThreads);
}

FragmentConverter::FragmentConverter() {
  addConversion([](Type type) { return type; });
  addConversion([](RankedTensorType type, SmallVectorImpl<Type> &types) {
    if (!sm90::getLayout(type))
      return failure();
    int64_t count = elementsPerThread(type);
    if (type.getElementTypeBitWidth() == 16)
      types.append(count / 2, IntegerType::get(type.getContext(), 32));
    else
      types.append(count, type.getElementType());
    return success();
  });
  auto toAddress = [](Type type) -> Type {
    return IntegerType::get(type.getContext(), 32);
  };
  addConversion([=](sm90::BufferType type) { return toAddress(type); });
  addConversion([=](sm90::StageType type) { return toAddress(type); });
  addConversion([=](sm90::MBarrierType type) { return toAddress(type); });
  addConversion([=](sm90::TicketsType type) { return toAddress(type); });
  addConversion([](sm90::TensorMapType type) -> Type {
    return LLVM::LLVMPointerType::get(type.getContext());
  });
  addConversion([](sm90::BitsType type, SmallVectorImpl<Type> &types) {
    types.append(registersOf(type), IntegerType::get(type.getContext(), 32));
    return success();
  });
  addConversion([&](sm90::InFlightType type, SmallVectorImpl<Type> &types) {
    return success(succeeded(convertType(type.getResult(), types)) &&
                   succeeded(convertType(type.getLhs(), types)) &&
                   succeeded(convertType(type.getRhs(), types)));
  });
}

Value Int32::constant(int64_t value) {
  return arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(value));
}
Value Int32::add(Value x, Value y) {
  return arith::AddIOp::create(b, loc, x, y);
}
Value Int32::mul(Value x, int64_t y) {
  return arith::MulIOp::create(b, loc, x, constant(y));
}
Value Int32::bitAnd(Value x, int64_t mask) {
  return arith::AndIOp::create(b, loc, x, constant(mask));
}
Value Int32::bitOr(Value x, int64_t bits) {
  return arith::OrIOp::create(b, loc, x, constant(bits));
}
Value Int32::bitXor(Value x, Value y) {
  return arith::XOrIOp::create(b, loc, x, y);
}
Value Int32::shiftLeft(Value x, int64_t bits) {
  return arith::ShLIOp::create(b, loc, x, constant(bits));
}
Value Int32::shiftRight(Value x, int64_t bits) {
  return arith::ShRUIOp::create(b, loc, x, constant(bits));
}
Value Int32::rem(Value x, int64_t divisor) {
  return arith::RemUIOp::create(b, loc, x, constant(divisor));
}
Value Int32::div(Value x, int64_t divisor) {
  return arith::DivUIOp::create(b, loc, x, constant(divisor));
}
Value Int32::fromIndex(Value index) {
  return arith::IndexCastOp::create(b, loc, b.getI32Type(), index);
}
Value Int32::isZero(Value x) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x,
                               constant(0));
}
/// Of warps that are blocks of their own, the thread is that of the warpgroup
/// which they have been.
Value Int32::thread() {
  Value thread = NVVM::ThreadIdXOp::create(b, loc, b.getI32Type());
  Operation *parent = b.getInsertionBlock()->getParentOp();
  if (!getSchedule(parent).getSeparateWarps())
    return thread;
  Value block = NVVM::BlockIdXOp::create(b, loc, b.getI32Type());
  return add(shiftLeft(bitAnd(block, sm90::kStripWarps - 1), 5), thread);
}
Value Int32::warpgroup() {
  return NVVM::ShflOp::create(b, loc, b.getI32Type(), constant(-1),
                              shiftRight(thread(), 7), constant(0),
                              constant(31), NVVM::ShflKind::idx, UnitAttr());
}
Value Int32::threadOfWarpgroupAnew() {
  return NVVM::ShflOp::create(b, loc, b.getI32Type(), constant(-1),
                              threadOfWarpgroup(), constant(0), constant(31),
                              NVVM::ShflKind::bfly, UnitAttr());
}
Value Int32::firstRow() {
  return add(shiftLeft(warpOfWarpgroup(), 4), shiftRight(lane(), 2));
}
Value Int32::firstColumn() { return shiftLeft(bitAnd(lane(), 3), 1); }

//===----------------------------------------------------------------------===//
// Kernels and roles
//===----------------------------------------------------------------------===//

static constexpr StringLiteral kSharedMemoryName = "shared_memory";

/// What an instruction can number.
static constexpr int64_t kMostRegisters = 255;

namespace {

template <typename Op> struct RolePattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<Op>::OneToNOpAdaptor;
};

/// Replaces an op by an index computed in 32 bits.
template <typename Op, Value (*compute)(Int32 &, OpBuilder &, Location)>
struct LowerIndex : RolePattern<Op> {
  using RolePattern<Op>::RolePattern;
  LogicalResult
  matchAndRewrite(Op op, typename RolePattern<Op>::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    rewriter.replaceOpWithNewOp<arith::IndexCastOp>(
        op, rewriter.getIndexType(), compute(i32, rewriter, op.getLoc()));
    return success();
  }
};

} // namespace

static Value blockId(Int32 &, OpBuilder &b, Location loc) {
  return NVVM::BlockIdXOp::create(b, loc, b.getI32Type());
}
static Value gridSize(Int32 &, OpBuilder &b, Location loc) {
  return NVVM::GridDimXOp::create(b, loc, b.getI32Type());
}

Value mlir::attn::sm90_to_nvvm::sharedAddress(OpBuilder &b, Location loc,
                                              int64_t offset) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext(), 3);
  Value base = LLVM::AddressOfOp::create(b, loc, pointer, kSharedMemoryName);
  Int32 i32(b, loc);
  return i32.add(
      LLVM::PtrToIntOp::create(b, loc, b.getI32Type(), base).getResult(),
      offset);
}

/// Where a function keeps the schedule of the kernel that it has been.
static constexpr StringLiteral kKernelScheduleName = "sm90.schedule";

sm90::ScheduleAttr mlir::attn::sm90_to_nvvm::getSchedule(Operation *op) {
  auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
  if (!function)
    function = op->getParentOfType<LLVM::LLVMFuncOp>();
  return function->getAttrOfType<sm90::ScheduleAttr>(kKernelScheduleName);
}

namespace {

template <typename AllocOp> struct LowerAlloc : RolePattern<AllocOp> {
  using RolePattern<AllocOp>::RolePattern;
  LogicalResult
  matchAndRewrite(AllocOp op, typename RolePattern<AllocOp>::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op,
                       sharedAddress(rewriter, op.getLoc(), *op.getOffset()));
    return success();
  }
};

struct LowerBufferRows : RolePattern<sm90::BufferRowsOp> {
  using RolePattern::RolePattern;
  LogicalResult
  matchAndRewrite(sm90::BufferRowsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    rewriter.replaceOp(op, i32.add(adaptor.getBuffer().front(),
                                   static_cast<int64_t>(op.getFirst()) *
                                       sm90::kPanelRowBytes));
    return success();
  }
};

/// The first thread initialises the barriers.
struct LowerMBarrierInit : RolePattern<sm90::MBarrierInitOp> {
  using RolePattern::RolePattern;
  LogicalResult
  matchAndRewrite(sm90::MBarrierInitOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Value address = sharedAddress(rewriter, loc, *op.getOffset());
    auto branch = scf::IfOp::create(rewriter, loc, i32.isZero(i32.thread()),
                                    /*withElseRegion=*/false);
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      for (int64_t i = 0; i < op.getBarrier().getType().getStages(); ++i)
        ptx::mbarrierInit(rewriter, loc,
                          i32.add(address, sm90::kBarrierBytes * i),
                          op.getArrivals());
    }
    rewriter.replaceOp(op, address);
    return success();
  }
};

/// Warpgroups in front of the consumers are not counted.
struct LowerWarpgroupId : RolePattern<sm90::WarpgroupIdOp> {
  using RolePattern::RolePattern;
  LogicalResult
  matchAndRewrite(sm90::WarpgroupIdOp op, Adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    Value number =
        i32.add(i32.warpgroup(), -getSchedule(op).getFirstConsumer());
    rewriter.replaceOpWithNewOp<arith::IndexCastOp>(op, rewriter.getIndexType(),
                                                    number);
    return success();
  }
};

/// One branch for each role: what setmaxnreg needs to take effect.
struct LowerWarpRoles : RolePattern<sm90::WarpRolesOp> {
  using RolePattern::RolePattern;
  LogicalResult
  matchAndRewrite(sm90::WarpRolesOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;
};

} // namespace

LogicalResult
LowerWarpRoles::matchAndRewrite(sm90::WarpRolesOp op, Adaptor adaptor,
                                ConversionPatternRewriter &rewriter) const {
  Location loc = op.getLoc();
  sm90::ScheduleAttr schedule = getSchedule(op);
  Int32 i32(rewriter, loc);
  // The barriers are ready for every thread and for the copy engine.
  NVVM::FenceMbarrierInitOp::create(rewriter, loc);
  NVVM::BarrierOp::create(rewriter, loc);

  auto setRegisters = [&](int64_t registers, bool increase) {
    NVVM::SetMaxRegisterOp::create(rewriter, loc, registers,
                                   increase
                                       ? NVVM::SetMaxRegisterAction::increase
                                       : NVVM::SetMaxRegisterAction::decrease);
  };
  auto inlineInto = [&](Region &region, Block *block) {
    rewriter.eraseOp(region.front().getTerminator());
    rewriter.inlineBlockBefore(&region.front(), block->getTerminator());
  };
  /// A branch; the builder moves to its beginning.
  auto createIf = [&](Value condition, bool withElse) {
    auto branch = scf::IfOp::create(rewriter, loc, condition, withElse);
    rewriter.setInsertionPointToStart(branch.thenBlock());
    return branch;
  };
  Value warpgroup = i32.warpgroup();
  scf::IfOp roles = createIf(i32.isZero(warpgroup), /*withElse=*/true);
  setRegisters(schedule.getProducerRegisters(), /*increase=*/false);
  scf::IfOp elected = createIf(i32.isZero(i32.thread()), /*withElse=*/false);
  inlineInto(op.getProducer(), elected.thenBlock());
  rewriter.setInsertionPointAfter(elected);
  if (!op.getNumbers().empty()) {
    Value isSecondWarp =
        i32.isZero(i32.add(i32.shiftRight(i32.thread(), 5), -1));
    scf::IfOp numbers = createIf(isSecondWarp, /*withElse=*/false);
    inlineInto(op.getNumbers(), numbers.thenBlock());
    rewriter.setInsertionPointAfter(numbers);
  }
  if (!op.getGates().empty()) {
    Value isLastWarps =
        i32.isZero(i32.add(i32.shiftRight(i32.thread(), 6), -1));
    scf::IfOp gates = createIf(isLastWarps, /*withElse=*/false);
    inlineInto(op.getGates(), gates.thenBlock());
  }
  rewriter.setInsertionPointToStart(roles.elseBlock());
  if (!op.getAuxiliary().empty()) {
    roles = createIf(i32.isZero(i32.add(warpgroup, -kAuxiliaryWarpgroup)),
                     /*withElse=*/true);
    // All threads begin with the mean.
    int64_t consumers = schedule.getConsumerWarpgroups();
    int64_t own = schedule.getAuxiliaryRegisters();
    int64_t all = schedule.getProducerRegisters() + own +
                  consumers * schedule.getConsumerRegisters();
    setRegisters(own, /*increase=*/own * (2 + consumers) > all);
    inlineInto(op.getAuxiliary(), roles.thenBlock());
    rewriter.setInsertionPointToStart(roles.elseBlock());
  }
  setRegisters(schedule.getConsumerRegisters(), /*increase=*/true);
  inlineInto(op.getConsumer(), roles.elseBlock());
  rewriter.eraseOp(op);
  return success();
}

namespace {
/// Without roles there is nothing to branch on.
struct LowerWarps : RolePattern<sm90::WarpsOp> {
  using RolePattern::RolePattern;
  LogicalResult
  matchAndRewrite(sm90::WarpsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Block &body = op.getBody().front();
    rewriter.eraseOp(body.getTerminator());
    rewriter.inlineBlockBefore(&body, op);
    rewriter.eraseOp(op);
    return success();
  }
};
} // namespace

/// An llvm.func in the place of the kernel, with its body.
static LLVM::LLVMFuncOp createFunction(sm90::KernelOp kernel) {
  OpBuilder b(kernel);
  MLIRContext *context = b.getContext();
  Location loc = kernel.getLoc();
  auto pointer = LLVM::LLVMPointerType::get(context);
  SmallVector<Type> types;
  for (Type type : kernel.getArgumentTypes())
    types.push_back(isa<sm90::TensorMapType>(type) ? Type(pointer)
                    : type.isIndex()               ? b.getI32Type()
                                                   : type);
  auto function = LLVM::LLVMFuncOp::create(
      b, loc, kernel.getSymName(),
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(context), types));
  function->setAttr("nvvm.kernel", b.getUnitAttr());
  function->setAttr(
      "nvvm.maxntid",
      b.getDenseI32ArrayAttr({static_cast<int32_t>(kernel.getThreads())}));
  // Without it the assembler may ignore setmaxnreg.
  if (kernel.getSchedule().getWarpRoles())
    function->setAttr("nvvm.minctasm", b.getI32IntegerAttr(1));
  else
    function->setAttr(
        "nvvm.maxnreg",
        b.getI32IntegerAttr(std::min<int64_t>(
            kernel.getSchedule().getConsumerRegisters(), kMostRegisters)));
  function->setAttr(kKernelScheduleName, kernel.getSchedule());
  if (kernel.getSchedule().getJoinWaits())
    function->setAttr(kJoinWaitsName, b.getUnitAttr());

  Block *entry = function.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  auto mapBytes = LLVM::LLVMArrayType::get(b.getI8Type(), 128);
  SmallVector<Value> arguments;
  for (auto [index, type] : llvm::enumerate(kernel.getArgumentTypes())) {
    Value argument = entry->getArgument(index);
    if (isa<sm90::TensorMapType>(type)) {
      function.setArgAttr(index, "llvm.byval", TypeAttr::get(mapBytes));
      function.setArgAttr(index, "llvm.align", b.getI64IntegerAttr(64));
      function.setArgAttr(index, "nvvm.grid_constant", b.getUnitAttr());
      argument = UnrealizedConversionCastOp::create(b, loc, type, argument)
                     .getResult(0);
    } else if (type.isIndex()) {
      argument = arith::IndexCastOp::create(b, loc, type, argument);
    }
    arguments.push_back(argument);
  }
  Block &body = kernel.getBody().front();
  for (auto [old, argument] : llvm::zip(body.getArguments(), arguments))
    old.replaceAllUsesWith(argument);
  entry->getOperations().splice(entry->end(), body.getOperations());
  Operation *terminator = entry->getTerminator();
  b.setInsertionPoint(terminator);
  LLVM::ReturnOp::create(b, loc, ValueRange());
  terminator->erase();
  return function;
}

/// The dynamic shared memory of the module.
static void createSharedMemory(ModuleOp module) {
  auto b = OpBuilder::atBlockBegin(module.getBody());
  LLVM::GlobalOp::create(b, module.getLoc(),
                         LLVM::LLVMArrayType::get(b.getI8Type(), 0),
                         /*isConstant=*/false, LLVM::Linkage::External,
                         kSharedMemoryName, Attribute(), /*alignment=*/1024,
                         /*addrSpace=*/3);
}

namespace {
struct ConvertSm90ToNVVM
    : mlir::attn::impl::ConvertSm90ToNVVMPassBase<ConvertSm90ToNVVM> {
  void runOnOperation() override;

  LogicalResult convert(sm90::KernelOp kernel);
};
} // namespace

/// Makes branches of the loops of a kernel whose roles have no register to
/// spare, so that nothing is hoisted out of them.
static LogicalResult lowerLoops(LLVM::LLVMFuncOp function) {
  RewritePatternSet patterns(function->getContext());
  populateSCFToControlFlowConversionPatterns(patterns);
  ConversionTarget target(*function->getContext());
  target.addIllegalDialect<scf::SCFDialect>();
  target.markUnknownOpDynamicallyLegal([](Operation *) { return true; });
  return applyPartialConversion(function, target, std::move(patterns));
}

LogicalResult ConvertSm90ToNVVM::convert(sm90::KernelOp kernel) {
  if (!kernel.getSharedMemory())
    return kernel.emitOpError("has no shared_memory; run "
                              "sm90-assign-shared-memory first");
  bool hasAuxiliary = kernel.getSchedule().getAuxiliaryRegisters() != 0;
  LLVM::LLVMFuncOp function = createFunction(kernel);
  kernel.erase();
  initStagedStrips(function);

  FragmentConverter converter;
  RewritePatternSet patterns(&getContext());
  populateCopyPatterns(converter, patterns);
  populateFragmentPatterns(converter, patterns);
  populateMaskPatterns(converter, patterns);
  populateInstancePatterns(converter, patterns);
  populateProductPatterns(converter, patterns);
  populateDecayPatterns(converter, patterns);
  populateGatePatterns(converter, patterns);
  populateGateRowsPatterns(converter, patterns);
  populateExtremesPatterns(converter, patterns);
  populateReachPatterns(converter, patterns);
  populateRowNormsPatterns(converter, patterns);
  populateInversePatterns(converter, patterns);
  populateNumbersPatterns(converter, patterns);
  populateReadPatterns(converter, patterns);
  populateStorePatterns(converter, patterns);
  populateStripsPatterns(converter, patterns);
  populateStagedStripsPatterns(converter, patterns);
  patterns.add<LowerBufferRows, LowerAlloc<sm90::AllocOp>,
               LowerAlloc<sm90::TicketsAllocOp>, LowerMBarrierInit,
               LowerWarpRoles, LowerWarps, LowerIndex<sm90::BlockIdOp, blockId>,
               LowerIndex<sm90::GridSizeOp, gridSize>, LowerWarpgroupId>(
      converter, &getContext());
  ConversionTarget target(getContext());
  target.addIllegalDialect<sm90::Sm90Dialect>();
  target.markUnknownOpDynamicallyLegal([&](Operation *op) {
    return isa<UnrealizedConversionCastOp>(op) || converter.isLegal(op);
  });
  scf::populateSCFStructuralTypeConversionsAndLegality(converter, patterns,
                                                       target);
  if (failed(applyPartialConversion(function, target, std::move(patterns))))
    return failure();
  function->removeAttr(kKernelScheduleName);
  if (hasAuxiliary && failed(lowerLoops(function)))
    return failure();
  return expandMath(function);
}

void ConvertSm90ToNVVM::runOnOperation() {
  auto kernels = llvm::to_vector(getOperation().getOps<sm90::KernelOp>());
  if (kernels.empty())
    return;
  createSharedMemory(getOperation());
  for (sm90::KernelOp kernel : kernels)
    if (failed(convert(kernel)))
      return signalPassFailure();
}
