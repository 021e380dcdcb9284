//===- Sm90FragmentOps.td - Products and fragments --- -*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A part of Sm90Ops.td.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SM90_SM90FRAGMENTOPS_TD
#define ATTN_SM90_SM90FRAGMENTOPS_TD

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def Sm90_WgmmaAsyncOp : Sm90_Op<"wgmma_async", [
    Sm90_FixedLayouts, AttrSizedOperandSegments, MemoryEffects<[MemRead]>,
    TypesMatchWith<"the product is of lhs", "result", "lhs",
                   "::llvm::cast<InFlightType>($_self).getLhs()">,
    TypesMatchWith<"the product is of rhs", "result", "rhs",
                   "::llvm::cast<InFlightType>($_self).getRhs()">,
    OptionalTypesMatchWith<"what is below rhs has its type", "result", "below",
                           "::llvm::cast<InFlightType>($_self).getRhs()">,
    OptionalTypesMatchWith<"the accumulator has the type of the result",
                           "result", "acc",
                           "::llvm::cast<InFlightType>($_self).getResult()">]> {
  let summary = "starts a product of a warpgroup";
  let description = [{
    `acc + lhs * rhs`, or `acc + lhs * rhs^T` with `transpose_rhs`; lhs from
    registers, or from the 64 rows of a stage that start at `row`; rhs from
    shared memory. Without an accumulator it starts from zero, and so it does where
    `if` is false, whatever the accumulator holds. The products form one commit
    group. A product that `keeps` the right stage accesses it only, and does not give
    it back. With rhs `above` another stage, the rows of rhs are followed by those of
    the other one.

    ```mlir
    %f = sm90.wgmma_async %q, %k transpose_rhs
       : !sm90.in_flight<tensor<64x128xf32> = tensor<64x128xbf16> * <128x128xbf16>>
    %g = sm90.wgmma_async %queries row(%r), %k transpose_rhs
       : !sm90.in_flight<tensor<64x80xf32> = !sm90.stage<128x256xbf16> * <80x256xbf16>>
    %h = sm90.wgmma_async %keys row(%c0), %queries above %keys transpose_rhs keeps
       : !sm90.in_flight<tensor<64x128xf32> = !sm90.stage<64x128xbf16, panel_rows = 128>
                                            * <64x128xbf16, panel_rows = 128>>
    ```
    | constraint | rule |
    |---|---|
    | C1 | lhs has 64 rows (a stage: at least 64), and the inner size, a multiple of 16, and element type of rhs |
    | C2 | the result is f32, with 64 rows and the columns of rhs (its rows when transposed, and those below), a multiple of 8 up to 256 |
    | C3 | the result is waited for exactly once, in the same block |
    | C4 | `row` is given where lhs is a stage, and only there |
    | C5 | `if` is given with an accumulator only |
    | C6 | `above` is given with `transpose_rhs` and `keeps` only, of stages of one use of the rows of a buffer that follow each other |
  }];
  let arguments = (ins AnyTypeOf<[Sm90_Matrix, Sm90_StageType]>:$lhs, Optional<Index>:$row,
                       Sm90_StageType:$rhs, Optional<Sm90_StageType>:$below,
                       Optional<Sm90_Scores>:$acc, Optional<I1>:$adds,
                       UnitAttr:$transpose_rhs, UnitAttr:$keeps);
  let results = (outs Sm90_InFlightType:$result);
  let assemblyFormat = [{
    $lhs (`row` `(` $row^ `)`)? `,` $rhs (`above` $below^)? (`transpose_rhs` $transpose_rhs^)?
    (`acc` `(` $acc^ `)`)? (`if` `(` $adds^ `)`)? (`keeps` $keeps^)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def Sm90_WgmmaWaitOp : Sm90_Op<"wgmma.wait", [
    Sm90_FixedLayouts, MemoryEffects<[MemRead, MemWrite]>,
    TypesMatchWith<"the result is that of the product", "product", "result",
                   "::llvm::cast<InFlightType>($_self).getResult()">,
    TypesMatchWith<"the stage is that of the product", "product", "stage",
                   "::llvm::cast<InFlightType>($_self).getRhs()">]> {
  let summary = "waits for a product";
  let description = [{
    Waits until at most `pending` later products are under way, and gives the
    result and the borrowed stage back.

    | constraint | rule |
    |---|---|
    | C1 | `pending` is the number of products started after this one and not yet waited for |
    | C2 | the product was started in the same block |
    | C3 | the stage is given back exactly once, as in `sm90.stage.await_full`, or not used where the product keeps it |
  }];
  let arguments = (ins Sm90_InFlightType:$product, I64Attr:$pending);
  let results = (outs Sm90_Scores:$result, Sm90_StageType:$stage);
  let assemblyFormat = [{
    $product `pending` `(` $pending `)` attr-dict `:` type($product)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

def Sm90_LayoutCastOp : Sm90_Op<"layout_cast", [
    Pure, SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "the same elements in another layout";
  let description = [{
    The anchors from which `sm90-infer-layouts` starts. Legal are the casts
    that move nothing between threads: of a 16-bit accumulator to `operand_a`,
    and of `rows` to `partial_rows`.
  }];
  let arguments = (ins Sm90_Fragment:$source);
  let results = (outs Sm90_Fragment:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
}

def Sm90_SplitColumnsOp : Sm90_Op<"split_columns", [
    Sm90_FixedLayouts, Pure, AllTypesMatch<["left", "right"]>]> {
  let summary = "the left and the right half of the columns of an accumulator";
  let description = [{
    | constraint | rule |
    |---|---|
    | C1 | each half has the rows of the source and half of its columns |

    ```mlir
    %left, %right = sm90.split_columns %x : tensor<64x128xf32> -> tensor<64x64xf32>
    ```
  }];
  let arguments = (ins Sm90_Scores:$source);
  let results = (outs Sm90_Scores:$left, Sm90_Scores:$right);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($left)";
  let hasVerifier = 1;
}

def Sm90_MaskOp : Sm90_Op<"mask", [
    Pure, AllTypesMatch<["scores", "result"]>,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "sets scores to -inf where a predicate is false";
  let description = [{
    As `tile.mask`: element (r, c) stands for query position `query + r` and key
    position `key + c`. Where `whole` is true the predicate is as well; it is the
    same for all threads of a warpgroup, which branch around the predicate.

    | constraint | rule |
    |---|---|
    | C1 | the region has two index arguments and yields one i1 |
  }];
  let arguments = (ins Sm90_Scores:$scores, Index:$query, Index:$key,
                       Optional<I1>:$whole);
  let regions = (region SizedRegion<1>:$predicate);
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = [{
    $scores `query` `(` $query `)` `key` `(` $key `)` (`whole` `(` $whole^ `)`)? attr-dict `:` type($scores) $predicate
  }];
  let hasRegionVerifier = 1;
}

def Sm90_EvaluateMaskOp : Sm90_Op<"evaluate_mask", [
    Pure, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "evaluates a predicate for every score, before there are any";
  let description = [{
    Bit (r, c) is what the predicate yields for query position `query + r` and key
    position `key + c`. Masks that read memory are evaluated so while the product
    that gives the scores is under way; `sm90.apply_mask` applies the bits.

    | constraint | rule |
    |---|---|
    | C1 | the region has two index arguments and yields one i1 |

    ```mlir
    %bits = sm90.evaluate_mask query(%p) key(%j) : !sm90.bits<64 x 128> {
    ^bb0(%query: index, %key: index):
      %keep = arith.cmpi sle, %key, %query : index
      sm90.yield %keep : i1
    }
    ```
  }];
  let arguments = (ins Index:$query, Index:$key);
  let regions = (region SizedRegion<1>:$predicate);
  let results = (outs Sm90_BitsType:$bits);
  let assemblyFormat = [{
    `query` `(` $query `)` `key` `(` $key `)` attr-dict `:` type($bits) $predicate
  }];
  let hasRegionVerifier = 1;
}

def Sm90_ApplyMaskOp : Sm90_Op<"apply_mask", [
    Pure, AllTypesMatch<["scores", "result"]>]> {
  let summary = "sets scores to -inf where a bit is not set";
  let description = [{
    | constraint | rule |
    |---|---|
    | C1 | there is a bit for each score |

    ```mlir
    %masked = sm90.apply_mask %scores, %bits : tensor<64x128xf32>, <64 x 128>
    ```
  }];
  let arguments = (ins Sm90_Scores:$scores, Sm90_BitsType:$bits);
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = [{
    $scores `,` $bits attr-dict `:` type($scores) `,` type($bits)
  }];
  let hasVerifier = 1;
}

def Sm90_ScoreOp : Sm90_Op<"score", [
    Pure, AttrSizedOperandSegments, AllTypesMatch<["scores", "result"]>,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "modifies every score";
  let description = [{
    As `tile.score`: the region gets a score, the positions of its query and of
    its key, and an element of each of `tiles`, which are stages: those of the 64 rows
    from `row` on are of the scores. Nothing else writes a stage before it is given
    back, so that reading it has no effect.

    | constraint | rule |
    |---|---|
    | C1 | the region has arguments of f32, index and index, and of the element type of each tile, and yields one f32 |
    | C2 | the row is given where there are tiles, and only there |
    | C3 | the tiles are of 16 bits, with at least 64 rows and the columns of the scores, a multiple of 16 |
  }];
  let arguments = (ins Sm90_Scores:$scores, Index:$query, Index:$key,
                       Optional<Index>:$row, Variadic<Sm90_StageType>:$tiles);
  let regions = (region SizedRegion<1>:$modifier);
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = [{
    $scores `query` `(` $query `)` `key` `(` $key `)`
    (`row` `(` $row^ `)`)? (`tiles` `(` $tiles^ `:` type($tiles) `)`)?
    attr-dict `:` type($scores) $modifier
  }];
  let hasRegionVerifier = 1;
}

def Sm90_ReadOp : Sm90_Op<"read", [Pure, AttrSizedOperandSegments]> {
  let summary = "reads one element of a tensor in global memory";
  let description = [{
    The element at `indices` of a tensor of the given sizes, or zero where they lie
    outside. `strides` are those of all axes but the last one, whose elements are
    adjacent. The kernel does not write the tensor. Elements of index are i64 in
    memory, those of i1 a byte. `position` as in `tile.read`. With `paired`, in a
    modifier of scores, the indices lie inside for all scores, and an element at an
    even position along the last axis starts an aligned word with the next one.

    | constraint | rule |
    |---|---|
    | C1 | there are as many indices as sizes, and one stride less where there are any |
    | C2 | elements that are paired are bf16 or f16 |

    ```mlir
    %length = sm90.read %lengths[%b] of [%n] : !llvm.ptr<1> -> i32
    %document = sm90.read %ids[%b, %j] of [%n, %m] strides [%s] : !llvm.ptr<1> -> i32
    ```
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer, Variadic<Index>:$indices,
                       Variadic<Index>:$sizes, Variadic<I64>:$strides, UnitAttr:$position,
                       UnitAttr:$paired);
  let results = (outs AnyTypeOf<[I1, I8, I16, I32, I64, Index, BF16, F16, F32]>:$element);
  let assemblyFormat = [{
    $pointer `[` $indices `]` `of` `[` $sizes `]` (`strides` `[` $strides^ `]`)? (`position` $position^)?
    (`paired` $paired^)? attr-dict `:` qualified(type($pointer)) `->` type($element)
  }];
  let hasVerifier = 1;
}

def Sm90_UndefinedOp : Sm90_Op<"undefined", [Pure]> {
  let summary = "a fragment that holds nothing in particular";
  let description = [{
    What an accumulator is before the first product, which does not read it. Saves
    clearing it.
  }];
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = "attr-dict `:` type($result)";
}

def Sm90_WriteOp : Sm90_Op<"write", [MemoryEffects<[MemWrite]>, AttrSizedOperandSegments]> {
  let summary = "writes one element of a tensor in global memory";
  let description = [{
    The element at `indices`, which lie inside the tensor. `strides` are those of
    all axes but the last one, whose elements are adjacent. One thread of the
    consumers writes it.

    | constraint | rule |
    |---|---|
    | C1 | there is one stride less than indices |

    ```mlir
    sm90.write %end, %ends[%b, %c0] strides [%s] : i32, !llvm.ptr<1>
    ```
  }];
  let arguments = (ins I32:$element, LLVM_PointerInAddressSpace<1>:$pointer,
                       Variadic<Index>:$indices, Variadic<I64>:$strides);
  let assemblyFormat = [{
    $element `,` $pointer `[` $indices `]` (`strides` `[` $strides^ `]`)? attr-dict
    `:` type($element) `,` qualified(type($pointer))
  }];
  let hasVerifier = 1;
}

def Sm90_FindExtremesOp : Sm90_Op<"find_extremes", [
    MemoryEffects<[MemRead, MemWrite]>, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "the least and the greatest of numbers that belong to positions";
  let description = [{
    As `tile.find_extremes`. All threads of the consumers share the positions, and
    get the results; they meet on the way. `offset`, in bytes, is where they
    exchange what they have found in shared memory, assigned by
    `sm90-assign-shared-memory`.

    | constraint | rule |
    |---|---|
    | C1 | the region has one index argument and yields pairs of an i32 and an i1 |
    | C2 | there are two results for each pair |
  }];
  let arguments = (ins Index:$begin, Index:$end, OptionalAttr<I64Attr>:$offset);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<I32>:$extremes);
  let assemblyFormat = [{
    `(` $begin `to` $end `)` (`at` $offset^)? attr-dict `:` type($extremes) $body
  }];
  let hasRegionVerifier = 1;
}

def Sm90_FindReachOp : Sm90_Op<"find_reach", [
    MemoryEffects<[MemRead, MemWrite]>, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "how far back numbers have to be added up to be small";
  let description = [{
    As `tile.find_reach`. Each thread of the consumers has one of the positions at
    hand, with channels one of these and a block of positions, and all get the result;
    they meet on the way. `offset` as in `sm90.find_extremes`.

    | constraint | rule |
    |---|---|
    | C1 | the region has one index argument, two with channels, and yields one f32 |
    | C2 | the block is whole warps, and divides a warpgroup |
    | C3 | channels, where they are given, are whole warps, and divide a warpgroup |
  }];
  let arguments = (ins Index:$stop, Index:$end, I64Attr:$block, F32Attr:$limit,
                       OptionalAttr<I64Attr>:$channels, OptionalAttr<I64Attr>:$offset);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Index:$first);
  let assemblyFormat = [{
    `(` $stop `to` $end `)` `block` `(` $block `)` `limit` `(` $limit `)`
    (`channels` `(` $channels^ `)`)? (`at` $offset^)?
    attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def Sm90_SquaredNormOp : Sm90_Op<"squared_norm", [Pure, AttrSizedOperandSegments]> {
  let summary = "the squared length of a row of a tensor in global memory";
  let description = [{
    As `tile.squared_norm`, of `length` elements at `indices`; `sizes` and `strides`
    are of the axes that these are of. Rows begin at multiples of 16 bytes.

    | constraint | rule |
    |---|---|
    | C1 | there are as many indices as sizes and strides |
    | C2 | the length is a multiple of 8, and the elements are bf16 or f16 |

    ```mlir
    %n = sm90.squared_norm %k[%b, %p] of [%batch, %length] strides [%s, %t] length(128) : !llvm.ptr<1>, bf16
    ```
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer, Variadic<Index>:$indices,
                       Variadic<Index>:$sizes, Variadic<I64>:$strides, I64Attr:$length,
                       TypeAttr:$element);
  let results = (outs F32:$norm);
  let assemblyFormat = [{
    $pointer `[` $indices `]` `of` `[` $sizes `]` `strides` `[` $strides `]`
    `length` `(` $length `)` attr-dict `:` qualified(type($pointer)) `,` $element
  }];
  let hasVerifier = 1;
}

def Sm90_SplatOp : Sm90_Op<"splat", [
    Pure, TypesMatchWith<"the scalar has the element type of the fragment",
                         "result", "scalar",
                         "::llvm::cast<RankedTensorType>($_self).getElementType()">]> {
  let summary = "repeats a scalar in every element";
  let description = "The fragment may be in any layout.";
  let arguments = (ins F32:$scalar);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let assemblyFormat = "$scalar attr-dict `:` type($result)";
}

def Sm90_ReduceColumnsOp : Sm90_Op<"reduce_columns", [Sm90_FixedLayouts, Pure]> {
  let summary = "combines the elements of each row that a thread holds";
  let description = [{
    The result is in the layout `partial_rows`; `sm90.combine_quad` completes it.

    | constraint | rule |
    |---|---|
    | C1 | the result has one element per row |
  }];
  let arguments = (ins Sm90_CombineAttr:$combine, Sm90_Scores:$source);
  let results = (outs Sm90_RowStats:$result);
  let assemblyFormat = "$combine $source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Sm90_CombineQuadOp : Sm90_Op<"combine_quad", [
    Sm90_FixedLayouts, Pure, SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "combines the parts that the four threads of a quad hold";
  let arguments = (ins Sm90_CombineAttr:$combine, Sm90_RowStats:$source);
  let results = (outs Sm90_RowStats:$result);
  let assemblyFormat = "$combine $source attr-dict `:` type($source) `->` type($result)";
}

def Sm90_BroadcastRowsOp : Sm90_Op<"broadcast_rows", [Sm90_FixedLayouts, Pure]> {
  let summary = "repeats one value per row along the columns";
  let description = [{
    | constraint | rule |
    |---|---|
    | C1 | the result has one row per element |
  }];
  let arguments = (ins Sm90_RowStats:$source);
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Sm90_VoteAllOp : Sm90_Op<"vote_all", [Pure]> {
  let summary = "whether a condition holds for every row of the warp";
  let arguments = (ins 1DTensorOf<[I1]>:$rows);
  let results = (outs I1:$result);
  let assemblyFormat = "$rows attr-dict `:` type($rows)";
}

#endif // ATTN_SM90_SM90FRAGMENTOPS_TD
