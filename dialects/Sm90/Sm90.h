//===- Sm90.h - The sm90 dialect --------------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SM90_SM90_H
#define ATTN_SM90_SM90_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/Dialect/LLVMIR/LLVMTypes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TensorEncoding.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "Sm90/Sm90Dialect.h.inc"
#include "Sm90/Sm90Enums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Sm90/Sm90Attrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "Sm90/Sm90Types.h.inc"

namespace mlir::sm90 {

namespace detail {
LogicalResult verifyFixedLayouts(Operation *op);
} // namespace detail

/// An op that demands layouts of its fragments.
template <typename ConcreteType>
class FixedLayouts : public OpTrait::TraitBase<ConcreteType, FixedLayouts> {
public:
  static LogicalResult verifyTrait(Operation *op) {
    return detail::verifyFixedLayouts(op);
  }
};

} // namespace mlir::sm90

#define GET_OP_CLASSES
#include "Sm90/Sm90Ops.h.inc"

namespace mlir::sm90 {

/// Rows of a product of one warpgroup, and its threads.
constexpr int64_t kWarpgroupRows = 64;
constexpr int64_t kWarpgroupThreads = 128;
constexpr int64_t kWarpThreads = 32;

/// A box lies in shared memory in panels of 64 columns of 16-bit elements, rows
/// of 128 bytes whose swizzle repeats every eight.
constexpr int64_t kPanelColumns = 64;
constexpr int64_t kPanelRowBytes = 128;
constexpr int64_t kSwizzleRows = 8;

/// The panels of a box of so many columns, and the bytes that it takes.
constexpr int64_t panelsOf(int64_t columns) {
  return (columns + kPanelColumns - 1) / kPanelColumns;
}
constexpr int64_t boxBytes(int64_t rows, int64_t columns) {
  return panelsOf(columns) * rows * kPanelRowBytes;
}

/// Rows of f32 numbers in shared memory are a multiple of so many long.
constexpr int64_t kNumberBytes = 4;
/// The warps that multiply tokens by gates.
constexpr int64_t kGateWarps = 2;
/// Rows of gates that are on their way to each of them at once.
constexpr int64_t kGatesAhead = 12;
constexpr int64_t kNumbersStep = 4;

/// Sides of the blocks on the diagonal of a triangular matrix that is inverted.
constexpr int64_t kDiagonalBlock = 16;

/// Of the four blocks of a chunk, those whose tokens later ones read.
constexpr int64_t kColumnBlocks = 3;
/// What the tokens of a block have in common, in f32, for each of the four
/// blocks: their decay, and powers; and, in f16, what later blocks need beside.
constexpr int64_t kBlockPowers = 5, kLaterPowers = 3;
/// Rows of f16 that hold the columns of so many tiles of keys, which come
/// first, and all of these.
constexpr int64_t decayColumnRows(int64_t keys) {
  return keys * kColumnBlocks * kDiagonalBlock;
}
constexpr int64_t decayScratchRows(int64_t keys) {
  return (decayColumnRows(keys) + 4 * kBlockPowers * 2 + kLaterPowers +
          kSwizzleRows - 1) /
         kSwizzleRows * kSwizzleRows;
}

/// Blocks that a multiprocessor has at a time.
constexpr int64_t kMostBlocks = 32;

/// Bytes of a barrier in shared memory.
constexpr int64_t kBarrierBytes = 8;
/// What a warp has found for one result of sm90.find_extremes.
constexpr int64_t kExtremeBytes = 4;
/// The sum of a warp for sm90.find_reach; several are read at a time.
constexpr int64_t kSumBytes = 4;
constexpr int64_t kSumAlignment = 16;

/// The columns of an accumulator come in groups of 8; one instruction consumes
/// 16 elements along the inner size of a product.
constexpr int64_t kAccumulatorColumns = 8;
constexpr int64_t kProductStep = 16;

/// What a thread stores at a time of a matrix in global memory, in bytes.
constexpr int64_t kStoreBytes = 16;
/// What a thread reads at a time of a row in global memory, in bytes.
constexpr int64_t kReadBytes = 16;

/// A stage of the buffer, or the stage, that `memory` is.
StageType asStage(Type memory);

/// Neighbours that a thread has of a matrix in strips, along and across them.
constexpr int64_t kStripNeighbours = 4;
/// The warps of a block whose strips lie beside each other or are shared.
constexpr int64_t kStripWarps = kWarpgroupThreads / kWarpThreads;
/// The barrier behind a strip that has been copied to shared memory, so that
/// what follows is aligned as copies ask for.
constexpr int64_t kStripBarrierBytes = 16;
/// The same behind a box of a tensor map.
constexpr int64_t kBoxBarrierBytes = 128;
/// How many lanes share the width of a strip, and how many its length; how many
/// warps have strips beside each other.
struct StripLanes {
  int64_t across, along, warps;

  /// The width of a matrix of strips.
  int64_t width() const { return kStripNeighbours * across * warps; }
  /// The warps that share a strip, each with a part of its length, and what
  /// that is a multiple of.
  int64_t parts() const { return kStripWarps / warps; }
  int64_t step() const { return kStripNeighbours * along; }
};
StripLanes getStripLanes(LayoutAttr layout);
/// Those of a matrix of that width, where so many `warps` have strips beside
/// each other, or nothing where it cannot be in strips.
std::optional<StripLanes> findStripLanes(int64_t width, int64_t warps);

/// The layout of a vector that goes along `axis` (0: one element per row) of a
/// matrix in a layout of strips, and the other way round. Nothing where the
/// layout is another.
std::optional<Layout> getVectorLayout(Layout matrix, int64_t axis);
std::optional<Layout> getMatrixLayout(Layout vector, int64_t axis);

/// Whether a vector goes along the length of strips, so that each warp has all
/// of it.
bool isAlongStrips(Layout vector);

/// The layout of a fragment, or nothing before `sm90-infer-layouts`.
std::optional<Layout> getLayout(RankedTensorType type);

/// The fragments of which an op with the trait `FixedLayouts` demands a layout.
SmallVector<std::pair<Value, Layout>, 2> getFixedLayouts(Operation *op);

/// `type` in another layout.
RankedTensorType withLayout(RankedTensorType type, Layout layout);

} // namespace mlir::sm90

#endif // ATTN_SM90_SM90_H
