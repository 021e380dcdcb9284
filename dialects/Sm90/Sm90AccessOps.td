//===- Sm90AccessOps.td - Copies, loads and stores ---- -*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A part of Sm90Ops.td.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SM90_SM90ACCESSOPS_TD
#define ATTN_SM90_SM90ACCESSOPS_TD

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

def Sm90_TmaLoadAsyncOp : Sm90_Op<"tma_load_async", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "copies a box of a tensor into a stage";
  let description = [{
    Announces the bytes of the box to `barrier` and starts the copy. Elements
    outside of the tensor become zero. `keep` asks the L2 cache to keep the data
    for other blocks, without it the data may be evicted first.

    ```mlir
    sm90.tma_load_async %keys[%b, %j, %h, %c0] into %stage, %full[%n] keep
      : !sm90.tensor_map<128x128xbf16, axes = [1, 3], rank = 4>, !sm90.stage<128x128xbf16>, !sm90.mbarrier<2>
    ```
    | constraint | rule |
    |---|---|
    | C1 | one index per axis of the tensor, and one more where the map is sliced |
    | C2 | the stage has the box of the map, of bf16 or f16 |
  }];
  let arguments = (ins Sm90_TensorMapType:$map, Variadic<Index>:$indices,
                       Sm90_StageType:$stage, Sm90_MBarrierType:$barrier, Index:$count,
                       UnitAttr:$keep);
  let assemblyFormat = [{
    $map `[` $indices `]` `into` $stage `,` $barrier `[` $count `]` (`keep` $keep^)? attr-dict
    `:` type($map) `,` type($stage) `,` type($barrier)
  }];
  let hasVerifier = 1;
}

def Sm90_LoadFragmentOp : Sm90_Op<"load_fragment", [Sm90_FixedLayouts, MemoryEffects<[MemRead]>]> {
  let summary = "reads 64 rows of a stage into the A operand of a product";
  let description = [{
    With `transposed`, the 64 columns from `row` on, which are the rows of the
    fragment, in the layout of an accumulator.

    | constraint | rule |
    |---|---|
    | C1 | the result has 64 rows and the columns, or transposed the rows, and the element type of the stage |
  }];
  let arguments = (ins Sm90_StageType:$stage, Index:$row, UnitAttr:$transposed);
  let results = (outs Sm90_Matrix:$fragment);
  let assemblyFormat = [{
    $stage `row` `(` $row `)` (`transposed` $transposed^)? attr-dict `:` type($stage) `->` type($fragment)
  }];
  let hasVerifier = 1;
}

def Sm90_StoreFragmentOp : Sm90_Op<"store_fragment", [Sm90_FixedLayouts, MemoryEffects<[MemWrite]>]> {
  let summary = "writes a fragment of 64 rows into shared memory";
  let description = [{
    Into a buffer of one stage, or a stage, from `row` on. Makes the data visible
    to the copy engine and to products. With `transposed`, the columns of the
    fragment become rows of the memory.

    | constraint | rule |
    |---|---|
    | C1 | the fragment has 64 rows; the memory has its element type and at least its columns, or transposed 64 |
    | C2 | a buffer has one stage |
  }];
  let arguments = (ins Sm90_Matrix:$fragment, Sm90_Memory:$memory, Index:$row,
                       UnitAttr:$transposed);
  let assemblyFormat = [{
    $fragment `,` $memory `row` `(` $row `)` (`transposed` $transposed^)? attr-dict
    `:` type($fragment) `,` qualified(type($memory))
  }];
  let hasVerifier = 1;
}

def Sm90_TmaStoreAsyncOp : Sm90_Op<"tma_store_async", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "copies rows of shared memory into a box of a tensor";
  let description = [{
    From a buffer of one stage, or a stage, from `row` on. One thread of the
    warpgroup starts the copy. Elements outside of the tensor are dropped.

    | constraint | rule |
    |---|---|
    | C1 | one index per axis of the tensor, and one more where the map is sliced |
    | C2 | the memory has at least the columns, and the element type, of the map, bf16 or f16 |
    | C3 | a buffer has one stage |
  }];
  let arguments = (ins Sm90_Memory:$memory, Index:$row, Sm90_TensorMapType:$map,
                       Variadic<Index>:$indices);
  let assemblyFormat = [{
    $memory `row` `(` $row `)` `,` $map `[` $indices `]` attr-dict
    `:` qualified(type($memory)) `,` type($map)
  }];
  let hasVerifier = 1;
}

def Sm90_TmaStoreWaitOp : Sm90_Op<"tma_store.wait", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "waits for the copies that the warpgroup has started";
  let description = [{
    Until they have read shared memory (`read`) or are complete.
  }];
  let arguments = (ins UnitAttr:$read);
  let assemblyFormat = "(`read` $read^)? attr-dict";
}

