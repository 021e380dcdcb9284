// Each constraint of the dialect, by its label, with the message of its violation.

// RUN: attn-opt %s -split-input-file -verify-diagnostics

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

// expected-error@+1 {{expected kv_stages of at least 1, got 0}}
#s = #sm90.schedule<kv_stages = 0>

// -----

// expected-error@+1 {{expected strip_warps of 1, 2 or 4, got 3}}
#s = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, strip_warps = 3>

// -----

// expected-error@+1 {{expected strip_warps without warp_roles alone, got 1}}
#s = #sm90.schedule<strip_warps = 1>

// -----

// expected-error@+1 {{expected ping_pong of a schedule without auxiliary_registers, whose warpgroup the consumers wait for in each turn}}
#s = #sm90.schedule<ping_pong = true, auxiliary_registers = 96>

// -----

// expected-error@+1 {{expected separate_warps of a schedule without warp_roles, whose warps share no strips}}
#s = #sm90.schedule<separate_warps = true>

// -----

// expected-error@+1 {{expected stage_strips of a schedule without warp_roles}}
#s = #sm90.schedule<stage_strips = true>

// -----

// expected-error@+1 {{expected blocks_per_multiprocessor from 0 to 32, got 33}}
#s = #sm90.schedule<blocks_per_multiprocessor = 33>

// -----

// expected-error@+1 {{expected separate_warps of a schedule without warp_roles, whose warps share no strips}}
#s = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false, strip_warps = 2, separate_warps = true>

// -----

// expected-error@+1 {{expected consumer_warpgroups of at least 1, got 0}}
#s = #sm90.schedule<consumer_warpgroups = 0>

// -----

// expected-error@+1 {{expected read_stages of at least 1, got 0}}
#s = #sm90.schedule<read_stages = 0>

// -----

// expected-error@+1 {{expected a schedule without warp_roles to have one consumer warpgroup and not to be persistent}}
#s = #sm90.schedule<consumer_warpgroups = 1, warp_roles = false>

// -----

// expected-error@+1 {{expected a schedule without warp_roles to have one consumer warpgroup and not to be persistent}}
#s = #sm90.schedule<persistent = false, warp_roles = false>

// -----

// expected-error@+1 {{expected updates of an output to be the number of an input, got 0}}
#t = #sm90.tensor<"s", tensor<4xf32>, [-1] updates(0)>

// -----

// expected-error@+1 {{expected updates of an output to be the number of an input, got -2}}
#t = #sm90.tensor<"s", tensor<4xf32>, [-1] updates(-2), output = true>

// -----

// expected-error@+1 {{expected registers as a multiple of 8 from 24 to 256, got 100}}
#s = #sm90.schedule<consumer_registers = 100>

// -----

// expected-error@+1 {{expected registers as a multiple of 8 from 24 to 256, got 16}}
#s = #sm90.schedule<producer_registers = 16>

// -----

// expected-error@+1 {{expected a tensor of bf16, f16, f32, index or integers of 1, 8, 16, 32 or 64 bits, got 'tensor<4xi4>'}}
#t = #sm90.tensor<"ids", tensor<4xi4>, [-1]>

// -----

// expected-error@+1 {{expected one symbol per axis of 'tensor<?x4xf32>', not negative for a dynamic one, got [-1, -1]}}
#t = #sm90.tensor<"q", tensor<?x4xf32>, [-1, -1]>

// -----

// expected-error@+1 {{expected output or workspace, got input}}
#t = #sm90.tensor<"n", tensor<?xf32>, [0], input = true>

// -----

// expected-error@+1 {{expected least to have groups of an axis of 'tensor<?xf32>', the number of a size or -1, any number and a positive divisor, got [1, 0, 0, 4]}}
#t = #sm90.tensor<"n", tensor<?xf32>, [0] least[1, 0, 0, 4]>

// -----

// expected-error@+1 {{expected least to have groups of an axis of 'tensor<?xf32>', the number of a size or -1, any number and a positive divisor, got [0, 0]}}
#t = #sm90.tensor<"n", tensor<?xf32>, [0] least[0, 0]>

// -----

// expected-error@+1 {{expected least to have groups of an axis of 'tensor<?xf32>', the number of a size or -1, any number and a positive divisor, got [-1, 0, 0, 4]}}
#t = #sm90.tensor<"n", tensor<?xf32>, [0] least[-1, 0, 0, 4]>

// -----

// expected-error@+1 {{expected least to have groups of an axis of 'tensor<?xf32>', the number of a size or -1, any number and a positive divisor, got [0, -2, 0, 4]}}
#t = #sm90.tensor<"n", tensor<?xf32>, [0] least[0, -2, 0, 4]>

// -----

// expected-error@+1 {{expected least to have groups of an axis of 'tensor<?xf32>', the number of a size or -1, any number and a positive divisor, got [0, 0, 0, 0]}}
#t = #sm90.tensor<"n", tensor<?xf32>, [0] least[0, 0, 0, 0]>

// -----

// expected-error@+1 {{expected one symbol per axis of 'tensor<?x4xf32>', not negative for a dynamic one, got [0]}}
#t = #sm90.tensor<"q", tensor<?x4xf32>, [0]>

// -----

// expected-error@+1 {{expected a map of symbols to one or two results, without mod, and a tensor and an axis for each symbol, got affine_map<()[s0] -> (s0)> and [0]}}
#e = #sm90.extent<()[s0] -> (s0), sizes = [0]>

// -----

// expected-error@+1 {{expected a map of symbols to one or two results, without mod, and a tensor and an axis for each symbol, got affine_map<(d0) -> (d0)> and []}}
#e = #sm90.extent<(d0) -> (d0)>

// -----

// expected-error@+1 {{expected a map of symbols to one or two results, without mod, and a tensor and an axis for each symbol, got affine_map<()[s0] -> (s0 mod 4)> and [0, 0]}}
#e = #sm90.extent<()[s0] -> (s0 mod 4), sizes = [0, 0]>

// -----

// expected-error@+1 {{expected a shape of 64 by a multiple of 8 for the layout accumulator, got [128, 128]}}
!t = tensor<128x128xf32, #sm90.layout<accumulator>>

// -----

// expected-error@+1 {{expected a shape of 64 by a multiple of 16 for the layout operand_a, got [64, 72]}}
!t = tensor<64x72xbf16, #sm90.layout<operand_a>>

// -----

// expected-error@+1 {{expected a shape of 64 for the layout rows, got [64, 8]}}
!t = tensor<64x8xf32, #sm90.layout<rows>>

// -----

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

// expected-error@+1 {{expected a box of two dimensions, got 3}}
!t = !sm90.stage<1x64x64xbf16>

// -----

// expected-error@+1 {{expected a box of bf16 or f16 with a multiple of 8 rows up to 256 and a multiple of 16 columns, got 64x64x'f64'}}
!t = !sm90.stage<64x64xf64>

