//===- KeyForms.h - Limits of keys as affine forms --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_ANALYSIS_KEYFORMS_H
#define ATTN_LIB_ANALYSIS_KEYFORMS_H

#include "attn/Analysis/KeyBounds.h"

namespace mlir::attn::key_forms {

/// The dims of a form: the query, the key, then what is the same for all.
enum FormDim : unsigned { QueryDim, KeyDim, FirstOperandDim };

/// How an expression follows the position of the query, or nothing where it
/// follows it now one way and now the other.
std::optional<int> getDirection(AffineExpr expr);

/// Adds a bound to the upper or lower ones, which keep the tightest of a kind.
void addBound(SmallVectorImpl<KeyBound> &list, KeyBound bound, bool isUpper);

bool contains(const KeyInterval &outer, const KeyInterval &inner);

} // namespace mlir::attn::key_forms

#endif // ATTN_LIB_ANALYSIS_KEYFORMS_H
