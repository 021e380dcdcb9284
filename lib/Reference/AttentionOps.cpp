//===- AttentionOps.cpp - Attention and its keys and values ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionRows.h"
#include "BlockLists.h"
#include "Evaluation.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

namespace {

class AttentionEvaluator {
public:
  explicit AttentionEvaluator(Evaluation &tensors) : tensors(tensors) {}

  LogicalResult evaluate(KVDenseOp op);
  LogicalResult evaluate(KVVarlenOp op);
  LogicalResult evaluate(AttentionOp op);

private:
  FailureOr<std::vector<Sequence>> findSequences(AttentionOp op);
  FailureOr<std::vector<Sequence>> findPackedSequences(AttentionOp op);
  LogicalResult checkCaptured(AttentionOp op, int64_t batch);
  LogicalResult checkRowsInside(AttentionOp op, ArrayRef<Sequence> sequences);

  Evaluation &tensors;
};

} // namespace

/// Keys and values are one sequence.
LogicalResult AttentionEvaluator::evaluate(KVDenseOp op) {
  ArrayRef<int64_t> key = tensors.get(op.getKey()).shape;
  ArrayRef<int64_t> value = tensors.get(op.getValue()).shape;
  if (key.take_front(2) != value.take_front(2))
    return op.emitOpError("expected key and value to agree in batch and "
                          "length, got ")
           << toString(key) << " and " << toString(value);
  return success();
}

/// The sequences stand one after the other.
LogicalResult AttentionEvaluator::evaluate(KVVarlenOp op) {
  ArrayRef<int64_t> key = tensors.get(op.getKey()).shape;
  ArrayRef<int64_t> value = tensors.get(op.getValue()).shape;
  if (key[0] != value[0])
    return op.emitOpError("expected key and value to agree in length, got ")
           << toString(key) << " and " << toString(value);
  return checkCuSeqlens(op, tensors.get(op.getCuSeqlens()), key[0]);
}

LogicalResult reference::checkCuSeqlens(Operation *op, const Tensor &ends,
                                        int64_t total) {
  double previous = 0;
  if (ends.values.empty())
    return op->emitOpError("expected cu_seqlens with at least one element");
  for (double end : ends.values) {
    if (end < previous || end > static_cast<double>(total))
      return op->emitOpError("expected cu_seqlens from 0 to ")
             << total << " that do not decrease, got " << end << " after "
             << previous;
    previous = end;
  }
  return success();
}

FailureOr<std::vector<Sequence>>
AttentionEvaluator::findPackedSequences(AttentionOp op) {
  const Tensor &queryEnds = tensors.get(op.getCuSeqlens());
  const Tensor &keyEnds = tensors.get(op.getKVTensors().cuSeqlens);
  if (failed(
          checkCuSeqlens(op, queryEnds, tensors.get(op.getQuery()).shape[0])))
    return failure();
  if (queryEnds.shape != keyEnds.shape)
    return op.emitOpError("expected cu_seqlens of queries and keys of the same "
                          "size, got ")
           << toString(queryEnds.shape) << " and " << toString(keyEnds.shape);
  std::vector<Sequence> sequences;
  for (size_t b = 0; b + 1 < queryEnds.values.size(); ++b) {
    auto queries = static_cast<int64_t>(queryEnds.values[b]);
    auto keys = static_cast<int64_t>(keyEnds.values[b]);
    sequences.push_back(
        {queries, static_cast<int64_t>(queryEnds.values[b + 1]) - queries, keys,
         static_cast<int64_t>(keyEnds.values[b + 1]) - keys});
  }
  return sequences;
}

FailureOr<std::vector<Sequence>>
AttentionEvaluator::findSequences(AttentionOp op) {
  if (op.isPacked())
    return findPackedSequences(op);
  ArrayRef<int64_t> query = tensors.get(op.getQuery()).shape;
  ArrayRef<int64_t> key = tensors.get(op.getKVTensors().key).shape;
  if (query[0] != key[0])
    return op.emitOpError("expected query and key to agree in batch, got ")
           << toString(query) << " and " << toString(key);
  std::vector<Sequence> sequences;
  for (int64_t b = 0; b != query[0]; ++b)
    sequences.push_back({b * query[1], query[1], b * key[1], key[1]});
  return sequences;
}