// -----

// expected-error@+1 {{expected a box of bf16 or f16 with a multiple of 8 rows up to 256 and a multiple of 16 columns, got 264x64x'bf16'}}
!t = !sm90.buffer<1 x 264x64xbf16>

// -----

// expected-error@+1 {{expected a box of bf16 or f16 with a multiple of 8 rows up to 256 and a multiple of 16 columns, got 100x64x'bf16'}}
!t = !sm90.tensor_map<100x64xbf16, axes = [0, 1], rank = 2>

// -----

// expected-error@+1 {{expected a box of f32 with up to 256 rows and a multiple of 4 columns up to 256, got 32x62}}
!t = !sm90.tensor_map<32x62xf32, axes = [0, 1], rank = 2>

// -----

// expected-error@+1 {{expected a box of f32 with up to 256 rows and a multiple of 4 columns up to 256, got 257x64}}
!t = !sm90.tensor_map<257x64xf32, axes = [0, 1], rank = 2>

// -----

// expected-error@+1 {{expected two axes, the second one the innermost of at most 5, got axes [1, 3] of rank 6}}
!t = !sm90.tensor_map<64x64xbf16, axes = [1, 3], rank = 6>

// -----

// expected-error@+1 {{expected two axes, the second one the innermost of at most 5, got axes [1, 0] of rank 2}}
!t = !sm90.tensor_map<64x64xbf16, axes = [1, 0], rank = 2>

// -----

// A slice takes a dimension of a map.
// expected-error@+1 {{expected two axes, the second one the innermost of at most 4, got axes [1, 4] of rank 5}}
!t = !sm90.tensor_map<64x64xbf16, axes = [1, 4], rank = 5, sliced = true>

// -----

// expected-error@+1 {{expected at least one stage, got 0}}
!t = !sm90.buffer<0 x 64x64xbf16>

// -----

// expected-error@+1 {{expected at least one stage, got 0}}
!t = !sm90.mbarrier<0>

// -----

//===----------------------------------------------------------------------===//
// sm90.kernel
//===----------------------------------------------------------------------===//

// C1: an argument of another type.
// expected-error@+1 {{'sm90.kernel' op expected argument 0 to be a tensor map, a !llvm.ptr<1>, an index or an i64, got 'f32'}}
sm90.kernel @f(%x: f32) attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// C1: a pointer of another address space.
// expected-error@+1 {{'sm90.kernel' op expected argument 0 to be a tensor map, a !llvm.ptr<1>, an index or an i64, got '!llvm.ptr'}}
sm90.kernel @f(%x: !llvm.ptr) attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// C2: no tensor of that number.
// expected-error@+1 {{'sm90.kernel' op expected sm90.tensor of argument 0 to be a number below 1}}
sm90.kernel @f(%x: !llvm.ptr<1> {sm90.tensor = 1})
    attributes {schedule = #sm90.schedule<>, instances = [], tensors = [#sm90.tensor<"x", tensor<?xf32>, [0]>]} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// C2: a size without its axis.
// expected-error@+1 {{'sm90.kernel' op expected sm90.axis of argument 0 to be an axis below 1}}
sm90.kernel @f(%x: index {sm90.tensor = 0})
    attributes {schedule = #sm90.schedule<>, instances = [], tensors = [#sm90.tensor<"x", tensor<?xf32>, [0]>]} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// C2: a stride without its axis.
// expected-error@+1 {{'sm90.kernel' op expected sm90.axis of argument 0 to be an axis below 1}}
sm90.kernel @f(%x: i64 {sm90.tensor = 0, sm90.axis = 1})
    attributes {schedule = #sm90.schedule<>, instances = [], tensors = [#sm90.tensor<"x", tensor<?xf32>, [0]>]} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// C3: without roles.
// expected-error@+1 {{'sm90.kernel' op expected exactly one sm90.warp_roles in the body, got 0}}
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.return
}

// -----

// C4: a result.
// expected-error@+1 {{'sm90.kernel' op expected no results, got 1}}
sm90.kernel @f() -> index attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// C5: an extent of no axis.
// expected-error@+1 {{'sm90.kernel' op expected extents of axes of the 1 tensors, got #sm90.extent<()[s0] -> (s0), sizes = [0, 1]>}}
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?xf32>, [0]>],
                             instances = [#sm90.extent<()[s0] -> (s0), sizes = [0, 1]>]} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// C7: a bound of no pointer.
// expected-error@+1 {{'sm90.kernel' op expected sm90.alignment of argument 0 to be a power of two, of a pointer to a tensor, got 16 : i64}}
sm90.kernel @f(%x: i64 {sm90.tensor = 0, sm90.axis = 0, sm90.alignment = 16})
    attributes {schedule = #sm90.schedule<>, instances = [], tensors = [#sm90.tensor<"x", tensor<?xf32>, [0]>]} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// C7: no power of two.
// expected-error@+1 {{'sm90.kernel' op expected sm90.alignment of argument 0 to be a power of two, of a pointer to a tensor, got 12 : i64}}
sm90.kernel @f(%x: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 12})
    attributes {schedule = #sm90.schedule<>, instances = [], tensors = [#sm90.tensor<"x", tensor<?xf32>, [0]>]} {
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// C6: half of the shared memory is assigned.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = [], shared_memory = 1024 : i64} {
  // expected-error@+1 {{'sm90.alloc' op expected an offset in a kernel with shared_memory, got none}}
  %buffer = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  sm90.warp_roles producer {} consumer {}
  sm90.return
}

// -----

// A body without a block.
// expected-error@+1 {{'sm90.kernel' op region #0 ('body') failed to verify constraint: region with 1 blocks}}
"sm90.kernel"() <{function_type = () -> (), instances = [], schedule = #sm90.schedule<>, sym_name = "f", tensors = []}> ({
}) : () -> ()

// -----

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

// C1: a barrier of another number of stages.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<3>
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.stage.await_empty' op expected buffer and barrier of the same number of stages, got '!sm90.buffer<2 x 64x64xbf16>' and '!sm90.mbarrier<3>'}}
    %stage = sm90.stage.await_empty %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<3> -> !sm90.stage<64x64xbf16>
    sm90.stage.release %stage, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<3>
  } consumer {
  }
  sm90.return
}

// -----

// C2: a stage of another box.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.stage.await_full' op expected a result of type '!sm90.stage<64x64xbf16>', got '!sm90.stage<64x128xbf16>'}}
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x128xbf16>
  }
  sm90.return
}

// -----

// C3: never given back.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.stage.await_full' op expected the stage to be given back exactly once, in the same block, got 0 uses that take it}}
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
  }
  sm90.return
}

// -----

