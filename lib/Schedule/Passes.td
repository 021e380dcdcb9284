//===- Passes.td - Selection of schedules -------------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SCHEDULE_PASSES_TD
#define ATTN_SCHEDULE_PASSES_TD

include "mlir/Pass/PassBase.td"

def SelectSchedulePass : Pass<"attn-select-schedule", "::mlir::ModuleOp"> {
  let summary = "Decide how each attention is computed on a target";
  let description = [{
    Writes the attribute `tile.schedule` of every `attn.attention` that has none,
    from its element type, head dimension and mask and from the model of the
    target. An attention that no schedule covers is refused with the reason. Likewise
    for every `attn.recurrence`, from its element type and channels, and whether it
    has few tokens.
    Requires `attn-lower-mask-ops`.

    A `table` has schedules that were measured (`tools/scripts/tune-schedules` writes
    one); an attention of a class that it names takes those. A remark of the category
    `schedule` says whether that was so.

    ```mlir
    %o = attn.attention %q, %kv : ...
    // becomes
    %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 128, ...>} : ...
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", [{"sm_90a"}], "The chip to schedule for">,
    Option<"table", "table", "std::string", "", "A file of schedules that were measured">
  ];
  let dependentDialects = ["::mlir::tile::TileDialect", "::mlir::sm90::Sm90Dialect"];
}

#endif // ATTN_SCHEDULE_PASSES_TD
