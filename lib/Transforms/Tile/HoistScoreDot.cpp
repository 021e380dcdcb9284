//===- HoistScoreDot.cpp - Start the next scores early --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Tile/Passes.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::tile {
#define GEN_PASS_DEF_HOISTSCOREDOTPASS
#include "attn/Transforms/Tile/Passes.h.inc"
} // namespace mlir::tile

using namespace mlir;
using namespace mlir::tile;

namespace {

/// The ops of one iteration, by the half they belong to.
struct Step {
  scf::ForOp loop;
  /// The product of queries and keys.
  DotOp scoreDot;
  /// acc = valueDot(weights, values, acc = rescale(iter_arg))
  DotOp valueDot;
  RescaleOp rescale;
  /// The load of the values, and what computes its indices, in order.
  LoadOp valueLoad;
  SmallVector<Operation *> indexOps;
  /// The position of the accumulator among the results of the loop.
  unsigned accIndex;
};

class Rotation {
public:
  Rotation(Step given)
      : step(std::move(given)), loop(step.loop), builder(loop),
        loc(loop.getLoc()) {}

  void run();

private:
  SmallVector<Value> cloneScores(IRMapping &mapping, Value acc, Value &weights,
                                 function_ref<Value()> valueProduct);
  Value cloneValueProduct(Value iteration, Value weights, Value acc);
  SmallVector<Value> createRotatedLoop();

  Step step;
  scf::ForOp loop;
  OpBuilder builder;
  Location loc;
};

} // namespace

/// Collects the ops of the loop that compute `value`, in front of each the ops
/// that it needs. False where it needs more of an iteration than its number.
static bool collectIndexOps(Value value, scf::ForOp loop,
                            SetVector<Operation *> &ops) {
  if (value == loop.getInductionVar() || loop.isDefinedOutsideOfLoop(value))
    return true;
  Operation *op = value.getDefiningOp();
  if (!op || op->getBlock() != loop.getBody() || op->getNumRegions() != 0 ||
      !isMemoryEffectFree(op))
    return false;
  for (Value operand : op->getOperands())
    if (!collectIndexOps(operand, loop, ops))
      return false;
  ops.insert(op);
  return true;
}

/// The loop's ops, if it is an online softmax that has not been rotated.
static std::optional<Step> matchStep(scf::ForOp loop) {
  std::optional<int64_t> increment = getConstantIntValue(loop.getStep());
  if (!increment || *increment != 1 ||
      !loop.getBody()->getOps<StoreOp>().empty())
    return std::nullopt;
  for (auto [index, yielded] : llvm::enumerate(loop.getYieldedValues())) {
    auto valueDot = yielded.getDefiningOp<DotOp>();
    if (!valueDot || !valueDot.getAcc() || !valueDot->hasOneUse())
      continue;
    auto rescale = valueDot.getAcc().getDefiningOp<RescaleOp>();
    auto load = valueDot.getRhs().getDefiningOp<LoadOp>();
    BlockArgument acc = loop.getRegionIterArg(index);
    SetVector<Operation *> indexOps;
    if (!rescale || rescale.getAcc() != acc || !acc.hasOneUse() || !load ||
        !llvm::all_of(load.getIndices(), [&](Value value) {
          return collectIndexOps(value, loop, indexOps);
        }))
      continue;
    for (auto dot : loop.getBody()->getOps<DotOp>())
      if (dot != valueDot)
        return Step{loop,
                    dot,
                    valueDot,
                    rescale,
                    load,
                    indexOps.takeVector(),
                    static_cast<unsigned>(index)};
  }
  return std::nullopt;
}

/// Clones the first half of an iteration: everything up to the weights and the
/// rescaled accumulator. `valueProduct` is called right behind the product of
/// queries and keys and gives the accumulator to rescale. Returns what the
/// iteration yields, with the rescaled accumulator in its place.
SmallVector<Value> Rotation::cloneScores(IRMapping &mapping, Value acc,
                                         Value &weights,
                                         function_ref<Value()> valueProduct) {
  for (Operation &op : loop.getBody()->without_terminator()) {
    // Values that are keys as well are loaded in both halves.
    bool onlyValues = &op == step.valueLoad && op.hasOneUse();
    if (&op == step.valueDot || onlyValues)
      continue;
    if (&op == step.rescale)
      mapping.map(step.rescale.getAcc(), acc);
    builder.clone(op, mapping);
    if (&op == step.scoreDot && valueProduct)
      acc = valueProduct();
  }
  weights = mapping.lookup(step.valueDot.getLhs());
  SmallVector<Value> yielded;
  for (auto [index, value] : llvm::enumerate(loop.getYieldedValues()))
    yielded.push_back(mapping.lookupOrDefault(
        index == step.accIndex ? step.rescale.getResult() : value));
  return yielded;
}

