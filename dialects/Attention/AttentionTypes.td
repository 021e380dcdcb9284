//===- AttentionTypes.td - Types of the attn dialect -------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONTYPES_TD
#define ATTN_ATTENTION_ATTENTIONTYPES_TD

include "Attention/AttentionDialect.td"
include "mlir/IR/AttrTypeBase.td"

def KVType : TypeDef<AttentionDialect, "KV"> {
  let mnemonic = "kv";
  let summary = "keys and values, however they are addressed";
  let description = [{
    The sequence of keys and values that an attention reads. How a position is
    found in memory is the business of the constructor (`attn.kv.dense`,
    `attn.kv.varlen`, `attn.kv.paged`, ...), which stands in the same function: a value of this type
    is never an argument.

    The parameters are the logical tensors of keys `[B, Lk, Hk, D]` and of
    values `[B, Lk, Hk, Dv]`, or, packed, `[total_k, Hk, D]` and
    `[total_k, Hk, Dv]`.

    - (C1) keys and values have rank 4, or both rank 3 (packed).
    - (C2) heads and head dimensions are static and positive; batch and length
      may be dynamic.
    - (C3) keys and values agree in batch, length and heads; `D` and `Dv` may
      differ.
    - (C4) both have the same element type, one of bf16, f16, f32.

    Example:

    ```mlir
    !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
    !attn.kv<tensor<?x8x128xbf16>, tensor<?x8x128xbf16>>
    ```
  }];
  let parameters = (ins "::mlir::RankedTensorType":$keyType,
                        "::mlir::RankedTensorType":$valueType);
  let assemblyFormat = "`<` $keyType `,` $valueType `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The element type of keys and values.
    ::mlir::Type getElementType() const {
      return getKeyType().getElementType();
    }
    /// The number of key and value heads.
    int64_t getHeads() const {
      return getKeyType().getShape().take_back(2).front();
    }
    /// The head dimension of keys (D).
    int64_t getKeyDim() const { return getKeyType().getShape().back(); }
    /// The head dimension of values (Dv).
    int64_t getValueDim() const { return getValueType().getShape().back(); }
    /// Whether sequences of varying length are packed.
    bool isPacked() const { return getKeyType().getRank() == 3; }
  }];
}

#endif // ATTN_ATTENTION_ATTENTIONTYPES_TD
