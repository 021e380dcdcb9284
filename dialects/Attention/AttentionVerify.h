//===- AttentionVerify.h - What verifiers share -----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONVERIFY_H
#define ATTN_ATTENTION_ATTENTIONVERIFY_H

#include "Attention/Attention.h"

namespace mlir::attn {

/// Whether two sizes are known to differ.
inline bool mayDiffer(int64_t a, int64_t b) {
  return ShapedType::isStatic(a) && ShapedType::isStatic(b) && a != b;
}

inline RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Checks that `tensor` is of `element` and of `shape`, where a dynamic size is
/// any.
LogicalResult verifyTensor(Operation *op, StringRef name, Value tensor,
                           ArrayRef<int64_t> shape, Type element);
/// The same, of whatever elements it is.
LogicalResult verifyShape(Operation *op, StringRef name, Value tensor,
                          ArrayRef<int64_t> shape);
LogicalResult verifyFloats(Operation *op, StringRef name, Value tensor);
LogicalResult verifyAtLeast(Operation *op, StringRef name, int64_t value,
                            int64_t least);
/// Checks that dimensions `dims` of `tensor` are static and positive.
LogicalResult verifyStatic(Operation *op, StringRef name, Value tensor,
                           ArrayRef<int64_t> dims);
LogicalResult verifyFinite(Operation *op, StringRef name, FloatAttr value);
LogicalResult verifyCuSeqlens(Operation *op, Value cuSeqlens);

/// Where each of the packed sequences of keys begins, or null.
Value getKVEnds(Value kv);
/// Checks that `kv` is made by a constructor that can be seen.
LogicalResult verifyConstructed(Operation *op, StringRef name, Value kv);
/// Whether each sequence of `kv` has a length of its own.
bool hasOwnLengths(Value kv);

/// Checks queries, keys and `cu_seqlens`, which may be null, by the rules C1 to
/// C4 and C12 of attn.attention.
LogicalResult verifyQueriesAndKeys(Operation *op, Value query, Value kv,
                                   Value cuSeqlens);
/// The number of sequences, where it is static.
int64_t getNumSequences(Value query, Value cuSeqlens);
/// What keys have besides heads and channels, for `batch` sequences.
SmallVector<int64_t> getKeyRows(KVType kv, int64_t batch);

/// Checks the rules about lists of blocks, C13 to C16 of attn.attention.
LogicalResult verifyBlockLists(AttentionOp op);
LogicalResult verifyBlockLists(AttentionBackwardOp op);

/// Names the arguments of a mask or, with a leading `x`, of a score modifier.
void nameRegionArguments(Region &region, bool isScore,
                         OpAsmSetValueNameFn setNameFn);
/// Checks the signature and the ops of a region that may be absent.
LogicalResult verifyMaskRegion(Operation *op, Region &mask);
LogicalResult verifyScoreRegion(Operation *op, Region &score);

} // namespace mlir::attn

#endif // ATTN_ATTENTION_ATTENTIONVERIFY_H