// C3: given back twice.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.stage.await_full' op expected the stage to be given back exactly once, in the same block, got 2 uses that take it}}
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    sm90.stage.release %stage, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    sm90.stage.release %stage, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C3: given back in each iteration of a loop.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.stage.await_full' op expected the stage to be given back exactly once, in the same block, got 1 uses that take it}}
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %n = sm90.grid_size
    scf.for %i = %c0 to %n step %n {
      sm90.stage.release %stage, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    }
  }
  sm90.return
}

// -----

// C3: given to something else.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.stage.await_full' op expected the stage to be given back exactly once, in the same block, got 1 uses that take it}}
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %x = builtin.unrealized_conversion_cast %stage : !sm90.stage<64x64xbf16> to index
  }
  sm90.return
}

// -----

// C3: read after it is given back.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    sm90.stage.release %stage, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    // expected-error@+1 {{'sm90.load_fragment' op expected the access to the stage to be complete before it is given back}}
    %a = sm90.load_fragment %stage row(%c0) : !sm90.stage<64x64xbf16> -> tensor<64x64xbf16>
  }
  sm90.return
}

// -----

//===----------------------------------------------------------------------===//
// Copies
//===----------------------------------------------------------------------===//

// C1 of sm90.tma_load_async: an index too few.
sm90.kernel @f(%x: !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xbf16>, [0, -1]>], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.tma_load_async' op expected 2 indices, one per axis of the tensor, got 1}}
    sm90.tma_load_async %x[%c0] into %stage, %barrier[%c0] : !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2>, !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C1 of sm90.tma_load_async: a slice without an end.
sm90.kernel @f(%x: !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2, sliced = true> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xbf16>, [0, -1]>], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.tma_load_async' op expected 3 indices, one per axis of the tensor and the end of the slice, got 2}}
    sm90.tma_load_async %x[%c0, %c0] into %stage, %barrier[%c0] : !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2, sliced = true>, !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C2 of sm90.tma_load_async: a map of another box.
sm90.kernel @f(%x: !sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xbf16>, [0, -1]>], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.tma_load_async' op expected a stage with the box of '!sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2>', got '!sm90.stage<64x64xbf16>'}}
    sm90.tma_load_async %x[%c0, %c0] into %stage, %barrier[%c0] : !sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2>, !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C2 of sm90.tma_load_async: numbers, which are not swizzled.
sm90.kernel @f(%x: !sm90.tensor_map<64x64xf32, axes = [0, 1], rank = 2> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xf32>, [0, -1]>], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xf32>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xf32>, !sm90.mbarrier<2> -> !sm90.stage<64x64xf32>
    // expected-error@+1 {{'sm90.tma_load_async' op expected a map of bf16 or f16, got '!sm90.tensor_map<64x64xf32, axes = [0, 1], rank = 2>'}}
    sm90.tma_load_async %x[%c0, %c0] into %stage, %barrier[%c0] : !sm90.tensor_map<64x64xf32, axes = [0, 1], rank = 2>, !sm90.stage<64x64xf32>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C1 of sm90.load_fragment: other columns.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.load_fragment' op expected a fragment of 64x64x'bf16', got 'tensor<64x128xbf16>'}}
    %a = sm90.load_fragment %stage row(%c0) : !sm90.stage<64x64xbf16> -> tensor<64x128xbf16>
    sm90.stage.release %stage, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C2 of sm90.store_fragment: a buffer of two stages.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 128x64xbf16>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16>
    // expected-error@+1 {{'sm90.store_fragment' op expected a buffer of one stage, got '!sm90.buffer<2 x 128x64xbf16>'}}
    sm90.store_fragment %a, %buffer row(%c0) : tensor<64x64xbf16>, !sm90.buffer<2 x 128x64xbf16>
  }
  sm90.return
}

// -----

// C1 of sm90.store_fragment: another element type.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xf16>
    // expected-error@+1 {{'sm90.store_fragment' op expected a fragment of 64x64x'bf16', got 'tensor<64x64xf16>'}}
    sm90.store_fragment %a, %buffer row(%c0) : tensor<64x64xf16>, !sm90.buffer<1 x 64x64xbf16>
  }
  sm90.return
}

// -----

// C1 of sm90.store_fragment: more columns than there are.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x128xbf16>
    // expected-error@+1 {{'sm90.store_fragment' op expected a fragment of 64x64x'bf16', got 'tensor<64x128xbf16>'}}
    sm90.store_fragment %a, %buffer row(%c0) : tensor<64x128xbf16>, !sm90.buffer<1 x 64x64xbf16>
  }
  sm90.return
}

// -----

// C1 of sm90.tma_store_async: an index too many.
sm90.kernel @f(%x: !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xbf16>, [0, -1]>], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.tma_store_async' op expected 2 indices, one per axis of the tensor, got 3}}
    sm90.tma_store_async %buffer row(%c0), %x[%c0, %c0, %c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2>
  }
  sm90.return
}

// -----

// C3 of sm90.tma_store_async: a buffer of two stages.
sm90.kernel @f(%x: !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xbf16>, [0, -1]>], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.tma_store_async' op expected a buffer of one stage, got '!sm90.buffer<2 x 64x64xbf16>'}}
    sm90.tma_store_async %buffer row(%c0), %x[%c0, %c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2>
  }
  sm90.return
}

// -----

// C2 of sm90.tma_store_async: a map of more columns.
sm90.kernel @f(%x: !sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xbf16>, [0, -1]>], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<1 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.tma_store_async' op expected memory with the columns of '!sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2>', got '!sm90.buffer<1 x 64x64xbf16>'}}
    sm90.tma_store_async %buffer row(%c0), %x[%c0, %c0] : !sm90.buffer<1 x 64x64xbf16>, !sm90.tensor_map<64x128xbf16, axes = [0, 1], rank = 2>
  }
  sm90.return
}

// -----

// C2 of sm90.tma_store_async: numbers, which are not swizzled.
sm90.kernel @f(%x: !sm90.tensor_map<64x64xf32, axes = [0, 1], rank = 2> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xf32>, [0, -1]>], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<1 x 64x64xf32>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.tma_store_async' op expected a map of bf16 or f16, got '!sm90.tensor_map<64x64xf32, axes = [0, 1], rank = 2>'}}
    sm90.tma_store_async %buffer row(%c0), %x[%c0, %c0] : !sm90.buffer<1 x 64x64xf32>, !sm90.tensor_map<64x64xf32, axes = [0, 1], rank = 2>
  }
  sm90.return
}

// -----

// C1 of sm90.read: a stride too many.
sm90.kernel @f(%x: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?xf32>, [0]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %stride = arith.constant 1 : i64
    // expected-error@+1 {{'sm90.read' op expected a size for each of 1 indices and a stride for each but the last, got 1 and 1}}
    %0 = sm90.read %x[%c0] of [%c0] strides [%stride] : !llvm.ptr<1> -> f32
  }
  sm90.return
}

// -----

