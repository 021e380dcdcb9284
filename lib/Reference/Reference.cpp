//===- Reference.cpp - What a program means -------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Reference.h"

#include "AttentionRows.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/TypeSwitch.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::reference;

static int64_t getNumElements(ArrayRef<int64_t> shape) {
  int64_t size = 1;
  for (int64_t dim : shape)
    size *= dim;
  return size;
}

int64_t Tensor::size() const { return getNumElements(shape); }

/// A tensor of NaN, so that an element that nobody computes is seen.
static Tensor allocate(ArrayRef<int64_t> shape) {
  return {SmallVector<int64_t>(shape),
          std::vector<double>(getNumElements(shape),
                              std::numeric_limits<double>::quiet_NaN())};
}

static std::string toString(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(shape, os);
  os << "]";
  return text;
}

namespace {

/// Runs the ops of a function one after the other.
class Interpreter {
public:
  Interpreter(func::FuncOp function, ArrayRef<Tensor> arguments,
              const Options &options)
      : function(function), arguments(arguments), options(options) {}

  FailureOr<std::vector<Tensor>> run() {
    if (failed(checkFunction()) || failed(checkRows()) || failed(bind()))
      return failure();
    for (Operation &op : function.front().without_terminator())
      if (failed(evaluate(&op)))
        return failure();
    std::vector<Tensor> results;
    for (Value result : function.front().getTerminator()->getOperands())
      results.push_back(*tensors.at(result));
    return results;
  }

private:
  LogicalResult checkFunction();
  LogicalResult checkRows();
  LogicalResult bind();
  LogicalResult bind(BlockArgument argument, const Tensor &tensor);
  LogicalResult evaluate(Operation *op);
  LogicalResult evaluate(KVDenseOp op);
  LogicalResult evaluate(KVVarlenOp op);
  LogicalResult evaluate(AttentionOp op);
  void evaluate(Value constant, DenseIntOrFPElementsAttr elements);
  LogicalResult checkCuSeqlens(Operation *op, Value cuSeqlens, int64_t total);
  FailureOr<std::vector<Sequence>> findSequences(AttentionOp op);
  FailureOr<std::vector<Sequence>> findPackedSequences(AttentionOp op);
  LogicalResult checkCaptured(AttentionOp op, int64_t batch);
  LogicalResult checkRowsInside(AttentionOp op, ArrayRef<Sequence> sequences);

  /// Allocates a result of the function's ops.
  Tensor &define(Value value, ArrayRef<int64_t> shape) {
    Tensor &tensor =
        *owned.emplace_back(std::make_unique<Tensor>(allocate(shape)));
    if (value)
      tensors[value] = &tensor;
    return tensor;
  }

  func::FuncOp function;
  ArrayRef<Tensor> arguments;
  const Options &options;
  Environment tensors;
  std::vector<std::unique_ptr<Tensor>> owned;
};

} // namespace

//===----------------------------------------------------------------------===//
// The function and its arguments
//===----------------------------------------------------------------------===//

LogicalResult Interpreter::checkFunction() {
  if (function.isExternal())
    return function.emitOpError("expected a body to evaluate");
  for (Type result : function.getResultTypes())
    if (!isa<RankedTensorType>(result))
      return function.emitOpError("expected results that are ranked tensors, "
                                  "got ")
             << result;
  for (Block &block : function.getBody())
    for (Operation &op : block)
      if (!isa<KVDenseOp, KVVarlenOp, AttentionOp, func::ReturnOp>(op) &&
          !op.hasTrait<OpTrait::ConstantLike>())
        return op.emitOpError("has no reference semantics");
  return success();
}

LogicalResult Interpreter::checkRows() {
  if (!options.rows)
    return success();
  Operation *source = nullptr;
  for (Value result : function.front().getTerminator()->getOperands()) {
    Operation *op = result.getDefiningOp();
    if (!isa_and_nonnull<AttentionOp>(op) || (source && source != op))
      return function.emitOpError("expected all results to come from one "
                                  "'attn.attention' to compute some rows only");
    source = op;
  }
  return success();
}

