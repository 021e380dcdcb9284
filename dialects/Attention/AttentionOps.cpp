//===- AttentionOps.cpp - Tensor ops of the attn dialect ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "AttentionSyntax.h"
#include "AttentionVerify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

double AttentionOp::getScaleOrDefault() {
  if (std::optional<APFloat> scale = getScale())
    return scale->convertToFloat();
  return 1.0 / std::sqrt(static_cast<double>(getKVType().getKeyDim()));
}

KVTensors AttentionOp::getKVTensors() {
  Operation *constructor = getKv().getDefiningOp();
  if (auto varlen = dyn_cast_or_null<KVVarlenOp>(constructor))
    return {varlen.getKey(), varlen.getValue(), varlen.getCuSeqlens()};
  if (auto dense = dyn_cast_or_null<KVDenseOp>(constructor))
    return {dense.getKey(), dense.getValue(), Value()};
  return {};
}

int64_t AttentionOp::getBatch() {
  return getNumSequences(getQuery(), getCuSeqlens());
}

int64_t AttentionOp::getQueryHeads() {
  return getQueryType().getShape().take_back(2).front();
}

bool AttentionOp::isPacked() { return getQueryType().getRank() == 3; }

Value AttentionOp::getKeyEnds() { return getKVEnds(getKv()); }

SmallVector<int64_t> AttentionOp::getKeyRows() {
  return attn::getKeyRows(getKVType(), getBatch());
}

void AttentionOp::getAsmBlockArgumentNames(Region &region,
                                           OpAsmSetValueNameFn setNameFn) {
  nameRegionArguments(region, region.getRegionNumber() != 0, setNameFn);
}

AttentionOp AttentionOp::takeWithoutLse(OpBuilder &builder) {
  auto attention =
      AttentionOp::create(builder, getLoc(), TypeRange{getOutput().getType()},
                          (*this)->getOperands(), (*this)->getAttrs());
  attention.getMask().takeBody(getMask());
  attention.getScore().takeBody(getScore());
  return attention;
}

RankedTensorType AttentionOp::inferOutputType(RankedTensorType query,
                                              KVType kv) {
  SmallVector<int64_t> shape(query.getShape());
  shape.back() = kv.getValueDim();
  return RankedTensorType::get(shape, query.getElementType());
}

/// Heads come in front of queries.
RankedTensorType AttentionOp::inferLseType(RankedTensorType query) {
  SmallVector<int64_t> shape(query.getShape().drop_back());
  std::swap(shape.back(), *std::prev(shape.end(), 2));
  return RankedTensorType::get(shape, Float32Type::get(query.getContext()));
}

int64_t attn::getNumSequences(Value query, Value cuSeqlens) {
  if (!cuSeqlens)
    return getTensorType(query).getDimSize(0);
  int64_t ends = getTensorType(cuSeqlens).getDimSize(0);
  return ShapedType::isDynamic(ends) ? ends : ends - 1;
}

SmallVector<int64_t> attn::getKeyRows(KVType kv, int64_t batch) {
  SmallVector<int64_t> rows(kv.getKeyType().getShape().drop_back(2));
  if (!kv.isPacked())
    rows.front() = batch;
  return rows;
}

static LogicalResult verifyQuery(Operation *op, Value query, Value cuSeqlens) {
  RankedTensorType type = getTensorType(query);
  int64_t rank = type.getRank();
  // C1
  if (cuSeqlens && rank != 3)
    return op->emitOpError("expected query to have rank 3 ([total_q, Hq, D]) "
                           "with cu_seqlens, got ")
           << type;
  if (!cuSeqlens && rank != 4)
    return op->emitOpError(
               "expected query to have rank 4 ([B, Lq, Hq, D]), got ")
           << type;
  return verifyStatic(op, "query", query, {rank - 2, rank - 1});
}

/// C12: queries and keys are of the same sequences.
static LogicalResult verifySequences(Operation *op, Value kv, Value cuSeqlens) {
  if (!cuSeqlens)
    return success();
  if (failed(verifyCuSeqlens(op, cuSeqlens)))
    return failure();
  RankedTensorType own = getTensorType(cuSeqlens);
  Value ends = getKVEnds(kv);
  if (!ends) {
    int64_t sequences = getNumSequences({}, cuSeqlens);
    int64_t batch = cast<KVType>(kv.getType()).getKeyType().getDimSize(0);
    if (!mayDiffer(sequences, batch))
      return success();
    return op->emitOpError("expected cu_seqlens of as many sequences as have "
                           "pages, got ")
           << sequences << " and " << batch;
  }
  if (!mayDiffer(own.getDimSize(0), getTensorType(ends).getDimSize(0)))
    return success();
  return op->emitOpError("expected cu_seqlens of queries and keys of the same "
                         "size, got ")
         << own << " and " << ends.getType();
}