LogicalResult AttentionEvaluator::evaluate(AttentionOp op) {
  FailureOr<std::vector<Sequence>> sequences = findSequences(op);
  if (failed(sequences) || failed(checkRowsInside(op, *sequences)) ||
      failed(checkCaptured(op, sequences->size())))
    return failure();
  KVTensors kv = op.getKVTensors();
  const Tensor &query = tensors.get(op.getQuery());
  const Tensor &key = tensors.get(kv.key);
  const Tensor &value = tensors.get(kv.value);
  SmallVector<int64_t> outputShape(query.shape);
  outputShape.back() = value.shape.back();
  SmallVector<int64_t> lseShape(ArrayRef(query.shape).drop_back());
  std::swap(lseShape.back(), *std::prev(lseShape.end(), 2));
  Tensor &output = tensors.define(op.getOutput(), outputShape);
  Tensor &lse = tensors.define(op.getLse(), lseShape);
  const Tensor *sink = op.getSink() ? &tensors.get(op.getSink()) : nullptr;
  std::optional<BlockLists> blocks;
  if (op.hasBlockLists()) {
    FailureOr<BlockLists> read = BlockLists::read(op, tensors.getEnvironment());
    if (failed(read))
      return failure();
    blocks = std::move(*read);
  }
  return evaluateRows(op, tensors.getEnvironment(),
                      {query, key, value, sink, blocks ? &*blocks : nullptr,
                       output, lse, std::move(*sequences)},
                      tensors.options);
}

LogicalResult
AttentionEvaluator::checkRowsInside(AttentionOp op,
                                    ArrayRef<Sequence> sequences) {
  if (!tensors.options.rows)
    return success();
  auto batches = static_cast<int64_t>(sequences.size());
  int64_t heads = op.getQueryHeads();
  for (auto [batch, head, query] : *tensors.options.rows) {
    bool isBatch = batch >= 0 && batch < batches;
    int64_t queries = batches ? sequences[isBatch ? batch : 0].queries : 0;
    if (!isBatch || head < 0 || head >= heads || query < 0 || query >= queries)
      return op.emitOpError("expected rows [batch, head, query] inside of ")
             << toString({batches, heads, queries}) << ", got "
             << toString({batch, head, query});
  }
  return success();
}

LogicalResult AttentionEvaluator::checkCaptured(AttentionOp op, int64_t batch) {
  // Ids are as the keys are.
  ArrayRef<int64_t> keys =
      ArrayRef(tensors.get(op.getKVTensors().key).shape).drop_back(2);
  auto check = [&](Operation *reader, StringRef name, Value captured,
                   ArrayRef<int64_t> shape) -> LogicalResult {
    ArrayRef<int64_t> got = tensors.get(captured).shape;
    if (got == shape)
      return success();
    return reader->emitOpError("expected ")
           << name << " of shape " << toString(shape) << ", got "
           << toString(got);
  };
  WalkResult result = op->walk([&](Operation *reader) -> WalkResult {
    return TypeSwitch<Operation *, LogicalResult>(reader)
        .Case([&](PrefixOp prefix) {
          return check(prefix, "lengths", prefix.getLengths(), {batch});
        })
        .Case([&](DocumentOp document) {
          return check(document, "ids", document.getIds(), keys);
        })
        .Case([&](AlibiOp alibi) {
          return check(alibi, "slopes", alibi.getSlopes(),
                       {op.getQueryHeads()});
        })
        .Default(success());
  });
  return failure(result.wasInterrupted());
}

Evaluated reference::evaluateAttentionOp(Operation *op,
                                         Evaluation &evaluation) {
  AttentionEvaluator evaluator(evaluation);
  return TypeSwitch<Operation *, Evaluated>(op)
      .Case<KVDenseOp, KVVarlenOp, AttentionOp>(
          [&](auto own) { return evaluator.evaluate(own); })
      .Default(std::nullopt);
}
