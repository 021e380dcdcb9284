//===- Passes.h - Passes within the tile dialect ----------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TRANSFORMS_TILE_PASSES_H
#define ATTN_TRANSFORMS_TILE_PASSES_H

#include "Tile/Tile.h"
#include "mlir/Pass/Pass.h"

namespace mlir::tile {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "attn/Transforms/Tile/Passes.h.inc"

} // namespace mlir::tile

#endif // ATTN_TRANSFORMS_TILE_PASSES_H
