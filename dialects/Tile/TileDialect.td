//===- TileDialect.td - Programs over blocks ----------------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TILE_TILEDIALECT_TD
#define ATTN_TILE_TILEDIALECT_TD

include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinTypeInterfaces.td"
include "mlir/IR/OpBase.td"

def Tile_Dialect : Dialect {
  let name = "tile";
  let cppNamespace = "::mlir::tile";
  let summary = "Programs over blocks of tensors, without threads or memories";
  let description = [{
    A `tile.kernel` says how an attention program is computed block by block:
    which tiles are loaded, multiplied, masked and normalised, in which loops.
    Tiles are builtin `vector` values, so element-wise work is `arith` and
    `math`; index arithmetic is `affine`; loops are `scf`. The dialect knows no
    threads, no shared memory and no processor.

    Tensors are seen through `!tile.view` values. A tile that reaches over the
    edge of a view reads zeros there and is not written there.

    Constructs of the level, from the outside in: `tile.kernel` holds one
    `scf.forall` over program instances (independent of each other), whose body
    loads, loops over blocks of keys, and stores.
  }];
  let useDefaultAttributePrinterParser = 1;
  let useDefaultTypePrinterParser = 1;
  let hasOperationAttrVerify = 1;
  let dependentDialects = [
    "affine::AffineDialect", "arith::ArithDialect", "math::MathDialect",
    "scf::SCFDialect", "vector::VectorDialect"
  ];
}

def Tile_ViewType : TypeDef<Tile_Dialect, "View", [ShapedTypeInterface]> {
  let mnemonic = "view";
  let summary = "a tensor in global memory";
  let description = [{
    A tensor of static rank whose sizes may be dynamic. Its strides are known
    only at launch, but for the innermost one, which is 1.

    Example: `!tile.view<?x?x64x128xbf16>`.
  }];
  let parameters = (ins ArrayRefParameter<"int64_t">:$shape, "Type":$elementType);
  let builders = [
    TypeBuilderWithInferredContext<(ins "::llvm::ArrayRef<int64_t>":$shape,
                                        "::mlir::Type":$elementType), [{
      return $_get(elementType.getContext(), shape, elementType);
    }]>
  ];
  let hasCustomAssemblyFormat = 1;
  let extraClassDeclaration = [{
    bool hasRank() const { return true; }
    ViewType cloneWith(std::optional<::llvm::ArrayRef<int64_t>> shape,
                       ::mlir::Type elementType) const {
      return get(shape.value_or(getShape()), elementType);
    }
  }];
}

def Tile_ScheduleAttr : AttrDef<Tile_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "the decisions that the passes of the tile level obey";
  let description = [{
    Written by lib/Schedule or by hand, read by the passes; no pass computes a
    block size.

    - `block_q`, `block_kv`: rows of queries and of keys that one step handles. Of a
      recurrence, channels of the value that an instance has, and tokens of a chunk;
      one of a single token is none, but a step of the state.
    - `hoist_score_dot`: the scores of the next block are issued before the
      current block is normalised (pass `tile-hoist-score-dot`).
    - `split_masked_loop`: blocks that no mask touches get a loop of their own
      (pass `tile-split-masked-loop`).
    - `rescale_threshold`: the running maximum is kept until the scores exceed
      it by this much, in units of log2; 0 follows every new maximum. The
      result does not depend on it.
    - `lazy_max`: no maximum of a block is looked for while the sums of the rows
      show that the old ones still do. An instance whose weights have become
      too large meanwhile is computed again, looking at every block.
    - `longest_first`: program instances with the most work come first, within
      as many heads as have up to `section_bytes` of keys and values.
    - `diagonal_first`: a walk over one interval of keys starts with the block of the
      last query of the tile, goes on to the left of it, and then from the right end
      back to it. For scores that fall with the distance of query and key, so that
      none is much above those of the first block (`lazy_max`).
    - `segment_chunks`: where a recurrence in chunks has few sequences and heads, a
      sequence is cut into segments of at least so many chunks, which do not wait
      for each other; 0 leaves sequences whole.
    - `state_parts`: numbers of 16 bits that take the place of each f32 of a
      recurrence's state, and of all that what is added to it follows from, in products
      of chunks: 1, or 2 of which the second one has what the first one leaves (BF16x2).
    - `stage_reads`: what a modifier reads by the positions of query and key is
      loaded in tiles (pass `tile-stage-reads`).
    - `target`: what the target's own passes obey; not read at this level.
  }];
  let parameters = (ins
    "int64_t":$block_q, "int64_t":$block_kv,
    DefaultValuedParameter<"bool", "true">:$hoist_score_dot,
    DefaultValuedParameter<"bool", "true">:$split_masked_loop,
    DefaultValuedParameter<"int64_t", "8">:$rescale_threshold,
    DefaultValuedParameter<"bool", "false">:$lazy_max,
    DefaultValuedParameter<"bool", "false">:$longest_first,
    DefaultValuedParameter<"bool", "false">:$diagonal_first,
    DefaultValuedParameter<"int64_t", "33554432">:$section_bytes,
    DefaultValuedParameter<"int64_t", "0">:$segment_chunks,
    DefaultValuedParameter<"int64_t", "1">:$state_parts,
    DefaultValuedParameter<"bool", "false">:$stage_reads,
    OptionalParameter<"::mlir::Attribute">:$target);
  let assemblyFormat = "`<` struct(params) `>`";
  let genVerifyDecl = 1;
}

def Tile_GuardedScheduleAttr : AttrDef<Tile_Dialect, "GuardedSchedule"> {
  let mnemonic = "guarded_schedule";
  let summary = "a schedule for launches with many keys or sequences";
  let description = [{
    An attention or recurrence that has a list of these beside its schedule is
    compiled once for each: a bundle launches the first one whose guard holds, or
    else the kernel of the schedule. Each level of lowering shows the latter.

    - `least_keys`: the guard of an attention; a sequence has at least so many keys.
    - `least_tail`: the same; the last block of `block_kv` keys has at least so many
      of them, so that little is computed behind the end.
    - `least_batch`: that of a recurrence; there are at least so many sequences.

    Example: `#tile.guarded_schedule<least_keys = 2048, schedule = <block_q = 192, block_kv = 96>>`
  }];
  let parameters = (ins DefaultValuedParameter<"int64_t", "0">:$least_keys,
                        DefaultValuedParameter<"int64_t", "0">:$least_tail,
                        DefaultValuedParameter<"int64_t", "0">:$least_batch,
                        "::mlir::tile::ScheduleAttr":$schedule);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif // ATTN_TILE_TILEDIALECT_TD
