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

def Sm90_RowNormsOp : Sm90_Op<"row_norms", [Sm90_FixedLayouts, MemoryEffects<[MemRead]>]> {
  let summary = "the squared lengths of the rows of a stage";
  let description = [{
    Number i is the sum of the squares of the elements of row i, in f32.

    ```mlir
    %n = sm90.row_norms %keys : !sm90.stage<64x128xbf16> -> tensor<64xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the stage has elements of bf16 or f16, and a row for each number |
  }];
  let arguments = (ins Sm90_StageType:$stage);
  let results = (outs Sm90_Numbers:$numbers);
  let assemblyFormat = "$stage attr-dict `:` type($stage) `->` type($numbers)";
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
    diagonal. Without rows and columns it is 1 for j <= i. With `transposed`, it is
    exp2(columns[j] - rows[i]) for i <= j, and 0 below the diagonal.

    | constraint | rule |
    |---|---|
    | C1 | rows and columns are both given or neither, of one size, which is that of the sides of the result |
  }];
  let arguments = (ins Optional<Sm90_Numbers>:$rows, Optional<Sm90_Numbers>:$columns,
                       UnitAttr:$transposed);
  let results = (outs Sm90_Scores:$result);
  let assemblyFormat = [{
    (`rows` `(` $rows^ `:` type($rows) `)`)? (`columns` `(` $columns^ `:` type($columns) `)`)?
    (`transposed` $transposed^)? attr-dict `:` type($result)
  }];
  let hasVerifier = 1;
}

def Sm90_InvertUnitLowerOp : Sm90_Op<"invert_unit_lower", [
    Sm90_FixedLayouts, AttrSizedOperandSegments, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "inverts a unit lower triangular matrix";
  let description = [{
    With L what `matrix` has below its diagonal, or its transpose has with
    `transposed`, and b row `row` of `strengths`, or
    ones:

        (I + diag(b) L)^-1 diag(b)

    is written to `result`. Blocks of 8 x 8 on the diagonal are inverted in f32;
    those below are products of what is inverted and of L, in the type of the
    result, whose other blocks are cleared. `scratch` and `blocks` are for the
    warpgroup alone, whose threads meet.

    With a `rest`, what the result T lacks of the inverse is written there. It is
    one step of Newton's method, in which L is of two parts, so that the two have
    about twice the bits of the result:

        (I - T (diag(b)^-1 + L)) T

    With a `count`, it is that use of a ring of two stages which nothing else
    writes to. What has been cleared in the first two uses stays so, and the two
    stages of the scratch are taken in turn: the threads need not meet in front,
    where others may still read what the use before has left there.

    | constraint | rule |
    |---|---|
    | C1 | the matrix has 64 rows and columns, and so have result and scratch, of f16 |
    | C2 | blocks is of f32, of one stage of 64 x 16 |
    | C3 | the strengths are of f32, with the row and 64 columns; row is given with them |
    | C4 | the scratch has one stage, or two with a count |
    | C5 | a rest has the type of the result |
  }];
  let arguments = (ins Sm90_Scores:$matrix, Optional<Sm90_StageType>:$strengths,
                       OptionalAttr<I64Attr>:$row, Sm90_BufferType:$scratch,
                       Optional<Index>:$count, Sm90_BufferType:$blocks,
                       Sm90_StageType:$result, Optional<Sm90_StageType>:$rest,
                       UnitAttr:$transposed);
  let assemblyFormat = [{
    $matrix (`transposed` $transposed^)? (`strengths` `(` $strengths^ `row` $row `:` type($strengths) `)`)?
    `scratch` `(` $scratch (`[` $count^ `]`)? `,` $blocks `)` `into` $result
    (`rest` `(` $rest^ `:` type($rest) `)`)? attr-dict `:` type($matrix) `,` type($scratch) `,` type($blocks) `,` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Decays of channels
//===----------------------------------------------------------------------===//

def Sm90_CopyGatesOp : Sm90_Op<"copy_gates", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "copies the gates of tokens to shared memory";
  let description = [{
    Element (i, c) of `gates` becomes element `offset + i * stride + c` of what the
    pointer leads to, and 0 in rows from `limit` on. The warp copies 16 bytes (128
    channels) or 8 at a time.

    The gates are for `sm90.decay_tokens` alone: 32 bytes of row i are exchanged with
    those whose number differs by i mod 4, so that rows lie in different banks.

    | constraint | rule |
    |---|---|
    | C1 | the gates are f32, of 64 tokens by 64 or 128 channels |
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer, I64:$offset, I64:$stride,
                       Index:$limit, Sm90_StageType:$gates);
  let assemblyFormat = [{
    $pointer `[` $offset `]` `stride` `(` $stride `)` `limit` `(` $limit `)`
    `into` $gates attr-dict `:` qualified(type($pointer)) `,` type($gates)
  }];
  let hasVerifier = 1;
}

def Sm90_SumDecaysOp : Sm90_Op<"sum_decays", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "sums of decays of channels in blocks of tokens, and their powers";
  let description = [{
    Gates are natural logarithms or, with `linear`, factors; rows from `limit` on do
    not decay. They become the sums of the logarithms (base 2), none less than -160, in
    blocks of 16 tokens, which each warp has one of; `whole` becomes 2 to the sum of all
    tokens. In the `scratch` of `sm90.decay_tokens` goes what the tokens of a block have
    in common. The result is whether a vote of the warp finds that powers relative to
    the start of its block cannot overflow.

    No tokens are read, so that this need not wait for them, nor for room for what
    follows from them. The threads of the warpgroup meet.

    | constraint | rule |
    |---|---|
    | C1 | the gates are f32, of 64 tokens by 64 or 128 channels, and `whole` is a row of them |
    | C2 | scratch is one stage of f16, of 96 or 144 rows by as many channels |
  }];
  let arguments = (ins Sm90_StageType:$gates, Index:$limit, UnitAttr:$linear,
                       Sm90_BufferType:$scratch, Sm90_StageType:$whole);
  let results = (outs I1:$safe);
  let assemblyFormat = [{
    $gates `limit` `(` $limit `)` (`linear` $linear^)? `scratch` `(` $scratch `)`
    `whole` `(` $whole `)` attr-dict `:` type($gates) `scratch` type($scratch)
    `whole` type($whole)
  }];
  let hasVerifier = 1;
}

def Sm90_DecayTokensOp : Sm90_Op<"decay_tokens", [
    Sm90_FixedLayouts, AttrSizedOperandSegments, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "what decays of channels leave of tokens";
  let description = [{
    With G the sums of the logarithms (base 2) of decays from the start of the chunk,
    which follow from what `sm90.sum_decays` has made of the gates and of the scratch,
    row i of each of `left` becomes that of the keys times 2^(G[63] - G[i]), and that of
    each of `reached` the rows' times 2^G[i] and the scale that they have.

    Each warp has a block of 16 tokens, and a result has the products of rows with
    keys of the block, those of all keys with one of the rows after the other: column
    j of row i of the block is the sum over channels c of

        rows[i, c] keys[j, c] 2^(G[i, c] - G[j, c])

    for j <= i, and 0 above the diagonal. Rows that are `before` their own decay have
    G[i - 1] in place of G[i] throughout, and 0 on the diagonal, or with `bonus` the
    sum of rows[i, c] keys[i, c] times element `offset + c` of what the pointer leads
    to. Powers are relative to the start of the block where the warp is `safe`;
    otherwise they are relative to its start and its end, and what the block has with
    itself goes element by element.

    Products of a block with itself are in tf32, to which factors are cut; what that takes
    from a product is made up for on average. With `rounds` they are rounded, so that
    without a decay the products of 16-bit elements are exact.

    Rows that are a stage of `reached` are keys times strengths of their channels, which
    `sm90.copy_strengths` has left there and in the stage of `left`, or there alone where
    they are as narrow as rows.

    What is left of keys may take their place. For `sm90.decayed_dots`, the rows, which
    may be the keys, are overwritten with what they have decayed since the start of their
    block, in f16, or the keys with those that keys are multiplied to, and `scratch`
    becomes what is left of each block of keys at its end, beside what there is of
    channels in the blocks between.

    | constraint | rule |
    |---|---|
    | C1 | rows, keys, left and reached are one type of 16 bits, of 64 tokens by 64 or 128 channels |
    | C2 | the gates are f32, of as many tokens and channels |
    | C3 | scratch is one stage of f16, of 96 rows by as many channels, or 144 for two of keys |
    | C4 | rows, reached and scales are one or two, as many of each, and so are keys and left; there is a result for each pair |
    | C5 | a result is 64 x 16 |
    | C6 | `before` says it of each of the rows; a bonus is for one of rows, which is, and one of keys |
    | C7 | rows that are what is reached are in the same place there, and are beside one of keys, which no rows are |
  }];
  let arguments = (ins Variadic<Sm90_StageType>:$rows, Variadic<Sm90_StageType>:$keys,
                       Sm90_StageType:$gates, I1:$safe,
                       Sm90_BufferType:$scratch, Variadic<Sm90_StageType>:$left,
                       Variadic<Sm90_StageType>:$reached,
                       DenseF32ArrayAttr:$scales, OptionalAttr<DenseBoolArrayAttr>:$before,
                       Optional<LLVM_PointerInAddressSpace<1>>:$bonus,
                       Optional<I64>:$offset, UnitAttr:$rounds,
                       UnitAttr:$narrow_strengths);
  let results = (outs Variadic<Sm90_Scores>:$results);
  let assemblyFormat = [{
    $rows `keys` `(` $keys `)` `gates` `(` $gates `)` `safe` `(` $safe `)`
    `scratch` `(` $scratch `)` `into` $left
    `reached` `(` $reached `)` `scales` `=` $scales (`before` `=` $before^)?
    (`bonus` `(` $bonus^ `:` qualified(type($bonus)) `[` $offset `]` `)`)?
    (`rounds` $rounds^)? attr-dict
    `:` type($rows) `keys` type($keys) `gates` type($gates) `scratch` type($scratch)
    `into` type($left) `reached` type($reached) `->` type($results)
  }];
  let extraClassDeclaration = [{
    /// Whether row tile `number` is read in front of the decay of its tokens.
    bool isBefore(size_t number) {
      return getBefore().has_value() && (*getBefore())[number];
    }
  }];
  let hasVerifier = 1;
}

def Sm90_DecayedDotsOp : Sm90_Op<"decayed_dots", [
    Sm90_FixedLayouts, AttrSizedOperandSegments, MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "products of tokens with what is left of earlier ones";
  let description = [{
    From what `sm90.decay_tokens` has made of rows, of their products within blocks and
    of the scratch: element (i, j) of a result is the sum over channels c of

        rows[i, c] keys[j, c] 2^(G[i, c] - G[j, c])

    for j <= i, and 0 above the diagonal, or what rows before their own decay have.

    | constraint | rule |
    |---|---|
    | C1 | rows have 64 tokens by 64 or 128 channels of 16 bits, and are one type |
    | C2 | scratch is one stage of f16, of 96 rows by as many channels, or 144 for two of keys |
    | C3 | rows are one or two; of blocks and results there is one for each and one or two of keys |
    | C4 | blocks are 64 x 16, results 64 x 64 |
  }];
  let arguments = (ins Variadic<Sm90_StageType>:$rows, Variadic<Sm90_Scores>:$blocks,
                       Sm90_BufferType:$scratch);
  let results = (outs Variadic<Sm90_Scores>:$results);
  let assemblyFormat = [{
    $rows `blocks` `(` $blocks `)` `scratch` `(` $scratch `)` attr-dict
    `:` type($rows) `blocks` type($blocks) `scratch` type($scratch) `->` type($results)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Gates of channels
//===----------------------------------------------------------------------===//

def Sm90_CopyStrengthsOp : Sm90_Op<"copy_strengths", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "copies strengths of the channels of keys to shared memory";
  let description = [{
    Element (i, c) of the strengths is element `offset + i * stride + c` of what the
    pointer leads to, an f32, and 0 in rows from `limit` on. `sm90.decay_tokens` reads
    them from where it writes what follows from them: of 16 channels, those of the first
    eight are in the 32 bytes that `reached` has of these in the row, those of the others
    in the bytes of `left`. So they are as wide as they are in memory, and take no memory
    of their own. Where `left` is `reached` they are of its type, and lie in it as rows do.

    Each of two warps copies half of the rows, all at once, 16 bytes (of 128 channels) or 8
    at a time, or half of these. The rows of the next 64 tokens are fetched into the L2 cache.

    | constraint | rule |
    |---|---|
    | C1 | reached and left are one type of 16 bits, of 64 tokens by 64 or 128 channels |
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer,
                       I64:$offset, I64:$stride, Index:$limit,
                       Sm90_StageType:$reached, Sm90_StageType:$left);
  let assemblyFormat = [{
    $pointer `[` $offset `]` `stride` `(` $stride `)` `limit` `(` $limit `)`
    `into` $reached `,` $left attr-dict
    `:` qualified(type($pointer)) `,` type($reached) `,` type($left)
  }];
  let hasVerifier = 1;
}

def Sm90_FetchGatesOp : Sm90_Op<"fetch_gates", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "starts to copy gates of tokens";
  let description = [{
    Of what `sm90.gate_rows` reads behind it, from the same pointer on, the first rows
    of each of the warps: as many as the scratch has. Rows from `limit` on become 0.
    The rows of the next 64 tokens are fetched into the L2 cache.

    | constraint | rule |
    |---|---|
    | C1 | scratch is one stage of f32, bf16 or f16, as the gates are, of 24 rows by 64 or 128 channels |
  }];
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$pointer,
                       I64:$offset, I64:$stride, Index:$limit, Sm90_BufferType:$scratch);
  let assemblyFormat = [{
    $pointer `[` $offset `]` `stride` `(` $stride `)` `limit` `(` $limit `)`
    `into` $scratch attr-dict `:` qualified(type($pointer)) `,` type($scratch)
  }];
  let hasVerifier = 1;
}

def Sm90_GateRowsOp : Sm90_Op<"gate_rows", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "multiplies tokens by gates of their channels";
  let description = [{
    Element (i, c) of `result` becomes that of `source` times element
    `offset + i * stride + c` of what the pointer leads to, of the type of the scratch,
    rounded once.
    With `element` the result has the bits of elements of that type, which take the
    place of those that it is said to have. Gates of rows from `limit` on are 0. Each
    of the warps has half of the rows, and copies 16 bytes (of 128 channels of f32), 8 or
    4 at a time to its half of the scratch, as many rows at once as that has. Of the first of
    them `sm90.fetch_gates` has started the copies.

    | constraint | rule |
    |---|---|
    | C1 | source and result are of 16 bits, of 64 tokens by 64 or 128 channels |
    | C2 | the element is bf16 or f16 where it is given |
    | C3 | scratch is one stage of f32, bf16 or f16, as the gates are, of 24 rows by as many channels |
  }];
  let arguments = (ins Sm90_StageType:$source, LLVM_PointerInAddressSpace<1>:$pointer,
                       I64:$offset, I64:$stride, Index:$limit, Sm90_BufferType:$scratch,
                       Sm90_StageType:$result, OptionalAttr<TypeAttr>:$element);
  let assemblyFormat = [{
    $pointer `[` $offset `]` `stride` `(` $stride `)` `limit` `(` $limit `)`
    `times` `(` $source `:` type($source) `)` `scratch` `(` $scratch `)`
    `into` $result (`as` `(` $element^ `)`)? attr-dict
    `:` qualified(type($pointer)) `,` type($scratch) `,` type($result)
  }];
  let hasVerifier = 1;
}

#endif // ATTN_SM90_SM90RECURRENCEOPS_TD
