//===- LowerMasks.cpp - Masks and modifiers of scores ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InlineAsm.h"
#include "Patterns.h"
#include "RegionEvaluator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

#include <limits>

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

static Value createMinusInfinity(OpBuilder &b, Location loc) {
  return arith::ConstantOp::create(
      b, loc, b.getF32FloatAttr(-std::numeric_limits<float>::infinity()));
}

namespace {

template <typename Op> struct FragmentPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  using Adaptor = typename OpConversionPattern<Op>::OneToNOpAdaptor;
};

/// Evaluates a region for every element of a fragment of scores.
template <typename Op> struct RegionPattern : FragmentPattern<Op> {
  using FragmentPattern<Op>::FragmentPattern;

protected:
  using Adaptor = typename FragmentPattern<Op>::Adaptor;

  /// The positions of the first query and of the first key of the thread.
  std::pair<Value, Value>
  getPositions(Op op, Adaptor adaptor,
               ConversionPatternRewriter &rewriter) const {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    auto add = [&](Value position, Value own) -> Value {
      own = arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(),
                                       own);
      return arith::AddIOp::create(rewriter, loc, position, own);
    };
    Value query = add(adaptor.getQuery().front(), i32.firstRow());
    return {query, add(adaptor.getKey().front(), i32.firstColumn())};
  }

  /// Calls `function` with the evaluator, the number of an element, and the
  /// positions of its query and of its key, and returns what it gives for each
  /// of `count` elements.
  SmallVector<Value>
  forEachElement(Op op, Adaptor adaptor, ConversionPatternRewriter &rewriter,
                 int64_t count,
                 function_ref<Value(RegionEvaluator &, int64_t, Term, Term)>
                     function) const {
    auto [query, key] = getPositions(op, adaptor, rewriter);
    RegionEvaluator evaluator(rewriter, op.getLoc(), op->getRegion(0).front(),
                              query, key);
    SmallVector<Value> results;
    for (int64_t i = 0; i < count; ++i)
      results.push_back(function(evaluator, i, {query, rowOfElement(i)},
                                 {key, columnOfElement(i)}));
    return results;
  }
};

struct LowerMask : RegionPattern<sm90::MaskOp> {
  using RegionPattern::RegionPattern;
  LogicalResult
  matchAndRewrite(sm90::MaskOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (adaptor.getWhole().empty()) {
      rewriter.replaceOpWithMultiple(op, {mask(op, adaptor, rewriter)});
      return success();
    }
    Location loc = op.getLoc();
    SmallVector<Type> types(adaptor.getScores().size(), rewriter.getF32Type());
    auto branch =
        scf::IfOp::create(rewriter, loc, types, adaptor.getWhole().front(),
                          /*withElseRegion=*/true);
    {
      OpBuilder::InsertionGuard guard(rewriter);
      rewriter.setInsertionPointToStart(branch.thenBlock());
      scf::YieldOp::create(rewriter, loc, adaptor.getScores());
      rewriter.setInsertionPointToStart(branch.elseBlock());
      scf::YieldOp::create(rewriter, loc, mask(op, adaptor, rewriter));
    }
    rewriter.replaceOpWithMultiple(op, {branch.getResults()});
    return success();
  }

private:
  SmallVector<Value> mask(sm90::MaskOp op, Adaptor adaptor,
                          ConversionPatternRewriter &rewriter) const {
    Value infinity = createMinusInfinity(rewriter, op.getLoc());
    ValueRange scores = adaptor.getScores();
    return forEachElement(op, adaptor, rewriter, scores.size(),
                          [&](RegionEvaluator &evaluator, int64_t i, Term query,
                              Term key) -> Value {
                            Value keep = evaluator.evaluate({query, key});
                            return arith::SelectOp::create(rewriter,
                                                           op.getLoc(), keep,
                                                           scores[i], infinity);
                          });
  }
};

} // namespace

//===----------------------------------------------------------------------===//
// Bits
//===----------------------------------------------------------------------===//

static constexpr int64_t kRegisterBits = 32;

/// Those of the values of a region that all have to be true for it to yield
/// true.
static SmallVector<Value> findConjuncts(Block &predicate) {
  SmallVector<Value> open{predicate.getTerminator()->getOperand(0)}, found;
  while (!open.empty()) {
    Value value = open.pop_back_val();
    if (auto both = value.getDefiningOp<arith::AndIOp>();
        both && both->getBlock() == &predicate)
      llvm::append_range(open, both->getOperands());
    else
      found.push_back(value);
  }
  return found;
}

/// What follows from the position of the key.
static DenseSet<Value> findKeyed(Block &predicate) {
  DenseSet<Value> keyed{predicate.getArgument(1)};
  for (Operation &op : predicate)
    if (llvm::any_of(op.getOperands(),
                     [&](Value value) { return keyed.contains(value); }))
      keyed.insert(op.result_begin(), op.result_end());
  return keyed;
}

