//===- AttentionRegionOps.td - Ops in masks and modifiers --*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the regions of attn.attention are made of, besides arith and math.
// Everywhere %b is the batch, or the sequence among packed ones, %h the query
// head, %p the absolute position of the query and %j the position of the key,
// both in the sequence; %i, where a region has it, counts the queries of the
// sequence. %p is negative for the first queries where there are
// more queries than keys.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONREGIONOPS_TD
#define ATTN_ATTENTION_ATTENTIONREGIONOPS_TD

include "Attention/AttentionDialect.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Attn_Integers : RankedTensorOf<[AnySignlessInteger, Index]>;
def Attn_Scalars
    : RankedTensorOf<[AnySignlessInteger, Index, F32, F16, BF16]>;

/// An op that says whether a key is seen.
class Attn_MaskOp<string mnemonic> : Attn_Op<mnemonic, [Pure]> {
  let results = (outs Res<I1, "whether the key is seen">:$keep);
}

def CausalOp : Attn_MaskOp<"causal"> {
  let summary = "keys up to the query: `j <= p`";
  let description = [{
    The last query sees every key, also where there are more keys than queries.

        seen = j <= p

    Numerics:

    - A query in front of all keys (`p < 0`) sees nothing.

    Source: FlashAttention 2, aligned at the last query and the last key.

    Example:

    ```mlir
    %keep = attn.causal %p, %j
    ```
  }];
  let arguments = (ins Arg<Index, "position of the query">:$p,
                       Arg<Index, "position of the key">:$j);
  let assemblyFormat = "$p `,` $j attr-dict";
}

def WindowOp : Attn_MaskOp<"window"> {
  let summary = "keys near the query: `p - left <= j <= p + right`";
  let description = [{
    Both bounds are inclusive; an absent one is infinite and written `inf`. A
    sliding window of `W` tokens that end with the query is
    `window<W - 1, 0>`.

        seen = p - left <= j and j <= p + right

    Numerics:

    - `window<0, 0>` is the key at the query alone.
    - An infinite bound is no bound.

    Source: arXiv 2004.05150; Mistral's window of W tokens is `window<W - 1, 0>`,
    arXiv 2310.06825.

    - (C1) left and right are at least 0.

    Example:

    ```mlir
    %keep = attn.window<1023, 0> %p, %j
    %ahead = attn.window<inf, 16> %p, %j
    ```
  }];
  let arguments = (ins Arg<Index, "position of the query">:$p,
                       Arg<Index, "position of the key">:$j,
                       OptionalAttr<I64Attr>:$left,
                       OptionalAttr<I64Attr>:$right);
  let assemblyFormat = [{
    `<` custom<Bound>($left) `,` custom<Bound>($right) `>` $p `,` $j attr-dict
  }];
  let hasCanonicalizer = 1;
  let hasFolder = 1;
  let hasVerifier = 1;
}

def FirstOp : Attn_MaskOp<"first"> {
  let summary = "the first keys: `j < count`";
  let description = [{
        seen = j < count

    Numerics:

    - A count of 0 sees nothing, and one beyond the last key everything.

    Source: StreamingLLM, arXiv 2309.17453.

    - (C1) count is at least 0.

    Example:

    ```mlir
    %keep = attn.first<4> %j
    ```
  }];
  let arguments = (ins Arg<Index, "position of the key">:$j, I64Attr:$count);
  let assemblyFormat = "`<` $count `>` $j attr-dict";
  let hasFolder = 1;
  let hasVerifier = 1;
}

def ChunkOp : Attn_MaskOp<"chunk"> {
  let summary = "keys in the chunk of the query: `j div size = p div size`";
  let description = [{
    The quotients are rounded towards minus infinity.

        seen = floor(j / size) = floor(p / size)

    Numerics:

    - Queries in front of all keys are in chunks of their own, without keys.

    Source: the chunked attention of Llama 4, together with `causal`.

    - (C1) size is at least 1.

    Example:

    ```mlir
    %keep = attn.chunk<8192> %p, %j
    ```
  }];
  let arguments = (ins Arg<Index, "position of the query">:$p,
                       Arg<Index, "position of the key">:$j, I64Attr:$size);
  let assemblyFormat = "`<` $size `>` $p `,` $j attr-dict";
  let hasVerifier = 1;
}

