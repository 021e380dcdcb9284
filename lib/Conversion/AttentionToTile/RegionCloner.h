//===- RegionCloner.h - Masks and modifiers for tiles -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_ATTENTIONTOTILE_REGIONCLONER_H
#define ATTN_LIB_CONVERSION_ATTENTIONTOTILE_REGIONCLONER_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"

namespace mlir::attn {

/// Copies regions of an attention to the tile level. What is the same for all
/// queries and keys of a tile is computed once, in front.
class RegionCloner {
public:
  explicit RegionCloner(OpBuilder &builder) : builder(builder) {}

  /// Says what to put in the place of a value.
  void map(Value from, Value to) { mapping.map(from, to); }
  Value lookup(Value value) const { return mapping.lookup(value); }

  /// Says what is known of a condition, as operands of `tile.bounded`: copies
  /// of it say so.
  void bound(Operation *condition, ArrayRef<Value> limits) {
    bounds[condition] = llvm::to_vector(limits);
  }

  /// Copies the ops that do not depend on any of `varying`, and the constants
  /// that the region captures.
  void cloneInvariants(Block &region, ArrayRef<Value> varying);

  /// Copies the other ops, with `arguments` in the place of those of the
  /// region. Returns what the region yields.
  Value cloneBody(Block &region, ValueRange arguments);

  /// Copies the ops that compute `value` in the region, and the constants that
  /// they capture, with `arguments` in the place of those of the region.
  Value cloneValue(Block &region, Value value, ValueRange arguments);

private:
  void clone(Operation &op, IRMapping &mapping);
  void cloneNeeded(Value value, IRMapping &mapping);

  OpBuilder &builder;
  IRMapping mapping;
  DenseMap<Operation *, SmallVector<Value>> bounds;
};

} // namespace mlir::attn

#endif // ATTN_LIB_CONVERSION_ATTENTIONTOTILE_REGIONCLONER_H
