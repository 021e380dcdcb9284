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

/// The type of the keys and values that `Op` makes of tensors of `rank`.
template <typename Op>
static LogicalResult
inferKVType(MLIRContext *context, std::optional<Location> loc,
            typename Op::Adaptor adaptor, int64_t rank, StringRef dims,
            SmallVectorImpl<Type> &inferredReturnTypes) {
  auto key = dyn_cast<RankedTensorType>(adaptor.getKey().getType());
  auto value = dyn_cast<RankedTensorType>(adaptor.getValue().getType());
  if (!key || !value)
    return failure();
  auto emit = [&] {
    return mlir::emitError(loc.value_or(UnknownLoc::get(context)))
           << "'" << Op::getOperationName() << "' op ";
  };
  // C1
  if (key.getRank() != rank)
    return emit() << "expected key to have rank " << rank << " (" << dims
                  << "), got " << key;
  KVType type = KVType::getChecked(emit, context, key, value);
  if (!type)
    return failure();
  inferredReturnTypes.push_back(type);
  return success();
}

LogicalResult
KVDenseOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                            Adaptor adaptor,
                            SmallVectorImpl<Type> &inferredReturnTypes) {
  return inferKVType<KVDenseOp>(context, loc, adaptor, 4, "[B, Lk, Hk, D]",
                                inferredReturnTypes);
}

//===----------------------------------------------------------------------===//
// KVVarlenOp
//===----------------------------------------------------------------------===//

LogicalResult
KVVarlenOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                             Adaptor adaptor,
                             SmallVectorImpl<Type> &inferredReturnTypes) {
  return inferKVType<KVVarlenOp>(context, loc, adaptor, 3, "[total_k, Hk, D]",
                                 inferredReturnTypes);
}

static LogicalResult verifyCuSeqlens(Operation *op, Value cuSeqlens) {
  auto type = cast<RankedTensorType>(cuSeqlens.getType());
  if (type.getRank() == 1 && type.getElementType().isInteger(32) &&
      type.getDimSize(0) != 0)
    return success();
  return op->emitOpError("expected cu_seqlens of i32 with one element more "
                         "than there are sequences, got ")
         << type;
}

LogicalResult KVVarlenOp::verify() {
  return verifyCuSeqlens(*this, getCuSeqlens()); // C2
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

double AttentionOp::getScaleOrDefault() {
  if (std::optional<APFloat> scale = getScale())
    return scale->convertToFloat();
  return 1.0 / std::sqrt(static_cast<double>(getKVType().getKeyDim()));
}

KVTensors AttentionOp::getKVTensors() {
  Operation *constructor = getKv().getDefiningOp();
  if (auto varlen = dyn_cast_or_null<KVVarlenOp>(constructor))
    return {varlen.getKey(), varlen.getValue(), varlen.getCuSeqlens()};
  auto dense = cast<KVDenseOp>(constructor);
  return {dense.getKey(), dense.getValue(), Value()};
}

int64_t AttentionOp::getBatch() {
  if (!isPacked())
    return getQueryType().getDimSize(0);
  int64_t ends = cast<RankedTensorType>(getCuSeqlens().getType()).getDimSize(0);
  return ShapedType::isDynamic(ends) ? ends : ends - 1;
}

AttentionOp AttentionOp::takeWithoutLse(OpBuilder &builder) {
  auto attention =
      AttentionOp::create(builder, getLoc(), TypeRange{getOutput().getType()},
                          (*this)->getOperands(), (*this)->getAttrs());
  attention.getMask().takeBody(getMask());
  attention.getScore().takeBody(getScore());
  return attention;
}

RankedTensorType AttentionOp::inferOutputType(RankedTensorType query,
                                              KVType kv) {
  SmallVector<int64_t> shape(query.getShape());
  shape.back() = kv.getValueDim();
  return RankedTensorType::get(shape, query.getElementType());
}

/// Heads come in front of queries.
RankedTensorType AttentionOp::inferLseType(RankedTensorType query) {
  SmallVector<int64_t> shape(query.getShape().drop_back());
  std::swap(shape.back(), *std::prev(shape.end(), 2));
  return RankedTensorType::get(shape, Float32Type::get(query.getContext()));
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

static LogicalResult verifyQuery(AttentionOp op) {
  RankedTensorType query = op.getQueryType();
  int64_t rank = query.getRank();
  // C1
  if (op.getCuSeqlens() && rank != 3)
    return op.emitOpError("expected query to have rank 3 ([total_q, Hq, D]) "
                          "with cu_seqlens, got ")
           << query;
  if (!op.getCuSeqlens() && rank != 4)
    return op.emitOpError(
               "expected query to have rank 4 ([B, Lq, Hq, D]), got ")
           << query;
  for (int64_t dim : {rank - 2, rank - 1})
    if (query.isDynamicDim(dim) || query.getDimSize(dim) == 0)
      return op.emitOpError("expected dimension ")
             << dim << " of query to be static and positive, got " << query;
  return success();
}

/// C12: queries and keys are of the same sequences.
static LogicalResult verifySequences(AttentionOp op) {
  if (!op.isPacked())
    return success();
  if (failed(verifyCuSeqlens(op, op.getCuSeqlens())))
    return failure();
  Type own = op.getCuSeqlens().getType();
  Type other = op.getKVTensors().cuSeqlens.getType();
  if (!mayDiffer(cast<ShapedType>(own).getDimSize(0),
                 cast<ShapedType>(other).getDimSize(0)))
    return success();
  return op.emitOpError("expected cu_seqlens of queries and keys of the same "
                        "size, got ")
         << own << " and " << other;
}

LogicalResult AttentionOp::verify() {
  RankedTensorType query = getQueryType();
  if (failed(verifyQuery(*this)))
    return failure();
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
  if (query.getRank() != key.getRank())
    return emitOpError("expected queries and keys that are both packed "
                       "(cu_seqlens and 'attn.kv.varlen') or both dense, got ")
           << query << " and " << key;
  for (int64_t dim : {int64_t(0), query.getRank() - 1})
    if (!(isPacked() && dim == 0) &&
        mayDiffer(query.getDimSize(dim), key.getDimSize(dim)))
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
  if (failed(verifySequences(*this)))
    return failure();
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
  AttentionOp attention = op.takeWithoutLse(rewriter);
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
