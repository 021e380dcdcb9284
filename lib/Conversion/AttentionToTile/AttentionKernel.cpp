//===- AttentionKernel.cpp - The kernel that computes an attention --------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BlockWalk.h"
#include "KernelBuilder.h"
#include "KeyWalk.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;

namespace {

/// A tile of the queries of a sequence and where it stands.
struct QueryTile {
  Value head, keyHead;
  /// Its first query, and the position of that.
  Value row, position;
  Value tile;
};

class AttentionKernel : KernelBuilder {
public:
  AttentionKernel(func::FuncOp function, Program program)
      : KernelBuilder(function, std::move(program)),
        scale(this->program.attention.getScaleOrDefault()) {
    scalesFirst = this->program.attention.getScoreBlock() || !(scale > 0);
  }

  void build();

private:
  void createInstances();
  void createPackedInstances();
  void createTile(Value head, Value row);
  void createStores(tile::FinishSoftmaxOp finish, Value row, Value head,
                    Value zero);
  SmallVector<Value> reorder(ValueRange ids, Value tiles);
  void createInvariants(Value batch, Value head);
  void readLimits();
  /// What an iteration handles.
  using GetStep = function_ref<BlockWalk::Step(Value iteration)>;

  scf::ForOp createKeyLoop(const QueryTile &queries);
  scf::ForOp createKeyLoop(const QueryTile &queries, Value count,
                           GetStep getStep);
  void createStep(scf::ForOp loop, const QueryTile &queries, GetStep getStep);
  Value createScores(Value scores, Value position, Value key);
  Value createMask(Value scores, Value position, BlockWalk::Step step);

  /// Where a row of a tensor of [B, L, H, D] or packed [total, H, D] stands.
  SmallVector<Value> getPlace(Value row, Value head, Value zero) {
    if (isPacked())
      return {row, head, zero};
    return {sequence.batch, row, head, zero};
  }
  /// The axes of rows and of channels.
  SmallVector<int64_t> getTileAxes() {
    if (isPacked())
      return {0, 2};
    return {1, 3};
  }
  int64_t getChannels(Value view) {
    return cast<tile::ViewType>(view.getType()).getShape().back();
  }
  Value load(Value view, ValueRange indices, ValueRange slice, int64_t rows) {
    auto type = cast<tile::ViewType>(view.getType());
    auto tileType =
        VectorType::get({rows, getChannels(view)}, type.getElementType());
    return tile::LoadOp::create(builder, loc, tileType, view, indices, slice,
                                getTileAxes());
  }
  /// Rounds a tile of f32 to `type`.
  Value round(Value tile, Type type) {
    if (type.isF32())
      return tile;
    auto rounded = cast<VectorType>(tile.getType()).clone(type);
    return arith::TruncFOp::create(builder, loc, rounded, tile);
  }
  Value rowConstant(double value) {
    auto type = VectorType::get({blockQ}, builder.getF32Type());
    return arith::ConstantOp::create(
        builder, loc, DenseElementsAttr::get(type, static_cast<float>(value)));
  }
  /// The logarithm of the largest sum with which a maximum is kept: weights of
  /// up to twice the exponent must be finite after rounding.
  IntegerAttr getSumLimit() {
    if (!schedule.getLazyMax())
      return {};
    return builder.getI64IntegerAttr(
        program.attention.getQueryType().getElementType().isF16() ? 7 : 31);
  }
  double getSoftmaxScale() { return scalesFirst ? 1 : scale; }

  double scale;
  /// Whether scores are multiplied by the scale before the softmax, since a
  /// modifier is applied to them or since the scale is not positive.
  bool scalesFirst;
  Value value;
  /// Those of the tile at hand, for all matches.
  SmallVector<Value> tileLimits;
};

} // namespace

//===----------------------------------------------------------------------===//
// Blocks of keys
//===----------------------------------------------------------------------===//

/// What masks and modifiers compute from the batch and the head alone.
void AttentionKernel::createInvariants(Value batch, Value head) {
  AttentionOp op = program.attention;
  for (Block *region : {op.getMaskBlock(), op.getScoreBlock()}) {
    if (!region)
      continue;
    // A score comes in front of the positions.
    auto positions = region->getArguments().take_back(4);
    regions.map(positions[0], batch);
    regions.map(positions[1], head);
    SmallVector<Value> varying(positions.take_back(2));
    if (region == op.getScoreBlock())
      varying.push_back(region->getArgument(0));
    regions.cloneInvariants(*region, varying);
  }
}

