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

/// Rows and columns of 16-bit elements that one instruction consumes along K.
static constexpr int64_t kStep = 16;

/// Addresses and offsets in descriptors are in units of 16 bytes.
static int64_t encode(int64_t bytes) { return bytes >> 4; }

/// The matrix descriptor of a stage with 128-byte swizzle: the stride between
/// groups of eight rows in bits 32-45, the swizzle in bits 62-63.
static constexpr int64_t kDescriptorHigh =
    (sm90::kSwizzleRows * sm90::kPanelRowBytes >> 4) | (int64_t(1) << 30);

namespace {

/// Where a product finds its right operand in a stage.
struct OperandB {
  ptx::WgmmaChain chain;
  /// The leading offset of the descriptor: the stride between panels where the
  /// columns of B are contiguous; unused otherwise.
  int64_t leadingBytes;
};

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

static OperandB describe(sm90::WgmmaAsyncOp op, sm90::StageType stage) {
  OperandB operand;
  int64_t panelBytes = stage.getRows() * sm90::kPanelRowBytes;
  operand.chain.columns = op.getResult().getType().getResult().getDimSize(1);
  operand.chain.elementType = stage.getElementType().isBF16() ? "bf16" : "f16";
  operand.chain.descriptorHigh = kDescriptorHigh;
  operand.chain.transposeB = !op.getTransposeRhs();
  if (op.getTransposeRhs()) {
    // K runs along the columns of the stage, panel after panel.
    operand.leadingBytes = 16;
    for (int64_t k = 0; k < stage.getColumns(); k += kStep)
      operand.chain.steps.push_back(encode(
          k / sm90::kPanelColumns * panelBytes + k % sm90::kPanelColumns * 2));
  } else {
    // K runs along the rows.
    operand.leadingBytes = panelBytes;
    for (int64_t k = 0; k < stage.getRows(); k += kStep)
      operand.chain.steps.push_back(encode(k * sm90::kPanelRowBytes));
  }
  return operand;
}

LogicalResult
LowerWgmmaAsync::matchAndRewrite(sm90::WgmmaAsyncOp op, OneToNOpAdaptor adaptor,
                                 ConversionPatternRewriter &rewriter) const {
  Location loc = op.getLoc();
  auto stage = cast<sm90::StageType>(op.getRhs().getType());
  OperandB operand = describe(op, stage);
  Value address = adaptor.getRhs().front();
  Int32 i32(rewriter, loc);
  // Shared memory is below 2^18 bytes.
  Value low = i32.bitOr(i32.shiftRight(i32.bitAnd(address, 0x3FFFF), 4),
                        encode(operand.leadingBytes) << 16);
  ValueRange acc = op.getAcc() ? adaptor.getAcc() : ValueRange();
  SmallVector<Value> results =
      ptx::wgmma(rewriter, loc, operand.chain, adaptor.getLhs(), low, acc);
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
  ValueRange lhs = values.drop_front(count).drop_back();
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
