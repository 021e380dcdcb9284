//===- AttentionToTile.cpp - Compute an attention block by block ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"

#include "BlockWalk.h"
#include "KeyWalk.h"
#include "RegionCloner.h"

#include "Attention/Attention.h"
#include "Tile/Tile.h"
#include "attn/Schedule/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/FunctionImplementation.h"
#include "mlir/Transforms/RegionUtils.h"

namespace mlir::attn {
#define GEN_PASS_DEF_CONVERTATTENTIONTOTILEPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;

namespace {

/// What a function computes, once it is known to be a single attention.
struct Program {
  AttentionOp attention;
  KVDenseOp kv;
  tile::ScheduleAttr schedule;
  KeyBounds bounds;
};

/// Numbers the sizes that a launch has to check: equal numbers, equal sizes.
enum SizeSymbol : int64_t {
  None = -1,
  Batch = 0,
  QueryLength,
  KeyLength,
  /// The first of those that belong to one axis of a captured tensor.
  OwnSize
};

/// A tile of queries and where it stands.
struct QueryTile {
  Value batch, head, keyHead;
  /// Its first query, and the position of that.
  Value row, position;
  Value tile;
};

/// The axes of q, k, v and o.
enum Axis : int64_t { BatchAxis, LengthAxis, HeadAxis, ChannelAxis };

class KernelBuilder {
public:
  KernelBuilder(func::FuncOp function, Program program)
      : function(function), program(program), builder(function),
        loc(program.attention.getLoc()), schedule(program.schedule),
        blockQ(schedule.getBlockQ()), blockKv(schedule.getBlockKv()),
        scale(program.attention.getScaleOrDefault()), regions(builder) {
    scalesFirst = program.attention.getScoreBlock() || !(scale > 0);
  }

  void build();

private:
  void createKernel();
  void createSizes();
  void createInstance(Value batch, Value head, Value queryTile);
  SmallVector<Value> reorder(ValueRange ids, Value tiles);
  void createInvariants(Value batch, Value head);
  /// What an iteration handles.
  using GetStep = function_ref<BlockWalk::Step(Value iteration)>;

  scf::ForOp createKeyLoop(const QueryTile &queries);
  scf::ForOp createKeyLoop(const QueryTile &queries, Value count,
                           GetStep getStep);
  void createStep(scf::ForOp loop, const QueryTile &queries, GetStep getStep);
  Value createScores(Value scores, Value position, Value key);
  Value createMask(Value scores, Value position, BlockWalk::Step step);

