//===- SignatureMemory.cpp - The buffers and barriers of a kernel ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SignatureBuilder.h"

using namespace mlir;
using namespace mlir::attn::tile_to_sm90;

/// A buffer with a barrier for each stage that has been filled, and for each
/// that is free.
Ring SignatureBuilder::createRing(sm90::BufferType buffer, int64_t fullArrivals,
                                  int64_t emptyArrivals) {
  Location loc = source.getLoc();
  auto barrier =
      sm90::MBarrierType::get(builder.getContext(), buffer.getStages());
  Ring ring;
  ring.buffer = sm90::AllocOp::create(builder, loc, buffer);
  ring.full = sm90::MBarrierInitOp::create(builder, loc, barrier, fullArrivals,
                                           IntegerAttr());
  ring.empty = sm90::MBarrierInitOp::create(builder, loc, barrier,
                                            emptyArrivals, IntegerAttr());
  return ring;
}

/// What goes from the numbers and from the auxiliary to others.
void SignatureBuilder::allocateHandedOver(Kernel &kernel) {
  MLIRContext *context = builder.getContext();
  Location loc = source.getLoc();
  constexpr int64_t kWarps = 4, kWarpThreads = 32;
  int64_t consumerWarps = kWarps * schedule.getConsumerWarpgroups();
  int64_t stages = schedule.getKvStages();
  // The auxiliary need not be further ahead than by one chunk.
  int64_t handed = std::min<int64_t>(stages, 2);
  constexpr int64_t kSide = sm90::kWarpgroupRows;
  Type f32 = builder.getF32Type();
  for (Value value : split->handedTiles) {
    auto type = cast<VectorType>(value.getType());
    if (tile::LoadOp load = split->findReplaced(value)) {
      kernel.tileRings[value] =
          createReplacing(kernel.rings.find(kernel.keyOf(load))->second);
      continue;
    }
    // What the last product of a chunk reads is the first of the next one.
    auto buffer = sm90::BufferType::get(
        context, handed + (findLeft(value) ? 1 : 0), type.getDimSize(0),
        type.getDimSize(1), type.getElementType());
    kernel.tileRings[value] =
        createRing(buffer, sm90::kWarpgroupThreads, consumerWarps);
  }
  allocateGates(kernel);
  if (!split->handedNumbers.empty()) {
    auto type = cast<VectorType>(split->handedNumbers.front().getType());
    int64_t rows = split->handedNumbers.size();
    // Where there are gates of channels, the next ones are loaded while the
    // warp waits for a place for those.
    kernel.numbersRing = createRing(
        sm90::BufferType::get(context, stages + (split->decaySums ? 1 : 0),
                              rows, type.getDimSize(0), f32),
        kWarpThreads,
        (split->auxiliaryReads ? kWarps : 0) +
            (split->consumerReads ? consumerWarps : 0));
  }
  if (tile::DecaySumsOp sums = split->decaySums)
    allocateDecays(kernel, sums);
  if (!llvm::any_of(split->auxiliary, llvm::IsaPred<tile::InvertUnitLowerOp>))
    return;
  // Nothing of the columns of earlier blocks is left when a matrix is inverted.
  // Where it fits over these, it lies where nothing is written before the
  // threads meet.
  auto inverse = sm90::BufferType::get(context, split->decaySums ? 1 : handed,
                                       kSide, kSide, builder.getF16Type());
  auto blocks =
      sm90::BufferType::get(context, 1, kSide, sm90::kDiagonalBlock, f32);
  Value over;
  if (tile::DecaySumsOp sums = split->decaySums) {
    auto columns = sm90::BufferType::get(
        context, 1, sm90::decayColumnRows(split->countLeft()),
        cast<VectorType>(sums.getSums().getType()).getDimSize(1),
        builder.getF16Type());
    if (inverse.getBytes() + blocks.getBytes() <= columns.getBytes())
      over = kernel.decayScratch;
  }
  kernel.inverseScratch = sm90::AllocOp::create(builder, loc, inverse, over);
  kernel.inverseBlocks = sm90::AllocOp::create(builder, loc, blocks, over);
}

