//===- ScaleVectors.cpp - Scale vectors in place of matrices --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Builders.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_SCALEVECTORSPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

namespace {
/// A product of a matrix that has been loaded and what scales it.
struct Scaled {
  Value matrix;
  /// Numbers, and vectors along one axis.
  SmallVector<Value> factors;
};
} // namespace

/// The number of which all of the matrix is, or the vector that it repeats
/// along `axis`; null for another one.
static Value findFactor(Value matrix, uint64_t axis) {
  if (auto splat = matrix.getDefiningOp<SplatOp>())
    return splat.getScalar();
  auto broadcast = matrix.getDefiningOp<BroadcastStripsOp>();
  return broadcast && broadcast.getAxis() == axis ? broadcast.getSource()
                                                  : Value();
}

/// What `matrix` is the product of, if it is one of a matrix that has been
/// loaded.
static std::optional<Scaled> findScaled(Value matrix, uint64_t axis) {
  Scaled scaled;
  while (auto product = matrix.getDefiningOp<arith::MulFOp>()) {
    Value factor = findFactor(product.getRhs(), axis);
    if (!factor)
      return std::nullopt;
    scaled.factors.push_back(factor);
    matrix = product.getLhs();
  }
  if (scaled.factors.empty() || !matrix.getDefiningOp<LoadStripsOp>())
    return std::nullopt;
  scaled.matrix = matrix;
  return scaled;
}

/// `vector` times all of `factors`.
static Value scale(OpBuilder &builder, Location loc, Value vector,
                   ArrayRef<Value> factors) {
  for (Value factor : factors) {
    if (!isa<RankedTensorType>(factor.getType()))
      factor = SplatOp::create(builder, loc, vector.getType(), factor);
    vector = arith::MulFOp::create(builder, loc, vector, factor);
  }
  return vector;
}

/// Rewrites the sum of a matrix that is scaled and multiplied by a vector.
static void readAsLoaded(ReduceStripsOp reduce) {
  auto product = reduce.getSource().getDefiningOp<arith::MulFOp>();
  if (reduce.getCombine() != Combine::Sum || !product || !product->hasOneUse())
    return;
  auto broadcast = product.getRhs().getDefiningOp<BroadcastStripsOp>();
  if (!broadcast)
    return;
  std::optional<Scaled> scaled =
      findScaled(product.getLhs(), broadcast.getAxis());
  if (!scaled)
    return;
  OpBuilder builder(product);
  Location loc = product.getLoc();
  Value vector = scale(builder, loc, broadcast.getSource(), scaled->factors);
  Value spread = BroadcastStripsOp::create(builder, loc, broadcast.getType(),
                                           vector, broadcast.getAxis());
  product.getLhsMutable().assign(scaled->matrix);
  product.getRhsMutable().assign(spread);
}

namespace {
struct ScaleVectors : sm90::impl::ScaleVectorsPassBase<ScaleVectors> {
  void runOnOperation() override {
    KernelOp kernel = getOperation();
    if (kernel.getSchedule().getStageStrips())
      kernel.walk(readAsLoaded);
  }
};
} // namespace
