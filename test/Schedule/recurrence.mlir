// RUN: attn-opt %s -attn-select-schedule -split-input-file -verify-diagnostics | FileCheck %s

// A block has the states of 128 channels of the value, or of 64.

// CHECK-LABEL: func @wide
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64, hoist_score_dot = false, split_masked_loop = false, rescale_threshold = 0, section_bytes = 1, target = #sm90.schedule<producer_registers = 32, consumer_registers = 192, query_in_registers = false, persistent = false, narrow_tanh = false, auxiliary_registers = 96>>}
!q = tensor<?x?x2x128xbf16>
!v = tensor<?x?x4x256xbf16>
func.func @wide(%q: !q, %v: !v) -> !v {
  %o = attn.recurrence %q, %q, %v : !q, !q, !v -> !v
  return %o : !v
}

// -----

// CHECK-LABEL: func @narrow
// CHECK: tile.schedule<block_q = 64, {{.*}}consumer_warpgroups = 1, producer_registers = 40, {{.*}}auxiliary_registers = 168
!q = tensor<?x?x2x64xf16>
func.func @narrow(%q: !q) -> !q {
  %o = attn.recurrence %q, %q, %q : !q, !q, !q -> !q
  return %o : !q
}

// -----

// A state in front leaves the producer fewer registers, and so do stacked products of f16.
// Packed sequences whose states are kept have registers for half of the rows.

// CHECK-LABEL: func @states
// CHECK: tile.schedule<block_q = 128, block_kv = 64, {{.*}}consumer_registers = 192, {{.*}}auxiliary_registers = 104
// CHECK-LABEL: func @stacked
// CHECK: tile.schedule<block_q = 128, block_kv = 64, {{.*}}producer_registers = 32, consumer_registers = 192, {{.*}}auxiliary_registers = 96, stack_products = true
// CHECK-LABEL: func @stacked_f16
// CHECK: tile.schedule<block_q = 128, block_kv = 64, {{.*}}consumer_registers = 192, {{.*}}auxiliary_registers = 104, stack_products = true
// CHECK-LABEL: func @kept
// CHECK: tile.schedule<block_q = 128, block_kv = 64,
// CHECK-LABEL: func @packed_kept
// CHECK: tile.schedule<block_q = 64, block_kv = 64,
// CHECK-LABEL: func @kept_within
// CHECK: tile.schedule<block_q = {{[0-9]+}}, block_kv = 1,
!q = tensor<?x?x2x128xbf16>
!n = tensor<?x?x2xf32>
!g = tensor<?x?x2xf32, #attn.gate<log>>
!s = tensor<?x2x128x128xf32, #attn.state<key_value>>
func.func @states(%q: !q, %g: !g, %s: !s) -> (!q, !s) {
  %o, %f = attn.recurrence %q, %q, %q decay(%g : !g) state(%s : !s) : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}
func.func @stacked(%q: !q, %g: !g, %beta: !n, %s: !s) -> (!q, !s) {
  %o, %f = attn.recurrence %q, %q, %q decay(%g : !g) erase(%beta : !n) write(%beta : !n) state(%s : !s) : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}
!h = tensor<?x?x2x128xf16>
func.func @stacked_f16(%q: !h, %g: !g, %beta: !n) -> !h {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%beta : !n) write(%beta : !n) : !h, !h, !h -> !h
  return %o : !h
}
!k = tensor<?x?x2x128x128xf32, #attn.state<key_value>>
func.func @kept(%q: !q, %g: !g) -> (!q, !k) {
  %o, %k = attn.recurrence %q, %q, %q decay(%g : !g) keep_every(128) : !q, !q, !q -> !q kept(!k)
  return %o, %k : !q, !k
}
!p = tensor<?x2x128xbf16>
!pk = tensor<?x2x128x128xf32, #attn.state<key_value>>
func.func @packed_kept(%q: !p, %cu: tensor<?xi32>) -> (!p, !pk) {
  %o, %k = attn.recurrence %q, %q, %q cu_seqlens(%cu : tensor<?xi32>) keep_every(128) : !p, !p, !p -> !p kept(!pk)
  return %o, %k : !p, !pk
}
func.func @kept_within(%q: !q, %g: !g) -> (!q, !k) {
  %o, %k = attn.recurrence %q, %q, %q decay(%g : !g) keep_every(32) : !q, !q, !q -> !q kept(!k)
  return %o, %k : !q, !k
}