// C2 of sm90.read: pairs of 32 bits.
sm90.kernel @f(%x: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?xf32>, [0]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.read' op expected paired elements of bf16 or f16, got 'f32'}}
    %0 = sm90.read %x[%c0] of [%c0] paired : !llvm.ptr<1> -> f32
  }
  sm90.return
}

// -----

// C1 of sm90.store_matrix: elements of 32 bits.
sm90.kernel @f(%x: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xf32>, [0, -1]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %matrix = arith.constant dense<1.0> : tensor<64x64xf32>
    %offset = arith.constant 0 : i64
    // expected-error@+1 {{'sm90.store_matrix' op expected a fragment of 64 rows of 16-bit elements, got 'tensor<64x64xf32>'}}
    sm90.store_matrix %matrix, %x[%offset] stride(%offset) limit(%c0) : tensor<64x64xf32>, !llvm.ptr<1>
  }
  sm90.return
}

// -----

// C1 of sm90.store_matrix: more rows than a warpgroup has.
sm90.kernel @f(%x: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xbf16>, [0, -1]>], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %matrix = arith.constant dense<1.0> : tensor<128x64xbf16>
    %offset = arith.constant 0 : i64
    // expected-error@+1 {{'sm90.store_matrix' op expected a fragment of 64 rows of 16-bit elements, got 'tensor<128x64xbf16>'}}
    sm90.store_matrix %matrix, %x[%offset] stride(%offset) limit(%c0) : tensor<128x64xbf16>, !llvm.ptr<1>
  }
  sm90.return
}

// -----

// C1 of sm90.store_rows: more rows than a warpgroup has.
sm90.kernel @f(%x: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?xf32>, [0]>], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %rows = arith.constant dense<1.0> : tensor<128xf32>
    %offset = arith.constant 0 : i64
    // expected-error@+1 {{'sm90.store_rows' op expected 64 rows, got 128}}
    sm90.store_rows %rows, %x[%offset] limit(%c0) : tensor<128xf32>, !llvm.ptr<1>
  }
  sm90.return
}

// -----

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

// C1 of sm90.wgmma_async: another inner size.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x128xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected lhs of 64x64x'bf16' with a multiple of 16 columns, got 'tensor<64x128xbf16>'}}
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x128xbf16> * <64x64xbf16>>
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x128xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C1 of sm90.wgmma_async: another element type.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected lhs of 64x64x'bf16' with a multiple of 16 columns, got 'tensor<64x64xf16>'}}
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xf16> * <64x64xbf16>>
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C1 of sm90.wgmma_async: half an instruction along the inner size.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<1 x 72x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x72xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<1 x 72x64xbf16>, !sm90.mbarrier<1> -> !sm90.stage<72x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected lhs of 64x72x'bf16' with a multiple of 16 columns, got 'tensor<64x72xbf16>'}}
    %f = sm90.wgmma_async %a, %stage : !sm90.in_flight<tensor<64x64xf32> = tensor<64x72xbf16> * <72x64xbf16>>
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x72xbf16> * <72x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<72x64xbf16>, !sm90.mbarrier<1>
  }
  sm90.return
}

// -----

// C2 of sm90.wgmma_async: a result of other columns.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected a result of 64x64xf32 with a multiple of 8 columns up to 256, got 'tensor<64x128xf32>'}}
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x128xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x128xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C3 of sm90.wgmma_async: never waited for.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected the result to be waited for exactly once, in the same block}}
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
  }
  sm90.return
}

// -----

// C3 of sm90.wgmma_async: waited for twice.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected the result to be waited for exactly once, in the same block}}
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    %r2, %done2 = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done2, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C3 of sm90.wgmma_async: waited for in a loop.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected the result to be waited for exactly once, in the same block}}
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %n = sm90.grid_size
    scf.for %i = %c0 to %n step %n {
      %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
      sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    }
  }
  sm90.return
}

// -----

// C3 of sm90.wgmma_async: used by something else.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected the result to be waited for exactly once, in the same block}}
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %x = builtin.unrealized_conversion_cast %f : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>> to index
  }
  sm90.return
}

// -----

// C4 of sm90.wgmma_async: a stage without a row.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %q = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected a row exactly where lhs is a stage}}
    %f = sm90.wgmma_async %q, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = !sm90.stage<64x64xbf16> * <64x64xbf16>>
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = !sm90.stage<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    sm90.stage.release %q, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C5 of sm90.wgmma_async: nothing that might be added to.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %true = arith.constant true
    %q = arith.constant dense<1.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected an accumulator where there is an if}}
    %f = sm90.wgmma_async %q, %stage transpose_rhs if(%true) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C3 of sm90.stage.await_full: a product still reads the stage.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %q = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.wgmma_async' op expected the access to the stage to be complete before it is given back}}
    %f = sm90.wgmma_async %q row(%c0), %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = !sm90.stage<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %q, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = !sm90.stage<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C3 of sm90.stage.await_full: a copy still reads the stage.
sm90.kernel @f(%x: !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, tensors = [#sm90.tensor<"x", tensor<?x64xbf16>, [0, -1]>], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %q = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    // expected-error@+1 {{'sm90.tma_store_async' op expected the access to the stage to be complete before it is given back}}
    sm90.tma_store_async %q row(%c0), %x[%c0, %c0] : !sm90.stage<64x64xbf16>, !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2>
    sm90.stage.release %q, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    sm90.tma_store.wait read
  }
  sm90.return
}

// -----

// C1 of sm90.wgmma.wait: does not wait long enough.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %stage1 = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %g = sm90.wgmma_async %a, %stage1 transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %r, %done = sm90.wgmma.wait %f pending(1) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    // expected-error@+1 {{'sm90.wgmma.wait' op expected pending(0), the products started later and still under way, got pending(1)}}
    %r2, %done2 = sm90.wgmma.wait %g pending(1) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done2, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C1 of sm90.wgmma.wait: waits for more than the product.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %stage1 = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %g = sm90.wgmma_async %a, %stage1 transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    // expected-error@+1 {{'sm90.wgmma.wait' op expected pending(1), the products started later and still under way, got pending(0)}}
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    %r2, %done2 = sm90.wgmma.wait %g pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done2, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C1 of sm90.wgmma.wait: the later product has been waited for.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %stage1 = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %g = sm90.wgmma_async %a, %stage1 transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    %r2, %done2 = sm90.wgmma.wait %g pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done2, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
    // expected-error@+1 {{'sm90.wgmma.wait' op expected pending(0), the products started later and still under way, got pending(1)}}
    %r, %done = sm90.wgmma.wait %f pending(1) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C2 of sm90.wgmma.wait: a product from elsewhere.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %f = builtin.unrealized_conversion_cast %c0 : index to !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    // expected-error@+1 {{'sm90.wgmma.wait' op expected a product started in the same block}}
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    sm90.stage.release %done, %barrier[%c0] : !sm90.stage<64x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C3 of sm90.wgmma.wait: the stage is not given back.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16>
    %stage = sm90.stage.await_full %buffer, %barrier[%c0] : !sm90.buffer<2 x 64x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<64x64xbf16>
    %f = sm90.wgmma_async %a, %stage transpose_rhs : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
    // expected-error@+1 {{'sm90.wgmma.wait' op expected the stage to be given back exactly once, in the same block, got 0 uses that take it}}
    %r, %done = sm90.wgmma.wait %f pending(0) : !sm90.in_flight<tensor<64x64xf32> = tensor<64x64xbf16> * <64x64xbf16>>
  }
  sm90.return
}

