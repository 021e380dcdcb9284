//===- AttentionRegionOps.cpp - Ops in masks and modifiers ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::attn;

static LogicalResult verifyAtLeast(Operation *op, StringRef name, int64_t value,
                                   int64_t least) {
  if (value >= least)
    return success();
  return op->emitOpError("expected ")
         << name << " to be at least " << least << ", got " << value;
}

static LogicalResult verifyShape(Operation *op, StringRef name, Value tensor,
                                 ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(tensor.getType());
  auto expected = type.clone(shape);
  if (succeeded(verifyCompatibleShape(type, expected)))
    return success();
  return op->emitOpError("expected ")
         << name << " of type " << expected << ", got " << type;
}

/// The attention in whose region `op` stands. It is verified before `op` is.
static AttentionOp getAttention(Operation *op) {
  return dyn_cast_or_null<AttentionOp>(op->getParentOp());
}

//===----------------------------------------------------------------------===//
// WindowOp
//===----------------------------------------------------------------------===//

LogicalResult WindowOp::verify() {
  // C1
  for (auto [name, bound] : {std::make_pair("left", getLeftAttr()),
                             std::make_pair("right", getRightAttr())})
    if (bound && failed(verifyAtLeast(*this, name, bound.getInt(), 0)))
      return failure();
  return success();
}

OpFoldResult WindowOp::fold(FoldAdaptor adaptor) {
  if (!getLeft() && !getRight())
    return BoolAttr::get(getContext(), true);
  return {};
}

void WindowOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add(+[](WindowOp op, PatternRewriter &rewriter) -> LogicalResult {
    if (op.getLeft() || op.getRight() != 0)
      return failure();
    rewriter.replaceOpWithNewOp<CausalOp>(op, op.getP(), op.getJ());
    return success();
  });
}

//===----------------------------------------------------------------------===//
// Other masks
//===----------------------------------------------------------------------===//

LogicalResult FirstOp::verify() {
  return verifyAtLeast(*this, "count", getCount(), 0); // C1
}

OpFoldResult FirstOp::fold(FoldAdaptor adaptor) {
  if (getCount() == 0)
    return BoolAttr::get(getContext(), false);
  return {};
}

LogicalResult ChunkOp::verify() {
  return verifyAtLeast(*this, "size", getSize(), 1); // C1
}

LogicalResult PrefixOp::verify() {
  int64_t batch = ShapedType::kDynamic;
  if (AttentionOp attention = getAttention(*this))
    batch = attention.getBatch();
  return verifyShape(*this, "lengths", getLengths(), {batch}); // C1
}

LogicalResult DocumentOp::verify() {
  // What the keys have besides heads and channels.
  SmallVector<int64_t> shape(2, ShapedType::kDynamic);
  if (AttentionOp attention = getAttention(*this)) {
    llvm::ArrayRef<int64_t> keys =
        attention.getKVType().getKeyType().getShape();
    shape.assign(keys.begin(), keys.end() - 2);
    if (!attention.isPacked())
      shape.front() = attention.getBatch();
  }
  return verifyShape(*this, "ids", getIds(), shape); // C1
}

//===----------------------------------------------------------------------===//
// Score modifiers and reads
//===----------------------------------------------------------------------===//

LogicalResult SoftcapOp::verify() {
  // C1
  APFloat cap = getCap();
  if (!cap.isFinite() || cap.isNegative() || cap.isZero())
    return emitOpError("expected cap to be positive and finite, got ")
           << getCapAttr();
  return success();
}

LogicalResult AlibiOp::verify() {
  int64_t heads = ShapedType::kDynamic;
  if (AttentionOp attention = getAttention(*this))
    heads = attention.getQueryHeads();
  return verifyShape(*this, "slopes", getSlopes(), {heads}); // C1
}

LogicalResult ReadOp::verify() {
  // C1
  auto type = cast<RankedTensorType>(getTensor().getType());
  if (type.getRank() != static_cast<int64_t>(getIndices().size()))
    return emitOpError("expected one index per dimension of tensor (")
           << type.getRank() << "), got " << getIndices().size();
  // C2
  auto attention = (*this)->getParentOfType<AttentionOp>();
  if (getCovers() && attention && attention.isPacked())
    for (Value index : getIndices()) {
      // The position of the query and of the key are last.
      auto argument = dyn_cast<BlockArgument>(index);
      if (argument &&
          argument.getArgNumber() + 2 >= argument.getOwner()->getNumArguments())
        return emitOpError("expected no covers along a position where "
                           "sequences are packed");
    }
  return success();
}
