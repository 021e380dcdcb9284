//===- LowerGateRows.cpp - Tokens times gates of their channels -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A lane has neighbouring channels, of the tokens of its warp. It copies the
// gates of some rows to shared memory at once, which takes no registers, and
// reads nothing but what it has copied itself; they were fetched into the L2
// cache a chunk ago. Strengths of keys are copied to where the auxiliary reads
// them, all of them at once.
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

/// The places of 16 bytes of a row are swizzled by its number.
static constexpr int64_t kPlaceShift = 4;

namespace {

/// The gates of tokens.
class GateRows {
public:
  /// From the address of the first row.
  GateRows(OpBuilder &b, Location loc, Value gates, Value strideBytes,
           Value limit, int64_t channels, Type element)
      : b(b), loc(loc), i32(b, loc), gates(gates), strideBytes(strideBytes),
        limit(limit), channels(channels), element(element) {
    // Anew, as nothing that follows from it fits into registers in between.
    Value thread = i32.threadOfWarpgroupAnew();
    lane = i32.bitAnd(thread, 31);
    warp = i32.rem(i32.shiftRight(thread, 5), sm90::kGateWarps);
    begin = i32.mul(warp, kRows);
    there = arith::MinSIOp::create(b, loc,
                                   arith::SubIOp::create(b, loc, limit, begin),
                                   i32.constant(kRows));
  }

  void fetch(Value scratch);
  void gate(sm90::GateRowsOp op, Value scratch, Value source, Value result);
  void copy(Value reached, Value left);

private:
  using Values = SmallVector<Value>;
  /// Rows of a group of copies, and of an iteration, behind which swizzles are
  /// the others of eight.
  static constexpr int64_t kTogether = 2, kStep = 4;
  static constexpr int64_t kGroups = sm90::kGatesAhead / kTogether;
  static_assert(sm90::kGatesAhead % kStep == 0);
  /// Rows of a warp.
  static constexpr int64_t kRows = sm90::kWarpgroupRows / sm90::kGateWarps;

  int64_t perLane() const { return channels / 32; }
  int64_t gateBytes() const { return element.getIntOrFloatBitWidth() / 8; }
  int64_t laneBytes() const { return perLane() * gateBytes(); }
  int64_t rowBytes() const { return channels * gateBytes(); }
  /// Where gates of the warp are on their way, for the lane.
  Value findSlots(Value scratch) {
    return i32.add(i32.add(scratch, i32.mul(lane, laneBytes())),
                   i32.mul(warp, sm90::kGatesAhead * rowBytes()));
  }
  Value wide(Value value) {
    return arith::ExtSIOp::create(b, loc, b.getI64Type(), value);
  }
  Value add(Value x, Value y) { return arith::AddIOp::create(b, loc, x, y); }
  Value bytesOf(Value row) {
    return arith::MulIOp::create(b, loc, wide(row), strideBytes);
  }
  /// Of the lane in a row of the warp.
  Value addressOf(int64_t row) {
    return add(add(gates, wide(i32.mul(lane, laneBytes()))),
               bytesOf(i32.add(begin, row)));
  }
  void fetchNext();
  Value copyGroup(int64_t first, Value slots, Value there, Value address);
  void gateGroup(sm90::GateRowsOp op, Value source, Value result, Value slot,
                 Value offset, int64_t first);
  Value placeOfStrengths(Value reached, Value left);
  Value placeOfNarrow(Value reached);

  OpBuilder &b;
  Location loc;
  Int32 i32;
  Value gates, strideBytes, limit;
  int64_t channels;
  /// Of the gates.
  Type element;
  /// The first row of the warp, and how many rows of the warp there are.
  Value lane, warp, begin, there;
};

} // namespace

/// Copies a group of rows to the slots from number `first` on, and gives the
/// address of the next one. Rows from `there` on become zeros.
Value GateRows::copyGroup(int64_t first, Value slots, Value there,
                          Value address) {
  for (int64_t x = first; x < first + kTogether; ++x) {
    Value isRow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt,
                                        there, i32.constant(x));
    ptx::copyAsync(b, loc, i32.add(slots, x * rowBytes()), address, laneBytes(),
                   isRow);
    address = ptx::advance(b, loc, address, strideBytes);
  }
  ptx::commitCopies(b, loc);
  return address;
}

/// Fetches the rows that the warp has 64 rows further on: a line for each lane,
/// some rows at a time.
void GateRows::fetchNext() {
  constexpr int64_t kLineBytes = 128, kLanes = 32;
  int64_t lines = rowBytes() / kLineBytes, together = kLanes / lines;
  Value own =
      i32.add(i32.add(begin, i32.div(lane, lines)), sm90::kWarpgroupRows);
  Value line = i32.mul(i32.rem(lane, lines), kLineBytes);
  Value first = add(gates, wide(line));
  for (int64_t x = 0; x < kRows; x += together) {
    Value row = i32.add(own, x);
    Value isRow =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, row, limit);
    ptx::prefetchIf(b, loc, add(first, bytesOf(row)), isRow);
  }
}

