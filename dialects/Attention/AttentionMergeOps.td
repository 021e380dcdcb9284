//===- AttentionMergeOps.td - Parts of attention -----------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONMERGEOPS_TD
#define ATTN_ATTENTION_ATTENTIONMERGEOPS_TD

include "Attention/AttentionAttrs.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def MergeOp : Attn_Op<"merge", [Pure, AttrSizedOperandSegments]> {
  let summary = "attention over the union of disjoint sets of keys";
  let description = [{
    Each part is the output of an attention of the same queries over other keys.
    With lse, for each query and head,

        lse = ln(sum_s exp(lse_s))
        total = lse, or ln(exp(lse) + exp(sink))
        output = sum_s exp(lse_s - total) * output_s

    where a part without keys (output 0, lse -inf) counts nothing, and a query
    without keys in any part has output 0 and lse -inf. If the lse of the parts have
    base 2 (`#attn.log2`), so does that of the result, and `2^` stands for `exp`
    but for the sink, which is natural as in an attention. The sink is no part of
    lse, so it is given once, to the last merge.

    Without lse, output is the sum of the parts: what sigmoid attention needs.

    Numerics:

    - The largest lse is taken out in front of the exponentials; where all are -inf
      the output is 0 and the lse -inf.
    - Order and grouping of the parts do not matter, up to rounding.

    Source: cascade inference of FlashInfer, arXiv 2501.01005; ring attention, arXiv
    2310.01889.

    - (C1) there is at least one part, and all have one type, of rank 4 or 3.
    - (C2) with lse, there is one for each part, `[B, Hq, Lq]` or `[Hq, total_q]`
      of f32, and all are of the type of the result's, if there is one.
    - (C3) sink comes with lse and is `[Hq]` of f32.
    - (C4) output has the shape of the parts and float elements.
    - (C5) lse is a result only where the parts have one.

    Examples:

    ```mlir
    %o, %lse = attn.merge %o1, %o2 lse(%lse1, %lse2) sink(%sink)
        : (tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>,
           tensor<?x8x?xf32>, tensor<8xf32>)
        -> (tensor<?x?x8x64xbf16>, tensor<?x8x?xf32>)
    %sum = attn.merge %o1, %o2
        : (tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>) -> tensor<?x?x8x64xf32>
    ```
  }];
  let arguments = (ins
    Arg<Variadic<AnyRankedTensor>, "the outputs of the parts">:$outputs,
    Arg<Variadic<AnyRankedTensor>, "their lse">:$lses,
    Arg<Optional<AnyRankedTensor>, "a score per head without a value">:$sink
  );
  let results = (outs
    Res<AnyRankedTensor, "the output over all keys">:$output,
    Res<Optional<AnyRankedTensor>, "the lse of all keys">:$lse
  );
  let assemblyFormat = [{
    $outputs (`lse` `(` $lses^ `)`)? (`sink` `(` $sink^ `)`)? attr-dict
    `:` functional-type(operands, results)
  }];
  let hasVerifier = 1;
}

def ConvertLseOp : Attn_Op<"convert_lse", [Pure]> {
  let summary = "logarithms to another base";
  let description = [{
    From natural logarithms to those to the base 2, or back: a factor of
    `log2(e)` or `ln(2)`. An infinity stays what it is.

        result = lse * ln(2)         from #attn.log2
        result = lse * log2(e)       to #attn.log2

    Numerics:

    - -inf, the lse of a query without keys, stays -inf.

    Source: FlashInfer's logarithms have base 2, FlashAttention's are natural.

    - (C1) lse and result are f32 of one shape, and one of them has the encoding
      `#attn.log2`.

    Example:

    ```mlir
    %lse = attn.convert_lse %theirs
        : tensor<?x8x?xf32, #attn.log2> -> tensor<?x8x?xf32>
    ```
  }];
  let arguments = (ins Arg<AnyRankedTensor, "the logarithms">:$lse);
  let results = (outs Res<AnyRankedTensor, "the others">:$result);
  let assemblyFormat = "$lse attr-dict `:` type($lse) `->` type($result)";
  let hasVerifier = 1;
}

#endif // ATTN_ATTENTION_ATTENTIONMERGEOPS_TD
