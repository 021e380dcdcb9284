//===- Estimate.cpp - What a schedule costs at best -----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Schedule/Estimate.h"

#include "Attention/Attention.h"
#include "attn/Analysis/BlockCount.h"
#include "attn/Target/TargetModel.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::attn;

/// The special functions for each score: the exponential of the softmax and, of
/// those in the modifier, one instruction each. Absolute values and fused
/// products are none.
static int64_t countSpecialFunctions(AttentionOp op) {
  int64_t count = 1;
  if (Block *modifier = op.getScoreBlock())
    for (Operation &inner : modifier->without_terminator())
      count += isa_and_nonnull<math::MathDialect>(inner.getDialect()) &&
               isa<FloatType>(inner.getResult(0).getType()) &&
               !isa<math::AbsFOp, math::FmaOp, math::CopySignOp>(inner);
  return count;
}

/// The bytes of queries, keys, values and results.
static double countBytes(AttentionOp op, ProblemSize size) {
  auto bytes = [](Type type, int64_t positions) {
    auto tensor = cast<RankedTensorType>(type);
    ArrayRef<int64_t> row = tensor.getShape().take_back(2);
    int64_t elementBytes = tensor.getElementTypeBitWidth() / 8;
    return static_cast<double>(elementBytes * positions * row[0] * row[1]);
  };
  KVType kv = op.getKVType();
  double ofBatch = bytes(op.getQueryType(), size.queries) +
                   bytes(op.getOutput().getType(), size.queries) +
                   bytes(kv.getKeyType(), size.keys) +
                   bytes(kv.getValueType(), size.keys);
  if (op.getLse())
    ofBatch +=
        static_cast<double>(sizeof(float)) * op.getQueryHeads() * size.queries;
  return ofBatch * size.batches;
}

Estimate mlir::attn::estimateTime(AttentionOp op, tile::ScheduleAttr schedule,
                                  ProblemSize size, const TargetModel &model) {
  BlockGrid grid{op.getQueryHeads(), size.queries, size.keys,
                 schedule.getBlockQ(), schedule.getBlockKv()};
  BlockCount visited = countVisitedBlocks(op.getMaskBlock(), grid);
  BlockGrid scores = grid;
  scores.rows = scores.block = 1;
  BlockCount kept = countVisitedBlocks(op.getMaskBlock(), scores);

  double productCycles =
      2.0 * (op.getKVType().getKeyDim() + op.getKVType().getValueDim()) /
      model.tensorOperationsPerCycle;
  double exponentialCycles =
      countSpecialFunctions(op) / model.exponentialsPerCycle;
  auto block = static_cast<double>(grid.rows * grid.block);

  Estimate estimate;
  estimate.isExact = visited.isExact && kept.isExact;
  estimate.instances =
      size.batches * grid.heads * llvm::divideCeil(size.queries, grid.rows);
  double processors = model.multiprocessors;
  auto spread = [&](double cycles, int64_t count) {
    return cycles * count * size.batches / processors / model.clockHertz;
  };
  estimate.tensorSeconds = spread(productCycles * block, visited.total);
  estimate.usefulTensorSeconds = spread(productCycles, kept.total);
  estimate.exponentialSeconds =
      spread(exponentialCycles * block, visited.total);
  estimate.memorySeconds = countBytes(op, size) / model.memoryBandwidth;

  // Some multiprocessor has at least its even share, at least the largest
  // instance, and at least so many of the smallest.
  int64_t rounds = llvm::divideCeil(estimate.instances, model.multiprocessors);
  double blocks = std::max({visited.total * size.batches / processors,
                            static_cast<double>(visited.largest),
                            static_cast<double>(rounds * visited.smallest)});
  double blockSeconds =
      std::max(productCycles, exponentialCycles) * block / model.clockHertz;
  estimate.seconds = std::max(blocks * blockSeconds, estimate.memorySeconds);
  return estimate;
}