/// What has been found of the keys that matches keep for this tile.
void AttentionKernel::readLimits() {
  for (auto [m, match] : llvm::enumerate(program.bounds.matches)) {
    for (unsigned l = 0; l < KeyMatch::NumLimits; ++l) {
      SmallVector<Value> indices(limitsPlace);
      indices.push_back(constant(m * KeyMatch::NumLimits + l));
      Value limit = tile::ReadOp::create(builder, loc, builder.getI32Type(),
                                         limits, indices, /*position=*/true);
      tileLimits.push_back(arith::IndexCastOp::create(
          builder, loc, builder.getIndexType(), limit));
    }
    regions.bound(match.compare,
                  ArrayRef(tileLimits).take_back(KeyMatch::NumLimits));
  }
}

/// The scores as the mask finds them.
Value AttentionKernel::createScores(Value scores, Value position, Value key) {
  Block *source = program.attention.getScoreBlock();
  auto factor = builder.getF32FloatAttr(static_cast<float>(scale));
  // What multiplies next may be folded in.
  auto reassociate = arith::FastMathFlagsAttr::get(
      builder.getContext(), arith::FastMathFlags::reassoc);
  if (!source) {
    Value all = arith::ConstantOp::create(
        builder, loc,
        DenseElementsAttr::get(cast<VectorType>(scores.getType()),
                               factor.getValue()));
    return arith::MulFOp::create(builder, loc, scores, all);
  }
  auto score = tile::ScoreOp::create(builder, loc, scores.getType(), scores,
                                     position, key);
  OpBuilder::InsertionGuard guard(builder);
  Type index = builder.getIndexType();
  Block *block = builder.createBlock(&score.getModifier(), {},
                                     {builder.getF32Type(), index, index},
                                     {loc, loc, loc});
  Value x = block->getArgument(0);
  if (scale != 1) {
    Value constant = arith::ConstantOp::create(builder, loc, factor);
    x = arith::MulFOp::create(builder, loc, x, constant, reassociate);
  }
  Value modified = regions.cloneBody(
      *source, {x, regions.lookup(source->getArgument(1)),
                regions.lookup(source->getArgument(2)), block->getArgument(1),
                block->getArgument(2)});
  tile::YieldOp::create(builder, loc, modified);
  return score.getResult();
}

/// The mask of the program and the end of the keys, as one predicate.
Value AttentionKernel::createMask(Value scores, Value position,
                                  BlockWalk::Step step) {
  auto mask = tile::MaskOp::create(builder, loc, scores.getType(), scores,
                                   position, step.key, /*whole=*/Value());
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(
      &mask.getPredicate(), {},
      {builder.getIndexType(), builder.getIndexType()}, {loc, loc});
  Value keep = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                     block->getArgument(1), sequence.keyLength);
  if (Block *source = program.attention.getMaskBlock()) {
    Value visible = regions.cloneBody(
        *source, {regions.lookup(source->getArgument(0)),
                  regions.lookup(source->getArgument(1)), block->getArgument(0),
                  block->getArgument(1)});
    if (step.isFull)
      visible = arith::OrIOp::create(builder, loc, step.isFull, visible);
    keep = arith::AndIOp::create(builder, loc, visible, keep);
  }
  tile::YieldOp::create(builder, loc, keep);
  return mask.getResult();
}