void GateRows::fetch(Value scratch) {
  Value address = addressOf(0), slots = findSlots(scratch);
  for (int64_t x = 0; x < sm90::kGatesAhead; x += kTogether)
    address = copyGroup(x, slots, there, address);
  fetchNext();
}

/// Rows from `first` on of an iteration whose first one the lane has at
/// `offset` of tiles: all are loaded before one is stored.
void GateRows::gateGroup(sm90::GateRowsOp op, Value source, Value result,
                         Value slot, Value offset, int64_t first) {
  Type from = op.getSource().getType().getElementType();
  Type to = op.getElement().value_or(op.getResult().getType().getElementType());
  Values places, gates[kTogether], values[kTogether];
  for (int64_t r = 0; r < kTogether; ++r) {
    int64_t x = first + r, row = x * sm90::kPanelRowBytes;
    Value swizzled = i32.bitXor(offset, x << kPlaceShift);
    places.push_back(swizzled);
    gates[r] =
        loadSharedAsFloats(b, loc, element, slot, x * rowBytes(), perLane());
    values[r] = ptx::loadSharedFloats(b, loc, i32.add(source, swizzled), row,
                                      perLane() / 2);
  }
  for (int64_t r = 0; r < kTogether; ++r) {
    Values products, words;
    for (Value word : values[r])
      llvm::append_range(
          products,
          extendPair(b, loc, from,
                     arith::BitcastOp::create(b, loc, b.getI32Type(), word)));
    for (auto [product, gate] : llvm::zip_equal(products, gates[r]))
      product = arith::MulFOp::create(b, loc, product, gate);
    for (int64_t i = 0; i < perLane(); i += 2)
      words.push_back(arith::BitcastOp::create(
          b, loc, b.getF32Type(),
          ptx::roundPair(b, loc, to, products[i], products[i + 1])));
    ptx::storeSharedFloats(b, loc, i32.add(result, places[r]),
                           (first + r) * sm90::kPanelRowBytes, words);
  }
}

void GateRows::gate(sm90::GateRowsOp op, Value scratch, Value source,
                    Value result) {
  Value slots = findSlots(scratch);
  constexpr int64_t kRowElementBytes = 2;
  Value byte = i32.mul(lane, perLane() * kRowElementBytes);
  Value panel = i32.mul(i32.div(byte, sm90::kPanelRowBytes),
                        sm90::kWarpgroupRows * sm90::kPanelRowBytes);
  Value offset =
      i32.add(i32.add(panel, i32.bitAnd(byte, sm90::kPanelRowBytes - 1)),
              i32.mul(begin, sm90::kPanelRowBytes));
  auto loop = scf::ForOp::create(
      b, loc, i32.constant(0), i32.constant(kRows), i32.constant(kStep),
      ValueRange{offset, slots, there, addressOf(sm90::kGatesAhead)});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value own = loop.getRegionIterArg(0), slot = loop.getRegionIterArg(1);
    Value left = loop.getRegionIterArg(2), next = loop.getRegionIterArg(3);
    Value behind = i32.add(left, -sm90::kGatesAhead);
    for (int64_t x = 0; x < kStep; x += kTogether) {
      ptx::waitForGroups(b, loc, kGroups - 1);
      gateGroup(op, source, result, slot, own, x);
      next = copyGroup(x, slot, behind, next);
    }
    own = i32.bitXor(i32.add(own, kStep * sm90::kPanelRowBytes),
                     kStep << kPlaceShift);
    slot = i32.add(slot, kStep * rowBytes());
    Value isEnd =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, slot,
                              i32.add(slots, sm90::kGatesAhead * rowBytes()));
    slot = arith::SelectOp::create(b, loc, isEnd, slots, slot);
    scf::YieldOp::create(b, loc,
                         ValueRange{own, slot, i32.add(left, -kStep), next});
  }
  // The last copies were of no rows.
  ptx::waitForCopies(b, loc);
  // Products may read it, and what was read may be copied over.
  NVVM::FenceProxyOp::create(
      b, loc,
      NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
      NVVM::SharedSpaceAttr::get(b.getContext(),
                                 NVVM::SharedSpace::shared_cta));
  NVVM::SyncWarpOp::create(b, loc, i32.constant(-1));
}

/// Of the lane in the first row of the warp: of 16 channels, those of the first
/// eight lie in the tile that they reach, the others in what is left.
Value GateRows::placeOfStrengths(Value reached, Value left) {
  constexpr int64_t kPlaceBytes = 1 << kPlaceShift, kGroupPlaces = 4;
  Value byte = i32.mul(lane, laneBytes());
  Value place = i32.div(byte, kPlaceBytes);
  Value isLeft = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::uge,
                                       i32.rem(place, kGroupPlaces),
                                       i32.constant(kGroupPlaces / 2));
  Value tile = arith::SelectOp::create(b, loc, isLeft, left, reached);
  // Two of four places in either.
  Value own = i32.add(i32.mul(i32.div(place, kGroupPlaces), kGroupPlaces / 2),
                      i32.rem(place, kGroupPlaces / 2));
  own = i32.add(i32.mul(own, kPlaceBytes), i32.rem(byte, kPlaceBytes));
  Value panel = i32.mul(i32.div(own, sm90::kPanelRowBytes),
                        sm90::kWarpgroupRows * sm90::kPanelRowBytes);
  Value row = i32.add(i32.rem(own, sm90::kPanelRowBytes),
                      i32.mul(begin, sm90::kPanelRowBytes));
  return i32.add(i32.add(tile, panel), row);
}