def PrefixOp : Attn_MaskOp<"prefix"> {
  let summary = "keys before a length per batch: `j < lengths[b]`";
  let description = [{
    The prefix of a prefix language model (`causal or prefix`), or the keys
    that are not padding.

        seen = j < lengths[b]

    Numerics:

    - A length of 0 or below sees nothing.

    Source: prefix language models, arXiv 1910.10683.

    - (C1) lengths is `[B]`.

    Example:

    ```mlir
    %keep = attn.prefix %lengths, %b, %j : tensor<?xi32>
    ```
  }];
  let arguments = (ins Arg<Attn_Integers, "a length per batch">:$lengths,
                       Arg<Index, "the batch">:$b,
                       Arg<Index, "position of the key">:$j);
  let assemblyFormat = "$lengths `,` $b `,` $j attr-dict `:` type($lengths)";
  let hasVerifier = 1;
}

def DocumentOp : Attn_MaskOp<"document"> {
  let summary = "keys in the document of the query: `ids[b, j] = ids[b, p]`";
  let description = [{
    A position outside of the keys (`p < 0`) belongs to no document and sees
    nothing. Among packed sequences, ids are packed as the keys are: position `j`
    of sequence `b` has `ids[cu_seqlens[b] + j]`, with the `cu_seqlens` of the
    keys.

        seen = ids[b, j] = ids[b, p]

    Numerics:

    - Ids are compared and nothing else: they need not be in order.

    Source: packing of documents as in FlexAttention, arXiv 2412.05496.

    - (C1) ids is `[B, Lk]`, or packed `[total_k]`.

    Example:

    ```mlir
    %keep = attn.document %ids, %b, %p, %j : tensor<?x?xi32>
    ```
  }];
  let arguments = (ins Arg<Attn_Integers, "a document per key">:$ids,
                       Arg<Index, "the batch">:$b,
                       Arg<Index, "position of the query">:$p,
                       Arg<Index, "position of the key">:$j);
  let assemblyFormat = "$ids `,` $b `,` $p `,` $j attr-dict `:` type($ids)";
  let hasVerifier = 1;
}

def DilatedOp : Attn_MaskOp<"dilated"> {
  let summary = "every so manyth key: `(p - j) mod step = 0`";
  let description = [{
        seen = (p - j) mod step = 0

    Numerics:

    - It looks both ways: keys behind the query are seen too.

    Source: Longformer, arXiv 2004.05150; Sparse Transformer, arXiv 1904.10509.

    - (C1) step is at least 1.

    Example:

    ```mlir
    %keep = attn.dilated<4> %p, %j
    ```
  }];
  let arguments = (ins Arg<Index, "position of the query">:$p,
                       Arg<Index, "position of the key">:$j, I64Attr:$step);
  let assemblyFormat = "`<` $step `>` $p `,` $j attr-dict";
  let hasVerifier = 1;
}

def ColumnOp : Attn_MaskOp<"column"> {
  let summary = "the last keys of each stretch: `j mod stretch >= stretch - count`";
  let description = [{
    The columns of the fixed pattern of the Sparse Transformer.

        seen = j mod stretch >= stretch - count

    Numerics:

    - A count of 0 sees nothing, one of stretch everything.

    Source: Sparse Transformer, arXiv 1904.10509.

    - (C1) stretch is at least 1, and count from 0 to stretch.

    Example:

    ```mlir
    %keep = attn.column<128, 8> %j
    ```
  }];
  let arguments = (ins Arg<Index, "position of the key">:$j, I64Attr:$stretch,
                       I64Attr:$count);
  let assemblyFormat = "`<` $stretch `,` $count `>` $j attr-dict";
  let hasVerifier = 1;
}

