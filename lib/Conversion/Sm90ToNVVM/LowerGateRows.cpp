//===- LowerGateRows.cpp - Tokens times gates of their channels -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A lane has neighbouring channels, of the tokens of its warp. The gates of
// some rows are on their way at once; they were fetched a chunk ago.
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

/// The places of 16 bytes of a row are swizzled by its number among eight.
static constexpr int64_t kSwizzledRows = 8, kPlaceShift = 4;

namespace {

class GateRows {
public:
  GateRows(OpBuilder &b, sm90::GateRowsOp op, Value source, Value result,
           Value limit)
      : b(b), op(op), loc(op.getLoc()), i32(b, loc), source(source),
        result(result), limit(limit),
        channels(op.getSource().getType().getColumns()) {}

  /// From `gates`, the address of the first row.
  void emit(Value gates, Value strideBytes);

private:
  using Values = SmallVector<Value>;
  /// Rows whose gates are on their way at once: 64 registers.
  static constexpr int64_t kTogether = 16;

  int64_t perLane() const { return channels / 32; }
  Values loadGates(Value gates, Value strideBytes, Value row);
  void gateRow(ValueRange gates, Value place, int64_t x);

  OpBuilder &b;
  sm90::GateRowsOp op;
  Location loc;
  Int32 i32;
  Value source, result, limit;
  int64_t channels;
};

} // namespace

/// Fetches the 64 rows behind those that begin at `row` (the address of the
/// first one), up to row `limit`: a line for each lane, some rows at a time.
static void prefetchRows(OpBuilder &b, Location loc, Value row,
                         Value strideBytes, Value limit, int64_t rowBytes) {
  constexpr int64_t kLineBytes = 128, kLanes = 32;
  Int32 i32(b, loc);
  int64_t lines = rowBytes / kLineBytes, together = kLanes / lines;
  auto wide = [&](Value value) -> Value {
    return arith::ExtSIOp::create(b, loc, b.getI64Type(), value);
  };
  auto addRows = [&](Value address, Value rows) -> Value {
    Value bytes = arith::MulIOp::create(b, loc, wide(rows), strideBytes);
    return arith::AddIOp::create(b, loc, address, bytes);
  };
  Value own = i32.add(i32.div(i32.lane(), lines), sm90::kWarpgroupRows);
  Value line = i32.mul(i32.rem(i32.lane(), lines), kLineBytes);
  Value address = arith::AddIOp::create(b, loc, addRows(row, own), wide(line));
  Value step = i32.constant(together);
  for (int64_t first = 0; first < sm90::kWarpgroupRows; first += together) {
    Value isRow = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                        i32.add(own, first), limit);
    ptx::prefetchIf(b, loc, address, isRow);
    address = addRows(address, step);
  }
}

/// Rows that are not there are zeros, whatever they are multiplied by.
SmallVector<Value> GateRows::loadGates(Value gates, Value strideBytes,
                                       Value row) {
  Value last = i32.add(limit, -1);
  Value known = arith::MinSIOp::create(b, loc, row, last);
  Value wide = arith::ExtSIOp::create(b, loc, b.getI64Type(), known);
  Value bytes = arith::MulIOp::create(b, loc, wide, strideBytes);
  Value address = arith::AddIOp::create(b, loc, gates, bytes);
  return ptx::loadGlobalWords(b, loc, address, /*offset=*/0, perLane(),
                              /*isFloat=*/true, /*constant=*/true);
}