void AttentionKernel::createStep(scf::ForOp loop, const QueryTile &queries,
                                 GetStep getStep) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(loop.getBody());
  Value max = loop.getRegionIterArg(0), sum = loop.getRegionIterArg(1),
        acc = loop.getRegionIterArg(2);
  BlockWalk::Step step = getStep(loop.getInductionVar());
  Value zero = constant(0);
  SmallVector<Value> indices = getPlace(step.key, queries.keyHead, zero);
  Value keyTile = load(key, indices, sequence.keys, blockKv);
  auto scoresType = VectorType::get({blockQ, blockKv}, builder.getF32Type());
  Value scores = tile::DotOp::create(builder, loc, scoresType, queries.tile,
                                     keyTile, /*acc=*/Value(),
                                     /*transpose_rhs=*/true);
  if (scalesFirst)
    scores = createScores(scores, queries.position, step.key);
  scores = createMask(scores, queries.position, step);

  Type element = getElementTypeOrSelf(queries.tile.getType());
  // A lazy maximum is kept for longer than any threshold says.
  int64_t threshold =
      schedule.getLazyMax() ? 0 : schedule.getRescaleThreshold();
  auto softmax = tile::OnlineSoftmaxOp::create(
      builder, loc, scoresType, max.getType(), max.getType(), max.getType(),
      scores, max, sum, builder.getF64FloatAttr(getSoftmaxScale()),
      threshold ? builder.getI64IntegerAttr(threshold) : IntegerAttr(),
      getSumLimit(),
      /*may_be_empty=*/builder.getUnitAttr());
  Value weights = round(softmax.getWeights(), element);
  acc = tile::RescaleOp::create(
      builder, loc, acc.getType(), acc, softmax.getCorrection(),
      /*mostly_one=*/threshold != 0 || schedule.getLazyMax());
  Value valueTile = load(value, indices, sequence.keys, blockKv);
  acc = tile::DotOp::create(builder, loc, acc.getType(), weights, valueTile,
                            acc, /*transpose_rhs=*/false);
  scf::YieldOp::create(
      builder, loc, ValueRange{softmax.getNewMax(), softmax.getNewSum(), acc});
}

scf::ForOp AttentionKernel::createKeyLoop(const QueryTile &queries) {
  auto lookup = [&](Value given) { return regions.lookup(given); };
  if (program.attention.hasBlockLists()) {
    BlockWalk walk(builder, loc, program.attention,
                   {sequence.batch, queries.head, queries.row}, blockKv,
                   sequence.keyLength, lookup);
    return createKeyLoop(queries, walk.getCount(), [&](Value iteration) {
      return walk.getStep(builder, iteration);
    });
  }
  KeyWalk walk(builder, loc, program.bounds, queries.position, blockQ, blockKv,
               schedule.getDiagonalFirst(), lookup, tileLimits);
  return createKeyLoop(queries, walk.getCount(), [&](Value iteration) {
    return BlockWalk::Step{walk.getKey(builder, iteration), Value()};
  });
}

scf::ForOp AttentionKernel::createKeyLoop(const QueryTile &queries, Value count,
                                          GetStep getStep) {
  auto accType =
      VectorType::get({blockQ, getChannels(value)}, builder.getF32Type());
  Value acc =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(accType));
  Value infinity = rowConstant(-std::numeric_limits<double>::infinity());
  auto loop = scf::ForOp::create(builder, loc, constant(0), count, constant(1),
                                 ValueRange{infinity, rowConstant(0), acc});
  createStep(loop, queries, getStep);
  return loop;
}

/// The tile of queries from `row` of the sequence on.
void AttentionKernel::createTile(Value head, Value row) {
  Value position = getPosition(row);
  Value keyHead = head;
  if (int64_t group = program.attention.getGroupSize(); group != 1)
    keyHead = apply(d(0).floorDiv(group), {head});
  Value zero = constant(0);
  Value queryTile =
      load(query, getPlace(row, head, zero), sequence.queries, blockQ);
  createInvariants(sequence.batch, head);
  readLimits();
  scf::ForOp loop = createKeyLoop({head, keyHead, row, position, queryTile});

  Value sink;
  if (Value sinks = program.attention.getSink())
    sink = tile::ReadOp::create(builder, loc, builder.getF32Type(),
                                regions.lookup(sinks), head);
  auto finish = tile::FinishSoftmaxOp::create(
      builder, loc, loop.getResult(2).getType(), loop.getResult(0).getType(),
      loop.getResult(2), loop.getResult(0), loop.getResult(1), sink,
      builder.getF64FloatAttr(getSoftmaxScale()), getSumLimit());
  createStores(finish, row, head, zero);
}

void AttentionKernel::createStores(tile::FinishSoftmaxOp finish, Value row,
                                   Value head, Value zero) {
  auto results = function.front().getTerminator()->getOperands();
  unsigned firstOutput = kernel.getArgumentTypes().size() - results.size();
  for (auto [index, result] : llvm::enumerate(results)) {
    Value view = kernel.getBody().getArgument(firstOutput + index);
    auto type = cast<tile::ViewType>(view.getType());
    if (result == program.attention.getLse()) {
      // [B, Hq, Lq] or packed [Hq, total_q].
      SmallVector<Value> place{sequence.batch, head, row};
      tile::StoreOp::create(builder, loc, finish.getLse(), view,
                            ArrayRef(place).take_back(type.getRank()),
                            sequence.queries,
                            ArrayRef<int64_t>{type.getRank() - 1});
      continue;
    }
    Value out = round(finish.getResult(), type.getElementType());
    tile::StoreOp::create(builder, loc, out, view, getPlace(row, head, zero),
                          sequence.queries, getTileAxes());
  }
}

