//===- RoleSplit.h - What roles do in a loop over chunks --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_TILETOSM90_ROLESPLIT_H
#define ATTN_LIB_CONVERSION_TILETOSM90_ROLESPLIT_H

#include "Tile/Tile.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/SetVector.h"

namespace mlir::attn::tile_to_sm90 {

/// Who computes in a kernel with an auxiliary role.
enum class Part { Numbers, Gates, Auxiliary, Consumer };

/// How the ops of a loop whose state is carried are divided, by what they
/// depend on. What has a number for each token and does not depend on the state
/// is computed by a warp for all; tiles that are multiplied by gates, by
/// others; products that do not depend on the state, and what follows from
/// them, by the auxiliary warpgroup; the rest by the consumers. What is neither
/// is repeated by whoever needs it.
struct RoleSplit {
  scf::ForOp loop;
  DenseSet<Operation *> numbers, gates, auxiliary, consumer;
  /// What the numbers warp fills stages with, and the auxiliary.
  llvm::SetVector<Value> handedNumbers, handedTiles;
  /// Tiles times gates of their channels.
  llvm::SetVector<Value> gatedTiles;
  /// The sums of the decays of channels, if there are any: the numbers warp
  /// fills stages with both results.
  tile::DecaySumsOp decaySums;
  /// Whether a part reads the numbers.
  bool auxiliaryReads = false, consumerReads = false;

  bool contains(Part part, Operation *op) const {
    return (part == Part::Numbers     ? numbers
            : part == Part::Gates     ? gates
            : part == Part::Auxiliary ? auxiliary
                                      : consumer)
        .contains(op);
  }
  bool reads(Part part) const {
    return part == Part::Auxiliary ? auxiliaryReads : consumerReads;
  }
  /// Whether all tiles that are handed over are filled when the last one is,
  /// which consumers need first: an inverse.
  bool fillsTogether() const;
  /// The tiles that something is left of at the end of a chunk.
  int64_t countLeft() const;
  /// The load whose place what is left of it takes, or null; and what takes
  /// that of what is loaded.
  tile::LoadOp findReplaced(Value left) const;
  tile::ApplyDecayOp findReplacing(Value loaded) const;
  /// What is left of the keys that strengths are multiplied to.
  Value findLeftOf(tile::LoadOp keys) const;
  /// Whether a store is one of each iteration, not of a state.
  bool isOutput(tile::StoreOp store) const {
    scf::ForOp own = loop;
    return store->getParentOp() == own;
  }
  /// Whether the numbers warp reads tiles that are loaded for others.
  bool readsTiles() const {
    return llvm::any_of(numbers, llvm::IsaPred<vector::MultiDimReductionOp>);
  }
  /// Whether a load of `view` is an op of the part.
  bool loads(Part part, tile::LoadOp like) const;
};

/// Divides the ops of the one loop of a kernel, or says why not.
FailureOr<RoleSplit> splitRoles(tile::KernelOp kernel);

/// A tile that is loaded, times gates that are loaded beside it.
struct GatedTile {
  tile::LoadOp source, gates;
  arith::TruncFOp result;

  /// Whether gates have as many bits as what they gate.
  bool areNarrow();

  /// Whether it takes the place of what is loaded: nothing else reads that, and
  /// what reads this one copes with elements of another type.
  bool isInPlace();

  /// The tile.apply_decay of it from the start of the chunk, if it is keys that
  /// decay, and made of nothing but products with these: what decays multiplies
  /// keys by gates itself. Otherwise null.
  Value findReached();
};

/// Whether `tile` is one, rounded.
std::optional<GatedTile> findGated(Value tile);

/// What is left of a tile at the end of a chunk, if `tile` is that.
tile::ApplyDecayOp findLeft(Value tile);

/// Whether a tile is the bonus of a product, whose channels are read with it.
bool isBonus(Value tile);

/// The inverse that `tile` is in 16 bits, or what rounding it leaves; or null.
tile::InvertUnitLowerOp findInverse(Value tile);

/// Whether `op` is what rounding a tile leaves.
bool isRest(Operation *op);

/// Whether `type` has a number for each token.
bool isNumbersType(Type type);

/// The load whose rows `op` takes the squared lengths of, or null.
tile::LoadOp findNormed(vector::MultiDimReductionOp op);

} // namespace mlir::attn::tile_to_sm90

#endif // ATTN_LIB_CONVERSION_TILETOSM90_ROLESPLIT_H
