//===- AttentionKVOps.td - Constructors of keys and values -*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONKVOPS_TD
#define ATTN_ATTENTION_ATTENTIONKVOPS_TD

include "Attention/AttentionTypes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// Marks the ops that make a `!attn.kv`.
def Attn_KVConstructor : NativeOpTrait<"KVConstructor"> {
  let cppNamespace = "::mlir::attn";
}

def KVDenseOp : Attn_Op<"kv.dense", [
    Attn_KVConstructor, Pure, InferTypeOpAdaptor]> {
  let summary = "keys and values in two dense tensors";
  let description = [{
    Position `j` of batch `b` is row `[b, j]` of both tensors.

        keys[b, j, g, :] = key[b, j, g, :]
        values[b, j, g, :] = value[b, j, g, :]

    Numerics:

    - A length of 0 is a sequence without keys.

    Source: arXiv 1706.03762.

    Besides the constraints of `!attn.kv`:

    - (C1) key and value have rank 4.

    Example:

    ```mlir
    %kv = attn.kv.dense %k, %v
        : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the keys, `[B, Lk, Hk, D]`">:$key,
    Arg<AnyRankedTensor, "the values, `[B, Lk, Hk, Dv]`">:$value
  );
  let results = (outs Res<KVType, "the sequence of keys and values">:$kv);
  let assemblyFormat = [{
    $key `,` $value attr-dict `:` type($key) `,` type($value)
  }];
}

def KVVarlenOp : Attn_Op<"kv.varlen", [
    Attn_KVConstructor, Pure, InferTypeOpAdaptor]> {
  let summary = "keys and values of sequences of varying length, packed";
  let description = [{
    The sequences stand one after the other. Position `j` of sequence `b` is row
    `cu_seqlens[b] + j` of both tensors, and sequence `b` has
    `cu_seqlens[b + 1] - cu_seqlens[b]` keys, perhaps none. With `B` sequences,
    `cu_seqlens` has `B + 1` elements, from 0 or more to at most `total_k`, and
    none is smaller than the one before; rows outside of all sequences are not
    read. Nothing checks this on a GPU: the numbers are in its memory.

        Lk(b) = cu_seqlens[b + 1] - cu_seqlens[b]
        keys[b, j, g, :] = key[cu_seqlens[b] + j, g, :]
        values[b, j, g, :] = value[cu_seqlens[b] + j, g, :]

    Numerics:

    - Sequences may be empty, and rows may belong to none.

    Source: the packed form of FlashAttention 2, arXiv 2307.08691.

    Besides the constraints of `!attn.kv`:

    - (C1) key and value have rank 3.
    - (C2) `cu_seqlens` is `[B + 1]` of i32, with at least one element.

    Example:

    ```mlir
    %kv = attn.kv.varlen %k, %v, %cu_k
        : tensor<?x8x128xbf16>, tensor<?x8x128xbf16>, tensor<?xi32>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the keys, `[total_k, Hk, D]`">:$key,
    Arg<AnyRankedTensor, "the values, `[total_k, Hk, Dv]`">:$value,
    Arg<AnyRankedTensor, "where each sequence begins and the last one ends">
      :$cu_seqlens
  );
  let results = (outs Res<KVType, "the sequences of keys and values">:$kv);
  let assemblyFormat = [{
    $key `,` $value `,` $cu_seqlens attr-dict
    `:` type($key) `,` type($value) `,` type($cu_seqlens)
  }];
  let hasVerifier = 1;
}

def KVLatentOp : Attn_Op<"kv.latent", [
    Attn_KVConstructor, Pure, InferTypeOpAdaptor]> {
  let summary = "keys whose first channels are the values";
  let description = [{
    As `attn.kv.dense`, or with `cu_seqlens` as `attn.kv.varlen`, where the value of a
    position is the first `slice` channels of its key: the latent vectors of
    multi-head latent attention, stored once.

        keys[b, j, g, :] = key[b, j, g, :]
        values[b, j, g, :] = key[b, j, g, 0 ... slice - 1]

    Numerics:

    - The scale of an absorbed attention is that of the expanded one, 192 channels
      and not 576: it is given.

    Source: DeepSeek-V2, arXiv 2405.04434.

    - (C1) key has rank 4, or 3 with `cu_seqlens`.
    - (C2) slice is from 1 to the head dimension of the keys.
    - (C3) `cu_seqlens` is `[B + 1]` of i32, with at least one element.

    Examples:

    ```mlir
    %kv = attn.kv.latent %c slice<512> : tensor<?x?x1x576xbf16>
    %packed = attn.kv.latent %d slice<512> cu_seqlens(%cu : tensor<?xi32>)
        : tensor<?x1x576xbf16>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the keys, `[B, Lk, Hk, D]` or `[total_k, Hk, D]`">:$key,
    Arg<Optional<AnyRankedTensor>,
        "where each sequence begins and the last one ends">:$cu_seqlens,
    I64Attr:$slice
  );
  let results = (outs Res<KVType, "the keys, and their slices as values">:$kv);
  let assemblyFormat = [{
    $key `slice` `<` $slice `>`
    (`cu_seqlens` `(` $cu_seqlens^ `:` type($cu_seqlens) `)`)? attr-dict
    `:` type($key)
  }];
  let hasVerifier = 1;
}

def KVPagedOp : Attn_Op<"kv.paged", [
    Attn_KVConstructor, Pure, AttrSizedOperandSegments, InferTypeOpAdaptor]> {
  let summary = "keys and values in pages";
  let description = [{
    Position `j` of sequence `b` is slot `j mod size` of a page of `size` slots. With
    a `table`, that page is `table[b, j div size]`, and the sequence has `lengths[b]`
    keys. With `csr`, it is `indices[indptr[b] + j div size]`, and the sequence
    fills its `n = indptr[b + 1] - indptr[b]` pages, of the last one
    `last_page_len[b]` slots: `size * (n - 1) + last_page_len[b]` keys, or none
    where it has no page. Pages may be shared.

    Pages are `[pages, size, Hk, D]`, with `heads_first` `[pages, Hk, size, D]`. The
    values have pages of their own, or with `slice` are the first channels of the
    keys.

        page = table[b, j div size], or indices[indptr[b] + j div size]
        keys[b, j, g, :] = key[page, j mod size, g, :]
        values[b, j, g, :] = value[page, j mod size, g, :], or the slice of the key
        Lk(b) = lengths[b], or size * (n - 1) + last_page_len[b], or 0 where n is 0

    Numerics:

    - Pages stand in any order, and several sequences may share one.
    - The last page may be filled in part; what is behind the length is not read.
    - A number that is no page is an error of the reference; on a GPU nothing checks
      it.

    Source: PagedAttention, arXiv 2309.06180; csr and heads_first as FlashInfer has
    them, arXiv 2501.01005.

    - (C1) keys and values have rank 4 and agree in all sizes but the last.
    - (C2) there are either values or a slice, from 1 to the head dimension.
    - (C3) there is either a table or csr.
    - (C4) table is `[B, pages]` and lengths `[B]` of i32.
    - (C5) indptr is `[B + 1]`, indices `[n]` and last_page_len `[B]` of i32.

    Examples:

    ```mlir
    %kv = attn.kv.paged %k values(%v : tensor<?x16x8x128xbf16>)
        table(%table, %lengths : tensor<?x?xi32>, tensor<?xi32>)
        : tensor<?x16x8x128xbf16>
    %latent = attn.kv.paged %c slice<512>
        csr(%indptr, %pages, %last : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
        : tensor<?x64x1x576xbf16>
    %other = attn.kv.paged %hk heads_first values(%hv : tensor<?x8x16x128xbf16>)
        table(%table, %lengths : tensor<?x?xi32>, tensor<?xi32>)
        : tensor<?x8x16x128xbf16>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the pages of the keys">:$key,
    Arg<Optional<AnyRankedTensor>, "the pages of the values">:$value,
    Arg<Optional<AnyRankedTensor>, "the pages of each sequence">:$table,
    Arg<Optional<AnyRankedTensor>, "the number of keys of each sequence">:$lengths,
    Arg<Optional<AnyRankedTensor>,
        "where the pages of each sequence begin among the indices">:$indptr,
    Arg<Optional<AnyRankedTensor>, "the pages of all sequences">:$indices,
    Arg<Optional<AnyRankedTensor>,
        "how many slots of its last page a sequence fills">:$last_page_len,
    OptionalAttr<I64Attr>:$slice,
    UnitAttr:$heads_first
  );
  let results = (outs Res<KVType, "the sequences of keys and values">:$kv);
  let assemblyFormat = [{
    $key (`heads_first` $heads_first^)?
    (`values` `(` $value^ `:` type($value) `)`)? (`slice` `<` $slice^ `>`)?
    (`table` `(` $table^ `,` $lengths `:` type($table) `,` type($lengths) `)`)?
    (`csr` `(` $indptr^ `,` $indices `,` $last_page_len `:` type($indptr) `,`
     type($indices) `,` type($last_page_len) `)`)? attr-dict `:` type($key)
  }];
  let hasVerifier = 1;
}

def KVGatherOp : Attn_Op<"kv.gather", [
    Attn_KVConstructor, Pure, AllTypesMatch<["source", "kv"]>]> {
  let summary = "the keys that lists name for each query";
  let description = [{
    Query `i` of head `h` sees, of the keys of `source`, those whose positions are in
    `indices[b, i, h / (Hq / Hs), :]`, or packed `indices[cu_seqlens[b] + i, ...]`;
    with `block` those of the blocks of that many positions that the list names. The
    mask applies to them as it does to all keys. A number that names no key is
    ignored, -1 for instance, and so is one that stands there again: a list is a set.

        seen(b, h, i, j) = j div block is in indices[b, i, h / (Hq / Hs), :]
                           and mask(b, h, p, j)

    Numerics:

    - -1 and numbers behind the last key or block name nothing, wherever they stand.
    - A number that stands twice counts once, and the order means nothing.
    - The last block may have fewer keys.

    Source: FlashMLA sparse attention; blocks of NSA, arXiv 2502.11089, and MoBA,
    arXiv 2502.13189.

    - (C1) source is defined by a constructor in the same function.
    - (C2) indices are `[B, Lq, Hs, n]`, or packed `[total_q, Hs, n]`, of i32, where
      Hs is static.
    - (C3) block is at least 1.

    Examples:

    ```mlir
    %some = attn.kv.gather %kv at %indices
        : !attn.kv<tensor<?x?x1x576xbf16>, tensor<?x?x1x512xbf16>>,
          tensor<?x?x1x2048xi32>
    %blocks = attn.kv.gather %kv at %indices block<64>
        : !attn.kv<tensor<?x?x4x192xbf16>, tensor<?x?x4x128xbf16>>,
          tensor<?x?x4x16xi32>
    ```
  }];
  let arguments = (ins
    Arg<KVType, "the keys and values to choose from">:$source,
    Arg<AnyRankedTensor, "the chosen keys or blocks of each query">:$indices,
    DefaultValuedAttr<I64Attr, "1">:$block
  );
  let results = (outs Res<KVType, "the chosen keys and values">:$kv);
  let assemblyFormat = [{
    $source `at` $indices (`block` `<` $block^ `>`)? attr-dict
    `:` qualified(type($source)) `,` type($indices)
  }];
  let extraClassDeclaration = [{
    /// The number of lists of a query (Hs).
    int64_t getLists() {
      auto type = ::llvm::cast<::mlir::RankedTensorType>(getIndices().getType());
      return type.getShape().take_back(2).front();
    }
  }];
  let hasVerifier = 1;
}

def KVConcatOp : Attn_Op<"kv.concat", [Attn_KVConstructor, Pure]> {
  let summary = "several sources of keys, one after the other";
  let description = [{
    The positions of a source follow those of the one before: position `j` of
    source `s` is position `j` plus the numbers of keys of the sources in front of it,
    in each sequence. An attention over them is one softmax over all.

        keys[b, offset_s + j, g, :] = keys_s[b, j, g, :]
        offset_s = sum of Lk_r(b) over r < s

    Numerics:

    - A source without keys moves nothing.

    Source: the window and the compressed entries of DeepSeek-V4 in one softmax.

    - (C1) sources are defined by constructors in the same function.
    - (C2) there is at least one source, and none is packed.
    - (C3) sources and kv agree in element type, batch, heads and head dimensions, and
      the length of kv is the sum of theirs.

    Example:

    ```mlir
    %kv = attn.kv.concat %window, %compressed
        : !attn.kv<tensor<?x?x1x512xbf16>, tensor<?x?x1x512xbf16>>,
          !attn.kv<tensor<?x?x1x512xbf16>, tensor<?x?x1x512xbf16>>
        -> !attn.kv<tensor<?x?x1x512xbf16>, tensor<?x?x1x512xbf16>>
    ```
  }];
  let arguments = (ins Arg<Variadic<KVType>, "the sources">:$sources);
  let results = (outs Res<KVType, "the keys and values of all">:$kv);
  let assemblyFormat = [{
    $sources attr-dict `:` qualified(type($sources)) `->` qualified(type($kv))
  }];
  let hasVerifier = 1;
}

#endif // ATTN_ATTENTION_ATTENTIONKVOPS_TD
