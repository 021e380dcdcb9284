//===- AttentionRegionOps.cpp - Ops in masks and modifiers ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "AttentionVerify.h"

#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/TypeUtilities.h"

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// What verifiers share
//===----------------------------------------------------------------------===//

LogicalResult attn::verifyAtLeast(Operation *op, StringRef name, int64_t value,
                                  int64_t least) {
  if (value >= least)
    return success();
  return op->emitOpError("expected ")
         << name << " to be at least " << least << ", got " << value;
}

LogicalResult attn::verifyTensor(Operation *op, StringRef name, Value tensor,
                                 ArrayRef<int64_t> shape, Type element) {
  RankedTensorType type = getTensorType(tensor);
  auto expected = RankedTensorType::get(shape, element, type.getEncoding());
  if (type.getElementType() == element &&
      succeeded(verifyCompatibleShape(type, expected)))
    return success();
  return op->emitOpError("expected ")
         << name << " of type " << expected << ", got " << type;
}

LogicalResult attn::verifyShape(Operation *op, StringRef name, Value tensor,
                                ArrayRef<int64_t> shape) {
  return verifyTensor(op, name, tensor, shape,
                      getElementTypeOrSelf(tensor.getType()));
}

LogicalResult attn::verifyFloats(Operation *op, StringRef name, Value tensor) {
  if (isa<BFloat16Type, Float16Type, Float32Type>(
          getElementTypeOrSelf(tensor.getType())))
    return success();
  return op->emitOpError("expected ")
         << name << " of bf16, f16 or f32, got " << tensor.getType();
}

LogicalResult attn::verifyStatic(Operation *op, StringRef name, Value tensor,
                                 ArrayRef<int64_t> dims) {
  RankedTensorType type = getTensorType(tensor);
  for (int64_t dim : dims)
    if (type.isDynamicDim(dim) || type.getDimSize(dim) == 0)
      return op->emitOpError("expected dimension ")
             << dim << " of " << name << " to be static and positive, got "
             << type;
  return success();
}

LogicalResult attn::verifyFinite(Operation *op, StringRef name,
                                 FloatAttr value) {
  if (!value || value.getValue().isFinite())
    return success();
  return op->emitOpError("expected ") << name << " to be finite, got " << value;
}

LogicalResult attn::verifyCuSeqlens(Operation *op, Value cuSeqlens) {
  RankedTensorType type = getTensorType(cuSeqlens);
  if (type.getRank() == 1 && type.getElementType().isInteger(32) &&
      type.getDimSize(0) != 0)
    return success();
  return op->emitOpError("expected cu_seqlens of i32 with one element more "
                         "than there are sequences, got ")
         << type;
}

/// The op in whose region `op` stands. It is verified before `op` is.
static MaskedOpInterface getOwner(Operation *op) {
  return dyn_cast_or_null<MaskedOpInterface>(op->getParentOp());
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

/// The number of sequences, where it is known.
static int64_t getBatch(Operation *op) {
  MaskedOpInterface owner = getOwner(op);
  return owner ? owner.getBatch() : ShapedType::kDynamic;
}

LogicalResult PrefixOp::verify() {
  return verifyShape(*this, "lengths", getLengths(), {getBatch(*this)}); // C1
}

/// Ids are as the keys are.
static LogicalResult verifyIds(Operation *op, Value ids) {
  SmallVector<int64_t> shape(2, ShapedType::kDynamic);
  if (MaskedOpInterface owner = getOwner(op))
    shape = owner.getKeyRows();
  return verifyShape(op, "ids", ids, shape);
}

LogicalResult DocumentOp::verify() {
  return verifyIds(*this, getIds()); // C1
}

LogicalResult SpanOp::verify() {
  return verifyIds(*this, getIds()); // C1
}

LogicalResult DilatedOp::verify() {
  return verifyAtLeast(*this, "step", getStep(), 1); // C1
}

LogicalResult ColumnOp::verify() {
  // C1
  int64_t stretch = getStretch(), count = getCount();
  if (failed(verifyAtLeast(*this, "stretch", stretch, 1)))
    return failure();
  if (count < 0 || count > stretch)
    return emitOpError("expected count from 0 to ")
           << stretch << ", got " << count;
  return success();
}

/// Rows of bits, for each sequence or for all.
static LogicalResult verifyBits(Operation *op, StringRef name, Value words) {
  RankedTensorType type = getTensorType(words);
  int64_t batch = getBatch(op);
  if (type.getRank() == 3 && type.getDimSize(0) == 1)
    batch = 1;
  if (type.getElementTypeBitWidth() > 32)
    return op->emitOpError("expected ")
           << name << " of integers of at most 32 bits, got " << type;
  return verifyShape(op, name, words,
                     {batch, ShapedType::kDynamic, ShapedType::kDynamic});
}

LogicalResult BitsOp::verify() {
  return verifyBits(*this, "words", getWords()); // C1
}

LogicalResult TreeOp::verify() {
  // C1, C2
  return failure(
      failed(verifyShape(*this, "lengths", getLengths(), {getBatch(*this)})) ||
      failed(verifyBits(*this, "ancestors", getAncestors())));
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
  if (MaskedOpInterface owner = getOwner(*this))
    heads = owner.getQueryHeads();
  return verifyShape(*this, "slopes", getSlopes(), {heads}); // C1
}

LogicalResult BiasOp::verify() {
  // C1
  SmallVector<int64_t> shape(4, ShapedType::kDynamic);
  if (MaskedOpInterface owner = getOwner(*this)) {
    shape[0] = owner.getBatch();
    shape[1] = owner.getQueryHeads();
  }
  RankedTensorType type = getTensorType(getBias());
  for (int64_t dim = 0; type.getRank() == 4 && dim != 2; ++dim)
    if (type.getDimSize(dim) == 1)
      shape[dim] = 1;
  return verifyShape(*this, "bias", getBias(), shape);
}

/// Whether it is the position of the query or of the key. The score stands in
/// front of the indices, and the number of the query behind them.
static bool isPosition(BlockArgument argument) {
  bool isScore = !argument.getOwner()->getArgument(0).getType().isIndex();
  unsigned number = argument.getArgNumber() - isScore;
  return number == 2 || number == 3;
}

LogicalResult ReadOp::verify() {
  // C1
  auto type = cast<RankedTensorType>(getTensor().getType());
  if (type.getRank() != static_cast<int64_t>(getIndices().size()))
    return emitOpError("expected one index per dimension of tensor (")
           << type.getRank() << "), got " << getIndices().size();
  // C2
  auto owner = (*this)->getParentOfType<MaskedOpInterface>();
  if (getCovers() && owner && owner.isPacked())
    for (Value index : getIndices()) {
      auto argument = dyn_cast<BlockArgument>(index);
      if (argument && isPosition(argument))
        return emitOpError("expected no covers along a position where "
                           "sequences are packed");
    }
  return success();
}