def Sm90_TurnAwaitOp : Sm90_Op<"turn.await", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "lets a consumer warpgroup wait for its turn";
  let description = [{
    Returns when the warpgroup before, or for the first one the last one, has
    executed a `sm90.turn.pass` for each `sm90.turn.await` so far and this one.
  }];
  let assemblyFormat = "attr-dict";
}

def Sm90_TurnPassOp : Sm90_Op<"turn.pass", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "gives the next consumer warpgroup its turn";
  let assemblyFormat = "attr-dict";
}

def Sm90_BarrierSyncOp : Sm90_Op<"barrier.sync", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "lets the threads of the consumer warpgroup wait for each other";
  let assemblyFormat = "attr-dict";
}

def Sm90_StoreRowsOp : Sm90_Op<"store_rows", [Sm90_FixedLayouts, MemoryEffects<[MemWrite]>]> {
  let summary = "stores one value per row to global memory";
  let description = [{
    Row r goes to element `offset + r`; rows from `limit` on are dropped.

    | constraint | rule |
    |---|---|
    | C1 | there are 64 rows |
  }];
  let arguments = (ins Sm90_RowStats:$rows, LLVM_PointerInAddressSpace<1>:$pointer, I64:$offset, Index:$limit);
  let assemblyFormat = [{
    $rows `,` $pointer `[` $offset `]` `limit` `(` $limit `)` attr-dict `:` type($rows) `,` qualified(type($pointer))
  }];
  let hasVerifier = 1;
}