// -----

//===----------------------------------------------------------------------===//
// Fragments
//===----------------------------------------------------------------------===//

// C1 of sm90.score: no score.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    // expected-error@+1 {{'sm90.score' op expected a region of arguments f32, index and index, and an element of each tile, that yields one f32}}
    %m = sm90.score %s query(%c0) key(%c0) : tensor<64x64xf32> {
    ^bb0(%p: index, %j: index):
      %y = arith.constant 1.0 : f32
      sm90.yield %y : f32
    }
  }
  sm90.return
}

// -----

// C1 of sm90.score: yields a position.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    // expected-error@+1 {{'sm90.score' op expected a region of arguments f32, index and index, and an element of each tile, that yields one f32}}
    %m = sm90.score %s query(%c0) key(%c0) : tensor<64x64xf32> {
    ^bb0(%x: f32, %p: index, %j: index):
      sm90.yield %p : index
    }
  }
  sm90.return
}

// -----

// C1 of sm90.score: an element of another type.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 128x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  %empty = sm90.mbarrier.init arrivals(8) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    %t = sm90.stage.await_full %buffer, %full[%c0] : !sm90.buffer<2 x 128x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<128x64xbf16>
    // expected-error@+1 {{'sm90.score' op expected a region of arguments f32, index and index, and an element of each tile, that yields one f32}}
    %m = sm90.score %s query(%c0) key(%c0) row(%c0) tiles(%t : !sm90.stage<128x64xbf16>) : tensor<64x64xf32> {
    ^bb0(%x: f32, %p: index, %j: index, %e: f16):
      sm90.yield %x : f32
    }
    sm90.stage.release %t, %empty[%c0] : !sm90.stage<128x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C2 of sm90.score: no row.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 128x64xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  %empty = sm90.mbarrier.init arrivals(8) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    %t = sm90.stage.await_full %buffer, %full[%c0] : !sm90.buffer<2 x 128x64xbf16>, !sm90.mbarrier<2> -> !sm90.stage<128x64xbf16>
    // expected-error@+1 {{'sm90.score' op expected a row exactly where there are tiles}}
    %m = sm90.score %s query(%c0) key(%c0) tiles(%t : !sm90.stage<128x64xbf16>) : tensor<64x64xf32> {
    ^bb0(%x: f32, %p: index, %j: index, %e: bf16):
      sm90.yield %x : f32
    }
    sm90.stage.release %t, %empty[%c0] : !sm90.stage<128x64xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C3 of sm90.score: other columns.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 128x128xbf16>
  %full = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  %empty = sm90.mbarrier.init arrivals(8) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    %t = sm90.stage.await_full %buffer, %full[%c0] : !sm90.buffer<2 x 128x128xbf16>, !sm90.mbarrier<2> -> !sm90.stage<128x128xbf16>
    // expected-error@+1 {{'sm90.score' op expected tiles of 16 bits, of at least 64 rows and the columns of the scores, a multiple of 16, got '!sm90.stage<128x128xbf16>'}}
    %m = sm90.score %s query(%c0) key(%c0) row(%c0) tiles(%t : !sm90.stage<128x128xbf16>) : tensor<64x64xf32> {
    ^bb0(%x: f32, %p: index, %j: index, %e: bf16):
      sm90.yield %x : f32
    }
    sm90.stage.release %t, %empty[%c0] : !sm90.stage<128x128xbf16>, !sm90.mbarrier<2>
  }
  sm90.return
}

// -----

// C1 of sm90.mask: one argument.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    // expected-error@+1 {{'sm90.mask' op expected a region of two index arguments that yields one i1}}
    %m = sm90.mask %s query(%c0) key(%c0) : tensor<64x64xf32> {
    ^bb0(%p: index):
      %keep = arith.constant true
      sm90.yield %keep : i1
    }
  }
  sm90.return
}

// -----

// C1 of sm90.mask: yields a number.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    // expected-error@+1 {{'sm90.mask' op expected a region of two index arguments that yields one i1}}
    %m = sm90.mask %s query(%c0) key(%c0) : tensor<64x64xf32> {
    ^bb0(%p: index, %j: index):
      sm90.yield %p : index
    }
  }
  sm90.return
}

// -----

// C1 of sm90.evaluate_mask: one argument.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.evaluate_mask' op expected a region of two index arguments that yields one i1}}
    %m = sm90.evaluate_mask query(%c0) key(%c0) : <64 x 64> {
    ^bb0(%p: index):
      %keep = arith.constant true
      sm90.yield %keep : i1
    }
  }
  sm90.return
}

// -----

// C1 of sm90.apply_mask: more scores than bits.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    %bits = sm90.evaluate_mask query(%c0) key(%c0) : <64 x 32> {
    ^bb0(%p: index, %j: index):
      %keep = arith.constant true
      sm90.yield %keep : i1
    }
    // expected-error@+1 {{'sm90.apply_mask' op expected a bit for each score, got '!sm90.bits<64 x 32>' for 'tensor<64x64xf32>'}}
    %m = sm90.apply_mask %s, %bits : tensor<64x64xf32>, <64 x 32>
  }
  sm90.return
}

// -----

// C1 of sm90.reduce_columns: other rows.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64x64xf32>
    // expected-error@+1 {{'sm90.reduce_columns' op expected 64 elements, one per row, got 128}}
    %m = sm90.reduce_columns <max> %s : tensor<64x64xf32> -> tensor<128xf32>
  }
  sm90.return
}

// -----

// C1 of sm90.broadcast_rows: other rows.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : tensor<64xf32>
    // expected-error@+1 {{'sm90.broadcast_rows' op expected 128 elements, one per row, got 64}}
    %m = sm90.broadcast_rows %s : tensor<64xf32> -> tensor<128x64xf32>
  }
  sm90.return
}

// -----

// A layout that is not the one of the op.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %s = arith.constant dense<1.0> : tensor<64x64xf32, #sm90.layout<accumulator>>
    // expected-error@+1 {{'sm90.reduce_columns' op expected a fragment in the layout partial_rows, got one in rows}}
    %m = sm90.reduce_columns <max> %s : tensor<64x64xf32, #sm90.layout<accumulator>> -> tensor<64xf32, #sm90.layout<rows>>
  }
  sm90.return
}

