//===- Sm90StageOps.cpp - Verifiers of stages and products ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sm90/Sm90.h"

using namespace mlir;
using namespace mlir::sm90;

//===----------------------------------------------------------------------===//
// Shared memory and its stages
//===----------------------------------------------------------------------===//

/// Whether a use leaves the stage with its owner.
static bool isAccess(OpOperand &use) {
  if (auto product = dyn_cast<WgmmaAsyncOp>(use.getOwner()))
    return product.getKeeps() || &use == &product.getLhsMutable();
  return isa<LoadFragmentOp, StoreFragmentOp, TmaStoreAsyncOp, LoadRowOp,
             LoadElementOp, StoreNumbersOp, InvertUnitLowerOp, ScaleColumnsOp,
             RowNormsOp, CopyGatesOp, CopyStrengthsOp, SumDecaysOp,
             DecayTokensOp, DecayedDotsOp, GateRowsOp, ScoreOp>(use.getOwner());
}

/// Where an access to a stage is complete, or null.
static Operation *getCompletion(Operation *access) {
  if (auto product = dyn_cast<WgmmaAsyncOp>(access))
    return product.getResult().hasOneUse() ? *product.getResult().user_begin()
                                           : nullptr;
  if (!isa<TmaStoreAsyncOp>(access))
    return access;
  while ((access = access->getNextNode()))
    if (isa<TmaStoreWaitOp>(access))
      return access;
  return nullptr;
}

/// A stage is accessed any number of times and then given back once: to the
/// producer, to a copy that fills it, or to a product that borrows it.
static LogicalResult verifyGivenBackOnce(Operation *op, Value stage) {
  SmallVector<Operation *> accesses, takers;
  for (OpOperand &use : stage.getUses())
    (isAccess(use) ? accesses : takers).push_back(use.getOwner());
  if (takers.size() != 1 || takers.front()->getBlock() != op->getBlock() ||
      !isa<ReleaseOp, FillOp, TmaLoadAsyncOp, WgmmaAsyncOp>(takers.front()))
    return op->emitOpError("expected the stage to be given back exactly once, "
                           "in the same block, got ")
           << takers.size() << " uses that take it";
  for (Operation *access : accesses) {
    Operation *end = getCompletion(access);
    Operation *ancestor =
        end ? op->getBlock()->findAncestorOpInBlock(*end) : nullptr;
    if (!ancestor || !ancestor->isBeforeInBlock(takers.front()))
      return access->emitOpError("expected the access to the stage to be "
                                 "complete before it is given back");
  }
  return success();
}

template <typename AwaitOp> static LogicalResult verifyAwait(AwaitOp op) {
  BufferType buffer = op.getBuffer().getType();
  if (buffer.getStages() != op.getBarrier().getType().getStages()) // C1
    return op.emitOpError("expected buffer and barrier of the same number of "
                          "stages, got ")
           << buffer << " and " << op.getBarrier().getType();
  StageType box = buffer.getStageType();
  if (op.getStage().getType() != box) // C2
    return op.emitOpError("expected a result of type ")
           << box << ", got " << op.getStage().getType();
  return verifyGivenBackOnce(op, op.getStage()); // C3
}

LogicalResult AwaitFullOp::verify() { return verifyAwait(*this); }
LogicalResult AwaitEmptyOp::verify() { return verifyAwait(*this); }