/// The same of strengths with as many bits as keys, which lie as these do.
Value GateRows::placeOfNarrow(Value reached) {
  Value byte = i32.mul(lane, laneBytes());
  Value panel = i32.mul(i32.div(byte, sm90::kPanelRowBytes),
                        sm90::kWarpgroupRows * sm90::kPanelRowBytes);
  Value row = i32.add(i32.rem(byte, sm90::kPanelRowBytes),
                      i32.mul(begin, sm90::kPanelRowBytes));
  return i32.add(i32.add(reached, panel), row);
}

/// Some rows at a time, of which the swizzles repeat. Unrolled, the loop would
/// take more registers than there are.
void GateRows::copy(Value reached, Value left) {
  bool isNarrow = !element.isF32();
  Value first =
      isNarrow ? placeOfNarrow(reached) : placeOfStrengths(reached, left);
  Value none = i32.shiftRight(i32.threadOfWarpgroupAnew(), 7);
  auto loop = scf::ForOp::create(
      b, loc, i32.constant(0), i32.add(none, kRows / sm90::kSwizzleRows),
      i32.constant(1), ValueRange{first, addressOf(0), there});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value place = loop.getRegionIterArg(0), address = loop.getRegionIterArg(1);
    Value more = loop.getRegionIterArg(2);
    for (int64_t x = 0; x < sm90::kSwizzleRows; ++x) {
      // Rows that a load of 64 bits reads at once lie in different banks.
      int64_t y = isNarrow ? x : x % 4 * 2 + x / 4;
      Value isRow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sgt,
                                          more, i32.constant(x));
      ptx::copyAsync(b, loc,
                     i32.add(i32.bitXor(place, y << kPlaceShift),
                             y * sm90::kPanelRowBytes),
                     address, laneBytes(), isRow);
      address = ptx::advance(b, loc, address, strideBytes);
    }
    place = i32.add(place, sm90::kSwizzleRows * sm90::kPanelRowBytes);
    scf::YieldOp::create(
        b, loc, ValueRange{place, address, i32.add(more, -sm90::kSwizzleRows)});
  }
  fetchNext();
  ptx::waitForCopies(b, loc);
}

namespace {

/// What the ops say of the gates.
template <typename Op, typename Adaptor>
GateRows describeGates(Op op, Adaptor adaptor, int64_t channels, Type element,
                       ConversionPatternRewriter &rewriter) {
  Location loc = op.getLoc();
  auto toBytes = [&](Value elements) -> Value {
    return arith::MulIOp::create(
        rewriter, loc, elements,
        arith::ConstantOp::create(
            rewriter, loc,
            rewriter.getI64IntegerAttr(element.getIntOrFloatBitWidth() / 8)));
  };
  Value gates = LLVM::PtrToIntOp::create(rewriter, loc, rewriter.getI64Type(),
                                         adaptor.getPointer().front());
  gates = arith::AddIOp::create(rewriter, loc, gates,
                                toBytes(adaptor.getOffset().front()));
  return GateRows(rewriter, loc, gates, toBytes(adaptor.getStride().front()),
                  Int32(rewriter, loc).fromIndex(adaptor.getLimit().front()),
                  channels, element);
}

struct LowerFetchGates : OpConversionPattern<sm90::FetchGatesOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::FetchGatesOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    sm90::BufferType scratch = op.getScratch().getType();
    describeGates(op, adaptor, scratch.getColumns(), scratch.getElementType(),
                  rewriter)
        .fetch(adaptor.getScratch().front());
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerGateRows : OpConversionPattern<sm90::GateRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::GateRowsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    Value source =
        byteAddress(i32, op.getSource().getType(), adaptor.getSource());
    Value result =
        byteAddress(i32, op.getResult().getType(), adaptor.getResult());
    sm90::BufferType scratch = op.getScratch().getType();
    describeGates(op, adaptor, scratch.getColumns(), scratch.getElementType(),
                  rewriter)
        .gate(op, adaptor.getScratch().front(), source, result);
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerCopyStrengths : OpConversionPattern<sm90::CopyStrengthsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::CopyStrengthsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    sm90::StageType type = op.getReached().getType();
    Value reached = byteAddress(i32, type, adaptor.getReached());
    Value left = byteAddress(i32, type, adaptor.getLeft());
    // Those that have one place are as narrow as what goes there.
    bool isNarrow = op.getReached() == op.getLeft();
    Type element = isNarrow ? type.getElementType() : rewriter.getF32Type();
    describeGates(op, adaptor, type.getColumns(), element, rewriter)
        .copy(reached, left);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateGateRowsPatterns(const TypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns.add<LowerFetchGates, LowerGateRows, LowerCopyStrengths>(
      converter, patterns.getContext());
}
