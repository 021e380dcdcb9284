//===- TileToSm90.h - What the two roles of a kernel share ------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_CONVERSION_TILETOSM90_TILETOSM90_H
#define ATTN_LIB_CONVERSION_TILETOSM90_TILETOSM90_H

#include "RoleSplit.h"

#include "Sm90/Sm90.h"
#include "Tile/Tile.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/MapVector.h"

namespace mlir::attn::tile_to_sm90 {

/// What loads have in common that go through one ring: their view, the type of
/// their tile, whether that is one of queries, which may keep their stage for a
/// whole instance, and which copy it is.
using LoadKey = std::tuple<Value, Type, unsigned, int64_t>;

/// The shared-memory buffer that loads from one view go through.
struct Ring {
  /// The tensor map of the loads; null where a role fills the stages.
  Value map;
  Value buffer;
  /// Complete when a stage has been filled, and when it may be filled again.
  Value full, empty;
  /// Other blocks will load the same data.
  bool keep;
};

/// The kernel under construction.
struct Kernel {
  tile::KernelOp source;
  sm90::KernelOp target;
  /// One ring for each view that is loaded from, and each type of tiles.
  llvm::MapVector<LoadKey, Ring> rings;
  /// The tensor map or the pointer of each view that is stored to.
  DenseMap<Value, Value> stores;
  /// The pointer of each view of which single elements are read, or which is
  /// accessed without roles.
  DenseMap<Value, Value> reads;
  /// The views whose memory nobody writes while the kernel runs.
  DenseSet<Value> constants;
  /// The staging buffer of each view that is stored to through a tensor map,
  /// where it has one of its own.
  DenseMap<Value, Value> staging;
  /// Whether anything is stored through a tensor map.
  bool storesMatrix = false;
  /// Where a dynamic schedule takes its instances from, and how the consumers
  /// hear of them.
  Value counter, tickets, ticketFull, ticketEmpty;
  /// Scalars of an instance that only the producer computes, and the values
  /// among and in front of them that it hands to the consumers in the ticket.
  DenseSet<Operation *> producerScalars;
  SmallVector<Value> handed;
  /// What the roles do where there is an auxiliary one; then the stages through
  /// which it hands each tile over, those of the numbers, and the memory in
  /// which it inverts.
  std::optional<RoleSplit> split;
  llvm::MapVector<Value, Ring> tileRings;
  /// Of what is left of keys: the ring, and the barrier that says that there
  /// are strengths of the keys in it.
  DenseMap<Value, Ring> strengthRings;
  Ring numbersRing;
  Value inverseScratch, inverseBlocks;
  /// The same of decays of channels: their gates, what they leave of a chunk,
  /// and the memory for what they leave of blocks of tokens.
  Ring gatesRing, wholeRing;
  Value decayScratch;
  /// Where gates of a tile of such a type are on their way to what they
  /// multiply.
  DenseMap<Type, Value> gateScratch;
  /// Whether an instance that fails is computed again.
  bool repeats = false;
  /// Of the instance at hand: whether it is computed again, and whether it has
  /// failed, in this thread. Null where it cannot.
  Value careful, failed;
  /// The argument that holds each dynamic size, by its symbol.
  DenseMap<int64_t, Value> sizes;
  /// Those that hold the strides of a view that is accessed through a pointer,
  /// of all axes but the last, whose elements are adjacent.
  DenseMap<Value, SmallVector<Value>> strides;
  /// Of loads: where the accumulator of the products with their tiles is zero,
  /// the init of a loop, if nothing but these products reads it.
  DenseMap<LoadKey, OpOperand *> zeros;
  /// Scalars that both roles see: source value to target value.
  IRMapping scalars;

  LoadKey keyOf(tile::LoadOp load) const;

  sm90::ScheduleAttr schedule() { return target.getSchedule(); }
  scf::ForallOp instances() {
    return *source.getBody().front().getOps<scf::ForallOp>().begin();
  }
};

/// Whether products alone read the tile, as their left operand.
bool isQueries(tile::LoadOp load);

/// Whether a modifier of scores alone reads the tile.
bool isOfScores(tile::LoadOp load);

/// What decides the ring of a load. Of chunks, tiles are neither queries nor
/// keys.
LoadKey getKey(tile::LoadOp load, bool isChunk);

/// The size of `view` along `axis`, as a value or a constant.
OpFoldResult getSize(Kernel &kernel, OpBuilder &builder, Value view,
                     int64_t axis);

/// The symbols of the dynamic sizes of a view, one per axis.
ArrayRef<int64_t> getSymbols(Value view);

/// Counts the uses of each ring, in the order of `Kernel::rings`. The count is
/// what tells the stage and the phase of a use.
using Counts = SmallVector<Value>;

/// Which rings the loads below `op` go through, as indices into the counts.
SmallVector<unsigned> ringsUsedBy(Kernel &kernel, Operation *op);

/// Whether `op` computes nothing but scalars, from scalars and from elements of
/// views.
bool isScalar(Operation *op);

/// The indices of a copy of the tile at `indices` of a view, or of the slice of
/// it that begins and ends at `slice`, along `axis`.
SmallVector<Value> getCopyIndices(Kernel &kernel, OpBuilder &builder,
                                  Location loc, Value view, int64_t axis,
                                  ArrayRef<Value> indices,
                                  ArrayRef<Value> slice);

/// Copies a scalar op, whose operands `mapping` has.
void cloneScalar(Kernel &kernel, OpBuilder &builder, Operation *op,
                 IRMapping &mapping);

/// Copies the region of `op`, a mask, a modifier or a search, to `copy`, and
/// maps the results.
void cloneRegion(Kernel &kernel, OpBuilder &builder, Operation *op,
                 Operation *copy, IRMapping &mapping);

/// Puts the load of queries that stay in shared memory in front of their first
/// product, behind the keys, whose stages become free earlier.
void placeQueries(Kernel &kernel);

/// Finds the accumulators that need not be cleared: the first product of an
/// instance with a tile of the view does not read them.
void findZeros(Kernel &kernel);

/// Decides what the producer hands to the consumers of a dynamic schedule.
void findHandedScalars(Kernel &kernel);

enum class Role { Producer, Consumer };

/// Calls `body` for every program instance that a block runs, with the values
/// of the instance's indices mapped in `mapping` and `counts` threaded through.
LogicalResult forEachInstance(Kernel &kernel, Role role, OpBuilder &builder,
                              IRMapping &mapping, Counts &counts,
                              function_ref<LogicalResult(Block &source)> body);

/// Whether the tile that a load or a store names lies inside of its view.
bool isWhole(Operation *op);

/// Fills the block of a kernel without roles.
LogicalResult buildWarps(Kernel &kernel, Block *block);

/// Fill the roles of the kernel.
LogicalResult buildProducer(Kernel &kernel, Block *role);
LogicalResult buildConsumer(Kernel &kernel, Block *role);

} // namespace mlir::attn::tile_to_sm90

#endif // ATTN_LIB_CONVERSION_TILETOSM90_TILETOSM90_H
