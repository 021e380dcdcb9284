//===- AttentionCacheOps.td - What is written to caches ----*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONCACHEOPS_TD
#define ATTN_ATTENTION_ATTENTIONCACHEOPS_TD

include "Attention/AttentionDialect.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def RotaryOp : Attn_Op<"rotary", [Pure, AllTypesMatch<["input", "result"]>]> {
  let summary = "rotary position embedding";
  let description = [{
    Of each row, `2 n` channels from `offset` on are n pairs; pair `k` is turned by the
    angle `positions[...] * frequencies[k]`:

        (x, y) -> amplitude * (x cos - y sin, x sin + y cos)

    The pairs are the channels `k` and `n + k`, or with `interleaved` the channels `2k`
    and `2k + 1`, counted from the offset. With `inverse` the angle is negative. The
    other channels stay.

    Numerics:

    - Angles are found in double from the position and the f32 frequency.
    - Positions may be negative or repeat; a frequency of 0 leaves its pair as it
      is.
    - Half-split pairs (GPT-NeoX) and interleaved ones (GPT-J) are different
      functions of the same weights.

    Source: RoFormer, arXiv 2104.09864; YaRN, arXiv 2309.00071, is another choice of
    frequencies and amplitude.

    - (C1) input is `[B, L, H, D]` or `[total, H, D]` of floats, and positions are
      `[B, L]` or `[total]` of i32.
    - (C2) frequencies are `[n]` of f32, with a static n.
    - (C3) the channels `offset` to `offset + 2 n - 1` are of the D there are.
    - (C4) amplitude is finite.

    Examples:

    ```mlir
    %r = attn.rotary %q at %positions by %frequencies
        : tensor<?x?x8x128xf32>, tensor<?x?xi32>, tensor<64xf32>
    %s = attn.rotary %q at %positions by %half interleaved offset<64> inverse
        : tensor<?x?x8x128xf32>, tensor<?x?xi32>, tensor<32xf32>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the rows">:$input,
    Arg<AnyRankedTensor, "the position of each row">:$positions,
    Arg<AnyRankedTensor, "the angle of each pair per position">:$frequencies,
    UnitAttr:$interleaved,
    DefaultValuedAttr<I64Attr, "0">:$offset,
    OptionalAttr<F32Attr>:$amplitude,
    UnitAttr:$inverse
  );
  let results = (outs Res<AnyRankedTensor, "the turned rows">:$result);
  let assemblyFormat = [{
    $input `at` $positions `by` $frequencies (`interleaved` $interleaved^)?
    (`offset` `<` $offset^ `>`)? (`amplitude` `(` $amplitude^ `)`)?
    (`inverse` $inverse^)? attr-dict
    `:` type($input) `,` type($positions) `,` type($frequencies)
  }];
  let hasVerifier = 1;
}

def QuantizeOp : Attn_Op<"quantize", [Pure]> {
  let summary = "numbers as small numbers and their scales";
  let description = [{
    For each `group` of channels of the last axis

        scale = max(max |x|, least) / largest
        data = x / scale, rounded to the nearest, ties to even

    where `largest` is the largest number of the element type of data: 448 of
    f8E4M3FN, 57344 of f8E5M2, 127 of i8. With `power_of_two` the scale is rounded up
    to a power of 2. Where the scale is 0, so are the numbers. What is larger than
    the largest becomes that.

    Numerics:

    - A group of zeros without `least` has scale 0 and data 0: nothing is divided by
      it.
    - Ties are rounded to even; what is beyond the largest number becomes it.

    Source: the act_quant of DeepSeek-V3.2, and FP8 caches of vLLM.

    - (C1) input has float elements, data elements of f8E4M3FN, f8E5M2 or i8 and its
      shape, scale f32 and the shape of the input but for the last size.
    - (C2) group is at least 1, and divides the last size, which is static; scale has
      one number for each.
    - (C3) least is at least 0 and finite.

    Example:

    ```mlir
    %data, %scale = attn.quantize %x group<128> power_of_two least(1.0e-4)
        : tensor<?x?x1x512xf32> -> tensor<?x?x1x512xf8E4M3FN>, tensor<?x?x1x4xf32>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the numbers">:$input,
    I64Attr:$group,
    UnitAttr:$power_of_two,
    OptionalAttr<F32Attr>:$least
  );
  let results = (outs Res<AnyRankedTensor, "the small numbers">:$data,
                      Res<AnyRankedTensor, "their scales">:$scale);
  let assemblyFormat = [{
    $input `group` `<` $group `>` (`power_of_two` $power_of_two^)?
    (`least` `(` $least^ `)`)? attr-dict
    `:` type($input) `->` type($data) `,` type($scale)
  }];
  let hasVerifier = 1;
}

