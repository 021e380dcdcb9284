//===- InferLayouts.cpp - Spread fragments over threads -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/TypeSwitch.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_INFERLAYOUTSPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

namespace {

/// Classes of fragments that share one layout.
class LayoutClasses {
public:
  /// Both fail with a diagnostic on `op` where a class would get two layouts.
  LogicalResult unite(Operation *op, Value a, Value b);
  LogicalResult fix(Operation *op, Value value, Layout layout);

  std::optional<Layout> lookup(Value value) { return layouts[find(value)]; }

private:
  unsigned find(Value value);

  LogicalResult conflict(Operation *op, Layout expected, Layout got) {
    return op->emitOpError("expected a fragment in the layout ")
           << stringifyLayout(expected) << ", got one in "
           << stringifyLayout(got) << "; sm90.layout_cast is needed";
  }

  DenseMap<Value, unsigned> numbers;
  SmallVector<unsigned> parents;
  SmallVector<std::optional<Layout>> layouts;
};

} // namespace

static bool isFragment(Value value) {
  return isa<RankedTensorType>(value.getType());
}

unsigned LayoutClasses::find(Value value) {
  auto [it, isNew] = numbers.try_emplace(value, parents.size());
  if (isNew) {
    parents.push_back(parents.size());
    layouts.push_back(std::nullopt);
  }
  unsigned root = it->second;
  while (parents[root] != root)
    root = parents[root] = parents[parents[root]];
  return root;
}

LogicalResult LayoutClasses::unite(Operation *op, Value a, Value b) {
  unsigned rootA = find(a), rootB = find(b);
  if (rootA == rootB)
    return success();
  if (layouts[rootA] && layouts[rootB] && *layouts[rootA] != *layouts[rootB])
    return conflict(op, *layouts[rootA], *layouts[rootB]);
  if (!layouts[rootA])
    layouts[rootA] = layouts[rootB];
  parents[rootB] = rootA;
  return success();
}

LogicalResult LayoutClasses::fix(Operation *op, Value value, Layout layout) {
  std::optional<Layout> &current = layouts[find(value)];
  if (current && *current != layout)
    return conflict(op, layout, *current);
  current = layout;
  return success();
}

/// One layout for every fragment that `op` uses and defines.
static LogicalResult uniteAll(LayoutClasses &classes, Operation *op) {
  Value first;
  for (ValueRange values :
       {ValueRange(op->getOperands()), ValueRange(op->getResults())})
    for (Value value : values) {
      if (!isFragment(value))
        continue;
      if (first && failed(classes.unite(op, first, value)))
        return failure();
      first = first ? first : value;
    }
  return success();
}

static LogicalResult unitePairs(LayoutClasses &classes, Operation *op,
                                ValueRange from, ValueRange to) {
  for (auto [a, b] : llvm::zip_equal(from, to))
    if (isFragment(a) && failed(classes.unite(op, a, b)))
      return failure();
  return success();
}

static LogicalResult constrainLoop(LayoutClasses &classes, scf::ForOp loop) {
  ValueRange arguments = loop.getRegionIterArgs();
  return success(
      succeeded(unitePairs(classes, loop, loop.getInits(), arguments)) &&
      succeeded(
          unitePairs(classes, loop, loop.getYieldedValues(), arguments)) &&
      succeeded(unitePairs(classes, loop, arguments, loop.getResults())));
}

static LogicalResult constrainIf(LayoutClasses &classes, scf::IfOp op) {
  for (Block *block : {op.thenBlock(), op.elseBlock()})
    if (block &&
        failed(unitePairs(classes, op, block->getTerminator()->getOperands(),
                          op.getResults())))
      return failure();
  return success();
}

/// What an op passes on that demands no layout itself.
static LogicalResult constrainElementwise(LayoutClasses &classes,
                                          Operation *op) {
  if (isa<MaskOp, ApplyMaskOp, ScoreOp, SplatOp, UndefinedOp, VoteAllOp,
          LoadStripsOp, StoreStripsOp, ReduceVectorOp, LoadRowOp>(op) ||
      op->hasTrait<OpTrait::ConstantLike>() ||
      OpTrait::hasElementwiseMappableTraits(op))
    return uniteAll(classes, op);
  if (llvm::any_of(op->getOperands(), isFragment) ||
      llvm::any_of(op->getResults(), isFragment))
    return op->emitOpError("has no rule for the layout of its fragments");
  return success();
}

