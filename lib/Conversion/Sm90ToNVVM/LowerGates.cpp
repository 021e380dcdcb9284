//===- LowerGates.cpp - Copies of the gates of channels
//--------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A lane of the warp copies neighbouring channels, of all tokens, so that all
// are on their way at once.
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

namespace {

class GateCopy {
public:
  GateCopy(OpBuilder &b, sm90::CopyGatesOp op, Value target, Value limit)
      : b(b), loc(op.getLoc()), i32(b, loc), limit(limit),
        channels(op.getGates().getType().getColumns()) {
    first = i32.add(target, i32.mul(i32.lane(), laneBytes()));
  }

  /// From `gates`, the address of those of the lane.
  void copy(Value gates, Value strideBytes);
  int64_t laneBytes() const { return perLane() * sm90::kNumberBytes; }

private:
  int64_t perLane() const { return channels / 32; }
  int64_t rowBytes() const { return channels * sm90::kNumberBytes; }
  Value isRow(Value row) {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, row, limit);
  }
  OpBuilder &b;
  Location loc;
  Int32 i32;
  Value limit;
  int64_t channels;
  /// The place of the lane in the first row.
  Value first;
};

} // namespace

/// Some rows at a time, of which the places repeat.
void GateCopy::copy(Value gates, Value strideBytes) {
  auto loop = scf::ForOp::create(b, loc, i32.constant(0),
                                 i32.constant(sm90::kWarpgroupRows),
                                 i32.constant(kRows), gates);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  Value row = loop.getInductionVar(), source = loop.getRegionIterArg(0);
  Value place = i32.add(first, i32.mul(row, rowBytes()));
  for (int64_t x = 0; x < kRows; ++x) {
    ptx::copyAsync(b, loc,
                   i32.add(i32.bitXor(place, x * kPlaceBytes), x * rowBytes()),
                   source, laneBytes(), isRow(i32.add(row, x)));
    source = arith::AddIOp::create(b, loc, source, strideBytes);
  }
  scf::YieldOp::create(b, loc, source);
}

namespace {

struct LowerCopyGates : OpConversionPattern<sm90::CopyGatesOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::CopyGatesOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Type i64 = rewriter.getI64Type();
    GateCopy copy(rewriter, op,
                  byteAddress(i32, op.getGates().getType(), adaptor.getGates()),
                  i32.fromIndex(adaptor.getLimit().front()));
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
    Value lane = i32.mul(i32.lane(), copy.laneBytes());
    copy.copy(
        arith::AddIOp::create(rewriter, loc, row,
                              arith::ExtSIOp::create(rewriter, loc, i64, lane)),
        stride);
    ptx::waitForCopies(rewriter, loc);
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateGatePatterns(const TypeConverter &converter,
                                        RewritePatternSet &patterns) {
  patterns.add<LowerCopyGates>(converter, patterns.getContext());
}
