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
    layouts meet. A fragment that gets two layouts, or none, is an error. Casts
    that turn out to change nothing are removed.

    ```mlir
    %s, %k = sm90.wgmma.wait %f pending(0) : ... -> tensor<64x128xf32>, ...
    %p = math.exp2 %s : tensor<64x128xf32>
    // becomes
    %s, %k = sm90.wgmma.wait %f pending(0) : ... -> tensor<64x128xf32, #sm90.layout<accumulator>>, ...
    %p = math.exp2 %s : tensor<64x128xf32, #sm90.layout<accumulator>>
    ```
  }];
}

def AssignSharedMemoryPass : Pass<"sm90-assign-shared-memory", "::mlir::sm90::KernelOp"> {
  let summary = "Place buffers and barriers in shared memory";
  let description = [{
    Gives every `sm90.alloc`, `sm90.tickets.alloc`, `sm90.mbarrier.init` and
    `sm90.find_extremes` an
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

#endif // ATTN_TRANSFORMS_SM90_PASSES_TD