namespace {

/// Computes the bits of a few columns after the other, so that what is loaded
/// for them takes few registers. They come in from above: the first bits are
/// unused where registers have room for more than there are.
struct LowerEvaluateMask : RegionPattern<sm90::EvaluateMaskOp> {
  using RegionPattern::RegionPattern;
  LogicalResult
  matchAndRewrite(sm90::EvaluateMaskOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override;

private:
  using Conjuncts = ArrayRef<Value>;
  Value createRowBits(RegionEvaluator &evaluator, OpBuilder &b, Location loc,
                      Conjuncts conjuncts, Term query, Value key) const;
  Value createBits(RegionEvaluator &evaluator, OpBuilder &b, Location loc,
                   Conjuncts conjuncts, int64_t count, Value query,
                   Value key) const;
};

} // namespace

static Value createAnd(OpBuilder &b, Location loc, ArrayRef<Value> values) {
  if (values.empty())
    return arith::ConstantOp::create(b, loc, b.getBoolAttr(true));
  Value result = values.front();
  for (Value value : values.drop_front())
    result = arith::AndIOp::create(b, loc, result, value);
  return result;
}

/// All bits of the rows for which what does not depend on the key is true: in
/// turns there are two bits of a row and two of the row 8 below.
Value LowerEvaluateMask::createRowBits(RegionEvaluator &evaluator, OpBuilder &b,
                                       Location loc, Conjuncts conjuncts,
                                       Term query, Value key) const {
  constexpr int64_t kBitsOfRow[] = {0x33333333, 0xCCCCCCCC};
  Int32 i32(b, loc);
  Value result;
  for (auto [number, bits] : llvm::enumerate(kBitsOfRow)) {
    Term row{query.base, rowOfElement(2 * static_cast<int64_t>(number))};
    Value keep =
        createAnd(b, loc, evaluator.evaluateEach({row, {key}}, conjuncts));
    Value own = arith::SelectOp::create(
        b, loc, keep, i32.constant(static_cast<int32_t>(bits)),
        i32.constant(0));
    result = result ? arith::OrIOp::create(b, loc, result, own) : own;
  }
  return result;
}

/// The bits of the columns from `key` on.
Value LowerEvaluateMask::createBits(RegionEvaluator &evaluator, OpBuilder &b,
                                    Location loc, Conjuncts conjuncts,
                                    int64_t count, Value query,
                                    Value key) const {
  Value bits = Int32(b, loc).constant(0);
  for (int64_t i = 0; i < count; ++i) {
    Value keep = createAnd(
        b, loc,
        evaluator.evaluateEach(
            {{query, rowOfElement(i)}, {key, columnOfElement(i)}}, conjuncts));
    bits = ptx::addBitIf(b, loc, bits, i, keep);
  }
  return bits;
}

/// Moves the registers down, and the new bits in above.
static SmallVector<Value> shiftIn(OpBuilder &b, Location loc,
                                  ValueRange registers, Value bits,
                                  int64_t count) {
  Int32 i32(b, loc);
  SmallVector<Value> above(registers.drop_front());
  above.push_back(bits);
  SmallVector<Value> moved;
  for (auto [low, high] : llvm::zip_equal(registers, above)) {
    Value down = i32.shiftRight(low, count);
    Value in = i32.shiftLeft(high, kRegisterBits - count);
    moved.push_back(arith::OrIOp::create(b, loc, down, in));
  }
  return moved;
}

LogicalResult
LowerEvaluateMask::matchAndRewrite(sm90::EvaluateMaskOp op, Adaptor adaptor,
                                   ConversionPatternRewriter &rewriter) const {
  constexpr int64_t kFewColumns = 32;
  Location loc = op.getLoc();
  Int32 i32(rewriter, loc);
  sm90::BitsType type = op.getBits().getType();
  int64_t columns =
      type.getColumns() % kFewColumns == 0 ? kFewColumns : sm90::kProductStep;
  int64_t count = type.getRows() * columns / sm90::kWarpgroupThreads;
  auto [query, key] = getPositions(op, adaptor, rewriter);
  Block &predicate = op.getPredicate().front();
  RegionEvaluator evaluator(rewriter, loc, predicate, query, key);
  SmallVector<Value> conjuncts = findConjuncts(predicate);
  DenseSet<Value> keyed = findKeyed(predicate);
  auto ofKeys = llvm::partition(
      conjuncts, [&](Value value) { return !keyed.contains(value); });
  ArrayRef<Value> all(conjuncts);
  size_t rowConjuncts = ofKeys - conjuncts.begin();
  // First, so that the loop finds what it does not change in front of it.
  Value rowBits = createRowBits(evaluator, rewriter, loc,
                                all.take_front(rowConjuncts), {query}, key);

  auto index = [&](int64_t value) -> Value {
    return arith::ConstantIndexOp::create(rewriter, loc, value);
  };
  SmallVector<Value> zeros(registersOf(type), i32.constant(0));
  auto loop = scf::ForOp::create(
      rewriter, loc, index(0), index(type.getColumns()), index(columns), zeros);
  auto unroll = LLVM::LoopUnrollAttr::get(
      op.getContext(), /*disable=*/rewriter.getBoolAttr(true), {}, {}, {}, {},
      {}, {});
  loop->setAttr("llvm.loop_annotation",
                LLVM::LoopAnnotationAttr::get(op.getContext(), {}, {}, {},
                                              unroll, {}, {}, {}, {}, {}, {},
                                              {}, {}, {}, {}, {}));
  {
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToEnd(loop.getBody());
    Value own =
        arith::AddIOp::create(rewriter, loc, key, loop.getInductionVar());
    Value bits = createBits(evaluator, rewriter, loc,
                            all.drop_front(rowConjuncts), count, query, own);
    scf::YieldOp::create(
        rewriter, loc,
        shiftIn(rewriter, loc, loop.getRegionIterArgs(), bits, count));
  }
  SmallVector<Value> results;
  for (Value bits : loop.getResults())
    results.push_back(arith::AndIOp::create(rewriter, loc, bits, rowBits));
  rewriter.replaceOpWithMultiple(op, {results});
  return success();
}

namespace {

struct LowerApplyMask : FragmentPattern<sm90::ApplyMaskOp> {
  using FragmentPattern::FragmentPattern;
  LogicalResult
  matchAndRewrite(sm90::ApplyMaskOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Int32 i32(rewriter, loc);
    Value infinity = createMinusInfinity(rewriter, loc);
    SmallVector<Value> results;
    ValueRange bits = adaptor.getBits();
    int64_t unused = bits.size() * kRegisterBits - adaptor.getScores().size();
    for (auto [i, score] : llvm::enumerate(adaptor.getScores())) {
      int64_t at = unused + i;
      Value bit = i32.bitAnd(bits[at / kRegisterBits],
                             int64_t(1) << at % kRegisterBits);
      results.push_back(arith::SelectOp::create(rewriter, loc, i32.isZero(bit),
                                                infinity, score));
    }
    rewriter.replaceOpWithMultiple(op, {results});
    return success();
  }
};

/// The elements of a tile in shared memory that have the places of those of an
/// accumulator. They are read where they are first asked for, a few columns at
/// a time, so that they take few registers.
class TileElements {
public:
  TileElements(OpBuilder &b, Location loc, sm90::StageType type,
               ValueRange stage, ValueRange row)
      : b(b), loc(loc), type(type) {
    Int32 i32(b, loc);
    first = matrixAddress(i32, rowAddress(i32, type, stage, row));
  }

