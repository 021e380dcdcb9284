//===- LowerStrips.cpp - Strips of tiles in registers ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"
#include "ReadElement.h"
#include "Strips.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/LLVMIR/NVVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/LoopLikeInterface.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;
using sm90::Layout;

static constexpr int64_t kNeighbours = sm90::kStripNeighbours;

namespace {

template <typename Op> struct StripsPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<Op>::OneToNOpAdaptor;
};

} // namespace

//===----------------------------------------------------------------------===//
// Accesses
//===----------------------------------------------------------------------===//

namespace {

/// Where the elements of a thread are in memory.
template <typename Op> class Place {
public:
  Place(OpBuilder &b, Op op, Value pointer, RankedTensorType type)
      : b(b), loc(op.getLoc()), op(op), i32(b, loc), type(type),
        lanes(i32, type), bytes(op.getElement().getIntOrFloatBitWidth() / 8) {
    bool isMatrix = type.getRank() == 2;
    Layout layout = *sm90::getLayout(type);
    if (isMatrix && layout == Layout::ColumnStrips) {
      firstRow = lanes.firstAlong();
      firstColumn = lanes.firstAcross();
    } else if (isMatrix) {
      firstRow = lanes.firstAcross();
      firstColumn = lanes.firstAlong();
    } else {
      firstColumn = sm90::isAlongStrips(layout) ? lanes.firstAlong()
                                                : lanes.firstAcross();
    }
    Value offset = wide(i32.add(toI32(op.getIndices().back()), firstColumn));
    for (auto [axis, stride] : llvm::enumerate(op.getStrides())) {
      Value index = toI32(op.getIndices()[axis]);
      if (isMatrix && static_cast<int64_t>(axis) == op.getAxes()[0]) {
        index = i32.add(index, firstRow);
        rowBytes = mul(stride, constant(bytes));
      }
      offset = arith::AddIOp::create(b, loc, offset, mul(wide(index), stride));
    }
    Value start = LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), pointer);
    base = arith::AddIOp::create(b, loc, start, mul(offset, constant(bytes)));
  }

  /// The address of the first row of a group.
  Value address(Group group) {
    if (group.row == 0)
      return base;
    return arith::AddIOp::create(b, loc, base,
                                 mul(rowBytes, constant(group.row)));
  }
  /// What is to be added to it, in bytes.
  int64_t offset(Group group, int64_t element = 0) {
    return (group.column + element) * bytes;
  }

  /// Whether an element of a group lies inside of the tensor.
  Value isInside(Group group, int64_t element) {
    auto below = [&](Value first, int64_t distance, int64_t axis) -> Value {
      Value position =
          i32.add(i32.add(toI32(op.getIndices()[axis]), first), distance);
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, position,
                                   toI32(op.getSizes()[axis]));
    };
    ArrayRef<int64_t> axes = op.getAxes();
    Value inside = below(firstColumn, group.column + element, axes.back());
    if (axes.size() == 1)
      return inside;
    return arith::AndIOp::create(b, loc, inside,
                                 below(firstRow, group.row, axes.front()));
  }

  /// Whether no other thread has the same elements and comes first; null where
  /// none has.
  Value isFirst() {
    if (type.getRank() == 2)
      return {};
    bool isShared = lanesOf(type).parts() > 1;
    if (sm90::isAlongStrips(*sm90::getLayout(type)))
      return i32.isZero(i32.add(lanes.across(), lanes.strip()));
    return i32.isZero(isShared ? i32.add(lanes.along(), lanes.part())
                               : lanes.along());
  }

private:
  Value toI32(Value index) { return i32.fromIndex(index); }
  Value wide(Value value) {
    return arith::ExtSIOp::create(b, loc, b.getI64Type(), value);
  }
  Value constant(int64_t value) {
    return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
  }
  Value mul(Value x, Value y) { return arith::MulIOp::create(b, loc, x, y); }

  OpBuilder &b;
  Location loc;
  Op op;
  Int32 i32;
  RankedTensorType type;
  Lanes lanes;
  int64_t bytes;
  Value firstRow, firstColumn, rowBytes, base;
};

} // namespace