def SpanOp : Attn_MaskOp<"span"> {
  let summary = "keys in the span of the query: `ids[b, j] = ids[b, p] >= 0`";
  let description = [{
    As `attn.document`, but that a position with a negative id is in no span: images
    among the tokens of a text see themselves in both directions with
    `causal or span(%ids)`.

        seen = ids[b, j] = ids[b, p] and ids[b, p] >= 0

    Numerics:

    - A position outside of the keys is in no span.

    Source: the images of Gemma 3, arXiv 2503.19786.

    - (C1) ids is `[B, Lk]`, or packed `[total_k]`.

    Example:

    ```mlir
    %keep = attn.span %ids, %b, %p, %j : tensor<?x?xi32>
    ```
  }];
  let arguments = (ins Arg<Attn_Integers, "a span per key">:$ids,
                       Arg<Index, "the batch">:$b,
                       Arg<Index, "position of the query">:$p,
                       Arg<Index, "position of the key">:$j);
  let assemblyFormat = "$ids `,` $b `,` $p `,` $j attr-dict `:` type($ids)";
  let hasVerifier = 1;
}

def BitsOp : Attn_MaskOp<"bits"> {
  let summary = "the keys whose bits are set in a matrix";
  let description = [{
    Bit `j mod w`, the lowest first, of `words[b, i, j div w]`, integers of `w` bits. What
    is outside of the tensor is not set. A size of 1 for the batch is for all.

        seen = bit (j mod w) of words[b, i, j div w]

    Numerics:

    - A matrix that is too small sees fewer keys; it is no error.

    Source: the packed masks of FlashInfer, arXiv 2501.01005.

    - (C1) words is `[B or 1, Lq, n]` of integers of at most 32 bits.

    Example:

    ```mlir
    %keep = attn.bits %words, %b, %i, %j : tensor<?x?x?xi32>
    ```
  }];
  let arguments = (ins Arg<RankedTensorOf<[AnySignlessInteger]>, "the bits">:$words,
                       Arg<Index, "the batch">:$b,
                       Arg<Index, "number of the query">:$i,
                       Arg<Index, "position of the key">:$j);
  let assemblyFormat = "$words `,` $b `,` $i `,` $j attr-dict `:` type($words)";
  let hasVerifier = 1;
}

def TreeOp : Attn_MaskOp<"tree"> {
  let summary = "keys of the context, and ancestors in a tree of drafted tokens";
  let description = [{
    `j < lengths[b]`, or bit `j - lengths[b]` is set in row `i` of `ancestors`, as in
    `attn.bits`: query `i` is node `i` of the tree, and the keys of the nodes follow
    those of the context.

        seen = j < lengths[b] or bit (j - lengths[b]) of ancestors[b, i]

    Numerics:

    - A node sees itself only where its own bit is set.

    Source: tree attention of Medusa, arXiv 2401.10774.

    - (C1) lengths is `[B]` of integers.
    - (C2) ancestors is `[B or 1, Lq, n]` of integers of at most 32 bits.

    Example:

    ```mlir
    %keep = attn.tree %lengths, %ancestors, %b, %i, %j
        : tensor<?xi32>, tensor<?x?x?xi32>
    ```
  }];
  let arguments = (ins
    Arg<RankedTensorOf<[AnySignlessInteger]>, "the length of the context">:$lengths,
    Arg<RankedTensorOf<[AnySignlessInteger]>, "the ancestors of each node">
      :$ancestors,
    Arg<Index, "the batch">:$b, Arg<Index, "number of the query">:$i,
    Arg<Index, "position of the key">:$j);
  let assemblyFormat = [{
    $lengths `,` $ancestors `,` $b `,` $i `,` $j attr-dict
    `:` type($lengths) `,` type($ancestors)
  }];
  let hasVerifier = 1;
}

def SoftcapOp : Attn_Op<"softcap", [Pure]> {
  let summary = "bounds a score smoothly: `cap * tanh(x / cap)`";
  let description = [{
        y = cap * tanh(x / cap)

    Numerics:

    - `|y| <= cap` whatever x is, and `y` is about x where `|x|` is small.

    Source: Gemma 2, arXiv 2408.00118.

    - (C1) cap is positive and finite.

    Example:

    ```mlir
    %y = attn.softcap<50.0> %x
    ```
  }];
  let arguments = (ins Arg<F32, "the score">:$x, F32Attr:$cap);
  let results = (outs Res<F32, "the bounded score">:$y);
  let assemblyFormat = "`<` $cap `>` $x attr-dict";
  let hasVerifier = 1;
}