// -----

// What decays of channels leave of keys and queries takes the place of second stages.

// CHECK-LABEL: func @channels_decay
// CHECK: tile.schedule<block_q = 128, block_kv = 64, {{.*}}kv_stages = 1, consumer_registers = 192, {{.*}}auxiliary_registers = 104
// CHECK-LABEL: func @channels_erase
// CHECK: tile.schedule<block_q = 128, block_kv = 64, {{.*}}kv_stages = 1, consumer_registers = 192, {{.*}}auxiliary_registers = 104
!q = tensor<?x?x4x128xbf16>
!g = tensor<?x?x4x128xf32, #attn.gate<log>>
!n = tensor<?x?x4xf32>
!s = tensor<?x4x128x128xf32, #attn.state<key_value>>
func.func @channels_decay(%q: !q, %g: !g) -> !q {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) : !q, !q, !q -> !q
  return %o : !q
}
func.func @channels_erase(%q: !q, %g: !g, %beta: !n) -> (!q, !s) {
  %o, %s = attn.recurrence %q, %q, %q decay(%g : !g) erase(%beta : !n) write(%beta : !n)
      : !q, !q, !q -> !q state(!s)
  return %o, %s : !q, !s
}

// -----

// What is given is kept.

// CHECK-LABEL: func @given
// CHECK: tile.schedule<block_q = 16, block_kv = 16
!q = tensor<?x?x2x32xf32>
func.func @given(%q: !q) -> !q {
  %o = attn.recurrence %q, %q, %q {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16, target = #sm90.schedule<>>} : !q, !q, !q -> !q
  return %o : !q
}

// -----

// What the tensor cores do not take, and what has no chunked form, goes from token
// to token.

// CHECK-LABEL: func @key_dim
// CHECK: tile.schedule<block_q = 64, block_kv = 1, {{.*}}consumer_registers = 168
!q = tensor<?x?x2x96xbf16>
!v = tensor<?x?x2x64xbf16>
func.func @key_dim(%q: !q, %v: !v) -> !v {
  %o = attn.recurrence %q, %q, %v : !q, !q, !v -> !v
  return %o : !v
}

// -----

// CHECK-LABEL: func @f32
// CHECK: tile.schedule<block_q = 64, block_kv = 1,
!q = tensor<?x?x2x64xf32>
func.func @f32(%q: !q) -> !q {
  %o = attn.recurrence %q, %q, %q : !q, !q, !q -> !q
  return %o : !q
}

// -----

// Beside a direction of its own, four products of tokens are at hand at once.

// CHECK-LABEL: func @direction
// CHECK: tile.schedule<block_q = 64, block_kv = 64, {{.*}}segment_chunks = 4, {{.*}}kv_stages = 1, consumer_warpgroups = 1, {{.*}}auxiliary_registers = 240
!q = tensor<?x?x4x64xbf16>
!v = tensor<?x?x4x128xbf16>
!g = tensor<?x?x4x64xf32, #attn.gate<log>>
func.func @direction(%q: !q, %v: !v, %g: !g) -> !v {
  %o = attn.recurrence %q, %q, %v decay(%g : !g) erase_key(%q : !q) erase_direction(%q : !q) before_decay : !q, !q, !v -> !v
  return %o : !v
}

// -----

// Gates of strengths take some registers of the auxiliary; without decays of channels,
// products are those of delta rules. A strength of each token beside one of channels is
// one of its own.

// CHECK-LABEL: func @channels_gated
// CHECK: tile.schedule<block_q = 128, block_kv = 64, {{.*}}kv_stages = 1, producer_registers = 32, consumer_registers = 192, {{.*}}auxiliary_registers = 96
// CHECK-LABEL: func @values_gated
// CHECK: tile.schedule<block_q = 64, block_kv = 64,
// CHECK-LABEL: func @gated
// CHECK: tile.schedule<block_q = 64, block_kv = 64,
!q = tensor<?x?x4x128xbf16>
!g = tensor<?x?x4x128xf32, #attn.gate<log>>
!b = tensor<?x?x4x128xf32>
func.func @channels_gated(%q: !q, %g: !g, %b: !b) -> !q {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%b : !b) write(%b : !b) : !q, !q, !q -> !q
  return %o : !q
}
!n = tensor<?x?x4xf32>
func.func @values_gated(%q: !q, %g: !g, %n: !n, %b: !b) -> !q {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%n : !n) write(%b : !b) : !q, !q, !q -> !q
  return %o : !q
}
!h = tensor<?x?x4xf32, #attn.gate<log>>
func.func @gated(%q: !q, %h: !h, %b: !b) -> !q {
  %o = attn.recurrence %q, %q, %q decay(%h : !h) erase(%b : !b) : !q, !q, !q -> !q
  return %o : !q
}