LogicalResult attn::verifyQueriesAndKeys(Operation *op, Value queryValue,
                                         Value kvValue, Value cuSeqlens) {
  // C1, C2
  if (failed(verifyQuery(op, queryValue, cuSeqlens)) ||
      failed(verifyConstructed(op, "kv", kvValue)))
    return failure();
  // C3
  RankedTensorType query = getTensorType(queryValue);
  auto kv = cast<KVType>(kvValue.getType());
  RankedTensorType key = kv.getKeyType();
  if (query.getElementType() != kv.getElementType())
    return op->emitOpError("expected query and key to have the same element "
                           "type, got ")
           << query.getElementType() << " and " << kv.getElementType();
  bool readsPages = cuSeqlens && hasOwnLengths(kvValue);
  if (query.getRank() != key.getRank() && !readsPages)
    return op->emitOpError("expected queries and keys that are both packed "
                           "(cu_seqlens and 'attn.kv.varlen') or both dense, "
                           "got ")
           << query << " and " << key;
  for (int64_t dim : {int64_t(0), query.getRank() - 1}) {
    int64_t own = dim ? key.getRank() - 1 : 0;
    if (!(cuSeqlens && dim == 0) &&
        mayDiffer(query.getDimSize(dim), key.getDimSize(own)))
      return op->emitOpError("expected query and key to agree in dimension ")
             << dim << ", got " << query << " and " << key;
  }
  // C4
  int64_t queryHeads = query.getShape().take_back(2).front();
  if (queryHeads % kv.getHeads() != 0)
    return op->emitOpError("expected the query heads to be a multiple of the "
                           "key heads, got ")
           << queryHeads << " and " << kv.getHeads();
  return verifySequences(op, kvValue, cuSeqlens);
}

LogicalResult AttentionOp::verifyResults() {
  Type f32 = Float32Type::get(getContext());
  // C5
  RankedTensorType output = inferOutputType(getQueryType(), getKVType());
  if (getOutput().getType() != output &&
      getOutput().getType() != output.clone(f32))
    return emitOpError("expected output of type ")
           << output << ", got " << getOutput().getType();
  // C6
  RankedTensorType lse = inferLseType(getQueryType());
  if (getLse() && getLse().getType() != lse)
    return emitOpError("expected lse of type ")
           << lse << ", got " << getLse().getType();
  // C18
  Normalizer normalizer = getNormalizerOrDefault();
  if (getSink() && normalizer != Normalizer::Softmax)
    return emitOpError("expected a sink with the normalizer softmax alone, "
                       "got ")
           << stringifyNormalizer(normalizer);
  if (getLse() && normalizer == Normalizer::Sigmoid)
    return emitOpError("expected no lse with the normalizer sigmoid, which has "
                       "no sum");
  return success();
}

LogicalResult AttentionOp::verify() {
  // C1 to C4, C12
  if (failed(verifyQueriesAndKeys(*this, getQuery(), getKv(), getCuSeqlens())))
    return failure();
  if (failed(verifyResults()))
    return failure();
  // C10
  if (failed(verifyFinite(*this, "scale", getScaleAttr())))
    return failure();
  // C11
  Builder builder(getContext());
  auto sink = RankedTensorType::get({getQueryHeads()}, builder.getF32Type());
  if (getSink() && getSink().getType() != sink)
    return emitOpError("expected sink of type ")
           << sink << ", got " << getSink().getType();
  // C17
  if (getPositions() &&
      failed(verifyTensor(*this, "positions", getPositions(),
                          getQueryType().getShape().drop_back(2),
                          builder.getI32Type())))
    return failure();
  return verifyBlockLists(*this); // C13 to C16
}

LogicalResult AttentionOp::verifyRegions() {
  // C7 to C9
  return failure(failed(verifyMaskRegion(*this, getMask())) ||
                 failed(verifyScoreRegion(*this, getScore())));
}

//===----------------------------------------------------------------------===//
// Canonicalization
//===----------------------------------------------------------------------===//

static Value getYielded(Block &block) {
  return cast<YieldOp>(block.back()).getValue();
}

/// Drops a mask that keeps everything.
static LogicalResult dropTrivialMask(AttentionOp op,
                                     PatternRewriter &rewriter) {
  Block *mask = op.getMaskBlock();
  if (!mask || !matchPattern(getYielded(*mask), m_One()))
    return failure();
  rewriter.modifyOpInPlace(op, [&] { rewriter.eraseBlock(mask); });
  return success();
}

/// Drops a score modifier that changes nothing.
static LogicalResult dropTrivialScore(AttentionOp op,
                                      PatternRewriter &rewriter) {
  Block *score = op.getScoreBlock();
  if (!score || getYielded(*score) != score->getArgument(0))
    return failure();
  rewriter.modifyOpInPlace(op, [&] { rewriter.eraseBlock(score); });
  return success();
}

/// Drops an lse that nobody reads.
static LogicalResult dropUnusedLse(AttentionOp op, PatternRewriter &rewriter) {
  if (!op.getLse() || !op.getLse().use_empty())
    return failure();
  AttentionOp attention = op.takeWithoutLse(rewriter);
  rewriter.replaceAllUsesWith(op.getOutput(), attention.getOutput());
  rewriter.eraseOp(op);
  return success();
}

void AttentionOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add(dropTrivialMask);
  patterns.add(dropTrivialScore);
  patterns.add(dropUnusedLse);
}

#define GET_OP_CLASSES
#include "Attention/AttentionOps.cpp.inc"