def DequantizeOp : Attn_Op<"dequantize", [Pure]> {
  let summary = "small numbers times their scales";
  let description = [{
    `scale * data`, or `scale * (data - zero)`. Scale and zero have the rank of data.
    Along an axis they have size 1, one number for all, or one for each group of
    `groups[axis]` elements; a group is 1 where groups are not given. So there are scales
    per tensor, per head, per token, per channel and per group of any of them, and they
    are addressed as the data are: pages of keys have pages of scales.

        result = scale[a div group] * (data[a] - zero[a div group])    along each axis

    Numerics:

    - Where an axis of scale or zero has size 1, its number is for all.
    - The last group along an axis may be a partial one.

    Source: KIVI, arXiv 2402.02750; per tensor, head and token scales as in
    FlashAttention 3.

    - (C1) data has elements of f8E4M3FN, f8E5M2 or integers of at most 8 bits, and
      result the same shape with float elements.
    - (C2) scale and zero are f32 and have the rank of data.
    - (C3) groups are one per axis, at least 1.
    - (C4) along each axis scale and zero have size 1 or a size for each group.

    Example:

    ```mlir
    %k = attn.dequantize %data by %scale groups [1, 1, 1, 128]
        : tensor<?x64x1x512xf8E4M3FN>, tensor<?x64x1x4xf32> -> tensor<?x64x1x512xbf16>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the small numbers">:$data,
    Arg<AnyRankedTensor, "their scales">:$scale,
    Arg<Optional<AnyRankedTensor>, "what stands for zero">:$zero,
    OptionalAttr<DenseI64ArrayAttr>:$groups
  );
  let results = (outs Res<AnyRankedTensor, "the numbers">:$result);
  let assemblyFormat = [{
    $data `by` $scale (`zero` `(` $zero^ `:` type($zero) `)`)? (`groups` $groups^)?
    attr-dict `:` type($data) `,` type($scale) `->` type($result)
  }];
  let extraClassDeclaration = [{
    /// The size of a group along `axis`.
    int64_t getGroup(int64_t axis) {
      return getGroups() ? (*getGroups())[axis] : 1;
    }
  }];
  let hasVerifier = 1;
}

def UnpackMlaOp : Attn_Op<"unpack_mla", [Pure]> {
  let summary = "latent keys from rows of 656 bytes";
  let description = [{
    A row of the cache of DeepSeek-V3.2 holds 512 numbers of f8E4M3FN, 4 scales of
    f32 in little endian, one for each 128 of them, and 64 numbers of bf16, little
    endian, that carry the position. The result has the 512 times their scales and
    then the 64.

        result[c] = data[c] * scale[c div 128]    c < 512
        result[c] = plain[c - 512]                512 <= c < 576

    Numerics:

    - A byte whose bits are a NaN of f8E4M3FN gives a NaN.

    Source: FlashMLA, the cache of 656 bytes per token.

    - (C1) bytes are i8 with a last size of 656; result has float elements, a last
      size of 576 and is otherwise of the same shape.

    Example:

    ```mlir
    %c = attn.unpack_mla %bytes : tensor<?x64x1x656xi8> -> tensor<?x64x1x576xbf16>
    ```
  }];
  let arguments = (ins Arg<AnyRankedTensor, "the rows of bytes">:$bytes);
  let results = (outs Res<AnyRankedTensor, "the rows of numbers">:$result);
  let assemblyFormat = "$bytes attr-dict `:` type($bytes) `->` type($result)";
  let extraClassDeclaration = [{
    /// The parts of a row: numbers of f8E4M3FN, scales, and numbers of bf16.
    static constexpr int64_t kQuantized = 512, kScales = 4, kPlain = 64;
    static constexpr int64_t kBytes = kQuantized + 4 * kScales + 2 * kPlain;
  }];
  let hasVerifier = 1;
}

def CacheAppendOp : Attn_Op<"cache.append", [
    Pure, AllTypesMatch<["cache", "result"]>]> {
  let summary = "rows written to the slots of a cache";
  let description = [{
    The cache with the rows in their slots. Slot `s` is slot `s mod size` of the page
    `s div size`. A row whose slot is none of the cache, -1 for instance, is not
    written. No two rows have the same slot. What is written is what the rows are: they
    are turned by `attn.rotary` and made small by `attn.quantize` before.

        result[s div size, s mod size, h, :] = rows[b, i, h, :]    s = slots[b, i]
        result = cache                                            elsewhere

    Numerics:

    - A slot of -1, or one behind the last page, leaves the cache as it is.

    Source: the slot mapping of vLLM's paged cache.

    - (C1) cache is `[pages, size, H, D]`, or with `heads_first`
      `[pages, H, size, D]`.
    - (C2) rows are `[B, L, H, D]` or `[total, H, D]` of the elements, heads and
      channels of the cache.
    - (C3) slots are `[B, L]` or `[total]` of i32.

    Example:

    ```mlir
    %next = attn.cache.append %rows to %cache at %slots
        : tensor<?x8x128xbf16>, tensor<?x16x8x128xbf16>, tensor<?xi32>
    ```
  }];
  let arguments = (ins
    Arg<AnyRankedTensor, "the rows">:$rows,
    Arg<AnyRankedTensor, "the cache">:$cache,
    Arg<AnyRankedTensor, "the slot of each row">:$slots,
    UnitAttr:$heads_first
  );
  let results = (outs Res<AnyRankedTensor, "the cache with the rows">:$result);
  let assemblyFormat = [{
    $rows `to` $cache `at` $slots (`heads_first` $heads_first^)? attr-dict
    `:` type($rows) `,` type($cache) `,` type($slots)
  }];
  let hasVerifier = 1;
}

#endif // ATTN_ATTENTION_ATTENTIONCACHEOPS_TD
