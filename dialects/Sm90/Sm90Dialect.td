//===- Sm90Dialect.td - Hopper without instructions ---------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SM90_SM90DIALECT_TD
#define ATTN_SM90_SM90DIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/TensorEncoding.td"

def Sm90_Dialect : Dialect {
  let name = "sm90";
  let cppNamespace = "::mlir::sm90";
  let summary = "Warp roles, asynchronous copies and warpgroup products of Hopper";
  let description = [{
    A `sm90.kernel` says how one thread block of a Hopper chip computes: which
    shared-memory buffers it has, what its producer warp copies into them, and
    what its consumer warpgroups do with them.

    **Fragments.** A value of a consumer warpgroup is a builtin `tensor` whose
    encoding, `#sm90.layout`, says how its elements are spread over the 128
    threads. Element-wise work is `arith` and `math` on such tensors. The pass
    `sm90-infer-layouts` fills the encodings in.

    **Asynchrony is typed.** A `!sm90.stage` is the right to use one stage of a
    buffer: waiting for a barrier gives it, releasing or filling the stage takes
    it. `sm90.wgmma_async` borrows it and returns an `!sm90.in_flight` value;
    `sm90.wgmma.wait` gives result and stage back. Values of both types are used
    exactly once.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let dependentDialects = ["arith::ArithDialect", "math::MathDialect",
                           "scf::SCFDialect", "LLVM::LLVMDialect"];
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

def Sm90_Layout : I32EnumAttr<"Layout", "how a fragment is spread over a warpgroup", [
    I32EnumAttrCase<"Accumulator", 0, "accumulator">,
    I32EnumAttrCase<"OperandA", 1, "operand_a">,
    I32EnumAttrCase<"Rows", 2, "rows">,
    I32EnumAttrCase<"PartialRows", 3, "partial_rows">,
    I32EnumAttrCase<"Columns", 4, "columns">,
    I32EnumAttrCase<"Lanes", 5, "lanes">,
    I32EnumAttrCase<"ColumnStrips", 6, "column_strips">,
    I32EnumAttrCase<"ColumnStripsRows", 7, "column_strips_rows">,
    I32EnumAttrCase<"ColumnStripsColumns", 8, "column_strips_columns">,
    I32EnumAttrCase<"RowStrips", 9, "row_strips">,
    I32EnumAttrCase<"RowStripsRows", 10, "row_strips_rows">,
    I32EnumAttrCase<"RowStripsColumns", 11, "row_strips_columns">]> {
  let cppNamespace = "::mlir::sm90";
  let genSpecializedAttr = 0;
}

def Sm90_LayoutAttr : AttrDef<Sm90_Dialect, "Layout", [
    DeclareAttrInterfaceMethods<VerifiableTensorEncoding>]> {
  let mnemonic = "layout";
  let summary = "the layout of a fragment";
  let description = [{
    With w = warp of the warpgroup, l = lane:

    - `accumulator` (64 x N, N a multiple of 8): register i holds row 16w + l/4 + 8((i/2) mod 2),
      column 8(i/4) + 2(l mod 4) + (i mod 2).
    - `operand_a` (64 x K, 16-bit, K a multiple of 16): the A operand of a
      product from registers; two neighbouring columns share a register, and register i of it holds the
      elements 2i and 2i + 1 of an accumulator of the same shape.
    - `rows` (64): element r of a thread is row 16w + l/4 + 8r; the four threads
      of a quad hold the same values.
    - `partial_rows` (64): as `rows`, but each thread of a quad has values of its
      own, which `sm90.combine_quad` combines.
    - `columns` (N, a multiple of 8): element j of a thread is column
      8(j/2) + 2(l mod 4) + (j mod 2), as those of an accumulator are.
    - `lanes` (64): element r of a thread is number 2l + r; every warp holds all.

    Strips are for memory that is read and written once. A warp has a strip of 4A
    columns, or rows, of a matrix, and a thread four neighbouring ones of them,
    where A is the number of `lanes` across: a power of two up to 32, and 4 where it
    is not given. Of the length it has four neighbours in every 4L, where L = 32/A.
    The strips of W `warps` lie beside each other: 1, 2 or 4, and 4 where it is not
    given. Others share these, each with a part of the length, which is divided by
    P = 4/W:

    - `column_strips` (R x 4AW, R a multiple of 4LP): register 4r + c holds row
      (R/P)(w/W) + 4L(r/4) + 4(l/A) + r mod 4, column 4A(w mod W) + 4(l mod A) + c.
    - `row_strips` (4AW x C, C a multiple of 4LP): register (C/LP)r + c holds row
      4A(w mod W) + 4(l/L) + r, column (C/P)(w/W) + 4L(c/4) + 4(l mod L) + c mod 4.
    - `column_strips_rows`, `column_strips_columns`, `row_strips_rows`,
      `row_strips_columns`: one element per row, or per column, of such a matrix;
      each thread holds those of its rows, or of its columns.
  }];
  let parameters = (ins EnumParameter<Sm90_Layout>:$value,
                        DefaultValuedParameter<"int64_t", "4">:$lanes,
                        DefaultValuedParameter<"int64_t", "4">:$warps);
  let builders = [AttrBuilder<(ins "Layout":$value), [{
    return $_get($_ctxt, value, /*lanes=*/4, /*warps=*/4);
  }]>];
  let assemblyFormat = "`<` $value (`,` struct($lanes, $warps)^)? `>`";
  let genVerifyDecl = 1;
}

def Sm90_Combine : I32EnumAttr<"Combine", "how elements are combined", [
    I32EnumAttrCase<"Max", 0, "max">, I32EnumAttrCase<"Sum", 1, "sum">]> {
  let cppNamespace = "::mlir::sm90";
  let genSpecializedAttr = 0;
}
def Sm90_CombineAttr : EnumAttr<Sm90_Dialect, Sm90_Combine, "combine"> {
  let assemblyFormat = "`<` $value `>`";
}

def Sm90_ScheduleAttr : AttrDef<Sm90_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "the part of a schedule that belongs to Hopper";
  let description = [{
    - `kv_stages`: how many tiles of keys, and of values, are in flight.
    - `read_stages`: how many tiles of what modifiers of scores read are in flight.
    - `consumer_warpgroups`: each computes 64 rows of queries.
    - `producer_registers`, `consumer_registers`: per thread, by setmaxnreg.
    - `query_in_registers`: the consumers hold the queries in registers instead
      of reading them from shared memory for each product.
    - `output_in_query_buffer`: the output goes through the shared memory that
      held the queries, which are loaded later for it.
    - `output_from_registers`: the threads store the output themselves, and it
      goes through no shared memory.
    - `persistent`: one block per multiprocessor loops over the program
      instances; otherwise the hardware gives each instance a block.
    - `dynamic`: a persistent block takes its next instance from a counter that
      all blocks share, instead of every n-th one; good for uneven work.
    - `ping_pong`: the consumers start their products in turn, so that those of one
      run under the softmax of another.
    - `narrow_tanh`: where all scores of a block are near zero, a polynomial takes
      the place of the tanh that modifies them.
    - `hoist_mask`: a mask that reads memory is evaluated while the product whose
      scores it masks is under way.
    - `clear_accumulators`: accumulators are set to zero, in place of being written
      by the first product of an instance.
    - `auxiliary_registers`: per thread of a warpgroup that computes ahead what does
      not depend on what the loop carries; 0 where there is none.
    - `dependent_launch`: the kernel may start before the one in front of it on
      the same stream has ended, for which it waits once it is set up.
    - `warp_roles`: a warpgroup copies and the others compute. Without them
      all warps do the same, on `consumer_registers` each, and no copy goes through
      shared memory but those of `stage_strips`.
    - `strip_warps`: without roles, how many warps have strips beside each other: 1, 2
      or 4. The others divide the length of the strips with them.
    - `separate_warps`: without roles, each warp is a block of its own, which ends
      when the warp does; nothing may be shared or exchanged.
    - `stream_strips`: without roles, matrices are loaded and stored as what no cache
      is to keep.
    - `stage_strips`: without roles, matrices come into shared memory by copies, of
      each warp its own part, and vectors are scaled in place of them where that is
      how they are read.
    - `blocks_per_multiprocessor`: as many at most, others find no room in shared
      memory; 0 where as many as fit.
    - `stack_products`: queries lie above keys in shared memory, and one product of
      the keys with both gives the auxiliary the transposed products of tokens.
    - `join_waits`: barriers that are waited for next to each other are tested before
      one branch.
  }];
  let parameters = (ins
    DefaultValuedParameter<"int64_t", "2">:$kv_stages,
    DefaultValuedParameter<"int64_t", "2">:$consumer_warpgroups,
    DefaultValuedParameter<"int64_t", "24">:$producer_registers,
    DefaultValuedParameter<"int64_t", "240">:$consumer_registers,
    DefaultValuedParameter<"bool", "true">:$query_in_registers,
    DefaultValuedParameter<"bool", "false">:$output_in_query_buffer,
    DefaultValuedParameter<"bool", "false">:$output_from_registers,
    DefaultValuedParameter<"bool", "true">:$persistent,
    DefaultValuedParameter<"bool", "false">:$dynamic,
    DefaultValuedParameter<"bool", "false">:$ping_pong,
    DefaultValuedParameter<"bool", "true">:$narrow_tanh,
    DefaultValuedParameter<"bool", "true">:$hoist_mask,
    DefaultValuedParameter<"bool", "false">:$clear_accumulators,
    DefaultValuedParameter<"bool", "true">:$dependent_launch,
    DefaultValuedParameter<"bool", "true">:$warp_roles,
    DefaultValuedParameter<"int64_t", "0">:$auxiliary_registers,
    DefaultValuedParameter<"int64_t", "1">:$read_stages,
    DefaultValuedParameter<"int64_t", "4">:$strip_warps,
    DefaultValuedParameter<"bool", "false">:$separate_warps,
    DefaultValuedParameter<"bool", "true">:$stream_strips,
    DefaultValuedParameter<"bool", "false">:$stage_strips,
    DefaultValuedParameter<"int64_t", "0">:$blocks_per_multiprocessor,
    DefaultValuedParameter<"bool", "false">:$stack_products,
    DefaultValuedParameter<"bool", "false">:$join_waits);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
  let extraClassDeclaration = [{
    /// The number of the first consumer among the warpgroups of a block.
    int64_t getFirstConsumer() const {
      return getAuxiliaryRegisters() ? 2 : getWarpRoles() ? 1 : 0;
    }
  }];
}

def Sm90_TensorAttr : AttrDef<Sm90_Dialect, "Tensor"> {
  let mnemonic = "tensor";
  let summary = "a tensor that a launch binds to a kernel";
  let description = [{
    `symbols` numbers the sizes, one for each axis: axes of one number, of any
    tensor, have one size. -1 says nothing of a static size. `least` has
    groups of an axis, the number of a size (-1 for none), what is added to it, and
    a divisor: along the axis, the tensor is at least the sum, divided and rounded
    up. `updates` is the number of the input whose memory an output has, or -1. A
    `workspace` is written by one kernel of a module and read by a later one;
    its sizes are the counts of instances of the former, and static ones behind
    them.
  }];
  let parameters = (ins "::mlir::StringAttr":$name, "::mlir::RankedTensorType":$type,
                        ArrayRefParameter<"int64_t">:$symbols,
                        DefaultValuedParameter<"bool", "false">:$output,
                        OptionalArrayRefParameter<"int64_t">:$least,
                        DefaultValuedParameter<"int64_t", "-1">:$updates,
                        DefaultValuedParameter<"bool", "false">:$workspace);
  let assemblyFormat = [{
    `<` $name `,` $type `,` custom<Symbols>($symbols) (`least` `[` $least^ `]`)?
    (`updates` `(` $updates^ `)`)? `` custom<Uses>($output, $workspace) `>`
  }];
  let genVerifyDecl = 1;
}

def Sm90_ExtentAttr : AttrDef<Sm90_Dialect, "Extent"> {
  let mnemonic = "extent";
  let summary = "a count that a launch computes";
  let description = [{
    The value of `map`, an expression of sizes. `sizes` has two numbers for each
    of its symbols: a tensor and one of its axes.

    With a second result, the number of blocks beside each, it is a number of parts:
    as many as give each multiprocessor a block, at least 1, and at most the first
    result. A kernel that has parts and writes nothing but a workspace is left out
    where there is only one.

    Examples: `#sm90.extent<() -> (64)>`,
    `#sm90.extent<()[s0] -> (s0 ceildiv 128), sizes = [0, 1]>`,
    `#sm90.extent<()[s0, s1] -> (s0 floordiv 256, s1 * 32), sizes = [0, 1, 0, 0]>`.
  }];
  let parameters = (ins "::mlir::AffineMap":$map,
                        OptionalArrayRefParameter<"int64_t">:$sizes);
  let assemblyFormat = "`<` $map (`,` `sizes` `=` `[` $sizes^ `]`)? `>`";
  let genVerifyDecl = 1;
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

class Sm90_Type<string name, string typeMnemonic> : TypeDef<Sm90_Dialect, name> {
  let mnemonic = typeMnemonic;
}

/// A type whose parameters have rules.
class Sm90_VerifiedType<string name, string typeMnemonic>
    : Sm90_Type<name, typeMnemonic> {
  let genVerifyDecl = 1;
}

def Sm90_TensorMapType : Sm90_VerifiedType<"TensorMap", "tensor_map"> {
  let summary = "describes boxes of a tensor in global memory to the copy engine";
  let description = [{
    A box has `rows` steps along `axes[0]` and `columns` along `axes[1]`, the
    innermost axis of a tensor of rank `rank`, which is at most 5. In shared
    memory a box lies in panels of 128 bytes by `rows`, swizzled by 128 bytes;
    one instruction copies a panel. So its elements are `bf16` or `f16`, its rows
    a multiple of 8 up to 256, its columns a multiple of 16. What the last panel
    has beyond the columns is zero where they end with the tensor. A box of `f32` is
    not swizzled: it lies row behind row, and one instruction copies it. It has up to
    256 rows, and a multiple of 4 columns up to 256.

    With `sliced`, a copy sees the tensor end where it says, along `axes[0]`. It has
    an index more, behind the others: for the rows from r on of n, of a slice that
    ends with row e - 1, the index along `axes[0]` is n - e + r and the last one
    e - 1. Their sum is r + n - 1, whatever e is, and the map begins n - 1 rows in
    front of the tensor; but rows from e on have an index of n or more, which is
    outside. The rank is at most 4 then.

    Examples: `!sm90.tensor_map<128x128xbf16, axes = [1, 3], rank = 4>`,
    `!sm90.tensor_map<128x128xbf16, axes = [0, 2], rank = 3, sliced = true>`.
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$elementType,
                        ArrayRefParameter<"int64_t">:$axes, "int64_t":$rank,
                        DefaultValuedParameter<"bool", "false">:$sliced);
  let assemblyFormat = [{
    `<` custom<Box>($rows, $columns, $elementType) `,` `axes` `=` `[` $axes `]` `,`
    `rank` `=` $rank (`,` `sliced` `=` $sliced^)? `>`
  }];
  let extraClassDeclaration = [{
    /// The number of indices of a copy: one per axis, and the end of a slice.
    int64_t getIndices() const { return getRank() + (getSliced() ? 1 : 0); }
    /// Whether a box lies in panels that are swizzled.
    bool isSwizzled() const { return !getElementType().isF32(); }
  }];
}

def Sm90_BufferType : Sm90_VerifiedType<"Buffer", "buffer"> {
  let summary = "stages of shared memory that hold a box each";
  let description = [{
    Elements of f32 are rows of numbers that no copy and no product touches: they
    lie one row behind the other, each of a multiple of 4.

    With `panel_rows` the box is some of the rows of a larger one, whose panels have
    so many.

    Examples: `!sm90.buffer<2 x 128x128xbf16>`, `!sm90.buffer<2 x 4x64xf32>`,
    `!sm90.buffer<2 x 64x128xbf16, panel_rows = 128>`.
  }];
  let parameters = (ins "int64_t":$stages, "int64_t":$rows, "int64_t":$columns,
                        "::mlir::Type":$elementType,
                        DefaultValuedParameter<"int64_t", "0">:$panel_rows);
  let builders = [TypeBuilder<(ins "int64_t":$stages, "int64_t":$rows,
                                   "int64_t":$columns, "Type":$elementType), [{
    return $_get($_ctxt, stages, rows, columns, elementType, /*panel_rows=*/0);
  }]>];
  let assemblyFormat = [{
    `<` $stages `x` custom<Box>($rows, $columns, $elementType)
    (`,` `panel_rows` `=` $panel_rows^)? `>`
  }];
  let extraClassDeclaration = [{
    /// The bytes of one stage, and of all.
    int64_t getStageBytes() const;
    int64_t getBytes() const { return getStages() * getStageBytes(); }
    /// The right to use one of the stages.
    StageType getStageType() const;
  }];
}

def Sm90_StageType : Sm90_VerifiedType<"Stage", "stage"> {
  let summary = "the right to use one stage of a buffer, used exactly once";
  let parameters = (ins "int64_t":$rows, "int64_t":$columns, "::mlir::Type":$elementType,
                        DefaultValuedParameter<"int64_t", "0">:$panel_rows);
  let builders = [TypeBuilder<(ins "int64_t":$rows, "int64_t":$columns,
                                   "Type":$elementType), [{
    return $_get($_ctxt, rows, columns, elementType, /*panel_rows=*/0);
  }]>];
  let assemblyFormat = [{
    `<` custom<Box>($rows, $columns, $elementType)
    (`,` `panel_rows` `=` $panel_rows^)? `>`
  }];
  let extraClassDeclaration = [{
    /// The rows of a panel in memory.
    int64_t countPanelRows() const {
      return getPanelRows() ? getPanelRows() : getRows();
    }
  }];
}

def Sm90_MBarrierType : Sm90_VerifiedType<"MBarrier", "mbarrier"> {
  let summary = "a transaction barrier in shared memory for each stage of a buffer";
  let parameters = (ins "int64_t":$stages);
  let assemblyFormat = "`<` $stages `>`";
}

def Sm90_TicketsType : Sm90_VerifiedType<"Tickets", "tickets"> {
  let summary = "numbers of instances in shared memory, from the producer to the consumers";
  let description = [{
    Each ticket has room for `values` numbers that go with the instance.

    Example: `!sm90.tickets<2>`, `!sm90.tickets<2, values = 3>`
  }];
  let parameters = (ins "int64_t":$stages, DefaultValuedParameter<"int64_t", "0">:$values);
  let assemblyFormat = "`<` $stages (`,` `values` `=` $values^)? `>`";
  let extraClassDeclaration = [{
    /// Bytes of one ticket: the number, whether it has failed, and the values.
    int64_t getTicketBytes() const { return 8 + 4 * getValues(); }
    int64_t getBytes() const { return getStages() * getTicketBytes(); }
  }];
}

def Sm90_BitsType : Sm90_Type<"Bits", "bits"> {
  let summary = "a bit for each element of an accumulator";
  let description = [{
    Each thread holds those of its own elements, 32 in a register.

    Example: `!sm90.bits<64 x 128>`
  }];
  let parameters = (ins "int64_t":$rows, "int64_t":$columns);
  let assemblyFormat = "`<` $rows `x` $columns `>`";
}

def Sm90_InFlightType : Sm90_Type<"InFlight", "in_flight"> {
  let summary = "the result of a product that is under way, used exactly once";
  let description = [{
    Holds the fragment or the stage, and the stage, that the product still
    reads.
  }];
  let parameters = (ins "::mlir::RankedTensorType":$result, "::mlir::Type":$lhs,
                        "::mlir::sm90::StageType":$rhs);
  let assemblyFormat = "`<` $result `=` $lhs `*` $rhs `>`";
}

#endif // ATTN_SM90_SM90DIALECT_TD
