//===- Slots.h - Which state of a pool a sequence has -----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_RECURRENCETOTILE_SLOTS_H
#define ATTN_LIB_CONVERSION_RECURRENCETOTILE_SLOTS_H

#include "Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace mlir::attn::recurrence_to_tile {

struct Slot {
  /// Which state, and whether there is one: the sequence is padding otherwise.
  Value number, isOfPool;
};

/// The slot of `sequence`, from the view `slots`, in a pool of so many states.
inline Slot readSlot(OpBuilder &builder, Location loc, Value slots,
                     Value sequence, Value pool) {
  Value number = tile::ReadOp::create(builder, loc, builder.getI32Type(), slots,
                                      sequence, /*position=*/false);
  number =
      arith::IndexCastOp::create(builder, loc, builder.getIndexType(), number);
  Value isOfPool = arith::CmpIOp::create(
      builder, loc, arith::CmpIPredicate::ult, number, pool);
  return {number, isOfPool};
}

} // namespace mlir::attn::recurrence_to_tile

#endif // ATTN_LIB_CONVERSION_RECURRENCETOTILE_SLOTS_H