/// Adds what `op` demands of its fragments.
static LogicalResult constrain(LayoutClasses &classes, Operation *op) {
  if (op->hasTrait<FixedLayouts>()) {
    for (auto [value, layout] : getFixedLayouts(op))
      if (failed(classes.fix(op, value, layout)))
        return failure();
    return success();
  }
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](scf::ForOp loop) { return constrainLoop(classes, loop); })
      .Case([&](scf::IfOp branch) { return constrainIf(classes, branch); })
      .Case([&](AddWarpsOp add) {
        return unitePairs(classes, add, add.getParts(), add.getSums());
      })
      .Case<scf::YieldOp, LayoutCastOp, BroadcastStripsOp>(
          [](auto) { return success(); })
      .Default([&](Operation *other) {
        return constrainElementwise(classes, other);
      });
}

/// A vector and the matrix that it is repeated to: of either layout follows
/// that of the other, and from it maybe those of the next pair.
static LogicalResult relateStrips(LayoutClasses &classes, KernelOp kernel) {
  SmallVector<BroadcastStripsOp> open;
  kernel.walk([&](BroadcastStripsOp op) { open.push_back(op); });
  bool changed = true;
  while (changed) {
    changed = false;
    for (BroadcastStripsOp op : std::exchange(open, {})) {
      int64_t axis = 1 - op.getAxis();
      std::optional<Layout> matrix = classes.lookup(op.getResult());
      std::optional<Layout> vector = classes.lookup(op.getSource());
      if (!matrix && !vector) {
        open.push_back(op);
        continue;
      }
      changed = true;
      std::optional<Layout> other = matrix ? getVectorLayout(*matrix, axis)
                                           : getMatrixLayout(*vector, axis);
      if (!other)
        return op.emitOpError("expected a layout of strips, got ")
               << stringifyLayout(matrix ? *matrix : *vector);
      if (failed(classes.fix(op, matrix ? op.getSource() : op.getResult(),
                             *other)))
        return failure();
    }
  }
  return success();
}

/// What is stored where nothing else determines its layout, such as a constant,
/// has that of what is stored elsewhere through the same pointer.
static LogicalResult relateStores(LayoutClasses &classes, KernelOp kernel) {
  DenseMap<Value, Layout> known;
  SmallVector<StoreStripsOp> stores;
  kernel.walk([&](StoreStripsOp op) { stores.push_back(op); });
  for (StoreStripsOp op : stores)
    if (std::optional<Layout> layout = classes.lookup(op.getFragment()))
      known.try_emplace(op.getPointer(), *layout);
  for (StoreStripsOp op : stores) {
    auto found = known.find(op.getPointer());
    if (!classes.lookup(op.getFragment()) && found != known.end() &&
        failed(classes.fix(op, op.getFragment(), found->second)))
      return failure();
  }
  return success();
}

/// Fragments of equal elements, and rows of numbers, may be needed in different
/// layouts: one for each use.
static void separateUses(KernelOp kernel) {
  SmallVector<Operation *> sources;
  kernel.walk([&](Operation *op) {
    if (isa<arith::ConstantOp, SplatOp, LoadRowOp>(op) &&
        isFragment(op->getResult(0)))
      sources.push_back(op);
  });
  for (Operation *source : sources) {
    OpBuilder builder(source);
    for (OpOperand &use :
         llvm::make_early_inc_range(source->getResult(0).getUses())) {
      if (source->getResult(0).hasOneUse())
        break;
      use.set(builder.clone(*source)->getResult(0));
    }
  }
}

/// Equal elements are in any layout what they are: of a state of zeros, which a
/// loop of one iteration leaves as a constant, no other use says which.
static void removeCastsOfConstants(KernelOp kernel) {
  SmallVector<LayoutCastOp> casts;
  kernel.walk([&](LayoutCastOp cast) {
    if (cast.getSource().getDefiningOp<arith::ConstantOp>())
      casts.push_back(cast);
  });
  for (LayoutCastOp cast : casts) {
    cast.replaceAllUsesWith(cast.getSource());
    cast.erase();
  }
}

/// Whether a cast leaves every element in its thread.
static bool isFree(RankedTensorType type, Layout from, Layout to) {
  return from == to || (from == Layout::Rows && to == Layout::PartialRows) ||
         (from == Layout::Accumulator && to == Layout::OperandA &&
          type.getElementTypeBitWidth() == 16);
}

