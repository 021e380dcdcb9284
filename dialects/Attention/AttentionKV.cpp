//===- AttentionKV.cpp - Constructors of keys and values ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "AttentionVerify.h"

#include "llvm/ADT/TypeSwitch.h"

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

LogicalResult KVVarlenOp::verify() {
  return verifyCuSeqlens(*this, getCuSeqlens()); // C2
}

//===----------------------------------------------------------------------===//
// KVLatentOp
//===----------------------------------------------------------------------===//

/// The first `slice` channels of `key`, without a rule broken.
static RankedTensorType sliceChannels(RankedTensorType key, int64_t slice) {
  SmallVector<int64_t> shape(key.getShape());
  shape.back() = std::max<int64_t>(slice, 1);
  return key.clone(shape);
}

static LogicalResult verifySlice(Operation *op, int64_t slice,
                                 RankedTensorType key) {
  // The rank of an op in generic form is looked at behind this.
  int64_t channels = key.getRank() == 0 ? 1 : key.getShape().back();
  if (slice >= 1 && slice <= channels)
    return success();
  return op->emitOpError("expected slice to be from 1 to ")
         << channels << ", got " << slice;
}

LogicalResult
KVLatentOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                             Adaptor adaptor,
                             SmallVectorImpl<Type> &inferredReturnTypes) {
  auto key = dyn_cast<RankedTensorType>(adaptor.getKey().getType());
  auto slice = adaptor.getSliceAttr();
  if (!key || !slice)
    return failure();
  auto emit = [&] {
    return mlir::emitError(loc.value_or(UnknownLoc::get(context)))
           << "'" << getOperationName() << "' op ";
  };
  // C1
  int64_t rank = adaptor.getCuSeqlens() ? 3 : 4;
  if (key.getRank() != rank)
    return emit() << "expected key to have rank " << rank << " ("
                  << (rank == 3 ? "[total_k, Hk, D]" : "[B, Lk, Hk, D]")
                  << "), got " << key;
  KVType type = KVType::getChecked(emit, context, key,
                                   sliceChannels(key, slice.getInt()));
  if (!type)
    return failure();
  inferredReturnTypes.push_back(type);
  return success();
}

LogicalResult KVLatentOp::verify() {
  // C2
  if (failed(
          verifySlice(*this, getSliceAttr().getInt(), getTensorType(getKey()))))
    return failure();
  // C3
  return getCuSeqlens() ? verifyCuSeqlens(*this, getCuSeqlens()) : success();
}

//===----------------------------------------------------------------------===//
// KVPagedOp
//===----------------------------------------------------------------------===//

/// `[B, ?, Hk, D]` of pages; of other ranks what they are.
static RankedTensorType readPages(RankedTensorType pages, int64_t batch,
                                  bool headsFirst) {
  if (pages.getRank() != 4)
    return pages;
  return pages.clone({batch, ShapedType::kDynamic,
                      pages.getDimSize(headsFirst ? 1 : 2),
                      pages.getDimSize(3)});
}

/// The number of sequences, where it is static.
static int64_t findBatch(KVPagedOp::Adaptor adaptor) {
  Value perSequence =
      adaptor.getLengths() ? adaptor.getLengths() : adaptor.getLastPageLen();
  auto type = perSequence ? dyn_cast<RankedTensorType>(perSequence.getType())
                          : RankedTensorType();
  return type && type.getRank() == 1 ? type.getDimSize(0)
                                     : ShapedType::kDynamic;
}

LogicalResult
KVPagedOp::inferReturnTypes(MLIRContext *context, std::optional<Location> loc,
                            Adaptor adaptor,
                            SmallVectorImpl<Type> &inferredReturnTypes) {
  auto key = dyn_cast<RankedTensorType>(adaptor.getKey().getType());
  if (!key)
    return failure();
  auto emit = [&] {
    return mlir::emitError(loc.value_or(UnknownLoc::get(context)))
           << "'" << getOperationName() << "' op ";
  };
  // C1
  auto value = key;
  if (adaptor.getValue())
    value = dyn_cast<RankedTensorType>(adaptor.getValue().getType());
  else if (std::optional<int64_t> slice = adaptor.getSlice())
    value = key.getRank() ? sliceChannels(key, *slice) : key;
  if (!value)
    return emit() << "expected values in a ranked tensor, got "
                  << adaptor.getValue().getType();
  bool fits = key.getRank() == 4 && value.getRank() == 4;
  for (int64_t dim = 0; fits && dim != 3; ++dim)
    fits = key.getDimSize(dim) == value.getDimSize(dim);
  if (!fits)
    return emit() << "expected pages of keys and values of rank 4 that agree "
                     "in all sizes but the last, got "
                  << key << " and " << value;
  int64_t batch = findBatch(adaptor);
  KVType type = KVType::getChecked(
      emit, context, readPages(key, batch, adaptor.getHeadsFirst()),
      readPages(value, batch, adaptor.getHeadsFirst()));
  if (!type)
    return failure();
  inferredReturnTypes.push_back(type);
  return success();
}

