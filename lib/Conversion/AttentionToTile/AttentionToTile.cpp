//===- AttentionToTile.cpp - Compute an attention block by block ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Analysis/Lowered.h"
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
  KVTensors kv;
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

/// The sequence that an instance works on.
struct Sequence {
  Value batch, queryLength, keyLength;
  /// Of packed ones: begin and end of its rows.
  SmallVector<Value> queries, keys;
};

/// A tile of the queries of a sequence and where it stands.
struct QueryTile {
  Value head, keyHead;
  /// Its first query, and the position of that.
  Value row, position;
  Value tile;
};

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
  void createInstances();
  void createPackedInstances();
  void createPackedInstance(Value head, Value slot);
  SmallVector<Value> readEnds(Value cuSeqlens);
  void boundKeys();
  void createTile(Value head, Value row);
  void createStores(tile::FinishSoftmaxOp finish, Value row, Value head,
                    Value zero);
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
  Value size(Value view, int64_t axis) {
    return tile::DimOp::create(builder, loc, view, axis);
  }
  /// The loop over the instances, into whose body the builder moves. Returns
  /// the indices of an instance.
  SmallVector<Value> createForall(ArrayRef<OpFoldResult> extents) {
    auto forall = scf::ForallOp::create(builder, loc, extents, ValueRange{},
                                        /*mapping=*/std::nullopt);
    tile::ReturnOp::create(builder, loc);
    builder.setInsertionPointToStart(forall.getBody());
    return llvm::to_vector(forall.getInductionVars());
  }
  /// expr over dims and symbols bound to `operands` in order, as dims.
  Value apply(AffineExpr expr, ValueRange operands) {
    AffineMap map = AffineMap::get(operands.size(), 0, expr);
    return getValueOrCreateConstantIndexOp(
        builder, loc,
        affine::makeComposedFoldedAffineApply(builder, loc, map,
                                              getAsOpFoldResult(operands)));
  }
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
  AffineExpr d(unsigned i) { return builder.getAffineDimExpr(i); }
  double getSoftmaxScale() { return scalesFirst ? 1 : scale; }
  bool isPacked() { return program.attention.isPacked(); }

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
  Value batchSize;
  Sequence sequence;
};

} // namespace

//===----------------------------------------------------------------------===//
// Legality
//===----------------------------------------------------------------------===//

/// The only attention of the function, or a diagnostic. Of what is not lowered,
/// an op of this dialect is named before those that prepare its operands.
static FailureOr<AttentionOp> findAttention(func::FuncOp function) {
  if (failed(checkLowered(function)))
    return failure();
  auto attentions = llvm::to_vector(function.getOps<AttentionOp>());
  if (attentions.size() != 1)
    return function.emitOpError("expected exactly one attn.attention to lower, "
                                "got ")
           << attentions.size();
  return attentions.front();
}

