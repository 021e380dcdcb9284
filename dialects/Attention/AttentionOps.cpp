//===- AttentionOps.cpp - Tensor ops of the attn dialect ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "AttentionSyntax.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

#include <cmath>

using namespace mlir;
using namespace mlir::attn;

//===----------------------------------------------------------------------===//
// KVDenseOp
//===----------------------------------------------------------------------===//

LogicalResult
KVDenseOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                            Adaptor adaptor,
                            SmallVectorImpl<Type> &inferredReturnTypes) {
  auto key = dyn_cast<RankedTensorType>(adaptor.getKey().getType());
  auto value = dyn_cast<RankedTensorType>(adaptor.getValue().getType());
  if (!key || !value)
    return failure();
  auto emit = [&] {
    return mlir::emitError(loc.value_or(UnknownLoc::get(context)),
                           "'attn.kv.dense' op ");
  };
  KVType type = KVType::getChecked(emit, context, key, value);
  if (!type)
    return failure();
  inferredReturnTypes.push_back(type);
  return success();
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

void AttentionOp::build(OpBuilder &builder, OperationState &state, Value query,
                        Value kv, bool withLse, FloatAttr scale) {
  auto queryType = cast<RankedTensorType>(query.getType());
  state.addOperands({query, kv});
  auto &properties = state.getOrAddProperties<Properties>();
  properties.operandSegmentSizes[0] = properties.operandSegmentSizes[1] = 1;
  if (scale)
    properties.scale = scale;
  state.addTypes(inferOutputType(queryType, cast<KVType>(kv.getType())));
  if (withLse)
    state.addTypes(inferLseType(queryType));
  state.addRegion();
  state.addRegion();
}

double AttentionOp::getScaleOrDefault() {
  if (std::optional<APFloat> scale = getScale())
    return scale->convertToFloat();
  return 1.0 / std::sqrt(static_cast<double>(getKVType().getKeyDim()));
}

RankedTensorType AttentionOp::inferOutputType(RankedTensorType query,
                                              KVType kv) {
  ArrayRef<int64_t> shape = query.getShape();
  return RankedTensorType::get({shape[0], shape[1], shape[2], kv.getValueDim()},
                               query.getElementType());
}

RankedTensorType AttentionOp::inferLseType(RankedTensorType query) {
  ArrayRef<int64_t> shape = query.getShape();
  return RankedTensorType::get({shape[0], shape[2], shape[1]},
                               Float32Type::get(query.getContext()));
}

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

void AttentionOp::getAsmBlockArgumentNames(Region &region,
                                           OpAsmSetValueNameFn setNameFn) {
  static constexpr StringLiteral names[] = {"x", "b", "h", "p", "j"};
  ArrayRef<StringLiteral> own = names;
  if (region.getRegionNumber() == 0)
    own = own.drop_front();
  for (auto [argument, name] : llvm::zip(region.getArguments(), own))
    setNameFn(argument, name);
}

static bool mayDiffer(int64_t a, int64_t b) {
  return ShapedType::isStatic(a) && ShapedType::isStatic(b) && a != b;
}

LogicalResult AttentionOp::verify() {
  RankedTensorType query = getQueryType();
  // C1
  if (query.getRank() != 4)
    return emitOpError("expected query to have rank 4 ([B, Lq, Hq, D]), got ")
           << query;
  for (int64_t dim : {2, 3})
    if (query.isDynamicDim(dim) || query.getDimSize(dim) == 0)
      return emitOpError("expected dimension ")
             << dim << " of query to be static and positive, got " << query;
  // C2
  Operation *constructor = getKv().getDefiningOp();
  if (!constructor || !constructor->hasTrait<KVConstructor>())
    return emitOpError("expected kv to be defined by a constructor such as "
                       "'attn.kv.dense', got ")
           << (constructor
                   ? ("'" + constructor->getName().getStringRef() + "'").str()
                   : "an argument");
  // C3
  KVType kv = getKVType();
  RankedTensorType key = kv.getKeyType();
  if (query.getElementType() != kv.getElementType())
    return emitOpError("expected query and key to have the same element type, "
                       "got ")
           << query.getElementType() << " and " << kv.getElementType();
  for (int64_t dim : {0, 3})
    if (mayDiffer(query.getDimSize(dim), key.getDimSize(dim)))
      return emitOpError("expected query and key to agree in dimension ")
             << dim << ", got " << query << " and " << key;
  // C4
  if (getQueryHeads() % getKeyHeads() != 0)
    return emitOpError("expected the query heads to be a multiple of the key "
                       "heads, got ")
           << getQueryHeads() << " and " << getKeyHeads();
  // C5
  RankedTensorType output = inferOutputType(query, kv);
  if (getOutput().getType() != output)
    return emitOpError("expected output of type ")
           << output << ", got " << getOutput().getType();
  // C6
  RankedTensorType lse = inferLseType(query);
  if (getLse() && getLse().getType() != lse)
    return emitOpError("expected lse of type ")
           << lse << ", got " << getLse().getType();
  // C10
  if (getScale() && !getScale()->isFinite())
    return emitOpError("expected scale to be finite, got ") << getScaleAttr();
  // C11
  auto sink =
      RankedTensorType::get({getQueryHeads()}, Float32Type::get(getContext()));
  if (getSink() && getSink().getType() != sink)
    return emitOpError("expected sink of type ")
           << sink << ", got " << getSink().getType();
  return verifyBlockLists();
}

//===----------------------------------------------------------------------===//
// Regions
//===----------------------------------------------------------------------===//

static LogicalResult verifySignature(AttentionOp op, StringRef name,
                                     Block &block, TypeRange arguments,
                                     Type yielded) {
  // C7
  if (block.getArgumentTypes() != arguments)
    return op.emitOpError("expected region '")
           << name << "' to have arguments (" << arguments << "), got ("
           << block.getArgumentTypes() << ")";
  auto yield = dyn_cast<YieldOp>(block.back());
  if (!yield)
    return op.emitOpError("expected region '")
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
  if (isa<CausalOp, WindowOp, FirstOp, ChunkOp, PrefixOp, DocumentOp, SoftcapOp,
          AlibiOp, ReadOp, YieldOp>(op))
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

LogicalResult AttentionOp::verifyRegions() {
  Builder builder(getContext());
  Type index = builder.getIndexType();
  Type f32 = builder.getF32Type();
  if (Block *mask = getMaskBlock())
    if (failed(verifySignature(*this, "mask", *mask,
                               {index, index, index, index},
                               builder.getI1Type())) ||
        failed(verifyBody(getMask(), "mask")))
      return failure();
  if (Block *score = getScoreBlock())
    if (failed(verifySignature(*this, "score", *score,
                               {f32, index, index, index, index}, f32)) ||
        failed(verifyBody(getScore(), "score")))
      return failure();
  return success();
}

//===----------------------------------------------------------------------===//
// Canonicalization
//===----------------------------------------------------------------------===//

static Value getYielded(Block &block) {
  return cast<YieldOp>(block.back()).getValue();
}

/// Drops a mask that keeps everything.
static LogicalResult dropTrivialMask(AttentionOp op,
                                     PatternRewriter &rewriter) {
  Block *mask = op.getMaskBlock();
  if (!mask || !matchPattern(getYielded(*mask), m_One()))
    return failure();
  rewriter.modifyOpInPlace(op, [&] { rewriter.eraseBlock(mask); });
  return success();
}

/// Drops a score modifier that changes nothing.
static LogicalResult dropTrivialScore(AttentionOp op,
                                      PatternRewriter &rewriter) {
  Block *score = op.getScoreBlock();
  if (!score || getYielded(*score) != score->getArgument(0))
    return failure();
  rewriter.modifyOpInPlace(op, [&] { rewriter.eraseBlock(score); });
  return success();
}

/// Drops an lse that nobody reads.
static LogicalResult dropUnusedLse(AttentionOp op, PatternRewriter &rewriter) {
  if (!op.getLse() || !op.getLse().use_empty())
    return failure();
  auto attention = AttentionOp::create(rewriter, op.getLoc(),
                                       TypeRange{op.getOutput().getType()},
                                       op->getOperands(), op->getAttrs());
  attention.getMask().takeBody(op.getMask());
  attention.getScore().takeBody(op.getScore());
  rewriter.replaceAllUsesWith(op.getOutput(), attention.getOutput());
  rewriter.eraseOp(op);
  return success();
}

void AttentionOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                              MLIRContext *context) {
  patterns.add(dropTrivialMask);
  patterns.add(dropTrivialScore);
  patterns.add(dropUnusedLse);
}

#define GET_OP_CLASSES
#include "Attention/AttentionOps.cpp.inc"
