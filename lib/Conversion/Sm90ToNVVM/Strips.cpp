//===- Strips.cpp - Where the threads of strips are -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Strips.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;
using sm90::Layout;

sm90::StripLanes mlir::attn::sm90_to_nvvm::lanesOf(RankedTensorType type) {
  return sm90::getStripLanes(cast<sm90::LayoutAttr>(type.getEncoding()));
}

SmallVector<Group> mlir::attn::sm90_to_nvvm::findGroups(RankedTensorType type) {
  Layout layout = *sm90::getLayout(type);
  sm90::StripLanes lanes = lanesOf(type);
  // The place of group `number` of the neighbours along a strip.
  auto alongOf = [&](int64_t number) { return number * lanes.step(); };
  SmallVector<Group> groups;
  if (type.getRank() == 1) {
    int64_t count = elementsPerThread(type) / sm90::kStripNeighbours;
    for (int64_t i = 0; i < count; ++i)
      groups.push_back({0, alongOf(i)});
    return groups;
  }
  if (layout == Layout::ColumnStrips) {
    int64_t rows = type.getDimSize(0) / (lanes.along * lanes.parts());
    for (int64_t r = 0; r < rows; ++r)
      groups.push_back(
          {alongOf(r / sm90::kStripNeighbours) + r % sm90::kStripNeighbours,
           0});
    return groups;
  }
  int64_t places = type.getDimSize(1) / (lanes.step() * lanes.parts());
  for (int64_t r = 0; r < sm90::kStripNeighbours; ++r)
    for (int64_t c = 0; c < places; ++c)
      groups.push_back({r, alongOf(c)});
  return groups;
}