def AlibiOp : Attn_Op<"alibi", [Pure]> {
  let summary = "a bias linear in the distance: `x - slopes[h] * |p - j|`";
  let description = [{
        y = x - slopes[h] * |p - j|

    Numerics:

    - It is symmetric: without `causal` later keys are as far as earlier ones.

    Source: arXiv 2108.12409, with FlashAttention's absolute distance.

    - (C1) slopes is `[Hq]` of f32.

    Example:

    ```mlir
    %y = attn.alibi %x, %slopes, %h, %p, %j : tensor<32xf32>
    ```
  }];
  let arguments = (ins Arg<F32, "the score">:$x,
                       Arg<RankedTensorOf<[F32]>, "a slope per head">:$slopes,
                       Arg<Index, "the query head">:$h,
                       Arg<Index, "position of the query">:$p,
                       Arg<Index, "position of the key">:$j);
  let results = (outs Res<F32, "the biased score">:$y);
  let assemblyFormat = [{
    $x `,` $slopes `,` $h `,` $p `,` $j attr-dict `:` type($slopes)
  }];
  let hasVerifier = 1;
}

def BiasOp : Attn_Op<"bias", [Pure]> {
  let summary = "a bias per pair: `x + bias[b, h, i, j]`";
  let description = [{
    A size of 1 is for all along that axis. Outside of the tensor the bias is 0.

        y = x + bias[b, h, i, j]

    Numerics:

    - A bias of -inf leaves a key out, and a query of which all keys are so is
      empty.

    Source: T5, arXiv 1910.10683; the pair bias of AlphaFold.

    - (C1) bias is `[B or 1, Hq or 1, Lq or 1, Lk or 1]` of f32, f16 or bf16.

    Example:

    ```mlir
    %y = attn.bias %x, %pairs, %b, %h, %i, %j : tensor<1x8x?x?xf32>
    ```
  }];
  let arguments = (ins Arg<F32, "the score">:$x,
                       Arg<RankedTensorOf<[F32, F16, BF16]>, "the biases">:$bias,
                       Arg<Index, "the batch">:$b, Arg<Index, "the query head">:$h,
                       Arg<Index, "number of the query">:$i,
                       Arg<Index, "position of the key">:$j);
  let results = (outs Res<F32, "the biased score">:$y);
  let assemblyFormat = [{
    $x `,` $bias `,` $b `,` $h `,` $i `,` $j attr-dict `:` type($bias)
  }];
  let hasVerifier = 1;
}

def ReadOp : Attn_Op<"read", [Pure,
    TypesMatchWith<"element has the element type of tensor", "tensor",
        "element", "::llvm::cast<RankedTensorType>($_self).getElementType()">]> {
  let summary = "an element of a captured tensor";
  let description = [{
    The only way from a region to a tensor. A position outside of the tensor
    reads as zero. The tensor may be the `cu_seqlens` of packed sequences: with
    it, a region finds the row `cu_seqlens[b] + j` of what is packed alike. With
    `covers`, the tensor has an element for every batch along an axis whose index
    is `%b`, for every query head where it is `%h`, for every key where it is `%p`
    or `%j`, and for every row of packed keys where it is one of these plus
    `cu_seqlens[b]`; a launch refuses one that is too small.

        element = tensor[indices], or 0 outside of tensor

    Numerics:

    - An index may be negative or too large: it reads 0.

    Source: captured tensors of FlexAttention, arXiv 2412.05496.

    - (C1) there is one index per dimension of tensor.
    - (C2) where sequences are packed, whose lengths a launch does not know, no
      index of one that `covers` is `%p` or `%j` alone.

    Examples:

    ```mlir
    %bias = attn.read %biases[%h, %p, %j] : tensor<16x?x?xf32>
    %length = attn.read %lengths[%b] covers : tensor<?xi32>
    ```
  }];
  let arguments = (ins Arg<Attn_Scalars, "the captured tensor">:$tensor,
                       Arg<Variadic<Index>, "the position">:$indices,
                       UnitAttr:$covers);
  let results = (outs
    Res<AnyTypeOf<[AnySignlessInteger, Index, F32, F16, BF16]>,
        "the element">:$element);
  let assemblyFormat = [{
    $tensor `[` $indices `]` (`covers` $covers^)? attr-dict `:` type($tensor)
  }];
  let hasVerifier = 1;
}

#endif // ATTN_ATTENTION_ATTENTIONREGIONOPS_TD