/// The second half of `iteration`: load the values, multiply, accumulate.
Value Rotation::cloneValueProduct(Value iteration, Value weights, Value acc) {
  IRMapping mapping;
  mapping.map(loop.getInductionVar(), iteration);
  mapping.map(step.valueDot.getLhs(), weights);
  mapping.map(step.valueDot.getAcc(), acc);
  for (Operation *op : step.indexOps)
    builder.clone(*op, mapping);
  builder.clone(*step.valueLoad, mapping);
  return builder.clone(*step.valueDot, mapping)->getResult(0);
}

SmallVector<Value> Rotation::createRotatedLoop() {
  Value one = arith::ConstantIndexOp::create(builder, loc, 1);
  AffineExpr d0 = builder.getAffineDimExpr(0);
  auto previous = [&](Value iteration) -> Value {
    return affine::makeComposedAffineApply(builder, loc, d0 - 1, {iteration});
  };

  IRMapping first;
  first.map(loop.getInductionVar(), loop.getLowerBound());
  first.map(loop.getRegionIterArgs(), loop.getInits());
  Value weights;
  SmallVector<Value> inits = cloneScores(first, loop.getInits()[step.accIndex],
                                         weights, /*valueProduct=*/nullptr);
  inits.push_back(weights);

  Value second = getValueOrCreateConstantIndexOp(
      builder, loc,
      affine::makeComposedFoldedAffineApply(
          builder, loc, AffineMap::get(1, 0, d0 + 1),
          {getAsOpFoldResult(loop.getLowerBound())}));
  auto rotated = scf::ForOp::create(builder, loc, second, loop.getUpperBound(),
                                    one, inits);
  {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPointToEnd(rotated.getBody());
    auto args = rotated.getRegionIterArgs();
    IRMapping mapping;
    mapping.map(loop.getInductionVar(), rotated.getInductionVar());
    for (auto [old, arg] :
         llvm::zip(loop.getRegionIterArgs(), args.drop_back()))
      mapping.map(old, arg);
    SmallVector<Value> yielded = cloneScores(
        mapping, args[step.accIndex], weights, /*valueProduct=*/[&] {
          return cloneValueProduct(previous(rotated.getInductionVar()),
                                   args.back(), args[step.accIndex]);
        });
    yielded.push_back(weights);
    scf::YieldOp::create(builder, loc, yielded);
  }
  SmallVector<Value> results(rotated.getResults().drop_back());
  results[step.accIndex] =
      cloneValueProduct(previous(loop.getUpperBound()),
                        rotated.getResults().back(), results[step.accIndex]);
  return results;
}

void Rotation::run() {
  Value hasBlocks =
      arith::CmpIOp::create(builder, loc, arith::CmpIPredicate::slt,
                            loop.getLowerBound(), loop.getUpperBound());
  auto guard = scf::IfOp::create(builder, loc, loop.getResultTypes(), hasBlocks,
                                 /*withElseRegion=*/true);
  builder.setInsertionPointToStart(guard.thenBlock());
  SmallVector<Value> results = createRotatedLoop();
  scf::YieldOp::create(builder, loc, results);
  builder.setInsertionPointToStart(guard.elseBlock());
  scf::YieldOp::create(builder, loc, loop.getInits());
  loop.replaceAllUsesWith(guard.getResults());
  loop.erase();
}

namespace {
struct HoistScoreDot : tile::impl::HoistScoreDotPassBase<HoistScoreDot> {
  void runOnOperation() override {
    if (!getOperation().getSchedule().getHoistScoreDot())
      return;
    SmallVector<Step> steps;
    getOperation().walk([&](scf::ForOp loop) {
      if (std::optional<Step> step = matchStep(loop))
        steps.push_back(*step);
    });
    for (Step &step : steps)
      Rotation(std::move(step)).run();
  }
};
} // namespace
