// RUN: attn-opt %s -attn-lower-mask-ops -attn-select-schedule | FileCheck %s
// RUN: attn-opt %s -attn-lower-mask-ops -attn-select-schedule=target=sm_90a | FileCheck %s

!q = tensor<?x?x8x128xbf16>
!k = tensor<?x?x2x128xbf16>
!kv = !attn.kv<!k, !k>

// Without a mask every instance has the same work, and so with a window.

// CHECK-LABEL: func @full
// CHECK: {tile.guarded_schedules = [#tile.guarded_schedule<least_keys = 8192, schedule = <block_q = 192, block_kv = 64, lazy_max = true, target = #sm90.schedule<consumer_warpgroups = 3, producer_registers = 32, consumer_registers = 160, query_in_registers = false, output_from_registers = true, dynamic = true, ping_pong = true>>>],
// CHECK-SAME: tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, lazy_max = true, target = #sm90.schedule<producer_registers = 40, consumer_registers = 232, dynamic = true>>}
func.func @full(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv : !q, !kv -> !q
  return %o : !q
}

// CHECK-LABEL: func @window
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, lazy_max = true, target = #sm90.schedule<producer_registers = 40, consumer_registers = 232, dynamic = true>>}
func.func @window(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(causal and window<999, 0>) : !q, !kv -> !q
  return %o : !q
}

// CHECK-LABEL: func @first
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, lazy_max = true, target = #sm90.schedule<producer_registers = 40, consumer_registers = 232, dynamic = true>>}
func.func @first(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(first<7>) : !q, !kv -> !q
  return %o : !q
}

// Later queries see more keys: blocks fetch their instances, the longest first. That
// costs the producer some registers.

// CHECK-LABEL: func @causal
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, lazy_max = true, longest_first = true, section_bytes = 8388608, target = #sm90.schedule<producer_registers = 40, consumer_registers = 232, dynamic = true, ping_pong = true>>}
func.func @causal(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(causal) : !q, !kv -> !q
  return %o : !q
}

// CHECK-LABEL: func @open_window
// CHECK: longest_first = true
func.func @open_window(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(window<inf, 5>) : !q, !kv -> !q
  return %o : !q
}

// Nothing is known of a mask that the analysis does not read.

// CHECK-LABEL: func @chunk
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, lazy_max = true, target = #sm90.schedule<producer_registers = 40, consumer_registers = 232, dynamic = true>>}
func.func @chunk(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(causal and chunk<64>) : !q, !kv -> !q
  return %o : !q
}

// What is written by hand stays, whatever the types.

// CHECK-LABEL: func @by_hand
// CHECK: {tile.schedule = #tile.schedule<block_q = 64, block_kv = 32, target = #sm90.schedule<consumer_warpgroups = 1>>}
func.func @by_hand(%q: tensor<?x?x1x64xf16>, %k: tensor<?x?x1x64xf16>) -> tensor<?x?x1x64xf16> {
  %kv = attn.kv.dense %k, %k : tensor<?x?x1x64xf16>, tensor<?x?x1x64xf16>
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 64, block_kv = 32, target = #sm90.schedule<consumer_warpgroups = 1>>}
      : tensor<?x?x1x64xf16>, !attn.kv<tensor<?x?x1x64xf16>, tensor<?x?x1x64xf16>> -> tensor<?x?x1x64xf16>
  return %o : tensor<?x?x1x64xf16>
}

// There is nothing to decide.
// CHECK-LABEL: func @nothing
// CHECK-NEXT: return
func.func @nothing(%q: !q) -> !q {
  return %q : !q
}

// Wide heads: the queries stay in shared memory, which has no room for the output,
// and blocks have 64 keys, of which sequences are mostly a multiple.

!w = tensor<?x?x2x256xbf16>

