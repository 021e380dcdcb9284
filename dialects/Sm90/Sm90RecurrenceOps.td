//===- Sm90RecurrenceOps.td - What chunks of recurrences need -*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A part of Sm90Ops.td.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SM90_SM90RECURRENCEOPS_TD
#define ATTN_SM90_SM90RECURRENCEOPS_TD

def Sm90_Numbers : 1DTensorOf<[F32]>;

//===----------------------------------------------------------------------===//
// Numbers of tokens
//===----------------------------------------------------------------------===//

def Sm90_LoadNumbersOp : Sm90_Op<"load_numbers", [Sm90_FixedLayouts, Pure]> {
  let summary = "reads numbers from global memory";
  let description = [{
    Number i is element `offset + i * stride` of what the pointer leads to, f32 or of
    the type `element`, or 0 from `limit` on. The kernel does not write it.

    ```mlir
    %g = sm90.load_numbers %gates[%first] stride(%s) limit(%rest) of(bf16) : !llvm.ptr<1> -> tensor<64xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the element is bf16 or f16 where it is given |
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer, I64:$offset, I64:$stride,
                       Index:$limit, OptionalAttr<TypeAttr>:$element);
  let results = (outs Sm90_Numbers:$numbers);
  let assemblyFormat = [{
    $pointer `[` $offset `]` `stride` `(` $stride `)` `limit` `(` $limit `)`
    (`of` `(` $element^ `)`)? attr-dict `:` qualified(type($pointer)) `->` type($numbers)
  }];
  let hasVerifier = 1;
}

def Sm90_LoadNormsOp : Sm90_Op<"load_norms", [Sm90_FixedLayouts, Pure]> {
  let summary = "reads the squared lengths of rows of global memory";
  let description = [{
    Number i is the sum of the squares, in f32, of the `length` elements from
    `offset + i * stride` on, or 0 from `limit` on. The kernel does not write them.
    Rows begin at multiples of 16 bytes.

    ```mlir
    %n = sm90.load_norms %k[%first] stride(%s) limit(%rest) length(128) of(bf16) : !llvm.ptr<1> -> tensor<64xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the length is a multiple of 8, and the elements are bf16 or f16 |
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer, I64:$offset, I64:$stride,
                       Index:$limit, I64Attr:$length, TypeAttr:$element);
  let results = (outs Sm90_Numbers:$numbers);
  let assemblyFormat = [{
    $pointer `[` $offset `]` `stride` `(` $stride `)` `limit` `(` $limit `)`
    `length` `(` $length `)` `of` `(` $element `)` attr-dict
    `:` qualified(type($pointer)) `->` type($numbers)
  }];
  let hasVerifier = 1;
}

def Sm90_FirstNumbersOp : Sm90_Op<"first_numbers", [Sm90_FixedLayouts, Pure]> {
  let summary = "which numbers are among the first ones";
  let description = "Element i is true for i below `count`.";
  let arguments = (ins Index:$count);
  let results = (outs 1DTensorOf<[I1]>:$result);
  let assemblyFormat = "$count attr-dict `:` type($result)";
}

def Sm90_CumulativeSumOp : Sm90_Op<"cumulative_sum", [
    Sm90_FixedLayouts, Pure, SameOperandsAndResultShape, SameOperandsAndResultElementType]> {
  let summary = "the sums of the numbers up to each";
  let arguments = (ins Sm90_Numbers:$source);
  let results = (outs Sm90_Numbers:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
}

def Sm90_ExtractOp : Sm90_Op<"extract", [Sm90_FixedLayouts, Pure]> {
  let summary = "one number, for all threads of the warp";
  let description = [{
    | constraint | rule |
    |---|---|
    | C1 | the position is one of the numbers |
  }];
  let arguments = (ins Sm90_Numbers:$numbers, I64Attr:$position);
  let results = (outs F32:$element);
  let assemblyFormat = "$numbers `[` $position `]` attr-dict `:` type($numbers)";
  let hasVerifier = 1;
}

class Sm90_RowAccessOp<string mnemonic, list<Trait> traits = []>
    : Sm90_Op<mnemonic, traits> {
  let hasVerifier = 1;
}

def Sm90_StoreNumbersOp : Sm90_RowAccessOp<"store_numbers", [
    Sm90_FixedLayouts, MemoryEffects<[MemWrite]>]> {
  let summary = "writes numbers into a row of a stage";
  let description = [{
    | constraint | rule |
    |---|---|
    | C1 | the stage is of f32, has the row, and a column for each number |
  }];
  let arguments = (ins Sm90_Numbers:$numbers, Sm90_StageType:$stage, I64Attr:$row);
  let assemblyFormat = [{
    $numbers `,` $stage `row` `(` $row `)` attr-dict `:` type($numbers) `,` type($stage)
  }];
}

def Sm90_LoadRowOp : Sm90_RowAccessOp<"load_row", [MemoryEffects<[MemRead]>]> {
  let summary = "reads a row of numbers of a stage";
  let description = [{
    In the layout that its uses demand: a number for each row of a fragment or for
    each column.

    | constraint | rule |
    |---|---|
    | C1 | the stage is of f32, has the row, and a column for each number |
  }];
  let arguments = (ins Sm90_StageType:$stage, I64Attr:$row);
  let results = (outs Sm90_Numbers:$numbers);
  let assemblyFormat = [{
    $stage `row` `(` $row `)` attr-dict `:` type($stage) `->` type($numbers)
  }];
}

def Sm90_LoadElementOp : Sm90_Op<"load_element", [MemoryEffects<[MemRead]>]> {
  let summary = "reads one number of a stage";
  let description = [{
    | constraint | rule |
    |---|---|
    | C1 | the stage is of f32, and has the row and the column |
  }];
  let arguments = (ins Sm90_StageType:$stage, I64Attr:$row, I64Attr:$column);
  let results = (outs F32:$element);
  let assemblyFormat = "$stage `[` $row `,` $column `]` attr-dict `:` type($stage)";
  let hasVerifier = 1;
}

def Sm90_FillOp : Sm90_Op<"stage.fill", [MemoryEffects<[MemWrite]>]> {
  let summary = "says that a stage has been filled by its owner";
  let description = [{
    All threads of the role arrive at the barrier of use `count`. What each has
    written can then be seen by the waiting threads and by their products.
  }];
  let arguments = (ins Sm90_StageType:$stage, Sm90_MBarrierType:$barrier, Index:$count);
  let assemblyFormat = [{
    $stage `,` $barrier `[` $count `]` attr-dict `:` type($stage) `,` type($barrier)
  }];
}

//===----------------------------------------------------------------------===//
// States
//===----------------------------------------------------------------------===//

def Sm90_LoadStateOp : Sm90_Op<"load_state", [Sm90_FixedLayouts, MemoryEffects<[MemRead]>]> {
  let summary = "reads a fragment from global memory";
  let description = [{
    Element (r, c) is element `offset + r * row + c * column` of what the pointer
    leads to, f32 or of the type `element`.

    ```mlir
    %s = sm90.load_state %states[%first] strides(%row, %column) of(bf16) : !llvm.ptr<1> -> tensor<64x128xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the element is bf16 or f16 where it is given |
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer, I64:$offset, I64:$row, I64:$column,
                       OptionalAttr<TypeAttr>:$element);
  let results = (outs Sm90_Scores:$fragment);
  let assemblyFormat = [{
    $pointer `[` $offset `]` `strides` `(` $row `,` $column `)` (`of` `(` $element^ `)`)? attr-dict
    `:` qualified(type($pointer)) `->` type($fragment)
  }];
  let hasVerifier = 1;
}

def Sm90_StoreStateOp : Sm90_Op<"store_state", [Sm90_FixedLayouts, MemoryEffects<[MemWrite]>]> {
  let summary = "writes a fragment to global memory";
  let description = [{
    The mirror of `sm90.load_state`.

    | constraint | rule |
    |---|---|
    | C1 | the element is bf16 or f16 where it is given |
  }];
  let arguments = (ins Sm90_Scores:$fragment, LLVM_PointerInAddressSpace<1>:$pointer,
                       I64:$offset, I64:$row, I64:$column, OptionalAttr<TypeAttr>:$element);
  let assemblyFormat = [{
    $fragment `,` $pointer `[` $offset `]` `strides` `(` $row `,` $column `)` (`of` `(` $element^ `)`)? attr-dict
    `:` type($fragment) `,` qualified(type($pointer))
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Pairs of tokens
//===----------------------------------------------------------------------===//

def Sm90_BroadcastColumnsOp : Sm90_Op<"broadcast_columns", [Sm90_FixedLayouts, Pure]> {
  let summary = "repeats one value per column along the rows";
  let description = [{
    | constraint | rule |
    |---|---|
    | C1 | the result has one column per element |
  }];
  let arguments = (ins Sm90_Numbers:$source);
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = "$source attr-dict `:` type($source) `->` type($result)";
  let hasVerifier = 1;
}

def Sm90_ScaleColumnsOp : Sm90_RowAccessOp<"scale_columns", [
    Sm90_FixedLayouts, MemoryEffects<[MemRead]>, AllTypesMatch<["source", "result"]>]> {
  let summary = "multiplies each column by a number of a stage";
  let description = [{
    As soon as a number has been read, so that a state leaves registers for few of
    them.

    | constraint | rule |
    |---|---|
    | C1 | the stage is of f32, has the row, and a number for each column |
  }];
  let arguments = (ins Sm90_Scores:$source, Sm90_StageType:$stage, I64Attr:$row);
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = [{
    $source `,` $stage `row` `(` $row `)` attr-dict `:` type($source) `,` type($stage)
  }];
}

def Sm90_DecayRatiosOp : Sm90_Op<"decay_ratios", [
    Sm90_FixedLayouts, Pure, AttrSizedOperandSegments]> {
  let summary = "what is left of each token when a later one comes";
  let description = [{
    Element (i, j) is exp2(rows[i] - columns[j]) for j <= i, and 0 above the
    diagonal. Without rows and columns it is 1 for j <= i.

    | constraint | rule |
    |---|---|
    | C1 | rows and columns are both given or neither, of one size, which is that of the sides of the result |
  }];
  let arguments = (ins Optional<Sm90_Numbers>:$rows, Optional<Sm90_Numbers>:$columns);
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = [{
    (`rows` `(` $rows^ `:` type($rows) `)`)? (`columns` `(` $columns^ `:` type($columns) `)`)?
    attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def Sm90_InvertUnitLowerOp : Sm90_Op<"invert_unit_lower", [
    Sm90_FixedLayouts, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "inverts a unit lower triangular matrix";
  let description = [{
    With L what `matrix` has below its diagonal, and b row `row` of `strengths`, or
    ones:

        (I + diag(b) L)^-1 diag(b)

    is written to `result`. Blocks of 8 x 8 on the diagonal are inverted in f32;
    those below are products of what is inverted and of L, in the type of the
    result, whose other blocks are cleared. `scratch` and `blocks` are for the
    warpgroup alone, whose threads meet.

    | constraint | rule |
    |---|---|
    | C1 | the matrix has 64 rows and columns, and so have result and scratch, of f16 |
    | C2 | blocks is of f32, of one stage of 64 x 16 |
    | C3 | the strengths are of f32, with the row and 64 columns; row is given with them |
  }];
  let arguments = (ins Sm90_Scores:$matrix, Optional<Sm90_StageType>:$strengths,
                       OptionalAttr<I64Attr>:$row, Sm90_BufferType:$scratch,
                       Sm90_BufferType:$blocks, Sm90_StageType:$result);
  let assemblyFormat = [{
    $matrix (`strengths` `(` $strengths^ `row` $row `:` type($strengths) `)`)?
    `scratch` `(` $scratch `,` $blocks `)` `into` $result attr-dict
    `:` type($matrix) `,` type($scratch) `,` type($blocks) `,` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Decays of channels
//===----------------------------------------------------------------------===//

def Sm90_DecaySumsOp : Sm90_Op<"decay_sums", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "sums the logarithms of the decays of each channel";
  let description = [{
    Gate (i, c) is element `offset + i * stride + c` of what the pointer leads to; it
    is a natural logarithm or, with `linear`, a factor. Rows from `limit` on do not
    decay. Row i of `sums` becomes the sum of the logarithms (base 2) of rows 0 to
    i, none of them less than -160; `whole` becomes 2 to the power of the last row.
    The warp copies 16 bytes (K = 128) or 8 at a time, and fetches the rows of the
    next 64 tokens into the L2 cache.

    The sums are for the ops below alone: 32 bytes of row i are exchanged with those
    whose number differs by i mod 4, so that rows lie in different banks.

    | constraint | rule |
    |---|---|
    | C1 | the sums are f32, of 64 tokens by 64 or 128 channels |
    | C2 | `whole` is a row of f32 with as many channels |
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer, I64:$offset, I64:$stride,
                       Index:$limit, UnitAttr:$linear, Sm90_StageType:$sums,
                       Sm90_StageType:$whole);
  let assemblyFormat = [{
    $pointer `[` $offset `]` `stride` `(` $stride `)` `limit` `(` $limit `)`
    (`linear` $linear^)? `into` $sums `,` $whole attr-dict
    `:` qualified(type($pointer)) `,` type($sums) `,` type($whole)
  }];
  let hasVerifier = 1;
}

def Sm90_DecayColumnsOp : Sm90_Op<"decay_columns", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "what is left of each token at the end of the chunk";
  let description = [{
    Row i of `result` becomes that of `keys` times 2^(sums[63] - sums[i]). `scratch`
    becomes what is left of each block of 16 tokens at the start of each later one,
    in the order in which a product reads it. The threads of the warpgroup meet.

    | constraint | rule |
    |---|---|
    | C1 | keys and result are one type of 16 bits, of 64 tokens by 64 or 128 channels |
    | C2 | the sums are f32, of as many tokens and channels |
    | C3 | scratch is one stage of f16, of 96 rows by as many channels |
  }];
  let arguments = (ins Sm90_StageType:$keys, Sm90_StageType:$sums,
                       Sm90_BufferType:$scratch, Sm90_StageType:$result);
  let assemblyFormat = [{
    $keys `,` $sums `scratch` `(` $scratch `)` `into` $result attr-dict
    `:` type($keys) `,` type($sums) `,` type($scratch) `,` type($result)
  }];
  let hasVerifier = 1;
}

def Sm90_DecayedDotOp : Sm90_Op<"decayed_dot", [
    Sm90_FixedLayouts, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "products of tokens with what is left of earlier ones";
  let description = [{
    Element (i, j) is the sum over channels c of

        rows[i, c] keys[j, c] 2^(sums[i, c] - sums[j, c])

    for j <= i, and 0 above the diagonal. No exponent is above 0: blocks of 16 x 16
    below the diagonal are products of what `sm90.decay_columns` has left in the
    scratch with what rows have decayed from the start of their own block. A block
    on the diagonal is a product of powers relative to its middle where a vote of
    the warp finds that these cannot overflow, and otherwise goes element by
    element.

    `reached` becomes the rows times 2^sums times `scale`, where it is given.

    | constraint | rule |
    |---|---|
    | C1 | rows, keys and reached are one type of 16 bits, of 64 tokens by 64 or 128 channels |
    | C2 | the sums are f32, of as many tokens and channels |
    | C3 | scratch is one stage of f16, of 96 rows by as many channels |
    | C4 | the result is 64 x 64 |
  }];
  let arguments = (ins Sm90_StageType:$rows, Sm90_StageType:$keys, Sm90_StageType:$sums,
                       Sm90_BufferType:$scratch, Optional<Sm90_StageType>:$reached,
                       DefaultValuedAttr<F32Attr, "1">:$scale);
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = [{
    $rows `,` $keys `,` $sums `scratch` `(` $scratch `)`
    (`into` $reached^ `:` type($reached))? (`scale` `(` $scale^ `)`)? attr-dict
    `:` type($rows) `,` type($keys) `,` type($sums) `,` type($scratch) `->` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Gates of channels
//===----------------------------------------------------------------------===//

def Sm90_GateRowsOp : Sm90_Op<"gate_rows", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "multiplies tokens by gates of their channels";
  let description = [{
    Element (i, c) of `result` becomes that of `source` times element
    `offset + i * stride + c` of what the pointer leads to, an f32, rounded once.
    With `element` the result has the bits of elements of that type, which take the
    place of those that it is said to have. Rows from `limit` on are multiplied by
    the gates of the last row in front of it, of which there is one at least. Each
    of the warps has half of the rows, and reads 16 bytes (of 128 channels) or 8 at a
    time; one fetches the rows of the next 64 tokens into the L2 cache.

    | constraint | rule |
    |---|---|
    | C1 | source and result are of 16 bits, of 64 tokens by 64 or 128 channels |
    | C2 | the element is bf16 or f16 where it is given |
  }];
  let arguments = (ins Sm90_StageType:$source, LLVM_PointerInAddressSpace<1>:$pointer,
                       I64:$offset, I64:$stride, Index:$limit, Sm90_StageType:$result,
                       OptionalAttr<TypeAttr>:$element);
  let assemblyFormat = [{
    $source `,` $pointer `[` $offset `]` `stride` `(` $stride `)` `limit` `(` $limit `)`
    `into` $result (`as` `(` $element^ `)`)? attr-dict
    `:` type($source) `,` qualified(type($pointer)) `,` type($result)
  }];
  let hasVerifier = 1;
}

#endif // ATTN_SM90_SM90RECURRENCEOPS_TD
