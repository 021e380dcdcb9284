//===- AttentionRecurrenceAttrs.td - Kinds of states and gates -*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Encodings of tensors that would otherwise be told apart by nothing: of a square
// state either axis could be the key's, and a number below 1 could be a decay as
// well as its logarithm.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONRECURRENCEATTRS_TD
#define ATTN_ATTENTION_ATTENTIONRECURRENCEATTRS_TD

include "Attention/AttentionDialect.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"

def Attn_StateLayout : I32EnumAttr<"StateLayout", "which axis of a state is the key's", [
    I32EnumAttrCase<"KeyValue", 0, "key_value">,
    I32EnumAttrCase<"ValueKey", 1, "value_key">]> {
  let cppNamespace = "::mlir::attn";
  let genSpecializedAttr = 0;
}

def StateAttr : AttrDef<AttentionDialect, "State"> {
  let mnemonic = "state";
  let summary = "encoding of a tensor of recurrent states";
  let description = [{
    Says what the last two axes of a tensor of states are: `[..., K, V]`
    (`key_value`) or `[..., V, K]` (`value_key`).

    Example:

    ```mlir
    tensor<?x32x128x128xf32, #attn.state<key_value>>
    ```
  }];
  let parameters = (ins EnumParameter<Attn_StateLayout>:$layout);
  let assemblyFormat = "`<` $layout `>`";
}

def Attn_GateScale : I32EnumAttr<"GateScale", "on which scale a decay is given", [
    I32EnumAttrCase<"Log", 0, "log">,
    I32EnumAttrCase<"Linear", 1, "linear">]> {
  let cppNamespace = "::mlir::attn";
  let genSpecializedAttr = 0;
}

def GateAttr : AttrDef<AttentionDialect, "Gate"> {
  let mnemonic = "gate";
  let summary = "encoding of a tensor of decays";
  let description = [{
    Says what a tensor of decays holds: the factors themselves (`linear`) or their
    natural logarithms (`log`).

    Example:

    ```mlir
    tensor<?x?x32xf32, #attn.gate<log>>
    ```
  }];
  let parameters = (ins EnumParameter<Attn_GateScale>:$scale);
  let assemblyFormat = "`<` $scale `>`";
}

#endif // ATTN_ATTENTION_ATTENTIONRECURRENCEATTRS_TD