// CHECK-LABEL: func @wide
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64, lazy_max = true, target = #sm90.schedule<producer_registers = 56, consumer_registers = 224, query_in_registers = false, output_from_registers = true, dynamic = true, ping_pong = true>>}
func.func @wide(%q: !w, %k: !w, %v: !w) -> !w {
  %kv = attn.kv.dense %k, %v : !w, !w
  %o = attn.attention %q, %kv : !w, !attn.kv<!w, !w> -> !w
  return %o : !w
}

!m = tensor<?x?x2x192xf16>
!n = tensor<?x?x2x128xf16>

// Heads of 192 take blocks beside which the queries fit in registers, unless products
// take turns.

// CHECK-LABEL: func @unequal
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 96, lazy_max = true, target = #sm90.schedule<producer_registers = 56, consumer_registers = 224, output_from_registers = true, dynamic = true>>}
func.func @unequal(%q: !m, %k: !m, %v: !n) -> !n {
  %kv = attn.kv.dense %k, %v : !m, !n
  %o = attn.attention %q, %kv : !m, !attn.kv<!m, !n> -> !n
  return %o : !n
}

// CHECK-LABEL: func @unequal_causal
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, lazy_max = true, longest_first = true,
// CHECK-SAME: query_in_registers = false, output_from_registers = true, dynamic = true, ping_pong = true>>}
func.func @unequal_causal(%q: !m, %k: !m, %v: !n) -> !n {
  %kv = attn.kv.dense %k, %v : !m, !n
  %o = attn.attention %q, %kv mask(causal) : !m, !attn.kv<!m, !n> -> !n
  return %o : !n
}

// CHECK-LABEL: func @large_causal
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64, lazy_max = true, longest_first = true,
// CHECK-SAME: <producer_registers = 56, consumer_registers = 224, output_from_registers = true, dynamic = true>>}
func.func @large_causal(%q: !m) -> !m {
  %kv = attn.kv.dense %q, %q : !m, !m
  %o = attn.attention %q, %kv mask(causal) : !m, !attn.kv<!m, !m> -> !m
  return %o : !m
}

// The output of wide values leaves from registers, even where a buffer would fit.

!s = tensor<?x?x2x48xbf16>

// CHECK-LABEL: func @narrow_queries
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 80, lazy_max = true, target = #sm90.schedule<producer_registers = 56, consumer_registers = 224, query_in_registers = false, output_from_registers = true, dynamic = true, ping_pong = true>>}
func.func @narrow_queries(%q: !s, %k: !s, %v: !w) -> !w {
  %kv = attn.kv.dense %k, %v : !s, !w
  %o = attn.attention %q, %kv : !s, !attn.kv<!s, !w> -> !w
  return %o : !w
}

!h = tensor<?x?x2x64xf16>

// Small heads have a schedule for many keys besides, and one for lengths that fill
// large blocks.

// CHECK-LABEL: func @small
// CHECK: {tile.guarded_schedules = [#tile.guarded_schedule<least_keys = 2048, schedule = <block_q = 192, block_kv = 128, lazy_max = true, target = #sm90.schedule<consumer_warpgroups = 3, producer_registers = 32, consumer_registers = 160, query_in_registers = false, output_from_registers = true, dynamic = true, ping_pong = true, clear_accumulators = true>>>,
// CHECK-SAME: #tile.guarded_schedule<least_keys = 512, least_tail = 129, schedule = <block_q = 128, block_kv = 256, hoist_score_dot = false, lazy_max = true, target = #sm90.schedule<producer_registers = 40, consumer_registers = 232, dynamic = true, clear_accumulators = true>>>],
// CHECK-SAME: tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, lazy_max = true, target = #sm90.schedule<producer_registers = 56, consumer_registers = 224, dynamic = true, clear_accumulators = true>>}
func.func @small(%q: !h, %k: !h, %v: !h) -> !h {
  %kv = attn.kv.dense %k, %v : !h, !h
  %o = attn.attention %q, %kv : !h, !attn.kv<!h, !h> -> !h
  return %o : !h
}

!p = tensor<?x?x2x128xbf16>

