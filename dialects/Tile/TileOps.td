//===- TileOps.td - Operations of the tile dialect ----------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TILE_TILEOPS_TD
#define ATTN_TILE_TILEOPS_TD

include "Tile/TileDialect.td"
include "Tile/TileRecurrenceOps.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Tile_Op<string mnemonic, list<Trait> traits = []>
    : Op<Tile_Dialect, mnemonic, traits>;

def Tile_Float : AnyTypeOf<[BF16, F16, F32]>;
/// What a mask or a score modifier reads one by one.
def Tile_Element : AnyTypeOf<[AnySignlessInteger, Index, BF16, F16, F32]>;
def Tile_Matrix : VectorOfRankAndType<[2], [BF16, F16, F32]>;
def Tile_Scores : VectorOfRankAndType<[2], [F32]>;
def Tile_RowStats : VectorOfRankAndType<[1], [F32]>;

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

def Tile_KernelOp : Tile_Op<"kernel", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>,
    FunctionOpInterface, IsolatedFromAbove, AffineScope, AutomaticAllocationScope]> {
  let summary = "a kernel over views";
  let description = [{
    The arguments are views; `tile.name` gives the name a user knows an argument
    by, `tile.output` marks those that the kernel writes, and `tile.symbols` numbers
    the sizes: axes of one number have one size, and -1 says nothing of an axis.
    `tile.least` has groups of an axis, the number of a size (-1 for none), what is
    added to it, and a divisor: along the axis, the argument is at least the sum,
    divided and rounded up. `tile.updates` of an output is the number of an input:
    the two are the same memory, so that what the kernel does not write stays as it
    was.
    `tile.workspace` marks what one kernel of a module writes for a later one, which
    has an argument of that name: it has an element, or several along its static
    axes, for each program instance of the kernel that writes it.
    The body runs all program instances, which one `scf.forall` enumerates.

    | constraint | rule |
    |---|---|
    | C1 | every argument is a `!tile.view` |
    | C2 | there are no results |
    | C3 | the body holds exactly one `scf.forall` at its top level |
    | C4 | `tile.symbols` has one number per axis, not negative for a dynamic one |
    | C5 | `tile.least` has groups of an axis of the view, the number of a size or -1, any number and a positive divisor |
    | C6 | a `tile.workspace` that is an output has a dynamic axis for each bound of the `scf.forall`, and static ones behind them |
    | C7 | `tile.updates` is of an output, and the number of an input of the same type |

    ```mlir
    tile.kernel @copy(%x: !tile.view<?x128xbf16> {tile.symbols = array<i64: 0, -1>},
                      %y: !tile.view<?x128xbf16> {tile.symbols = array<i64: 0, -1>, tile.output})
        schedule(<block_q = 128, block_kv = 128>) {
      %c0 = arith.constant 0 : index
      %n = tile.dim %x[0] : !tile.view<?x128xbf16>
      %tiles = affine.apply affine_map<()[s0] -> (s0 ceildiv 128)>()[%n]
      scf.forall (%t) in (%tiles) {
        %row = affine.apply affine_map<(d0) -> (d0 * 128)>(%t)
        %v = tile.load %x[%row, %c0] axes [0, 1] : !tile.view<?x128xbf16> -> vector<128x128xbf16>
        tile.store %v, %y[%row, %c0] axes [0, 1] : vector<128x128xbf16>, !tile.view<?x128xbf16>
      }
      tile.return
    }
    ```
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    Tile_ScheduleAttr:$schedule,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let builders = [
    OpBuilder<(ins "::llvm::StringRef":$name, "::mlir::FunctionType":$type,
                   "::mlir::tile::ScheduleAttr":$schedule)>
  ];
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let skipDefaultBuilders = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    ::mlir::Region *getCallableRegion() { return &getBody(); }

    /// The names of the argument attributes of a kernel.
    static ::llvm::StringRef getNameAttrName() { return "tile.name"; }
    static ::llvm::StringRef getOutputAttrName() { return "tile.output"; }
    static ::llvm::StringRef getSymbolsAttrName() { return "tile.symbols"; }
    static ::llvm::StringRef getLeastAttrName() { return "tile.least"; }
    static ::llvm::StringRef getUpdatesAttrName() { return "tile.updates"; }
    static ::llvm::StringRef getWorkspaceAttrName() { return "tile.workspace"; }
  }];
}

