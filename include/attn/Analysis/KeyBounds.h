//===- KeyBounds.h - Which keys a mask lets a query see ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_KEYBOUNDS_H
#define ATTN_ANALYSIS_KEYBOUNDS_H

#include "mlir/IR/Block.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Value.h"
#include "mlir/Support/LLVM.h"

#include <optional>

namespace mlir::attn {

/// The keys j that a query at position p sees, as one interval:
///
///     p + relativeLower <= j <= p + relativeUpper
///     lower <= j <= upper      for each absolute bound
///
/// A bound that is absent does not limit.
struct KeyBounds {
  /// `value + offset`, where a null value stands for zero.
  struct Absolute {
    Value value;
    int64_t offset;
  };

  std::optional<int64_t> relativeLower;
  std::optional<int64_t> relativeUpper;
  SmallVector<Absolute> lower;
  SmallVector<Absolute> upper;

  bool hasLower() const { return relativeLower || !lower.empty(); }
  bool hasUpper() const { return relativeUpper || !upper.empty(); }
};

/// Reads the bounds off a predicate: a block whose terminator yields one i1,
/// computed from the block arguments `query` and `key` by comparisons of linear
/// forms joined with `arith.andi`. Fails where the predicate is anything else;
/// `culprit` is then the op that could not be read, if there is one.
FailureOr<KeyBounds> analyzeKeyBounds(Block &predicate, Value query, Value key,
                                      Operation *&culprit);

/// The bounds of a tile of queries, as affine expressions with their operands
/// already composed. `end` and `cleanEnd` are exclusive.
struct TileBounds {
  /// Keys outside of [begin, end) are seen by no query of the tile.
  OpFoldResult begin, end;
  /// Keys inside [cleanBegin, cleanEnd) are seen by every query of the tile.
  OpFoldResult cleanBegin, cleanEnd;
};

/// Materialises the bounds of the tile of `rows` queries that starts at the
/// position `query`. Keys are numbered from 0; where they end must be bounded.
TileBounds materializeTileBounds(OpBuilder &builder, Location loc,
                                 const KeyBounds &bounds, Value query,
                                 int64_t rows);

} // namespace mlir::attn

#endif // ATTN_ANALYSIS_KEYBOUNDS_H
