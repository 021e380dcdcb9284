//===- AttentionOps.cpp - Attention and its keys and values ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionRows.h"
#include "BlockLists.h"
#include "Evaluation.h"
#include "Keys.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

namespace {

class AttentionEvaluator {
public:
  AttentionEvaluator(AttentionOp op, Evaluation &evaluation)
      : op(op), evaluation(evaluation),
        keys(Keys::read(op.getKv(), evaluation)) {}

  LogicalResult evaluate();

private:
  FailureOr<std::vector<Sequence>> findSequences();
  FailureOr<std::vector<Sequence>> findPackedSequences();
  LogicalResult checkRowsInside(ArrayRef<Sequence> sequences);

  const Tensor *find(Value tensor) {
    return tensor ? &evaluation.get(tensor) : nullptr;
  }

  AttentionOp op;
  Evaluation &evaluation;
  Keys keys;
};

} // namespace

FailureOr<std::vector<Sequence>> AttentionEvaluator::findPackedSequences() {
  const Tensor &ends = evaluation.get(op.getCuSeqlens());
  if (failed(checkCuSeqlens(op, ends, evaluation.get(op.getQuery()).shape[0])))
    return failure();
  if (Value keyEnds = op.getKeyEnds())
    if (ends.shape != evaluation.get(keyEnds).shape)
      return op.emitOpError("expected cu_seqlens of queries and keys of the "
                            "same size, got ")
             << toString(ends.shape) << " and "
             << toString(evaluation.get(keyEnds).shape);
  std::vector<Sequence> sequences;
  for (size_t b = 0; b + 1 < ends.values.size(); ++b) {
    auto first = static_cast<int64_t>(ends.values[b]);
    sequences.push_back(
        {first, static_cast<int64_t>(ends.values[b + 1]) - first});
  }
  return sequences;
}

FailureOr<std::vector<Sequence>> AttentionEvaluator::findSequences() {
  FailureOr<std::vector<Sequence>> sequences = std::vector<Sequence>();
  ArrayRef<int64_t> query = evaluation.get(op.getQuery()).shape;
  if (op.isPacked())
    sequences = findPackedSequences();
  else
    for (int64_t b = 0; b != query[0]; ++b)
      sequences->push_back({b * query[1], query[1]});
  if (failed(sequences))
    return failure();
  if (sequences->size() != keys.sequences.size())
    return op.emitOpError("expected query and key to agree in the number of "
                          "sequences, got ")
           << sequences->size() << " and " << keys.sequences.size();
  return sequences;
}

LogicalResult AttentionEvaluator::evaluate() {
  FailureOr<std::vector<Sequence>> sequences = findSequences();
  if (failed(sequences) || failed(checkRowsInside(*sequences)) ||
      failed(checkPositions(op, evaluation)) ||
      failed(checkChoices(op, keys, evaluation.get(op.getQuery()).shape)) ||
      failed(checkCaptured(op, evaluation, sequences->size())))
    return failure();
  const Tensor &query = evaluation.get(op.getQuery());
  SmallVector<int64_t> outputShape(query.shape);
  outputShape.back() = op.getKVType().getValueDim();
  SmallVector<int64_t> lseShape(ArrayRef(query.shape).drop_back());
  std::swap(lseShape.back(), *std::prev(lseShape.end(), 2));
  Tensor &output = evaluation.define(op.getOutput(), outputShape);
  Tensor &lse = evaluation.define(op.getLse(), lseShape);
  std::optional<BlockLists> blocks;
  if (op.hasBlockLists()) {
    int64_t length = keys.sequences.empty() ? 0 : keys.sequences[0].size();
    FailureOr<BlockLists> read =
        BlockLists::read(op, length, evaluation.getEnvironment());
    if (failed(read))
      return failure();
    blocks = std::move(*read);
  }
  return evaluateRows(op, evaluation.getEnvironment(),
                      {query, keys, find(op.getPositions()), find(op.getSink()),
                       blocks ? &*blocks : nullptr, output, lse,
                       std::move(*sequences)},
                      evaluation.options);
}

LogicalResult
AttentionEvaluator::checkRowsInside(ArrayRef<Sequence> sequences) {
  if (!evaluation.options.rows)
    return success();
  auto batches = static_cast<int64_t>(sequences.size());
  int64_t heads = op.getQueryHeads();
  for (auto [batch, head, query] : *evaluation.options.rows) {
    bool isBatch = batch >= 0 && batch < batches;
    int64_t queries = batches ? sequences[isBatch ? batch : 0].queries : 0;
    if (!isBatch || head < 0 || head >= heads || query < 0 || query >= queries)
      return op.emitOpError("expected rows [batch, head, query] inside of ")
             << toString({batches, heads, queries}) << ", got "
             << toString({batch, head, query});
  }
  return success();
}

/// The shape of the keys where they are one tensor.
static std::optional<ArrayRef<int64_t>>
findKeyShape(Operation *op, const Evaluation &evaluation) {
  Value key;
  for (Value operand : op->getOperands())
    if (Operation *constructor = operand.getDefiningOp())
      TypeSwitch<Operation *>(constructor)
          .Case<KVDenseOp, KVVarlenOp, KVLatentOp>(
              [&](auto own) { key = own.getKey(); })
          .Default([](Operation *) {});
  if (auto select = dyn_cast<SelectOp>(op))
    key = select.getKey();
  return key ? std::optional<ArrayRef<int64_t>>(evaluation.get(key).shape)
             : std::nullopt;
}

LogicalResult reference::checkCaptured(MaskedOpInterface op,
                                       const Evaluation &evaluation,
                                       int64_t batch) {
  // Ids are as whole keys are. Pages have no such shape.
  std::optional<ArrayRef<int64_t>> keys = findKeyShape(op, evaluation);
  auto check = [&](Operation *reader, StringRef name, Value captured,
                   ArrayRef<int64_t> shape) -> LogicalResult {
    ArrayRef<int64_t> got = evaluation.get(captured).shape;
    if (got == shape)
      return success();
    return reader->emitOpError("expected ")
           << name << " of shape " << toString(shape) << ", got "
           << toString(got);
  };
  auto checkIds = [&](auto reader) -> LogicalResult {
    return keys ? check(reader, "ids", reader.getIds(), keys->drop_back(2))
                : success();
  };
  WalkResult result = op->walk([&](Operation *reader) -> WalkResult {
    return TypeSwitch<Operation *, LogicalResult>(reader)
        .Case<PrefixOp, TreeOp>([&](auto prefix) {
          return check(prefix, "lengths", prefix.getLengths(), {batch});
        })
        .Case<DocumentOp, SpanOp>(checkIds)
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
  return TypeSwitch<Operation *, Evaluated>(op)
      .Case<KVDenseOp, KVVarlenOp, KVLatentOp, KVPagedOp, KVGatherOp,
            KVConcatOp>(
          [&](auto constructor) { return checkKeys(constructor, evaluation); })
      .Case([&](AttentionOp attention) {
        return AttentionEvaluator(attention, evaluation).evaluate();
      })
      .Default(std::nullopt);
}
