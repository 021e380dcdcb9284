//===- LowerNumbers.cpp - Numbers of tokens and of pairs of them ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
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

namespace {

template <typename Op> struct NumbersPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<Op>::OneToNOpAdaptor;
};

} // namespace

/// Numbers in the layout `lanes` that a thread holds.
static constexpr int64_t kNumbersPerLane = 2;

static Value isBelow(OpBuilder &b, Location loc, Value x, Value y) {
  return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, x, y);
}

/// What `kind` of shuffle of a whole warp gives.
static Value shuffle(OpBuilder &b, Location loc, NVVM::ShflKind kind,
                     Value value, int64_t lane) {
  Int32 i32(b, loc);
  int64_t clamp = kind == NVVM::ShflKind::up ? 0 : 31;
  return NVVM::ShflOp::create(b, loc, value.getType(), i32.constant(-1), value,
                              i32.constant(lane), i32.constant(clamp), kind,
                              UnitAttr());
}

/// The address of row `row` of a stage of numbers.
static Value rowOfNumbers(Int32 &i32, sm90::StageType type, Value stage,
                          int64_t row) {
  return i32.add(i32.shiftLeft(stage, kDescriptorShift),
                 row * type.getColumns() * sm90::kNumberBytes);
}

namespace {

/// Where a row of each of the numbers of a lane is, and whether it is one.
template <typename Op> struct LoadPattern : NumbersPattern<Op> {
  using NumbersPattern<Op>::NumbersPattern;

protected:
  struct Row {
    Value address, isInside;
  };
  static SmallVector<Row> locate(Op op,
                                 typename NumbersPattern<Op>::Adaptor adaptor,
                                 int64_t elementBytes, OpBuilder &b) {
    Location loc = op.getLoc();
    Int32 i32(b, loc);
    Type i64 = b.getI64Type();
    Value first = i32.mul(i32.lane(), kNumbersPerLane);
    Value limit = i32.fromIndex(adaptor.getLimit().front());
    Value pointer =
        LLVM::PtrToIntOp::create(b, loc, i64, adaptor.getPointer().front());
    Value bytes =
        arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(elementBytes));
    SmallVector<Row> rows;
    for (int64_t r = 0; r < kNumbersPerLane; ++r) {
      Value row = i32.add(first, r);
      Value wide = arith::ExtSIOp::create(b, loc, i64, row);
      Value offset =
          arith::MulIOp::create(b, loc, wide, adaptor.getStride().front());
      offset =
          arith::AddIOp::create(b, loc, offset, adaptor.getOffset().front());
      offset = arith::MulIOp::create(b, loc, offset, bytes);
      rows.push_back({arith::AddIOp::create(b, loc, pointer, offset),
                      isBelow(b, loc, row, limit)});
    }
    return rows;
  }
};