// -----

// Rows that are normalised are read when they have come, for which there is a stage more.

// CHECK-LABEL: func @normalized
// CHECK: tile.schedule<block_q = 128, block_kv = 64,
// CHECK-SAME: kv_stages = 3, producer_registers = 32, consumer_registers = 192
// CHECK-SAME: auxiliary_registers = 96
!q = tensor<?x?x2x128xbf16>
func.func @normalized(%q: !q) -> !q {
  %o = attn.recurrence %q, %q, %q l2_normalize(1.0e-06) : !q, !q, !q -> !q
  return %o : !q
}

// -----

// So do a few tokens. Their launch is no dependent one, which costs more than it saves
// where each launch changes the states of the one in front. For many sequences it is one,
// and warps share the columns, which caches may keep.

// CHECK-LABEL: func @token
// CHECK: {tile.guarded_schedules = [#tile.guarded_schedule<least_batch = 512, schedule = <block_q = 64, block_kv = 1, {{.*}}consumer_registers = 128, persistent = false, warp_roles = false, strip_warps = 1, stream_strips = false>>>], tile.schedule = #tile.schedule<block_q = 64, block_kv = 1, hoist_score_dot = false, split_masked_loop = false, rescale_threshold = 0, section_bytes = 1, target = #sm90.schedule<kv_stages = 1, consumer_warpgroups = 1, consumer_registers = 168, persistent = false, dependent_launch = false, warp_roles = false>>}
!q = tensor<?x1x2x128xbf16>
func.func @token(%q: !q) -> !q {
  %o = attn.recurrence %q, %q, %q : !q, !q, !q -> !q
  return %o : !q
}

// -----

// States [K, V] of f32 come by boxes, of keys of 128 channels, in so many registers as two
// blocks of a multiprocessor leave.

// CHECK-LABEL: func @key_value
// CHECK: {tile.guarded_schedules = [#tile.guarded_schedule<least_batch = 512, schedule = <block_q = 64, block_kv = 1, {{.*}}consumer_registers = 256, persistent = false, warp_roles = false, strip_warps = 1, stage_strips = true, blocks_per_multiprocessor = 2>>>], tile.schedule = #tile.schedule<block_q = 64, block_kv = 1, {{.*}}persistent = false, dependent_launch = false, warp_roles = false>>}
!q = tensor<?x1x2x128xbf16>
!s = tensor<?x2x128x128xf32, #attn.state<key_value>>
func.func @key_value(%q: !q, %s: !s) -> (!q, !s) {
  %o, %f = attn.recurrence %q, %q, %q state(%s : !s) : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}

// -----

// Narrower keys, and states of 16 bits, are loaded.

