//===- Sm90Ops.td - Operations of the sm90 dialect ----------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SM90_SM90OPS_TD
#define ATTN_SM90_SM90OPS_TD

include "Sm90/Sm90Dialect.td"
include "mlir/Dialect/LLVMIR/LLVMOpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Sm90_Op<string mnemonic, list<Trait> traits = []>
    : Op<Sm90_Dialect, mnemonic, traits>;

/// The op demands layouts of its fragments, which are listed once, in
/// `getFixedLayouts`. Fragments without a layout are left to inference.
def Sm90_FixedLayouts : NativeOpTrait<"FixedLayouts"> {
  let cppNamespace = "::mlir::sm90";
}

def Sm90_Fragment : RankedTensorOf<[BF16, F16, F32, I1]>;
def Sm90_Matrix : 2DTensorOf<[BF16, F16, F32]>;
def Sm90_Scores : 2DTensorOf<[F32]>;
def Sm90_RowStats : 1DTensorOf<[F32]>;
def Sm90_Memory : AnyTypeOf<[Sm90_BufferType, Sm90_StageType]>;

//===----------------------------------------------------------------------===//
// Kernels and roles
//===----------------------------------------------------------------------===//

def Sm90_KernelOp : Sm90_Op<"kernel", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>,
    FunctionOpInterface, IsolatedFromAbove, AffineScope, AutomaticAllocationScope]> {
  let summary = "a kernel of one thread block";
  let description = [{
    `tensors` lists what a launch binds, `instances` the counts whose product is
    the number of program instances. An argument is a tensor map or a pointer of
    the tensor that `sm90.tensor` names by its number, or of its axis `sm90.axis`,
    as an index, the size, and, as an i64, the stride. A pointer with `sm90.counter` leads to an i32 that
    is zero at the start of a launch, and has to be at its end.

    The body allocates buffers and barriers and ends in one `sm90.warp_roles`, or
    in one `sm90.warps` where the schedule has no roles. A pointer with
    `sm90.alignment` is a multiple of so many bytes, and so are the strides of its
    tensor but for the innermost one.
    `shared_memory` is assigned by `sm90-assign-shared-memory`.

    | constraint | rule |
    |---|---|
    | C1 | every argument is a tensor map, a `!llvm.ptr<1>`, an index or an i64 |
    | C2 | `sm90.tensor` of every argument that is no counter is a number below the number of tensors; an index and an i64 have `sm90.axis`, below the rank of the tensor |
    | C3 | the body holds exactly one `sm90.warp_roles`, or `sm90.warps` where the schedule has no roles |
    | C4 | there are no results |
    | C5 | every size of an extent is of an axis of a tensor |
    | C6 | where `shared_memory` is given, all that takes shared memory has an offset |
    | C7 | `sm90.alignment` is a power of two, of a pointer to a tensor |
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    Sm90_ScheduleAttr:$schedule,
    TypedArrayAttrBase<Sm90_TensorAttr, "tensors">:$tensors,
    TypedArrayAttrBase<Sm90_ExtentAttr, "extents">:$instances,
    OptionalAttr<I64Attr>:$shared_memory,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    ::mlir::Region *getCallableRegion() { return &getBody(); }

    /// The names of the argument attributes of a kernel.
    static ::llvm::StringRef getTensorAttrName() { return "sm90.tensor"; }
    static ::llvm::StringRef getAxisAttrName() { return "sm90.axis"; }
    static ::llvm::StringRef getCounterAttrName() { return "sm90.counter"; }
    static ::llvm::StringRef getAlignmentAttrName() { return "sm90.alignment"; }

    /// The consumers and, where there are roles, the warpgroups in front of them,
    /// in threads.
    int64_t getThreads() {
      return 128 * (getSchedule().getFirstConsumer() +
                    getSchedule().getConsumerWarpgroups());
    }
  }];
}

def Sm90_ReturnOp : Sm90_Op<"return", [Pure, Terminator, ReturnLike, HasParent<"KernelOp">]> {
  let summary = "ends a kernel";
  let assemblyFormat = "attr-dict";
}