struct LowerLoadNumbers : LoadPattern<sm90::LoadNumbersOp> {
  using LoadPattern::LoadPattern;
  LogicalResult
  matchAndRewrite(sm90::LoadNumbersOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    constexpr int64_t kShortBytes = 2;
    bool isShort = op.getElement().has_value();
    SmallVector<Value> results;
    for (Row row :
         locate(op, adaptor, isShort ? kShortBytes : sm90::kNumberBytes,
                rewriter)) {
      Type f32 = rewriter.getF32Type();
      if (!isShort) {
        results.push_back(ptx::loadGlobalIf(rewriter, loc, "f32", f32,
                                            row.address, /*offset=*/0,
                                            row.isInside));
        continue;
      }
      Value bits = ptx::loadGlobalIf(rewriter, loc, "b16",
                                     rewriter.getI16Type(), row.address,
                                     /*offset=*/0, row.isInside);
      Value element =
          arith::BitcastOp::create(rewriter, loc, *op.getElement(), bits);
      results.push_back(arith::ExtFOp::create(rewriter, loc, f32, element));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerFirstNumbers : NumbersPattern<sm90::FirstNumbersOp> {
  using NumbersPattern::NumbersPattern;
  LogicalResult
  matchAndRewrite(sm90::FirstNumbersOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Value first = i32.mul(i32.lane(), kNumbersPerLane);
    Value count = i32.fromIndex(adaptor.getCount().front());
    SmallVector<Value> results;
    for (int64_t r = 0; r < kNumbersPerLane; ++r)
      results.push_back(isBelow(rewriter, loc, i32.add(first, r), count));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// The sums of pairs are summed over the lanes in a tree.
struct LowerCumulativeSum : NumbersPattern<sm90::CumulativeSumOp> {
  using NumbersPattern::NumbersPattern;
  LogicalResult
  matchAndRewrite(sm90::CumulativeSumOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    auto add = [&](Value a, Value b) -> Value {
      return arith::AddFOp::create(rewriter, loc, a, b);
    };
    Value zero =
        arith::ConstantOp::create(rewriter, loc, rewriter.getF32FloatAttr(0));
    // What the lane `distance` before has, or zero.
    auto before = [&](Value value, int64_t distance) -> Value {
      Value other = shuffle(rewriter, loc, NVVM::ShflKind::up, value, distance);
      Value isFirst =
          isBelow(rewriter, loc, i32.lane(), i32.constant(distance));
      return arith::SelectOp::create(rewriter, loc, isFirst, zero, other);
    };
    ValueRange own = adaptor.getSource();
    Value sum = add(own[0], own[1]);
    for (int64_t distance = 1; distance < 32; distance *= 2)
      sum = add(sum, before(sum, distance));
    Value first = add(before(sum, 1), own[0]);
    SmallVector<Value> results{first, add(first, own[1])};
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerExtract : NumbersPattern<sm90::ExtractOp> {
  using NumbersPattern::NumbersPattern;
  LogicalResult
  matchAndRewrite(sm90::ExtractOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto position = static_cast<int64_t>(op.getPosition());
    rewriter.replaceOp(op,
                       shuffle(rewriter, op.getLoc(), NVVM::ShflKind::idx,
                               adaptor.getNumbers()[position % kNumbersPerLane],
                               position / kNumbersPerLane));
    return success();
  }
};

struct LowerStoreNumbers : NumbersPattern<sm90::StoreNumbersOp> {
  using NumbersPattern::NumbersPattern;
  LogicalResult
  matchAndRewrite(sm90::StoreNumbersOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Value row = rowOfNumbers(i32, op.getStage().getType(),
                             adaptor.getStage().front(), op.getRow());
    Value own =
        i32.add(row, i32.mul(i32.lane(), kNumbersPerLane * sm90::kNumberBytes));
    ptx::storeSharedFloats(rewriter, loc, own, /*offset=*/0,
                           adaptor.getNumbers());
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerLoadRow : NumbersPattern<sm90::LoadRowOp> {
  using NumbersPattern::NumbersPattern;
  LogicalResult
  matchAndRewrite(sm90::LoadRowOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    auto type = cast<RankedTensorType>(op.getNumbers().getType());
    Value row = rowOfNumbers(i32, op.getStage().getType(),
                             adaptor.getStage().front(), op.getRow());
    SmallVector<Value> results;
    // Rows of a thread are 8 apart, and so are its pairs of columns.
    bool isColumns = *sm90::getLayout(type) == sm90::Layout::Columns;
    Value first = isColumns ? i32.firstColumn() : i32.firstRow();
    int64_t adjacent = isColumns ? 2 : 1;
    Value own = i32.add(row, i32.mul(first, sm90::kNumberBytes));
    for (int64_t i = 0, e = elementsPerThread(type); i < e; i += adjacent)
      llvm::append_range(
          results, ptx::loadSharedFloats(rewriter, loc, own,
                                         i / adjacent * 8 * sm90::kNumberBytes,
                                         adjacent));
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerScaleColumns : NumbersPattern<sm90::ScaleColumnsOp> {
  using NumbersPattern::NumbersPattern;
  LogicalResult
  matchAndRewrite(sm90::ScaleColumnsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Value row = rowOfNumbers(i32, op.getStage().getType(),
                             adaptor.getStage().front(), op.getRow());
    Value own = i32.add(row, i32.mul(i32.firstColumn(), sm90::kNumberBytes));
    SmallVector<Value> results, pair;
    for (auto [i, element] : llvm::enumerate(adaptor.getSource())) {
      // Two rows of a pair of columns.
      if (i % 4 == 0)
        pair = ptx::loadSharedFloats(
            rewriter, loc, own, columnOfElement(i) * sm90::kNumberBytes, 2);
      results.push_back(
          arith::MulFOp::create(rewriter, loc, element, pair[i % 2]));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerLoadElement : NumbersPattern<sm90::LoadElementOp> {
  using NumbersPattern::NumbersPattern;
  LogicalResult
  matchAndRewrite(sm90::LoadElementOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    Value row = rowOfNumbers(i32, op.getStage().getType(),
                             adaptor.getStage().front(), op.getRow());
    auto offset = static_cast<int64_t>(op.getColumn()) * sm90::kNumberBytes;
    rewriter.replaceOp(op, ptx::loadSharedFloats(rewriter, op.getLoc(), row,
                                                 offset, /*count=*/1));
    return success();
  }
};

/// Reads or writes each element of a fragment. Reads are in front of a loop and
/// writes behind it: neither leaves addresses for the other.
template <typename Op> struct LowerState : NumbersPattern<Op> {
  using NumbersPattern<Op>::NumbersPattern;

protected:
  /// The address of each element of the thread.
  SmallVector<Value> getAddresses(Op op,
                                  typename NumbersPattern<Op>::Adaptor adaptor,
                                  ConversionPatternRewriter &rewriter) const {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Type i64 = rewriter.getI64Type();
    auto wide = [&](Value value) -> Value {
      return arith::ExtSIOp::create(rewriter, loc, i64, value);
    };
    auto mul = [&](Value a, Value b) -> Value {
      return arith::MulIOp::create(rewriter, loc, a, b);
    };
    auto add = [&](Value a, Value b) -> Value {
      return arith::AddIOp::create(rewriter, loc, a, b);
    };
    Value row = adaptor.getRow().front(), column = adaptor.getColumn().front();
    // What Int32::firstRow and firstColumn give.
    Value thread = i32.threadOfWarpgroupAnew();
    Value firstRow = i32.add(i32.shiftLeft(i32.shiftRight(thread, 5), 4),
                             i32.shiftRight(i32.bitAnd(thread, 31), 2));
    Value firstColumn = i32.shiftLeft(i32.bitAnd(thread, 3), 1);
    Value first =
        add(adaptor.getOffset().front(),
            add(mul(wide(firstRow), row), mul(wide(firstColumn), column)));
    Value pointer = adaptor.getPointer().front();
    SmallVector<Value> addresses;
    int64_t count =
        elementsPerThread(cast<RankedTensorType>(op.getFragment().getType()));
    for (int64_t i = 0; i < count; ++i) {
      Value own = add(first, mul(wide(i32.constant(rowOfElement(i))), row));
      own = add(own, mul(wide(i32.constant(columnOfElement(i))), column));
      addresses.push_back(LLVM::GEPOp::create(rewriter, loc, pointer.getType(),
                                              elementOf(op), pointer, own));
    }
    return addresses;
  }
  /// What is in memory.
  static Type elementOf(Op op) {
    return op.getElement().value_or(Float32Type::get(op.getContext()));
  }
};

struct LowerLoadState : LowerState<sm90::LoadStateOp> {
  using LowerState::LowerState;
  LogicalResult
  matchAndRewrite(sm90::LoadStateOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> results;
    Type f32 = rewriter.getF32Type();
    for (Value address : getAddresses(op, adaptor, rewriter)) {
      Value element =
          LLVM::LoadOp::create(rewriter, op.getLoc(), elementOf(op), address);
      if (op.getElement())
        element = arith::ExtFOp::create(rewriter, op.getLoc(), f32, element);
      results.push_back(element);
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

struct LowerStoreState : LowerState<sm90::StoreStateOp> {
  using LowerState::LowerState;
  LogicalResult
  matchAndRewrite(sm90::StoreStateOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> addresses = getAddresses(op, adaptor, rewriter);
    for (auto [value, address] :
         llvm::zip_equal(adaptor.getFragment(), addresses)) {
      Value element = value;
      if (op.getElement())
        element = arith::TruncFOp::create(rewriter, op.getLoc(), elementOf(op),
                                          element);
      LLVM::StoreOp::create(rewriter, op.getLoc(), element, address);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerFill : NumbersPattern<sm90::FillOp> {
  using NumbersPattern::NumbersPattern;
  LogicalResult
  matchAndRewrite(sm90::FillOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    Use use = describeUse(i32, adaptor.getCount().front(),
                          op.getBarrier().getType().getStages());
    ptx::mbarrierArrive(
        rewriter, op.getLoc(),
        barrierAddress(i32, adaptor.getBarrier().front(), use.stage));
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerBroadcastColumns : NumbersPattern<sm90::BroadcastColumnsOp> {
  using NumbersPattern::NumbersPattern;
  LogicalResult
  matchAndRewrite(sm90::BroadcastColumnsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(op.getType());
    SmallVector<Value> results;
    for (int64_t i = 0, e = elementsPerThread(type); i < e; ++i)
      results.push_back(adaptor.getSource()[numberOfColumn(i)]);
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// An infinite power of a later token is not chosen.
struct LowerDecayRatios : NumbersPattern<sm90::DecayRatiosOp> {
  using NumbersPattern::NumbersPattern;
  LogicalResult
  matchAndRewrite(sm90::DecayRatiosOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Type f32 = rewriter.getF32Type();
    auto constant = [&](float value) -> Value {
      return arith::ConstantOp::create(rewriter, loc,
                                       rewriter.getF32FloatAttr(value));
    };
    Value zero = constant(0), one = constant(1);
    bool transposed = op.getTransposed();
    Value row = i32.firstRow(), column = i32.firstColumn();
    Value distance = transposed
                         ? arith::SubIOp::create(rewriter, loc, column, row)
                         : arith::SubIOp::create(rewriter, loc, row, column);
    SmallVector<Value> results;
    int64_t count = elementsPerThread(cast<RankedTensorType>(op.getType()));
    for (int64_t i = 0; i < count; ++i) {
      Value ratio = one;
      if (op.getRows()) {
        Value later = adaptor.getRows()[rowOfElement(i) != 0];
        Value earlier = adaptor.getColumns()[numberOfColumn(i)];
        if (transposed)
          std::swap(later, earlier);
        Value difference = arith::SubFOp::create(rewriter, loc, later, earlier);
        ratio = LLVM::CallIntrinsicOp::create(
                    rewriter, loc, f32,
                    rewriter.getStringAttr("llvm.nvvm.ex2.approx.ftz.f"),
                    difference)
                    .getResult(0);
      }
      int64_t least = columnOfElement(i) - rowOfElement(i);
      Value isEarlier = isBelow(rewriter, loc, distance,
                                i32.constant(transposed ? -least : least));
      results.push_back(
          arith::SelectOp::create(rewriter, loc, isEarlier, zero, ratio));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateNumbersPatterns(const TypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<LowerLoadNumbers, LowerFirstNumbers, LowerCumulativeSum,
               LowerExtract, LowerStoreNumbers, LowerLoadRow, LowerLoadElement,
               LowerScaleColumns, LowerFill, LowerLoadState, LowerStoreState,
               LowerBroadcastColumns, LowerDecayRatios>(converter,
                                                        patterns.getContext());
}
