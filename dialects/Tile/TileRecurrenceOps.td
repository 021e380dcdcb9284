//===- TileRecurrenceOps.td - What chunks of recurrences need -*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TILE_TILERECURRENCEOPS_TD
#define ATTN_TILE_TILERECURRENCEOPS_TD

include "Tile/TileDialect.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// A number for each token of a chunk, and for each pair of them.
def Tile_Tokens : VectorOfRankAndType<[1], [F32]>;
def Tile_Pairs : VectorOfRankAndType<[2], [F32]>;

class Tile_RecurrenceOp<string mnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, mnemonic, [Pure] # traits>;

def Tile_CumulativeSumOp : Tile_RecurrenceOp<"cumulative_sum", [
    AllTypesMatch<["source", "result"]>]> {
  let summary = "the sums of the elements up to each";
  let description = [{
    Element i of the result is the sum of elements 0 to i.

    ```mlir
    %sums = tile.cumulative_sum %decays : vector<64xf32>
    ```
  }];
  let arguments = (ins Tile_Tokens:$source);
  let results = (outs Tile_Tokens:$result);
  let assemblyFormat = "$source attr-dict `:` type($source)";
}

def Tile_DecayRatiosOp : Tile_RecurrenceOp<"decay_ratios"> {
  let summary = "what is left of each token when a later one comes";
  let description = [{
    Element (i, j) is exp2(exponents[i] - exponents[j]) for j <= i, and 0 above the
    diagonal, where the difference may be large. Only differences are raised to a
    power: that of an exponent alone may overflow, or be too small to divide by.
    With `columns`, columns[j] takes the place of exponents[j], which is how pairs
    have factors of rows and of columns as well.

    ```mlir
    %ratios = tile.decay_ratios %sums : vector<64xf32> -> vector<64x64xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the result is square, with a row per exponent, and so many are columns, if given |
  }];
  let arguments = (ins Tile_Tokens:$exponents, Optional<Tile_Tokens>:$columns);
  let results = (outs Tile_Pairs:$result);
  let assemblyFormat = [{
    $exponents (`columns` `(` $columns^ `:` type($columns) `)`)? attr-dict
    `:` type($exponents) `->` type($result)
  }];
  let hasVerifier = 1;
}

def Tile_InvertUnitLowerOp : Tile_RecurrenceOp<"invert_unit_lower", [
    AllTypesMatch<["matrix", "result"]>]> {
  let summary = "the inverse of a unit lower triangular matrix";
  let description = [{
    With L what `matrix` has below its diagonal, and the other elements left
    unread:

        (I + diag(rows) L)^-1 diag(columns)

    `columns` are ones where they are not given.

    ```mlir
    %t = tile.invert_unit_lower %a rows(%beta : vector<64xf32>)
       columns(%beta : vector<64xf32>) : vector<64x64xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the matrix is square |
    | C2 | rows and columns have one element for each of the matrix |
  }];
  let arguments = (ins Tile_Pairs:$matrix, Tile_Tokens:$rows,
                       Optional<Tile_Tokens>:$columns);
  let results = (outs Tile_Pairs:$result);
  let assemblyFormat = [{
    $matrix `rows` `(` $rows `:` type($rows) `)`
    (`columns` `(` $columns^ `:` type($columns) `)`)? attr-dict `:` type($matrix)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Decays of channels
//===----------------------------------------------------------------------===//

def Tile_Channels : VectorOfRankAndType<[2], [BF16, F16, F32]>;

def Tile_DecaySumsOp : Tile_RecurrenceOp<"decay_sums", [
    AllTypesMatch<["gates", "sums"]>]> {
  let summary = "the sums of the logarithms of the decays of each channel";
  let description = [{
    Row i of `sums` is the sum of the logarithms (base 2) of rows 0 to i of the
    gates, and `whole` is 2 to the power of the last row. Gates are natural
    logarithms or, where `linear`, factors; rows from `count` on do not decay. No
    logarithm counts as less than -160, which leaves nothing in f32.

    ```mlir
    %sums, %whole = tile.decay_sums %g of %n : vector<64x128xf32> -> vector<128xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | `whole` has an element per column of the gates |
  }];
  let arguments = (ins Tile_Pairs:$gates, Index:$count, UnitAttr:$linear);
  let results = (outs Tile_Pairs:$sums, Tile_Tokens:$whole);
  let assemblyFormat = [{
    $gates `of` $count (`linear` $linear^)? attr-dict `:` type($gates) `->` type($whole)
  }];
  let extraClassDeclaration = [{
    /// The logarithm (base 2) of a decay that leaves nothing in f32. Larger
    /// differences of sums would lose bits, and infinite ones their meaning.
    static constexpr double kLeastLogDecay = -160;
  }];
  let hasVerifier = 1;
}

def Tile_ApplyDecayOp : Tile_RecurrenceOp<"apply_decay", [
    AllTypesMatch<["source", "result"]>]> {
  let summary = "what decays leave of each token";
  let description = [{
    Row i is that of the source times 2^sums[i], which is what is left of the start
    of the chunk; with `before`, times 2^sums[i - 1], as it is in front of the token;
    with `to_end`, times 2^(sums[last] - sums[i]), which is what is left of the token
    at the end. Rounded once, to the type of the source.

    ```mlir
    %q1 = tile.apply_decay %q, %sums scale(0.088) : vector<64x128xbf16>, vector<64x128xf32>
    %k1 = tile.apply_decay %k, %sums to_end : vector<64x128xbf16>, vector<64x128xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | source and sums have one shape |
    | C2 | `before` comes without `to_end` |
  }];
  let arguments = (ins Tile_Channels:$source, Tile_Pairs:$sums, UnitAttr:$before,
                       UnitAttr:$to_end, DefaultValuedAttr<F32Attr, "1">:$scale);
  let results = (outs Tile_Channels:$result);
  let assemblyFormat = [{
    $source `,` $sums (`before` $before^)? (`to_end` $to_end^)? (`scale` `(` $scale^ `)`)? attr-dict
    `:` type($source) `,` type($sums)
  }];
  let hasVerifier = 1;
}

def Tile_DecayedDotOp : Tile_RecurrenceOp<"decayed_dot", [
    AllTypesMatch<["lhs", "rhs"]>]> {
  let summary = "products of tokens with what is left of earlier ones";
  let description = [{
    Element (i, j) is the sum over channels c of

        lhs[i, c] rhs[j, c] 2^(sums[i, c] - sums[j, c])

    for j <= i, and 0 above the diagonal. No exponent is above 0; that of a sum
    alone may overflow, or be too small to divide by. With `before` it is

        lhs[i, c] rhs[j, c] 2^(sums[i - 1, c] - sums[j, c])

    for j < i, what a token finds of earlier ones in front of its own decay. The
    diagonal is 0 then, or with `bonus` the sum of lhs[i, c] rhs[i, c] bonus[c].

    ```mlir
    %a = tile.decayed_dot %k, %k, %sums : vector<64x128xbf16>, vector<64x128xf32>
       -> vector<64x64xf32>
    %b = tile.decayed_dot %q, %k, %sums before bonus(%u : vector<128xf32>)
       : vector<64x128xbf16>, vector<64x128xf32> -> vector<64x64xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | operands and sums have one shape; the result is square, with a row per token |
    | C2 | the bonus comes with `before`, and has an element per channel |
  }];
  let arguments = (ins Tile_Channels:$lhs, Tile_Channels:$rhs, Tile_Pairs:$sums,
                       UnitAttr:$before, Optional<Tile_Tokens>:$bonus);
  let results = (outs Tile_Pairs:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs `,` $sums (`before` $before^)? (`bonus` `(` $bonus^ `:` type($bonus) `)`)?
    attr-dict `:` type($lhs) `,` type($sums) `->` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Segments
//===----------------------------------------------------------------------===//

def Tile_SegmentCountOp : Tile_RecurrenceOp<"segment_count"> {
  let summary = "the number of segments that sequences are cut into";
  let description = [{
    A sequence of `chunks` chunks is cut into segments of `least` chunks or more, each
    an instance of its own; `others` instances have the same segment of others. The
    target chooses how many there are by the instances that it runs at once: at least
    1, and at most `chunks` divided by `least`. The interpreter takes as many as there
    may be.

    The result is a bound of the `scf.forall` of a kernel that writes a
    `tile.workspace`. Where it is 1 the target may leave that kernel out: nobody may
    use what it would write.

    ```mlir
    %segments = tile.segment_count %chunks least(4) beside(%others)
    ```
    | constraint | rule |
    |---|---|
    | C1 | `least` is positive |
  }];
  let arguments = (ins Index:$chunks, I64Attr:$least, Index:$others);
  let results = (outs Index:$count);
  let assemblyFormat = [{
    $chunks `least` `(` $least `)` `beside` `(` $others `)` attr-dict
  }];
  let hasVerifier = 1;
}

#endif // ATTN_TILE_TILERECURRENCEOPS_TD
