//===- Strips.h - Where the threads of strips are ---------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_SM90TONVVM_STRIPS_H
#define ATTN_LIB_CONVERSION_SM90TONVVM_STRIPS_H

#include "Patterns.h"

namespace mlir::attn::sm90_to_nvvm {

sm90::StripLanes lanesOf(RankedTensorType type);

/// Which of the 32 lanes is where in the strip of its warp. The lanes that are
/// neighbours in memory follow each other.
class Lanes {
public:
  Lanes(Int32 &i32, RankedTensorType type)
      : i32(i32), lanes(lanesOf(type)), type(type),
        byColumns(*sm90::getLayout(type) <= sm90::Layout::ColumnStripsColumns) {
  }

  Value along() { return byColumns ? upper(lanes.across) : lower(lanes.along); }
  Value across() {
    return byColumns ? lower(lanes.across) : upper(lanes.along);
  }
  /// The distances of lanes that differ in one bit of their place along it.
  SmallVector<int64_t> distances() const {
    SmallVector<int64_t> all;
    int64_t first = byColumns ? lanes.across : 1;
    for (int64_t distance = first; distance < first * lanes.along;
         distance *= 2)
      all.push_back(distance);
    return all;
  }

  /// Which of the parts of the length of a strip the warp has, and which of
  /// the strips beside each other.
  Value part() {
    return i32.shiftRight(i32.warpOfWarpgroup(), llvm::Log2_64(lanes.warps));
  }
  Value strip() {
    Value warp = i32.warpOfWarpgroup();
    return lanes.parts() == 1 ? warp : i32.bitAnd(warp, lanes.warps - 1);
  }

  /// Of a matrix, or of a vector along strips.
  Value firstAlong() {
    Value first = i32.shiftLeft(along(), 2);
    if (lanes.parts() == 1)
      return first;
    int64_t axis = type.getRank() == 2 && !byColumns ? 1 : 0;
    return i32.add(i32.mul(part(), type.getDimSize(axis) / lanes.parts()),
                   first);
  }
  Value firstAcross() {
    return i32.add(i32.shiftLeft(strip(), llvm::Log2_64(sm90::kStripNeighbours *
                                                        lanes.across)),
                   i32.shiftLeft(across(), 2));
  }

private:
  /// The number of a lane in groups of `count`, and that of the group.
  Value lower(int64_t count) { return i32.bitAnd(i32.lane(), count - 1); }
  Value upper(int64_t count) {
    return i32.shiftRight(i32.lane(), llvm::Log2_64(count));
  }

  Int32 &i32;
  sm90::StripLanes lanes;
  RankedTensorType type;
  bool byColumns;
};

/// Four registers that are neighbours in memory, from the first row and column
/// of the thread on.
struct Group {
  int64_t row, column;
};

/// In the order of the registers.
SmallVector<Group> findGroups(RankedTensorType type);

} // namespace mlir::attn::sm90_to_nvvm

#endif // ATTN_LIB_CONVERSION_SM90TONVVM_STRIPS_H