// -----

sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %buffer = sm90.alloc : !sm90.buffer<2 x 64x64xbf16>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %a = arith.constant dense<1.0> : tensor<64x64xbf16, #sm90.layout<operand_a>>
    // expected-error@+1 {{'sm90.store_fragment' op expected a fragment in the layout accumulator, got one in operand_a}}
    sm90.store_fragment %a, %buffer row(%c0) : tensor<64x64xbf16, #sm90.layout<operand_a>>, !sm90.buffer<2 x 64x64xbf16>
  }
  sm90.return
}

// -----

// expected-error@+1 {{expected one of output_in_query_buffer and output_from_registers, got both}}
sm90.kernel @f() attributes {schedule = #sm90.schedule<output_in_query_buffer = true, output_from_registers = true>, tensors = [], instances = []} {
}

// -----

// expected-error@+1 {{expected a dynamic schedule to be persistent}}
sm90.kernel @f() attributes {schedule = #sm90.schedule<persistent = false, dynamic = true>, tensors = [], instances = []} {
}

// -----

// C1 of sm90.find_extremes.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.find_extremes' op expected a region of one index argument that yields pairs of an i32 and an i1}}
    %x:2 = sm90.find_extremes(%c0 to %c0) : i32, i32 {
    ^bb0(%p: index):
      %i = arith.index_cast %p : index to i32
      sm90.yield %i : i32
    }
  }
  sm90.return
}

// -----

// C2 of sm90.find_extremes.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.find_extremes' op expected 0 results, two for each pair, got 2}}
    %x:2 = sm90.find_extremes(%c0 to %c0) : i32, i32 {
    ^bb0(%p: index):
      sm90.yield
    }
  }
  sm90.return
}

// -----

// C6: a search has nowhere to exchange what it finds.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = [], shared_memory = 1024 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.find_extremes' op expected an offset in a kernel with shared_memory, got none}}
    %x:2 = sm90.find_extremes(%c0 to %c0) : i32, i32 {
    ^bb0(%p: index):
      %i = arith.index_cast %p : index to i32
      %true = arith.constant true
      sm90.yield %i, %true : i32, i1
    }
  }
  sm90.return
}

// -----

// C1 of sm90.find_reach.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    // expected-error@+1 {{'sm90.find_reach' op expected a region of one index argument, two with channels, that yields one f32}}
    %x = sm90.find_reach(%c0 to %c0) block(64) limit(-30.0) {
    ^bb0(%p: index):
      sm90.yield %p : index
    }
  }
  sm90.return
}

// -----

// C3 of sm90.find_reach.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %x0 = arith.constant 0.0 : f32
    // expected-error@+1 {{'sm90.find_reach' op expected channels of whole warps that divide a warpgroup, got 96}}
    %x = sm90.find_reach(%c0 to %c0) block(64) limit(-30.0) channels(96) {
    ^bb0(%p: index, %c: index):
      sm90.yield %x0 : f32
    }
  }
  sm90.return
}

// -----

// C2 of sm90.find_reach.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %x0 = arith.constant 0.0 : f32
    // expected-error@+1 {{'sm90.find_reach' op expected a block of whole warps that divides a warpgroup, got 48}}
    %x = sm90.find_reach(%c0 to %c0) block(48) limit(-30.0) {
    ^bb0(%p: index):
      sm90.yield %x0 : f32
    }
  }
  sm90.return
}

// -----

// C6: as there.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = [], shared_memory = 1024 : i64} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %x0 = arith.constant 0.0 : f32
    // expected-error@+1 {{'sm90.find_reach' op expected an offset in a kernel with shared_memory, got none}}
    %x = sm90.find_reach(%c0 to %c0) block(64) limit(-30.0) {
    ^bb0(%p: index):
      sm90.yield %x0 : f32
    }
  }
  sm90.return
}

// -----

// C1 of sm90.squared_norm.
func.func @norm_sizes(%x: !llvm.ptr<1>, %i: index, %s: i64) {
  // expected-error@+1 {{'sm90.squared_norm' op expected as many indices as sizes and strides, got 1, 2 and 1}}
  %n = sm90.squared_norm %x[%i] of [%i, %i] strides [%s] length(64) : !llvm.ptr<1>, bf16
  return
}

// -----

// C2 of sm90.squared_norm.
func.func @norm_length(%x: !llvm.ptr<1>, %i: index, %s: i64) {
  // expected-error@+1 {{'sm90.squared_norm' op expected a length that is a multiple of 8, of bf16 or f16, got 12 of 'bf16'}}
  %n = sm90.squared_norm %x[%i] of [%i] strides [%s] length(12) : !llvm.ptr<1>, bf16
  return
}

// -----

// C1 of sm90.write.
sm90.kernel @f(%w: !llvm.ptr<1> {sm90.tensor = 0}) attributes {schedule = #sm90.schedule<>, instances = [], tensors = [#sm90.tensor<"w", tensor<2x2xi32>, [-1, -1], output = true>]} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %i = arith.constant 7 : i32
    // expected-error@+1 {{'sm90.write' op expected one stride less than indices, got 0 and 2}}
    sm90.write %i, %w[%c0, %c0] : i32, !llvm.ptr<1>
  }
  sm90.return
}

// -----

// C1 of sm90.ticket.put.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %tickets = sm90.tickets.alloc : !sm90.tickets<2>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<3>
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    %no = arith.constant false
    // expected-error@+1 {{'sm90.ticket.put' op expected a barrier of 2 stages, as many as there are tickets, got '!sm90.mbarrier<3>'}}
    sm90.ticket.put %c0 careful(%no) into %tickets, %barrier[%c0] : !sm90.tickets<2>, !sm90.mbarrier<3>
  } consumer {
  }
  sm90.return
}

// -----

// C1 of sm90.ticket.take.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %tickets = sm90.tickets.alloc : !sm90.tickets<2>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %no = arith.constant false
    // expected-error@+1 {{'sm90.ticket.take' op expected a barrier of 2 stages, as many as there are tickets, got '!sm90.mbarrier<1>'}}
    %i, %careful = sm90.ticket.take %tickets, %barrier[%c0] : !sm90.tickets<2>, !sm90.mbarrier<1>
  }
  sm90.return
}

// -----

// C1 of sm90.ticket.return.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %tickets = sm90.tickets.alloc : !sm90.tickets<2>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<1>
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %no = arith.constant false
    // expected-error@+1 {{'sm90.ticket.return' op expected a barrier of 2 stages, as many as there are tickets, got '!sm90.mbarrier<1>'}}
    sm90.ticket.return %tickets, %barrier[%c0] : !sm90.tickets<2>, !sm90.mbarrier<1>
  }
  sm90.return
}

// -----

