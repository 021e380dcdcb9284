//===- Passes.td - Passes within the sm90 dialect -----------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_SM90_PASSES_TD
#define ATTN_TRANSFORMS_SM90_PASSES_TD

include "mlir/Pass/PassBase.td"

def InferLayoutsPass : Pass<"sm90-infer-layouts", "::mlir::sm90::KernelOp"> {
  let summary = "Spread every fragment over the threads of its warpgroup";
  let description = [{
    Products, reductions and memory accesses fix the layout of their fragments;
    element-wise ops and loops pass it on. `sm90.layout_cast` stands where two
    layouts meet. A vector that is repeated to a matrix of strips, and the matrix,
    follow from each other; a constant that is stored is as what is stored elsewhere
    through the pointer. A fragment that gets two layouts, or none, is an error.
    Casts that turn out to change nothing are removed.

    ```mlir
    %s, %k = sm90.wgmma.wait %f pending(0) : ... -> tensor<64x128xf32>, ...
    %p = math.exp2 %s : tensor<64x128xf32>
    // becomes
    %s, %k = sm90.wgmma.wait %f pending(0) : ... -> tensor<64x128xf32, #sm90.layout<accumulator>>, ...
    %p = math.exp2 %s : tensor<64x128xf32, #sm90.layout<accumulator>>
    ```
  }];
}

def JoinSumsPass : Pass<"sm90-join-sums", "::mlir::sm90::KernelOp"> {
  let summary = "Add up at once what warps that share strips have";
  let description = [{
    Warps meet at each `sm90.add_warps`. Those of a block that do not need each
    other's sums become one, in the place of the first; what their operands follow
    from is moved in front of it, as far as that only computes.

    ```mlir
    %a = sm90.add_warps %x : tensor<64xf32> -> tensor<64xf32>
    %y = sm90.reduce_vector <sum> %v : tensor<128xf32>
    %b = sm90.add_warps %y : f32 -> f32
    // becomes
    %y = sm90.reduce_vector <sum> %v : tensor<128xf32>
    %both:2 = sm90.add_warps %x, %y : tensor<64xf32>, f32 -> tensor<64xf32>, f32
    ```
  }];
}