def Tile_ReturnOp : Tile_Op<"return", [
    Pure, Terminator, ReturnLike, HasParent<"KernelOp">]> {
  let summary = "ends a kernel";
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

def Tile_DimOp : Tile_Op<"dim", [Pure]> {
  let summary = "the size of a view along one axis";
  let description = [{
    ```mlir
    %length = tile.dim %q[1] : !tile.view<?x?x64x128xbf16>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the axis is one of the view |
  }];
  let arguments = (ins Tile_ViewType:$view, I64Attr:$axis);
  let results = (outs Index:$size);
  let assemblyFormat = "$view `[` $axis `]` attr-dict `:` type($view)";
  let hasVerifier = 1;
}

def Tile_LoadOp : Tile_Op<"load", [AttrSizedOperandSegments, MemoryEffects<[MemRead]>]> {
  let summary = "loads a tile of a view";
  let description = [{
    The tile starts at `indices`, one per axis of the view, and extends along
    `axes`, one per dimension of the tile; along the others it is one element
    wide. Elements outside of the view read as zero.

    `slice(begin, end)` stands for the part of the view from `begin` to before
    `end` along the first of `axes`: the index is counted from `begin`, and
    elements from `end` on read as zero. It must lie inside of the view, and the
    index not in front of it.

    Loads of the same elements that differ in the number of their `copy` give
    different copies: each may be spread over threads in its own way, and what takes
    the place of one in memory leaves the others as they are.

    ```mlir
    %k = tile.load %keys[%b, %j0, %hk, %c0] axes [1, 3]
       : !tile.view<?x?x8x128xbf16> -> vector<128x128xbf16>
    %p = tile.load %packed[%j0, %hk, %c0] slice(%begin, %end) axes [0, 2]
       : !tile.view<?x8x128xbf16> -> vector<128x128xbf16>
    ```
    | constraint | rule |
    |---|---|
    | C1 | one index per axis of the view |
    | C2 | one axis per dimension of the tile, increasing, inside the view |
    | C3 | tile and view have the same element type |
    | C4 | a slice has a begin and an end |
  }];
  let arguments = (ins Arg<Tile_ViewType, "", [MemRead]>:$view,
                       Variadic<Index>:$indices, Variadic<Index>:$slice,
                       DenseI64ArrayAttr:$axes,
                       DefaultValuedAttr<I64Attr, "0">:$copy);
  let results = (outs VectorOfAnyRankOf<[BF16, F16, F32]>:$tile);
  let assemblyFormat = [{
    $view `[` $indices `]` (`slice` `(` $slice^ `)`)? `axes` $axes
    (`copy` `(` $copy^ `)`)? attr-dict
    `:` type($view) `->` type($tile)
  }];
  let hasVerifier = 1;
}

def Tile_StoreOp : Tile_Op<"store", [AttrSizedOperandSegments, MemoryEffects<[MemWrite]>]> {
  let summary = "stores a tile into a view";
  let description = [{
    The mirror of `tile.load`; elements outside of the view or of the slice are
    dropped.

    ```mlir
    tile.store %lse, %out[%b, %h, %i0] axes [2] : vector<128xf32>, !tile.view<?x64x?xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | one index per axis of the view |
    | C2 | one axis per dimension of the tile, increasing, inside the view |
    | C3 | tile and view have the same element type |
    | C4 | a slice has a begin and an end |
  }];
  let arguments = (ins VectorOfAnyRankOf<[BF16, F16, F32]>:$tile,
                       Arg<Tile_ViewType, "", [MemWrite]>:$view,
                       Variadic<Index>:$indices, Variadic<Index>:$slice,
                       DenseI64ArrayAttr:$axes);
  let assemblyFormat = [{
    $tile `,` $view `[` $indices `]` (`slice` `(` $slice^ `)`)? `axes` $axes attr-dict
    `:` type($tile) `,` type($view)
  }];
  let hasVerifier = 1;
}

def Tile_ReadOp : Tile_Op<"read", [Pure,
    TypesMatchWith<"element has the element type of view", "view", "element",
                   "::llvm::cast<ViewType>($_self).getElementType()">]> {
  let summary = "reads one element of a view";
  let description = [{
    The element at `indices`, or zero where they lie outside of the view. What is
    read is not written by the kernel, so that a read may be moved and repeated.
    `position` says that the element is a position or a size, which is far from the
    limits of its type.

    ```mlir
    %length = tile.read %lengths[%b] : !tile.view<?xi32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | one index per axis of the view |
    | C2 | the view is not an output of the kernel |
  }];
  let arguments = (ins Tile_ViewType:$view, Variadic<Index>:$indices,
                       UnitAttr:$position);
  let results = (outs Tile_Element:$element);
  let assemblyFormat = [{
    $view `[` $indices `]` (`position` $position^)? attr-dict `:` type($view)
  }];
  let hasVerifier = 1;
}

def Tile_WriteOp : Tile_Op<"write", [MemoryEffects<[MemWrite]>,
    TypesMatchWith<"element has the element type of view", "view", "element",
                   "::llvm::cast<ViewType>($_self).getElementType()">]> {
  let summary = "writes one element of a view";
  let description = [{
    The element at `indices`, which lie inside of the view.

    ```mlir
    tile.write %end, %ends[%b, %t, %c0] : !tile.view<?x?x4xi32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | one index per axis of the view |
  }];
  let arguments = (ins I32:$element, Arg<Tile_ViewType, "", [MemWrite]>:$view,
                       Variadic<Index>:$indices);
  let assemblyFormat = "$element `,` $view `[` $indices `]` attr-dict `:` type($view)";
  let hasVerifier = 1;
}

def Tile_FindExtremesOp : Tile_Op<"find_extremes", [
    Pure, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "the least and the greatest of numbers that belong to positions";
  let description = [{
    The region gets each position from `begin` to before `end` and yields pairs of
    a number and a condition. Each pair has two results: the least and the greatest
    of its numbers beside which the condition is true. Where it is true for no
    position, these are the greatest and the least i32.

    ```mlir
    %low, %high = tile.find_extremes (%begin to %end) : i32, i32 {
    ^bb0(%p: index):
      %id = tile.read %ids[%b, %p] : !tile.view<?x?xi32>
      %odd = arith.trunci %id : i32 to i1
      tile.yield %id, %odd : i32, i1
    }
    ```
    | constraint | rule |
    |---|---|
    | C1 | the region has one index argument and yields pairs of an i32 and an i1 |
    | C2 | there are two results for each pair |
  }];
  let arguments = (ins Index:$begin, Index:$end);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<I32>:$extremes);
  let assemblyFormat = [{
    `(` $begin `to` $end `)` attr-dict `:` type($extremes) $body
  }];
  let hasRegionVerifier = 1;
}