// An element for each score, loaded early, takes registers; one by distance does not.
// CHECK-LABEL: func @bias
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 96,
// CHECK-LABEL: func @distance
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128,
func.func @bias(%q: !p, %k: !p, %v: !p, %t: tensor<2x?x?xf32>) -> !p {
  %kv = attn.kv.dense %k, %v : !p, !p
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %y = attn.read %t[%h, %p, %j] : tensor<2x?x?xf32>
    attn.yield %y : f32
  } : !p, !attn.kv<!p, !p> -> !p
  return %o : !p
}
func.func @distance(%q: !p, %k: !p, %v: !p, %t: tensor<2x?xf32>) -> !p {
  %kv = attn.kv.dense %k, %v : !p, !p
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %d = arith.subi %p, %j : index
    %y = attn.read %t[%h, %d] : tensor<2x?xf32>
    attn.yield %y : f32
  } : !p, !attn.kv<!p, !p> -> !p
  return %o : !p
}

// Elements of 16 bits are loaded in tiles, in another schedule: its guard is that copies
// can read the tensor. Not those whose keys are along another axis.
// CHECK-LABEL: func @tiles
// CHECK: {tile.guarded_schedules = [#tile.guarded_schedule<schedule = <block_q = 128, block_kv = 128, {{.*}}stage_reads = true, {{.*}}>>], tile.schedule = #tile.schedule<
// CHECK-LABEL: func @no_tiles
// CHECK-NOT: guarded
// CHECK: return
func.func @tiles(%q: !p, %k: !p, %v: !p, %t: tensor<?x2x?xf16>) -> !p {
  %kv = attn.kv.dense %k, %v : !p, !p
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %wide = arith.index_cast %j : index to i64
    %key = arith.index_cast %wide : i64 to index
    %c1 = arith.constant 1 : index
    %other = arith.subi %c1, %h : index
    %t0 = attn.read %t[%p, %other, %key] : tensor<?x2x?xf16>
    %y = arith.extf %t0 : f16 to f32
    attn.yield %y : f32
  } : !p, !attn.kv<!p, !p> -> !p
  return %o : !p
}
func.func @no_tiles(%q: !p, %k: !p, %v: !p, %t: tensor<?x?x?xbf16>) -> !p {
  %kv = attn.kv.dense %k, %v : !p, !p
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %0 = attn.read %t[%p, %j, %h] : tensor<?x?x?xbf16>
    %1 = attn.read %t[%p, %p, %j] : tensor<?x?x?xbf16>
    %2 = attn.read %t[%h, %b, %j] : tensor<?x?x?xbf16>
    %d = arith.subi %p, %j : index
    %3 = attn.read %t[%p, %d, %j] : tensor<?x?x?xbf16>
    %4 = arith.addf %0, %1 : bf16
    %5 = arith.addf %2, %3 : bf16
    %6 = arith.addf %4, %5 : bf16
    %y = arith.extf %6 : bf16 to f32
    attn.yield %y : f32
  } : !p, !attn.kv<!p, !p> -> !p
  return %o : !p
}

// Lengths that differ: blocks fetch their instances.
// CHECK-LABEL: func @uneven
// CHECK: dynamic = true
func.func @uneven(%q: !p, %k: !p, %v: !p) -> !p {
  %kv = attn.kv.dense %k, %v : !p, !p
  %o = attn.attention %q, %kv mask(first<4> or window<1023, 0>) : !p, !attn.kv<!p, !p> -> !p
  return %o : !p
}

// Queries that stay in shared memory are loaded early, as the output does not go through it.
// CHECK-LABEL: func @streaming
// CHECK: query_in_registers = false, output_from_registers = true, dynamic = true
func.func @streaming(%q: !p, %k: !p, %v: !p) -> !p {
  %kv = attn.kv.dense %k, %v : !p, !p
  %o = attn.attention %q, %kv mask(causal and (first<4> or window<1023, 0>)) : !p, !attn.kv<!p, !p> -> !p
  return %o : !p
}

