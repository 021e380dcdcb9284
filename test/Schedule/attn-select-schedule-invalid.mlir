// RUN: attn-opt %s -attn-select-schedule -split-input-file -verify-diagnostics
// RUN: echo "module {}" | not attn-opt -attn-select-schedule=target=sm_80 2>&1 | FileCheck %s

// CHECK: error: expected a target of sm_90a, got 'sm_80'

!t = tensor<?x?x1x128xf32>

func.func @f32(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has no schedule for 'f32' with head dimensions 128 and 128 on sm_90a; expected bf16 or f16 with multiples of 16 up to 256}}
  %o = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x72xbf16>

func.func @odd_head(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has no schedule for 'bf16' with head dimensions 72 and 72 on sm_90a; expected bf16 or f16 with multiples of 16 up to 256}}
  %o = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// -----

!q = tensor<?x?x1x192xbf16>
!o = tensor<?x?x1x512xbf16>

func.func @two_heads(%q: !q, %k: !q, %v: !o) -> !o {
  %kv = attn.kv.dense %k, %v : !q, !o
  // expected-error @below {{'attn.attention' op has no schedule for 'bf16' with head dimensions 192 and 512 on sm_90a; expected bf16 or f16 with multiples of 16 up to 256}}
  %o = attn.attention %q, %kv : !q, !attn.kv<!q, !o> -> !o
  return %o : !o
}

// -----

!t = tensor<?x?x1x128xbf16>

func.func @no_target(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op expected a schedule with a target of #sm90.schedule, got #tile.schedule<block_q = 16, block_kv = 16>}}
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x128xbf16>

func.func @other_target(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op expected a schedule with a target of #sm90.schedule, got #tile.schedule<block_q = 16, block_kv = 16, target = "sm80">}}
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16, target = "sm80">} : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x128xbf16>

func.func @registers(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op expected at most 65536 registers per block of 512 threads on sm_90a, got 95232 (128 * (24 + 3 * 240))}}
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 192, block_kv = 128, target = #sm90.schedule<consumer_warpgroups = 3>>} : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// -----

// What three warpgroups have at their launch is a little less than there is.

!t = tensor<?x?x1x128xbf16>

func.func @registers_at_launch(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op expected at most 64512 registers per block of 384 threads on sm_90a, got 65536 (128 * (32 + 2 * 240))}}
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, target = #sm90.schedule<producer_registers = 32>>} : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x128xbf16>

func.func @rows_of_lists(%q: !t, %k: !t, %n: tensor<1x1x?xi32>, %c: tensor<1x1x?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has no schedule for blocks of 96 queries on sm_90a; expected a multiple of 64}}
  %o = attn.attention %q, %kv blocks<96, 64> full(%n, %c : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x128xbf16>

func.func @columns_of_lists(%q: !t, %k: !t, %n: tensor<1x1x?xi32>, %c: tensor<1x1x?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has no schedule for blocks of 24 keys on sm_90a; expected a multiple of 16}}
  %o = attn.attention %q, %kv blocks<64, 24> full(%n, %c : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}
