//===- EstimateRecurrence.cpp - What a recurrence costs at best -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Schedule/Estimate.h"

#include "Attention/Attention.h"
#include "attn/Analysis/Lowered.h"
#include "attn/Target/TargetModel.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::attn;

/// How many tokens, or states, of all sequences together `tensor` has a row
/// for, and how many of its axes say so. It has no axes for what is the same
/// for all.
static std::pair<int64_t, unsigned> countRows(RecurrenceOp op, Value tensor,
                                              RecurrenceSize size) {
  unsigned rank = cast<RankedTensorType>(tensor.getType()).getRank();
  unsigned axes = op.isPacked() ? 1 : 2;
  Value states[] = {op.getState(), op.getFinalState(), op.getNormalizer(),
                    op.getFinalNormalizer()};
  if (llvm::is_contained(states, tensor))
    return {size.sequences, 1};
  if (rank == 1 || tensor == op.getBonus())
    return {1, 0};
  int64_t tokens = size.sequences * size.tokens;
  if (tensor == op.getKeptStates())
    return {tokens / static_cast<int64_t>(*op.getKeepEvery()), axes};
  Value ofWrites[] = {op.getKey(),   op.getValue(),          op.getErase(),
                      op.getWrite(), op.getEraseDirection(), op.getEraseKey()};
  bool isOfWrites = llvm::is_contained(ofWrites, tensor);
  int64_t rows = tokens;
  if (isOfWrites && tensor != op.getQuery())
    rows *= static_cast<int64_t>(op.getMicroSteps());
  return {rows, axes};
}

/// The bytes of operands and results, but for the ends of packed sequences and
/// the numbers of slots.
static double countBytes(RecurrenceOp op, RecurrenceSize size) {
  llvm::SetVector<Value> tensors(op->operand_begin(), op->operand_end());
  tensors.insert(op->result_begin(), op->result_end());
  double bytes = 0;
  for (Value tensor : tensors) {
    auto type = cast<RankedTensorType>(tensor.getType());
    if (tensor == op.getSlots() || tensor == op.getCuSeqlens())
      continue;
    auto [rows, axes] = countRows(op, tensor, size);
    double row = type.getElementTypeBitWidth() / 8;
    for (int64_t extent : type.getShape().drop_front(axes))
      row *= static_cast<double>(extent);
    bytes += row * static_cast<double>(rows);
  }
  return bytes;
}

namespace {
/// The products of a chunk, in multiplications.
struct ChunkProducts {
  /// Of tokens with tokens, which do not depend on the channels of the value.
  double pairs;
  /// Of all others.
  double rest;
};
} // namespace

/// Of an instance that has `schedule.getBlockQ()` channels of the value: what
/// ChunkKernelBuilder writes down.
static ChunkProducts countProducts(RecurrenceOp op,
                                   tile::ScheduleAttr schedule) {
  auto tokens = static_cast<double>(schedule.getBlockKv());
  auto keys = static_cast<double>(op.getKeyDim());
  auto rows = static_cast<double>(schedule.getBlockQ());
  double erases = op.erases();
  // What is taken out along a direction of its own is a second source.
  double sources = op.getEraseDirection() ? 2 : 1;
  ChunkProducts products;
  products.pairs = tokens * tokens * keys * sources * (1 + erases);
  auto parts = static_cast<double>(schedule.getStateParts());
  // What is left of both operands is not multiplied.
  double inverses = erases * (2 * parts - 1);
  products.rest = rows * tokens * keys * (1 + erases + sources) * parts +
                  rows * tokens * tokens * (inverses + 2 * sources - 1);
  return products;
}

/// The powers that the decays of a chunk take.
static double countPowers(RecurrenceOp op, tile::ScheduleAttr schedule) {
  auto tokens = static_cast<double>(schedule.getBlockKv());
  if (!op.getDecay())
    return 0;
  // Of each channel since the start of its block and back to it, or of each
  // pair of tokens.
  if (isPerChannel(op, op.getDecay()))
    return 2 * tokens * static_cast<double>(op.getKeyDim());
  return tokens * tokens + 2 * tokens;
}

