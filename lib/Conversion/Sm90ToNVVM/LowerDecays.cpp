//===- LowerDecays.cpp - Products of tokens whose channels decay ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DecayedBlock.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

namespace {

struct LowerDecayTokens : OpConversionPattern<sm90::DecayTokensOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::DecayTokensOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    sm90::StageType type = op.getKeys().getType();
    DecayedChunk chunk;
    chunk.keys = byteAddress(i32, type, adaptor.getKeys());
    chunk.gates = byteAddress(i32, op.getGates().getType(), adaptor.getGates());
    chunk.limit = i32.fromIndex(adaptor.getLimit().front());
    chunk.isLinear = op.getLinear();
    chunk.left = byteAddress(i32, type, adaptor.getLeft());
    chunk.whole = byteAddress(i32, op.getWhole().getType(), adaptor.getWhole());
    for (auto [own, memory, other, reached, scale] :
         llvm::zip_equal(op.getRows(), adaptor.getRows(), op.getReached(),
                         adaptor.getReached(), op.getScales()))
      chunk.rows.push_back(
          {own == op.getKeys() ? chunk.keys : byteAddress(i32, type, memory),
           byteAddress(i32, type, reached), scale,
           /*areStrengths=*/own == other});
    rewriter.replaceOpWithMultiple(
        op,
        DecayedBlock(rewriter, op.getLoc(), type, adaptor.getScratch().front())
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
        DecayedBlock(rewriter, op.getLoc(), type, adaptor.getScratch().front())
            .multiply(rows, adaptor.getBlocks()));
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateDecayPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerDecayTokens, LowerDecayedDots>(converter,
                                                   patterns.getContext());
}
