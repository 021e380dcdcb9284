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

/// Addresses and offsets in descriptors are in units of 16 bytes.
static int64_t encode(int64_t bytes) { return bytes >> 4; }

/// The matrix descriptor of a stage with 128-byte swizzle: the stride between
/// groups of eight rows in bits 32-45, the swizzle in bits 62-63.
static constexpr int64_t kDescriptorHigh =
    (sm90::kSwizzleRows * sm90::kPanelRowBytes >> 4) | (int64_t(1) << 30);

namespace {

/// Where a product finds an operand in a stage.
struct SharedOperand {
  /// The leading offset of the descriptor: the stride between panels where K
  /// runs along the rows of the stage; unused otherwise.
  int64_t leadingBytes;
  /// Of each step along K, in units of a descriptor.
  SmallVector<int64_t> steps;
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

static SharedOperand describe(sm90::StageType stage, bool alongRows) {
  int64_t panelBytes = sm90::boxBytes(stage.getRows(), sm90::kPanelColumns);
  SharedOperand operand;
  if (alongRows) {
    operand.leadingBytes = panelBytes;
    for (int64_t k = 0; k < stage.getRows(); k += sm90::kProductStep)
      operand.steps.push_back(encode(k * sm90::kPanelRowBytes));
    return operand;
  }
  // Along the columns, panel after panel.
  operand.leadingBytes = 16;
  for (int64_t k = 0; k < stage.getColumns(); k += sm90::kProductStep)
    operand.steps.push_back(encode(k / sm90::kPanelColumns * panelBytes +
                                   k % sm90::kPanelColumns * 2));
  return operand;
}

/// The low word of a descriptor. Shared memory is below 2^18 bytes.
static Value descriptorLow(Int32 &i32, Value address, int64_t leadingBytes) {
  return i32.bitOr(i32.shiftRight(i32.bitAnd(address, 0x3FFFF), 4),
                   encode(leadingBytes) << 16);
}

LogicalResult
LowerWgmmaAsync::matchAndRewrite(sm90::WgmmaAsyncOp op, OneToNOpAdaptor adaptor,
                                 ConversionPatternRewriter &rewriter) const {
  Location loc = op.getLoc();
  auto stage = cast<sm90::StageType>(op.getRhs().getType());
  bool alongRows = !op.getTransposeRhs();
  SharedOperand right = describe(stage, alongRows);
  ptx::WgmmaChain chain;
  chain.columns = op.getResult().getType().getResult().getDimSize(1);
  chain.elementType = stage.getElementType().isBF16() ? "bf16" : "f16";
  chain.descriptorHigh = kDescriptorHigh;
  chain.transposeB = alongRows;
  chain.stepsB = right.steps;

  Int32 i32(rewriter, loc);
  Value address = adaptor.getRhs().front();
  Value low = descriptorLow(i32, address, right.leadingBytes);
  SmallVector<Value> lhs(adaptor.getLhs());
  if (auto queries = dyn_cast<sm90::StageType>(op.getLhs().getType())) {
    SharedOperand left = describe(queries, /*alongRows=*/false);
    chain.stepsA = left.steps;
    lhs = {descriptorLow(i32,
                         rowAddress(i32, adaptor.getLhs(), adaptor.getRow()),
                         left.leadingBytes)};
  }
  ValueRange acc = op.getAcc() ? adaptor.getAcc() : ValueRange();
  SmallVector<Value> results = ptx::wgmma(rewriter, loc, chain, lhs, low, acc);
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
