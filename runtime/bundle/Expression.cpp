//===- Expression.cpp - Numbers computed at launch ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Expression.h"

#include "attn/Runtime/Float.h"

#include <algorithm>
#include <array>

using namespace attn::runtime;

static constexpr size_t maxDepth = 16;

static bool isLeaf(Term::Kind kind) {
  return kind == Term::Kind::Constant || kind == Term::Kind::Size ||
         kind == Term::Kind::Stride || kind == Term::Kind::Multiprocessors ||
         kind == Term::Kind::Aligned;
}

Status attn::runtime::checkExpression(const Expression &expression,
                                      const std::vector<TensorSpec> &tensors) {
  size_t depth = 0;
  for (const Term &term : expression) {
    if (term.kind == Term::Kind::Size || term.kind == Term::Kind::Stride) {
      if (term.tensor < 0 || size_t(term.tensor) >= tensors.size() ||
          term.axis < 0 ||
          size_t(term.axis) >= tensors[term.tensor].shape.size())
        return failure("malformed expression: there is no axis ", term.axis,
                       " of tensor ", term.tensor);
    }
    if (term.kind == Term::Kind::Aligned &&
        (term.tensor < 0 || size_t(term.tensor) >= tensors.size() ||
         term.value < 1))
      return failure("malformed expression: expected a tensor and a positive "
                     "alignment, got ",
                     term.tensor, " and ", term.value);
    if (!isLeaf(term.kind) && depth < 2)
      return failure("malformed expression: expected two operands of each "
                     "operation");
    depth = isLeaf(term.kind) ? depth + 1 : depth - 1;
    if (depth > maxDepth)
      return failure("malformed expression: expected at most ", maxDepth,
                     " pending operands");
  }
  if (depth != 1)
    return failure("malformed expression: expected one result, got ", depth);
  return {};
}

/// Strides along which nothing steps do not count.
static bool isAligned(const TensorArgument &tensor, int64_t alignment) {
  if (tensor.strides.empty() || tensor.strides.back() != 1 ||
      tensor.address % static_cast<uint64_t>(alignment) != 0)
    return false;
  auto size = static_cast<int64_t>(elementSize(tensor.elementType));
  for (size_t axis = 0; axis + 1 < tensor.strides.size(); ++axis)
    if (tensor.shape[axis] > 1 &&
        (tensor.strides[axis] < 0 ||
         tensor.strides[axis] % alignment * size % alignment != 0))
      return false;
  return true;
}

/// The value of a term without operands.
static int64_t load(const Term &term,
                    const std::vector<TensorArgument> &tensors,
                    uint32_t multiprocessors) {
  switch (term.kind) {
  case Term::Kind::Size:
    return tensors[term.tensor].shape[term.axis];
  case Term::Kind::Stride:
    return tensors[term.tensor].strides[term.axis];
  case Term::Kind::Multiprocessors:
    return multiprocessors;
  case Term::Kind::Aligned:
    return int64_t(isAligned(tensors[term.tensor], term.value));
  default:
    return term.value;
  }
}

static Result<int64_t> divide(int64_t a, int64_t b, bool up) {
  if (b < 1)
    return failure("expected a positive divisor in an expression, got ", b);
  int64_t quotient = a / b, remainder = a % b;
  if (up)
    return quotient + (remainder > 0);
  return quotient - (remainder < 0);
}

static Result<int64_t> apply(Term::Kind kind, int64_t a, int64_t b) {
  int64_t result = 0;
  bool overflows = false;
  switch (kind) {
  case Term::Kind::Add:
    overflows = __builtin_add_overflow(a, b, &result);
    break;
  case Term::Kind::Subtract:
    overflows = __builtin_sub_overflow(a, b, &result);
    break;
  case Term::Kind::Multiply:
    overflows = __builtin_mul_overflow(a, b, &result);
    break;
  case Term::Kind::FloorDivide:
    return divide(a, b, /*up=*/false);
  case Term::Kind::CeilDivide:
    return divide(a, b, /*up=*/true);
  case Term::Kind::Minimum:
    return std::min(a, b);
  case Term::Kind::Maximum:
    return std::max(a, b);
  case Term::Kind::Less:
    return int64_t(a < b);
  case Term::Kind::LessEqual:
    return int64_t(a <= b);
  case Term::Kind::Equal:
    return int64_t(a == b);
  case Term::Kind::And:
    return int64_t(a && b);
  case Term::Kind::Or:
    return int64_t(a || b);
  case Term::Kind::Constant:
  case Term::Kind::Size:
  case Term::Kind::Stride:
  case Term::Kind::Multiprocessors:
  case Term::Kind::Aligned:
    break;
  }
  if (overflows)
    return failure("expected the value of an expression to fit in 64 bits");
  return result;
}

Result<int64_t>
attn::runtime::evaluate(const Expression &expression,
                        const std::vector<TensorArgument> &tensors,
                        uint32_t multiprocessors) {
  std::array<int64_t, maxDepth> stack = {};
  size_t depth = 0;
  for (const Term &term : expression) {
    if (isLeaf(term.kind)) {
      stack[depth++] = load(term, tensors, multiprocessors);
      continue;
    }
    Result<int64_t> value =
        apply(term.kind, stack[depth - 2], stack[depth - 1]);
    if (value.failed())
      return value;
    --depth;
    stack[depth - 1] = *value;
  }
  return stack[0];
}

Result<bool> attn::runtime::holds(const Expression &guard,
                                  const std::vector<TensorArgument> &tensors,
                                  uint32_t multiprocessors) {
  if (guard.empty())
    return true;
  Result<int64_t> value = evaluate(guard, tensors, multiprocessors);
  if (value.failed())
    return value.error();
  return *value != 0;
}