// CHECK-LABEL: func @narrow
// CHECK: strip_warps = 1, stream_strips = false>>>]
// CHECK-LABEL: func @coarse
// CHECK: strip_warps = 1, stream_strips = false>>>]
!q = tensor<?x1x2x64xbf16>
!s = tensor<?x2x64x64xf32, #attn.state<key_value>>
func.func @narrow(%q: !q, %s: !s) -> (!q, !s) {
  %o, %f = attn.recurrence %q, %q, %q state(%s : !s) : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}
!w = tensor<?x1x2x128xbf16>
!t = tensor<?x2x128x128xbf16, #attn.state<key_value>>
func.func @coarse(%q: !w, %s: !t) -> (!w, !t) {
  %o, %f = attn.recurrence %q, %q, %q state(%s : !t) : !w, !w, !w -> !w state(!t)
  return %o, %f : !w, !t
}

// -----

// Keys whose channels are neighbours in memory: two lines of each row. Of many sequences
// each warp is a block, to which copies bring keys of 128 channels.

// CHECK-LABEL: func @value_key
// CHECK: {tile.guarded_schedules = [#tile.guarded_schedule<least_batch = 512, schedule = <block_q = 32, block_kv = 1, {{.*}}consumer_registers = 128, persistent = false, warp_roles = false, separate_warps = true, stage_strips = true, blocks_per_multiprocessor = 12>>>], tile.schedule = #tile.schedule<block_q = 32, block_kv = 1, {{.*}}consumer_registers = 128, persistent = false, dependent_launch = false, warp_roles = false>>}
!q = tensor<?x1x2x128xbf16>
!s = tensor<?x2x128x128xf32, #attn.state<value_key>>
func.func @value_key(%q: !q, %s: !s) -> (!q, !s) {
  %o, %f = attn.recurrence %q, %q, %q state(%s : !s) : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}

// -----

// CHECK-LABEL: func @value_key_narrow
// CHECK: least_batch = 512, {{.*}}separate_warps = true>>>]
// What is bf16 has twice as many rows.
// CHECK-LABEL: func @value_key_bf16
// CHECK: least_batch = 512, schedule = <block_q = 64, {{.*}}separate_warps = true, stage_strips = true, blocks_per_multiprocessor = 14>>>]
!q = tensor<?x1x2x64xbf16>
!s = tensor<?x2x64x64xf32, #attn.state<value_key>>
func.func @value_key_narrow(%q: !q, %s: !s) -> (!q, !s) {
  %o, %f = attn.recurrence %q, %q, %q state(%s : !s) : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}
!wide = tensor<?x1x2x128xbf16>
!short = tensor<?x2x128x128xbf16, #attn.state<value_key>>
func.func @value_key_bf16(%q: !wide, %s: !short) -> (!wide, !short) {
  %o, %f = attn.recurrence %q, %q, %q state(%s : !short) : !wide, !wide, !wide -> !wide state(!short)
  return %o, %f : !wide, !short
}

// -----

// Several tokens share what is done for a block.

// CHECK-LABEL: func @value_key_tokens
// CHECK: tile.schedule<block_q = 64, block_kv = 1, {{.*}}consumer_registers = 168
!q = tensor<?x16x2x128xbf16>
!s = tensor<?x2x128x128xf32, #attn.state<value_key>>
func.func @value_key_tokens(%q: !q, %s: !s) -> (!q, !s) {
  %o, %f = attn.recurrence %q, %q, %q state(%s : !s) : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}

// -----

// CHECK-LABEL: func @tokens
// CHECK-NOT: guarded
// CHECK: tile.schedule<block_q = 64, block_kv = 1, {{.*}}consumer_registers = 168
!q = tensor<?x16x2x128xbf16>
func.func @tokens(%q: !q) -> !q {
  %o = attn.recurrence %q, %q, %q : !q, !q, !q -> !q
  return %o : !q
}

// -----

// The operands of two tokens, with a gate for each channel, take more.