/// The lanes of the strips of all matrices and vectors of a kernel, as the
/// width of its matrices and the schedule say.
static StripLanes findLanes(LayoutClasses &classes, KernelOp kernel) {
  constexpr int64_t kUsualLanes = 4;
  int64_t warps = kernel.getSchedule().getStripWarps();
  std::optional<StripLanes> found;
  kernel.walk([&](Operation *op) {
    for (Value value : op->getResults()) {
      std::optional<Layout> layout =
          isFragment(value) ? classes.lookup(value) : std::nullopt;
      if (layout != Layout::ColumnStrips && layout != Layout::RowStrips)
        continue;
      auto type = cast<RankedTensorType>(value.getType());
      found = findStripLanes(
          type.getDimSize(layout == Layout::ColumnStrips ? 1 : 0), warps);
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return found.value_or(
      StripLanes{kUsualLanes, kWarpThreads / kUsualLanes, warps});
}

static LogicalResult setLayout(LayoutClasses &classes, StripLanes lanes,
                               Operation *op, Value value) {
  if (auto inFlight = dyn_cast<InFlightType>(value.getType())) {
    Type lhs = inFlight.getLhs();
    if (auto fragment = dyn_cast<RankedTensorType>(lhs))
      lhs = withLayout(fragment, Layout::OperandA);
    value.setType(InFlightType::get(
        op->getContext(), withLayout(inFlight.getResult(), Layout::Accumulator),
        lhs, inFlight.getRhs()));
    return success();
  }
  if (!isFragment(value))
    return success();
  std::optional<Layout> layout = classes.lookup(value);
  if (!layout)
    return op->emitOpError("has a fragment whose layout nothing determines");
  auto old = cast<RankedTensorType>(value.getType());
  auto type = RankedTensorType::getChecked(
      [&] { return op->emitOpError("has a fragment that cannot be spread: "); },
      old.getShape(), old.getElementType(),
      *layout >= Layout::ColumnStrips
          ? LayoutAttr::get(op->getContext(), *layout, lanes.across,
                            lanes.warps)
          : LayoutAttr::get(op->getContext(), *layout));
  if (!type)
    return failure();
  value.setType(type);
  auto constant = dyn_cast<arith::ConstantOp>(op);
  if (!constant)
    return success();
  auto splat = dyn_cast<SplatElementsAttr>(constant.getValue());
  if (!splat)
    return op->emitOpError("expected a constant of one value");
  constant.setValueAttr(splat.resizeSplat(type));
  return success();
}

static LogicalResult setLayouts(LayoutClasses &classes, StripLanes lanes,
                                Operation *op) {
  for (Value result : op->getResults())
    if (failed(setLayout(classes, lanes, op, result)))
      return failure();
  for (Region &region : op->getRegions())
    for (Block &block : region)
      for (Value argument : block.getArguments())
        if (failed(setLayout(classes, lanes, op, argument)))
          return failure();
  return success();
}

static LogicalResult removeCasts(KernelOp kernel) {
  WalkResult result = kernel.walk([](LayoutCastOp cast) {
    auto from = ::llvm::cast<RankedTensorType>(cast.getSource().getType());
    auto to = ::llvm::cast<RankedTensorType>(cast.getResult().getType());
    if (!isFree(from, *getLayout(from), *getLayout(to))) {
      cast.emitOpError("expected a cast that moves nothing between threads, "
                       "got ")
          << stringifyLayout(*getLayout(from)) << " to "
          << stringifyLayout(*getLayout(to));
      return WalkResult::interrupt();
    }
    if (from == to) {
      cast.getResult().replaceAllUsesWith(cast.getSource());
      cast.erase();
    }
    return WalkResult::advance();
  });
  return failure(result.wasInterrupted());
}

namespace {
struct InferLayouts : sm90::impl::InferLayoutsPassBase<InferLayouts> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    removeCastsOfConstants(kernel);
    separateUses(kernel);
    LayoutClasses classes;
    auto each = [&](auto function) {
      WalkResult result = kernel.walk([&](Operation *op) {
        return failed(function(classes, op)) ? WalkResult::interrupt()
                                             : WalkResult::advance();
      });
      return failure(result.wasInterrupted());
    };
    if (failed(each(constrain)) || failed(relateStrips(classes, kernel)) ||
        failed(relateStores(classes, kernel)))
      return signalPassFailure();
    StripLanes lanes = findLanes(classes, kernel);
    auto setAll = [&](LayoutClasses &all, Operation *op) {
      return setLayouts(all, lanes, op);
    };
    if (failed(each(setAll)) || failed(removeCasts(kernel)))
      signalPassFailure();
  }
};
} // namespace