def Tile_FindReachOp : Tile_Op<"find_reach", [
    Pure, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "how far back numbers have to be added up to be small";
  let description = [{
    The region yields a number for each position. The result is the last position

        end - n * block,   n > 0

    that is not before `stop` and from which on, to before `end`, the numbers have a
    sum of at most `limit`; or `stop` where there is none. A sum that is not a number
    is not at most anything. `stop` is such a position, or `end`. The region is
    evaluated for positions in front of `stop` as well, which do not count.

    With `channels(n)` each position has a number for each of n channels, which is the
    second argument of the region, and each channel a sum: all have to be at most
    `limit`.

    ```mlir
    %first = tile.find_reach (%stop to %end) block(64) limit(-30.0) {
    ^bb0(%p: index):
      %g = tile.read %gates[%b, %p, %h] : !tile.view<?x?x32xf32>
      tile.yield %g : f32
    }
    ```
    | constraint | rule |
    |---|---|
    | C1 | the region has one index argument, two with channels, and yields one f32 |
    | C2 | the block is positive |
    | C3 | channels are positive where they are given |
  }];
  let arguments = (ins Index:$stop, Index:$end, I64Attr:$block, F32Attr:$limit,
                       OptionalAttr<I64Attr>:$channels);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Index:$first);
  let assemblyFormat = [{
    `(` $stop `to` $end `)` `block` `(` $block `)` `limit` `(` $limit `)`
    (`channels` `(` $channels^ `)`)? attr-dict-with-keyword $body
  }];
  let hasRegionVerifier = 1;
}

def Tile_SquaredNormOp : Tile_Op<"squared_norm", [Pure]> {
  let summary = "the squared length of a row of a view";
  let description = [{
    The sum of the squares, in f32, of the elements along the last axis at `indices`,
    which are of the other axes; or zero where these lie outside. As with `tile.read`,
    the kernel does not write the view.

    ```mlir
    %n = tile.squared_norm %k[%b, %p, %h] : !tile.view<?x?x16x128xbf16>
    ```
    | constraint | rule |
    |---|---|
    | C1 | one index per axis of the view but the last |
    | C2 | the last axis is static, of floats |
    | C3 | the view is not an output of the kernel |
  }];
  let arguments = (ins Tile_ViewType:$view, Variadic<Index>:$indices);
  let results = (outs F32:$norm);
  let assemblyFormat = "$view `[` $indices `]` attr-dict `:` type($view)";
  let hasVerifier = 1;
}