  Value constant(int64_t value) {
    return arith::ConstantIndexOp::create(builder, loc, value);
  }
  /// expr over dims and symbols bound to `operands` in order, as dims.
  Value apply(AffineExpr expr, ValueRange operands) {
    AffineMap map = AffineMap::get(operands.size(), 0, expr);
    return getValueOrCreateConstantIndexOp(
        builder, loc,
        affine::makeComposedFoldedAffineApply(builder, loc, map,
                                              getAsOpFoldResult(operands)));
  }
  Value load(Value view, ValueRange indices, int64_t rows) {
    auto type = cast<tile::ViewType>(view.getType());
    auto tileType = VectorType::get({rows, type.getShape()[ChannelAxis]},
                                    type.getElementType());
    return tile::LoadOp::create(builder, loc, tileType, view, indices,
                                ArrayRef<int64_t>{LengthAxis, ChannelAxis});
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
  AffineExpr d(unsigned i) { return builder.getAffineDimExpr(i); }
  double getSoftmaxScale() { return scalesFirst ? 1 : scale; }

  func::FuncOp function;
  Program program;
  OpBuilder builder;
  Location loc;
  tile::ScheduleAttr schedule;
  int64_t blockQ, blockKv;
  double scale;
  /// Whether scores are multiplied by the scale before the softmax, since a
  /// modifier is applied to them or since the scale is not positive.
  bool scalesFirst;
  RegionCloner regions;

  tile::KernelOp kernel;
  Value query, key, value;
  Value batchSize, queryLength, keyLength;
};

} // namespace

//===----------------------------------------------------------------------===//
// Legality
//===----------------------------------------------------------------------===//

/// The only attention of the function, or a diagnostic.
static FailureOr<AttentionOp> findAttention(func::FuncOp function) {
  auto attentions = llvm::to_vector(function.getOps<AttentionOp>());
  if (attentions.size() != 1)
    return function.emitOpError("expected exactly one attn.attention to lower, "
                                "got ")
           << attentions.size();
  for (Operation &op : function.getOps())
    if (!isa<AttentionOp, KVDenseOp, func::ReturnOp>(op) &&
        !op.hasTrait<OpTrait::ConstantLike>())
      return op.emitOpError("is not lowered to the tile level");
  return attentions.front();
}

static LogicalResult checkOperands(func::FuncOp function, AttentionOp op,
                                   KVDenseOp kv) {
  std::pair<StringRef, Value> operands[] = {
      {"query", op.getQuery()},
      {"key", kv.getKey()},
      {"value", kv.getValue()},
      {"sink", op.getSink()},
      {"partial counts", op.getPartialCounts()},
      {"partial indices", op.getPartialIndices()},
      {"full counts", op.getFullCounts()},
      {"full indices", op.getFullIndices()}};
  for (auto [name, operand] : operands)
    if (operand && (operand.getParentBlock() != &function.front() ||
                    !isa<BlockArgument>(operand)))
      return op.emitOpError("expected the ")
             << name << " to be an argument of the function";
  ValueRange results = function.front().getTerminator()->getOperands();
  if (results.empty())
    return function.emitOpError("expected at least one result, got none");
  for (Value result : results)
    if (result.getDefiningOp() != op)
      return function.emitOpError("expected every result to be one of the "
                                  "attention");
  return success();
}

/// A tile of queries has one row of blocks, and a block is tiles of keys.
static LogicalResult checkBlocks(AttentionOp op, tile::ScheduleAttr schedule) {
  if (!op.hasBlockLists())
    return success();
  std::tuple<StringRef, int64_t, StringRef, int64_t> sizes[] = {
      {"block_q", schedule.getBlockQ(), "queries", *op.getBlockQ()},
      {"block_kv", schedule.getBlockKv(), "keys", *op.getBlockK()}};
  for (auto [name, size, what, block] : sizes)
    if (block % size != 0)
      return op.emitOpError("expected a schedule whose ")
             << name << " divides the blocks of " << block << " " << what
             << ", got " << size;
  return success();
}

/// A kernel has the arguments of its function, so each must be of use to it.
static LogicalResult checkArguments(func::FuncOp function, AttentionOp op,
                                    KVDenseOp kv) {
  SetVector<Value> used;
  getUsedValuesDefinedAbove(op->getRegions(), used);
  used.insert_range(op->getOperands());
  used.insert_range(kv->getOperands());
  for (BlockArgument argument : function.getArguments())
    if (!used.contains(argument))
      return function.emitOpError("expected argument ")
             << argument.getArgNumber() << " to be used by the attention";
  return success();
}

/// What the regions may hold and capture at the tile level.
static LogicalResult checkRegions(AttentionOp op) {
  WalkResult result = op->walk([&](Operation *inner) {
    if (inner == op || !isa<AttentionDialect>(inner->getDialect()) ||
        isa<YieldOp>(inner))
      return WalkResult::advance();
    auto read = dyn_cast<ReadOp>(inner);
    if (!read) {
      inner->emitOpError("is not lowered to the tile level; run "
                         "attn-lower-mask-ops first");
      return WalkResult::interrupt();
    }
    if (isa<BlockArgument>(read.getTensor()))
      return WalkResult::advance();
    inner->emitOpError("expected a tensor that is an argument of the function");
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

static KeyBounds readMask(AttentionOp op) {
  if (Block *mask = op.getMaskBlock())
    return analyzeKeyBounds(*mask, mask->getArgument(2), mask->getArgument(3));
  // Every key is seen.
  KeyBounds bounds;
  bounds.intervals.emplace_back();
  return bounds;
}

static FailureOr<Program> matchProgram(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError("expected a body of one block");
  FailureOr<AttentionOp> op = findAttention(function);
  if (failed(op))
    return failure();
  // The only constructor that findAttention lets through.
  auto kv = cast<KVDenseOp>(op->getKv().getDefiningOp());
  if (failed(checkOperands(function, *op, kv)))
    return failure();
  auto schedule = (*op)->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName);
  if (!schedule)
    return op->emitOpError("has no tile.schedule; run attn-select-schedule "
                           "first");
  if (failed(checkBlocks(*op, schedule)) || failed(checkRegions(*op)) ||
      failed(checkArguments(function, *op, kv)))
    return failure();
  return Program{*op, kv, schedule, readMask(*op)};
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// What a captured tensor covers: triples of an axis, the symbol of the size
/// that it is at least, and 1.
static SmallVector<int64_t> findCovered(AttentionOp op, Value tensor,
                                        int64_t keySymbol) {
  SmallVector<int64_t> least;
  DenseSet<int64_t> seen;
  for (Operation *user : tensor.getUsers()) {
    auto read = dyn_cast<ReadOp>(user);
    if (!read || !read.getCovers() || read->getParentOp() != op)
      continue;
    for (auto [axis, index] : llvm::enumerate(read.getIndices())) {
      auto argument = dyn_cast<BlockArgument>(index);
      if (!argument)
        continue;
      // The batch, the head, the position of the query and of the key are last.
      unsigned position =
          argument.getArgNumber() + 4 - argument.getOwner()->getNumArguments();
      if (position != 1 && seen.insert(axis).second)
        least.append(
            {static_cast<int64_t>(axis), position == 0 ? Batch : keySymbol, 1});
    }
  }
  return least;
}

/// The list of blocks that `argument` is a part of, if it is of one.
static AttentionOp::BlockList findList(AttentionOp op, Value argument) {
  for (AttentionOp::BlockList list :
       {op.getPartialBlocks(), op.getFullBlocks()})
    if (list && (list.counts == argument || list.indices == argument))
      return list;
  return {};
}

void KernelBuilder::createKernel() {
  AttentionOp op = program.attention;
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;
  auto addView = [&](Type tensorType, StringAttr name,
                     ArrayRef<int64_t> symbols, bool output,
                     ArrayRef<int64_t> least = {}) {
    auto type = cast<RankedTensorType>(tensorType);
    types.push_back(
        tile::ViewType::get(type.getShape(), type.getElementType()));
    NamedAttrList list;
    list.set(tile::KernelOp::getNameAttrName(), name);
    list.set(tile::KernelOp::getSymbolsAttrName(),
             builder.getDenseI64ArrayAttr(symbols));
    if (output)
      list.set(tile::KernelOp::getOutputAttrName(), builder.getUnitAttr());
    if (!least.empty())
      list.set(tile::KernelOp::getLeastAttrName(),
               builder.getDenseI64ArrayAttr(least));
    attrs.push_back(list.getDictionary(builder.getContext()));
  };
  auto nameOf = [&](StringAttr given, StringRef fallback, unsigned index) {
    return given ? given : builder.getStringAttr(fallback + Twine(index));
  };

  // A tensor may be more than one operand.
  bool oneLength = llvm::is_contained(program.kv->getOperands(), op.getQuery());
  int64_t keySymbol = oneLength ? QueryLength : KeyLength;
  int64_t ownSize = OwnSize;
  DenseMap<Value, int64_t> listRows;
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto given = function.getArgAttrOfType<StringAttr>(index, "attn.name");
    StringAttr name = nameOf(given, "arg", index);
    bool isQuery = argument == op.getQuery();
    if (isQuery || llvm::is_contained(program.kv->getOperands(), argument)) {
      int64_t length = isQuery ? QueryLength : keySymbol;
      addView(argument.getType(), name, {Batch, length, None, None},
              /*output=*/false);
      continue;
    }
    auto type = cast<RankedTensorType>(argument.getType());
    if (AttentionOp::BlockList list = findList(op, argument)) {
      // Counts and indices have rows alike, for all queries.
      auto [rows, isNew] = listRows.try_emplace(list.counts, ownSize);
      ownSize += isNew;
      SmallVector<int64_t> symbols{type.getDimSize(0) == 1 ? None : Batch, None,
                                   rows->second};
      if (type.getRank() == 4)
        symbols.push_back(ownSize++);
      addView(type, name, symbols, /*output=*/false,
              {2, QueryLength, static_cast<int64_t>(*op.getBlockQ())});
      continue;
    }
    SmallVector<int64_t> symbols;
    for (int64_t size : type.getShape())
      symbols.push_back(ShapedType::isDynamic(size) ? ownSize++ : None);
    addView(type, name, symbols, /*output=*/false,
            findCovered(op, argument, keySymbol));
  }
  auto results = function.front().getTerminator()->getOperands();
  for (auto [index, result] : llvm::enumerate(results)) {
    auto given = function.getResultAttrOfType<StringAttr>(index, "attn.name");
    bool isLse = result == op.getLse();
    SmallVector<int64_t> symbols =
        isLse ? SmallVector<int64_t>{Batch, None, QueryLength}
              : SmallVector<int64_t>{Batch, QueryLength, None, None};
    addView(result.getType(), nameOf(given, "result", index), symbols,
            /*output=*/true);
  }

  kernel =
      tile::KernelOp::create(builder, function.getLoc(), function.getName(),
                             builder.getFunctionType(types, {}), schedule);
  function_interface_impl::setAllArgAttrDicts(kernel, attrs);
  for (BlockArgument argument : function.getArguments())
    regions.map(argument,
                kernel.getBody().getArgument(argument.getArgNumber()));
  query = regions.lookup(op.getQuery());
  key = regions.lookup(program.kv.getKey());
  value = regions.lookup(program.kv.getValue());
  builder.setInsertionPointToEnd(&kernel.getBody().front());
}

void KernelBuilder::createSizes() {
  auto size = [&](Value view, int64_t axis) {
    return tile::DimOp::create(builder, loc, view, axis).getResult();
  };
  batchSize = size(query, BatchAxis);
  queryLength = size(query, LengthAxis);
  keyLength = size(key, LengthAxis);
  // The tail of the last block of keys lies outside of the tensor.
  regions.map(keyLength, keyLength);
  program.bounds.addUpper(keyLength, -1);
}

/// What masks and modifiers compute from the batch and the head alone.
void KernelBuilder::createInvariants(Value batch, Value head) {
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

/// The scores as the mask finds them.
Value KernelBuilder::createScores(Value scores, Value position, Value key) {
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
Value KernelBuilder::createMask(Value scores, Value position,
                                BlockWalk::Step step) {
  auto mask = tile::MaskOp::create(builder, loc, scores.getType(), scores,
                                   position, step.key, /*whole=*/Value());
  OpBuilder::InsertionGuard guard(builder);
  Block *block = builder.createBlock(
      &mask.getPredicate(), {},
      {builder.getIndexType(), builder.getIndexType()}, {loc, loc});
  Value keep = arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                                     block->getArgument(1), keyLength);
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

void KernelBuilder::createStep(scf::ForOp loop, const QueryTile &queries,
                               GetStep getStep) {
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointToEnd(loop.getBody());
  Value max = loop.getRegionIterArg(0), sum = loop.getRegionIterArg(1),
        acc = loop.getRegionIterArg(2);
  BlockWalk::Step step = getStep(loop.getInductionVar());
  Value zero = constant(0);
  SmallVector<Value> indices{queries.batch, step.key, queries.keyHead, zero};
  Value keyTile = load(key, indices, blockKv);
  auto scoresType = VectorType::get({blockQ, blockKv}, builder.getF32Type());
  Value scores = tile::DotOp::create(builder, loc, scoresType, queries.tile,
                                     keyTile, /*acc=*/Value(),
                                     /*transpose_rhs=*/true);
  if (scalesFirst)
    scores = createScores(scores, queries.position, step.key);
  scores = createMask(scores, queries.position, step);

  int64_t threshold = schedule.getRescaleThreshold();
  auto softmax = tile::OnlineSoftmaxOp::create(
      builder, loc, scoresType, max.getType(), max.getType(), max.getType(),
      scores, max, sum, builder.getF64FloatAttr(getSoftmaxScale()),
      threshold ? builder.getI64IntegerAttr(threshold) : IntegerAttr(),
      /*may_be_empty=*/builder.getUnitAttr());
  Value weights =
      round(softmax.getWeights(), getElementTypeOrSelf(queries.tile.getType()));
  acc = tile::RescaleOp::create(builder, loc, acc.getType(), acc,
                                softmax.getCorrection(),
                                /*mostly_one=*/threshold != 0);
  Value valueTile = load(value, indices, blockKv);
  acc = tile::DotOp::create(builder, loc, acc.getType(), weights, valueTile,
                            acc, /*transpose_rhs=*/false);
  scf::YieldOp::create(
      builder, loc, ValueRange{softmax.getNewMax(), softmax.getNewSum(), acc});
}

scf::ForOp KernelBuilder::createKeyLoop(const QueryTile &queries) {
  auto lookup = [&](Value given) { return regions.lookup(given); };
  if (program.attention.hasBlockLists()) {
    BlockWalk walk(builder, loc, program.attention,
                   {queries.batch, queries.head, queries.row}, blockKv,
                   keyLength, lookup);
    return createKeyLoop(queries, walk.getCount(), [&](Value iteration) {
      return walk.getStep(builder, iteration);
    });
  }
  KeyWalk walk(builder, loc, program.bounds, queries.position, blockQ, blockKv,
               lookup);
  return createKeyLoop(queries, walk.getCount(), [&](Value iteration) {
    return BlockWalk::Step{walk.getKey(builder, iteration), Value()};
  });
}

scf::ForOp KernelBuilder::createKeyLoop(const QueryTile &queries, Value count,
                                        GetStep getStep) {
  int64_t channels = cast<tile::ViewType>(value.getType()).getShape()[3];
  auto accType = VectorType::get({blockQ, channels}, builder.getF32Type());
  Value acc =
      arith::ConstantOp::create(builder, loc, builder.getZeroAttr(accType));
  Value infinity = rowConstant(-std::numeric_limits<double>::infinity());
  auto loop = scf::ForOp::create(builder, loc, constant(0), count, constant(1),
                                 ValueRange{infinity, rowConstant(0), acc});
  createStep(loop, queries, getStep);
  return loop;
}

void KernelBuilder::createInstance(Value batch, Value head, Value tileIndex) {
  Value row = apply(d(0) * blockQ, {tileIndex});
  Value position = apply(d(0) + d(1) - d(2), {row, keyLength, queryLength});
  Value keyHead = head;
  if (int64_t group = program.attention.getGroupSize(); group != 1)
    keyHead = apply(d(0).floorDiv(group), {head});
  Value zero = constant(0);
  Value queryTile = load(query, {batch, row, head, zero}, blockQ);
  createInvariants(batch, head);
  scf::ForOp loop =
      createKeyLoop({batch, head, keyHead, row, position, queryTile});

  Value sink;
  if (Value sinks = program.attention.getSink())
    sink = tile::ReadOp::create(builder, loc, builder.getF32Type(),
                                regions.lookup(sinks), head);
  auto finish = tile::FinishSoftmaxOp::create(
      builder, loc, loop.getResult(2).getType(), loop.getResult(0).getType(),
      loop.getResult(2), loop.getResult(0), loop.getResult(1), sink,
      builder.getF64FloatAttr(getSoftmaxScale()));
  auto results = function.front().getTerminator()->getOperands();
  unsigned firstOutput = function.getNumArguments();
  for (auto [index, result] : llvm::enumerate(results)) {
    Value view = kernel.getBody().getArgument(firstOutput + index);
    if (result == program.attention.getLse()) {
      tile::StoreOp::create(builder, loc, finish.getLse(), view,
                            ValueRange{batch, head, row}, ArrayRef<int64_t>{2});
      continue;
    }
    auto viewType = cast<tile::ViewType>(view.getType());
    Value out = round(finish.getResult(), viewType.getElementType());
    tile::StoreOp::create(builder, loc, out, view,
                          ValueRange{batch, row, head, zero},
                          ArrayRef<int64_t>{LengthAxis, ChannelAxis});
  }
}

/// Numbers the instances anew: section by section of heads whose keys and
/// values the L2 cache can hold, in a section from the last tile of queries to
/// the first, and for each tile all heads.
SmallVector<Value> KernelBuilder::reorder(ValueRange ids, Value tiles) {
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
    keyBytes +=
        type.getShape()[ChannelAxis] * type.getElementTypeBitWidth() / 8;
  }
  // Heads of queries that share keys count once.
  int64_t budget =
      schedule.getSectionBytes() * program.attention.getGroupSize() / keyBytes;
  Value one = constant(1);
  Value section =
      div(constant(budget),
          arith::MaxSIOp::create(builder, loc, keyLength, one).getResult());
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

void KernelBuilder::build() {
  createKernel();
  createSizes();
  Value tiles = apply(d(0).ceilDiv(blockQ), {queryLength});
  int64_t heads = program.attention.getQueryHeads();
  SmallVector<OpFoldResult> extents{batchSize, builder.getIndexAttr(heads),
                                    tiles};
  auto forall = scf::ForallOp::create(builder, loc, extents, ValueRange{},
                                      /*mapping=*/std::nullopt);
  tile::ReturnOp::create(builder, loc);

  builder.setInsertionPointToStart(forall.getBody());
  ValueRange ids = forall.getInductionVars();
  if (!schedule.getLongestFirst())
    return createInstance(ids[0], ids[1], ids[2]);
  SmallVector<Value> reordered = reorder(ids, tiles);
  createInstance(reordered[0], reordered[1], reordered[2]);
}

namespace {
struct ConvertAttentionToTile
    : attn::impl::ConvertAttentionToTilePassBase<ConvertAttentionToTile> {
  void runOnOperation() override {
    for (auto function :
         llvm::make_early_inc_range(getOperation().getOps<func::FuncOp>())) {
      FailureOr<Program> program = matchProgram(function);
      if (failed(program))
        return signalPassFailure();
      KernelBuilder(function, *program).build();
      function.erase();
    }
  }
};
} // namespace