namespace {

struct LowerLoadStrips : StripsPattern<sm90::LoadStripsOp> {
  using StripsPattern::StripsPattern;
  LogicalResult
  matchAndRewrite(sm90::LoadStripsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getFragment().getType());
    Place<sm90::LoadStripsOp> place(rewriter, op, adaptor.getPointer().front(),
                                    type);
    SmallVector<Value> results;
    for (Group group : findGroups(type))
      llvm::append_range(results, op.getWhole()
                                      ? loadGroup(rewriter, op, place, group)
                                      : loadEach(rewriter, op, place, group));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }

private:
  using Access = Place<sm90::LoadStripsOp>;

  static SmallVector<Value> loadGroup(OpBuilder &b, sm90::LoadStripsOp op,
                                      Access &place, Group group) {
    bool isWide = op.getElement().isF32();
    SmallVector<Value> words = ptx::loadGlobalWords(
        b, op.getLoc(), place.address(group), place.offset(group),
        isWide ? kNeighbours : kNeighbours / 2, isWide, op.getConstant(),
        getSchedule(op).getStreamStrips());
    if (isWide)
      return words;
    SmallVector<Value> elements;
    for (Value word : words)
      llvm::append_range(elements,
                         extendPair(b, op.getLoc(), op.getElement(), word));
    return elements;
  }

  static SmallVector<Value> loadEach(OpBuilder &b, sm90::LoadStripsOp op,
                                     Access &place, Group group) {
    Location loc = op.getLoc();
    Type element = op.getElement();
    SmallVector<Value> elements;
    for (int64_t i = 0; i < kNeighbours; ++i) {
      Value inside = place.isInside(group, i);
      Value loaded = ptx::loadGlobalElementIf(
          b, loc, element.isF32() ? element : Type(b.getI16Type()),
          place.address(group), place.offset(group, i), inside);
      if (!element.isF32()) {
        loaded = arith::BitcastOp::create(b, loc, element, loaded);
        loaded = arith::ExtFOp::create(b, loc, b.getF32Type(), loaded);
      }
      elements.push_back(loaded);
    }
    return elements;
  }
};

struct LowerStoreStrips : StripsPattern<sm90::StoreStripsOp> {
  using StripsPattern::StripsPattern;
  LogicalResult
  matchAndRewrite(sm90::StoreStripsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getFragment().getType());
    Access place(rewriter, op, adaptor.getPointer().front(), type);
    Value isFirst = place.isFirst();
    ValueRange elements = adaptor.getFragment();
    for (Group group : findGroups(type)) {
      ValueRange own = elements.take_front(kNeighbours);
      elements = elements.drop_front(kNeighbours);
      if (op.getWhole())
        storeGroup(rewriter, op, place, group, own, isFirst);
      else
        storeEach(rewriter, op, place, group, own, isFirst);
    }
    rewriter.eraseOp(op);
    return success();
  }

private:
  using Access = Place<sm90::StoreStripsOp>;

  static void storeGroup(OpBuilder &b, sm90::StoreStripsOp op, Access &place,
                         Group group, ValueRange elements, Value isFirst) {
    SmallVector<Value> words(elements);
    if (!op.getElement().isF32()) {
      words.clear();
      for (int64_t i = 0; i < kNeighbours; i += 2)
        words.push_back(ptx::roundPair(b, op.getLoc(), op.getElement(),
                                       elements[i], elements[i + 1]));
    }
    // A matrix is as large as a cache.
    bool streams =
        cast<RankedTensorType>(op.getFragment().getType()).getRank() == 2 &&
        getSchedule(op).getStreamStrips();
    ptx::storeGlobalWords(b, op.getLoc(), place.address(group),
                          place.offset(group), words, isFirst, streams);
  }

  static void storeEach(OpBuilder &b, sm90::StoreStripsOp op, Access &place,
                        Group group, ValueRange elements, Value isFirst) {
    Location loc = op.getLoc();
    for (auto [i, element] : llvm::enumerate(elements)) {
      Value inside = place.isInside(group, i);
      if (isFirst)
        inside = arith::AndIOp::create(b, loc, inside, isFirst);
      Value stored = element;
      if (!op.getElement().isF32()) {
        stored = arith::TruncFOp::create(b, loc, op.getElement(), element);
        stored = arith::BitcastOp::create(b, loc, b.getI16Type(), stored);
      }
      ptx::storeGlobalElementIf(b, loc, place.address(group),
                                place.offset(group, i), stored, inside);
    }
  }
};

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

} // namespace

