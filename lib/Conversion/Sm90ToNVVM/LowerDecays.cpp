//===- LowerDecays.cpp - Products of tokens whose channels decay ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecayedBlock.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

/// Of an f32 behind a pointer, as an i64.
static Value addressOf(OpBuilder &b, Location loc, Value pointer,
                       Value offset) {
  Value first = LLVM::PtrToIntOp::create(b, loc, b.getI64Type(), pointer);
  Value bytes = arith::MulIOp::create(
      b, loc, offset,
      arith::ConstantOp::create(b, loc,
                                b.getI64IntegerAttr(sm90::kNumberBytes)));
  return arith::AddIOp::create(b, loc, first, bytes);
}

namespace {

struct LowerSumDecays : OpConversionPattern<sm90::SumDecaysOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::SumDecaysOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    sm90::StageType gates = op.getGates().getType(),
                    whole = op.getWhole().getType();
    bool hasTwo =
        op.getScratch().getType().getRows() == sm90::decayScratchRows(2);
    DecayGates chunk{byteAddress(i32, gates, adaptor.getGates()),
                     i32.fromIndex(adaptor.getLimit().front()), op.getLinear(),
                     byteAddress(i32, whole, adaptor.getWhole())};
    rewriter.replaceOp(op, DecayedBlock(rewriter, op.getLoc(), gates,
                                        adaptor.getScratch().front(),
                                        /*keys=*/hasTwo ? 2 : 1)
                               .sumDecays(chunk));
    return success();
  }
};

struct LowerDecayTokens : OpConversionPattern<sm90::DecayTokensOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::DecayTokensOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    auto type = cast<sm90::StageType>(op.getKeys().front().getType());
    DecayedChunk chunk;
    for (ValueRange memory : adaptor.getKeys())
      chunk.keys.push_back({byteAddress(i32, type, memory), {}});
    chunk.gates = byteAddress(i32, op.getGates().getType(), adaptor.getGates());
    chunk.isSafe = adaptor.getSafe().front();
    for (auto [keys, memory] : llvm::zip_equal(chunk.keys, adaptor.getLeft()))
      keys.left = byteAddress(i32, type, memory);
    auto tileOf = [&](size_t row) {
      // Rows that are keys have one address, by which they are known.
      for (auto [k, own] : llvm::enumerate(op.getKeys()))
        if (own == op.getRows()[row])
          return chunk.keys[k].tile;
      return byteAddress(i32, type, adaptor.getRows()[row]);
    };
    for (size_t r = 0; r < op.getRows().size(); ++r) {
      Value tile = tileOf(r);
      bool areStrengths = op.getRows()[r] == op.getReached()[r];
      chunk.rows.push_back({tile,
                            byteAddress(i32, type, adaptor.getReached()[r]),
                            op.getScales()[r], op.isBefore(r),
                            areStrengths ? chunk.keys.front().tile : tile,
                            op.getNarrowStrengths()});
    }
    if (op.getBonus())
      chunk.bonus = addressOf(rewriter, op.getLoc(), adaptor.getBonus().front(),
                              adaptor.getOffset().front());
    rewriter.replaceOpWithMultiple(
        op,
        DecayedBlock(rewriter, op.getLoc(), type, adaptor.getScratch().front(),
                     chunk.keys.size(), op.getRounds())
            .decay(chunk));
    return success();
  }
};

struct LowerDecayedDots : OpConversionPattern<sm90::DecayedDotsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::DecayedDotsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    auto type = cast<sm90::StageType>(op.getRows().front().getType());
    SmallVector<Value> rows;
    for (ValueRange memory : adaptor.getRows())
      rows.push_back(byteAddress(i32, type, memory));
    rewriter.replaceOpWithMultiple(
        op,
        DecayedBlock(rewriter, op.getLoc(), type, adaptor.getScratch().front(),
                     op.getBlocks().size() / rows.size())
            .multiply(rows, adaptor.getBlocks()));
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateDecayPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerSumDecays, LowerDecayTokens, LowerDecayedDots>(
      converter, patterns.getContext());
}