// Tests for equality of every pair take registers, too.
// CHECK-LABEL: func @others
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64,
func.func @others(%q: !p, %k: !p, %v: !p) -> !p {
  %kv = attn.kv.dense %k, %v : !p, !p
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %keep = arith.cmpi ne, %j, %p : index
    attn.yield %keep : i1
  } : !p, !attn.kv<!p, !p> -> !p
  return %o : !p
}

// Tiles are whole parts of the blocks that lists name, and the work is uneven. A single
// warpgroup of consumers has what a thread starts with.
!l = tensor<1x1x?xi32>
!c = tensor<1x1x?x?xi32>
!wide = tensor<?x?x2x256xbf16>
// CHECK-LABEL: func @lists
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 96, lazy_max = true, longest_first = true, target = #sm90.schedule<producer_registers = 56, consumer_registers = 224, dynamic = true, ping_pong = true>>}
func.func @lists(%q: !q, %k: !k, %v: !k, %n: !l, %c: !c) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv blocks<256, 192> full(%n, %c : !l, !c) : !q, !kv -> !q
  return %o : !q
}
// CHECK-LABEL: func @lists_of_few
// CHECK: {tile.schedule = #tile.schedule<block_q = 64, block_kv = 32, lazy_max = true, longest_first = true, target = #sm90.schedule<consumer_warpgroups = 1, producer_registers = 56, consumer_registers = 248, dynamic = true>>}
func.func @lists_of_few(%q: !q, %k: !k, %v: !k, %n: !l, %c: !c) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv blocks<192, 32> full(%n, %c : !l, !c) : !q, !kv -> !q
  return %o : !q
}
// CHECK-LABEL: func @lists_and_wide_heads
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64,
func.func @lists_and_wide_heads(%q: !wide, %k: !wide, %v: !wide, %n: !l, %c: !c) -> !wide {
  %kv = attn.kv.dense %k, %v : !wide, !wide
  %o = attn.attention %q, %kv blocks<128, 128> full(%n, %c : !l, !c) : !wide, !attn.kv<!wide, !wide> -> !wide
  return %o : !wide
}

// What a mask reads for each key is held beside the rest, and lists leave no room for
// it; without lists there is.
!long = tensor<?x?x2x192xbf16>
!short = tensor<?x?x2x128xbf16>
// CHECK-LABEL: func @lists_and_documents
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64,
func.func @lists_and_documents(%q: !long, %k: !long, %v: !short, %ids: tensor<?x?xi32>, %n: !l, %c: !c) -> !short {
  %kv = attn.kv.dense %k, %v : !long, !short
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %own = attn.read %ids[%b, %p] : tensor<?x?xi32>
    %other = attn.read %ids[%b, %j] : tensor<?x?xi32>
    %keep = arith.cmpi eq, %own, %other : i32
    attn.yield %keep : i1
  } blocks<128, 128> partial(%n, %c : !l, !c) : !long, !attn.kv<!long, !short> -> !short
  return %o : !short
}
// CHECK-LABEL: func @documents
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128,
func.func @documents(%q: !long, %k: !long, %v: !short, %ids: tensor<?x?xi32>) -> !short {
  %kv = attn.kv.dense %k, %v : !long, !short
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %own = attn.read %ids[%b, %p] : tensor<?x?xi32>
    %other = attn.read %ids[%b, %j] : tensor<?x?xi32>
    %keep = arith.cmpi eq, %own, %other : i32
    attn.yield %keep : i1
  } : !long, !attn.kv<!long, !short> -> !short
  return %o : !short
}

