//===- Sm90Ops.cpp - Verifiers of the sm90 dialect ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sm90/Sm90.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sm90;

#define GET_OP_CLASSES
#include "Sm90/Sm90Ops.cpp.inc"

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

SmallVector<std::pair<Value, Layout>, 2>
mlir::sm90::getFixedLayouts(Operation *op) {
  using Pairs = SmallVector<std::pair<Value, Layout>, 2>;
  return TypeSwitch<Operation *, Pairs>(op)
      .Case([](WgmmaAsyncOp product) {
        Pairs pairs;
        if (isa<RankedTensorType>(product.getLhs().getType()))
          pairs.push_back({product.getLhs(), Layout::OperandA});
        if (product.getAcc())
          pairs.push_back({product.getAcc(), Layout::Accumulator});
        return pairs;
      })
      .Case([](WgmmaWaitOp wait) {
        return Pairs{{wait.getResult(), Layout::Accumulator}};
      })
      .Case([](LoadFragmentOp load) {
        return Pairs{{load.getFragment(), load.getTransposed()
                                              ? Layout::Accumulator
                                              : Layout::OperandA}};
      })
      .Case([](StoreFragmentOp store) {
        return Pairs{{store.getFragment(), Layout::Accumulator}};
      })
      .Case([](StoreMatrixOp store) {
        return Pairs{{store.getFragment(), Layout::Accumulator}};
      })
      .Case([](StoreRowsOp store) {
        return Pairs{{store.getRows(), Layout::Rows}};
      })
      .Case([](ReduceColumnsOp reduce) {
        return Pairs{{reduce.getSource(), Layout::Accumulator},
                     {reduce.getResult(), Layout::PartialRows}};
      })
      .Case([](CombineQuadOp combine) {
        return Pairs{{combine.getSource(), Layout::PartialRows},
                     {combine.getResult(), Layout::Rows}};
      })
      .Case([](BroadcastRowsOp broadcast) {
        return Pairs{{broadcast.getSource(), Layout::Rows},
                     {broadcast.getResult(), Layout::Accumulator}};
      })
      .Case([](BroadcastColumnsOp broadcast) {
        return Pairs{{broadcast.getSource(), Layout::Columns},
                     {broadcast.getResult(), Layout::Accumulator}};
      })
      .Case([](DecayRatiosOp ratios) {
        Pairs pairs{{ratios.getResult(), Layout::Accumulator}};
        if (ratios.getRows())
          pairs.push_back({ratios.getRows(), Layout::Rows});
        if (ratios.getColumns())
          pairs.push_back({ratios.getColumns(), Layout::Columns});
        return pairs;
      })
      .Case<LoadStateOp, StoreStateOp>([](auto access) {
        return Pairs{{access.getFragment(), Layout::Accumulator}};
      })
      .Case([](InvertUnitLowerOp inverse) {
        return Pairs{{inverse.getMatrix(), Layout::Accumulator}};
      })
      .Case([](ScaleColumnsOp scale) {
        return Pairs{{scale.getSource(), Layout::Accumulator},
                     {scale.getResult(), Layout::Accumulator}};
      })
      .Case<DecayTokensOp, DecayedDotsOp>([](auto decayed) {
        Pairs pairs;
        for (ValueRange values : {ValueRange(decayed->getOperands()),
                                  ValueRange(decayed->getResults())})
          for (Value value : values)
            if (isa<RankedTensorType>(value.getType()))
              pairs.push_back({value, Layout::Accumulator});
        return pairs;
      })
      .Case<LoadNumbersOp, FirstNumbersOp, CumulativeSumOp, ExtractOp,
            StoreNumbersOp>([](auto numbers) {
        Pairs pairs;
        for (ValueRange values : {ValueRange(numbers->getOperands()),
                                  ValueRange(numbers->getResults())})
          for (Value value : values)
            if (isa<RankedTensorType>(value.getType()))
              pairs.push_back({value, Layout::Lanes});
        return pairs;
      })
      .Case([](ReduceStripsOp reduce) {
        bool byColumns = reduce.getAxis() == 0;
        Layout matrix = byColumns ? Layout::ColumnStrips : Layout::RowStrips;
        return Pairs{
            {reduce.getSource(), matrix},
            {reduce.getResult(), *getVectorLayout(matrix, byColumns ? 1 : 0)}};
      })
      .Default([](Operation *) { return Pairs(); });
}

LogicalResult mlir::sm90::detail::verifyFixedLayouts(Operation *op) {
  for (auto [value, expected] : getFixedLayouts(op)) {
    auto type = dyn_cast<RankedTensorType>(value.getType());
    std::optional<Layout> got = type ? getLayout(type) : std::nullopt;
    if (got && *got != expected)
      return op->emitOpError("expected a fragment in the layout ")
             << stringifyLayout(expected) << ", got one in "
             << stringifyLayout(*got);
  }
  return success();
}

//===----------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------===//