def Sm90_WarpRolesOp : Sm90_Op<"warp_roles", [
    HasParent<"KernelOp">, SingleBlockImplicitTerminator<"YieldOp">, NoRegionArguments]> {
  let summary = "what the warpgroups of a block do";
  let description = [{
    Barriers are ready for all threads when the roles begin. One thread runs the
    `producer`; every consumer warpgroup runs the `consumer`, and
    `sm90.warpgroup_id` numbers them from 0. Where there are such, another warp of
    the producer's warpgroup runs `numbers`, its last two warps `gates`, and a
    warpgroup of its own, for which the schedule has `auxiliary_registers`, runs the
    `auxiliary`: they fill stages for the others with what they compute ahead.

    ```mlir
    sm90.warp_roles producer {
      ...
    } consumer {
      ...
    }
    ```
    | constraint | rule |
    |---|---|
    | C1 | there is an auxiliary where the schedule has auxiliary_registers, and only there |
  }];
  let regions = (region SizedRegion<1>:$producer, AnyRegion:$numbers,
                        AnyRegion:$gates, AnyRegion:$auxiliary,
                        SizedRegion<1>:$consumer);
  let assemblyFormat = [{
    `producer` $producer (`numbers` $numbers^)? (`gates` $gates^)?
    (`auxiliary` $auxiliary^)?
    `consumer` $consumer attr-dict
  }];
  let hasRegionVerifier = 1;
}

