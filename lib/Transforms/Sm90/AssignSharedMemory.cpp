//===- AssignSharedMemory.cpp - Place buffers and barriers
//-----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Transforms/Sm90/Passes.h"

#include "attn/Target/TargetModel.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

namespace mlir::sm90 {
#define GEN_PASS_DEF_ASSIGNSHAREDMEMORYPASS
#include "attn/Transforms/Sm90/Passes.h.inc"
} // namespace mlir::sm90

using namespace mlir;
using namespace mlir::sm90;

/// Swizzled panels repeat every eight rows of 128 bytes.
static constexpr int64_t kBufferAlignment = 1024;
/// Rows of strips are read without conflicts of banks.
static constexpr int64_t kStripAlignment = 128;

/// Places the buffers, from `offset` on, and moves that behind them. Those over
/// another one lie in it, one behind the other.
static LogicalResult assignBuffers(KernelOp kernel, int64_t &offset) {
  Builder builder(kernel.getContext());
  DenseMap<Value, int64_t> used;
  auto place = [&](AllocOp alloc, int64_t first) {
    alloc.setOffsetAttr(builder.getI64IntegerAttr(first));
    return alloc.getBuffer().getType().getBytes();
  };
  WalkResult result = kernel.walk([&](AllocOp alloc) {
    if (!alloc.getOver()) {
      offset = llvm::alignTo(offset, kBufferAlignment);
      offset += place(alloc, offset);
      return WalkResult::advance();
    }
    auto other = alloc.getOver().getDefiningOp<AllocOp>();
    int64_t &end = used[alloc.getOver()];
    end = llvm::alignTo(end, kBufferAlignment);
    end += place(alloc, static_cast<int64_t>(*other.getOffset()) + end);
    int64_t bytes = other.getBuffer().getType().getBytes();
    if (end <= bytes)
      return WalkResult::advance();
    alloc.emitOpError("expected at most ")
        << bytes << " bytes over a buffer that has so many, got " << end;
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

/// What a block takes of which no more than `blocks` find room.
static int64_t shareOf(const attn::TargetModel &model, int64_t blocks) {
  // So much of each block is the system's, and one block may have the rest.
  constexpr int64_t kReserved = 1024;
  int64_t share = (model.sharedMemoryPerBlock + kReserved) / blocks - kReserved;
  return llvm::alignDown(share, kStripAlignment);
}

namespace {
struct AssignSharedMemory
    : sm90::impl::AssignSharedMemoryPassBase<AssignSharedMemory> {
  using AssignSharedMemoryPassBase::AssignSharedMemoryPassBase;

  void runOnOperation() override {
    KernelOp kernel = getOperation();
    const attn::TargetModel *model = attn::TargetModel::lookup(target);
    if (!model) {
      kernel.emitOpError("expected a target of ")
          << attn::TargetModel::known() << ", got '" << target << "'";
      return signalPassFailure();
    }
    Builder builder(&getContext());
    int64_t offset = 0;
    if (failed(assignBuffers(kernel, offset)))
      return signalPassFailure();
    kernel.walk([&](TicketsAllocOp alloc) {
      alloc.setOffsetAttr(builder.getI64IntegerAttr(offset));
      offset += alloc.getTickets().getType().getBytes();
    });
    int64_t consumerWarps = 4 * kernel.getSchedule().getConsumerWarpgroups();
    kernel.walk([&](FindExtremesOp find) {
      offset = llvm::alignTo(offset, kExtremeBytes);
      find.setOffsetAttr(builder.getI64IntegerAttr(offset));
      offset += kExtremeBytes * consumerWarps * find.getNumResults();
    });
    kernel.walk([&](FindReachOp find) {
      offset = llvm::alignTo(offset, kSumAlignment);
      find.setOffsetAttr(builder.getI64IntegerAttr(offset));
      offset += kSumBytes * consumerWarps;
    });
    // Warps that are blocks of their own have one strip each.
    int64_t strips = kernel.getSchedule().getSeparateWarps() ? 1 : kStripWarps;
    auto assignStrips = [&](auto stage) {
      offset = llvm::alignTo(offset, kStripAlignment);
      stage.setOffsetAttr(builder.getI64IntegerAttr(offset));
      offset += strips * stage.getStripBytes();
    };
    kernel.walk([&](StageStripsOp stage) { assignStrips(stage); });
    kernel.walk([&](StageBoxesOp stage) { assignStrips(stage); });
    kernel.walk([&](AddWarpsOp add) {
      offset = llvm::alignTo(offset, kSumAlignment);
      add.setOffsetAttr(builder.getI64IntegerAttr(offset));
      offset += add.getExchangeBytes(kernel.getSchedule().getStripWarps());
    });
    kernel.walk([&](MBarrierInitOp barrier) {
      offset = llvm::alignTo(offset, kBarrierBytes);
      barrier.setOffsetAttr(builder.getI64IntegerAttr(offset));
      offset += barrier.getBarrier().getType().getStages() * kBarrierBytes;
    });
    if (offset > model->sharedMemoryPerBlock) {
      kernel.emitOpError("expected at most ")
          << model->sharedMemoryPerBlock << " bytes of shared memory on "
          << model->name << ", got " << offset;
      return signalPassFailure();
    }
    if (int64_t blocks = kernel.getSchedule().getBlocksPerMultiprocessor())
      offset = std::max(offset, shareOf(*model, blocks));
    kernel.setSharedMemoryAttr(builder.getI64IntegerAttr(offset));
  }
};
} // namespace
