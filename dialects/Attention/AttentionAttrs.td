//===- AttentionAttrs.td - Attributes of the attn dialect --*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONATTRS_TD
#define ATTN_ATTENTION_ATTENTIONATTRS_TD

include "Attention/AttentionDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Attn_Normalizer : I32EnumAttr<"Normalizer", "how scores become weights", [
    I32EnumAttrCase<"Softmax", 0, "softmax">,
    I32EnumAttrCase<"OffByOne", 1, "off_by_one">,
    I32EnumAttrCase<"Sigmoid", 2, "sigmoid">]> {
  let cppNamespace = "::mlir::attn";
  let genSpecializedAttr = 0;
}

def Attn_NormalizerAttr
    : EnumAttr<AttentionDialect, Attn_Normalizer, "normalizer"> {
  let assemblyFormat = "`<` $value `>`";
  let summary = "how the scores of a query become weights";
  let description = [{
    With `x_j` the scores of the keys that a query sees:

    - `softmax`: `exp(x_j) / sum_j exp(x_j)`.
    - `off_by_one`: `exp(x_j) / (1 + sum_j exp(x_j))`, as if there were a sink of
      score 0.
    - `sigmoid`: `1 / (1 + exp(-x_j))`, without a sum. A bias is a score modifier.
  }];
}

def Attn_Log2Attr : AttrDef<AttentionDialect, "Log2"> {
  let mnemonic = "log2";
  let summary = "the elements of a tensor are logarithms to the base 2";
  let description = [{
    The encoding of a tensor of lse that a library made whose logarithms have the
    base 2. Without it they are natural. The two are different types, and
    `attn.convert_lse` leads from one to the other.
  }];
}

#endif // ATTN_ATTENTION_ATTENTIONATTRS_TD