def Sm90_StoreMatrixOp : Sm90_Op<"store_matrix", [Sm90_FixedLayouts, MemoryEffects<[MemWrite]>]> {
  let summary = "stores a fragment of 64 rows to global memory";
  let description = [{
    Row r goes to the elements from `offset + r * stride` on; rows from `limit` on
    are dropped. The threads of a quad exchange elements, so that each stores 16
    bytes at a time: the address and, in bytes, offset and stride are multiples of
    16.

    ```mlir
    sm90.store_matrix %o, %output[%offset] stride(%stride) limit(%n)
      : tensor<64x128xbf16>, !llvm.ptr<1>
    ```
    | constraint | rule |
    |---|---|
    | C1 | there are 64 rows, of elements of 16 bits |
  }];
  let arguments = (ins Sm90_Matrix:$fragment, LLVM_PointerInAddressSpace<1>:$pointer,
                       I64:$offset, I64:$stride, Index:$limit);
  let assemblyFormat = [{
    $fragment `,` $pointer `[` $offset `]` `stride` `(` $stride `)` `limit` `(` $limit `)` attr-dict
    `:` type($fragment) `,` qualified(type($pointer))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Strips
//===----------------------------------------------------------------------===//

class Sm90_StripsAccess<string mnemonic, list<Trait> traits>
    : Sm90_Op<mnemonic, [AttrSizedOperandSegments] # traits> {
  let hasVerifier = 1;
}

def Sm90_LoadStripsOp : Sm90_StripsAccess<"load_strips", [MemoryEffects<[MemRead]>]> {
  let summary = "loads a tile from global memory into registers";
  let description = [{
    The tile starts at `indices`, of a tensor of the given sizes, and extends along
    `axes`. `strides` are those of all axes but the last one, whose elements are
    adjacent. The elements of the memory are `element`; they are extended to f32.
    Those outside of the tensor are zero; there are none where the tile is `whole`,
    and four neighbours along the last axis are then loaded at once, so that their
    address has to be a multiple of their size. What is `constant` is written by
    nobody while the kernel runs. Loads of the same elements that differ in the number
    of their `copy` may be spread over threads in different ways.

    ```mlir
    %s = sm90.load_strips %states[%n, %h, %c0, %v] of [%count, %heads, %rows, %columns]
       strides [%s0, %s1, %s2] axes [2, 3] whole : f32 -> tensor<128x64xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | there are as many indices as sizes, and one stride less |
    | C2 | there is one axis per dimension of the tile; they increase, and the last one is the innermost |
    | C3 | the elements are bf16, f16 or f32 |
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer, Variadic<Index>:$indices,
                       Variadic<Index>:$sizes, Variadic<I64>:$strides,
                       DenseI64ArrayAttr:$axes, TypeAttr:$element, UnitAttr:$whole,
                       UnitAttr:$constant, DefaultValuedAttr<I64Attr, "0">:$copy);
  let results = (outs RankedTensorOf<[F32]>:$fragment);
  let assemblyFormat = [{
    $pointer `[` $indices `]` `of` `[` $sizes `]` `strides` `[` $strides `]` `axes` $axes
    (`whole` $whole^)? (`constant` $constant^)? (`copy` `(` $copy^ `)`)? attr-dict `:` $element `->` type($fragment)
  }];
}

def Sm90_StageStripsOp : Sm90_StripsAccess<"stage_strips", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "starts copies of a matrix to shared memory, of each warp its own strip";
  let description = [{
    The matrix is one that `sm90.load_strips` could load `whole`, in row strips, and
    rows start at multiples of 16 bytes. A warp copies the rows of its strip as they are,
    in one piece where they are adjacent in memory, and waits for them at
    `sm90.take_strips`; nobody waits for another warp. Their barrier serves once. `offset`, in bytes, is where strips and
    barriers are, assigned by `sm90-assign-shared-memory`.

    ```mlir
    %m = sm90.stage_strips %states[%n, %h, %v, %c0] of [%count, %heads, %rows, %columns]
       strides [%s0, %s1, %s2] axes [2, 3] at 0 : !sm90.stage<32x128xf32>
    %s = sm90.take_strips %m : !sm90.stage<32x128xf32> -> tensor<32x128xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | there are as many indices as sizes, and one stride less |
    | C2 | there is one axis per dimension of the stage; they increase, and the last one is the innermost |
    | C3 | one `sm90.take_strips` takes the stage, in the same block, which is not that of a loop |
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer, Variadic<Index>:$indices,
                       Variadic<Index>:$sizes, Variadic<I64>:$strides,
                       DenseI64ArrayAttr:$axes, OptionalAttr<I64Attr>:$offset);
  let results = (outs Sm90_StageType:$stage);
  let assemblyFormat = [{
    $pointer `[` $indices `]` `of` `[` $sizes `]` `strides` `[` $strides `]` `axes` $axes
    (`at` $offset^)? attr-dict `:` type($stage)
  }];
  let extraClassDeclaration = [{
    /// What the strip of a warp takes in shared memory, with its barrier behind it.
    int64_t getStripBytes();
    /// Who waits for it.
    TakeStripsOp getTake();
  }];
}

def Sm90_StageBoxesOp : Sm90_Op<"stage_boxes", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "starts copies of a matrix to shared memory, of each warp its own box";
  let description = [{
    As `sm90.stage_strips`, for a matrix in column strips: what a warp has of it are
    columns of some of the rows, which are the box of `map`. It starts at `indices`.

    ```mlir
    %m = sm90.stage_boxes %states[%n, %h, %c0, %v] at 0
      : !sm90.tensor_map<32x64xf32, axes = [2, 3], rank = 4> -> !sm90.stage<128x64xf32>
    %s = sm90.take_strips %m : !sm90.stage<128x64xf32>
      -> tensor<128x64xf32, #sm90.layout<column_strips, lanes = 16, warps = 1>>
    ```
    | constraint | rule |
    |---|---|
    | C1 | one index per axis of the tensor, of which no slice is taken |
    | C2 | the elements are f32, and four boxes make up the stage |
    | C3 | one `sm90.take_strips` takes the stage, in the same block, which is not that of a loop |
  }];
  let arguments = (ins Sm90_TensorMapType:$map, Variadic<Index>:$indices,
                       OptionalAttr<I64Attr>:$offset);
  let results = (outs Sm90_StageType:$stage);
  let assemblyFormat = [{
    $map `[` $indices `]` (`at` $offset^)? attr-dict `:` type($map) `->` type($stage)
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// What the box of a warp takes in shared memory, with its barrier behind it.
    int64_t getStripBytes();
    /// Who waits for it.
    TakeStripsOp getTake();
  }];
}

def Sm90_TakeStripsOp : Sm90_Op<"take_strips", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "waits for strips that have been copied, and loads them into registers";
  let description = [{
    The mirror of `sm90.stage_strips` and of `sm90.stage_boxes`: each warp waits for what
    it has started itself, of which the elements become f32.

    | constraint | rule |
    |---|---|
    | C1 | the stage is that of a `sm90.stage_strips` or of a `sm90.stage_boxes` |
    | C2 | the fragment has the rows and columns of the stage, in row strips, or of boxes in column strips |
  }];
  let arguments = (ins Sm90_StageType:$stage);
  let results = (outs Sm90_Scores:$fragment);
  let assemblyFormat = "$stage attr-dict `:` type($stage) `->` type($fragment)";
  let hasVerifier = 1;
}

def Sm90_StoreStripsOp : Sm90_StripsAccess<"store_strips", [MemoryEffects<[MemWrite]>]> {
  let summary = "stores a tile from registers into global memory";
  let description = [{
    The mirror of `sm90.load_strips`, with the same constraints: elements are rounded
    to `element`, and those outside of the tensor are dropped. Of threads that hold
    the same elements one stores them.

    ```mlir
    sm90.store_strips %o, %out[%b, %h, %v] of [%batch, %heads, %columns]
       strides [%s0, %s1] axes [2] whole : tensor<64xf32> -> bf16
    ```
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$fragment, LLVM_PointerInAddressSpace<1>:$pointer,
                       Variadic<Index>:$indices, Variadic<Index>:$sizes,
                       Variadic<I64>:$strides, DenseI64ArrayAttr:$axes, TypeAttr:$element,
                       UnitAttr:$whole);
  let assemblyFormat = [{
    $fragment `,` $pointer `[` $indices `]` `of` `[` $sizes `]` `strides` `[` $strides `]`
    `axes` $axes (`whole` $whole^)? attr-dict `:` type($fragment) `->` $element
  }];
}

def Sm90_ReduceStripsOp : Sm90_Op<"reduce_strips", [Sm90_FixedLayouts, Pure]> {
  let summary = "combines the elements of each strip, along its length";
  let description = [{
    All of each column (`axis(0)`, of column strips) or of each row (`axis(1)`, of
    row strips) that a warp has. All of its threads that share the column or the row
    get the result. Of warps that share a strip each has its own, which
    `sm90.add_warps` adds up.

    | constraint | rule |
    |---|---|
    | C1 | the axis is 0 or 1 |
    | C2 | the result has one element for each along the other axis |
  }];
  let arguments = (ins Sm90_CombineAttr:$combine, Sm90_Scores:$source, I64Attr:$axis);
  let results = (outs Sm90_RowStats:$result);
  let assemblyFormat = [{
    $combine $source `axis` `(` $axis `)` attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Sm90_BroadcastStripsOp : Sm90_Op<"broadcast_strips", [Pure]> {
  let summary = "repeats a vector along an axis of strips";
  let description = [{
    Along axis 0 the vector has one element per column of the result, along axis 1
    one per row. The layout of the vector follows from that of the result.

    | constraint | rule |
    |---|---|
    | C1 | the axis is 0 or 1 |
    | C2 | the vector has one element for each along the other axis |
    | C3 | the layouts belong together |
  }];
  let arguments = (ins Sm90_RowStats:$source, I64Attr:$axis);
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = [{
    $source `axis` `(` $axis `)` attr-dict `:` type($source) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Sm90_ReduceVectorOp : Sm90_Op<"reduce_vector", [Pure]> {
  let summary = "combines all elements of a vector along strips";
  let description = [{
    All threads get the result. Of warps that share a strip each has that of its own
    part, which `sm90.add_warps` adds up.

    | constraint | rule |
    |---|---|
    | C1 | the vector goes along the length of strips: `column_strips_rows` or `row_strips_columns` |
  }];
  let arguments = (ins Sm90_CombineAttr:$combine, Sm90_RowStats:$source);
  let results = (outs F32:$result);
  let assemblyFormat = "$combine $source attr-dict `:` type($source)";
  let hasVerifier = 1;
}

def Sm90_AddWarpsOp : Sm90_Op<"add_warps", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "adds up what warps that share a strip have";
  let description = [{
    Operands are numbers, or vectors across the strips; all threads meet, and get the
    sums, of which all of them add the same in the same order. `offset`, in bytes, is
    where they exchange what they have in shared memory, assigned by
    `sm90-assign-shared-memory`.

    ```mlir
    %o:2 = sm90.add_warps %read, %weight at 0 : tensor<64xf32>, f32 -> tensor<64xf32>, f32
    ```
    | constraint | rule |
    |---|---|
    | C1 | the schedule has `strip_warps` that leave several to share a strip |
    | C2 | vectors go across strips: `column_strips_columns` or `row_strips_rows` |
    | C3 | the results have the types of the operands |
  }];
  let arguments = (ins Variadic<AnyTypeOf<[F32, Sm90_RowStats]>>:$parts,
                       OptionalAttr<I64Attr>:$offset);
  let results = (outs Variadic<AnyTypeOf<[F32, Sm90_RowStats]>>:$sums);
  let assemblyFormat = "$parts (`at` $offset^)? attr-dict `:` type($parts) `->` type($sums)";
  let builders = [OpBuilder<(ins "ValueRange":$parts), [{
    build($_builder, $_state, TypeRange(parts), parts, IntegerAttr());
  }]>];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    /// What is exchanged takes in shared memory, by the `strip_warps`.
    int64_t getExchangeBytes(int64_t stripWarps);
  }];
}

#endif // ATTN_SM90_SM90ACCESSOPS_TD
