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

struct LowerDecayColumns : OpConversionPattern<sm90::DecayColumnsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::DecayColumnsOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    sm90::StageType type = op.getKeys().getType();
    DecayedBlock(rewriter, op.getLoc(), type,
                 byteAddress(i32, op.getSums().getType(), adaptor.getSums()),
                 adaptor.getScratch().front())
        .emitColumns(byteAddress(i32, type, adaptor.getKeys()),
                     byteAddress(i32, type, adaptor.getResult()));
    rewriter.eraseOp(op);
    return success();
  }
};

struct LowerDecayedDot : OpConversionPattern<sm90::DecayedDotOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(sm90::DecayedDotOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Int32 i32(rewriter, op.getLoc());
    sm90::StageType type = op.getRows().getType();
    Value reached;
    if (op.getReached())
      reached = byteAddress(i32, type, adaptor.getReached());
    Values result = DecayedBlock(rewriter, op.getLoc(), type,
                                 byteAddress(i32, op.getSums().getType(),
                                             adaptor.getSums()),
                                 adaptor.getScratch().front())
                        .emitRows(byteAddress(i32, type, adaptor.getRows()),
                                  byteAddress(i32, type, adaptor.getKeys()),
                                  reached, op.getScale().convertToFloat());
    rewriter.replaceOpWithMultiple(op, {result});
    return success();
  }
};

} // namespace

void sm90_to_nvvm::populateDecayPatterns(const TypeConverter &converter,
                                         RewritePatternSet &patterns) {
  patterns.add<LowerDecayColumns, LowerDecayedDot>(converter,
                                                   patterns.getContext());
}
