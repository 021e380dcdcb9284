//===- LowerProducts.cpp - wgmma
//-------------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

static int64_t encode(int64_t bytes) { return bytes >> kDescriptorShift; }

/// The matrix descriptor of a stage with 128-byte swizzle: the stride between
/// groups of eight rows in bits 32-45, the swizzle in bits 62-63.
static constexpr int64_t kDescriptorHigh =
    (sm90::kSwizzleRows * sm90::kPanelRowBytes >> 4) | (int64_t(1) << 30);

namespace {

struct LowerWgmmaAsync : OpConversionPattern<sm90::WgmmaAsyncOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(sm90::WgmmaAsyncOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;
};

struct LowerWgmmaWait : OpConversionPattern<sm90::WgmmaWaitOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(sm90::WgmmaWaitOp op, OneToNOpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;
};

} // namespace

/// The low words of the descriptors of a stage along K, less the address of the
/// stage: in bits 0-13 the offset of each step, in bits 16-29 the leading
/// offset, which is the stride between panels where K runs along the rows of
/// the stage, and unused otherwise.
static SmallVector<int64_t> describe(sm90::StageType stage, bool alongRows) {
  int64_t panelBytes =
      sm90::boxBytes(stage.countPanelRows(), sm90::kPanelColumns);
  int64_t leading = encode(alongRows ? panelBytes : 16) << 16;
  SmallVector<int64_t> steps;
  if (alongRows) {
    for (int64_t k = 0; k < stage.getRows(); k += sm90::kProductStep)
      steps.push_back(leading + encode(k * sm90::kPanelRowBytes));
    return steps;
  }
  // Along the columns, panel after panel.
  for (int64_t k = 0; k < stage.getColumns(); k += sm90::kProductStep)
    steps.push_back(leading + encode(k / sm90::kPanelColumns * panelBytes +
                                     k % sm90::kPanelColumns * 2));
  return steps;
}

LogicalResult
LowerWgmmaAsync::matchAndRewrite(sm90::WgmmaAsyncOp op, OneToNOpAdaptor adaptor,
                                 ConversionPatternRewriter &rewriter) const {
  Location loc = op.getLoc();
  auto stage = cast<sm90::StageType>(op.getRhs().getType());
  bool alongRows = !op.getTransposeRhs();
  ptx::WgmmaChain chain;
  chain.columns = op.getResult().getType().getResult().getDimSize(1);
  chain.elementType = stage.getElementType().isBF16() ? "bf16" : "f16";
  chain.descriptorHigh = kDescriptorHigh;
  chain.transposeB = alongRows;
  chain.stepsB = describe(stage, alongRows);

  Value address = adaptor.getRhs().front();
  SmallVector<Value> lhs(adaptor.getLhs());
  if (auto queries = dyn_cast<sm90::StageType>(op.getLhs().getType())) {
    chain.stepsA = describe(queries, /*alongRows=*/false);
    Int32 i32(rewriter, loc);
    Value row = i32.fromIndex(adaptor.getRow().front());
    lhs = {i32.add(lhs.front(), i32.mul(row, encode(sm90::kPanelRowBytes)))};
  }
  ValueRange acc = op.getAcc() ? adaptor.getAcc() : ValueRange();
  Value adds = op.getAdds() ? adaptor.getAdds().front() : Value();
  SmallVector<Value> results =
      ptx::wgmma(rewriter, loc, chain, lhs, address, acc, adds);
  llvm::append_range(results, adaptor.getLhs());
  results.push_back(address);
  rewriter.replaceOpWithMultiple(op, {results});
  return success();
}

LogicalResult
LowerWgmmaWait::matchAndRewrite(sm90::WgmmaWaitOp op, OneToNOpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const {
  ValueRange values = adaptor.getProduct();
  auto type = cast<sm90::InFlightType>(op.getProduct().getType());
  size_t count = elementsPerThread(type.getResult());
  ValueRange acc = values.take_front(count);
  // Registers of the left operand are read until here.
  ValueRange lhs = isa<sm90::StageType>(type.getLhs())
                       ? ValueRange()
                       : values.drop_front(count).drop_back();
  SmallVector<Value> results =
      ptx::wgmmaWait(rewriter, op.getLoc(), op.getPending(), acc, lhs);
  rewriter.replaceOpWithMultiple(op,
                                 {ValueRange(results), values.take_back(1)});
  return success();
}

void mlir::attn::sm90_to_nvvm::populateProductPatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<LowerWgmmaAsync, LowerWgmmaWait>(converter,
                                                patterns.getContext());
}