// C1 of sm90.ticket.await_return.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %tickets = sm90.tickets.alloc : !sm90.tickets<2>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<3>
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    %no = arith.constant false
    // expected-error@+1 {{'sm90.ticket.await_return' op expected a barrier of 2 stages, as many as there are tickets, got '!sm90.mbarrier<3>'}}
    %failed = sm90.ticket.await_return %tickets, %barrier[%c0] : !sm90.tickets<2>, !sm90.mbarrier<3>
  } consumer {
  }
  sm90.return
}

// -----

// C2 of sm90.ticket.put.
sm90.kernel @f() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  %tickets = sm90.tickets.alloc : !sm90.tickets<2, values = 2>
  %barrier = sm90.mbarrier.init arrivals(1) : !sm90.mbarrier<2>
  sm90.warp_roles producer {
    %c0 = arith.constant 0 : index
    %no = arith.constant false
    // expected-error@+1 {{'sm90.ticket.put' op expected 2 values, as many as a ticket has room for, got 1}}
    sm90.ticket.put %c0 careful(%no) values(%c0) into %tickets, %barrier[%c0] : !sm90.tickets<2, values = 2>, !sm90.mbarrier<2>
  } consumer {
  }
  sm90.return
}

// -----

// expected-error@+1 {{expected a number of values of at least 0, got -1}}
func.func private @tickets() -> !sm90.tickets<2, values = -1>

// -----

//===----------------------------------------------------------------------===//
// Strips
//===----------------------------------------------------------------------===//

func.func @strips(%a: tensor<32x64xf32, #sm90.layout<column_strips>>,
                  %b: tensor<64x32xf32, #sm90.layout<row_strips>>,
                  // expected-error@+1 {{expected 64 across the strips and a multiple of 32 along them for the layout column_strips, got [32, 32]}}
                  %c: tensor<32x32xf32, #sm90.layout<column_strips>>) {
  return
}

// -----

// expected-error@+1 {{expected 64 across the strips and a multiple of 32 along them for the layout row_strips, got [64, 48]}}
func.func @strips(%c: tensor<64x48xf32, #sm90.layout<row_strips>>) {
  return
}

// -----

// expected-error@+1 {{expected 64 across the strips and a multiple of 32 along them for the layout row_strips_columns, got [16]}}
func.func @strips(%c: tensor<16xf32, #sm90.layout<row_strips_columns>>) {
  return
}

// -----

// expected-error@+1 {{expected 32 across the strips and a multiple of 64 along them for the layout column_strips, got [32, 32]}}
func.func @strips(%c: tensor<32x32xf32, #sm90.layout<column_strips, lanes = 2>>) {
  return
}

// -----

// expected-error@+1 {{expected 64 across the strips and a multiple of 32 along them for the layout column_strips, got [16, 64]}}
func.func @strips(%c: tensor<16x64xf32, #sm90.layout<column_strips, lanes = 16, warps = 1>>) {
  return
}

// -----

// expected-error@+1 {{expected a power of two up to 32 of lanes across a strip, got 3}}
func.func private @strips() -> tensor<64x64xf32, #sm90.layout<column_strips, lanes = 3>>

// -----

// expected-error@+1 {{expected 1, 2 or 4 warps with strips beside each other, got 3}}
func.func private @strips() -> tensor<64x64xf32, #sm90.layout<column_strips, warps = 3>>

// -----

// expected-error@+1 {{expected 64 across the strips and a multiple of 32 along them for the layout column_strips_columns, got [32]}}
func.func @strips(%c: tensor<32xf32, #sm90.layout<column_strips_columns>>) {
  return
}

// -----

// A kernel without roles (C3 of sm90.kernel).
// expected-error@+1 {{expected exactly one sm90.warps and no roles in the body, got 0 and 1}}
sm90.kernel @f() attributes {schedule = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
  }
  sm90.return
}

// -----

func.func @load_strips_c1(%p: !llvm.ptr<1>, %i: index) {
  // expected-error@+1 {{expected a size for each of 2 indices and a stride for each but the last one, got 2 and 0}}
  %0 = sm90.load_strips %p[%i, %i] of [%i, %i] strides [] axes [0, 1] : f32 -> tensor<32x64xf32>
  return
}

// -----

func.func @load_strips_c2(%p: !llvm.ptr<1>, %i: index, %s: i64) {
  // expected-error@+1 {{expected 1 increasing axes, the last one of them 1, got [0]}}
  %0 = sm90.load_strips %p[%i, %i] of [%i, %i] strides [%s] axes [0] : f32 -> tensor<32xf32>
  return
}

// -----

func.func @load_strips_c2(%p: !llvm.ptr<1>, %i: index, %s: i64) {
  // expected-error@+1 {{expected 2 increasing axes, the last one of them 1, got [1, 1]}}
  %0 = sm90.load_strips %p[%i, %i] of [%i, %i] strides [%s] axes [1, 1] : f32 -> tensor<32x64xf32>
  return
}

// -----

func.func @load_strips_c3(%p: !llvm.ptr<1>, %i: index) {
  // expected-error@+1 {{expected elements of bf16, f16 or f32, got 'i32'}}
  %0 = sm90.load_strips %p[%i] of [%i] strides [] axes [0] : i32 -> tensor<32xf32>
  return
}

// -----

func.func @stage_strips_c1(%p: !llvm.ptr<1>, %i: index) {
  // expected-error@+1 {{expected a size for each of 2 indices and a stride for each but the last one, got 2 and 0}}
  %0 = sm90.stage_strips %p[%i, %i] of [%i, %i] strides [] axes [0, 1] : !sm90.stage<32x64xf32>
  return
}

// -----

func.func @stage_strips_c2(%p: !llvm.ptr<1>, %i: index, %s: i64) {
  // expected-error@+1 {{expected 2 increasing axes, the last one of them 1, got [1]}}
  %0 = sm90.stage_strips %p[%i, %i] of [%i, %i] strides [%s] axes [1] : !sm90.stage<32x64xf32>
  return
}

// -----

func.func @stage_strips_c3(%p: !llvm.ptr<1>, %i: index, %s: i64) {
  // expected-error@+1 {{expected one sm90.take_strips in the same block, outside of loops}}
  %0 = sm90.stage_strips %p[%i, %i] of [%i, %i] strides [%s] axes [0, 1] : !sm90.stage<32x64xf32>
  return
}

// -----

func.func @stage_strips_c3(%p: !llvm.ptr<1>, %i: index, %s: i64) {
  scf.for %j = %i to %i step %i {
    // expected-error@+1 {{expected one sm90.take_strips in the same block, outside of loops}}
    %0 = sm90.stage_strips %p[%i, %i] of [%i, %i] strides [%s] axes [0, 1] : !sm90.stage<32x64xf32>
    %1 = sm90.take_strips %0 : !sm90.stage<32x64xf32> -> tensor<32x64xf32>
  }
  return
}

