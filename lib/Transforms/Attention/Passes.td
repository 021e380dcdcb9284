//===- Passes.td - Passes within the attn dialect ----------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_ATTENTION_PASSES_TD
#define ATTN_TRANSFORMS_ATTENTION_PASSES_TD

include "mlir/Pass/PassBase.td"

def LowerMaskOpsPass : Pass<"attn-lower-mask-ops"> {
  let summary = "write masks and score modifiers in arith and math";
  let description = [{
    Rewrites the mask and score ops in the regions of `attn.attention` to index
    and float arithmetic, so that what follows has to know `arith`, `math` and
    `attn.read` only:

    | op | becomes |
    |---|---|
    | `attn.causal` | `j <= p` |
    | `attn.window<l, r>` | `j >= p - l and j <= p + r`, without infinite sides |
    | `attn.first<n>` | `j < n` |
    | `attn.chunk<c>` | `j floordiv c = p floordiv c` |
    | `attn.prefix` | `j < read lengths[b] covers` |
    | `attn.document` | `p >= 0 and read ids[b, j] covers = read ids[b, p] covers` |
    | `attn.span` | as `attn.document`, and `read ids[b, p] >= 0` |
    | `attn.dilated<s>` | `(p - j) rem s = 0` |
    | `attn.column<l, c>` | `j rem l >= l - c` |
    | `attn.softcap<c>` | `c * tanh(x / c)` |
    | `attn.alibi` | `x - read slopes[h] covers * abs(p - j)` |

    Every input is legal. Afterwards the regions hold no mask or score op but
    `attn.read`, `attn.yield` and those that count the queries: `attn.bits`,
    `attn.tree` and `attn.bias`.

    Before:

    ```mlir
    %o = attn.attention %q, %kv mask(causal and window<1023, 0>) : ...
    ```

    After:

    ```mlir
    %o = attn.attention %q, %kv mask {
    ^bb0(%b: index, %h: index, %p: index, %j: index):
      %0 = arith.cmpi sle, %j, %p : index
      %c1023 = arith.constant 1023 : index
      %1 = arith.subi %p, %c1023 : index
      %2 = arith.cmpi sge, %j, %1 : index
      %3 = arith.cmpi sle, %j, %p : index
      %4 = arith.andi %2, %3 : i1
      %5 = arith.andi %0, %4 : i1
      attn.yield %5 : i1
    } : ...
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::mlir::math::MathDialect"];
}

def DropMagnitudesPass : Pass<"attn-drop-magnitudes"> {
  let summary = "Take distances to keys of the past as they are";
  let description = [{
    Where the mask lets no query see a key behind it, the magnitude of the distance
    between them is the distance: what a score that is masked is modified to does
    not matter. Then a bias by distance, as that of `attn.alibi`, is affine in the
    position of the key. Lists of blocks may show keys that the mask does not, and
    leave the magnitudes where they are.

    ```mlir
    %0 = arith.subi %p, %j : index
    %1 = arith.index_cast %0 : index to i64
    %2 = arith.sitofp %1 : i64 to f32
    %3 = math.absf %2 : f32         // becomes %2 under mask(causal)
    ```
  }];
}

#endif // ATTN_TRANSFORMS_ATTENTION_PASSES_TD
