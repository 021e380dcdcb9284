//===- KeyBounds.h - Which keys a mask lets a query see ---------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ANALYSIS_KEYBOUNDS_H
#define ATTN_ANALYSIS_KEYBOUNDS_H

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Block.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/Value.h"
#include "mlir/Support/LLVM.h"

namespace mlir::attn {

/// An inclusive limit of the key: an expression of the position of the query,
/// which is dim 0, of the operands of the KeyBounds, of which operand i is dim
/// 2 + i, and of the limits of its matches, which are symbols.
struct KeyBound {
  AffineExpr expr;
  /// 1 where the bound grows with the position of the query, -1 where it falls,
  /// 0 where it does not depend on it.
  int direction;
  /// The limit of the keys that every query of a tile sees, where that is
  /// another one.
  AffineExpr clean;
};

/// A comparison of what is computed from the key alone with what is computed
/// from the query alone. Which keys it keeps is in the memory of the device:
/// between limits that are found for a tile of queries.
struct KeyMatch {
  /// Holds where `key` and `query` are in the relation `predicate`.
  Operation *compare;
  arith::CmpIPredicate predicate;
  Value key, query;

  /// Outside of [Begin, End) the comparison holds for no query of the tile,
  /// inside of [CleanBegin, CleanEnd) for all.
  enum Limit : unsigned { Begin, End, CleanBegin, CleanEnd, NumLimits };
};

/// The keys within all of the bounds, or none unless each condition, an i1 that
/// is the same for all queries and keys, has the value beside it.
struct KeyInterval {
  SmallVector<KeyBound, 2> lower, upper;
  SmallVector<std::pair<Value, bool>, 1> conditions;
  /// Whether the mask keeps all of these keys, rather than some of them.
  bool exact = true;
};

/// The keys that a query sees are in the union of the intervals.
struct KeyBounds {
  SmallVector<KeyInterval> intervals;
  SmallVector<Value> operands;
  /// Limit l of match m is symbol m * KeyMatch::NumLimits + l.
  SmallVector<KeyMatch> matches;

  /// Limits every interval to keys of at most `value + offset`.
  void addUpper(Value value, int64_t offset);

  /// The intervals that together hold every key: those that no other contains.
  SmallVector<KeyInterval> getOuterIntervals() const;

  /// Whether these intervals are one for each query: each has the first key of
  /// the others.
  static bool isOneInterval(ArrayRef<KeyInterval> intervals);

  /// The values that the bounds and conditions are computed from.
  SmallVector<Value> getValues() const;

  /// Whether tiles may see numbers of keys that differ by much: later ones
  /// more, those of one batch or head more than those of another, or several
  /// intervals.
  bool isUneven() const;

  /// Whether no query sees a key behind its own position.
  bool seesOnlyPast() const;
};

/// Reads the bounds off a predicate: a block whose terminator yields one i1,
/// computed from the block arguments `query` and `key`. What does not depend on
/// these is taken as it is. The predicate is read as a disjunction of
/// conjunctions; a part of it that is no comparison of affine forms, and of
/// which no `tile.bounded` says more, limits nothing. With `head`, which the
/// predicate must not depend on there, matches are looked for as well.
KeyBounds analyzeKeyBounds(Block &predicate, Value query, Value key,
                           Value head = {});

/// The numbers of the matches that bound the interval.
SmallVector<unsigned> getMatches(const KeyInterval &interval);

/// Whether the keys of `a` up to its last one end no later than those of `b`,
/// for whatever query.
bool endsNoLater(const KeyInterval &a, const KeyInterval &b);

/// The bounds of a tile of queries, as affine expressions with their operands
/// already composed. `end` and `cleanEnd` are exclusive.
struct TileBounds {
  /// Keys outside of [begin, end) are seen by no query of the tile.
  OpFoldResult begin, end;
  /// Keys inside [cleanBegin, cleanEnd) are seen by every query of the tile.
  OpFoldResult cleanBegin, cleanEnd;
};

/// Materialises bounds of tiles of `rows` queries, the first of which is at the
/// position `query`.
class TileBoundsBuilder {
public:
  /// `lookup` gives the value to use for one of `bounds`; without it they are
  /// used themselves. `limits` are those of all matches; without them, matches
  /// bound nothing.
  TileBoundsBuilder(OpBuilder &builder, Location loc, const KeyBounds &bounds,
                    Value query, int64_t rows,
                    function_ref<Value(Value)> lookup = nullptr,
                    ArrayRef<Value> limits = {})
      : builder(builder), loc(loc), bounds(bounds), query(query), rows(rows),
        lookup(lookup), limits(limits) {}

  /// Keys are numbered from 0; where they end must be bounded.
  TileBounds getBounds(const KeyInterval &interval);

  /// Whether the conditions of an interval hold; null where it has none.
  Value getCondition(const KeyInterval &interval);

private:
  OpFoldResult getExtremum(ArrayRef<KeyBound> list, bool isUpper, bool clean);

  OpBuilder &builder;
  Location loc;
  const KeyBounds &bounds;
  Value query;
  int64_t rows;
  function_ref<Value(Value)> lookup;
  SmallVector<Value> limits;
};

} // namespace mlir::attn

#endif // ATTN_ANALYSIS_KEYBOUNDS_H
