// RUN: attn-opt %s -attn-lower-mask-ops -attn-select-schedule | FileCheck %s
// RUN: attn-opt %s -attn-lower-mask-ops -attn-select-schedule=target=sm_90a | FileCheck %s

!q = tensor<?x?x8x128xbf16>
!k = tensor<?x?x2x128xbf16>
!kv = !attn.kv<!k, !k>

// Without a mask every instance has the same work, and so with a window.

// CHECK-LABEL: func @full
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, target = #sm90.schedule<>>}
func.func @full(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv : !q, !kv -> !q
  return %o : !q
}

// CHECK-LABEL: func @window
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, target = #sm90.schedule<>>}
func.func @window(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(causal and window<999, 0>) : !q, !kv -> !q
  return %o : !q
}

// CHECK-LABEL: func @first
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, target = #sm90.schedule<>>}
func.func @first(%q: !q, %k: !k, %v: !k) -> !q {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(first<7>) : !q, !kv -> !q
  return %o : !q
}

// Later queries see more keys: the hardware hands the instances out, the
// longest first.

// CHECK-LABEL: func @causal
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, longest_first = true, target = #sm90.schedule<persistent = false>>}
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
// CHECK: {tile.schedule = #tile.schedule<block_q = 128, block_kv = 128, target = #sm90.schedule<>>}
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
