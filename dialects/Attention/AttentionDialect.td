//===- AttentionDialect.td - The attn dialect --------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONDIALECT_TD
#define ATTN_ATTENTION_ATTENTIONDIALECT_TD

include "mlir/IR/OpBase.td"

def AttentionDialect : Dialect {
  let name = "attn";
  let cppNamespace = "::mlir::attn";
  let summary = "what attention computes";
  let description = [{
    A program over tensors that says what is scored, masked, normalised and
    summed. It knows nothing of tiles or of hardware.

    Shapes are `[B, L, H, D]`: batch, length, heads, head dimension. Sequences
    of varying length are packed into `[total, H, D]`, one after the other, and
    `cu_seqlens` says where each begins. The dialect defines the discardable attribute `attn.name`, a string on an
    argument or a result of a function, by which tools name the tensor.
  }];

  let dependentDialects = ["::mlir::arith::ArithDialect"];
  let hasConstantMaterializer = 1;
  let hasRegionArgAttrVerify = 1;
  let hasRegionResultAttrVerify = 1;
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;

  let extraClassDeclaration = [{
    /// The name of an argument or a result of a function.
    static constexpr ::llvm::StringLiteral kNameAttr = "attn.name";
  }];
}

class Attn_Op<string mnemonic, list<Trait> traits = []>
    : Op<AttentionDialect, mnemonic, traits>;

#endif // ATTN_ATTENTION_ATTENTIONDIALECT_TD
