//===- LowerDecaySums.cpp - Sums of the decays of channels ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A lane of the warp has neighbouring channels, of all tokens. The gates are
// copied to where their sums will be, so that all are on their way at once.
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

/// The places of 32 bytes repeat every so many rows.
static constexpr int64_t kRows = 4, kPlaceBytes = 32;
/// What leaves nothing of an f32, as a logarithm.
static constexpr float kLeastLogDecay = -160;

namespace {

class DecaySums {
public:
  DecaySums(OpBuilder &b, sm90::DecaySumsOp op, Value sums, Value limit)
      : b(b), op(op), loc(op.getLoc()), i32(b, loc), limit(limit),
        channels(op.getSums().getType().getColumns()) {
    first = i32.add(sums, i32.mul(i32.lane(), laneBytes()));
  }

  /// From `gates`, the address of those of the lane.
  void copy(Value gates, Value strideBytes);
  /// Returns 2 to the power of the sums of all rows.
  SmallVector<Value> sum();
  int64_t laneBytes() const { return perLane() * sm90::kNumberBytes; }
  int64_t rowBytes() const { return channels * sm90::kNumberBytes; }

private:
  int64_t perLane() const { return channels / 32; }
  Value toLogarithm(Value gate, Value isRow);
  Value isRow(Value row) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, row, limit);
  }
  Value constant(float value) {
    return arith::ConstantOp::create(b, loc, b.getF32FloatAttr(value));
  }
  /// A loop over groups of rows; `body` has the first one, and the place of the
  /// lane in it.
  SmallVector<Value>
  forEachGroup(ValueRange inits,
               function_ref<SmallVector<Value>(Value row, Value place,
                                               ValueRange carried)>
                   body);
  /// The place in row `x` of a group, less x rows.
  Value placeOf(Value place, int64_t x) {
    return i32.bitXor(place, x * kPlaceBytes);
  }

  OpBuilder &b;
  sm90::DecaySumsOp op;
  Location loc;
  Int32 i32;
  Value limit;
  int64_t channels;
  /// The place of the lane in the first row.
  Value first;
};

} // namespace

SmallVector<Value> DecaySums::forEachGroup(
    ValueRange inits,
    function_ref<SmallVector<Value>(Value row, Value place, ValueRange carried)>
        body) {
  auto loop = scf::ForOp::create(b, loc, i32.constant(0),
                                 i32.constant(sm90::kWarpgroupRows),
                                 i32.constant(kRows), inits);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value row = loop.getInductionVar();
  SmallVector<Value> next = body(row, i32.add(first, i32.mul(row, rowBytes())),
                                 loop.getRegionIterArgs());
  if (!inits.empty())
    scf::YieldOp::create(b, loc, next);
  return SmallVector<Value>(loop.getResults());
}

void DecaySums::copy(Value gates, Value strideBytes) {
  forEachGroup(gates, [&](Value row, Value place, ValueRange carried) {
    Value source = carried.front();
    for (int64_t x = 0; x < kRows; ++x) {
      ptx::copyAsync(b, loc, i32.add(placeOf(place, x), x * rowBytes()), source,
                     laneBytes(), isRow(i32.add(row, x)));
      source = arith::AddIOp::create(b, loc, source, strideBytes);
    }
    return SmallVector<Value>{source};
  });
}

Value DecaySums::toLogarithm(Value gate, Value isRow) {
  Value log =
      op.getLinear()
          ? approximate(b, loc, "llvm.nvvm.lg2.approx.ftz.f", gate)
          : arith::MulFOp::create(b, loc, gate, constant(llvm::numbers::log2ef))
                .getResult();
  log = arith::MaxNumFOp::create(b, loc, log, constant(kLeastLogDecay));
  // Rows that are not there are zeros, which are no factor of 1.
  return op.getLinear()
             ? arith::SelectOp::create(b, loc, isRow, log, constant(0))
                   .getResult()
             : log;
}

SmallVector<Value> DecaySums::sum() {
  SmallVector<Value> zeros(perLane(), constant(0));
  auto sumRows = [&](Value row, Value place, ValueRange carried) {
    SmallVector<Value> sums(carried);
    for (int64_t x = 0; x < kRows; ++x) {
      SmallVector<Value> gates = ptx::loadSharedFloats(
          b, loc, placeOf(place, x), x * rowBytes(), perLane());
      Value isThere = isRow(i32.add(row, x));
      for (auto [sum, gate] : llvm::zip_equal(sums, gates))
        sum = arith::AddFOp::create(b, loc, sum, toLogarithm(gate, isThere));
      ptx::storeSharedFloats(b, loc, placeOf(place, x), x * rowBytes(), sums);
    }
    return sums;
  };
  SmallVector<Value> all = forEachGroup(zeros, sumRows);
  for (Value &sum : all)
    sum = approximate(b, loc, "llvm.nvvm.ex2.approx.ftz.f", sum);
  return all;
}

namespace {

struct LowerDecaySums : OpConversionPattern<sm90::DecaySumsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::DecaySumsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Type i64 = rewriter.getI64Type();
    Value limit = i32.fromIndex(adaptor.getLimit().front());
    DecaySums sums(rewriter, op,
                   byteAddress(i32, op.getSums().getType(), adaptor.getSums()),
                   limit);
    auto toBytes = [&](Value elements) -> Value {
      return arith::MulIOp::create(
          rewriter, loc, elements,
          arith::ConstantOp::create(
              rewriter, loc, rewriter.getI64IntegerAttr(sm90::kNumberBytes)));
    };
    Value row = LLVM::PtrToIntOp::create(rewriter, loc, i64,
                                         adaptor.getPointer().front());
    row = arith::AddIOp::create(rewriter, loc, row,
                                toBytes(adaptor.getOffset().front()));
    Value stride = toBytes(adaptor.getStride().front());
    Value lane = i32.mul(i32.lane(), sums.laneBytes());
    sums.copy(
        arith::AddIOp::create(rewriter, loc, row,
                              arith::ExtSIOp::create(rewriter, loc, i64, lane)),
        stride);
    prefetchRows(i32, row, stride, limit, sums.rowBytes());
    ptx::waitForCopies(rewriter, loc);
    SmallVector<Value> whole = sums.sum();
    ptx::storeSharedFloats(
        rewriter, loc,
        i32.add(byteAddress(i32, op.getWhole().getType(), adaptor.getWhole()),
                lane),
        /*offset=*/0, whole);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateDecaySumsPatterns(const TypeConverter &converter,
                                             RewritePatternSet &patterns) {
  patterns.add<LowerDecaySums>(converter, patterns.getContext());
}