def SeparateWarpsPass : Pass<"sm90-separate-warps", "::mlir::sm90::KernelOp"> {
  let summary = "Make a block of each warp";
  let description = [{
    Warps of a kernel without roles that exchange nothing need no block together: where
    the memory bounds them, the place of a warp that has ended is to be taken by the
    next one at once, not when the last one of its block has ended. Obeys
    `separate_warps` of the schedule: instances have one dimension more, which numbers
    the warp, and blocks one warp. Fails where warps wait for each other.

    ```mlir
    sm90.kernel @k(...) attributes {instances = [#sm90.extent<() -> (32)>]} {
      sm90.warps {
        %block = sm90.block_id
    // becomes
    sm90.kernel @k(...) attributes {instances = [#sm90.extent<() -> (32)>, #sm90.extent<() -> (4)>]} {
      sm90.warps {
        %warp = sm90.block_id
        %block = arith.divui %warp, %c4 : index
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def ScaleVectorsPass : Pass<"sm90-scale-vectors", "::mlir::sm90::KernelOp"> {
  let summary = "Let sums read a matrix as it has been loaded, of vectors that are scaled";
  let description = [{
    A state that decays is read by keys and queries as what is left of it. That a row of
    it is scaled, or all of it, and then multiplied by an element of a vector, is as much
    as that the vector is scaled, which needs no state: so it is done while that is on
    its way, and what the sums of the state wait for is the state alone. Obeys
    `stage_strips` of the schedule, without which a state takes registers while it is on
    its way, and nothing is gained.

    ```mlir
    %s = sm90.load_strips %state[...] ... -> tensor<128x64xf32, ...>
    %d = sm90.broadcast_strips %decays axis(1) : ...
    %left = arith.mulf %s, %d : ...
    %k = sm90.broadcast_strips %keys axis(1) : ...
    %x = arith.mulf %left, %k fastmath<contract> : ...
    %sum = sm90.reduce_strips <sum> %x axis(0) : ...
    // becomes
    %scaled = arith.mulf %keys, %decays : ...
    %k = sm90.broadcast_strips %scaled axis(1) : ...
    %x = arith.mulf %s, %k fastmath<contract> : ...
    %sum = sm90.reduce_strips <sum> %x axis(0) : ...
    ```
  }];
}

def StageStripsPass : Pass<"sm90-stage-strips", "::mlir::sm90::KernelOp"> {
  let summary = "Let matrices come by copies in place of loads of threads";
  let description = [{
    What bounds a kernel that reads a state once and writes it once is how many bytes
    are under way at a time, and how far they are spread. A load of a thread needs
    registers, and lines of the first level cache, from when it starts until it has
    ended; a copy needs a place in shared memory, and one thread to start it. Matrices
    that are loaded whole, and not in a loop, are copied, of each warp what it holds:
    strips of rows by bulk copies, parts of columns of f32 by boxes of a tensor map, which
    the kernel gets as one more argument. A warp waits for its own, in front of
    the first use; what can be computed, and added up with other warps, without it comes
    before that. Obeys `stage_strips` of the schedule.

    ```mlir
    %s = sm90.load_strips %state[...] ... whole : f32 -> tensor<32x128xf32, #sm90.layout<row_strips, ...>>
    %k = sm90.load_strips %keys[...] ...
    %x = arith.mulf %s, ...
    %y = arith.mulf %k, %k ...
    // becomes
    %m = sm90.stage_strips %state[...] ... : !sm90.stage<32x128xf32>
    %k = sm90.load_strips %keys[...] ...
    %y = arith.mulf %k, %k ...
    %s = sm90.take_strips %m : !sm90.stage<32x128xf32> -> tensor<32x128xf32, #sm90.layout<row_strips, ...>>
    %x = arith.mulf %s, ...
    ```
  }];
}

def AssignSharedMemoryPass : Pass<"sm90-assign-shared-memory", "::mlir::sm90::KernelOp"> {
  let summary = "Place buffers and barriers in shared memory";
  let description = [{
    Gives every `sm90.alloc`, `sm90.tickets.alloc`, `sm90.mbarrier.init`,
    `sm90.find_extremes`, `sm90.add_warps` and `sm90.stage_strips` an
    offset, and the kernel its `shared_memory`. Fails where the target has less.

    ```mlir
    %b = sm90.alloc : !sm90.buffer<2 x 128x128xbf16>
    // becomes
    %b = sm90.alloc at 0 : !sm90.buffer<2 x 128x128xbf16>
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", [{"sm_90a"}], "The chip to compile for">
  ];
}

def OrderProductsPass : Pass<"sm90-order-products", "::mlir::sm90::KernelOp"> {
  let summary = "Let the consumers start the products of their loops in turn";
  let description = [{
    Where the special functions of a step take as long as its products, consumers
    that go in step want the same unit at the same time. Each now waits for its
    turn before it starts the products of an iteration, and passes it on behind
    them: the products of one run under the softmax of another. Obeys `ping_pong`
    of the schedule. All consumers have the same loops, and so the same number of
    turns; the last one lets the first one begin, and that one takes what is left
    at the end.

    ```mlir
    scf.for ... {
      %f = sm90.wgmma_async %q, %k ...
      %g = sm90.wgmma_async %p, %v ...
      %s, ... = sm90.wgmma.wait %f ...
    // becomes
    scf.for ... {
      sm90.turn.await
      %f = sm90.wgmma_async %q, %k ...
      %g = sm90.wgmma_async %p, %v ...
      sm90.turn.pass
      %s, ... = sm90.wgmma.wait %f ...
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def HoistMaskPass : Pass<"sm90-hoist-mask", "::mlir::sm90::KernelOp"> {
  let summary = "Evaluate masks that load a number for each key before there are scores";
  let description = [{
    A mask that loads a number for each key waits for memory between the scores and
    the softmax, where the scores, the accumulator and the queries leave no
    registers to load much at a time. Its predicate needs no score: it is evaluated
    before the wait for the product that gives them, into a bit for each score,
    and what comes behind the wait are selects. Obeys `hoist_mask` of the schedule.
    Masks that tests branch around stay where they are, and those of modified scores.

    ```mlir
    %s, ... = sm90.wgmma.wait %f pending(1) ...
    %m = sm90.mask %s query(%p) key(%j) { ... sm90.read ... }
    // becomes
    %bits = sm90.evaluate_mask query(%p) key(%j) { ... sm90.read ... }
    %s, ... = sm90.wgmma.wait %f pending(1) ...
    %m = sm90.apply_mask %s, %bits
    ```
  }];
}

def NarrowTanhPass : Pass<"sm90-narrow-tanh", "::mlir::sm90::KernelOp"> {
  let summary = "Replace tanh near zero by a polynomial";
  let description = [{
    A `tanh` takes two special functions for each score, one more than the softmax:
    together they take longer than the products of a head of 128. Where all
    arguments of a warp are at most 3/8 in magnitude, as the scores of a softcap
    mostly are, a polynomial of three terms does, and of two up to 1/6. Each block is
    tested. Scores are right to 6e-5; where a large factor on the `tanh` asks for
    more, or is not known, there is one polynomial, up to 1/4, right to 4.9e-8 of the
    factor. Only for a `tanh` that may be approximated (`afn`); a constant factor on
    its argument and on its result is taken into the coefficients. Where a step of
    the softmax follows that may keep its maximum, the branch asks for that as well
    and computes the weights, too, so that polynomial and special functions run
    side by side; the last product of the polynomial is the one that scales the
    scores. Elsewhere, outside of the loops, there is one polynomial. Obeys
    `narrow_tanh` of the schedule.

    ```mlir
    %x = sm90.score %s ... { %t = math.tanh %y fastmath<afn> ... }
    // becomes
    %m = sm90.score %s ... { %a = math.absf %y ... }
    %largest = sm90.reduce_columns <max> %m
    %near = arith.cmpf ole, %largest, %limit
    %all = sm90.vote_all %near
    %x = scf.if %all { sm90.score %s ... { the polynomial } }
         else { sm90.score %s ... { %t = math.tanh %y fastmath<afn> ... } }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::math::MathDialect",
                           "::mlir::scf::SCFDialect"];
}

def HoistReadsPass : Pass<"sm90-hoist-reads", "::mlir::sm90::KernelOp"> {
  let summary = "Read once what all scores of a block read";
  let description = [{
    A bias by distance is mostly read where distances have become one: those beyond
    the last bucket of a relative bias are all of a block far from the diagonal.
    Where positions pass through a minimum, a quotient or a choice on their way to
    an index, its least and greatest value in a block are computed beside each
    other. Where they are equal, one element is read for all scores, in a branch
    of its own.

    ```mlir
    %x = sm90.score %s query(%p) key(%j) { ... %n = arith.minsi %distance, %last
                                           %e = sm90.read %table[%h, %n] ... }
    // becomes
    %low = ... , %high = ...
    %same = arith.cmpi eq, %low, %high
    %x = scf.if %same { %e = sm90.read %table[%h, %low]
                        sm90.score %s query(%p) key(%j) { ... } }
         else { sm90.score %s query(%p) key(%j) { ... sm90.read ... } }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect"];
}

def PairReadsPass : Pass<"sm90-pair-reads", "::mlir::sm90::KernelOp"> {
  let summary = "Read two numbers of 16 bits at a time";
  let description = [{
    A bias with a number for each pair of a query and a key is read element by
    element, each with a test whether it lies inside of its tensor. A thread has
    two adjacent scores of a row: where all of a block lies inside, and the even
    columns of the tensor start words, it reads one word for both and tests nothing.
    That is found for each block, in front of a branch.

    ```mlir
    %x = sm90.score %s query(%p) key(%j) { %e = sm90.read %bias[%h, %p, %j] ... }
    // becomes
    %x = scf.if %inside { sm90.score %s ... { %e = sm90.read %bias[...] ... paired } }
         else { sm90.score %s ... { %e = sm90.read %bias[...] } }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::scf::SCFDialect",
                           "::mlir::LLVM::LLVMDialect"];
}

def StackProductsPass : Pass<"sm90-stack-products", "::mlir::sm90::KernelOp"> {
  let summary = "One product of keys with queries and with themselves";
  let description = [{
    The auxiliary of a delta rule multiplies the queries of a chunk by its keys, and
    the keys by themselves, each in a product of 64 columns, which is bounded by
    shared memory: it reads as much of the left operand as of the right one. Where
    queries lie above the keys in each panel, one product of the keys with both has
    128 columns. What it gives are the transposed products: so are the decays that
    these are multiplied by, and what is stored is transposed on its way. The product
    of the keys with themselves is its own transpose.

    Left as they are are products whose rows or columns are multiplied by other
    numbers. Obeys `stack_products` of the schedule.

    ```mlir
    %a = sm90.wgmma_async %k row(%c0), %k transpose_rhs keeps ...
    %p = sm90.wgmma_async %q row(%c0), %k transpose_rhs keeps ...
    // becomes
    %both = sm90.wgmma_async %k row(%c0), %q above %k transpose_rhs keeps ...
    %t, %stage = sm90.wgmma.wait %both pending(0) ...
    %p, %a = sm90.split_columns %t ...
    ```
  }];
}

def InsertProxyFencePass : Pass<"sm90-insert-proxy-fence", "::mlir::sm90::KernelOp"> {
  let summary = "Let loads end before their stage is given back to copies";
  let description = [{
    An arrival at an mbarrier overtakes loads from shared memory that were started
    before it, and the copy engine does not wait for them either: it would overwrite
    what is still to be read. A product waits for what it is computed from, so a stage
    is given back behind the first product of the block that is computed from what was
    loaded. Where there is none, a fence between the proxies in front of the release
    waits for the loads. Stages that threads fill stay as they are: their stores queue
    behind the loads.

    ```mlir
    %a = sm90.load_fragment %q row(%r) ...
    sm90.stage.release %q, ...
    // becomes
    %a = sm90.load_fragment %q row(%r) ...
    nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
    sm90.stage.release %q, ...
    ```
  }];
  let dependentDialects = ["::mlir::NVVM::NVVMDialect"];
}

#endif // ATTN_TRANSFORMS_SM90_PASSES_TD