/// `place` is that of the lane in a row whose number is a multiple of eight,
/// less x rows.
void GateRows::gateRow(ValueRange gates, Value place, int64_t x) {
  Value swizzled = i32.bitXor(place, x % kSwizzledRows << kPlaceShift);
  int64_t offset = x * sm90::kPanelRowBytes;
  Values words = ptx::loadSharedFloats(b, loc, i32.add(source, swizzled),
                                       offset, perLane() / 2);
  Type from = op.getSource().getType().getElementType();
  Type to = op.getElement().value_or(op.getResult().getType().getElementType());
  for (auto [i, word] : llvm::enumerate(words)) {
    Value bits = arith::BitcastOp::create(b, loc, b.getI32Type(), word);
    Values pair = extendPair(b, loc, from, bits);
    for (int64_t half = 0; half < 2; ++half)
      pair[half] =
          arith::MulFOp::create(b, loc, pair[half], gates[2 * i + half]);
    Value rounded = ptx::roundPair(b, loc, to, pair[0], pair[1]);
    word = arith::BitcastOp::create(b, loc, b.getF32Type(), rounded);
  }
  ptx::storeSharedFloats(b, loc, i32.add(result, swizzled), offset, words);
}

void GateRows::emit(Value gates, Value strideBytes) {
  Type i64 = b.getI64Type();
  Value byte = i32.mul(i32.lane(), channels / 32 * 2);
  Value panel = i32.mul(i32.div(byte, sm90::kPanelRowBytes),
                        sm90::kWarpgroupRows * sm90::kPanelRowBytes);
  Value first = i32.add(panel, i32.bitAnd(byte, sm90::kPanelRowBytes - 1));
  Value own = arith::AddIOp::create(
      b, loc, gates,
      arith::ExtSIOp::create(
          b, loc, i64, i32.mul(i32.lane(), perLane() * sm90::kNumberBytes)));
  // By one of the warps.
  Value warp = i32.rem(i32.shiftRight(i32.thread(), 5), sm90::kGateWarps);
  auto fetches = scf::IfOp::create(b, loc, i32.isZero(warp),
                                   /*withElseRegion=*/false);
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(fetches.thenBlock());
    prefetchRows(b, loc, gates, strideBytes, limit,
                 channels * sm90::kNumberBytes);
  }
  constexpr int64_t kRows = sm90::kWarpgroupRows / sm90::kGateWarps;
  Value begin = i32.mul(warp, kRows);
  auto loop = scf::ForOp::create(b, loc, begin, i32.add(begin, kRows),
                                 i32.constant(kTogether));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(loop.getBody());
    Value row = loop.getInductionVar();
    SmallVector<Values> numbers;
    for (int64_t x = 0; x < kTogether; ++x)
      numbers.push_back(loadGates(own, strideBytes, i32.add(row, x)));
    Value place = i32.add(first, i32.mul(row, sm90::kPanelRowBytes));
    for (int64_t x = 0; x < kTogether; ++x)
      gateRow(numbers[x], place, x);
  }
  // Products may read it, and what was read may be copied over.
  NVVM::FenceProxyOp::create(
      b, loc,
      NVVM::ProxyKindAttr::get(b.getContext(), NVVM::ProxyKind::async_shared),
      NVVM::SharedSpaceAttr::get(b.getContext(),
                                 NVVM::SharedSpace::shared_cta));
  NVVM::SyncWarpOp::create(b, loc, i32.constant(-1));
}

namespace {

struct LowerGateRows : OpConversionPattern<sm90::GateRowsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::GateRowsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    auto toBytes = [&](Value elements) -> Value {
      return arith::MulIOp::create(
          rewriter, loc, elements,
          arith::ConstantOp::create(
              rewriter, loc, rewriter.getI64IntegerAttr(sm90::kNumberBytes)));
    };
    Value gates = LLVM::PtrToIntOp::create(rewriter, loc, rewriter.getI64Type(),
                                           adaptor.getPointer().front());
    gates = arith::AddIOp::create(rewriter, loc, gates,
                                  toBytes(adaptor.getOffset().front()));
    GateRows(rewriter, op,
             byteAddress(i32, op.getSource().getType(), adaptor.getSource()),
             byteAddress(i32, op.getResult().getType(), adaptor.getResult()),
             i32.fromIndex(adaptor.getLimit().front()))
        .emit(gates, toBytes(adaptor.getStride().front()));
    rewriter.eraseOp(op);
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateGateRowsPatterns(const TypeConverter &converter,
                                            RewritePatternSet &patterns) {
  patterns.add<LowerGateRows>(converter, patterns.getContext());
}
