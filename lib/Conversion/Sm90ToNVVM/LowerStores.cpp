//===- LowerStores.cpp - From registers to global memory ------------------===//
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

template <typename Op> struct StorePattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<Op>::OneToNOpAdaptor;
};

struct LowerStoreRows : StorePattern<sm90::StoreRowsOp> {
  using StorePattern::StorePattern;
  LogicalResult
  matchAndRewrite(sm90::StoreRowsOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Value limit = i32.fromIndex(adaptor.getLimit().front());
    // The four threads of a quad hold the same rows.
    Value isFirstOfQuad = i32.isZero(i32.bitAnd(i32.lane(), 3));
    Type f32 = rewriter.getF32Type();
    for (auto [i, value] : llvm::enumerate(adaptor.getRows())) {
      Value row = i32.add(i32.firstRow(), 8 * i);
      Value inside = arith::CmpIOp::create(
          rewriter, loc, arith::CmpIPredicate::slt, row, limit);
      Value store = arith::AndIOp::create(rewriter, loc, inside, isFirstOfQuad);
      auto branch =
          scf::IfOp::create(rewriter, loc, store, /*withElseRegion=*/false);
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      Value offset = arith::AddIOp::create(
          rewriter, loc, adaptor.getOffset().front(),
          arith::ExtSIOp::create(rewriter, loc, rewriter.getI64Type(), row));
      Value pointer = adaptor.getPointer().front();
      Value address = LLVM::GEPOp::create(rewriter, loc, pointer.getType(), f32,
                                          pointer, offset);
      LLVM::StoreOp::create(rewriter, loc, value, address);
    }
    rewriter.eraseOp(op);
    return success();
  }
};

/// Lets the four threads of a quad, each of which holds a column of registers,
/// get a row of them.
class QuadTranspose {
public:
  QuadTranspose(OpBuilder &b, Location loc) : b(b), loc(loc), i32(b, loc) {
    for (int64_t bit : {0, 1})
      isUpper[bit] = i32.isZero(i32.bitXor(
          i32.bitAnd(i32.shiftRight(i32.lane(), bit), 1), /*bits=*/1));
  }

  /// Register j of thread i goes to register i of thread j.
  void apply(MutableArrayRef<Value> registers) {
    exchange(1, registers[0], registers[2]);
    exchange(1, registers[1], registers[3]);
    exchange(0, registers[0], registers[1]);
    exchange(0, registers[2], registers[3]);
  }

private:
  /// Swaps the upper register of the lower thread with the lower one of the
  /// upper thread.
  void exchange(int64_t bit, Value &lower, Value &upper) {
    auto select = [&](Value ifUpper, Value ifLower) -> Value {
      return arith::SelectOp::create(b, loc, isUpper[bit], ifUpper, ifLower);
    };
    Value other = NVVM::ShflOp::create(
        b, loc, b.getI32Type(), i32.constant(-1), select(lower, upper),
        i32.constant(int64_t(1) << bit), i32.constant(31), NVVM::ShflKind::bfly,
        UnitAttr());
    lower = select(other, lower);
    upper = select(upper, other);
  }

  OpBuilder &b;
  Location loc;
  Int32 i32;
  /// Whether a bit of the number of the thread in its quad is set.
  Value isUpper[2];
};

struct LowerStoreMatrix : StorePattern<sm90::StoreMatrixOp> {
  using StorePattern::StorePattern;
  LogicalResult
  matchAndRewrite(sm90::StoreMatrixOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;
};

} // namespace

/// The threads of a quad.
static constexpr int64_t kQuad = 4;
static constexpr int64_t kElementBytes = 2;

/// The address where the thread stores first, as an i64: in its first row, the
/// chunk of its number in the quad.
static Value findFirstChunk(OpBuilder &b, Location loc, Value pointer,
                            Value offset, Value stride) {
  Int32 i32(b, loc);
  Type i64 = b.getI64Type();
  auto wide = [&](Value value) -> Value {
    return arith::ExtUIOp::create(b, loc, i64, value);
  };
  Value chunk = i32.mul(i32.bitAnd(i32.lane(), kQuad - 1),
                        sm90::kStoreBytes / kElementBytes);
  Value row = arith::MulIOp::create(b, loc, wide(i32.firstRow()), stride);
  Value element = arith::AddIOp::create(
      b, loc, arith::AddIOp::create(b, loc, offset, row), wide(chunk));
  Value bytes =
      arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(kElementBytes));
  return arith::AddIOp::create(b, loc,
                               LLVM::PtrToIntOp::create(b, loc, i64, pointer),
                               arith::MulIOp::create(b, loc, element, bytes));
}

LogicalResult
LowerStoreMatrix::matchAndRewrite(sm90::StoreMatrixOp op, Adaptor adaptor,
                                  ConversionPatternRewriter &rewriter) const {
  Location loc = op.getLoc();
  Int32 i32(rewriter, loc);
  QuadTranspose transpose(rewriter, loc);
  Value address =
      findFirstChunk(rewriter, loc, adaptor.getPointer().front(),
                     adaptor.getOffset().front(), adaptor.getStride().front());
  Value limit = i32.fromIndex(adaptor.getLimit().front());
  Value thread = i32.bitAnd(i32.lane(), kQuad - 1);
  // Two rows for each thread, whose registers alternate.
  constexpr int64_t kRowDistance = 8;
  Value distance = arith::MulIOp::create(
      rewriter, loc, adaptor.getStride().front(),
      arith::ConstantOp::create(
          rewriter, loc,
          rewriter.getI64IntegerAttr(kRowDistance * kElementBytes)));
  ValueRange registers = adaptor.getFragment();
  int64_t chunks = registers.size() / 2;
  Value zero = i32.constant(0);
  for (int64_t half = 0; half < 2; ++half) {
    if (half)
      address = arith::AddIOp::create(rewriter, loc, address, distance);
    Value inside = arith::CmpIOp::create(
        rewriter, loc, arith::CmpIPredicate::slt,
        i32.add(i32.firstRow(), half * kRowDistance), limit);
    for (int64_t first = 0; first < chunks; first += kQuad) {
      // Behind the last chunk there is nothing to store.
      int64_t count = std::min(kQuad, chunks - first);
      SmallVector<Value> own(kQuad, zero);
      for (int64_t i = 0; i < count; ++i)
        own[i] = registers[2 * (first + i) + half];
      transpose.apply(own);
      Value stores = inside;
      if (count < kQuad)
        stores = arith::AndIOp::create(
            rewriter, loc, inside,
            arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::slt,
                                  thread, i32.constant(count)));
      ptx::storeGlobalWords(rewriter, loc, address, first * sm90::kStoreBytes,
                            own, stores);
    }
  }
  rewriter.eraseOp(op);
  return success();
}

void mlir::attn::sm90_to_nvvm::populateStorePatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<LowerStoreRows, LowerStoreMatrix>(converter,
                                                 patterns.getContext());
}
