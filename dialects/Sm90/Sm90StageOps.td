//===- Sm90StageOps.td - Stages of memory, and instances -*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A part of Sm90Ops.td.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SM90_SM90STAGEOPS_TD
#define ATTN_SM90_SM90STAGEOPS_TD

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

def Sm90_BufferRowsOp : Sm90_Op<"buffer_rows", [Pure, HasParent<"KernelOp">]> {
  let summary = "some of the rows of each stage of a buffer";
  let description = [{
    They are filled and given back on their own. A product may read those of one
    stage together with others that lie below them.

    ```mlir
    %both = sm90.alloc : <2 x 128x128xbf16>
    %keys = sm90.buffer_rows %both from(64)
      : <2 x 128x128xbf16> -> <2 x 64x128xbf16, panel_rows = 128>
    ```
    | constraint | rule |
    |---|---|
    | C1 | the rows begin at a multiple of 8 and lie in the buffer, of which all else is as it is, and panel_rows are its rows |
  }];
  let arguments = (ins Sm90_BufferType:$buffer, I64Attr:$first);
  let results = (outs Sm90_BufferType:$rows);
  let assemblyFormat = [{
    $buffer `from` `(` $first `)` attr-dict `:` type($buffer) `->` type($rows)
  }];
  let hasVerifier = 1;
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

#endif // ATTN_SM90_SM90STAGEOPS_TD