/// A sum may take in the product that it is of.
static Value combine(OpBuilder &b, Location loc, sm90::Combine kind, Value x,
                     Value y) {
  if (kind == sm90::Combine::Max)
    return arith::MaxNumFOp::create(b, loc, x, y);
  return arith::AddFOp::create(b, loc, x, y, arith::FastMathFlags::contract);
}

/// Of what a thread has, in two chains that hide the latency of each.
static Value combineOwn(OpBuilder &b, Location loc, sm90::Combine kind,
                        ArrayRef<Value> values) {
  constexpr size_t kChains = 2;
  Value chains[kChains] = {};
  for (auto [i, value] : llvm::enumerate(values)) {
    Value &chain = chains[i % kChains];
    chain = chain ? combine(b, loc, kind, chain, value) : value;
  }
  return chains[1] ? combine(b, loc, kind, chains[0], chains[1]) : chains[0];
}

/// Of the threads along a strip, for all of them.
static Value combineAlong(OpBuilder &b, Location loc, sm90::Combine kind,
                          RankedTensorType type, Value value) {
  Int32 i32(b, loc);
  for (int64_t distance : Lanes(i32, type).distances()) {
    Value other = NVVM::ShflOp::create(
        b, loc, b.getF32Type(), i32.constant(-1), value, i32.constant(distance),
        i32.constant(31), NVVM::ShflKind::bfly, UnitAttr());
    value = combine(b, loc, kind, value, other);
  }
  return value;
}

/// The place across the strip of register `i` of a matrix, and that along it.
static std::pair<int64_t, int64_t> placeOf(RankedTensorType type, int64_t i) {
  if (sm90::getLayout(type) == Layout::ColumnStrips)
    return {i % kNeighbours, i / kNeighbours};
  sm90::StripLanes lanes = lanesOf(type);
  int64_t length = type.getDimSize(1) / (lanes.along * lanes.parts());
  return {i / length, i % length};
}

namespace {

struct LowerReduceStrips : StripsPattern<sm90::ReduceStripsOp> {
  using StripsPattern::StripsPattern;
  LogicalResult
  matchAndRewrite(sm90::ReduceStripsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getSource().getType());
    SmallVector<Value> lines[kNeighbours];
    for (auto [i, value] : llvm::enumerate(adaptor.getSource()))
      lines[placeOf(type, i).first].push_back(value);
    SmallVector<Value> results;
    for (ArrayRef<Value> line : lines) {
      Value own = combineOwn(rewriter, op.getLoc(), op.getCombine(), line);
      results.push_back(
          combineAlong(rewriter, op.getLoc(), op.getCombine(), type, own));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerReduceVector : StripsPattern<sm90::ReduceVectorOp> {
  using StripsPattern::StripsPattern;
  LogicalResult
  matchAndRewrite(sm90::ReduceVectorOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getSource().getType());
    Value own = combineOwn(rewriter, op.getLoc(), op.getCombine(),
                           llvm::to_vector(adaptor.getSource()));
    rewriter.replaceOp(
        op, combineAlong(rewriter, op.getLoc(), op.getCombine(), type, own));
    return success();
  }
};

/// Of warps that share strips: each writes down what it has, all meet, and each
/// adds up what all of them have written.
struct LowerAddWarps : StripsPattern<sm90::AddWarpsOp> {
  using StripsPattern::StripsPattern;
  LogicalResult
  matchAndRewrite(sm90::AddWarpsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;
};

struct LowerBroadcastStrips : StripsPattern<sm90::BroadcastStripsOp> {
  using StripsPattern::StripsPattern;
  LogicalResult
  matchAndRewrite(sm90::BroadcastStripsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getResult().getType());
    auto vector = cast<RankedTensorType>(op.getSource().getType());
    bool isAlong = sm90::isAlongStrips(*sm90::getLayout(vector));
    SmallVector<Value> results;
    for (int64_t i = 0, e = elementsPerThread(type); i < e; ++i) {
      auto [across, along] = placeOf(type, i);
      results.push_back(adaptor.getSource()[isAlong ? along : across]);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

} // namespace

namespace {

/// What warps exchange: of each part of the length the vectors, behind these
/// each number of all parts.
class Exchange {
public:
  Exchange(OpBuilder &b, sm90::AddWarpsOp op)
      : b(b), loc(op.getLoc()), op(op), i32(b, loc),
        warps(getSchedule(op).getStripWarps()),
        parts(sm90::kStripWarps / warps),
        base(sharedAddress(b, loc, *op.getOffset())) {
    for (Type type : op.getParts().getTypes())
      if (auto vector = dyn_cast<RankedTensorType>(type))
        width += vector.getNumElements();
  }

