//===- AttentionBackward.cpp - Gradients of attention ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "AttentionVerify.h"

using namespace mlir;
using namespace mlir::attn;

int64_t AttentionBackwardOp::getBatch() {
  return getNumSequences(getQuery(), getCuSeqlens());
}

int64_t AttentionBackwardOp::getQueryHeads() {
  return getQueryType().getShape().take_back(2).front();
}

bool AttentionBackwardOp::isPacked() { return getQueryType().getRank() == 3; }

Value AttentionBackwardOp::getKeyEnds() { return getKVEnds(getKv()); }

SmallVector<int64_t> AttentionBackwardOp::getKeyRows() {
  return attn::getKeyRows(getKVType(), getBatch());
}

void AttentionBackwardOp::getAsmBlockArgumentNames(
    Region &region, OpAsmSetValueNameFn setNameFn) {
  nameRegionArguments(region, region.getRegionNumber() != 0, setNameFn);
}

/// Floats of the shape of `like`.
static LogicalResult verifyLike(Operation *op, StringRef name, Value tensor,
                                RankedTensorType like) {
  return failure(failed(verifyFloats(op, name, tensor)) ||
                 failed(verifyShape(op, name, tensor, like.getShape())));
}

static LogicalResult verifyForward(AttentionBackwardOp op) {
  // C3
  RankedTensorType query = op.getQueryType();
  RankedTensorType output = AttentionOp::inferOutputType(query, op.getKVType());
  RankedTensorType lse = AttentionOp::inferLseType(query);
  for (auto [name, value] : {std::pair("output", op.getOutput()),
                             std::pair("d_output", op.getDOutput())})
    if (value && failed(verifyLike(op, name, value, output)))
      return failure();
  for (auto [name, value] :
       {std::pair("lse", op.getLse()), std::pair("d_lse", op.getDLse())})
    if (value && failed(verifyTensor(op, name, value, lse.getShape(),
                                     lse.getElementType())))
      return failure();
  return success();
}

static LogicalResult verifyNormalizer(AttentionBackwardOp op) {
  // C8
  Normalizer normalizer = op.getNormalizerOrDefault();
  bool isSigmoid = normalizer == Normalizer::Sigmoid;
  for (Value value : {op.getOutput(), op.getLse()})
    if (!value != isSigmoid)
      return op.emitOpError("expected output and lse of the attention, or with "
                            "the normalizer sigmoid neither");
  if (isSigmoid && op.getDLse())
    return op.emitOpError("expected no d_lse with the normalizer sigmoid, "
                          "which has no sum");
  if (op.getSink() && normalizer != Normalizer::Softmax)
    return op.emitOpError("expected a sink with the normalizer softmax alone, "
                          "got ")
           << stringifyNormalizer(normalizer);
  return success();
}

static LogicalResult verifyGradients(AttentionBackwardOp op) {
  // C4
  SmallVector<std::pair<StringRef, Value>> tensors;
  for (auto [key, value] : getKVSources(op.getKv())) {
    tensors.emplace_back("d_key", key);
    if (value)
      tensors.emplace_back("d_value", value);
  }
  if (op.getDKv().size() != tensors.size())
    return op.emitOpError("expected a gradient for each of the ")
           << tensors.size() << " tensors that kv is made of, got "
           << op.getDKv().size();
  for (auto [gradient, own] : llvm::zip(op.getDKv(), tensors))
    if (failed(verifyLike(op, own.first, gradient, getTensorType(own.second))))
      return failure();
  return verifyLike(op, "d_query", op.getDQuery(), op.getQueryType());
}

static LogicalResult verifySink(AttentionBackwardOp op) {
  // C5
  if (!op.getSink() != !op.getDSink())
    return op.emitOpError("expected a d_sink where there is a sink, and "
                          "nowhere else");
  if (!op.getSink())
    return success();
  Type f32 = Float32Type::get(op.getContext());
  int64_t heads = op.getQueryHeads();
  return failure(
      failed(verifyTensor(op, "sink", op.getSink(), {heads}, f32)) ||
      failed(verifyTensor(op, "d_sink", op.getDSink(), {heads}, f32)));
}

static LogicalResult verifyWrt(AttentionBackwardOp op) {
  // C6
  if (op.getWrt().size() != op.getDCaptured().size())
    return op.emitOpError("expected a gradient for each of the ")
           << op.getWrt().size() << " tensors of wrt, got "
           << op.getDCaptured().size();
  for (auto [tensor, gradient] : llvm::zip(op.getWrt(), op.getDCaptured())) {
    if (gradient.getType() != tensor.getType())
      return op.emitOpError("expected a gradient of type ")
             << tensor.getType() << ", got " << gradient.getType();
    bool isRead = llvm::any_of(tensor.getUsers(), [&](Operation *user) {
      return op.getScore().isAncestor(user->getParentRegion());
    });
    if (!isRead || failed(verifyFloats(op, "wrt", tensor)))
      return op.emitOpError("expected wrt to name float tensors that the score "
                            "modifier reads, got one of type ")
             << tensor.getType();
  }
  return success();
}

LogicalResult AttentionBackwardOp::verify() {
  // C1, C2
  if (failed(verifyQueriesAndKeys(*this, getQuery(), getKv(), getCuSeqlens())))
    return failure();
  if (getPositions() &&
      failed(verifyTensor(*this, "positions", getPositions(),
                          getQueryType().getShape().drop_back(2),
                          IntegerType::get(getContext(), 32))))
    return failure();
  if (failed(verifyForward(*this)) || failed(verifyNormalizer(*this)) ||
      failed(verifyGradients(*this)) || failed(verifySink(*this)) ||
      failed(verifyWrt(*this)) || failed(verifyBlockLists(*this))) // C9
    return failure();
  return verifyFinite(*this, "scale", getScaleAttr()); // C7
}

LogicalResult AttentionBackwardOp::verifyRegions() {
  // C7
  return failure(failed(verifyMaskRegion(*this, getMask())) ||
                 failed(verifyScoreRegion(*this, getScore())));
}