def Sm90_WarpsOp : Sm90_Op<"warps", [
    HasParent<"KernelOp">, SingleBlockImplicitTerminator<"YieldOp">, NoRegionArguments]> {
  let summary = "what all warps of a block do";
  let description = [{
    In a kernel without roles.

    ```mlir
    sm90.warps {
      ...
    }
    ```
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$body attr-dict";
}

def Sm90_YieldOp : Sm90_Op<"yield", [
    Pure, Terminator, ReturnLike,
    ParentOneOf<["WarpRolesOp", "WarpsOp", "MaskOp", "EvaluateMaskOp", "ScoreOp",
                 "FindExtremesOp", "FindReachOp"]>]> {
  let summary = "ends a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ /* no operands */ }]>];
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Sm90_BlockIdOp : Sm90_Op<"block_id", [Pure]> {
  let summary = "the number of the block in the grid";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Sm90_GridSizeOp : Sm90_Op<"grid_size", [Pure]> {
  let summary = "the number of blocks of the grid";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Sm90_WarpgroupIdOp : Sm90_Op<"warpgroup_id", [Pure]> {
  let summary = "the number of the consumer warpgroup in the block";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

//===----------------------------------------------------------------------===//
// Shared memory and its stages
//===----------------------------------------------------------------------===//

def Sm90_AllocOp : Sm90_Op<"alloc", [MemoryEffects<[MemAlloc]>, HasParent<"KernelOp">]> {
  let summary = "allocates a buffer in shared memory";
  let description = [{
    `offset`, in bytes, is assigned by `sm90-assign-shared-memory`. Buffers `over`
    another one lie in it, one behind the other: whoever uses them does so while
    nothing is kept there.
  }];
  let arguments = (ins Optional<Sm90_BufferType>:$over, OptionalAttr<I64Attr>:$offset);
  let results = (outs Sm90_BufferType:$buffer);
  let assemblyFormat = [{
    (`over` $over^ `:` type($over))? (`at` $offset^)? attr-dict `:` type($buffer)
  }];
  let builders = [OpBuilder<(ins "BufferType":$buffer, CArg<"Value", "{}">:$over), [{
    build($_builder, $_state, buffer, over, IntegerAttr());
  }]>];
}

def Sm90_MBarrierInitOp : Sm90_Op<"mbarrier.init", [MemoryEffects<[MemAlloc]>, HasParent<"KernelOp">]> {
  let summary = "allocates and initialises a barrier for each stage of a buffer";
  let description = [{
    A phase of the barrier completes when `arrivals` have arrived and every byte
    they announced has been written.
  }];
  let arguments = (ins I64Attr:$arrivals, OptionalAttr<I64Attr>:$offset);
  let results = (outs Sm90_MBarrierType:$barrier);
  let assemblyFormat = "`arrivals` `(` $arrivals `)` (`at` $offset^)? attr-dict `:` type($barrier)";
}

class Sm90_AwaitOp<string mnemonic> : Sm90_Op<mnemonic, [
    MemoryEffects<[MemRead, MemWrite]>]> {
  let arguments = (ins Sm90_BufferType:$buffer, Sm90_MBarrierType:$barrier, Index:$count);
  let results = (outs Sm90_StageType:$stage);
  let assemblyFormat = [{
    $buffer `,` $barrier `[` $count `]` attr-dict `:` type($buffer) `,` type($barrier) `->` type($stage)
  }];
  let hasVerifier = 1;
}

def Sm90_AwaitFullOp : Sm90_AwaitOp<"stage.await_full"> {
  let summary = "waits until a stage has been filled";
  let description = [{
    `count` numbers the uses of the buffer: use n is of stage n mod stages, in
    the phase n / stages of its barrier.

    | constraint | rule |
    |---|---|
    | C1 | buffer and barrier have the same number of stages |
    | C2 | the stage has the box of the buffer |
    | C3 | the stage is given back exactly once, in the same block, by `sm90.stage.release`, `sm90.stage.fill`, `sm90.tma_load_async` or as rhs of `sm90.wgmma_async`, after its other uses are complete |
  }];
}

def Sm90_AwaitEmptyOp : Sm90_AwaitOp<"stage.await_empty"> {
  let summary = "waits until a stage may be filled";
  let description = [{
    The mirror of `sm90.stage.await_full`, with the same constraints: the first
    use of each stage does not wait.
  }];
}

def Sm90_ReleaseOp : Sm90_Op<"stage.release", [MemoryEffects<[MemWrite]>]> {
  let summary = "gives a stage back to the producer";
  let description = [{
    One thread of each consumer warp arrives. A stage that a product in flight
    borrows cannot be named here: it is the operand of the product.
  }];
  let arguments = (ins Sm90_StageType:$stage, Sm90_MBarrierType:$barrier, Index:$count);
  let assemblyFormat = [{
    $stage `,` $barrier `[` $count `]` attr-dict `:` type($stage) `,` type($barrier)
  }];
}

//===----------------------------------------------------------------------===//
// Instances
//===----------------------------------------------------------------------===//

def Sm90_AwaitPreviousLaunchOp : Sm90_Op<"await_previous_launch", [
    MemoryEffects<[MemRead, MemWrite]>, HasParent<"KernelOp">]> {
  let summary = "waits for the launch in front of this one";
  let description = [{
    Of a kernel whose launch is `dependent` (programmatic dependent launch): returns
    when the launch in front of it on the stream has ended and what it wrote can
    be read. Before that, nothing in global memory may be touched. The next launch
    may start from here on, when multiprocessors become free.
  }];
  let assemblyFormat = "attr-dict";
}

def Sm90_CounterNextOp : Sm90_Op<"counter.next", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "increments a counter and gives what it was";
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$counter);
  let results = (outs Index:$value);
  let assemblyFormat = "$counter attr-dict `:` qualified(type($counter))";
}

def Sm90_CounterResetOp : Sm90_Op<"counter.reset", [MemoryEffects<[MemWrite]>]> {
  let summary = "makes a counter zero for the next launch";
  let arguments = (ins LLVM_PointerInAddressSpace<1>:$counter);
  let assemblyFormat = "$counter attr-dict `:` qualified(type($counter))";
}

def Sm90_TicketsAllocOp : Sm90_Op<"tickets.alloc", [MemoryEffects<[MemAlloc]>, HasParent<"KernelOp">]> {
  let summary = "allocates tickets in shared memory";
  let arguments = (ins OptionalAttr<I64Attr>:$offset);
  let results = (outs Sm90_TicketsType:$tickets);
  let assemblyFormat = "(`at` $offset^)? attr-dict `:` type($tickets)";
}

def Sm90_TicketPutOp : Sm90_Op<"ticket.put", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "hands the number of an instance to the consumers";
  let description = [{
    Writes ticket number `count` and completes a phase of `full`, which expects
    one arrival. The ticket must be free: never handed out, or returned and
    waited for. `careful` goes with the number: whether the instance is computed
    again, since the first attempt has failed; and so do `values`, which the
    producer has computed for the consumers. All are from 0 to 2^31 - 1.

    | constraint | rule |
    |---|---|
    | C1 | tickets and barrier have the same number of stages |
    | C2 | there are as many values as the tickets have room for |
  }];
  let arguments = (ins Index:$instance, I1:$careful, Variadic<Index>:$values,
                       Sm90_TicketsType:$tickets, Sm90_MBarrierType:$full, Index:$count);
  let assemblyFormat = [{
    $instance `careful` `(` $careful `)` (`values` `(` $values^ `)`)? `into` $tickets `,` $full `[` $count `]`
    attr-dict `:` type($tickets) `,` type($full)
  }];
  let hasVerifier = 1;
}

def Sm90_TicketTakeOp : Sm90_Op<"ticket.take", [
    MemoryEffects<[MemRead, MemWrite]>, InferTypeOpAdaptor]> {
  let summary = "waits for the number of an instance";
  let description = [{
    The mirror of `sm90.ticket.put`. All threads get the same values.

    | constraint | rule |
    |---|---|
    | C1 | tickets and barrier have the same number of stages |
  }];
  let arguments = (ins Sm90_TicketsType:$tickets, Sm90_MBarrierType:$full, Index:$count);
  let results = (outs Index:$instance, I1:$careful, Variadic<Index>:$values);
  let assemblyFormat = [{
    $tickets `,` $full `[` $count `]` attr-dict `:` type($tickets) `,` type($full)
  }];
  let hasVerifier = 1;
}

def Sm90_TicketReturnOp : Sm90_Op<"ticket.return", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "says that an instance has been computed";
  let description = [{
    One thread of each warp arrives at `empty`. Where `failed` is true for a
    thread of the warp, the ticket says so from then on.

    | constraint | rule |
    |---|---|
    | C1 | tickets and barrier have the same number of stages |
  }];
  let arguments = (ins Sm90_TicketsType:$tickets, Sm90_MBarrierType:$empty, Index:$count,
                       Optional<I1>:$failed);
  let assemblyFormat = [{
    $tickets `,` $empty `[` $count `]` (`failed` `(` $failed^ `)`)? attr-dict
    `:` type($tickets) `,` type($empty)
  }];
  let hasVerifier = 1;
}

def Sm90_TicketAwaitReturnOp : Sm90_Op<"ticket.await_return", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "waits until an instance has been computed";
  let description = [{
    Waits until every warp of the consumers has returned ticket number `count`,
    and tells whether any of them has failed.

    | constraint | rule |
    |---|---|
    | C1 | tickets and barrier have the same number of stages |
  }];
  let arguments = (ins Sm90_TicketsType:$tickets, Sm90_MBarrierType:$empty, Index:$count);
  let results = (outs I1:$failed);
  let assemblyFormat = [{
    $tickets `,` $empty `[` $count `]` attr-dict `:` type($tickets) `,` type($empty)
  }];
  let hasVerifier = 1;
}

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
    | C2 | the stage has the box of the map |
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
    | C2 | the memory has at least the columns, and the element type, of the map |
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
    nobody while the kernel runs.

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
                       UnitAttr:$constant);
  let results = (outs RankedTensorOf<[F32]>:$fragment);
  let assemblyFormat = [{
    $pointer `[` $indices `]` `of` `[` $sizes `]` `strides` `[` $strides `]` `axes` $axes
    (`whole` $whole^)? (`constant` $constant^)? attr-dict `:` $element `->` type($fragment)
  }];
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
    row strips). All threads that share the column or the row get the result.

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
    All threads get the result.

    | constraint | rule |
    |---|---|
    | C1 | the vector goes along the length of strips: `column_strips_rows` or `row_strips_columns` |
  }];
  let arguments = (ins Sm90_CombineAttr:$combine, Sm90_RowStats:$source);
  let results = (outs F32:$result);
  let assemblyFormat = "$combine $source attr-dict `:` type($source)";
  let hasVerifier = 1;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

