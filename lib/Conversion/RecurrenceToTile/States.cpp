//===- States.cpp - States in front of, behind and between chunks ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// In memory a state has the order of its encoding; here it is transposed.
//
//===----------------------------------------------------------------------===//

#include "ChunkKernel.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace mlir::attn;

static bool isValueFirst(Value state) {
  auto type = cast<RankedTensorType>(state.getType());
  return cast<StateAttr>(type.getEncoding()).getLayout() ==
         StateLayout::ValueKey;
}

Value ChunkKernelBuilder::createInitialState() {
  Value state = op.getState();
  if (!state)
    return splat(f32Tile({rows, keyDim}), 0);
  Type type = cast<RankedTensorType>(state.getType()).getElementType();
  Value zero = constant(0);
  bool valueFirst = isValueFirst(state);
  SmallVector<Value> place{slot, valueHead, zero, zero};
  place[valueFirst ? 2 : 3] = channel;
  SmallVector<int64_t> shape{keyDim, rows};
  if (valueFirst)
    std::swap(shape[0], shape[1]);
  Value tile = tile::LoadOp::create(builder, loc, VectorType::get(shape, type),
                                    view(state), place, ValueRange(),
                                    ArrayRef<int64_t>{2, 3});
  return keepInitialState(extend(valueFirst ? tile : transpose(tile)));
}

/// A row of them for each channel of the value.
Value ChunkKernelBuilder::createInitialSums() {
  VectorType type = f32Tile({rows, keyDim});
  Value normalizer = op.getNormalizer();
  if (!normalizer)
    return splat(type, 0);
  Value sums =
      tile::LoadOp::create(builder, loc, f32Tile({keyDim}), view(normalizer),
                           ValueRange{slot, valueHead, constant(0)},
                           ValueRange(), ArrayRef<int64_t>{2});
  return keepInitialState(
      vector::BroadcastOp::create(builder, loc, type, sums));
}

/// Stores the part of a state of the instance in `target`, the view of
/// `result`, whose axes in front of the channels are at `place`.
void ChunkKernelBuilder::storeState(Value state, Value target, Value result,
                                    SmallVector<Value> place) {
  auto axis = static_cast<int64_t>(place.size());
  bool valueFirst = isValueFirst(result);
  Value zero = constant(0);
  place.append({valueFirst ? channel : zero, valueFirst ? zero : channel});
  Type type = cast<tile::ViewType>(target.getType()).getElementType();
  Value tile = round(state, type);
  tile::StoreOp::create(builder, loc, valueFirst ? tile : transpose(tile),
                        target, place, ValueRange(),
                        ArrayRef<int64_t>{axis, axis + 1});
}

/// Moves the builder to where the sequence is no padding.
void ChunkKernelBuilder::enterPool() {
  if (!isOfPool)
    return;
  auto branch =
      scf::IfOp::create(builder, loc, isOfPool, /*withElseRegion=*/false);
  builder.setInsertionPointToStart(branch.thenBlock());
}

void ChunkKernelBuilder::storeFinalStates(ValueRange states) {
  if (!finalState && !finalNormalizer)
    return;
  OpBuilder::InsertionGuard guard(builder);
  enterLastSegment();
  enterPool();
  if (finalState)
    storeState(states.front(), finalState, op.getFinalState(),
               {slot, valueHead});
  if (!finalNormalizer)
    return;
  Value sums = vector::ExtractOp::create(builder, loc, states.back(),
                                         /*position=*/0);
  tile::StoreOp::create(builder, loc, sums, finalNormalizer,
                        ValueRange{sequence, valueHead, constant(0)},
                        ValueRange(), ArrayRef<int64_t>{2});
}

/// Keeps the state behind chunk `number` where one is kept, which all of its
/// tokens have to be there for. What a segment has in front of it is not its
/// own to keep.
void ChunkKernelBuilder::keepState(Value number, Value state) {
  if (!keptStates)
    return;
  auto every = static_cast<int64_t>(*op.getKeepEvery());
  int64_t chunks = every / tokens;
  auto compare = [&](arith::CmpIPredicate predicate, Value x, Value y) {
    return arith::CmpIOp::create(builder, loc, predicate, x, y).getResult();
  };
  auto both = [&](Value x, Value y) {
    return arith::AndIOp::create(builder, loc, x, y).getResult();
  };
  Value isKept = compare(arith::CmpIPredicate::sle,
                         apply((d(0) + 1) * tokens, number), length);
  if (chunks > 1)
    isKept =
        both(isKept, compare(arith::CmpIPredicate::eq,
                             apply((d(0) + 1) % chunks, number), constant(0)));
  if (segment.start)
    isKept =
        both(isKept, compare(arith::CmpIPredicate::sge,
                             apply(d(0) * tokens, number), segment.firstRow));
  if (isOfPool)
    isKept = both(isKept, isOfPool);
  OpBuilder::InsertionGuard guard(builder);
  auto branch =
      scf::IfOp::create(builder, loc, isKept, /*withElseRegion=*/false);
  builder.setInsertionPointToStart(branch.thenBlock());
  SmallVector<Value> place;
  if (isPacked())
    place = {apply(d(0).floorDiv(every) + d(1).floorDiv(chunks),
                   {slice[0], number})};
  else
    place = {sequence, apply(d(0).floorDiv(chunks), number)};
  place.push_back(valueHead);
  storeState(state, keptStates, op.getKeptStates(), place);
}