// Packed sequences differ in length, whatever the mask.
// CHECK-LABEL: func @packed
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, lazy_max = true, longest_first = true,
// CHECK-SAME: dynamic = true
func.func @packed(%q: tensor<?x4x64xbf16>, %k: tensor<?x4x64xbf16>, %cu: tensor<?xi32>) -> tensor<?x4x64xbf16> {
  %kv = attn.kv.varlen %k, %k, %cu : tensor<?x4x64xbf16>, tensor<?x4x64xbf16>, tensor<?xi32>
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>)
      : tensor<?x4x64xbf16>, !attn.kv<tensor<?x4x64xbf16>, tensor<?x4x64xbf16>> -> tensor<?x4x64xbf16>
  return %o : tensor<?x4x64xbf16>
}

// Wider blocks where tiles are even, and from more keys on where scores are capped; none
// under other modifiers, and under masks that read or are windows of capped scores.

// CHECK-LABEL: func @small_masked
// CHECK: attn.attention
// CHECK: least_keys = 2048, schedule = <block_q = 192, block_kv = 96, lazy_max = true, longest_first = true,
// CHECK: math.tanh
// CHECK: least_keys = 8192, schedule = <block_q = 192, block_kv = 128, lazy_max = true, target = #sm90.schedule<consumer_warpgroups = 3,
// CHECK-SAME: query_in_registers = false, output_from_registers = true,
// CHECK: math.tanh
// CHECK: least_keys = 8192, schedule = <block_q = 192, block_kv = 96, lazy_max = true, longest_first = true,
// CHECK-SAME: query_in_registers = false, dynamic = true, ping_pong = true
// CHECK: math.tanh
// CHECK-NOT: guarded
// CHECK: attn.read
// CHECK-NOT: guarded
// CHECK: math.sin
// CHECK-NOT: guarded
// CHECK: return
func.func @small_masked(%q: !h, %k: !h, %v: !h, %ids: tensor<?x?xi32>) -> (!h, !h, !h, !h, !h, !h) {
  %kv = attn.kv.dense %k, %v : !h, !h
  %o = attn.attention %q, %kv mask(causal) : !h, !attn.kv<!h, !h> -> !h
  %p = attn.attention %q, %kv score(softcap<50.0>) : !h, !attn.kv<!h, !h> -> !h
  %s = attn.attention %q, %kv mask(causal) score(softcap<50.0>) : !h, !attn.kv<!h, !h> -> !h
  %t = attn.attention %q, %kv mask(causal and window<99, 0>) score(softcap<50.0>) : !h, !attn.kv<!h, !h> -> !h
  %r = attn.attention %q, %kv mask(document(%ids : tensor<?x?xi32>)) : !h, !attn.kv<!h, !h> -> !h
  %u = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %head: index, %i: index, %j: index):
    %y = math.sin %x : f32
    attn.yield %y : f32
  } : !h, !attn.kv<!h, !h> -> !h
  return %o, %p, %s, %t, %r, %u : !h, !h, !h, !h, !h, !h
}

// Walks that data bounds leave the cache room for the keys of more heads.

// CHECK-LABEL: func @bounded
// CHECK: longest_first = true, section_bytes = 268435456,
func.func @bounded(%q: !h, %k: !h, %v: !h, %ids: tensor<?x?xi32>) -> !h {
  %kv = attn.kv.dense %k, %v : !h, !h
  %o = attn.attention %q, %kv mask(causal and document(%ids : tensor<?x?xi32>)) : !h, !attn.kv<!h, !h> -> !h
  return %o : !h
}

!t = tensor<?x?x2x96xbf16>