LogicalResult Interpreter::bind() {
  if (arguments.size() != function.getNumArguments())
    return function.emitOpError("expected ")
           << function.getNumArguments() << " arguments, got "
           << arguments.size();
  for (auto [argument, tensor] : llvm::zip(function.getArguments(), arguments))
    if (failed(bind(argument, tensor)))
      return failure();
  return success();
}

LogicalResult Interpreter::bind(BlockArgument argument, const Tensor &tensor) {
  unsigned number = argument.getArgNumber();
  auto type = dyn_cast<RankedTensorType>(argument.getType());
  if (!type)
    return function.emitOpError("expected argument #")
           << number << " to be a ranked tensor, got " << argument.getType();
  bool fits = type.getRank() == static_cast<int64_t>(tensor.shape.size());
  if (fits)
    for (auto [expected, got] : llvm::zip(type.getShape(), tensor.shape))
      fits &= got >= 0 && (ShapedType::isDynamic(expected) || got == expected);
  if (!fits)
    return function.emitOpError("expected argument #")
           << number << " of type " << type << ", got shape "
           << toString(tensor.shape);
  if (tensor.size() != static_cast<int64_t>(tensor.values.size()))
    return function.emitOpError("expected argument #")
           << number << " to have " << tensor.size() << " values, got "
           << tensor.values.size();
  tensors[argument] = &tensor;
  return success();
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

LogicalResult Interpreter::evaluate(Operation *op) {
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](KVDenseOp dense) { return evaluate(dense); })
      .Case([&](KVVarlenOp varlen) { return evaluate(varlen); })
      .Case([&](AttentionOp attention) { return evaluate(attention); })
      .Default([&](Operation *constant) -> LogicalResult {
        // A scalar is known to the region that captures it.
        if (!isa<ShapedType>(constant->getResultTypes().front()))
          return success();
        DenseIntOrFPElementsAttr elements;
        if (!matchPattern(constant, m_Constant(&elements)))
          return constant->emitOpError("has no reference semantics");
        evaluate(constant->getResult(0), elements);
        return success();
      });
}

void Interpreter::evaluate(Value constant, DenseIntOrFPElementsAttr elements) {
  Tensor &tensor = define(constant, elements.getType().getShape());
  if (isa<FloatType>(elements.getElementType()))
    llvm::transform(
        elements.getValues<APFloat>(), tensor.values.begin(),
        [](const APFloat &value) { return value.convertToDouble(); });
  else
    llvm::transform(elements.getValues<APInt>(), tensor.values.begin(),
                    [](const APInt &value) { return value.getSExtValue(); });
}

/// Keys and values are one sequence.
LogicalResult Interpreter::evaluate(KVDenseOp op) {
  ArrayRef<int64_t> key = tensors.at(op.getKey())->shape;
  ArrayRef<int64_t> value = tensors.at(op.getValue())->shape;
  if (key.take_front(2) != value.take_front(2))
    return op.emitOpError("expected key and value to agree in batch and "
                          "length, got ")
           << toString(key) << " and " << toString(value);
  return success();
}

/// The sequences stand one after the other.
LogicalResult Interpreter::evaluate(KVVarlenOp op) {
  ArrayRef<int64_t> key = tensors.at(op.getKey())->shape;
  ArrayRef<int64_t> value = tensors.at(op.getValue())->shape;
  if (key[0] != value[0])
    return op.emitOpError("expected key and value to agree in length, got ")
           << toString(key) << " and " << toString(value);
  return checkCuSeqlens(op, op.getCuSeqlens(), key[0]);
}