// CHECK-LABEL: func @gates
// CHECK: tile.schedule<block_q = 64, block_kv = 1, {{.*}}consumer_registers = 256
!q = tensor<?x16x2x128xbf16>
!g = tensor<?x16x2x128xf32>
func.func @gates(%q: !q, %g: !g) -> !q {
  %o = attn.recurrence %q, %q, %q erase(%g : !g) : !q, !q, !q -> !q
  return %o : !q
}

// -----

// CHECK-LABEL: func @more_tokens
// CHECK: tile.schedule<block_q = 128, block_kv = 64,
!q = tensor<?x17x2x128xbf16>
func.func @more_tokens(%q: !q) -> !q {
  %o = attn.recurrence %q, %q, %q : !q, !q, !q -> !q
  return %o : !q
}

// -----

// CHECK-LABEL: func @channels
// CHECK: tile.schedule<block_q = 32, block_kv = 1, {{.*}}consumer_registers = 168
!q = tensor<?x1x2x256xbf16>
func.func @channels(%q: !q) -> !q {
  %o = attn.recurrence %q, %q, %q : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x288xbf16>
func.func @many_channels(%q: !q) -> !q {
  // expected-error @below {{'attn.recurrence' op has no schedule for keys of 288 channels on sm_90a; expected at most 256}}
  %o = attn.recurrence %q, %q, %q : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>
func.func @registers(%q: !q) -> !q {
  // expected-error @below {{'attn.recurrence' op expected at most 64512 registers per block of 384 threads on sm_90a, got 98304 (128 * (256 + 2 * 256))}}
  %o = attn.recurrence %q, %q, %q {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, target = #sm90.schedule<consumer_warpgroups = 2, producer_registers = 256, consumer_registers = 256>>} : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>
func.func @auxiliary(%q: !q) -> !q {
  // expected-error @below {{'attn.recurrence' op expected at most 65536 registers per block of 512 threads on sm_90a, got 67584 (128 * (32 + 112 + 2 * 192))}}
  %o = attn.recurrence %q, %q, %q {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, target = #sm90.schedule<producer_registers = 32, consumer_registers = 192, auxiliary_registers = 112, join_waits = true>>} : !q, !q, !q -> !q
  return %o : !q
}

// -----

// Sequences are cut into segments where a bound of what states keep follows from decays,
// and left whole elsewhere.

// CHECK-LABEL: func @segments
// CHECK: segment_chunks = 4
!q = tensor<?x?x2x64xbf16>
!n = tensor<?x?x2xf32>
!g = tensor<?x?x2xf32, #attn.gate<log>>
func.func @segments(%q: !q, %b: !n, %g: !g) -> !q {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%b : !n) write(%b : !n) : !q, !q, !q -> !q
  return %o : !q
}

// -----

// CHECK-LABEL: func @segments_of_channels
// CHECK: segment_chunks = 4
!q = tensor<?x?x2x64xbf16>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>
func.func @segments_of_channels(%q: !q, %g: !g) -> !q {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) : !q, !q, !q -> !q
  return %o : !q
}

// -----

// CHECK-LABEL: func @erased_channels
// CHECK: segment_chunks = 4
!q = tensor<?x?x2x64xbf16>
!n = tensor<?x?x2xf32>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>
func.func @erased_channels(%q: !q, %b: !n, %g: !g) -> !q {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%b : !n) write(%b : !n) : !q, !q, !q -> !q
  return %o : !q
}

// -----

// CHECK-LABEL: func @erased_by_channels
// CHECK: block_q = 128
// CHECK-SAME: segment_chunks = 4
!q = tensor<?x?x2x128xbf16>
!e = tensor<?x?x2x128xf32>
!g = tensor<?x?x2x128xf32, #attn.gate<log>>
func.func @erased_by_channels(%q: !q, %e: !e, %g: !g) -> !q {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%e : !e) write(%e : !e) : !q, !q, !q -> !q
  return %o : !q
}

// -----

// Their product is found for blocks as wide as the keys.

// CHECK-LABEL: func @erased_by_narrow_channels
// CHECK: block_q = 128
// CHECK-NOT: segment_chunks
!q = tensor<?x?x2x64xbf16>
!v = tensor<?x?x2x128xbf16>
!e = tensor<?x?x2x64xf32>
!w = tensor<?x?x2x128xf32>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>
func.func @erased_by_narrow_channels(%q: !q, %v: !v, %e: !e, %w: !w, %g: !g) -> !v {
  %o = attn.recurrence %q, %q, %v decay(%g : !g) erase(%e : !e) write(%w : !w) : !q, !q, !v -> !v
  return %o : !v
}

// -----

// A state of a pool is replaced where the sequence ends, and has been read by then.

// CHECK-LABEL: func @pool
// CHECK: block_q = 64, block_kv = 64
// CHECK-NOT: segment_chunks
!q = tensor<?x?x2x64xbf16>
!g = tensor<?x?x2xf32, #attn.gate<log>>
!s = tensor<?x2x64x64xf32, #attn.state<value_key>>
func.func @pool(%q: !q, %g: !g, %s: !s, %slots: tensor<?xi32>) -> (!q, !s) {
  %o, %f = attn.recurrence %q, %q, %q decay(%g : !g) state(%s : !s) slots(%slots : tensor<?xi32>) : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}

// -----

// CHECK-LABEL: func @whole
// CHECK-NOT: segment_chunks
!q = tensor<?x?x2x64xbf16>
!n = tensor<?x?x2xf32>
!g = tensor<?x?x2xf32, #attn.gate<log>>
func.func @whole(%q: !q, %b: !n, %g: !g) -> !q {
  %o = attn.recurrence %q, %q, %q erase(%b : !n) write(%b : !n) : !q, !q, !q -> !q
  return %o : !q
}

// -----

// CHECK-LABEL: func @erase_key
// CHECK-NOT: segment_chunks
!q = tensor<?x?x2x64xbf16>
!n = tensor<?x?x2xf32>
!g = tensor<?x?x2xf32, #attn.gate<log>>
func.func @erase_key(%q: !q, %e: !q, %g: !g) -> !q {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase_key(%e : !q) : !q, !q, !q -> !q
  return %o : !q
}

// -----

// Gates of strengths beside narrow keys leave the auxiliary what the states do not take.

// CHECK-LABEL: func @narrow_gates
// CHECK: tile.schedule<block_q = 128, {{.*}}consumer_registers = 176, {{.*}}auxiliary_registers = 128
!q = tensor<?x?x2x64xbf16>
!v = tensor<?x?x2x128xbf16>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>
!e = tensor<?x?x2x64xf32>
!w = tensor<?x?x2x128xf32>
func.func @narrow_gates(%q: !q, %v: !v, %g: !g, %e: !e, %w: !w) -> !v {
  %o = attn.recurrence %q, %q, %v decay(%g : !g) erase(%e : !e) write(%w : !w) : !q, !q, !v -> !v
  return %o : !v
}

// -----

// Sums of keys, which a denominator has, are a second state: of keys of 64 channels.

// CHECK-LABEL: func @denominator
// CHECK: tile.schedule<block_q = 64, block_kv = 64, {{.*}}consumer_warpgroups = 1
// CHECK-LABEL: func @denominator_wide
// CHECK: tile.schedule<block_q = {{[0-9]+}}, block_kv = 1,
!q = tensor<?x?x2x64xbf16>
!w = tensor<?x?x2x128xbf16>
func.func @denominator(%q: !q, %v: !w) -> !w {
  %o = attn.recurrence %q, %q, %v denominator(1.0e-06) : !q, !q, !w -> !w
  return %o : !w
}
func.func @denominator_wide(%q: !w) -> !w {
  %o = attn.recurrence %q, %q, %q denominator(1.0e-06) : !w, !w, !w -> !w
  return %o : !w
}

// -----

// Strengths up to 2 forget nothing of what is rounded: the state is read, and written, in
// two parts, of bf16 as of f16.

// CHECK-LABEL: func @reflections
// CHECK: state_parts = 2
// CHECK-LABEL: func @fine_reflections
// CHECK: state_parts = 2
!q = tensor<?x?x2x128xbf16>
!f = tensor<?x?x2x128xf16>
!n = tensor<?x?x2xf32>
!g = tensor<?x?x2xf32, #attn.gate<log>>
func.func @reflections(%q: !q, %b: !n, %g: !g) -> !q {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%b : !n) write(%b : !n) allow_neg_eigval : !q, !q, !q -> !q
  return %o : !q
}
func.func @fine_reflections(%q: !f, %b: !n, %g: !g) -> !f {
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%b : !n) write(%b : !n) allow_neg_eigval : !f, !f, !f -> !f
  return %o : !f
}