def Sm90_WgmmaAsyncOp : Sm90_Op<"wgmma_async", [
    Sm90_FixedLayouts, AttrSizedOperandSegments, MemoryEffects<[MemRead]>,
    TypesMatchWith<"the product is of lhs", "result", "lhs",
                   "::llvm::cast<InFlightType>($_self).getLhs()">,
    TypesMatchWith<"the product is of rhs", "result", "rhs",
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
    it back.

    ```mlir
    %f = sm90.wgmma_async %q, %k transpose_rhs
       : !sm90.in_flight<tensor<64x128xf32> = tensor<64x128xbf16> * <128x128xbf16>>
    %g = sm90.wgmma_async %queries row(%r), %k transpose_rhs
       : !sm90.in_flight<tensor<64x80xf32> = !sm90.stage<128x256xbf16> * <80x256xbf16>>
    ```
    | constraint | rule |
    |---|---|
    | C1 | lhs has 64 rows (a stage: at least 64), and the inner size, a multiple of 16, and element type of rhs |
    | C2 | the result is f32, with 64 rows and the columns of rhs (its rows when transposed), a multiple of 8 up to 256 |
    | C3 | the result is waited for exactly once, in the same block |
    | C4 | `row` is given where lhs is a stage, and only there |
    | C5 | `if` is given with an accumulator only |
  }];
  let arguments = (ins AnyTypeOf<[Sm90_Matrix, Sm90_StageType]>:$lhs, Optional<Index>:$row,
                       Sm90_StageType:$rhs, Optional<Sm90_Scores>:$acc, Optional<I1>:$adds,
                       UnitAttr:$transpose_rhs, UnitAttr:$keeps);
  let results = (outs Sm90_InFlightType:$result);
  let assemblyFormat = [{
    $lhs (`row` `(` $row^ `)`)? `,` $rhs (`transpose_rhs` $transpose_rhs^)?
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

include "Sm90/Sm90RecurrenceOps.td"

#endif // ATTN_SM90_SM90OPS_TD