/// The arguments are called after their tensor; a size has its axis appended.
void KernelOp::getAsmBlockArgumentNames(Region &region,
                                        OpAsmSetValueNameFn setName) {
  for (BlockArgument argument : region.getArguments()) {
    unsigned index = argument.getArgNumber();
    if (getArgAttr(index, getCounterAttrName()))
      setName(argument, "counter");
    auto number = getArgAttrOfType<IntegerAttr>(index, getTensorAttrName());
    if (!number || number.getValue().uge(getTensors().size()))
      continue;
    auto tensor = cast<TensorAttr>(getTensors()[number.getInt()]);
    std::string name = tensor.getName().str();
    if (auto axis = getArgAttrOfType<IntegerAttr>(index, getAxisAttrName()))
      name += (argument.getType().isIndex() ? "_size" : "_stride") +
              std::to_string(axis.getInt());
    setName(argument, name);
  }
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Type> resultTypes;
  SmallVector<DictionaryAttr> resultAttrs;
  bool isVariadic = false;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name),
                             result.attributes) ||
      function_interface_impl::parseFunctionSignatureWithArguments(
          parser, /*allowVariadic=*/false, arguments, isVariadic, resultTypes,
          resultAttrs))
    return failure();

  SmallVector<Type> inputs;
  for (OpAsmParser::Argument &argument : arguments)
    inputs.push_back(argument.type);
  Builder &builder = parser.getBuilder();
  result.addAttribute(
      getFunctionTypeAttrName(result.name),
      TypeAttr::get(builder.getFunctionType(inputs, resultTypes)));
  if (parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  call_interface_impl::addArgAndResultAttrs(
      builder, result, arguments, resultAttrs, getArgAttrsAttrName(result.name),
      getResAttrsAttrName(result.name));
  return parser.parseRegion(*result.addRegion(), arguments);
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << " ";
  printer.printSymbolName(getSymName());
  function_interface_impl::printFunctionSignature(
      printer, *this, getArgumentTypes(), /*isVariadic=*/false,
      getResultTypes());
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(), {getSymNameAttrName(), getFunctionTypeAttrName(),
                            getArgAttrsAttrName(), getResAttrsAttrName()});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

/// C2: which tensor an argument belongs to, and which axis a size or a stride
/// is of.
static LogicalResult verifyArgumentAttrs(KernelOp kernel, unsigned index) {
  if (isa<LLVM::LLVMPointerType>(kernel.getArgumentTypes()[index]) &&
      kernel.getArgAttr(index, KernelOp::getCounterAttrName()))
    return success();
  auto tensor = kernel.getArgAttrOfType<IntegerAttr>(
      index, KernelOp::getTensorAttrName());
  int64_t count = kernel.getTensors().size();
  if (!tensor || tensor.getInt() < 0 || tensor.getInt() >= count)
    return kernel.emitOpError("expected sm90.tensor of argument ")
           << index << " to be a number below " << count;
  if (!kernel.getArgumentTypes()[index].isIntOrIndex())
    return success();
  auto axis =
      kernel.getArgAttrOfType<IntegerAttr>(index, KernelOp::getAxisAttrName());
  auto described = cast<TensorAttr>(kernel.getTensors()[tensor.getInt()]);
  int64_t rank = described.getType().getRank();
  if (!axis || axis.getInt() < 0 || axis.getInt() >= rank)
    return kernel.emitOpError("expected sm90.axis of argument ")
           << index << " to be an axis below " << rank;
  return success();
}

/// C7: what an alignment is of.
static LogicalResult verifyAlignment(KernelOp kernel, unsigned index) {
  Attribute attr = kernel.getArgAttr(index, KernelOp::getAlignmentAttrName());
  auto alignment = dyn_cast_or_null<IntegerAttr>(attr);
  bool isPointer =
      isa<LLVM::LLVMPointerType>(kernel.getArgumentTypes()[index]) &&
      !kernel.getArgAttr(index, KernelOp::getCounterAttrName());
  if (!attr || (isPointer && alignment && alignment.getInt() > 0 &&
                llvm::isPowerOf2_64(alignment.getInt())))
    return success();
  return kernel.emitOpError("expected sm90.alignment of argument ")
         << index << " to be a power of two, of a pointer to a tensor, got "
         << attr;
}

LogicalResult KernelOp::verify() {
  for (auto [index, type] : llvm::enumerate(getArgumentTypes())) {
    auto pointer = dyn_cast<LLVM::LLVMPointerType>(type);
    if (!isa<TensorMapType, IndexType>(type) && !type.isSignlessInteger(64) &&
        !(pointer && pointer.getAddressSpace() == 1)) // C1
      return emitOpError("expected argument ")
             << index
             << " to be a tensor map, a !llvm.ptr<1>, an index or an i64, got "
             << type;
    if (failed(verifyArgumentAttrs(*this, index)) || // C2
        failed(verifyAlignment(*this, index)))       // C7
      return failure();
  }
  if (!getResultTypes().empty()) // C4
    return emitOpError("expected no results, got ") << getResultTypes().size();
  auto tensors = getTensors().getAsRange<TensorAttr>();
  int64_t count = getTensors().size();
  for (auto extent : getInstances().getAsRange<ExtentAttr>()) { // C5
    ArrayRef<int64_t> sizes = extent.getSizes();
    for (; !sizes.empty(); sizes = sizes.drop_front(2))
      if (sizes[0] < 0 || sizes[0] >= count || sizes[1] < 0 ||
          sizes[1] >=
              (*std::next(tensors.begin(), sizes[0])).getType().getRank())
        return emitOpError("expected extents of axes of the ")
               << count << " tensors, got " << extent;
  }
  return success();
}

