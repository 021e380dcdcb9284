//===- Expression.h - Numbers computed at launch ----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EXPRESSION_H
#define ATTN_RUNTIME_EXPRESSION_H

#include "attn/Runtime/Launch.h"

namespace attn::runtime {

/// Checks that `expression` computes one number from tensors of these ranks
/// with a small stack.
Status checkExpression(const Expression &expression,
                       const std::vector<TensorSpec> &tensors);

/// Evaluates an expression that has been checked. Fails where a result does not
/// fit in 64 bits and where a divisor is not positive.
Result<int64_t> evaluate(const Expression &expression,
                         const std::vector<TensorArgument> &tensors,
                         uint32_t multiprocessors);

/// Whether a guard holds: an empty one always does.
Result<bool> holds(const Expression &guard,
                   const std::vector<TensorArgument> &tensors,
                   uint32_t multiprocessors);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_EXPRESSION_H
