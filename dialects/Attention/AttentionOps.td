//===- AttentionOps.td - Tensor ops of the attn dialect ----*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONOPS_TD
#define ATTN_ATTENTION_ATTENTIONOPS_TD

include "Attention/AttentionAttrs.td"
include "Attention/AttentionBackwardOps.td"
include "Attention/AttentionCacheOps.td"
include "Attention/AttentionKVOps.td"
include "Attention/AttentionMaskInterfaces.td"
include "Attention/AttentionMergeOps.td"
include "Attention/AttentionRecurrenceOps.td"
include "Attention/AttentionRegionOps.td"
include "Attention/AttentionSelectOps.td"
include "Attention/AttentionTypes.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/Interfaces/InferTypeOpInterface.td"

def AttentionOp : Attn_Op<"attention", [
    Pure, SingleBlock, AttrSizedOperandSegments,
    DeclareOpInterfaceMethods<MaskedOpInterface>,
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>]> {
  let summary = "softmax attention of queries over keys and values";
  let description = [{
    For every batch `b`, query head `h` and query `i`, with `g = h / (Hq / Hk)`
    the key head of `h` and `p = i + Lk - Lq` the absolute position of the query
    (the last query stands at the last key), or `positions[b, i]` where these are
    given:

        x_j = scale * <query[b, i, h, :], key[b, j, g, :]>     for each key j
        x_j = score(x_j, b, h, p, j)
        x_j = -inf                                  unless seen(b, h, i, p, j)
        lse[b, h, i] = ln(sum_j exp(x_j))
        total = lse[b, h, i], or ln(exp(lse[b, h, i]) + exp(sink[h]))
        output[b, i, h, :] = sum_j exp(x_j - total) * value[b, j, g, :]

    A query that sees no key has output 0 and lse -inf. Scores, the sum and lse
    are f32; `scale` is `D ^ -1/2` where it is not given. `sink`, where there is
    one, is a score per head of a key without a value: neither scaled nor
    modified, and no part of lse, so that partial results merge.

    The `normalizer` is `softmax` where it is not given. With `off_by_one` the total
    is `ln(1 + exp(lse[b, h, i]))`. With `sigmoid` the weight of a value is
    `1 / (1 + exp(-x_j))`, and there is no lse: partial results are added.

    With `cu_seqlens`, the queries of sequences of varying length are packed into
    `[total_q, Hq, D]`, as `attn.kv.varlen` packs keys: `b` is a sequence, `i`
    and `j` are counted in it, `Lq` and `Lk` are its own numbers of queries and
    keys, and query `i` is row `cu_seqlens[b] + i` of query and output and the
    last index of `lse[h, :]`. Rows outside of all sequences are left as they
    are. Instead of packed keys there may be pages, which have their own lengths.

    `mask` and `score` are optional regions, evaluated for every pair of query
    and key. The mask yields whether the key is seen, from `%b`, `%h`, `%p`,
    `%j`; the score modifier yields the new score from the score `%x` before
    these. Where positions are not enough, as in a tree of tokens, a last argument
    `%i` counts the queries. Both have a short form for what is common:

        mask   ::= `mask` `(` or `)` | `mask` region
        or     ::= and (`or` and)*
        and    ::= not (`and` not)*
        not    ::= `not` not | `(` or `)` | `causal` | `window` `<` bound `,` bound `>`
                 | `first` `<` int `>` | `chunk` `<` int `>`
                 | `prefix` `(` tensor `)` | `document` `(` tensor `)`
                 | `dilated` `<` int `>` | `column` `<` int `,` int `>`
                 | `span` `(` tensor `)` | `bits` `(` tensor `)`
                 | `tree` `(` tensor `,` tensor `)`
        score  ::= `score` `(` modifier (`,` modifier)* `)` | `score` region
        modifier ::= `softcap` `<` float `>` | `alibi` `(` tensor `)`
                   | `bias` `(` tensor `)`
        tensor ::= ssa-use `:` type
        bound  ::= int | `inf`

    The modifiers apply in the order in which they are written. The short form
    builds the region, and the region is printed in it where it can be.

    Without lists of blocks, `seen` is the mask, or true where there is none. With
    lists it is

        block(b, h, i, j) is full, or partial and mask(b, h, p, j)

    where the block is row `i / block_q` and column `j / block_k` of the matrix of
    queries and keys. Both are counted from the first query and the first key: rows
    do not move with `p`. Row r of batch b and head h has the columns
    `indices[b, h, r, 0 ... n - 1]`, where n is `counts[b, h, r]`, at most the last
    size of `indices`, and is empty where n is not positive. They stand in any order;
    one that is no column is ignored, -1 for instance. No column is twice in a row,
    nor both in the partial and in the full one: a kernel takes its keys as often as
    it stands there. A size of 1 for batch or head is for all of them. Blocks
    that are in no list are neither loaded nor computed.

    Numerics:

    - Scores, sums and lse are f32 or better; lse is the natural logarithm and
      leaves the sink out, so that partial results merge.
    - A query that sees no key has output 0 and lse -inf, with a sink or without
      one: nothing is NaN.
    - The mask is applied to the modified score: a modifier never sees -inf.
    - With more queries than keys the first queries have positions below 0, and
      causal they see nothing.
    - A sink of -inf counts nothing; one of +inf takes all weight, and the output is
      0.

    Source: arXiv 1706.03762; grouped heads 2305.13245; sinks as in gpt-oss; sigmoid
    2409.04431.

    - (C1) query has rank 4, or 3 with `cu_seqlens`; its heads and head dimension
      are static.
    - (C2) `kv` is defined by a constructor in the same function.
    - (C3) query and keys agree in element type, batch and head dimension, and in
      rank, unless packed queries read pages.
    - (C4) the query heads are a multiple of the key heads.
    - (C5) output is `[B, Lq, Hq, Dv]`, or packed `[total_q, Hq, Dv]`, of the
      element type of query or, as a part to merge, of f32.
    - (C6) lse is `[B, Hq, Lq]`, or packed `[Hq, total_q]`, of f32.
    - (C7) the region `mask` has the arguments `(index, index, index, index)`, or
      one more, and yields an i1; `score` has `f32` before these and yields an
      f32.
    - (C8) a region holds the ops of this dialect that are meant for it and
      ops of `arith` and `math` with one result (but for `arith.bitcast`,
      `math.fpowi` and `math.ipowi`), on scalars: index, integers of at most 64
      bits, f32, f16 and bf16.
    - (C9) a region captures constants and tensors; a captured tensor is an
      operand of an op of this dialect.
    - (C10) scale is finite.
    - (C11) sink is `[Hq]` of f32.
    - (C12) `cu_seqlens` is `[B + 1]` of i32, for as many sequences as those of the
      keys.
    - (C13) lists come in pairs of counts and indices, and with the sizes of
      blocks, which are at least 1.
    - (C14) counts are `[B or 1, Hq or 1, rows]` and indices
      `[B or 1, Hq or 1, rows, columns]` of i32, where a size of 1 is static and
      there are rows for all queries.
    - (C15) where there are lists, a mask has partial blocks to apply to.
    - (C16) lists come without `cu_seqlens`, and with dense keys.
    - (C17) positions are `[B, Lq]`, or packed `[total_q]`, of i32.
    - (C18) off_by_one and sigmoid come without a sink, sigmoid without lse.

    Examples:

    ```mlir
    %o, %lse = attn.attention %q, %kv mask(causal and window<1023, 0>)
        score(softcap<50.0>) scale(0.0625)
        : tensor<?x?x16x256xbf16>,
          !attn.kv<tensor<?x?x8x256xbf16>, tensor<?x?x8x256xbf16>>
        -> tensor<?x?x16x256xbf16>, tensor<?x16x?xf32>

    %o, %lse = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<?xi32>) mask(causal)
        : tensor<?x16x128xbf16>,
          !attn.kv<tensor<?x8x128xbf16>, tensor<?x8x128xbf16>>
        -> tensor<?x16x128xbf16>, tensor<16x?xf32>

    %p = attn.attention %q, %kv positions(%at : tensor<?x?xi32>)
        normalizer<sigmoid>
        : tensor<?x?x16x256xbf16>,
          !attn.kv<tensor<?x?x8x256xbf16>, tensor<?x?x8x256xbf16>>
        -> tensor<?x?x16x256xf32>

    %sparse = attn.attention %q, %kv mask(causal) blocks<128, 64>
        partial(%n, %columns : tensor<1x16x?xi32>, tensor<1x16x?x?xi32>)
        full(%m, %whole : tensor<1x16x?xi32>, tensor<1x16x?x?xi32>)
        : tensor<?x?x16x256xbf16>,
          !attn.kv<tensor<?x?x8x256xbf16>, tensor<?x?x8x256xbf16>>
        -> tensor<?x?x16x256xbf16>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the queries, `[B, Lq, Hq, D]` or `[total_q, Hq, D]`">
      :$query,
    Arg<KVType, "the keys and values">:$kv,
    Arg<Optional<AnyRankedTensor>,
        "where the queries of each sequence begin and the last ones end, "
        "`[B + 1]`">:$cu_seqlens,
    Arg<Optional<AnyRankedTensor>,
        "the positions of the queries, `[B, Lq]` or `[total_q]`">:$positions,
    Arg<Optional<AnyRankedTensor>,
        "a score per head that takes part in the sum alone, `[Hq]`">:$sink,
    Arg<Optional<AnyRankedTensor>,
        "how many blocks of a row the mask applies to">:$partial_counts,
    Arg<Optional<AnyRankedTensor>, "their columns">:$partial_indices,
    Arg<Optional<AnyRankedTensor>,
        "how many blocks of a row are seen as a whole">:$full_counts,
    Arg<Optional<AnyRankedTensor>, "their columns">:$full_indices,
    OptionalAttr<F32Attr>:$scale,
    OptionalAttr<Attn_NormalizerAttr>:$normalizer,
    OptionalAttr<I64Attr>:$block_q,
    OptionalAttr<I64Attr>:$block_k
  );
  let results = (outs
    Res<AnyRankedTensor,
        "the weighted sum of values, `[B, Lq, Hq, Dv]` or `[total_q, Hq, Dv]`">
      :$output,
    Res<Optional<AnyRankedTensor>,
        "the natural logarithm of the sum of exponentials, `[B, Hq, Lq]` or "
        "`[Hq, total_q]`">:$lse
  );
  let regions = (region MaxSizedRegion<1>:$mask, MaxSizedRegion<1>:$score);
  let assemblyFormat = [{
    $query `,` $kv (`cu_seqlens` `(` $cu_seqlens^ `:` type($cu_seqlens) `)`)?
    (`positions` `(` $positions^ `:` type($positions) `)`)?
    (custom<Mask>($mask)^)? (custom<Score>($score)^)?
    (`scale` `(` $scale^ `)`)? (`normalizer` `` $normalizer^)? (`sink` `(` $sink^ `:` type($sink) `)`)?
    (`blocks` `<` $block_q^ `,` $block_k `>`)?
    (`partial` `(` $partial_counts^ `,` $partial_indices `:`
     type($partial_counts) `,` type($partial_indices) `)`)?
    (`full` `(` $full_counts^ `,` $full_indices `:`
     type($full_counts) `,` type($full_indices) `)`)? attr-dict
    `:` type($query) `,` qualified(type($kv))
    `->` type($output) (`,` type($lse)^)?
  }];
  let extraClassDeclaration = [{
    ::mlir::RankedTensorType getQueryType() {
      return ::llvm::cast<::mlir::RankedTensorType>(getQuery().getType());
    }
    KVType getKVType() { return ::llvm::cast<KVType>(getKv().getType()); }

    /// Where the keys and values are whole tensors, these and how they are
    /// divided; otherwise nulls.
    KVTensors getKVTensors();
    int64_t getKeyHeads() { return getKVType().getHeads(); }
    /// The number of query heads that share a key head.
    int64_t getGroupSize() { return getQueryHeads() / getKeyHeads(); }

    /// The factor on the scores: `scale`, or D^-1/2.
    double getScaleOrDefault();

    /// The block of the region, or null where there is none.
    ::mlir::Block *getMaskBlock() {
      return getMask().empty() ? nullptr : &getMask().front();
    }
    ::mlir::Block *getScoreBlock() {
      return getScore().empty() ? nullptr : &getScore().front();
    }

    using BlockList = ::mlir::attn::BlockList;
    BlockList getPartialBlocks() {
      return {getPartialCounts(), getPartialIndices()};
    }
    BlockList getFullBlocks() { return {getFullCounts(), getFullIndices()}; }
    bool hasBlockLists() { return getBlockQ().has_value(); }
    Normalizer getNormalizerOrDefault() {
      return getNormalizer().value_or(Normalizer::Softmax);
    }
    /// Checks the rules about the results (C5, C6, C18).
    ::llvm::LogicalResult verifyResults();

    /// The same attention without `lse`; takes over the regions.
    AttentionOp takeWithoutLse(::mlir::OpBuilder &builder);

    /// The type of `output` but for f32 elements, and the only one of `lse`.
    static ::mlir::RankedTensorType inferOutputType(
        ::mlir::RankedTensorType query, KVType kv);
    static ::mlir::RankedTensorType inferLseType(
        ::mlir::RankedTensorType query);

    /// Gives an empty region its block, with the arguments (C7).
    static ::mlir::Block *createMaskBlock(::mlir::Region &mask,
                                          ::mlir::Location loc);
    static ::mlir::Block *createScoreBlock(::mlir::Region &score,
                                           ::mlir::Location loc);
  }];
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
}

def YieldOp : Attn_Op<"yield", [
    ParentOneOf<["AttentionOp", "AttentionBackwardOp", "SelectOp"]>, Pure,
    Terminator]> {
  let summary = "ends a mask or a score modifier";
  let description = [{
    Yields whether the key is seen (`mask`) or the new score (`score`).

        seen(b, h, p, j) = value        of a mask
        score(x, b, h, p, j) = value    of a score modifier

    Example:

    ```mlir
    attn.yield %keep : i1
    ```
  }];
  let arguments = (ins
    Arg<AnyTypeOf<[I1, F32]>, "the result of the region">:$value);
  let assemblyFormat = "$value attr-dict `:` type($value)";
}

#endif // ATTN_ATTENTION_ATTENTIONOPS_TD