def Tile_FindSequenceOp : Tile_Op<"find_sequence", [Pure]> {
  let summary = "the sequence that a slot for a tile of packed rows belongs to";
  let description = [{
    Sequence b of packed ones has the rows from `cu_seqlens[b]` to before
    `cu_seqlens[b + 1]`, and the slots from

        floor(cu_seqlens[b] / block) + b

    to before the first one of the next: enough for its tiles of `block` rows, and
    at most one more. So the number of all slots follows from that of all rows and
    of the sequences. The result is the last sequence whose first slot is `slot`
    or before, or 0.

    The elements of `cu_seqlens` must not decrease. As with `tile.read`, the kernel
    does not write them.

    ```mlir
    %b = tile.find_sequence %slot in %cu_seqlens block(128) : !tile.view<?xi32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the view has rank 1 and elements of i32 |
    | C2 | the block is positive |
    | C3 | the view is not an output of the kernel |
  }];
  let arguments = (ins Index:$slot, Tile_ViewType:$cu_seqlens, I64Attr:$block);
  let results = (outs Index:$sequence);
  let assemblyFormat = [{
    $slot `in` $cu_seqlens `block` `(` $block `)` attr-dict `:` type($cu_seqlens)
  }];
  let hasVerifier = 1;
}

def Tile_WalkOp : Tile_Op<"walk", [Pure, AttrSizedOperandSegments]> {
  let summary = "the first key of the block that an iteration handles";
  let description = [{
    The blocks of keys of a loop form runs, each from the right to the left. The
    first run begins with iteration 0, the others with those of `at`; run r begins
    with the block at key `from[r]`. Iteration i belongs to the last run that
    begins with i or before, and handles the block at

        from[r] - (i - at[r]) * step

    ```mlir
    %key = tile.walk %i from(%right, %left) at(%n) step(128)
    ```
    | constraint | rule |
    |---|---|
    | C1 | `from` has one value more than `at` |
    | C2 | the step is positive |
  }];
  let arguments = (ins Index:$iteration, Variadic<Index>:$from, Variadic<Index>:$at,
                       I64Attr:$step);
  let results = (outs Index:$key);
  let assemblyFormat = [{
    $iteration `from` `(` $from `)` `at` `(` $at `)` `step` `(` $step `)` attr-dict
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def Tile_DotOp : Tile_Op<"dot", [Pure,
    OptionalTypesMatchWith<"the accumulator has the type of the result",
                           "result", "acc", "$_self">]> {
  let summary = "matrix product of two tiles, accumulated in f32";
  let description = [{
    `acc + lhs * rhs`, or `acc + lhs * rhs^T` with `transpose_rhs`. Without an
    accumulator it starts from zero.

    ```mlir
    %s = tile.dot %q, %k transpose_rhs : vector<128x128xbf16>, vector<128x128xbf16> -> vector<128x128xf32>
    %o = tile.dot %p, %v acc(%o0) : vector<128x128xbf16>, vector<128x128xbf16> -> vector<128x128xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | lhs and rhs have the same element type and the same inner size |
    | C2 | the result has the rows of lhs and the columns of rhs (its rows when transposed) |
  }];
  let arguments = (ins Tile_Matrix:$lhs, Tile_Matrix:$rhs,
                       Optional<Tile_Scores>:$acc, UnitAttr:$transpose_rhs);
  let results = (outs Tile_Scores:$result);
  let assemblyFormat = [{
    $lhs `,` $rhs (`transpose_rhs` $transpose_rhs^)? (`acc` `(` $acc^ `)`)? attr-dict
    `:` type($lhs) `,` type($rhs) `->` type($result)
  }];
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

def Tile_MaskOp : Tile_Op<"mask", [
    Pure, AllTypesMatch<["scores", "result"]>,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "sets scores to -inf where a predicate is false";
  let description = [{
    The region gets the position of a query and of a key; element (r, c) of the
    tile stands for query position `query + r` and key position `key + c`. It
    may use index values from outside. Where `whole` is true the predicate is, for
    every element, and need not be evaluated.

    ```mlir
    %masked = tile.mask %s query(%p0) key(%j0) : vector<128x128xf32> {
    ^bb0(%p: index, %j: index):
      %keep = arith.cmpi sle, %j, %p : index
      tile.yield %keep : i1
    }
    ```
    | constraint | rule |
    |---|---|
    | C1 | the region has two index arguments and yields one i1 |
  }];
  let arguments = (ins Tile_Scores:$scores, Index:$query, Index:$key,
                       Optional<I1>:$whole);
  let regions = (region SizedRegion<1>:$predicate);
  let results = (outs Tile_Scores:$result);
  let assemblyFormat = [{
    $scores `query` `(` $query `)` `key` `(` $key `)` (`whole` `(` $whole^ `)`)? attr-dict `:` type($scores) $predicate
  }];
  let hasRegionVerifier = 1;
}

def Tile_BoundedOp : Tile_Op<"bounded", [Pure]> {
  let summary = "a condition that is known to be false for some keys and true for others";
  let description = [{
    In the region of a `tile.mask`. For every query of the sequence that the tile
    has, `condition` is false where the key is not from `begin` to before `end`, and
    true where it is from `clean_begin` to before `clean_end`. The result is the
    condition; what is known of it bounds loops and splits them.

    ```mlir
    %masked = tile.mask %s query(%p0) key(%j0) : vector<128x128xf32> {
    ^bb0(%p: index, %j: index):
      %own = tile.read %ids[%b, %p] : !tile.view<?x?xi32>
      %other = tile.read %ids[%b, %j] : !tile.view<?x?xi32>
      %same = arith.cmpi eq, %other, %own : i32
      %keep = tile.bounded %same within(%begin to %end) clean(%first to %last)
      tile.yield %keep : i1
    }
    ```
  }];
  let arguments = (ins I1:$condition, Index:$begin, Index:$end, Index:$clean_begin,
                       Index:$clean_end);
  let results = (outs I1:$result);
  let assemblyFormat = [{
    $condition `within` `(` $begin `to` $end `)` `clean` `(` $clean_begin `to` $clean_end `)`
    attr-dict
  }];
}

def Tile_ScoreOp : Tile_Op<"score", [
    Pure, AllTypesMatch<["scores", "result"]>,
    SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "modifies every score";
  let description = [{
    The region gets a score and, as in `tile.mask`, the positions of its query and
    of its key, and yields the new score. Of each of `tiles` it gets the element
    that has the place of the score.

    ```mlir
    %biased = tile.score %s query(%p0) key(%j0) : vector<128x128xf32> {
    ^bb0(%x: f32, %p: index, %j: index):
      %bias = tile.read %biases[%h, %p, %j] : !tile.view<8x?x?xf32>
      %y = arith.addf %x, %bias : f32
      tile.yield %y : f32
    }
    %scaled = tile.score %s query(%p0) key(%j0) tiles(%t : vector<128x128xbf16>) : vector<128x128xf32> {
    ^bb0(%x: f32, %p: index, %j: index, %e: bf16):
      %wide = arith.extf %e : bf16 to f32
      %y = arith.mulf %x, %wide : f32
      tile.yield %y : f32
    }
    ```
    | constraint | rule |
    |---|---|
    | C1 | the region has arguments of f32, index and index, and of the element type of each tile, and yields one f32 |
    | C2 | the tiles have the shape of the scores |
  }];
  let arguments = (ins Tile_Scores:$scores, Index:$query, Index:$key,
                       Variadic<Tile_Matrix>:$tiles);
  let regions = (region SizedRegion<1>:$modifier);
  let results = (outs Tile_Scores:$result);
  let assemblyFormat = [{
    $scores `query` `(` $query `)` `key` `(` $key `)` (`tiles` `(` $tiles^ `:` type($tiles) `)`)?
    attr-dict `:` type($scores) $modifier
  }];
  let hasRegionVerifier = 1;
}

def Tile_YieldOp : Tile_Op<"yield", [
    Pure, Terminator, ReturnLike,
    ParentOneOf<["MaskOp", "ScoreOp", "FindExtremesOp", "FindReachOp"]>]> {
  let summary = "ends the region of an element-wise op";
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ /* no operands */ }]>];
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Tile_OnlineSoftmaxOp : Tile_Op<"online_softmax", [Pure,
    AllTypesMatch<["scores", "weights"]>,
    AllTypesMatch<["max", "sum", "new_max", "new_sum", "correction"]>]> {
  let summary = "one step of the online softmax";
  let description = [{
    With x = scale * scores, and max and sum the running statistics of each row
    (max in units of the unscaled scores):

        new_max    = max(max, rowmax(scores))
        correction = exp(scale * (max - new_max))
        weights    = exp(scale * (scores - new_max))
        new_sum    = correction * sum + rowsum(weights)

    What was accumulated with the old maximum is to be multiplied by
    `correction`. Where `threshold` is given, a row keeps its old maximum while
    scale * log2(e) * (rowmax - max) <= threshold; its correction is then 1. A
    row that has seen nothing but -inf keeps max = -inf and weights of zero;
    `may_be_empty` says that such a row can occur after this step.

    With `sum_limit` a row keeps its old maximum, and nobody looks for a new one,
    as long as 0 < sum <= 2^sum_limit; else new_max is at least what the sum
    stands for, max + ln(sum) / scale. A target may look more often. Weights may
    thus exceed 1: a sum above 2^(2 * sum_limit + 1) becomes infinite and stays
    so, and `tile.finish_softmax` has the instance computed again.

    ```mlir
    %p, %m1, %l1, %c = tile.online_softmax %s, %m0, %l0 scale(0.088388346) threshold(8) may_be_empty
                     : vector<128x128xf32>, vector<128xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the statistics have one element per row of the scores |
    | C2 | the scale is positive and finite |
    | C3 | the threshold is not negative |
    | C4 | the limit of sums is from 0 to 31 |
  }];
  let arguments = (ins Tile_Scores:$scores, Tile_RowStats:$max, Tile_RowStats:$sum,
                       F64Attr:$scale, OptionalAttr<I64Attr>:$threshold,
                       OptionalAttr<I64Attr>:$sum_limit, UnitAttr:$may_be_empty);
  let results = (outs Tile_Scores:$weights, Tile_RowStats:$new_max,
                      Tile_RowStats:$new_sum, Tile_RowStats:$correction);
  let assemblyFormat = [{
    $scores `,` $max `,` $sum `scale` `(` $scale `)` (`threshold` `(` $threshold^ `)`)?
    (`sum_limit` `(` $sum_limit^ `)`)? (`may_be_empty` $may_be_empty^)? attr-dict `:` type($scores) `,` type($max)
  }];
  let hasVerifier = 1;
}

def Tile_RescaleOp : Tile_Op<"rescale", [Pure, AllTypesMatch<["acc", "result"]>]> {
  let summary = "multiplies each row by a factor";
  let description = [{
    `mostly_one` says that the factors are 1 in almost every step, so that
    testing for it is worth while.

    ```mlir
    %o1 = tile.rescale %o0, %c mostly_one : vector<128x128xf32>, vector<128xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | one factor per row |
  }];
  let arguments = (ins Tile_Scores:$acc, Tile_RowStats:$factor, UnitAttr:$mostly_one);
  let results = (outs Tile_Scores:$result);
  let assemblyFormat = [{
    $acc `,` $factor (`mostly_one` $mostly_one^)? attr-dict `:` type($acc) `,` type($factor)
  }];
  let hasVerifier = 1;
  let hasFolder = 1;
}

