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

int64_t SelectOp::getBatch() {
  return getNumSequences(getQuery(), getCuSeqlens());
}

int64_t SelectOp::getQueryHeads() {
  return getIndicesType().getShape().take_back(2).front();
}

bool SelectOp::isPacked() { return getQueryType().getRank() == 3; }

Value SelectOp::getKeyEnds() { return getCuSeqlensK(); }

SmallVector<int64_t> SelectOp::getKeyRows() {
  SmallVector<int64_t> rows(getKeyType().getShape().drop_back(2));
  if (!isPacked())
    rows.front() = getBatch();
  return rows;
}

void SelectOp::getAsmBlockArgumentNames(Region &region,
                                        OpAsmSetValueNameFn setNameFn) {
  nameRegionArguments(region, /*isScore=*/false, setNameFn);
}

/// Where sequences begin, in two packed tensors.
static LogicalResult verifyBothEnds(Operation *op, Value ends, Value otherEnds,
                                    StringRef names) {
  if (!ends != !otherEnds)
    return op->emitOpError("expected cu_seqlens of ") << names << ", or none";
  if (!ends)
    return success();
  if (failed(verifyCuSeqlens(op, ends)) ||
      failed(verifyCuSeqlens(op, otherEnds)))
    return failure();
  if (!mayDiffer(getTensorType(ends).getDimSize(0),
                 getTensorType(otherEnds).getDimSize(0)))
    return success();
  return op->emitOpError("expected cu_seqlens of ")
         << names << " of the same size, got " << ends.getType() << " and "
         << otherEnds.getType();
}

static LogicalResult verifyCandidates(SelectOp op) {
  // C1
  RankedTensorType query = op.getQueryType(), key = op.getKeyType();
  int64_t rank = op.getCuSeqlens() ? 3 : 4;
  bool fits = query.getRank() == rank && key.getRank() == rank &&
              query.getElementType() == key.getElementType() &&
              !mayDiffer(query.getShape().back(), key.getShape().back());
  if (fits && rank == 4)
    fits = !mayDiffer(query.getDimSize(0), key.getDimSize(0));
  if (!fits)
    return op.emitOpError("expected query ")
           << (rank == 3 ? "[total_q, HI, D] and key [total_k, HK, D] "
                         : "[B, Lq, HI, D] and key [B, Lk, HK, D] ")
           << "of one element type, got " << query << " and " << key;
  if (failed(verifyFloats(op, "query", op.getQuery())) ||
      failed(verifyStatic(op, "query", op.getQuery(), {rank - 2, rank - 1})) ||
      failed(verifyStatic(op, "key", op.getKey(), {rank - 2, rank - 1})))
    return failure();
  int64_t heads = query.getDimSize(rank - 2),
          keyHeads = key.getDimSize(rank - 2);
  if (heads % keyHeads != 0)
    return op.emitOpError("expected the query heads to be a multiple of the "
                          "key heads, got ")
           << heads << " and " << keyHeads;
  return success();
}

static LogicalResult verifyIndices(SelectOp op) {
  // C2
  RankedTensorType query = op.getQueryType(), indices = op.getIndicesType();
  int64_t rank = query.getRank(), heads = query.getDimSize(rank - 2);
  bool fits = indices.getRank() == rank &&
              indices.getElementType().isInteger(32) &&
              indices.getShape().back() == static_cast<int64_t>(op.getTop());
  for (int64_t dim = 0; fits && dim != rank - 2; ++dim)
    fits = !mayDiffer(indices.getDimSize(dim), query.getDimSize(dim));
  int64_t lists = fits ? indices.getDimSize(rank - 2) : 0;
  if (lists > 0 && heads % lists == 0)
    return success();
  return op.emitOpError("expected indices ")
         << (rank == 3 ? "[total_q, Hs, " : "[B, Lq, Hs, ") << op.getTop()
         << "] of i32 with Hs a divisor of " << heads << ", got " << indices;
}

static LogicalResult verifyNumbers(SelectOp op) {
  // C5
  for (auto [name, value] : {std::pair("top", op.getTopAttr()),
                             std::pair("block", op.getBlockAttr()),
                             std::pair("max_pool", op.getMaxPoolAttr())})
    if (value && failed(verifyAtLeast(op, name, value.getInt(), 1)))
      return failure();
  if (!op.getForcedFirstAttr() != !op.getForcedLastAttr())
    return op.emitOpError("expected both numbers of forced candidates, or "
                          "neither");
  for (IntegerAttr value : {op.getForcedFirstAttr(), op.getForcedLastAttr()})
    if (value && failed(verifyAtLeast(op, "what is forced", value.getInt(), 0)))
      return failure();
  return verifyFinite(op, "scale", op.getScaleAttr());
}

LogicalResult SelectOp::verify() {
  if (failed(verifyCandidates(*this)) || failed(verifyNumbers(*this)))
    return failure();
  if (failed(verifyIndices(*this)))
    return failure();
  // C7
  if (failed(verifyBothEnds(*this, getCuSeqlens(), getCuSeqlensK(),
                            "queries and keys")))
    return failure();
  RankedTensorType query = getQueryType();
  Builder builder(getContext());
  // C3
  if (getWeights() &&
      failed(verifyTensor(*this, "weights", getWeights(),
                          query.getShape().drop_back(), builder.getF32Type())))
    return failure();
  // C4
  if (getPositions())
    return verifyTensor(*this, "positions", getPositions(),
                        query.getShape().drop_back(2), builder.getI32Type());
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
  int64_t rank = getCuSeqlens() ? 3 : 4, length = rank - 3;
  bool fits = input.getRank() == rank && result.getRank() == rank;
  for (int64_t dim = 0; fits && dim != rank; ++dim)
    fits = dim == length ||
           !mayDiffer(input.getDimSize(dim), result.getDimSize(dim));
  if (!fits)
    return emitOpError("expected input and result ")
           << (rank == 3 ? "[total, H, D]" : "[B, L, H, D]")
           << " that agree but for the length, got " << input << " and "
           << result;
  if (failed(verifyFloats(*this, "input", getInput())) ||
      failed(verifyFloats(*this, "result", getResult())))
    return failure();
  // C3
  if (failed(verifyAtLeast(*this, "block", getBlock(), 1)) ||
      failed(verifyAtLeast(*this, "stride", getStride(), 1)))
    return failure();
  // C4
  if (failed(verifyBothEnds(*this, getCuSeqlens(), getCuBlocks(),
                            "rows and blocks")))
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
                        {static_cast<int64_t>(getBlock()),
                         input.getDimSize(rank - 2), input.getShape().back()},
                        f32);
  return success();
}
