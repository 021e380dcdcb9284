//===- AttentionMerge.cpp - Parts of attention ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "AttentionVerify.h"

using namespace mlir;
using namespace mlir::attn;

/// Whether the elements are f32, with or without the base in the type.
static bool isF32(Value tensor) {
  return getTensorType(tensor).getElementType().isF32();
}

static bool isLog2(Value lse) {
  return isa_and_nonnull<Log2Attr>(getTensorType(lse).getEncoding());
}

static LogicalResult verifyLses(MergeOp op) {
  // C2
  if (op.getLses().empty())
    return success();
  if (op.getLses().size() != op.getOutputs().size())
    return op.emitOpError("expected an lse for each of the ")
           << op.getOutputs().size() << " parts, got " << op.getLses().size();
  RankedTensorType part = getTensorType(op.getOutputs().front());
  RankedTensorType inferred = AttentionOp::inferLseType(part);
  Type own = op.getLses().front().getType();
  for (Value lse : op.getLses())
    if (lse.getType() != own)
      return op.emitOpError("expected lse of one type and base, got ")
             << own << " and " << lse.getType();
  if (op.getLse() && op.getLse().getType() != own)
    return op.emitOpError("expected the lse to have the type of those of the "
                          "parts, ")
           << own << ", got " << op.getLse().getType();
  return verifyTensor(op, "lse", op.getLses().front(), inferred.getShape(),
                      inferred.getElementType());
}

LogicalResult MergeOp::verify() {
  // C1
  if (getOutputs().empty())
    return emitOpError("expected at least one part");
  RankedTensorType part = getTensorType(getOutputs().front());
  if (part.getRank() != 4 && part.getRank() != 3)
    return emitOpError("expected parts [B, Lq, Hq, Dv] or [total_q, Hq, Dv], "
                       "got ")
           << part;
  for (Value output : getOutputs())
    if (output.getType() != part)
      return emitOpError("expected parts of one type, got ")
             << part << " and " << output.getType();
  if (failed(verifyStatic(*this, "the parts", getOutputs().front(),
                          {part.getRank() - 2, part.getRank() - 1})))
    return failure();
  if (failed(verifyLses(*this)))
    return failure();
  // C3
  if (getSink()) {
    if (getLses().empty())
      return emitOpError("expected a sink with lse alone: sums have no total "
                         "that it could be part of");
    int64_t heads = part.getShape().take_back(2).front();
    if (failed(verifyTensor(*this, "sink", getSink(), {heads},
                            Float32Type::get(getContext()))))
      return failure();
  }
  // C4
  if (failed(verifyFloats(*this, "output", getOutput())) ||
      failed(verifyFloats(*this, "the parts", getOutputs().front())) ||
      failed(verifyShape(*this, "output", getOutput(), part.getShape())))
    return failure();
  // C5
  if (getLse() && getLses().empty())
    return emitOpError("expected no lse of parts that have none");
  return success();
}

LogicalResult ConvertLseOp::verify() {
  // C1
  if (isF32(getLse()) && isF32(getResult()) &&
      getTensorType(getLse()).getShape() ==
          getTensorType(getResult()).getShape() &&
      isLog2(getLse()) != isLog2(getResult()))
    return success();
  return emitOpError("expected f32 of one shape to and from the encoding "
                     "#attn.log2, got ")
         << getLse().getType() << " and " << getResult().getType();
}
