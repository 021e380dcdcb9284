//===- AttentionBlockLists.cpp - Rules of lists of blocks -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "AttentionVerify.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace mlir::attn;

/// Whether `type` has a size for each of `sizes` and does not contradict them.
/// A negative size is any; the first two may be a static 1.
static bool fitsList(RankedTensorType type, ArrayRef<int64_t> sizes) {
  if (type.getRank() != static_cast<int64_t>(sizes.size()) ||
      !type.getElementType().isInteger(32))
    return false;
  for (auto [axis, size] : llvm::enumerate(sizes)) {
    int64_t got = type.getDimSize(axis);
    bool isShared = axis < 2 && got == 1;
    if (!isShared && mayDiffer(got, size))
      return false;
  }
  // A dynamic number of heads could be any.
  return !type.isDynamicDim(1);
}

template <typename Op>
static LogicalResult verifyBlockList(Op op, StringRef name, BlockList list) {
  // C14
  int64_t batch = op.getQueryType().getDimSize(0);
  int64_t queries = op.getQueryType().getDimSize(1);
  int64_t any = ShapedType::kDynamic, heads = op.getQueryHeads();
  auto counts = cast<RankedTensorType>(list.counts.getType());
  auto indices = cast<RankedTensorType>(list.indices.getType());
  bool fits = fitsList(counts, {batch, heads, any}) &&
              fitsList(indices, {batch, heads, any, any});
  for (int64_t axis = 0; fits && axis != 3; ++axis)
    fits = counts.getDimSize(axis) == indices.getDimSize(axis);
  if (!fits)
    return op.emitOpError("expected ")
           << name << " blocks in counts [B or 1, " << heads
           << " or 1, rows] and indices [B or 1, " << heads
           << " or 1, rows, columns] of i32, got " << counts << " and "
           << indices;
  int64_t rows = counts.getDimSize(2);
  int64_t blockQ = *op.getBlockQ();
  if (ShapedType::isStatic(rows) && ShapedType::isStatic(queries) &&
      rows < llvm::divideCeilSigned(queries, blockQ))
    return op.emitOpError("expected at least ")
           << llvm::divideCeilSigned(queries, blockQ) << " rows of " << name
           << " blocks for " << queries << " queries, got " << rows;
  return success();
}

template <typename Op> static LogicalResult verifyLists(Op op) {
  std::pair<StringRef, BlockList> lists[] = {{"partial", op.getPartialBlocks()},
                                             {"full", op.getFullBlocks()}};
  // C13
  for (auto [name, list] : lists)
    if (!list.counts != !list.indices)
      return op.emitOpError("expected counts and indices of the ")
             << name << " blocks, got one of them";
  bool hasLists =
      llvm::any_of(lists, [](const auto &entry) { return bool(entry.second); });
  if (op.getBlockQ().has_value() != hasLists ||
      op.getBlockK().has_value() != hasLists)
    return op.emitOpError("expected the sizes of blocks where there are lists "
                          "of them, and nowhere else");
  if (!hasLists)
    return success();
  // C16
  if (op.getCuSeqlens())
    return op.emitOpError(
        "expected no lists of blocks with cu_seqlens: rows of "
        "blocks would belong to more than one sequence");
  if (!isa<KVDenseOp, KVLatentOp>(op.getKv().getDefiningOp()))
    return op.emitOpError("expected no lists of blocks with keys of '")
           << op.getKv().getDefiningOp()->getName()
           << "', which are not one dense tensor";
  for (auto [name, size] : {std::pair("block_q", op.getBlockQAttr().getInt()),
                            std::pair("block_k", op.getBlockKAttr().getInt())})
    if (size < 1)
      return op.emitOpError("expected ")
             << name << " to be at least 1, got " << size;
  for (auto [name, list] : lists)
    if (list && failed(verifyBlockList(op, name, list)))
      return failure();
  // C15
  if (!op.getMask().empty() && !op.getPartialBlocks())
    return op.emitOpError("expected partial blocks for the mask to apply to");
  return success();
}

LogicalResult attn::verifyBlockLists(AttentionOp op) { return verifyLists(op); }

LogicalResult attn::verifyBlockLists(AttentionBackwardOp op) {
  return verifyLists(op);
}