  void put(ArrayRef<ValueRange> values);
  SmallVector<SmallVector<Value>> add();

private:
  /// The address of the elements of the thread, of part 0.
  Value addressOf(RankedTensorType type) {
    return i32.add(base, i32.shiftLeft(Lanes(i32, type).firstAcross(), 2));
  }
  /// Calls `body` for each operand, with where it is in bytes.
  void
  forEach(function_ref<void(unsigned number, RankedTensorType, int64_t)> body);

  OpBuilder &b;
  Location loc;
  sm90::AddWarpsOp op;
  Int32 i32;
  int64_t warps, parts, width = 0;
  Value base;
};

} // namespace

void Exchange::forEach(
    function_ref<void(unsigned number, RankedTensorType, int64_t)> body) {
  int64_t ofVectors = 0, ofNumbers = parts * width * sm90::kSumBytes;
  for (auto [number, type] : llvm::enumerate(op.getParts().getTypes())) {
    auto vector = dyn_cast<RankedTensorType>(type);
    int64_t &offset = vector ? ofVectors : ofNumbers;
    body(number, vector, offset);
    offset += (vector ? vector.getNumElements() : parts) * sm90::kSumBytes;
  }
}

/// Of threads that have the same part of the same, one writes.
void Exchange::put(ArrayRef<ValueRange> values) {
  Value warp = i32.warpOfWarpgroup();
  Value part = i32.shiftRight(warp, llvm::Log2_64(warps));
  Value first = i32.add(i32.lane(), i32.bitAnd(warp, warps - 1));
  forEach([&](unsigned number, RankedTensorType type, int64_t offset) {
    Value isFirst = i32.isZero(type ? Lanes(i32, type).along() : first);
    auto branch = scf::IfOp::create(b, loc, isFirst, /*withElseRegion=*/false);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    int64_t step = (type ? width : 1) * sm90::kSumBytes;
    Value address = i32.add(type ? addressOf(type) : base, i32.mul(part, step));
    ptx::storeSharedFloats(b, loc, address, offset, values[number]);
  });
}

SmallVector<SmallVector<Value>> Exchange::add() {
  SmallVector<SmallVector<Value>> sums;
  forEach([&](unsigned, RankedTensorType type, int64_t offset) {
    SmallVector<Value> &sum = sums.emplace_back();
    if (!type) {
      auto all = ptx::loadSharedFloats(b, loc, base, offset, parts);
      sum.push_back(all.front());
      for (Value other : ArrayRef(all).drop_front())
        sum.front() = arith::AddFOp::create(b, loc, sum.front(), other);
      return;
    }
    Value address = addressOf(type);
    for (int64_t part = 0; part < parts; ++part) {
      auto own = ptx::loadSharedFloats(b, loc, address,
                                       offset + part * width * sm90::kSumBytes,
                                       kNeighbours);
      if (part == 0) {
        sum = own;
        continue;
      }
      for (auto [x, y] : llvm::zip_equal(sum, own))
        x = arith::AddFOp::create(b, loc, x, y);
    }
  });
  return sums;
}

LogicalResult
LowerAddWarps::matchAndRewrite(sm90::AddWarpsOp op, Adaptor adaptor,
                               ConversionPatternRewriter &rewriter) const {
  Location loc = op.getLoc();
  // As of sm90.find_extremes.
  Value barrier = Int32(rewriter, loc)
                      .constant(getSchedule(op).getConsumerWarpgroups() + 1);
  auto meet = [&] {
    ptx::barrierSync(rewriter, loc, barrier, sm90::kWarpgroupThreads);
  };
  Exchange exchange(rewriter, op);
  // In a loop, the sums before have been read. Elsewhere there are none: each
  // op has a place of its own.
  if (op->getParentOfType<LoopLikeOpInterface>())
    meet();
  exchange.put(llvm::to_vector(adaptor.getParts()));
  meet();
  SmallVector<SmallVector<Value>> sums = exchange.add();
  rewriter.replaceOpWithMultiple(op, std::move(sums));
  return success();
}

void mlir::attn::sm90_to_nvvm::populateStripsPatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<LowerLoadStrips, LowerStoreStrips, LowerReduceStrips,
               LowerReduceVector, LowerAddWarps, LowerBroadcastStrips>(
      converter, patterns.getContext());
}
