//===- AttentionCache.cpp - What is written to caches ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "AttentionVerify.h"

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// RotaryOp
//===----------------------------------------------------------------------===//

LogicalResult RotaryOp::verify() {
  // C1
  RankedTensorType input = getTensorType(getInput());
  if (input.getRank() != 4 && input.getRank() != 3)
    return emitOpError("expected input [B, L, H, D] or [total, H, D], got ")
           << input;
  if (failed(verifyFloats(*this, "input", getInput())) ||
      failed(verifyTensor(*this, "positions", getPositions(),
                          input.getShape().drop_back(2),
                          IntegerType::get(getContext(), 32))))
    return failure();
  // C2
  RankedTensorType frequencies = getTensorType(getFrequencies());
  if (frequencies.getRank() != 1 || frequencies.isDynamicDim(0) ||
      !frequencies.getElementType().isF32())
    return emitOpError("expected frequencies [n] of f32 with a static n, got ")
           << frequencies;
  // C3
  int64_t begin = getOffset(), end;
  if (llvm::MulOverflow<int64_t>(2, frequencies.getDimSize(0), end) ||
      llvm::AddOverflow(begin, end, end))
    end = std::numeric_limits<int64_t>::max();
  if (begin < 0 || input.isDynamicDim(input.getRank() - 1) ||
      end > input.getShape().back())
    return emitOpError("expected channels ")
           << begin << " to " << end << " to be among those of " << input;
  return verifyFinite(*this, "amplitude", getAmplitudeAttr()); // C4
}

//===----------------------------------------------------------------------===//
// QuantizeOp and DequantizeOp
//===----------------------------------------------------------------------===//

LogicalResult QuantizeOp::verify() {
  // C1
  RankedTensorType input = getTensorType(getInput());
  RankedTensorType data = getTensorType(getData());
  Type element = data.getElementType();
  if (failed(verifyFloats(*this, "input", getInput())))
    return failure();
  if (!isa<Float8E4M3FNType, Float8E5M2Type>(element) && !element.isInteger(8))
    return emitOpError("expected data of f8E4M3FN, f8E5M2 or i8, got ") << data;
  if (failed(verifyShape(*this, "data", getData(), input.getShape())))
    return failure();
  // C2
  if (failed(verifyAtLeast(*this, "group", getGroup(), 1)))
    return failure();
  int64_t group = getGroup();
  if (input.getRank() == 0 || input.isDynamicDim(input.getRank() - 1) ||
      input.getShape().back() % group != 0)
    return emitOpError("expected input with a last size that is a multiple of ")
           << group << ", got " << input;
  SmallVector<int64_t> scales(input.getShape());
  scales.back() /= group;
  if (failed(verifyTensor(*this, "scale", getScale(), scales,
                          Float32Type::get(getContext()))))
    return failure();
  // C3
  std::optional<APFloat> least = getLeast();
  if (least && (!least->isFinite() || least->isNegative()))
    return emitOpError("expected least to be at least 0 and finite, got ")
           << getLeastAttr();
  return success();
}

static LogicalResult verifyScale(DequantizeOp op, StringRef name, Value scale) {
  // C2
  RankedTensorType data = getTensorType(op.getData());
  RankedTensorType type = getTensorType(scale);
  if (type.getRank() != data.getRank() || !type.getElementType().isF32())
    return op.emitOpError("expected ")
           << name << " of f32 and of the rank of " << data << ", got " << type;
  // C4
  for (int64_t axis = 0; axis != data.getRank(); ++axis) {
    int64_t size = data.getDimSize(axis), own = type.getDimSize(axis);
    int64_t group = op.getGroup(axis);
    int64_t groups = ShapedType::isDynamic(size)
                         ? size
                         : llvm::divideCeilSigned(size, group);
    if (own != 1 && mayDiffer(own, groups))
      return op.emitOpError("expected size ")
             << axis << " of " << name << " to be 1 or " << groups << ", got "
             << own;
  }
  return success();
}

LogicalResult DequantizeOp::verify() {
  // C1
  RankedTensorType data = getTensorType(getData());
  Type element = data.getElementType();
  bool isSmall =
      isa<IntegerType>(element) && element.getIntOrFloatBitWidth() <= 8;
  if (!isSmall && !isa<Float8E4M3FNType, Float8E5M2Type>(element))
    return emitOpError("expected data of f8E4M3FN, f8E5M2 or integers of at "
                       "most 8 bits, got ")
           << data;
  if (failed(verifyFloats(*this, "result", getResult())) ||
      failed(verifyShape(*this, "result", getResult(), data.getShape())))
    return failure();
  // C3
  if (std::optional<ArrayRef<int64_t>> groups = getGroups())
    if (static_cast<int64_t>(groups->size()) != data.getRank() ||
        llvm::any_of(*groups, [](int64_t group) { return group < 1; }))
      return emitOpError("expected ")
             << data.getRank() << " groups of at least 1, got "
             << getGroupsAttr();
  if (failed(verifyScale(*this, "scale", getScale())))
    return failure();
  return getZero() ? verifyScale(*this, "zero", getZero()) : success();
}

//===----------------------------------------------------------------------===//
// UnpackMlaOp
//===----------------------------------------------------------------------===//

LogicalResult UnpackMlaOp::verify() {
  // C1
  RankedTensorType bytes = getTensorType(getBytes());
  if (bytes.getRank() == 0 || bytes.getShape().back() != kBytes ||
      !bytes.getElementType().isInteger(8))
    return emitOpError("expected bytes of i8 in rows of ")
           << kBytes << ", got " << bytes;
  SmallVector<int64_t> shape(bytes.getShape());
  shape.back() = kQuantized + kPlain;
  return failure(failed(verifyFloats(*this, "result", getResult())) ||
                 failed(verifyShape(*this, "result", getResult(), shape)));
}

//===----------------------------------------------------------------------===//
// CacheAppendOp
//===----------------------------------------------------------------------===//

LogicalResult CacheAppendOp::verify() {
  // C1
  RankedTensorType cache = getTensorType(getCache());
  if (cache.getRank() != 4)
    return emitOpError("expected cache [pages, size, H, D] or [pages, H, size, "
                       "D], got ")
           << cache;
  // C2
  RankedTensorType rows = getTensorType(getRows());
  if (rows.getRank() != 4 && rows.getRank() != 3)
    return emitOpError("expected rows [B, L, H, D] or [total, H, D], got ")
           << rows;
  SmallVector<int64_t> shape(rows.getShape());
  shape[rows.getRank() - 2] = cache.getDimSize(getHeadsFirst() ? 1 : 2);
  shape.back() = cache.getDimSize(3);
  if (failed(verifyTensor(*this, "rows", getRows(), shape,
                          cache.getElementType())))
    return failure();
  // C3
  return verifyTensor(*this, "slots", getSlots(), rows.getShape().drop_back(2),
                      IntegerType::get(getContext(), 32));
}
