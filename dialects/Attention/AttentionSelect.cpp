//===- AttentionSelect.cpp - Choosing and pooling keys --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "AttentionVerify.h"

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// SelectOp
//===----------------------------------------------------------------------===//

int64_t SelectOp::getBatch() { return getQueryType().getDimSize(0); }

int64_t SelectOp::getQueryHeads() {
  return getIndicesType().getShape().take_back(2).front();
}

bool SelectOp::isPacked() { return false; }

Value SelectOp::getKeyEnds() { return {}; }

SmallVector<int64_t> SelectOp::getKeyRows() {
  return {getBatch(), getKeyType().getDimSize(1)};
}

void SelectOp::getAsmBlockArgumentNames(Region &region,
                                        OpAsmSetValueNameFn setNameFn) {
  nameRegionArguments(region, /*isScore=*/false, setNameFn);
}

static LogicalResult verifyCandidates(SelectOp op) {
  // C1
  RankedTensorType query = op.getQueryType(), key = op.getKeyType();
  bool fits = query.getRank() == 4 && key.getRank() == 4 &&
              query.getElementType() == key.getElementType();
  for (int64_t dim : {0, 3})
    fits = fits && !mayDiffer(query.getDimSize(dim), key.getDimSize(dim));
  if (!fits)
    return op.emitOpError(
               "expected query [B, Lq, HI, D] and key [B, Lk, HK, D] "
               "of one element type, got ")
           << query << " and " << key;
  if (failed(verifyFloats(op, "query", op.getQuery())) ||
      failed(verifyStatic(op, "query", op.getQuery(), {2, 3})) ||
      failed(verifyStatic(op, "key", op.getKey(), {2, 3})))
    return failure();
  if (query.getDimSize(2) % key.getDimSize(2) != 0)
    return op.emitOpError("expected the query heads to be a multiple of the "
                          "key heads, got ")
           << query.getDimSize(2) << " and " << key.getDimSize(2);
  return success();
}

static LogicalResult verifyNumbers(SelectOp op) {
  // C5
  for (auto [name, value] : {std::pair("top", op.getTopAttr()),
                             std::pair("block", op.getBlockAttr()),
                             std::pair("max_pool", op.getMaxPoolAttr())})
    if (value && failed(verifyAtLeast(op, name, value.getInt(), 1)))
      return failure();
  for (IntegerAttr value : {op.getForcedFirstAttr(), op.getForcedLastAttr()})
    if (value && failed(verifyAtLeast(op, "what is forced", value.getInt(), 0)))
      return failure();
  return verifyFinite(op, "scale", op.getScaleAttr());
}

LogicalResult SelectOp::verify() {
  if (failed(verifyCandidates(*this)) || failed(verifyNumbers(*this)))
    return failure();
  RankedTensorType query = getQueryType();
  Builder builder(getContext());
  // C2
  RankedTensorType indices = getIndicesType();
  int64_t lists = indices.getRank() == 4 ? indices.getDimSize(2) : 0;
  if (lists <= 0 || query.getDimSize(2) % lists != 0 ||
      indices.getDimSize(3) != static_cast<int64_t>(getTop()) ||
      !indices.getElementType().isInteger(32) ||
      mayDiffer(indices.getDimSize(0), query.getDimSize(0)) ||
      mayDiffer(indices.getDimSize(1), query.getDimSize(1)))
    return emitOpError("expected indices [B, Lq, Hs, ")
           << getTop() << "] of i32 with Hs a divisor of "
           << query.getDimSize(2) << ", got " << indices;
  // C3
  if (getWeights() &&
      failed(verifyTensor(*this, "weights", getWeights(),
                          query.getShape().drop_back(), builder.getF32Type())))
    return failure();
  // C4
  if (getPositions())
    return verifyTensor(*this, "positions", getPositions(),
                        query.getShape().take_front(2), builder.getI32Type());
  if (getBlock() != 1 && !getMaxPool())
    return emitOpError("expected positions where a key stands for a block of "
                       "tokens: the number of keys does not say where the "
                       "queries are");
  return success();
}

LogicalResult SelectOp::verifyRegions() {
  return verifyMaskRegion(*this, getMask()); // C6
}

//===----------------------------------------------------------------------===//
// CompressOp
//===----------------------------------------------------------------------===//

LogicalResult CompressOp::verify() {
  // C1
  RankedTensorType input = getTensorType(getInput());
  RankedTensorType result = getTensorType(getResult());
  bool fits = input.getRank() == 4 && result.getRank() == 4;
  for (int64_t dim : {0, 2, 3})
    fits = fits && !mayDiffer(input.getDimSize(dim), result.getDimSize(dim));
  if (!fits)
    return emitOpError("expected input and result [B, L, H, D] that agree but "
                       "for the length, got ")
           << input << " and " << result;
  if (failed(verifyFloats(*this, "input", getInput())) ||
      failed(verifyFloats(*this, "result", getResult())))
    return failure();
  // C3
  if (failed(verifyAtLeast(*this, "block", getBlock(), 1)) ||
      failed(verifyAtLeast(*this, "stride", getStride(), 1)))
    return failure();
  // C2
  Type f32 = Float32Type::get(getContext());
  if (getBias() && !getGate())
    return emitOpError("expected a bias with a gate alone");
  if (getGate() &&
      failed(verifyTensor(*this, "gate", getGate(), input.getShape(), f32)))
    return failure();
  if (getBias())
    return verifyTensor(*this, "bias", getBias(),
                        {static_cast<int64_t>(getBlock()), input.getDimSize(2),
                         input.getDimSize(3)},
                        f32);
  return success();
}