  /// As f32. Elements are asked for in order.
  Value get(int64_t i) {
    constexpr int64_t kMatrixElements = 8;
    int64_t inMatrix = i % kMatrixElements;
    Int32 i32(b, loc);
    if (inMatrix == 0)
      words = ptx::ldmatrixX4(
          b, loc,
          blockAddress(i32, first, i / kMatrixElements * sm90::kProductStep,
                       type.getRows()),
          /*transposed=*/false);
    if (i % 2 == 0)
      pair = extendPair(b, loc, type.getElementType(), words[inMatrix / 2]);
    return pair[i % 2];
  }

private:
  OpBuilder &b;
  Location loc;
  sm90::StageType type;
  Value first;
  SmallVector<Value> words, pair;
};

struct LowerScore : RegionPattern<sm90::ScoreOp> {
  using RegionPattern::RegionPattern;
  LogicalResult
  matchAndRewrite(sm90::ScoreOp op, Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    ValueRange scores = adaptor.getScores();
    SmallVector<TileElements> tiles;
    for (auto [tile, stage] :
         llvm::zip_equal(op.getTiles(), adaptor.getTiles()))
      tiles.emplace_back(rewriter, op.getLoc(),
                         cast<sm90::StageType>(tile.getType()), stage,
                         adaptor.getRow());
    SmallVector<Value> modified = forEachElement(
        op, adaptor, rewriter, scores.size(),
        [&](RegionEvaluator &evaluator, int64_t i, Term query, Term key) {
          SmallVector<Term> arguments{Term{scores[i]}, query, key};
          for (TileElements &tile : tiles)
            arguments.push_back({tile.get(i)});
          return evaluator.evaluate(arguments);
        });
    rewriter.replaceOpWithMultiple(op, {modified});
    return success();
  }
};

} // namespace

void mlir::attn::sm90_to_nvvm::populateMaskPatterns(
    const TypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<LowerMask, LowerEvaluateMask, LowerApplyMask, LowerScore>(
      converter, patterns.getContext());
}