//===----------------------------------------------------------------------===//
// Instances
//===----------------------------------------------------------------------===//

/// Numbers the instances anew: section by section of heads whose keys and
/// values the L2 cache can hold, in a section from the last tile of queries to
/// the first, and for each tile all heads.
SmallVector<Value> AttentionKernel::reorder(ValueRange ids, Value tiles) {
  auto mul = [&](Value a, Value b) -> Value {
    return arith::MulIOp::create(builder, loc, a, b);
  };
  auto div = [&](Value a, Value b) -> Value {
    return arith::DivSIOp::create(builder, loc, a, b);
  };
  auto rem = [&](Value a, Value b) -> Value {
    return arith::RemSIOp::create(builder, loc, a, b);
  };
  auto min = [&](Value a, Value b) -> Value {
    return arith::MinSIOp::create(builder, loc, a, b);
  };
  int64_t heads = program.attention.getQueryHeads();
  Value allHeads = apply(d(0) * heads, {batchSize});
  int64_t keyBytes = 0;
  for (Value view : {key, value}) {
    auto type = cast<tile::ViewType>(view.getType());
    keyBytes += getChannels(view) * type.getElementTypeBitWidth() / 8;
  }
  // Heads of queries that share keys count once.
  int64_t budget =
      schedule.getSectionBytes() * program.attention.getGroupSize() / keyBytes;
  Value one = constant(1);
  Value section =
      div(constant(budget),
          arith::MaxSIOp::create(builder, loc, sequence.keyLength, one)
              .getResult());
  section = min(arith::MaxSIOp::create(builder, loc, section, one), allHeads);

  Value number = apply((d(0) * heads + d(1)), {ids[0], ids[1]});
  number = arith::AddIOp::create(builder, loc, mul(number, tiles), ids[2]);
  Value perSection = mul(section, tiles);
  Value first = mul(div(number, perSection), section);
  Value inSection = rem(number, perSection);
  // The last section may have fewer heads.
  Value size =
      min(section,
          arith::SubIOp::create(builder, loc, allHeads, first).getResult());
  Value head = arith::AddIOp::create(builder, loc, first, rem(inSection, size));
  Value tile = apply(d(0) - d(1) - 1, {tiles, div(inSection, size)});
  return {apply(d(0).floorDiv(heads), {head}), apply(d(0) % heads, {head}),
          tile};
}

/// An instance for each tile of queries of each head of each batch.
void AttentionKernel::createInstances() {
  Value tiles = createSizes();
  int64_t heads = program.attention.getQueryHeads();
  SmallVector<Value> ids =
      createForall({batchSize, builder.getIndexAttr(heads), tiles});
  if (schedule.getLongestFirst())
    ids = reorder(ids, tiles);
  sequence.batch = ids[0];
  limitsPlace = {ids[0], ids[2]};
  createTile(ids[1], apply(d(0) * blockQ, {ids[2]}));
}

/// An instance for each head of each slot.
void AttentionKernel::createPackedInstances() {
  Value slots = createSlots();
  int64_t heads = program.attention.getQueryHeads();
  SmallVector<Value> ids = createForall({builder.getIndexAttr(heads), slots});
  // Of each sequence, later tiles see more keys, if they are not alike.
  Value slot = ids[1];
  if (schedule.getLongestFirst())
    slot = apply(d(0) - d(1) - 1, {slots, slot});
  limitsPlace = {slot};
  createTile(ids[0], enterSlot(slot));
}

void AttentionKernel::build() {
  createKernel(function.getName(), /*writesResults=*/true,
               [](BlockArgument) { return true; });
  value = regions.lookup(program.kv.value);
  if (isPacked())
    createPackedInstances();
  else
    createInstances();
}

void mlir::attn::buildAttentionKernel(func::FuncOp function, Program program) {
  AttentionKernel(function, std::move(program)).build();
}
