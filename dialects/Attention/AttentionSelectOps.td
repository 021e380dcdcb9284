//===- AttentionSelectOps.td - Choosing and pooling keys ---*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONSELECTOPS_TD
#define ATTN_ATTENTION_ATTENTIONSELECTOPS_TD

include "Attention/AttentionAttrs.td"
include "Attention/AttentionMaskInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def SelectOp : Attn_Op<"select", [
    Pure, SingleBlock, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MaskedOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "the keys or blocks of keys with the highest scores";
  let description = [{
    For query `i` of batch `b` and list `g` of `Hs`, over the `HI / Hs` heads `h` of
    that list, with `c = h / (HI / HK)` the key head of `h` and `p = i + Lk - Lq`, or
    `positions[b, i]`:

        x_hj = scale * <query[b, i, h, :], key[b, j, c, :]>
        x_hj = max(x_hj, 0)                            with relu
        x_hj = exp(x_hj) / sum_j exp(x_hj)             with softmax, over the keys seen
        x_hj = weights[b, i, h] * x_hj                 with weights
        s_j = sum_h x_hj                               where mask(b, g, p, j)
        S_c = max_j s_j, j of the `max_pool` keys of candidate c; or S_j = s_j

    The result holds the `top` candidates with the largest `S`, of equal ones those
    with the lower number; they stand in ascending order, and -1 in the places that
    are left. A candidate of which no key is seen is none. `scale` is 1 where it
    is not given.

    A candidate stands for `block` tokens: with `forced<n, m>` the first n candidates
    and the last m up to that of the query, `p div block`, come before all others,
    seen or not, as far as there are so many.

    With `cu_seqlens` queries and keys are packed as those of `attn.attention`, of
    whose sequences the first numbers say where the queries begin and the second where
    the keys do: `b` is a sequence, and queries, keys, positions and candidates are
    counted in it. So the result is what a packed `attn.kv.gather` takes. A row that
    belongs to no sequence chooses nothing: it holds -1.

    No gradient passes through a selection.

    Numerics:

    - Of equal scores the lower number comes first, so that a result is one set.
    - Where fewer candidates are seen than `top`, -1 fills the places that are left,
      behind all others.
    - The last pool may have fewer keys. With more forced candidates than `top` the
      lower numbers stay.
    - A scale or weight may be negative: the order turns round.

    Source: DeepSeek-V3.2's indexer, arXiv 2512.02556; NSA 2502.11089; MoBA
    2502.13189.

    - (C1) query is `[B, Lq, HI, D]` and key `[B, Lk, HK, D]`, or with cu_seqlens
      `[total_q, HI, D]` and `[total_k, HK, D]`, of one element type, with static heads
      and head dimension; HI is a multiple of HK.
    - (C2) indices are `[B, Lq, Hs, top]`, or packed `[total_q, Hs, top]`, of i32; HI is
      a multiple of Hs.
    - (C3) weights are `[B, Lq, HI]`, or packed `[total_q, HI]`, of f32.
    - (C4) positions are `[B, Lq]`, or packed `[total_q]`, of i32; they are given where
      a key stands for more than a token (`block` without `max_pool`).
    - (C5) top, block and max_pool are at least 1, and scale is finite; forced has both
      numbers, which are at least 0, or neither.
    - (C6) the mask is a region as that of `attn.attention`.
    - (C7) both cu_seqlens are `[B + 1]` of i32.

    Examples:

    ```mlir
    // The lightning indexer of DeepSeek-V3.2.
    %tokens = attn.select %qi, %ki weights(%w : tensor<?x?x64xf32>) mask(causal)
        scale(0.0883883461) relu top<2048>
        : tensor<?x?x64x128xf32>, tensor<?x?x1x128xf32> -> tensor<?x?x1x2048xi32>
    // Blocks of MiniMax sparse attention.
    %blocks = attn.select %qi, %ki mask(causal) max_pool<128> block<128>
        forced<0, 1> top<16>
        : tensor<?x?x64x128xf32>, tensor<?x?x1x128xf32> -> tensor<?x?x64x16xi32>
    // Tokens of packed sequences.
    %packed = attn.select %pq, %pk cu_seqlens(%cu_q, %cu_k : tensor<?xi32>, tensor<?xi32>)
        mask(causal) relu top<2048>
        : tensor<?x64x128xf32>, tensor<?x1x128xf32> -> tensor<?x1x2048xi32>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the queries, `[B, Lq, HI, D]` or `[total_q, HI, D]`">:$query,
    Arg<AnyRankedTensor, "the keys, `[B, Lk, HK, D]` or `[total_k, HK, D]`">:$key,
    Arg<Optional<AnyRankedTensor>, "where the queries of each sequence begin">
      :$cu_seqlens,
    Arg<Optional<AnyRankedTensor>, "where the keys of each sequence begin">
      :$cu_seqlens_k,
    Arg<Optional<AnyRankedTensor>, "a factor per query and head">:$weights,
    Arg<Optional<AnyRankedTensor>, "the positions of the queries">:$positions,
    OptionalAttr<F32Attr>:$scale,
    UnitAttr:$relu,
    UnitAttr:$softmax,
    OptionalAttr<I64Attr>:$max_pool,
    DefaultValuedAttr<I64Attr, "1">:$block,
    OptionalAttr<I64Attr>:$forced_first,
    OptionalAttr<I64Attr>:$forced_last,
    I64Attr:$top
  );
  let results = (outs
    Res<AnyRankedTensor,
        "the chosen candidates, `[B, Lq, Hs, top]` or `[total_q, Hs, top]`">:$indices);
  let regions = (region MaxSizedRegion<1>:$mask);
  let assemblyFormat = [{
    $query `,` $key (`cu_seqlens` `(` $cu_seqlens^ `,` $cu_seqlens_k `:`
    type($cu_seqlens) `,` type($cu_seqlens_k) `)`)?
    (`weights` `(` $weights^ `:` type($weights) `)`)?
    (`positions` `(` $positions^ `:` type($positions) `)`)?
    (custom<Mask>($mask)^)? (`scale` `(` $scale^ `)`)? (`relu` $relu^)?
    (`softmax` $softmax^)? (`max_pool` `<` $max_pool^ `>`)?
    (`block` `<` $block^ `>`)?
    (`forced` `<` $forced_first^ `,` $forced_last `>`)? `top` `<` $top `>`
    attr-dict `:` type($query) `,` type($key) `->` type($indices)
  }];
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getQueryType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getQuery().getType());
    }
    ::mlir::RankedTensorType getKeyType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getKey().getType());
    }
    ::mlir::RankedTensorType getIndicesType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getIndices().getType());
    }
    /// The block of the mask, or null where there is none.
    ::mlir::Block *getMaskBlock() {
      return getMask().empty() ? nullptr : &getMask().front();
    }
  }];
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def CompressOp : Attn_Op<"compress", [Pure, AttrSizedOperandSegments]> {
  let summary = "a row for each block of rows";
  let description = [{
    Row `w` of the result is a mean of the rows `w * stride` to
    `w * stride + block - 1` of the input, in each channel. With a gate it is weighted:

        result[b, w, h, d] = sum_s softmax_s(gate[b, w * stride + s, h, d]
                                             + bias[s, h, d]) * input[b, ..., h, d]

    A gate of -inf leaves a row out; where all are, the result is 0. There are as many
    rows as there are whole blocks, `(L - block) div stride + 1`, or none; with
    `partial` one for each block that begins, `ceil(L / stride)`, the last of which
    may have fewer rows.

    With `cu_seqlens` sequences are packed: those of the input begin where the first
    numbers say, and their blocks where the second ones do, which leave room for as
    many as each sequence has. No block crosses the end of a sequence.

    Numerics:

    - A block of which every gate is -inf gives 0, not NaN.
    - An input shorter than a block gives no row, or with `partial` a row of what
      there is.

    Source: NSA, arXiv 2502.11089; the entries of DeepSeek-V4.

    - (C1) input and result are `[B, L, H, D]`, or with cu_seqlens `[total, H, D]`, and
      agree in all sizes but the length; both have float elements.
    - (C2) gate has the shape of the input, and bias is `[block, H, D]`, of f32; a bias
      comes with a gate.
    - (C3) block and stride are at least 1.
    - (C4) both cu_seqlens are `[B + 1]` of i32.

    Examples:

    ```mlir
    %means = attn.compress %k block<64> stride<64> partial
        : tensor<?x?x4x192xbf16> -> tensor<?x?x4x192xf32>
    %entries = attn.compress %c gate(%z : tensor<?x?x1x512xf32>)
        bias(%b : tensor<128x1x512xf32>) block<128> stride<128>
        : tensor<?x?x1x512xf32> -> tensor<?x?x1x512xf32>
    %packed = attn.compress %r cu_seqlens(%cu, %cu_blocks : tensor<?xi32>, tensor<?xi32>)
        block<64> stride<64> partial : tensor<?x4x192xbf16> -> tensor<?x4x192xf32>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the rows">:$input,
    Arg<Optional<AnyRankedTensor>, "where the rows of each sequence begin">
      :$cu_seqlens,
    Arg<Optional<AnyRankedTensor>, "where the blocks of each sequence begin">
      :$cu_blocks,
    Arg<Optional<AnyRankedTensor>, "a score per row and channel">:$gate,
    Arg<Optional<AnyRankedTensor>, "a score per place in the block">:$bias,
    I64Attr:$block,
    I64Attr:$stride,
    UnitAttr:$partial
  );
  let results = (outs Res<AnyRankedTensor, "a row per block">:$result);
  let assemblyFormat = [{
    $input (`cu_seqlens` `(` $cu_seqlens^ `,` $cu_blocks `:` type($cu_seqlens) `,`
    type($cu_blocks) `)`)? (`gate` `(` $gate^ `:` type($gate) `)`)?
    (`bias` `(` $bias^ `:` type($bias) `)`)? `block` `<` $block `>`
    `stride` `<` $stride `>` (`partial` $partial^)? attr-dict
    `:` type($input) `->` type($result)
  }];
  let hasVerifier = 1;
}

#endif // ATTN_ATTENTION_ATTENTIONSELECTOPS_TD
