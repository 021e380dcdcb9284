//===- Attention.h - The attn dialect ---------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTION_H
#define ATTN_ATTENTION_ATTENTION_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/MathExtras.h"

#include <limits>

namespace mlir::attn {

/// Marks the ops that make a `!attn.kv`.
template <typename ConcreteType>
class KVConstructor : public OpTrait::TraitBase<ConcreteType, KVConstructor> {};

/// The whole tensors that a constructor makes a `!attn.kv` from, or nulls.
struct KVTensors {
  Value key, value;
  /// Where each sequence begins, and the last one ends; null for dense ones.
  Value cuSeqlens;
};

/// The tensors that hold keys and values. The value is null where it is a slice
/// of the key.
struct KVStorage {
  Value key, value;
};

/// What the keys of each source are stored in, one after the other, also where
/// lists choose among them.
SmallVector<KVStorage> getKVSources(Value kv);

/// The counts and the indices of a list of blocks, or nulls.
struct BlockList {
  Value counts, indices;
  explicit operator bool() const { return static_cast<bool>(counts); }
};

/// The factor on the queries of a recurrence: `scale`, or K^-1/2.
double getRecurrenceScale(std::optional<APFloat> scale, int64_t keyDim);

} // namespace mlir::attn

#include "Attention/AttentionDialect.h.inc"
#include "Attention/AttentionEnums.h.inc"
#include "Attention/AttentionMaskInterfaces.h.inc"
#include "Attention/AttentionRecurrenceInterfaces.h.inc"

#define GET_ATTRDEF_CLASSES
#include "Attention/AttentionAttrs.h.inc"

#define GET_TYPEDEF_CLASSES
#include "Attention/AttentionTypes.h.inc"

#define GET_OP_CLASSES
#include "Attention/AttentionOps.h.inc"

#endif // ATTN_ATTENTION_ATTENTION_H
