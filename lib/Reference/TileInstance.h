//===- TileInstance.h - One program instance --------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_TILEINSTANCE_H
#define ATTN_LIB_REFERENCE_TILEINSTANCE_H

#include "TileInterpreterElementwise.h"

#include "Tile/Tile.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <memory>
#include <string>

namespace mlir::attn::reference {

/// A dense row-major tensor that is read and written through a `!tile.view`.
struct View {
  ArrayRef<int64_t> shape;
  double *data;
};

/// What went wrong. Threads keep it for the one that may emit it.
struct Problem {
  Operation *op = nullptr;
  std::string message;

  LogicalResult emit() const { return op->emitOpError(message); }
};

/// Executes ops one after the other and keeps their results. Instances run on
/// different threads, so nothing here creates an attribute or emits a
/// diagnostic.
class Instance {
public:
  /// `views` are the tensors of the kernel's arguments and outlive the
  /// instance.
  explicit Instance(ArrayRef<View> views) : views(views) {}

  /// From now on every step of a softmax looks for the maximum.
  void setCareful() { isCareful = true; }
  /// Whether what has been run has to be run again, carefully.
  bool hasFailed() const { return needsRepeat; }

  /// Runs a block up to its terminator.
  LogicalResult run(Block &block);
  LogicalResult run(Operation *op);

  int64_t getInteger(Value value) const { return get(value).integers.front(); }
  void setInteger(Value value, int64_t integer) { set(value, {{}, {integer}}); }
  const Problem &getProblem() const { return problem; }

private:
  LogicalResult run(affine::AffineApplyOp op);
  LogicalResult run(affine::AffineMinOp op);
  LogicalResult run(affine::AffineMaxOp op);
  LogicalResult run(scf::ForOp op);
  LogicalResult run(scf::IfOp op);
  LogicalResult run(tile::DimOp op);
  LogicalResult run(tile::LoadOp op);
  LogicalResult run(tile::StoreOp op);
  LogicalResult run(tile::ReadOp op);
  LogicalResult run(tile::WriteOp op);
  LogicalResult run(tile::FindExtremesOp op);
  LogicalResult run(tile::FindReachOp op);
  LogicalResult run(tile::SquaredNormOp op);
  LogicalResult run(tile::SegmentCountOp op);
  LogicalResult run(tile::BoundedOp op);
  LogicalResult run(tile::FindSequenceOp op);
  LogicalResult run(tile::WalkOp op);
  LogicalResult run(tile::DotOp op);
  LogicalResult run(tile::MaskOp op);
  LogicalResult run(tile::ScoreOp op);
  LogicalResult run(tile::OnlineSoftmaxOp op);
  LogicalResult run(tile::RescaleOp op);
  LogicalResult run(tile::FinishSoftmaxOp op);
  LogicalResult run(tile::CumulativeSumOp op);
  LogicalResult run(tile::DecayRatiosOp op);
  LogicalResult run(tile::InvertUnitLowerOp op);
  LogicalResult run(tile::DecaySumsOp op);
  LogicalResult run(tile::ApplyDecayOp op);
  LogicalResult run(tile::DecayedDotOp op);
  LogicalResult run(vector::BroadcastOp op);
  LogicalResult run(vector::TransposeOp op);
  LogicalResult run(vector::ExtractOp op);
  LogicalResult run(vector::CreateMaskOp op);
  LogicalResult run(vector::ReductionOp op);
  LogicalResult run(vector::MultiDimReductionOp op);
  LogicalResult runElementwise(Operation *op);
  FailureOr<const TileValue *> runRegion(Block &block,
                                         ArrayRef<BlockArgument> positions,
                                         Value matrix, int64_t query,
                                         int64_t key);

  FailureOr<SmallVector<int64_t>> evaluate(Operation *op, AffineMap map);
  template <typename Access>
  LogicalResult forEachElement(Access op,
                               function_ref<void(size_t, double *)> function);

  const TileValue &get(Value value) const { return *values.at(value); }
  const View &getView(Value value) const {
    return views[cast<BlockArgument>(value).getArgNumber()];
  }
  void set(Value value, TileValue result) {
    values[value] = std::make_shared<const TileValue>(std::move(result));
  }
  /// Gives each of `to` the value of one of `from`, all at once.
  void copy(ValueRange from, ValueRange to);

  LogicalResult fail(Operation *op, const Twine &message) {
    problem = {op, message.str()};
    return failure();
  }

  ArrayRef<View> views;
  DenseMap<Value, std::shared_ptr<const TileValue>> values;
  Problem problem;
  bool isCareful = false, needsRepeat = false;
};

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_TILEINSTANCE_H