static LogicalResult checkOperands(func::FuncOp function, AttentionOp op) {
  KVTensors kv = op.getKVTensors();
  std::pair<StringRef, Value> operands[] = {
      {"query", op.getQuery()},
      {"key", kv.key},
      {"value", kv.value},
      {"cu_seqlens of the queries", op.getCuSeqlens()},
      {"cu_seqlens of the keys", kv.cuSeqlens},
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
static LogicalResult checkArguments(func::FuncOp function, AttentionOp op) {
  SetVector<Value> used;
  getUsedValuesDefinedAbove(op->getRegions(), used);
  used.insert_range(op->getOperands());
  used.insert_range(op.getKv().getDefiningOp()->getOperands());
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
  if (failed(checkOperands(function, *op)))
    return failure();
  auto schedule = (*op)->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName);
  if (!schedule)
    return op->emitOpError("has no tile.schedule; run attn-select-schedule "
                           "first");
  if (failed(checkBlocks(*op, schedule)) || failed(checkRegions(*op)) ||
      failed(checkArguments(function, *op)))
    return failure();
  return Program{*op, op->getKVTensors(), schedule, readMask(*op)};
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// The position that `index` stands for where it is an argument of a region of
/// `op`, counted from the batch on, the head, the query and the key, or -1.
static int getPosition(AttentionOp op, Value index) {
  auto argument = dyn_cast<BlockArgument>(index);
  if (!argument || argument.getOwner()->getParentOp() != op)
    return -1;
  // They are last.
  return argument.getArgNumber() + 4 - argument.getOwner()->getNumArguments();
}

/// Whether `index` is a row of packed keys: a position plus the cu_seqlens of
/// the sequence.
static bool isPackedRow(AttentionOp op, Value index) {
  auto add = index.getDefiningOp<arith::AddIOp>();
  if (!add || !op.isPacked())
    return false;
  auto isFirst = [&](Value value) {
    if (auto cast = value.getDefiningOp<arith::IndexCastOp>())
      value = cast.getIn();
    auto read = value.getDefiningOp<ReadOp>();
    return read && read.getTensor() == op.getKVTensors().cuSeqlens &&
           getPosition(op, read.getIndices().front()) == 0;
  };
  return (getPosition(op, add.getLhs()) >= 2 && isFirst(add.getRhs())) ||
         (getPosition(op, add.getRhs()) >= 2 && isFirst(add.getLhs()));
}

/// The size that an axis along `index` is at least, as the number of a size and
/// what is added to it; empty where nothing is known of it.
static SmallVector<int64_t> getCovered(AttentionOp op, Value index,
                                       int64_t keySymbol) {
  switch (getPosition(op, index)) {
  case 0:
    // There is one more of the cu_seqlens.
    return {Batch, op.isPacked() ? -1 : 0};
  case 1:
    return {None, op.getQueryHeads()};
  case 2:
  case 3:
    return {keySymbol, 0};
  default:
    return isPackedRow(op, index) ? SmallVector<int64_t>{keySymbol, 0}
                                  : SmallVector<int64_t>{};
  }
}

/// What a captured tensor covers, in the form of tile.least.
static SmallVector<int64_t> findCovered(AttentionOp op, Value tensor,
                                        int64_t keySymbol) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> least;
  DenseSet<int64_t> seen;
  for (Operation *user : tensor.getUsers()) {
    auto read = dyn_cast<ReadOp>(user);
    if (!read || !read.getCovers() || read->getParentOp() != op)
      continue;
    for (auto [axis, index] : llvm::enumerate(read.getIndices())) {
      SmallVector<int64_t> size = getCovered(op, index, keySymbol);
      // What types say needs no launch.
      if (size.empty() || (size[0] == None && type.getDimSize(axis) >= size[1]))
        continue;
      if (!seen.insert(axis).second)
        continue;
      least.append({static_cast<int64_t>(axis), size[0], size[1], 1});
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
  const KVTensors &kv = program.kv;
  bool oneLength = op.getQuery() == kv.key || op.getQuery() == kv.value;
  int64_t keySymbol = oneLength ? QueryLength : KeyLength;
  auto rowSymbols = [&](int64_t length) {
    return isPacked() ? SmallVector<int64_t>{length, None, None}
                      : SmallVector<int64_t>{Batch, length, None, None};
  };
  int64_t ownSize = OwnSize;
  DenseMap<Value, int64_t> listRows;
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto given = function.getArgAttrOfType<StringAttr>(index, "attn.name");
    StringAttr name = nameOf(given, "arg", index);
    bool isQuery = argument == op.getQuery();
    if (isQuery || argument == kv.key || argument == kv.value) {
      addView(argument.getType(), name,
              rowSymbols(isQuery ? QueryLength : keySymbol), /*output=*/false);
      continue;
    }
    if (argument == op.getCuSeqlens() || argument == kv.cuSeqlens) {
      addView(argument.getType(), name, {Batch}, /*output=*/false);
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
              {2, QueryLength, 0, static_cast<int64_t>(*op.getBlockQ())});
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
    SmallVector<int64_t> symbols = rowSymbols(QueryLength);
    if (result == op.getLse())
      symbols = isPacked() ? SmallVector<int64_t>{None, QueryLength}
                           : SmallVector<int64_t>{Batch, None, QueryLength};
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
  key = regions.lookup(kv.key);
  value = regions.lookup(kv.value);
  builder.setInsertionPointToEnd(&kernel.getBody().front());
}

void KernelBuilder::createSizes() {
  batchSize = size(query, 0);
  sequence.queryLength = size(query, 1);
  sequence.keyLength = size(key, 1);
}

/// The tail of the last block of keys lies behind the sequence.
void KernelBuilder::boundKeys() {
  regions.map(sequence.keyLength, sequence.keyLength);
  program.bounds.addUpper(sequence.keyLength, -1);
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

void KernelBuilder::createStep(scf::ForOp loop, const QueryTile &queries,
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

scf::ForOp KernelBuilder::createKeyLoop(const QueryTile &queries) {
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
               lookup);
  return createKeyLoop(queries, walk.getCount(), [&](Value iteration) {
    return BlockWalk::Step{walk.getKey(builder, iteration), Value()};
  });
}

scf::ForOp KernelBuilder::createKeyLoop(const QueryTile &queries, Value count,
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
void KernelBuilder::createTile(Value head, Value row) {
  Value position = apply(d(0) + d(1) - d(2),
                         {row, sequence.keyLength, sequence.queryLength});
  Value keyHead = head;
  if (int64_t group = program.attention.getGroupSize(); group != 1)
    keyHead = apply(d(0).floorDiv(group), {head});
  Value zero = constant(0);
  Value queryTile =
      load(query, getPlace(row, head, zero), sequence.queries, blockQ);
  createInvariants(sequence.batch, head);
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

void KernelBuilder::createStores(tile::FinishSoftmaxOp finish, Value row,
                                 Value head, Value zero) {
  auto results = function.front().getTerminator()->getOperands();
  unsigned firstOutput = function.getNumArguments();
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
void KernelBuilder::createInstances() {
  createSizes();
  boundKeys();
  Value tiles = apply(d(0).ceilDiv(blockQ), {sequence.queryLength});
  int64_t heads = program.attention.getQueryHeads();
  SmallVector<Value> ids =
      createForall({batchSize, builder.getIndexAttr(heads), tiles});
  if (schedule.getLongestFirst())
    ids = reorder(ids, tiles);
  sequence.batch = ids[0];
  createTile(ids[1], apply(d(0) * blockQ, {ids[2]}));
}

//===----------------------------------------------------------------------===//
// Packed sequences
//===----------------------------------------------------------------------===//

/// An instance for each head of each slot. How many slots there are follows
/// from sizes, which a launch knows, while the lengths of the sequences are in
/// the memory of the device.
void KernelBuilder::createPackedInstances() {
  Value cuSeqlens = regions.lookup(program.attention.getCuSeqlens());
  Value slots = apply(d(0).floorDiv(blockQ) + d(1) - 1,
                      {size(query, 0), size(cuSeqlens, 0)});
  int64_t heads = program.attention.getQueryHeads();
  SmallVector<Value> ids = createForall({builder.getIndexAttr(heads), slots});
  // Of each sequence, later tiles see more keys, if they are not alike.
  Value slot = ids[1];
  if (schedule.getLongestFirst())
    slot = apply(d(0) - d(1) - 1, {slots, slot});
  createPackedInstance(ids[0], slot);
}

void KernelBuilder::createPackedInstance(Value head, Value slot) {
  Value cuSeqlens = regions.lookup(program.attention.getCuSeqlens());
  sequence.batch =
      tile::FindSequenceOp::create(builder, loc, slot, cuSeqlens, blockQ);
  sequence.queries = readEnds(cuSeqlens);
  sequence.keys = readEnds(regions.lookup(program.kv.cuSeqlens));
  auto getLength = [&](ArrayRef<Value> ends) {
    return apply(d(1) - d(0), {ends[0], ends[1]});
  };
  sequence.queryLength = getLength(sequence.queries);
  sequence.keyLength = getLength(sequence.keys);
  boundKeys();

  Value row = apply((d(0) - d(1).floorDiv(blockQ) - d(2)) * blockQ,
                    {slot, sequence.queries[0], sequence.batch});
  // A slot may be one too many, or lie in front of all sequences.
  auto compare = [&](arith::CmpIPredicate predicate, Value limit) -> Value {
    return arith::CmpIOp::create(builder, loc, predicate, row, limit);
  };
  Value isUsed = arith::AndIOp::create(
      builder, loc, compare(arith::CmpIPredicate::sge, constant(0)),
      compare(arith::CmpIPredicate::slt, sequence.queryLength));
  auto branch =
      scf::IfOp::create(builder, loc, isUsed, /*withElseRegion=*/false);
  builder.setInsertionPointToStart(branch.thenBlock());
  createTile(head, row);
}

/// The begin and the end of the rows of the sequence.
SmallVector<Value> KernelBuilder::readEnds(Value cuSeqlens) {
  auto read = [&](Value index) -> Value {
    Value end = tile::ReadOp::create(builder, loc, builder.getI32Type(),
                                     cuSeqlens, index, /*position=*/true);
    return arith::IndexCastOp::create(builder, loc, builder.getIndexType(),
                                      end);
  };
  Value next = apply(d(0) + 1, {sequence.batch});
  Value begin = read(sequence.batch);
  return {begin, read(next)};
}

void KernelBuilder::build() {
  createKernel();
  if (isPacked())
    createPackedInstances();
  else
    createInstances();
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