LogicalResult KernelOp::verifyRegions() {
  auto countOps = [](auto ops) {
    return std::distance(ops.begin(), ops.end());
  };
  Block &body = getBody().front();
  auto roles = countOps(body.getOps<WarpRolesOp>());
  auto warps = countOps(body.getOps<WarpsOp>());
  if (getSchedule().getWarpRoles() && roles != 1) // C3
    return emitOpError("expected exactly one sm90.warp_roles in the body, got ")
           << roles;
  if (!getSchedule().getWarpRoles() && (warps != 1 || roles != 0)) // C3
    return emitOpError("expected exactly one sm90.warps and no roles in the "
                       "body, got ")
           << warps << " and " << roles;
  if (!getSharedMemory())
    return success();
  WalkResult result = walk([](Operation *op) { // C6
    if (!isa<AllocOp, MBarrierInitOp, TicketsAllocOp, FindExtremesOp,
             FindReachOp>(op) ||
        op->hasAttr("offset"))
      return WalkResult::advance();
    op->emitOpError("expected an offset in a kernel with shared_memory, got "
                    "none");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

LogicalResult WarpRolesOp::verifyRegions() {
  auto kernel = cast<KernelOp>((*this)->getParentOp());
  bool isWanted = kernel.getSchedule().getAuxiliaryRegisters() != 0;
  if (isWanted == getAuxiliary().empty()) // C1
    return emitOpError("expected an auxiliary exactly where the schedule has "
                       "auxiliary_registers");
  return success();
}

//===----------------------------------------------------------------------===//
// Shared memory and its stages
//===----------------------------------------------------------------------===//

/// Whether a use leaves the stage with its owner.
static bool isAccess(OpOperand &use) {
  if (auto product = dyn_cast<WgmmaAsyncOp>(use.getOwner()))
    return product.getKeeps() || &use == &product.getLhsMutable();
  return isa<LoadFragmentOp, StoreFragmentOp, TmaStoreAsyncOp, LoadRowOp,
             LoadElementOp, StoreNumbersOp, InvertUnitLowerOp, ScaleColumnsOp,
             CopyGatesOp, DecayTokensOp, DecayedDotsOp>(use.getOwner());
}

/// Where an access to a stage is complete, or null.
static Operation *getCompletion(Operation *access) {
  if (auto product = dyn_cast<WgmmaAsyncOp>(access))
    return product.getResult().hasOneUse() ? *product.getResult().user_begin()
                                           : nullptr;
  if (!isa<TmaStoreAsyncOp>(access))
    return access;
  while ((access = access->getNextNode()))
    if (isa<TmaStoreWaitOp>(access))
      return access;
  return nullptr;
}

/// A stage is accessed any number of times and then given back once: to the
/// producer, to a copy that fills it, or to a product that borrows it.
static LogicalResult verifyGivenBackOnce(Operation *op, Value stage) {
  SmallVector<Operation *> accesses, takers;
  for (OpOperand &use : stage.getUses())
    (isAccess(use) ? accesses : takers).push_back(use.getOwner());
  if (takers.size() != 1 || takers.front()->getBlock() != op->getBlock() ||
      !isa<ReleaseOp, FillOp, TmaLoadAsyncOp, WgmmaAsyncOp>(takers.front()))
    return op->emitOpError("expected the stage to be given back exactly once, "
                           "in the same block, got ")
           << takers.size() << " uses that take it";
  for (Operation *access : accesses) {
    Operation *end = getCompletion(access);
    Operation *ancestor =
        end ? op->getBlock()->findAncestorOpInBlock(*end) : nullptr;
    if (!ancestor || !ancestor->isBeforeInBlock(takers.front()))
      return access->emitOpError("expected the access to the stage to be "
                                 "complete before it is given back");
  }
  return success();
}

template <typename AwaitOp> static LogicalResult verifyAwait(AwaitOp op) {
  BufferType buffer = op.getBuffer().getType();
  if (buffer.getStages() != op.getBarrier().getType().getStages()) // C1
    return op.emitOpError("expected buffer and barrier of the same number of "
                          "stages, got ")
           << buffer << " and " << op.getBarrier().getType();
  StageType box = buffer.getStageType();
  if (op.getStage().getType() != box) // C2
    return op.emitOpError("expected a result of type ")
           << box << ", got " << op.getStage().getType();
  return verifyGivenBackOnce(op, op.getStage()); // C3
}

LogicalResult AwaitFullOp::verify() { return verifyAwait(*this); }
LogicalResult AwaitEmptyOp::verify() { return verifyAwait(*this); }

//===----------------------------------------------------------------------===//
// Instances
//===----------------------------------------------------------------------===//

static LogicalResult verifyTicket(Operation *op, TicketsType tickets,
                                  MBarrierType barrier) {
  if (tickets.getStages() == barrier.getStages())
    return success();
  return op->emitOpError("expected a barrier of ")
         << tickets.getStages() << " stages, as many as there are tickets, got "
         << barrier;
}

LogicalResult TicketPutOp::verify() {
  TicketsType tickets = getTickets().getType();
  if (failed(verifyTicket(*this, tickets, getFull().getType()))) // C1
    return failure();
  int64_t count = getValues().size();
  if (count != tickets.getValues()) // C2
    return emitOpError("expected ")
           << tickets.getValues()
           << " values, as many as a ticket has room for, got " << count;
  return success();
}

LogicalResult TicketTakeOp::verify() {
  return verifyTicket(*this, getTickets().getType(), getFull().getType()); // C1
}

LogicalResult TicketTakeOp::inferReturnTypes(MLIRContext *context,
                                             std::optional<Location>,
                                             Adaptor adaptor,
                                             SmallVectorImpl<Type> &types) {
  auto tickets = cast<TicketsType>(adaptor.getTickets().getType());
  Builder builder(context);
  types.assign({builder.getIndexType(), builder.getI1Type()});
  types.append(tickets.getValues(), builder.getIndexType());
  return success();
}
LogicalResult TicketReturnOp::verify() {
  return verifyTicket(*this, getTickets().getType(),
                      getEmpty().getType()); // C1
}
LogicalResult TicketAwaitReturnOp::verify() {
  return verifyTicket(*this, getTickets().getType(),
                      getEmpty().getType()); // C1
}

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

static LogicalResult verifyIndices(Operation *op, TensorMapType map,
                                   size_t count) {
  if (count == static_cast<size_t>(map.getIndices()))
    return success();
  return op->emitOpError("expected ")
         << map.getIndices() << " indices, one per axis of the tensor"
         << (map.getSliced() ? " and the end of the slice" : "") << ", got "
         << count;
}

LogicalResult TmaLoadAsyncOp::verify() {
  TensorMapType map = getMap().getType();
  StageType stage = getStage().getType();
  if (failed(verifyIndices(*this, map, getIndices().size()))) // C1
    return failure();
  if (map.getRows() != stage.getRows() ||
      map.getColumns() != stage.getColumns() ||
      map.getElementType() != stage.getElementType()) // C2
    return emitOpError("expected a stage with the box of ")
           << map << ", got " << stage;
  return success();
}

/// A fragment of 64 rows that matches the columns of memory.
static LogicalResult verifyFragmentOf(Operation *op, RankedTensorType fragment,
                                      int64_t columns, Type elementType) {
  if (fragment.getDimSize(0) == kWarpgroupRows &&
      fragment.getDimSize(1) == columns &&
      fragment.getElementType() == elementType)
    return success();
  return op->emitOpError("expected a fragment of ")
         << kWarpgroupRows << "x" << columns << "x" << elementType << ", got "
         << fragment;
}

LogicalResult LoadFragmentOp::verify() {
  StageType stage = getStage().getType();
  return verifyFragmentOf(
      *this, cast<RankedTensorType>(getFragment().getType()),
      getTransposed() ? stage.getRows() : stage.getColumns(),
      stage.getElementType()); // C1
}

/// A buffer of one stage is accessed as a stage is.
static LogicalResult verifyOneStage(Operation *op, Type memory) {
  auto buffer = dyn_cast<BufferType>(memory);
  if (!buffer || buffer.getStages() == 1)
    return success();
  return op->emitOpError("expected a buffer of one stage, got ") << buffer;
}

LogicalResult StoreFragmentOp::verify() {
  if (failed(verifyOneStage(*this, getMemory().getType()))) // C2
    return failure();
  StageType box = asStage(getMemory().getType());
  auto fragment = cast<RankedTensorType>(getFragment().getType());
  if (getTransposed() && box.getColumns() != kWarpgroupRows) // C1
    return emitOpError("expected memory of ")
           << kWarpgroupRows << " columns for a transposed fragment, got "
           << getMemory().getType();
  int64_t columns = getTransposed()
                        ? fragment.getDimSize(1)
                        : std::min(fragment.getDimSize(1), box.getColumns());
  return verifyFragmentOf(*this, fragment, columns, box.getElementType()); // C1
}

LogicalResult TmaStoreAsyncOp::verify() {
  TensorMapType map = getMap().getType();
  if (failed(verifyIndices(*this, map, getIndices().size())) || // C1
      failed(verifyOneStage(*this, getMemory().getType())))     // C3
    return failure();
  StageType box = asStage(getMemory().getType());
  if (map.getColumns() > box.getColumns() ||
      map.getElementType() != box.getElementType()) // C2
    return emitOpError("expected memory with the columns of ")
           << map << ", got " << getMemory().getType();
  return success();
}

LogicalResult ReadOp::verify() {
  // C1
  size_t rank = getIndices().size();
  if (getSizes().size() != rank ||
      getStrides().size() != std::max<size_t>(rank, 1) - 1)
    return emitOpError("expected a size for each of ")
           << rank << " indices and a stride for each but the last, got "
           << getSizes().size() << " and " << getStrides().size();
  return success();
}

LogicalResult WriteOp::verify() {
  if (getIndices().size() != getStrides().size() + 1) // C1
    return emitOpError("expected one stride less than indices, got ")
           << getStrides().size() << " and " << getIndices().size();
  return success();
}

LogicalResult StoreRowsOp::verify() {
  int64_t rows = cast<RankedTensorType>(getRows().getType()).getDimSize(0);
  if (rows != kWarpgroupRows) // C1
    return emitOpError("expected ") << kWarpgroupRows << " rows, got " << rows;
  return success();
}

LogicalResult StoreMatrixOp::verify() {
  auto type = cast<RankedTensorType>(getFragment().getType());
  if (type.getDimSize(0) != kWarpgroupRows ||
      type.getElementTypeBitWidth() != 16) // C1
    return emitOpError("expected a fragment of ")
           << kWarpgroupRows << " rows of 16-bit elements, got " << type;
  return success();
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

template <typename Access> static LogicalResult verifyState(Access op) {
  // C1
  std::optional<Type> element = op.getElement();
  if (element && !isa<BFloat16Type, Float16Type>(*element))
    return op.emitOpError("expected elements of bf16 or f16 where they are not "
                          "f32, got ")
           << *element;
  return success();
}

LogicalResult LoadStateOp::verify() { return verifyState(*this); }
LogicalResult StoreStateOp::verify() { return verifyState(*this); }

//===----------------------------------------------------------------------===//
// Strips
//===----------------------------------------------------------------------===//

template <typename Access> static LogicalResult verifyStripsAccess(Access op) {
  auto fragment = cast<RankedTensorType>(op.getFragment().getType());
  size_t rank = op.getIndices().size();
  if (rank == 0 || op.getSizes().size() != rank ||
      op.getStrides().size() != rank - 1) // C1
    return op.emitOpError("expected a size for each of ")
           << rank << " indices and a stride for each but the last one, got "
           << op.getSizes().size() << " and " << op.getStrides().size();
  ArrayRef<int64_t> axes = op.getAxes();
  bool fits = !axes.empty() &&
              axes.size() == static_cast<size_t>(fragment.getRank()) &&
              axes.front() >= 0 && llvm::is_sorted(axes) &&
              axes.back() == static_cast<int64_t>(rank) - 1 &&
              (axes.size() == 1 || axes[0] != axes[1]);
  if (!fits) // C2
    return op.emitOpError("expected ")
           << fragment.getRank() << " increasing axes, the last one of them "
           << rank - 1 << ", got [" << axes << "]";
  Type element = op.getElement();
  if (!element.isBF16() && !element.isF16() && !element.isF32()) // C3
    return op.emitOpError("expected elements of bf16, f16 or f32, got ")
           << element;
  return success();
}

LogicalResult LoadStripsOp::verify() { return verifyStripsAccess(*this); }
LogicalResult StoreStripsOp::verify() { return verifyStripsAccess(*this); }

/// A vector that belongs to the other axis of a matrix than `axis`.
static LogicalResult verifyAcross(Operation *op, int64_t axis, Type matrix,
                                  Type vector) {
  if (axis != 0 && axis != 1) // C1
    return op->emitOpError("expected axis 0 or 1, got ") << axis;
  int64_t expected = cast<RankedTensorType>(matrix).getDimSize(1 - axis);
  int64_t got = cast<RankedTensorType>(vector).getDimSize(0);
  if (expected != got) // C2
    return op->emitOpError("expected a vector of ")
           << expected << " elements, got " << got;
  return success();
}

LogicalResult ReduceStripsOp::verify() {
  return verifyAcross(*this, getAxis(), getSource().getType(),
                      getResult().getType());
}

LogicalResult BroadcastStripsOp::verify() {
  auto matrix = cast<RankedTensorType>(getResult().getType());
  auto vector = cast<RankedTensorType>(getSource().getType());
  if (failed(verifyAcross(*this, getAxis(), matrix, vector)))
    return failure();
  std::optional<Layout> of = getLayout(matrix), own = getLayout(vector);
  if (of && own && getVectorLayout(*of, 1 - getAxis()) != own) // C3
    return emitOpError("expected the layout of a vector of ")
           << stringifyLayout(*of) << ", got " << stringifyLayout(*own);
  return success();
}

LogicalResult ReduceVectorOp::verify() {
  std::optional<Layout> layout =
      getLayout(cast<RankedTensorType>(getSource().getType()));
  if (layout && !isAlongStrips(*layout)) // C1
    return emitOpError("expected a vector along strips, got one in ")
           << stringifyLayout(*layout);
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Rows, columns and element type of the left operand of a product.
static std::tuple<int64_t, int64_t, Type> getBox(Type type) {
  if (auto stage = dyn_cast<StageType>(type))
    return {stage.getRows(), stage.getColumns(), stage.getElementType()};
  auto fragment = cast<RankedTensorType>(type);
  return {fragment.getDimSize(0), fragment.getDimSize(1),
          fragment.getElementType()};
}

LogicalResult WgmmaAsyncOp::verify() {
  bool isStage = isa<StageType>(getLhs().getType());
  if (isStage != static_cast<bool>(getRow())) // C4
    return emitOpError("expected a row exactly where lhs is a stage");
  if (getAdds() && !getAcc()) // C5
    return emitOpError("expected an accumulator where there is an if");
  auto [rows, depth, elementType] = getBox(getLhs().getType());
  auto rhs = cast<StageType>(getRhs().getType());
  RankedTensorType result = getResult().getType().getResult();
  int64_t inner = getTransposeRhs() ? rhs.getColumns() : rhs.getRows();
  int64_t columns = getTransposeRhs() ? rhs.getRows() : rhs.getColumns();
  if (rows < kWarpgroupRows || (!isStage && rows != kWarpgroupRows) ||
      depth != inner || inner % kProductStep != 0 || elementType.isF32() ||
      elementType != rhs.getElementType()) // C1
    return emitOpError("expected lhs of ")
           << kWarpgroupRows << "x" << inner << "x" << rhs.getElementType()
           << " with a multiple of " << kProductStep << " columns, got "
           << getLhs().getType();
  if (result.getShape() != ArrayRef<int64_t>({kWarpgroupRows, columns}) ||
      !result.getElementType().isF32() || columns % kAccumulatorColumns != 0 ||
      columns > 256) // C2
    return emitOpError("expected a result of ")
           << kWarpgroupRows << "x" << columns
           << "xf32 with a multiple of 8 columns up to 256, got " << result;
  if (!getResult().hasOneUse() ||
      !isa<WgmmaWaitOp>(*getResult().user_begin()) ||
      (*getResult().user_begin())->getBlock() != (*this)->getBlock()) // C3
    return emitOpError("expected the result to be waited for exactly once, in "
                       "the same block");
  return success();
}

LogicalResult WgmmaWaitOp::verify() {
  auto start = getProduct().getDefiningOp<WgmmaAsyncOp>();
  if (!start || start->getBlock() != (*this)->getBlock()) // C2
    return emitOpError("expected a product started in the same block");
  int64_t pending = 0;
  for (Operation *op = start->getNextNode(); op && op != *this;
       op = op->getNextNode()) {
    auto later = dyn_cast<WgmmaAsyncOp>(op);
    if (later && later.getResult().hasOneUse() &&
        !(*later.getResult().user_begin())->isBeforeInBlock(*this))
      ++pending;
  }
  if (getPending() != static_cast<uint64_t>(pending)) // C1
    return emitOpError("expected pending(")
           << pending << "), the products started later and still under way, "
           << "got pending(" << getPending() << ")";
  if (!start.getKeeps())
    return verifyGivenBackOnce(*this, getStage()); // C3
  if (!getStage().use_empty())
    return emitOpError("expected no use of a stage that the product keeps");
  return success();
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

static LogicalResult verifyPredicate(Operation *op) {
  Block &block = op->getRegion(0).front();
  auto yield = cast<YieldOp>(block.getTerminator());
  bool argumentsFit = block.getNumArguments() == 2 &&
                      llvm::all_of(block.getArgumentTypes(),
                                   [](Type type) { return type.isIndex(); });
  bool yieldFits =
      yield.getNumOperands() == 1 && yield.getOperand(0).getType().isInteger(1);
  if (!argumentsFit || !yieldFits) // C1
    return op->emitOpError("expected a region of two index arguments that "
                           "yields one i1");
  return success();
}

LogicalResult MaskOp::verifyRegions() { return verifyPredicate(*this); }

LogicalResult EvaluateMaskOp::verifyRegions() { return verifyPredicate(*this); }

LogicalResult ApplyMaskOp::verify() {
  auto scores = cast<RankedTensorType>(getScores().getType());
  BitsType bits = getBits().getType();
  if (scores.getShape() !=
      ArrayRef<int64_t>({bits.getRows(), bits.getColumns()})) // C1
    return emitOpError("expected a bit for each score, got ")
           << bits << " for " << scores;
  return success();
}

LogicalResult FindReachOp::verifyRegions() {
  Block &body = getBody().front();
  auto yielded = body.getTerminator()->getOperandTypes();
  if (body.getNumArguments() != 1 || !body.getArgument(0).getType().isIndex() ||
      yielded.size() != 1 || !yielded.front().isF32()) // C1
    return emitOpError("expected a region of one index argument that yields "
                       "one f32");
  constexpr int64_t kWarpThreads = 32;
  auto block = static_cast<int64_t>(getBlock());
  if (block <= 0 || block % kWarpThreads != 0 ||
      kWarpgroupThreads % block != 0) // C2
    return emitOpError("expected a block of whole warps that divides a "
                       "warpgroup, got ")
           << block;
  return success();
}

LogicalResult SquaredNormOp::verify() {
  if (getIndices().size() != getSizes().size() ||
      getIndices().size() != getStrides().size()) // C1
    return emitOpError("expected as many indices as sizes and strides, got ")
           << getIndices().size() << ", " << getSizes().size() << " and "
           << getStrides().size();
  constexpr int64_t kElementsOfAccess = kReadBytes / 2;
  auto length = static_cast<int64_t>(getLength());
  if (length <= 0 || length % kElementsOfAccess != 0 ||
      !(getElement().isBF16() || getElement().isF16())) // C2
    return emitOpError("expected a length that is a multiple of 8, of bf16 or "
                       "f16, got ")
           << length << " of " << getElement();
  return success();
}

LogicalResult FindExtremesOp::verifyRegions() {
  Block &block = getBody().front();
  auto yielded = block.getTerminator()->getOperandTypes();
  bool isPairs = yielded.size() % 2 == 0;
  for (auto [i, type] : llvm::enumerate(yielded))
    isPairs &= type.isInteger(i % 2 == 0 ? 32 : 1);
  if (!isPairs || block.getNumArguments() != 1 ||
      !block.getArgument(0).getType().isIndex()) // C1
    return emitOpError("expected a region of one index argument that yields "
                       "pairs of an i32 and an i1");
  if (getNumResults() != yielded.size()) // C2
    return emitOpError("expected ")
           << yielded.size() << " results, two for each pair, got "
           << getNumResults();
  return success();
}

LogicalResult ScoreOp::verifyRegions() {
  Block &block = getModifier().front();
  auto yield = cast<YieldOp>(block.getTerminator());
  Builder builder(getContext());
  Type f32 = builder.getF32Type(), index = builder.getIndexType();
  if (block.getArgumentTypes() != TypeRange{f32, index, index} ||
      yield.getOperandTypes() != TypeRange{f32}) // C1
    return emitOpError("expected a region of arguments f32, index and index "
                       "that yields one f32");
  return success();
}

/// One value per row of `matrix`.
static LogicalResult verifyRows(Operation *op, Type matrix, Type rows) {
  int64_t expected = cast<RankedTensorType>(matrix).getDimSize(0);
  int64_t got = cast<RankedTensorType>(rows).getDimSize(0);
  if (expected == got)
    return success();
  return op->emitOpError("expected ")
         << expected << " elements, one per row, got " << got;
}

LogicalResult ReduceColumnsOp::verify() {
  return verifyRows(*this, getSource().getType(), getResult().getType()); // C1
}

LogicalResult BroadcastRowsOp::verify() {
  return verifyRows(*this, getResult().getType(), getSource().getType()); // C1
}

//===----------------------------------------------------------------------===//
// Chunks of recurrences
//===----------------------------------------------------------------------===//

LogicalResult ExtractOp::verify() {
  int64_t count = cast<RankedTensorType>(getNumbers().getType()).getDimSize(0);
  if (getPosition() >= static_cast<uint64_t>(count)) // C1
    return emitOpError("expected a position below ")
           << count << ", got " << static_cast<int64_t>(getPosition());
  return success();
}

/// Row `row` of a stage of numbers, of which there are `count` where it is
/// given.
static LogicalResult verifyNumbersRow(Operation *op, StageType stage,
                                      uint64_t row,
                                      std::optional<int64_t> count) {
  if (stage.getElementType().isF32() &&
      row < static_cast<uint64_t>(stage.getRows()) &&
      (!count || *count == stage.getColumns()))
    return success();
  InFlightDiagnostic diagnostic = op->emitOpError("expected row ")
                                  << static_cast<int64_t>(row);
  if (count)
    diagnostic << ", of " << *count << " numbers,";
  return diagnostic << " of a stage of f32, got " << stage;
}

LogicalResult StoreNumbersOp::verify() {
  return verifyNumbersRow(
      *this, getStage().getType(), getRow(),
      cast<RankedTensorType>(getNumbers().getType()).getDimSize(0)); // C1
}

LogicalResult LoadRowOp::verify() {
  return verifyNumbersRow(
      *this, getStage().getType(), getRow(),
      cast<RankedTensorType>(getNumbers().getType()).getDimSize(0)); // C1
}

LogicalResult ScaleColumnsOp::verify() {
  return verifyNumbersRow(
      *this, getStage().getType(), getRow(),
      cast<RankedTensorType>(getSource().getType()).getDimSize(1)); // C1
}

LogicalResult LoadElementOp::verify() {
  StageType stage = getStage().getType();
  if (failed(verifyNumbersRow(*this, stage, getRow(), std::nullopt))) // C1
    return failure();
  if (getColumn() >= static_cast<uint64_t>(stage.getColumns()))
    return emitOpError("expected a column below ")
           << stage.getColumns() << ", got "
           << static_cast<int64_t>(getColumn());
  return success();
}

LogicalResult BroadcastColumnsOp::verify() {
  int64_t columns = cast<RankedTensorType>(getResult().getType()).getDimSize(1);
  int64_t got = cast<RankedTensorType>(getSource().getType()).getDimSize(0);
  if (columns != got) // C1
    return emitOpError("expected ")
           << columns << " elements, one per column, got " << got;
  return success();
}

LogicalResult DecayRatiosOp::verify() {
  auto result = cast<RankedTensorType>(getResult().getType());
  bool fits = bool(getRows()) == bool(getColumns()) &&
              result.getDimSize(0) == result.getDimSize(1);
  for (Value exponents : {Value(getRows()), Value(getColumns())})
    fits &= !exponents ||
            cast<RankedTensorType>(exponents.getType()).getDimSize(0) ==
                result.getDimSize(0);
  if (!fits) // C1
    return emitOpError("expected rows and columns of the size of the sides of "
                       "a square result, or neither, got ")
           << result;
  return success();
}

LogicalResult InvertUnitLowerOp::verify() {
  auto matrix = cast<RankedTensorType>(getMatrix().getType());
  auto isSquare = [](StageType box) {
    return box.getRows() == kWarpgroupRows &&
           box.getColumns() == kWarpgroupRows && box.getElementType().isF16();
  };
  StageType scratch = getScratch().getType().getStageType();
  if (matrix.getShape() !=
          ArrayRef<int64_t>({kWarpgroupRows, kWarpgroupRows}) ||
      !isSquare(scratch) || !isSquare(getResult().getType())) // C1
    return emitOpError(
               "expected a matrix, a scratch and a result of 64x64, the "
               "latter two of f16, got ")
           << matrix << ", " << scratch << " and " << getResult().getType();
  BufferType blocks = getBlocks().getType();
  if (blocks != BufferType::get(getContext(), 1, kWarpgroupRows, kDiagonalBlock,
                                Float32Type::get(getContext()))) // C2
    return emitOpError("expected blocks of 1 x 64x16xf32, got ") << blocks;
  if (bool(getStrengths()) != getRow().has_value()) // C3
    return emitOpError("expected a row of strengths exactly where there are "
                       "strengths");
  if (!getStrengths())
    return success();
  return verifyNumbersRow(*this, getStrengths().getType(), *getRow(),
                          kWarpgroupRows);
}

/// Sums of the decays of 64 tokens in so many channels.
static LogicalResult verifyGates(Operation *op, StageType gates,
                                 int64_t channels) {
  bool isKnown = channels == kPanelColumns || channels == 2 * kPanelColumns;
  if (isKnown &&
      gates == StageType::get(op->getContext(), kWarpgroupRows, channels,
                              Float32Type::get(op->getContext())))
    return success();
  return op->emitOpError("expected gates of f32 for 64 tokens of 64 or 128 "
                         "channels, got ")
         << gates;
}

LogicalResult CopyGatesOp::verify() {
  StageType gates = getGates().getType();
  return verifyGates(*this, gates, gates.getColumns()); // C1
}

static LogicalResult verifyDecayScratch(Operation *op, BufferType scratch,
                                        int64_t channels) {
  auto expected = BufferType::get(op->getContext(), 1, kDecayScratchRows,
                                  channels, Float16Type::get(op->getContext()));
  if (scratch == expected)
    return success();
  return op->emitOpError("expected a scratch of ")
         << expected << ", got " << scratch;
}

static LogicalResult verifyDecayedTiles(Operation *op, StageType first,
                                        ValueRange tiles) {
  bool isWide = first.getRows() != kWarpgroupRows ||
                first.getElementType().getIntOrFloatBitWidth() != 16;
  for (Value tile : tiles)
    if (isWide || tile.getType() != first)
      return op->emitOpError("expected tiles of one type of 16 bits with 64 "
                             "rows, got ")
             << first << " and " << tile.getType();
  return success();
}

static LogicalResult verifyFragments(Operation *op, TypeRange types,
                                     int64_t columns) {
  for (Type type : types)
    if (cast<RankedTensorType>(type).getShape() !=
        ArrayRef<int64_t>({kWarpgroupRows, columns}))
      return op->emitOpError("expected fragments of ")
             << kWarpgroupRows << "x" << columns << ", got " << type;
  return success();
}

LogicalResult DecayTokensOp::verify() {
  StageType keys = getKeys().getType();
  for (ValueRange tiles :
       {ValueRange(getLeft()), ValueRange(getRows()), ValueRange(getReached())})
    if (failed(verifyDecayedTiles(*this, keys, tiles))) // C1
      return failure();
  StageType gates = getGates().getType();
  if (failed(verifyGates(*this, gates, keys.getColumns()))) // C2
    return failure();
  StageType whole = getWhole().getType();
  if (whole != StageType::get(getContext(), 1, keys.getColumns(),
                              gates.getElementType())) // C2
    return emitOpError("expected a row of ")
           << keys.getColumns() << " numbers, got " << whole;
  if (failed(verifyDecayScratch(*this, getScratch().getType(), // C3
                                keys.getColumns())))
    return failure();
  size_t count = getRows().size();
  if (count == 0 || count > 2 || getReached().size() != count ||
      getScales().size() != count || getNumResults() != count) // C4
    return emitOpError("expected one or two of rows, and as many that they "
                       "reach, scales and results, got ")
           << count << ", " << getReached().size() << ", " << getScales().size()
           << " and " << getNumResults();
  return verifyFragments(*this, getResultTypes(), kDiagonalBlock); // C5
}

LogicalResult DecayedDotsOp::verify() {
  size_t count = getRows().size();
  if (count == 0 || count > 2 || getNumResults() != count) // C3
    return emitOpError("expected one or two of rows, and as many results, got ")
           << count << " and " << getNumResults();
  auto first = cast<StageType>(getRows().front().getType());
  if (failed(verifyDecayedTiles(*this, first, getRows())) ||   // C1
      failed(verifyDecayScratch(*this, getScratch().getType(), // C2
                                first.getColumns())) ||
      failed(verifyFragments(*this, getBlocks().getTypes(), kDiagonalBlock)))
    return failure();
  return verifyFragments(*this, getResultTypes(), kWarpgroupRows); // C4
}