// -----

// Where the state of each token is kept is one more tensor, and what is stored is packed.

// CHECK-LABEL: func @kept_tokens
// CHECK: tile.schedule<block_q = 64, block_kv = 1, {{.*}}consumer_registers = 256
// CHECK-LABEL: func @last_token
// CHECK: tile.schedule<block_q = 64, block_kv = 1, {{.*}}consumer_registers = 168
// CHECK-LABEL: func @kept_gates
// CHECK: tile.schedule<block_q = 64, block_kv = 1, {{.*}}consumer_registers = 256
!q = tensor<?x16x2x128xbf16>
!a = tensor<?x16x2xf32, #attn.gate<log>>
!b = tensor<?x16x2xf32>
!g = tensor<?x16x2x128xf32, #attn.gate<log>>
!c = tensor<?x16x2x128xf32>
!s = tensor<?x2x128x128xbf16, #attn.state<key_value>>
!k = tensor<?x16x2x128x128xbf16, #attn.state<key_value>>
func.func @kept_tokens(%q: !q, %a: !a, %b: !b, %s: !s) -> (!q, !s, !k) {
  %o, %f, %k = attn.recurrence %q, %q, %q decay(%a : !a) erase(%b : !b) write(%b : !b) state(%s : !s) keep_every(1) : !q, !q, !q -> !q state(!s) kept(!k)
  return %o, %f, %k : !q, !s, !k
}
func.func @last_token(%q: !q, %a: !a, %b: !b, %s: !s) -> (!q, !s) {
  %o, %f = attn.recurrence %q, %q, %q decay(%a : !a) erase(%b : !b) write(%b : !b) state(%s : !s) : !q, !q, !q -> !q state(!s)
  return %o, %f : !q, !s
}
func.func @kept_gates(%q: !q, %g: !g, %c: !c, %s: !s) -> (!q, !s, !k) {
  %o, %f, %k = attn.recurrence %q, %q, %q decay(%g : !g) erase(%c : !c) write(%c : !c) state(%s : !s) keep_every(1) : !q, !q, !q -> !q state(!s) kept(!k)
  return %o, %f, %k : !q, !s, !k
}

// -----

// A block has all columns where normalizers of a pool are replaced, however wide keys are.

// CHECK-LABEL: func @wide_normalizers
// CHECK: tile.schedule<block_q = 64, block_kv = 1, {{.*}}consumer_registers = 256
!q = tensor<?x1x2x256xbf16>
!v = tensor<?x1x2x64xbf16>
!z = tensor<?x2x256xf32>
!s = tensor<?x2x256x64xbf16, #attn.state<key_value>>
func.func @wide_normalizers(%q: !q, %v: !v, %z: !z, %s: !s, %slots: tensor<?xi32>) -> (!v, !s, !z) {
  %o, %f, %n = attn.recurrence %q, %q, %v denominator(1.0) state(%s : !s) normalizer(%z : !z) slots(%slots : tensor<?xi32>) : !q, !q, !v -> !v state(!s) normalizer(!z)
  return %o, %f, %n : !v, !s, !z
}
