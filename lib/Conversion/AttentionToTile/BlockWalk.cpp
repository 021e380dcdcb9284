//===- BlockWalk.cpp - The blocks of keys that lists name -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockWalk.h"

#include "../TileBuilders.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace mlir::attn;

static Value readIndex(OpBuilder &builder, Location loc, Value view,
                       ValueRange indices) {
  Value element =
      tile::ReadOp::create(builder, loc, builder.getI32Type(), view, indices);
  return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                    element);
}

BlockWalk::BlockWalk(OpBuilder &builder, Location loc, AttentionOp op,
                     Place place, int64_t tileKeys, Value keyLength,
                     function_ref<Value(Value)> lookup)
    : builder(builder), loc(loc), blockQ(*op.getBlockQ()),
      blockK(*op.getBlockK()), tileKeys(tileKeys) {
  AffineExpr d0 = builder.getAffineDimExpr(0), d1 = builder.getAffineDimExpr(1);
  columns = applyExpr(builder, loc, d0.ceilDiv(blockK), {keyLength});
  for (AttentionOp::BlockList list :
       {op.getFullBlocks(), op.getPartialBlocks()})
    if (list)
      lists.push_back(createList(list, place, lookup));
  int64_t tiles = blockK / tileKeys;
  count = lists.size() == 1
              ? applyExpr(builder, loc, d0 * tiles, {lists[0].length})
              : applyExpr(builder, loc, (d0 + d1) * tiles,
                          {lists[0].length, lists[1].length});
  // Without keys there is nothing to load, whatever the lists say.
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  Value isEmpty = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::eq,
                                        columns, zero);
  count = arith::SelectOp::create(builder, loc, isEmpty, zero, count);
}

BlockWalk::List BlockWalk::createList(AttentionOp::BlockList list, Place place,
                                      function_ref<Value(Value)> lookup) {
  Value counts = lookup(list.counts), indices = lookup(list.indices);
  Value zero = arith::ConstantIndexOp::create(builder, loc, 0);
  auto isShared = [&](unsigned axis) {
    return cast<tile::ViewType>(counts.getType()).getShape()[axis] == 1;
  };
  AffineExpr d0 = builder.getAffineDimExpr(0);
  List result;
  result.indices = indices;
  result.position = {isShared(0) ? zero : place.batch,
                     isShared(1) ? zero : place.head,
                     applyExpr(builder, loc, d0.floorDiv(blockQ), {place.row})};
  // A count may be anything; entries are read inside of the list alone.
  Value room = tile::DimOp::create(builder, loc, indices, 3);
  Value given = readIndex(builder, loc, counts, result.position);
  given = arith::MaxSIOp::create(builder, loc, given, zero);
  result.length = arith::MinSIOp::create(builder, loc, given, room);
  return result;
}

Value BlockWalk::readEntry(OpBuilder &builder, const List &list,
                           Value number) const {
  SmallVector<Value> indices(list.position);
  indices.push_back(number);
  return readIndex(builder, loc, list.indices, indices);
}

BlockWalk::Step BlockWalk::getStep(OpBuilder &builder, Value iteration) const {
  AffineExpr d0 = builder.getAffineDimExpr(0), d1 = builder.getAffineDimExpr(1);
  int64_t tiles = blockK / tileKeys;
  Value number = applyExpr(builder, loc, d0.floorDiv(tiles), {iteration});
  Value isFull, block;
  if (lists.size() == 1) {
    block = readEntry(builder, lists.front(), number);
  } else {
    isFull = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                   number, lists[0].length);
    // One of the two lies inside of its list, the other is not loaded.
    Value rest = applyExpr(builder, loc, d0 - d1, {number, lists[0].length});
    Value full = readEntry(builder, lists[0], number);
    Value partial = readEntry(builder, lists[1], rest);
    block = arith::SelectOp::create(builder, loc, isFull, full, partial);
  }
  // No block is one behind the last, where every key is masked.
  Value isBlock = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::ult,
                                        block, columns);
  block = arith::SelectOp::create(builder, loc, isBlock, block, columns);
  Value key = applyExpr(builder, loc, d0 * blockK + (d1 % tiles) * tileKeys,
                        {block, iteration});
  return {key, isFull};
}
