//===- Sm90AccessOps.cpp - Verifiers of instances and accesses ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sm90/Sm90.h"

#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace mlir::sm90;

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

/// Panels are what stages are read as, and written.
static LogicalResult verifySwizzled(Operation *op, TensorMapType map) {
  if (map.isSwizzled())
    return success();
  return op->emitOpError("expected a map of bf16 or f16, got ") << map;
}

LogicalResult TmaLoadAsyncOp::verify() {
  TensorMapType map = getMap().getType();
  StageType stage = getStage().getType();
  if (failed(verifyIndices(*this, map, getIndices().size())) || // C1
      failed(verifySwizzled(*this, map)))                       // C2
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
      failed(verifySwizzled(*this, map)) ||                     // C2
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
  Type element = getElement().getType();
  if (getPaired() && !isa<BFloat16Type, Float16Type>(element)) // C2
    return emitOpError("expected paired elements of bf16 or f16, got ")
           << element;
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

/// What has elements of its own where they are not f32.
template <typename Access> static LogicalResult verifyNarrow(Access op) {
  std::optional<Type> element = op.getElement();
  if (element && !isa<BFloat16Type, Float16Type>(*element))
    return op.emitOpError("expected elements of bf16 or f16 where they are not "
                          "f32, got ")
           << *element;
  return success();
}

LogicalResult LoadStateOp::verify() { return verifyNarrow(*this); }
LogicalResult StoreStateOp::verify() { return verifyNarrow(*this); }
LogicalResult LoadNumbersOp::verify() { return verifyNarrow(*this); }

LogicalResult RowNormsOp::verify() {
  StageType stage = getStage().getType();
  Type element = stage.getElementType();
  int64_t numbers = getNumbers().getType().getDimSize(0);
  if (!(element.isBF16() || element.isF16()) || stage.getRows() != numbers ||
      numbers != kWarpgroupRows) // C1
    return emitOpError("expected a stage of ")
           << kWarpgroupRows << " rows of bf16 or f16 and as many numbers, got "
           << stage << " and " << numbers;
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

/// Room for the gates that are on their way to the warps.
static LogicalResult verifyAhead(Operation *op, BufferType scratch,
                                 int64_t channels) {
  auto expected = BufferType::get(op->getContext(), 1, kGateWarps * kGatesAhead,
                                  channels, Float32Type::get(op->getContext()));
  Type element = scratch.getElementType();
  bool isNarrow = element.isBF16() || element.isF16();
  if (scratch ==
      (isNarrow ? BufferType::get(op->getContext(), 1, kGateWarps * kGatesAhead,
                                  channels, element)
                : expected))
    return success();
  return op->emitOpError("expected a scratch of ")
         << expected << ", got " << scratch;
}

LogicalResult FetchGatesOp::verify() {
  BufferType scratch = getScratch().getType();
  bool isWide = scratch.getColumns() > kPanelColumns;
  return verifyAhead(*this, scratch,
                     isWide ? 2 * kPanelColumns // C1
                            : kPanelColumns);
}

/// Whether a stage has 64 or 128 channels of a chunk, of 16 bits.
static bool isTileOfTokens(StageType type) {
  return type.getRows() == kWarpgroupRows &&
         (type.getColumns() == kPanelColumns ||
          type.getColumns() == 2 * kPanelColumns) &&
         type.getElementType().getIntOrFloatBitWidth() == 16;
}

LogicalResult CopyStrengthsOp::verify() {
  StageType reached = getReached().getType(), left = getLeft().getType();
  if (isTileOfTokens(reached) && reached == left) // C1
    return success();
  return emitOpError("expected two stages of one type of 16 bits for 64 tokens "
                     "of 64 or 128 channels, got ")
         << reached << " and " << left;
}

LogicalResult GateRowsOp::verify() {
  StageType source = getSource().getType(), result = getResult().getType();
  if (!isTileOfTokens(source) || !isTileOfTokens(result) || // C1
      source.getColumns() != result.getColumns())
    return emitOpError("expected a source and a result of 16 bits for 64 "
                       "tokens of 64 or 128 channels, got ")
           << source << " and " << result;
  if (failed(verifyAhead(*this, getScratch().getType(), // C3
                         result.getColumns())))
    return failure();
  return verifyNarrow(*this); // C2
}

//===----------------------------------------------------------------------===//
// Strips
//===----------------------------------------------------------------------===//

template <typename Access>
static LogicalResult verifyStripsAccess(Access op, size_t tileRank) {
  size_t rank = op.getIndices().size();
  if (rank == 0 || op.getSizes().size() != rank ||
      op.getStrides().size() != rank - 1) // C1
    return op.emitOpError("expected a size for each of ")
           << rank << " indices and a stride for each but the last one, got "
           << op.getSizes().size() << " and " << op.getStrides().size();
  ArrayRef<int64_t> axes = op.getAxes();
  bool fits = !axes.empty() && axes.size() == tileRank && axes.front() >= 0 &&
              llvm::is_sorted(axes) &&
              axes.back() == static_cast<int64_t>(rank) - 1 &&
              (axes.size() == 1 || axes[0] != axes[1]);
  if (!fits) // C2
    return op.emitOpError("expected ")
           << tileRank << " increasing axes, the last one of them " << rank - 1
           << ", got [" << axes << "]";
  return success();
}

template <typename Access>
static LogicalResult verifyFragmentAccess(Access op) {
  auto fragment = cast<RankedTensorType>(op.getFragment().getType());
  if (failed(verifyStripsAccess(op, fragment.getRank())))
    return failure();
  Type element = op.getElement();
  if (!element.isBF16() && !element.isF16() && !element.isF32()) // C3
    return op.emitOpError("expected elements of bf16, f16 or f32, got ")
           << element;
  return success();
}

LogicalResult LoadStripsOp::verify() { return verifyFragmentAccess(*this); }
LogicalResult StoreStripsOp::verify() { return verifyFragmentAccess(*this); }

/// Whoever starts copies waits for them once.
template <typename Stage> static LogicalResult verifyTaken(Stage op) {
  TakeStripsOp take = op.getTake();
  if (take && take->getBlock() == op->getBlock() &&
      !op->template getParentOfType<LoopLikeOpInterface>())
    return success();
  return op.emitOpError("expected one sm90.take_strips in the same block, "
                        "outside of loops");
}

LogicalResult StageStripsOp::verify() {
  if (failed(verifyStripsAccess(*this, /*tileRank=*/2)))
    return failure();
  return verifyTaken(*this); // C3
}

LogicalResult StageBoxesOp::verify() {
  TensorMapType map = getMap().getType();
  StageType stage = getStage().getType();
  if (map.getSliced())
    return emitOpError("expected a map of which no slice is taken, got ")
           << map; // C1
  if (failed(verifyIndices(*this, map, getIndices().size())))
    return failure();
  int64_t boxes =
      stage.getRows() / map.getRows() * (stage.getColumns() / map.getColumns());
  if (!map.getElementType().isF32() || !stage.getElementType().isF32() ||
      stage.getRows() % map.getRows() != 0 ||
      stage.getColumns() % map.getColumns() != 0 || boxes != kStripWarps) // C2
    return emitOpError("expected a stage of f32 of ")
           << kStripWarps << " boxes of " << map << ", got " << stage;
  return verifyTaken(*this); // C3
}

static TakeStripsOp takeOf(Value stage) {
  return stage.hasOneUse() ? dyn_cast<TakeStripsOp>(*stage.user_begin())
                           : TakeStripsOp();
}
TakeStripsOp StageStripsOp::getTake() { return takeOf(getStage()); }
TakeStripsOp StageBoxesOp::getTake() { return takeOf(getStage()); }

/// What a warp has of the stage.
static int64_t bytesOfWarp(StageType type) {
  int64_t elements = type.getRows() * type.getColumns() / kStripWarps;
  return elements * type.getElementType().getIntOrFloatBitWidth() / 8;
}
int64_t StageStripsOp::getStripBytes() {
  return bytesOfWarp(getStage().getType()) + kStripBarrierBytes;
}
int64_t StageBoxesOp::getStripBytes() {
  return llvm::alignTo(bytesOfWarp(getStage().getType()), kBoxBarrierBytes) +
         kBoxBarrierBytes;
}

LogicalResult TakeStripsOp::verify() {
  bool isOfBoxes = static_cast<bool>(getStage().getDefiningOp<StageBoxesOp>());
  if (!isOfBoxes && !getStage().getDefiningOp<StageStripsOp>()) // C1
    return emitOpError(
        "expected the stage of a sm90.stage_strips or sm90.stage_boxes");
  auto fragment = cast<RankedTensorType>(getFragment().getType());
  StageType stage = getStage().getType();
  Layout layout = isOfBoxes ? Layout::ColumnStrips : Layout::RowStrips;
  if (fragment.getDimSize(0) != stage.getRows() ||
      fragment.getDimSize(1) != stage.getColumns() ||
      getLayout(fragment).value_or(layout) != layout)
    return emitOpError("expected a fragment of ")
           << stage.getRows() << "x" << stage.getColumns() << " in "
           << (isOfBoxes ? "column" : "row") << " strips, got "
           << fragment; // C2
  return success();
}

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

LogicalResult AddWarpsOp::verify() {
  auto kernel = (*this)->getParentOfType<KernelOp>();
  if (kernel && kernel.getSchedule().getStripWarps() == kStripWarps) // C1
    return emitOpError("expected strip_warps of less than ") << kStripWarps;
  for (Type type : getParts().getTypes()) { // C2
    auto vector = dyn_cast<RankedTensorType>(type);
    std::optional<Layout> layout =
        vector ? getLayout(vector) : std::optional<Layout>();
    if (layout && (*layout < Layout::ColumnStrips || isAlongStrips(*layout)))
      return emitOpError("expected vectors across strips, got one in ")
             << stringifyLayout(*layout);
  }
  if (getParts().getTypes() != getSums().getTypes()) // C3
    return emitOpError("expected results of the types of the operands");
  return success();
}

int64_t AddWarpsOp::getExchangeBytes(int64_t stripWarps) {
  int64_t numbers = 0;
  for (Type type : getParts().getTypes()) {
    auto vector = dyn_cast<RankedTensorType>(type);
    numbers += vector ? vector.getNumElements() : 1;
  }
  return kStripWarps / stripWarps * numbers * kSumBytes;
}

LogicalResult ReduceVectorOp::verify() {
  std::optional<Layout> layout =
      getLayout(cast<RankedTensorType>(getSource().getType()));
  if (layout && !isAlongStrips(*layout)) // C1
    return emitOpError("expected a vector along strips, got one in ")
           << stringifyLayout(*layout);
  return success();
}
