//===- StageStrips.cpp - Copy matrices to shared memory -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/LoopLikeInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_STAGESTRIPSPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

static RankedTensorType typeOf(LoadStripsOp load) {
  return cast<RankedTensorType>(load.getFragment().getType());
}

static StripLanes lanesOf(LoadStripsOp load) {
  return getStripLanes(cast<LayoutAttr>(typeOf(load).getEncoding()));
}

/// The number of the tensor that is loaded from, where it is all that the
/// kernel knows of the pointer.
static IntegerAttr findTensor(LoadStripsOp load) {
  auto pointer = dyn_cast<BlockArgument>(load.getPointer());
  auto kernel = load->getParentOfType<KernelOp>();
  if (!pointer || pointer.getOwner() != &kernel.getBody().front())
    return {};
  return kernel.getArgAttrOfType<IntegerAttr>(pointer.getArgNumber(),
                                              KernelOp::getTensorAttrName());
}

/// What a warp has of the columns, as boxes of a tensor map; null where there
/// is none. Boxes of 16 bits would be swizzled.
static TensorMapType findMap(LoadStripsOp load) {
  if (!findTensor(load) || !load.getElement().isF32())
    return {};
  RankedTensorType type = typeOf(load);
  StripLanes lanes = lanesOf(load);
  auto ignore = [&] {
    InFlightDiagnostic diagnostic = load.emitRemark();
    diagnostic.abandon();
    return diagnostic;
  };
  return TensorMapType::getChecked(
      ignore, load.getContext(), type.getDimSize(0) / lanes.parts(),
      type.getDimSize(1) / lanes.warps, load.getElement(), load.getAxes(),
      static_cast<int64_t>(load.getIndices().size()), /*sliced=*/false);
}

/// A copy takes what lies inside of the tensor, from and to where 16 bytes
/// start, as the signature asks for. The barrier serves once.
static bool canCopy(LoadStripsOp load) {
  RankedTensorType type = typeOf(load);
  if (type.getRank() != 2 || !load.getWhole() ||
      load->getParentOfType<LoopLikeOpInterface>())
    return false;
  if (getLayout(type) == Layout::ColumnStrips)
    return static_cast<bool>(findMap(load));
  return getLayout(type) == Layout::RowStrips && lanesOf(load).parts() == 1;
}

/// Where the fragment is needed for the first time, in its own block.
static Operation *findFirstUser(LoadStripsOp load) {
  Operation *first = nullptr;
  for (Operation *user : load.getFragment().getUsers()) {
    Operation *own = load->getBlock()->findAncestorOpInBlock(*user);
    if (!first || own->isBeforeInBlock(first))
      first = own;
  }
  return first;
}

/// A map of the tensor that is loaded from, as one more argument.
static Value addMap(LoadStripsOp load, TensorMapType map) {
  auto kernel = load->getParentOfType<KernelOp>();
  Builder builder(load.getContext());
  unsigned index = kernel.getNumArguments();
  auto attrs = builder.getDictionaryAttr(
      builder.getNamedAttr(KernelOp::getTensorAttrName(), findTensor(load)));
  (void)kernel.insertArgument(index, map, attrs, load.getLoc());
  return kernel.getArgument(index);
}

/// Starts the copies in the place of the load.
static Value startCopies(LoadStripsOp load) {
  OpBuilder builder(load);
  RankedTensorType type = typeOf(load);
  auto stage = StageType::get(load.getContext(), type.getDimSize(0),
                              type.getDimSize(1), load.getElement());
  if (getLayout(type) == Layout::ColumnStrips)
    return StageBoxesOp::create(builder, load.getLoc(), stage,
                                addMap(load, findMap(load)), load.getIndices(),
                                /*offset=*/IntegerAttr());
  return StageStripsOp::create(builder, load.getLoc(), stage, load.getPointer(),
                               load.getIndices(), load.getSizes(),
                               load.getStrides(), load.getAxes(),
                               /*offset=*/IntegerAttr());
}

namespace {
/// Moves what does without a fragment in front of who waits for it.
class Meanwhile {
public:
  explicit Meanwhile(TakeStripsOp take) : take(take) { behind.insert(take); }

  void move() {
    for (Operation &op : llvm::make_early_inc_range(
             llvm::make_range(std::next(take->getIterator()),
                              take->getBlock()->without_terminator().end())))
      if (auto add = dyn_cast<AddWarpsOp>(op))
        split(add);
      else
        moveIfPure(&op);
  }

private:
  bool isBehind(Value value) { return behind.contains(value.getDefiningOp()); }
  void moveIfPure(Operation *op) {
    bool moves = op->getNumRegions() == 0 && isPure(op) &&
                 llvm::none_of(op->getOperands(),
                               [&](Value value) { return isBehind(value); });
    if (moves)
      op->moveBefore(take);
    else
      behind.insert(op);
  }
  void split(AddWarpsOp add);

  TakeStripsOp take;
  DenseSet<Operation *> behind;
};
} // namespace

/// Adds up what is there in front of the wait, the rest behind it.
void Meanwhile::split(AddWarpsOp add) {
  SmallVector<Value> early, late, earlySums, lateSums;
  for (auto [part, sum] : llvm::zip_equal(add.getParts(), add.getSums())) {
    (isBehind(part) ? late : early).push_back(part);
    (isBehind(part) ? lateSums : earlySums).push_back(sum);
  }
  auto replace = [&](Operation *place, ArrayRef<Value> parts,
                     ValueRange sums) -> Operation * {
    if (parts.empty())
      return nullptr;
    OpBuilder builder(place);
    auto op = AddWarpsOp::create(builder, add.getLoc(), parts);
    for (auto [sum, other] : llvm::zip_equal(sums, op.getSums()))
      sum.replaceAllUsesWith(other);
    return op;
  };
  replace(take, early, earlySums);
  if (Operation *rest = replace(add, late, lateSums))
    behind.insert(rest);
  add.erase();
}

static void copyInstead(LoadStripsOp load) {
  Operation *user = findFirstUser(load);
  if (!user)
    return;
  Value stage = startCopies(load);
  // What else is loaded starts meanwhile.
  OpBuilder builder(user);
  auto take = TakeStripsOp::create(builder, load.getLoc(), typeOf(load), stage);
  load.getFragment().replaceAllUsesWith(take.getFragment());
  load.erase();
  Meanwhile(take).move();
}

namespace {
struct StageStrips : sm90::impl::StageStripsPassBase<StageStrips> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    if (!kernel.getSchedule().getStageStrips())
      return;
    SmallVector<LoadStripsOp> loads;
    kernel.walk([&](LoadStripsOp load) {
      if (canCopy(load))
        loads.push_back(load);
    });
    llvm::for_each(loads, copyInstead);
  }
};
} // namespace
