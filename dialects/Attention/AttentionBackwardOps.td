//===- AttentionBackwardOps.td - Gradients of attention ----*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONBACKWARDOPS_TD
#define ATTN_ATTENTION_ATTENTIONBACKWARDOPS_TD

include "Attention/AttentionAttrs.td"
include "Attention/AttentionMaskInterfaces.td"
include "Attention/AttentionTypes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def AttentionBackwardOp : Attn_Op<"attention_backward", [
    Pure, SingleBlock, AttrSizedOperandSegments, AttrSizedResultSegments,
    DeclareOpInterfaceMethods<MaskedOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "the gradients of an attention";
  let description = [{
    Of `attn.attention` with the same query, kv, positions, mask, score, scale,
    normalizer and sink, whose results are `output` and `lse`, the gradients for those of
    the output (`d_output`) and of the lse (`d_lse`, zero where it is not given). With
    `x_ij` the modified score and `total` as there:

        w_ij = exp(x_ij - total_i)                     0 where j is not seen
        d_value_j = sum_i w_ij d_output_i
        dx_ij = w_ij (<d_output_i, value_j> - <d_output_i, output_i>)
                + d_lse_i exp(x_ij - lse_i)
        ds_ij = scale * dx_ij * d score(s) / ds        s the score before
        d_query_i = sum_j ds_ij key_j
        d_key_j = sum_i ds_ij query_i
        d_sink = -sum_i exp(sink - total_i) <d_output_i, output_i>

    and with the normalizer `sigmoid`, which needs neither output nor lse:

        w_ij = 1 / (1 + exp(-x_ij))                    0 where j is not seen
        dx_ij = w_ij (1 - w_ij) <d_output_i, value_j>

    where `j` is seen as there: by the mask, and with lists of blocks by these.

    The gradients of keys and values are sums over the query heads that share them, and
    stand where keys and values do: those of pages are pages, and a slot that several
    sequences read has the sum of all. `d_kv` holds them source by source: that of the
    keys, and that of the values unless these are a slice of the keys, when there is one
    for both. A tensor of which two sources are made has one in each, and their sum is
    its gradient. What no list of a gather names has none, nor has the list. A query
    without keys adds nothing. For each tensor of `wrt`, which the score modifier reads, the result
    has the sum over all pairs of the derivative of the modified score by its elements,
    times `dx_ij`.

    Numerics:

    - A query without keys (lse -inf) adds nothing to any gradient.
    - With a sink, or off_by_one, the weights are found from the total, which the lse
      leaves out.
    - Weights of sigmoid are found from the scores alone.
    - The derivative of `cap * tanh(x / cap)` is `1 - (y / cap)^2` of the capped
      score `y`; of what is masked it is 0.

    Source: FlashAttention 2, arXiv 2307.08691; dLSE and d(sink) as FlashAttention 4
    has them.

    - (C1) kv is defined by a constructor in the same function.
    - (C2) query, kv, `cu_seqlens` and positions are as in `attn.attention`.
    - (C3) output and d_output are of the output's shape, lse and d_lse of that of the
      lse; lse and d_lse are f32, output and d_output floats.
    - (C4) d_query has the shape of query, those of d_kv the shapes of the tensors that
      the sources of kv are made of, one for each; all are floats.
    - (C5) there is a d_sink where there is a sink, both `[Hq]` of f32.
    - (C6) the tensors of wrt are captured by the score modifier and are floats; there is
      a gradient of the same type for each.
    - (C7) the regions are as in `attn.attention`, and scale is finite.
    - (C8) output and lse are given unless the normalizer is sigmoid, which has no
      d_lse either; a sink comes with softmax alone.
    - (C9) lists of blocks are as in `attn.attention`.

    Examples:

    ```mlir
    %dq, %dk, %dv = attn.attention_backward %q, %kv, %do of(%o, %lse) mask(causal)
        : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>,
           tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>)
        -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
    %dq2, %dk2, %dv2, %dsink, %dslopes = attn.attention_backward %q, %kv, %do
        of(%o, %lse) d_lse(%dlse) mask(causal) score(alibi(%slopes : tensor<8xf32>)) sink(%sink)
        wrt(%slopes)
        : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>,
           tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>,
           tensor<?x8x?xf32>, tensor<8xf32>, tensor<8xf32>)
        -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
           d_sink(tensor<8xf32>) d_wrt(tensor<8xf32>)
    // Sigmoid attention over latent vectors: keys and values have one gradient.
    %dq3, %dc = attn.attention_backward %q, %latent, %do2 normalizer<sigmoid>
        : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x1x64xf32>, tensor<?x?x1x48xf32>>,
           tensor<?x?x8x48xf32>)
        -> tensor<?x?x8x64xf32>, tensor<?x?x1x64xf32>
    // A window and compressed entries in one softmax: a gradient for each source.
    %dq4, %dw, %de = attn.attention_backward %q, %both, %do of(%o, %lse) mask(causal)
        : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x1x64xf32>, tensor<?x?x1x64xf32>>,
           tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>)
        -> tensor<?x?x8x64xf32>, tensor<?x?x1x64xf32>, tensor<?x?x1x64xf32>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the queries">:$query,
    Arg<KVType, "the keys and values">:$kv,
    Arg<AnyRankedTensor, "the gradient of the output">:$d_output,
    Arg<Optional<AnyRankedTensor>, "the output of the attention">:$output,
    Arg<Optional<AnyRankedTensor>, "its lse">:$lse,
    Arg<Optional<AnyRankedTensor>, "the gradient of the lse">:$d_lse,
    Arg<Optional<AnyRankedTensor>, "where the queries of each sequence begin">
      :$cu_seqlens,
    Arg<Optional<AnyRankedTensor>, "the positions of the queries">:$positions,
    Arg<Optional<AnyRankedTensor>, "a score per head without a value">:$sink,
    Arg<Optional<AnyRankedTensor>,
        "how many blocks of a row the mask applies to">:$partial_counts,
    Arg<Optional<AnyRankedTensor>, "their columns">:$partial_indices,
    Arg<Optional<AnyRankedTensor>,
        "how many blocks of a row are seen as a whole">:$full_counts,
    Arg<Optional<AnyRankedTensor>, "their columns">:$full_indices,
    Arg<Variadic<AnyRankedTensor>, "captured tensors whose gradients are wanted">
      :$wrt,
    OptionalAttr<F32Attr>:$scale,
    OptionalAttr<Attn_NormalizerAttr>:$normalizer,
    OptionalAttr<I64Attr>:$block_q,
    OptionalAttr<I64Attr>:$block_k
  );
  let results = (outs
    Res<AnyRankedTensor, "the gradient of the queries">:$d_query,
    Res<Variadic<AnyRankedTensor>, "those of the keys and values of each source">
      :$d_kv,
    Res<Optional<AnyRankedTensor>, "that of the sink">:$d_sink,
    Res<Variadic<AnyRankedTensor>, "those of the captured tensors">:$d_captured
  );
  let regions = (region MaxSizedRegion<1>:$mask, MaxSizedRegion<1>:$score);
  let assemblyFormat = [{
    $query `,` $kv `,` $d_output (`of` `(` $output^ `,` $lse `)`)?
    (`d_lse` `(` $d_lse^ `)`)? (`cu_seqlens` `(` $cu_seqlens^ `)`)?
    (`positions` `(` $positions^ `)`)? (custom<Mask>($mask)^)?
    (custom<Score>($score)^)? (`scale` `(` $scale^ `)`)?
    (`normalizer` `` $normalizer^)? (`sink` `(` $sink^ `)`)?
    (`blocks` `<` $block_q^ `,` $block_k `>`)?
    (`partial` `(` $partial_counts^ `,` $partial_indices `)`)?
    (`full` `(` $full_counts^ `,` $full_indices `)`)? (`wrt` `(` $wrt^ `)`)? attr-dict
    `:` `(` type(operands) `)` `->` type($d_query) `,` type($d_kv)
    (`d_sink` `(` type($d_sink)^ `)`)? (`d_wrt` `(` type($d_captured)^ `)`)?
  }];
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getQueryType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getQuery().getType());
    }
    KVType getKVType() { return ::llvm::cast<KVType>(getKv().getType()); }
    BlockList getPartialBlocks() {
      return {getPartialCounts(), getPartialIndices()};
    }
    BlockList getFullBlocks() { return {getFullCounts(), getFullIndices()}; }
    bool hasBlockLists() { return getBlockQ().has_value(); }
    Normalizer getNormalizerOrDefault() {
      return getNormalizer().value_or(Normalizer::Softmax);
    }
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

#endif // ATTN_ATTENTION_ATTENTIONBACKWARDOPS_TD
