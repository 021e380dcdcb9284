//===- Reference.cpp - What a program means -------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Reference/Reference.h"

#include "Evaluation.h"

#include "Attention/Attention.h"

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

Tensor &Evaluation::define(Value value, ArrayRef<int64_t> shape) {
  Tensor &tensor = *owned.emplace_back(std::make_unique<Tensor>(
      Tensor{SmallVector<int64_t>(shape),
             std::vector<double>(getNumElements(shape),
                                 std::numeric_limits<double>::quiet_NaN())}));
  if (value)
    bind(value, &tensor);
  return tensor;
}

std::string reference::toString(ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << "[";
  llvm::interleaveComma(shape, os);
  os << "]";
  return text;
}

/// The families of ops that have reference semantics.
static constexpr Evaluated (*families[])(Operation *, Evaluation &) = {
    evaluateAttentionOp, evaluateBackwardOp, evaluateCacheOp,
    evaluateElementOp,   evaluateMergeOp,    evaluateRecurrenceOp,
    evaluateSelectOp,    evaluateTensorOp};

namespace {

/// Runs the ops of a function one after the other.
class Interpreter {
public:
  Interpreter(func::FuncOp function, ArrayRef<Tensor> arguments,
              const Options &options)
      : function(function), arguments(arguments), evaluation(options) {}

  FailureOr<std::vector<Tensor>> run();

private:
  LogicalResult checkFunction();
  LogicalResult checkRows();
  LogicalResult bind();
  LogicalResult bind(BlockArgument argument, const Tensor &tensor);
  LogicalResult evaluate(Operation *op);

  func::FuncOp function;
  ArrayRef<Tensor> arguments;
  Evaluation evaluation;
};

} // namespace

FailureOr<std::vector<Tensor>> Interpreter::run() {
  if (failed(checkFunction()) || failed(checkRows()) || failed(bind()))
    return failure();
  for (Operation &op : function.front().without_terminator())
    if (failed(evaluate(&op)))
      return failure();
  std::vector<Tensor> results;
  for (Value result : function.front().getTerminator()->getOperands())
    results.push_back(evaluation.get(result));
  return results;
}

LogicalResult Interpreter::evaluate(Operation *op) {
  for (auto family : families)
    if (Evaluated evaluated = family(op, evaluation))
      return *evaluated;
  return op->emitOpError("has no reference semantics");
}

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
  if (!isa<func::ReturnOp>(function.front().getTerminator()))
    return evaluate(function.front().getTerminator());
  return success();
}

LogicalResult Interpreter::checkRows() {
  if (!evaluation.options.rows)
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
  evaluation.bind(argument, &tensor);
  return success();
}

FailureOr<std::vector<Tensor>> reference::run(func::FuncOp function,
                                              ArrayRef<Tensor> arguments,
                                              const Options &options) {
  return Interpreter(function, arguments, options).run();
}