// CHECK-LABEL: func @small96
// CHECK: least_keys = 8192, schedule = <block_q = 192, block_kv = 96,
func.func @small96(%q: !t, %k: !t, %v: !t) -> !t {
  %kv = attn.kv.dense %k, %v : !t, !t
  %o = attn.attention %q, %kv mask(causal) : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// A window is no long walk, however many keys there are, and of a mask that the analysis
// does not read nobody knows what it takes.

// CHECK-LABEL: func @not_long
// CHECK-NOT: guarded
// CHECK: return
func.func @not_long(%q: !t, %p: !q, %k: !k) -> (!t, !q, !q) {
  %kv = attn.kv.dense %q, %q : !t, !t
  %o = attn.attention %q, %kv mask(window<100, 50>) : !t, !attn.kv<!t, !t> -> !t
  %large = attn.kv.dense %k, %k : !k, !k
  %r = attn.attention %p, %large mask(window<inf, 0> and window<5, inf>) : !q, !kv -> !q
  %s = attn.attention %p, %large mask {
  ^bb0(%b: index, %h: index, %i: index, %j: index):
    %product = arith.muli %i, %j : index
    %c7 = arith.constant 7 : index
    %keeps = arith.cmpi sgt, %product, %c7 : index
    attn.yield %keeps : i1
  } : !q, !kv -> !q
  return %o, %r, %s : !t, !q, !q
}

// Tiles of large heads that are not of one length take turns where there are many keys.

// CHECK-LABEL: func @wide_causal
// CHECK: {tile.guarded_schedules = [#tile.guarded_schedule<least_keys = 8192, schedule = <block_q = 128, block_kv = 64, lazy_max = true, longest_first = true,
// CHECK-SAME: ping_pong = true>>>], tile.schedule = #tile.schedule<block_q = 128, block_kv = 64, lazy_max = true, longest_first = true,
// CHECK-NOT: ping_pong
// CHECK: return
func.func @wide_causal(%q: !w) -> !w {
  %kv = attn.kv.dense %q, %q : !w, !w
  %o = attn.attention %q, %kv mask(causal) : !w, !attn.kv<!w, !w> -> !w
  return %o : !w
}

// Scores that fall with the distance to the query, on both sides of it, are walked from
// there; those that grow otherwise are looked at block by block, and those of the past
// only are at their largest in the first block anyway.

// CHECK-LABEL: func @distances
// CHECK: math.absf
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, lazy_max = true, diagonal_first = true, target = #sm90.schedule<producer_registers = 40, consumer_registers = 232, dynamic = true, ping_pong = true>>}
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, target =
// CHECK: lazy_max = true, longest_first = true, section_bytes
// CHECK-NOT: diagonal_first
// CHECK: return
func.func @distances(%q: !p, %slopes: tensor<2xf32>) -> (!p, !p, !p) {
  %kv = attn.kv.dense %q, %q : !p, !p
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %y = attn.alibi %x, %slopes, %h, %p, %j : tensor<2xf32>
    attn.yield %y : f32
  } : !p, !attn.kv<!p, !p> -> !p
  %r = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %distance = arith.subi %p, %j : index
    %whole = arith.index_cast %distance : index to i64
    %number = arith.sitofp %whole : i64 to f32
    %y = arith.addf %x, %number : f32
    attn.yield %y : f32
  } : !p, !attn.kv<!p, !p> -> !p
  %s = attn.attention %q, %kv mask(causal) score(alibi(%slopes : tensor<2xf32>)) : !p, !attn.kv<!p, !p> -> !p
  return %o, %r, %s : !p, !p, !p
}

// Causal tiles of 128 channels take turns, whether heads share keys or not.

// CHECK-LABEL: func @grouped
// CHECK-COUNT-2: longest_first = true, section_bytes = {{[0-9]+}}, target = #sm90.schedule<producer_registers = 40, consumer_registers = 232, dynamic = true, ping_pong = true>>}
// CHECK: return
func.func @grouped(%q: tensor<?x?x8x128xbf16>, %k: !p) -> (tensor<?x?x8x128xbf16>, !p) {
  %kv = attn.kv.dense %k, %k : !p, !p
  %o = attn.attention %q, %kv mask(causal) : tensor<?x?x8x128xbf16>, !attn.kv<!p, !p> -> tensor<?x?x8x128xbf16>
  %r = attn.attention %k, %kv mask(causal) : !p, !attn.kv<!p, !p> -> !p
  return %o, %r : tensor<?x?x8x128xbf16>, !p
}