def Tile_FinishSoftmaxOp : Tile_Op<"finish_softmax", [Pure,
    AllTypesMatch<["acc", "result"]>, AllTypesMatch<["max", "sum", "lse"]>]> {
  let summary = "normalises the accumulated rows";
  let description = [{
        result = acc / sum,                 0 for a row with sum = 0
        lse    = scale * max + ln(sum),  -inf for a row with sum = 0

    With a sink, the result is divided by sum + exp(sink - scale * max) instead.

    With `sum_limit`, as in the `tile.online_softmax` that made the sum, the
    instance fails where a sum is above 2^(2 * sum_limit + 1) or not a number or
    a result is not finite. It is then computed a second time, with every step
    looking for the maximum, and that counts.

    ```mlir
    %o, %lse = tile.finish_softmax %acc, %m, %l scale(0.088388346) : vector<128x128xf32>, vector<128xf32>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the statistics have one element per row of the accumulator |
    | C2 | the scale is positive and finite |
    | C3 | the limit of sums is from 0 to 31 |
  }];
  let arguments = (ins Tile_Scores:$acc, Tile_RowStats:$max, Tile_RowStats:$sum,
                       Optional<F32>:$sink, F64Attr:$scale, OptionalAttr<I64Attr>:$sum_limit);
  let results = (outs Tile_Scores:$result, Tile_RowStats:$lse);
  let assemblyFormat = [{
    $acc `,` $max `,` $sum (`sink` `(` $sink^ `)`)? `scale` `(` $scale `)` (`sum_limit` `(` $sum_limit^ `)`)?
    attr-dict `:` type($acc) `,` type($max)
  }];
  let hasVerifier = 1;
}

#endif // ATTN_TILE_TILEOPS_TD
