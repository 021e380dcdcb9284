//===- AttentionRegions.cpp - Masks and score modifiers of an op ----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "AttentionVerify.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace mlir::attn;

static Block *createBlock(Region &region, ArrayRef<Type> types, Location loc) {
  Block &block = region.emplaceBlock();
  for (Type type : types)
    block.addArgument(type, loc);
  return &block;
}

Block *AttentionOp::createMaskBlock(Region &mask, Location loc) {
  Type index = IndexType::get(loc.getContext());
  return createBlock(mask, {index, index, index, index}, loc);
}

Block *AttentionOp::createScoreBlock(Region &score, Location loc) {
  Type index = IndexType::get(loc.getContext());
  Type f32 = Float32Type::get(loc.getContext());
  return createBlock(score, {f32, index, index, index, index}, loc);
}

void attn::nameRegionArguments(Region &region, bool isScore,
                               OpAsmSetValueNameFn setNameFn) {
  static constexpr StringLiteral names[] = {"x", "b", "h", "p", "j", "i"};
  ArrayRef<StringLiteral> own = names;
  if (!isScore)
    own = own.drop_front();
  for (auto [argument, name] : llvm::zip(region.getArguments(), own))
    setNameFn(argument, name);
}

/// C7: the arguments are those of `least`, and perhaps the number of the query.
static LogicalResult verifySignature(Operation *op, StringRef name,
                                     Block &block, SmallVector<Type> least,
                                     Type yielded) {
  SmallVector<Type> most = least;
  most.push_back(least.back());
  if (block.getArgumentTypes() != TypeRange(least) &&
      block.getArgumentTypes() != TypeRange(most))
    return op->emitOpError("expected region '")
           << name << "' to have arguments (" << TypeRange(least) << "), got ("
           << block.getArgumentTypes() << ")";
  auto yield = dyn_cast<YieldOp>(block.back());
  if (!yield)
    return op->emitOpError("expected region '")
           << name << "' to end with 'attn.yield', got '"
           << block.back().getName() << "'";
  if (yield.getValue().getType() != yielded)
    return yield.emitOpError("expected region '")
           << name << "' to yield " << yielded << ", got "
           << yield.getValue().getType();
  return success();
}

static bool isScalar(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() <= 64;
  return isa<IndexType, Float32Type, Float16Type, BFloat16Type>(type);
}

static bool isRegionOp(Operation &op) {
  if (isa<CausalOp, WindowOp, FirstOp, ChunkOp, PrefixOp, DocumentOp, DilatedOp,
          ColumnOp, SpanOp, BitsOp, TreeOp, SoftcapOp, AlibiOp, BiasOp, ReadOp,
          YieldOp>(op))
    return true;
  StringRef dialect = op.getName().getDialectNamespace();
  // Bits of floats and powers by an integer have no use here.
  StringRef excluded[] = {"arith.bitcast", "math.fpowi", "math.ipowi"};
  return (dialect == "arith" || dialect == "math") &&
         !llvm::is_contained(excluded, op.getName().getStringRef()) &&
         op.getNumResults() == 1 &&
         llvm::all_of(op.getOperandTypes(), isScalar) &&
         llvm::all_of(op.getResultTypes(), isScalar);
}

static LogicalResult verifyCaptures(Operation &op, Region &region,
                                    StringRef name) {
  for (Value operand : op.getOperands()) {
    if (region.isAncestor(operand.getParentRegion()) ||
        isa<RankedTensorType>(operand.getType()) ||
        matchPattern(operand, m_Constant()))
      continue;
    // C9
    return op.emitOpError("expected region '")
           << name << "' to capture tensors and constants only, got a value "
           << "of type " << operand.getType();
  }
  return success();
}

static LogicalResult verifyBody(Region &region, StringRef name) {
  for (Operation &op : region.front()) {
    // C8
    if (!isRegionOp(op))
      return op.emitOpError("expected region '")
             << name
             << "' to hold mask and score ops and scalar ops of arith and math";
    if (failed(verifyCaptures(op, region, name)))
      return failure();
  }
  return success();
}

LogicalResult attn::verifyMaskRegion(Operation *op, Region &mask) {
  if (mask.empty())
    return success();
  Builder builder(op->getContext());
  SmallVector<Type> least(4, builder.getIndexType());
  return failure(failed(verifySignature(op, "mask", mask.front(), least,
                                        builder.getI1Type())) ||
                 failed(verifyBody(mask, "mask")));
}

LogicalResult attn::verifyScoreRegion(Operation *op, Region &score) {
  if (score.empty())
    return success();
  Builder builder(op->getContext());
  Type f32 = builder.getF32Type();
  SmallVector<Type> least(5, builder.getIndexType());
  least.front() = f32;
  return failure(
      failed(verifySignature(op, "score", score.front(), least, f32)) ||
      failed(verifyBody(score, "score")));
}
