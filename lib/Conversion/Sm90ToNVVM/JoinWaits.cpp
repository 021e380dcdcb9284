//===- JoinWaits.cpp - Waits that stand next to each other ----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What stands between waits only computes, so it does not matter which of them
// it is behind.
//
//===----------------------------------------------------------------------===//

#include "attn/Conversion/Passes.h"

#include "InlineAsm.h"
#include "Patterns.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace mlir::attn {
#define GEN_PASS_DEF_JOINWAITSPASS
#include "attn/Conversion/Passes.h.inc"
} // namespace mlir::attn

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::sm90_to_nvvm;

namespace {

struct JoinWaits : attn::impl::JoinWaitsPassBase<JoinWaits> {
  void runOnOperation() override;

private:
  /// Waits that have been found so far, with nothing behind them that does more
  /// than compute.
  SmallVector<Operation *> run;

  void join();
};

} // namespace

/// In the place of the last one, where all operands are known.
void JoinWaits::join() {
  if (run.size() > 1) {
    SmallVector<Value> barriers;
    for (Operation *wait : run)
      llvm::append_range(barriers, wait->getOperands());
    OpBuilder b(run.back());
    ptx::mbarrierWaitAll(b, run.back()->getLoc(), barriers);
    for (Operation *wait : run)
      wait->erase();
  }
  run.clear();
}

void JoinWaits::runOnOperation() {
  if (!getOperation()->removeAttr(kJoinWaitsName))
    return;
  getOperation().walk([&](Block *block) {
    for (Operation &op : llvm::make_early_inc_range(*block))
      if (ptx::isMBarrierWait(&op))
        run.push_back(&op);
      else if (!isMemoryEffectFree(&op))
        join();
    join();
  });
}
