//===- Geometry.h - The sizes of an attention -------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_ATTNRUN_GEOMETRY_H
#define ATTN_TOOLS_ATTNRUN_GEOMETRY_H

#include <cstdint>
#include <vector>

namespace attn::run {

/// The sizes of one batch, or of one of the packed sequences.
struct Sequence {
  int64_t queries = 0, keys = 0;
  /// The row of its first query among those of all of them.
  int64_t firstQuery = 0;
};

/// The sizes of an attention.
struct Geometry {
  std::vector<Sequence> sequences;
  int64_t heads = 0, keyDim = 0, valueDim = 0;
  /// Of packed sequences, the rows of the queries, also of those that belong to
  /// no sequence. Negative for a dense batch.
  int64_t totalQueries = -1;

  /// A batch of sequences of one length.
  static Geometry dense(int64_t batches, int64_t heads, int64_t queries,
                        int64_t keys, int64_t keyDim, int64_t valueDim);

  int64_t batches() const { return static_cast<int64_t>(sequences.size()); }
  int64_t rows() const;
  /// Floating-point operations of the two products for one query, and for all.
  double rowWork(const Sequence &sequence) const {
    return 2.0 * static_cast<double>(sequence.keys) *
           static_cast<double>(keyDim + valueDim);
  }
  double work() const;
};

} // namespace attn::run

#endif // ATTN_TOOLS_ATTNRUN_GEOMETRY_H
