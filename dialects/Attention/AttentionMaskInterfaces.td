//===- AttentionMaskInterfaces.td - Ops with a mask --------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONMASKINTERFACES_TD
#define ATTN_ATTENTION_ATTENTIONMASKINTERFACES_TD

include "mlir/IR/OpBase.td"

def MaskedOpInterface : OpInterface<"MaskedOpInterface"> {
  let cppNamespace = "::mlir::attn";
  let description = [{
    An op that has a mask over queries and keys, and what the ops in the region
    of the mask, or of a score modifier, have to know of it.
  }];
  let methods = [
    InterfaceMethod<"The number of sequences, where it is static.", "int64_t",
                    "getBatch">,
    InterfaceMethod<"The number of heads that `%h` counts.", "int64_t",
                    "getQueryHeads">,
    InterfaceMethod<"Whether queries are packed.", "bool", "isPacked">,
    InterfaceMethod<"Where the keys of each of the packed sequences begin, or "
                    "null where keys are not packed.", "::mlir::Value",
                    "getKeyEnds">,
    InterfaceMethod<"The sizes of the keys besides heads and channels.",
                    "::llvm::SmallVector<int64_t>", "getKeyRows">
  ];
}

#endif // ATTN_ATTENTION_ATTENTIONMASKINTERFACES_TD