LogicalResult KVPagedOp::verify() {
  // C2
  if (!getValue() == !getSlice())
    return emitOpError("expected either values or a slice of the keys");
  if (getSlice() && failed(verifySlice(*this, getSliceAttr().getInt(),
                                       getTensorType(getKey()))))
    return failure();
  // C3
  if (!getTable() == !getIndptr())
    return emitOpError("expected either a table or csr");
  int64_t any = ShapedType::kDynamic;
  int64_t batch = getKv().getType().getKeyType().getDimSize(0);
  Type i32 = IntegerType::get(getContext(), 32);
  // C4
  if (getTable())
    return failure(
        failed(verifyTensor(*this, "table", getTable(), {batch, any}, i32)) ||
        failed(verifyTensor(*this, "lengths", getLengths(), {any}, i32)));
  // C5
  int64_t ends = ShapedType::isDynamic(batch) ? batch : batch + 1;
  return failure(
      failed(verifyTensor(*this, "indptr", getIndptr(), {ends}, i32)) ||
      failed(verifyTensor(*this, "indices", getIndices(), {any}, i32)) ||
      failed(
          verifyTensor(*this, "last_page_len", getLastPageLen(), {any}, i32)));
}

//===----------------------------------------------------------------------===//
// KVGatherOp
//===----------------------------------------------------------------------===//

LogicalResult KVGatherOp::verify() {
  // C1
  if (failed(verifyConstructed(*this, "source", getSource())))
    return failure();
  // C2
  RankedTensorType type = getTensorType(getIndices());
  int64_t rank = type.getRank();
  if ((rank != 4 && rank != 3) || !type.getElementType().isInteger(32))
    return emitOpError("expected indices [B, Lq, Hs, n] or [total_q, Hs, n] of "
                       "i32, got ")
           << type;
  if (failed(verifyStatic(*this, "indices", getIndices(), {rank - 2})))
    return failure();
  return verifyAtLeast(*this, "block", getBlock(), 1); // C3
}

//===----------------------------------------------------------------------===//
// KVConcatOp
//===----------------------------------------------------------------------===//

LogicalResult KVConcatOp::verify() {
  // C2
  if (getSources().empty())
    return emitOpError("expected at least one source");
  KVType kv = getKv().getType();
  int64_t length = 0;
  for (Value source : getSources()) {
    // C1
    if (failed(verifyConstructed(*this, "sources", source)))
      return failure();
    auto type = cast<KVType>(source.getType());
    // C2
    if (type.isPacked() || kv.isPacked())
      return emitOpError("expected sources that are not packed, got ") << type;
    // C3
    int64_t own = type.getKeyType().getDimSize(1);
    bool isKnown = ShapedType::isStatic(length) && ShapedType::isStatic(own);
    length = isKnown ? length + own : ShapedType::kDynamic;
    bool fits = type.getElementType() == kv.getElementType() &&
                type.getHeads() == kv.getHeads() &&
                type.getKeyDim() == kv.getKeyDim() &&
                type.getValueDim() == kv.getValueDim() &&
                !mayDiffer(type.getKeyType().getDimSize(0),
                           kv.getKeyType().getDimSize(0));
    if (!fits)
      return emitOpError("expected sources that agree with ")
             << kv << " but for the length, got " << type;
  }
  if (mayDiffer(length, kv.getKeyType().getDimSize(1)))
    return emitOpError("expected kv of length ") << length << ", got " << kv;
  return success();
}

//===----------------------------------------------------------------------===//
// What is known of any of them
//===----------------------------------------------------------------------===//

LogicalResult attn::verifyConstructed(Operation *op, StringRef name, Value kv) {
  Operation *constructor = kv.getDefiningOp();
  if (constructor && constructor->hasTrait<KVConstructor>())
    return success();
  return op->emitOpError("expected ")
         << name
         << " to be defined by a constructor such as 'attn.kv.dense', got "
         << (constructor
                 ? ("'" + constructor->getName().getStringRef() + "'").str()
                 : "an argument");
}

SmallVector<KVStorage> attn::getKVSources(Value kv) {
  SmallVector<KVStorage> sources;
  TypeSwitch<Operation *>(kv.getDefiningOp())
      .Case<KVDenseOp, KVVarlenOp, KVPagedOp>(
          [&](auto op) { sources.push_back({op.getKey(), op.getValue()}); })
      .Case([&](KVLatentOp op) { sources.push_back({op.getKey(), Value()}); })
      .Case([&](KVGatherOp op) { sources = getKVSources(op.getSource()); })
      .Case([&](KVConcatOp op) {
        for (Value source : op.getSources())
          llvm::append_range(sources, getKVSources(source));
      });
  return sources;
}

bool attn::hasOwnLengths(Value kv) {
  Operation *constructor = kv.getDefiningOp();
  if (auto gather = dyn_cast<KVGatherOp>(constructor))
    return hasOwnLengths(gather.getSource());
  if (auto concat = dyn_cast<KVConcatOp>(constructor))
    return llvm::all_of(concat.getSources(), hasOwnLengths);
  return isa<KVPagedOp>(constructor);
}

Value attn::getKVEnds(Value kv) {
  Operation *constructor = kv.getDefiningOp();
  if (auto gather = dyn_cast<KVGatherOp>(constructor))
    return getKVEnds(gather.getSource());
  if (auto varlen = dyn_cast<KVVarlenOp>(constructor))
    return varlen.getCuSeqlens();
  if (auto latent = dyn_cast<KVLatentOp>(constructor))
    return latent.getCuSeqlens();
  return {};
}