LogicalResult BufferRowsOp::verify() {
  BufferType whole = getBuffer().getType(), part = getRows().getType();
  auto first = static_cast<int64_t>(getFirst());
  auto expected = BufferType::get(getContext(), whole.getStages(),
                                  part.getRows(), whole.getColumns(),
                                  whole.getElementType(), whole.getRows());
  if (whole.getPanelRows() == 0 && part == expected && first >= 0 &&
      first % kSwizzleRows == 0 && first + part.getRows() <= whole.getRows())
    return success();
  return emitOpError("expected rows of ") // C1
         << whole << " from a multiple of " << kSwizzleRows << " on, got "
         << part << " from " << first << " on";
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Rows, columns and element type of the left operand of a product.
static std::tuple<int64_t, int64_t, Type> getBox(Type type) {
  if (auto stage = dyn_cast<StageType>(type))
    return {stage.getRows(), stage.getColumns(), stage.getElementType()};
  auto fragment = cast<RankedTensorType>(type);
  return {fragment.getDimSize(0), fragment.getDimSize(1),
          fragment.getElementType()};
}

/// Whether `below` is the same use of the rows behind those of `above`.
static bool liesBelow(Value above, Value below) {
  auto upper = above.getDefiningOp<AwaitFullOp>();
  auto lower = below.getDefiningOp<AwaitFullOp>();
  if (!upper || !lower || upper.getCount() != lower.getCount())
    return false;
  auto first = upper.getBuffer().getDefiningOp<BufferRowsOp>();
  auto second = lower.getBuffer().getDefiningOp<BufferRowsOp>();
  return first && second && first.getBuffer() == second.getBuffer() &&
         first.getFirst() +
                 static_cast<uint64_t>(first.getRows().getType().getRows()) ==
             second.getFirst();
}

LogicalResult WgmmaAsyncOp::verify() {
  bool isStage = isa<StageType>(getLhs().getType());
  if (isStage != static_cast<bool>(getRow())) // C4
    return emitOpError("expected a row exactly where lhs is a stage");
  if (getAdds() && !getAcc()) // C5
    return emitOpError("expected an accumulator where there is an if");
  auto [rows, depth, elementType] = getBox(getLhs().getType());
  auto rhs = cast<StageType>(getRhs().getType());
  RankedTensorType result = getResult().getType().getResult();
  int64_t inner = getTransposeRhs() ? rhs.getColumns() : rhs.getRows();
  int64_t columns = getTransposeRhs() ? rhs.getRows() : rhs.getColumns();
  if (getBelow()) {
    if (!getTransposeRhs() || !getKeeps() ||
        !liesBelow(getRhs(), getBelow())) // C6
      return emitOpError("expected a stage above another one to be transposed "
                         "and kept, and the other one to be the same use of "
                         "the rows behind it");
    columns *= 2;
  }
  if (rows < kWarpgroupRows || (!isStage && rows != kWarpgroupRows) ||
      depth != inner || inner % kProductStep != 0 || elementType.isF32() ||
      elementType != rhs.getElementType()) // C1
    return emitOpError("expected lhs of ")
           << kWarpgroupRows << "x" << inner << "x" << rhs.getElementType()
           << " with a multiple of " << kProductStep << " columns, got "
           << getLhs().getType();
  if (result.getShape() != ArrayRef<int64_t>({kWarpgroupRows, columns}) ||
      !result.getElementType().isF32() || columns % kAccumulatorColumns != 0 ||
      columns > 256) // C2
    return emitOpError("expected a result of ")
           << kWarpgroupRows << "x" << columns
           << "xf32 with a multiple of 8 columns up to 256, got " << result;
  if (!getResult().hasOneUse() ||
      !isa<WgmmaWaitOp>(*getResult().user_begin()) ||
      (*getResult().user_begin())->getBlock() != (*this)->getBlock()) // C3
    return emitOpError("expected the result to be waited for exactly once, in "
                       "the same block");
  return success();
}

LogicalResult WgmmaWaitOp::verify() {
  auto start = getProduct().getDefiningOp<WgmmaAsyncOp>();
  if (!start || start->getBlock() != (*this)->getBlock()) // C2
    return emitOpError("expected a product started in the same block");
  int64_t pending = 0;
  for (Operation *op = start->getNextNode(); op && op != *this;
       op = op->getNextNode()) {
    auto later = dyn_cast<WgmmaAsyncOp>(op);
    if (later && later.getResult().hasOneUse() &&
        !(*later.getResult().user_begin())->isBeforeInBlock(*this))
      ++pending;
  }
  if (getPending() != static_cast<uint64_t>(pending)) // C1
    return emitOpError("expected pending(")
           << pending << "), the products started later and still under way, "
           << "got pending(" << getPending() << ")";
  if (!start.getKeeps())
    return verifyGivenBackOnce(*this, getStage()); // C3
  if (!getStage().use_empty())
    return emitOpError("expected no use of a stage that the product keeps");
  return success();
}