// -----

!map = !sm90.tensor_map<32x64xf32, axes = [0, 1], rank = 2>
func.func @stage_boxes_c1(%x: !map, %i: index) {
  // expected-error@+1 {{expected 2 indices, one per axis of the tensor, got 1}}
  %0 = sm90.stage_boxes %x[%i] : !map -> !sm90.stage<128x64xf32>
  return
}

// -----

!map = !sm90.tensor_map<32x64xf32, axes = [0, 1], rank = 2, sliced = true>
func.func @stage_boxes_c1(%x: !map, %i: index) {
  // expected-error@+1 {{expected a map of which no slice is taken, got '!sm90.tensor_map<32x64xf32, axes = [0, 1], rank = 2, sliced = true>'}}
  %0 = sm90.stage_boxes %x[%i, %i, %i] : !map -> !sm90.stage<128x64xf32>
  return
}

// -----

!map = !sm90.tensor_map<32x64xf32, axes = [0, 1], rank = 2>
func.func @stage_boxes_c2(%x: !map, %i: index) {
  // expected-error@+1 {{expected a stage of f32 of 4 boxes of '!sm90.tensor_map<32x64xf32, axes = [0, 1], rank = 2>', got '!sm90.stage<96x64xf32>'}}
  %0 = sm90.stage_boxes %x[%i, %i] : !map -> !sm90.stage<96x64xf32>
  return
}

// -----

!map = !sm90.tensor_map<32x64xbf16, axes = [0, 1], rank = 2>
func.func @stage_boxes_c2(%x: !map, %i: index) {
  // expected-error@+1 {{expected a stage of f32 of 4 boxes of '!sm90.tensor_map<32x64xbf16, axes = [0, 1], rank = 2>', got '!sm90.stage<128x64xbf16>'}}
  %0 = sm90.stage_boxes %x[%i, %i] : !map -> !sm90.stage<128x64xbf16>
  return
}

// -----

!map = !sm90.tensor_map<32x64xf32, axes = [0, 1], rank = 2>
func.func @stage_boxes_c3(%x: !map, %i: index) {
  // expected-error@+1 {{expected one sm90.take_strips in the same block, outside of loops}}
  %0 = sm90.stage_boxes %x[%i, %i] : !map -> !sm90.stage<128x64xf32>
  return
}

// -----

func.func @take_strips_c1(%m: !sm90.stage<32x64xf32>) {
  // expected-error@+1 {{expected the stage of a sm90.stage_strips or sm90.stage_boxes}}
  %0 = sm90.take_strips %m : !sm90.stage<32x64xf32> -> tensor<32x64xf32>
  return
}

// -----

func.func @take_strips_c2(%p: !llvm.ptr<1>, %i: index, %s: i64) {
  %0 = sm90.stage_strips %p[%i, %i] of [%i, %i] strides [%s] axes [0, 1] : !sm90.stage<32x64xf32>
  // expected-error@+1 {{expected a fragment of 32x64 in row strips, got 'tensor<16x64xf32>'}}
  %1 = sm90.take_strips %0 : !sm90.stage<32x64xf32> -> tensor<16x64xf32>
  return
}

// -----

!map = !sm90.tensor_map<32x64xf32, axes = [0, 1], rank = 2>
!rows = tensor<128x64xf32, #sm90.layout<row_strips, lanes = 8>>
func.func @take_strips_c2(%x: !map, %i: index) {
  %0 = sm90.stage_boxes %x[%i, %i] : !map -> !sm90.stage<128x64xf32>
  // expected-error@+1 {{expected a fragment of 128x64 in column strips, got 'tensor<128x64xf32, #sm90.layout<row_strips}}
  %1 = sm90.take_strips %0 : !sm90.stage<128x64xf32> -> !rows
  return
}

// -----

func.func @store_strips_c1(%p: !llvm.ptr<1>, %i: index, %x: tensor<32xf32>) {
  // expected-error@+1 {{expected a size for each of 1 indices and a stride for each but the last one, got 0 and 0}}
  sm90.store_strips %x, %p[%i] of [] strides [] axes [0] : tensor<32xf32> -> f32
  return
}

// -----

func.func @reduce_strips_c1(%x: tensor<32x64xf32>) {
  // expected-error@+1 {{expected axis 0 or 1, got 2}}
  %0 = sm90.reduce_strips <sum> %x axis(2) : tensor<32x64xf32> -> tensor<64xf32>
  return
}

// -----

func.func @reduce_strips_c2(%x: tensor<32x64xf32>) {
  // expected-error@+1 {{expected a vector of 64 elements, got 32}}
  %0 = sm90.reduce_strips <sum> %x axis(0) : tensor<32x64xf32> -> tensor<32xf32>
  return
}

// -----

func.func @broadcast_strips_c2(%x: tensor<64xf32>) {
  // expected-error@+1 {{expected a vector of 32 elements, got 64}}
  %0 = sm90.broadcast_strips %x axis(1) : tensor<64xf32> -> tensor<32x64xf32>
  return
}

// -----

func.func @broadcast_strips_c3(%x: tensor<64xf32, #sm90.layout<row_strips_rows>>) {
  // expected-error@+1 {{expected the layout of a vector of column_strips, got row_strips_rows}}
  %0 = sm90.broadcast_strips %x axis(0) : tensor<64xf32, #sm90.layout<row_strips_rows>> -> tensor<32x64xf32, #sm90.layout<column_strips>>
  return
}

// -----

#apart = #sm90.schedule<consumer_warpgroups = 1, persistent = false, warp_roles = false>
sm90.kernel @add_warps_c1() attributes {schedule = #apart, tensors = [], instances = []} {
  sm90.warps {
    %x = arith.constant 1.0 : f32
    // expected-error@+1 {{expected strip_warps of less than 4}}
    %0 = sm90.add_warps %x : f32 -> f32
  }
  sm90.return
}

// -----

func.func @add_warps_c2(%x: tensor<128xf32, #sm90.layout<row_strips_columns, warps = 1>>) {
  // expected-error@+1 {{expected vectors across strips, got one in row_strips_columns}}
  %0 = sm90.add_warps %x : tensor<128xf32, #sm90.layout<row_strips_columns, warps = 1>> -> tensor<128xf32, #sm90.layout<row_strips_columns, warps = 1>>
  return
}

// -----

func.func @add_warps_c3(%x: f32) {
  // expected-error@+1 {{expected results of the types of the operands}}
  %0 = sm90.add_warps %x : f32 -> tensor<64xf32>
  return
}

// -----

func.func @reduce_vector_c1(%x: tensor<64xf32, #sm90.layout<row_strips_rows>>) {
  // expected-error@+1 {{expected a vector along strips, got one in row_strips_rows}}
  %0 = sm90.reduce_vector <sum> %x : tensor<64xf32, #sm90.layout<row_strips_rows>>
  return
}