static void estimateChunks(RecurrenceOp op, tile::ScheduleAttr schedule,
                           RecurrenceSize size, const TargetModel &model,
                           Estimate &estimate) {
  int64_t heads = size.sequences * op.getValueHeads();
  int64_t parts = llvm::divideCeil(op.getValueDim(), schedule.getBlockQ());
  int64_t chunks = llvm::divideCeil(size.tokens, schedule.getBlockKv());
  // As many segments as there are multiprocessors for.
  int64_t segments = 1;
  if (int64_t least = schedule.getSegmentChunks())
    segments = std::clamp<int64_t>(model.multiprocessors /
                                       std::max<int64_t>(heads * parts, 1),
                                   1, std::max<int64_t>(chunks / least, 1));
  estimate.isExact = segments == 1;
  estimate.instances = heads * segments * parts;

  ChunkProducts products = countProducts(op, schedule);
  auto secondsOf = [&](double multiplications) {
    return 2 * multiplications / model.tensorOperationsPerCycle /
           model.clockHertz;
  };
  double tensor = secondsOf(products.pairs + products.rest);
  double power =
      countPowers(op, schedule) / model.exponentialsPerCycle / model.clockHertz;
  double processors = model.multiprocessors;
  double all = static_cast<double>(heads * parts * chunks) / processors;
  estimate.tensorSeconds = all * tensor;
  estimate.exponentialSeconds = all * power;
  double useful = static_cast<double>(heads * size.tokens) /
                  static_cast<double>(schedule.getBlockKv()) / processors;
  estimate.usefulTensorSeconds =
      useful *
      secondsOf(products.pairs + products.rest * static_cast<double>(parts));
  // Chunks of an instance come one after the other.
  int64_t rounds = llvm::divideCeil(estimate.instances, model.multiprocessors);
  auto busiest =
      static_cast<double>(rounds * llvm::divideCeil(chunks, segments));
  estimate.seconds =
      std::max(busiest * std::max(tensor, power), estimate.memorySeconds);
}

/// Token by token: sums over the keys of what is read and erased, and what is
/// added to each element of the state.
static void estimateSteps(RecurrenceOp op, tile::ScheduleAttr schedule,
                          RecurrenceSize size, const TargetModel &model,
                          Estimate &estimate) {
  int64_t columns = schedule.getBlockQ();
  estimate.instances = size.sequences * op.getValueHeads() *
                       llvm::divideCeil(op.getValueDim(), columns);
  int64_t ofWrite = 1 + op.erases() + bool(op.getEraseDirection());
  int64_t ofToken = 1 + bool(op.getDecay()) +
                    static_cast<int64_t>(op.getMicroSteps()) * ofWrite;
  double ofInstance =
      static_cast<double>(op.getKeyDim() * columns * size.tokens * ofToken) /
      model.multipliesPerCycle / model.clockHertz;
  estimate.multiplySeconds = ofInstance *
                             static_cast<double>(estimate.instances) /
                             static_cast<double>(model.multiprocessors);
  estimate.seconds = std::max({estimate.multiplySeconds,
                               estimate.instances > 0 ? ofInstance : 0,
                               estimate.memorySeconds});
}

Estimate mlir::attn::estimateTime(RecurrenceOp op, tile::ScheduleAttr schedule,
                                  RecurrenceSize size,
                                  const TargetModel &model) {
  Estimate estimate;
  estimate.memorySeconds = countBytes(op, size) / model.memoryBandwidth;
  if (schedule.getBlockKv() == 1)
    estimateSteps(op, schedule, size, model, estimate);
  else
    estimateChunks(op, schedule, size, model, estimate);
  return estimate;
}