/// Consumers read what is left of a chunk late: it has a stage more. So do
/// gates where there is no inverse, which leaves memory, but not the time for
/// their copies.
void SignatureBuilder::allocateDecays(Kernel &kernel, tile::DecaySumsOp op) {
  MLIRContext *context = builder.getContext();
  constexpr int64_t kWarps = 4, kWarpThreads = 32;
  auto type = cast<VectorType>(op.getSums().getType());
  int64_t channels = type.getDimSize(1), stages = schedule.getKvStages();
  bool inverts =
      llvm::any_of(split->auxiliary, llvm::IsaPred<tile::InvertUnitLowerOp>);
  Type f32 = builder.getF32Type();
  kernel.gatesRing =
      createRing(sm90::BufferType::get(context, stages + (inverts ? 0 : 1),
                                       type.getDimSize(0), channels, f32),
                 kWarpThreads, kWarps);
  kernel.wholeRing = createRing(
      sm90::BufferType::get(context, stages + 1, 1, channels, f32),
      sm90::kWarpgroupThreads, kWarps * schedule.getConsumerWarpgroups());
  kernel.decayScratch = sm90::AllocOp::create(
      builder, source.getLoc(),
      sm90::BufferType::get(context, 1,
                            sm90::decayScratchRows(split->countLeft()),
                            channels, builder.getF16Type()));
}

/// Allocates buffers and barriers at the start of the kernel.
void SignatureBuilder::allocate(Kernel &kernel) {
  Location loc = source.getLoc();
  MLIRContext *context = builder.getContext();
  int64_t consumerWarps = 4 * schedule.getConsumerWarpgroups();
  for (auto &entry : loads) {
    const LoadKey &key = entry.first;
    tile::LoadOp load = entry.second;
    auto type = cast<VectorType>(load.getTile().getType());
    // What is loaded once per instance needs no second stage.
    bool inLoop = false;
    source.walk([&](tile::LoadOp other) {
      inLoop |=
          kernel.keyOf(other) == key && other->getParentOfType<scf::ForOp>();
    });
    bool ofScores = !split && isOfScores(load);
    int64_t stages = !inLoop    ? 1
                     : ofScores ? schedule.getReadStages()
                                : schedule.getKvStages();
    int64_t readers = consumerWarps;
    if (split)
      readers = countReaders(load);
    Ring &ring = kernel.rings[key];
    Value map = ring.map;
    ring = createRing(sm90::BufferType::get(context, stages, type.getDimSize(0),
                                            type.getDimSize(1),
                                            type.getElementType()),
                      /*fullArrivals=*/1, readers);
    ring.map = map;
    // What is read for each score is of no use to another tile of queries, and
    // what stayed in the L2 cache would displace gates that are fetched there.
    bool fetchesGates = split && !split->gates.empty();
    ring.keep = inLoop && !ofScores && !fetchesGates;
  }
  if (split)
    allocateHandedOver(kernel);
  if (schedule.getDynamic()) {
    findHandedScalars(kernel);
    constexpr int64_t kTickets = 2;
    auto barrier = sm90::MBarrierType::get(context, kTickets);
    kernel.tickets = sm90::TicketsAllocOp::create(
        builder, loc,
        sm90::TicketsType::get(context, kTickets, kernel.handed.size()),
        IntegerAttr());
    kernel.ticketFull =
        sm90::MBarrierInitOp::create(builder, loc, barrier, 1, IntegerAttr());
    kernel.ticketEmpty = sm90::MBarrierInitOp::create(
        builder, loc, barrier, consumerWarps, IntegerAttr());
  }
  for (auto [view, store] : stores) {
    auto type = cast<VectorType>(store.getTile().getType());
    if (type.getRank() != 2 || schedule.getOutputFromRegisters() ||
        (split && !split->isOutput(store)))
      continue;
    kernel.storesMatrix = true;
    if (split) {
      // The columns of each warpgroup behind each other.
      int64_t rows = type.getDimSize(0) * schedule.getConsumerWarpgroups();
      kernel.staging[view] = sm90::AllocOp::create(
          builder, loc,
          sm90::BufferType::get(context, /*stages=*/1, rows,
                                sm90::kWarpgroupRows, type.getElementType()));
      continue;
    }
    if (!schedule.getOutputInQueryBuffer())
      kernel.staging[view] = sm90::AllocOp::create(
          builder, loc,
          sm90::BufferType::get(context, /*stages=*/1, type.getDimSize(0),
                                type.getDimSize(1), type.getElementType()));
  }
}