LogicalResult Interpreter::checkCuSeqlens(Operation *op, Value cuSeqlens,
                                          int64_t total) {
  double previous = 0;
  const Tensor &ends = *tensors.at(cuSeqlens);
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
Interpreter::findPackedSequences(AttentionOp op) {
  const Tensor &queryEnds = *tensors.at(op.getCuSeqlens());
  const Tensor &keyEnds = *tensors.at(op.getKVTensors().cuSeqlens);
  if (failed(checkCuSeqlens(op, op.getCuSeqlens(),
                            tensors.at(op.getQuery())->shape[0])))
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

FailureOr<std::vector<Sequence>> Interpreter::findSequences(AttentionOp op) {
  if (op.isPacked())
    return findPackedSequences(op);
  ArrayRef<int64_t> query = tensors.at(op.getQuery())->shape;
  ArrayRef<int64_t> key = tensors.at(op.getKVTensors().key)->shape;
  if (query[0] != key[0])
    return op.emitOpError("expected query and key to agree in batch, got ")
           << toString(query) << " and " << toString(key);
  std::vector<Sequence> sequences;
  for (int64_t b = 0; b != query[0]; ++b)
    sequences.push_back({b * query[1], query[1], b * key[1], key[1]});
  return sequences;
}

LogicalResult Interpreter::evaluate(AttentionOp op) {
  FailureOr<std::vector<Sequence>> sequences = findSequences(op);
  if (failed(sequences) || failed(checkRowsInside(op, *sequences)) ||
      failed(checkCaptured(op, sequences->size())))
    return failure();
  KVTensors kv = op.getKVTensors();
  const Tensor &query = *tensors.at(op.getQuery());
  const Tensor &key = *tensors.at(kv.key);
  const Tensor &value = *tensors.at(kv.value);
  SmallVector<int64_t> outputShape(query.shape);
  outputShape.back() = value.shape.back();
  SmallVector<int64_t> lseShape(ArrayRef(query.shape).drop_back());
  std::swap(lseShape.back(), *std::prev(lseShape.end(), 2));
  Tensor &output = define(op.getOutput(), outputShape);
  Tensor &lse = define(op.getLse(), lseShape);
  const Tensor *sink = op.getSink() ? tensors.at(op.getSink()) : nullptr;
  std::optional<BlockLists> blocks;
  if (op.hasBlockLists()) {
    FailureOr<BlockLists> read = BlockLists::read(op, tensors);
    if (failed(read))
      return failure();
    blocks = std::move(*read);
  }
  return evaluateRows(op, tensors,
                      {query, key, value, sink, blocks ? &*blocks : nullptr,
                       output, lse, std::move(*sequences)},
                      options);
}

LogicalResult Interpreter::checkRowsInside(AttentionOp op,
                                           ArrayRef<Sequence> sequences) {
  if (!options.rows)
    return success();
  auto batches = static_cast<int64_t>(sequences.size());
  int64_t heads = op.getQueryHeads();
  for (auto [batch, head, query] : *options.rows) {
    bool isBatch = batch >= 0 && batch < batches;
    int64_t queries = batches ? sequences[isBatch ? batch : 0].queries : 0;
    if (!isBatch || head < 0 || head >= heads || query < 0 || query >= queries)
      return op.emitOpError("expected rows [batch, head, query] inside of ")
             << toString({batches, heads, queries}) << ", got "
             << toString({batch, head, query});
  }
  return success();
}

LogicalResult Interpreter::checkCaptured(AttentionOp op, int64_t batch) {
  // Ids are as the keys are.
  ArrayRef<int64_t> keys =
      ArrayRef(tensors.at(op.getKVTensors().key)->shape).drop_back(2);
  auto check = [&](Operation *reader, StringRef name, Value captured,
                   ArrayRef<int64_t> shape) -> LogicalResult {
    ArrayRef<int64_t> got = tensors.at(captured)->shape;
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

FailureOr<std::vector<Tensor>> reference::run(func::FuncOp function,
                                              ArrayRef<Tensor> arguments,
                                              const Options &options) {
  return Interpreter(function, arguments, options).run();
}
