// RUN: attn-opt %s -convert-attn-to-tile -split-input-file -verify-diagnostics

!t = tensor<?x?x1x16xf16>

// expected-error @below {{'func.func' op expected a body of one block}}
func.func private @declaration(%q: !t) -> !t

// -----

!t = tensor<?x?x1x16xf16>

// expected-error @below {{'func.func' op expected a body of one block}}
func.func @blocks(%q: !t, %v: !t) -> !t {
  cf.br ^next
^next:
  %kv = attn.kv.dense %q, %v : !t, !t
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>

// expected-error @below {{'func.func' op expected exactly one attn.attention to lower, got 0}}
func.func @no_attention(%q: !t) -> !t {
  return %q : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// expected-error @below {{'func.func' op expected exactly one attn.attention to lower, got 2}}
func.func @two_attentions(%q: !t, %k: !t) -> (!t, !t) {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  %o2 = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o, %o2 : !t, !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @other_op(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  // expected-error @below {{'arith.addf' op is not lowered to the tile level}}
  %r = arith.addf %o, %q : !t
  return %r : !t
}

// -----

// What computes is named, not what prepares its operands.
func.func @backward(%q: tensor<2x4x2x8xf32>) -> tensor<2x4x2x8xf32> {
  %0 = arith.addf %q, %q : tensor<2x4x2x8xf32>
  // expected-error @below {{'attn.recurrence_backward' op is not lowered to the tile level}}
  %dq, %dk, %dv = attn.recurrence_backward %0, %0, %0
      gradient(%0 : tensor<2x4x2x8xf32>)
      : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>
      -> tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>
  return %dq : tensor<2x4x2x8xf32>
}

// -----

!s = tensor<1x5x1x16xf16>
!kv = !attn.kv<!s, !s>

func.func @query(%k: !s) -> !s {
  %q = arith.constant dense<1.0> : !s
  %kv = attn.kv.dense %k, %k : !s, !s
  // expected-error @below {{'attn.attention' op expected the query to be an argument of the function}}
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !s, !kv -> !s
  return %o : !s
}

// -----

!s = tensor<1x5x1x16xf16>
!kv = !attn.kv<!s, !s>

func.func @key(%q: !s) -> !s {
  %k = arith.constant dense<1.0> : !s
  %kv = attn.kv.dense %k, %q : !s, !s
  // expected-error @below {{'attn.attention' op expected the key to be an argument of the function}}
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !s, !kv -> !s
  return %o : !s
}

// -----

!s = tensor<1x5x1x16xf16>
!kv = !attn.kv<!s, !s>

func.func @value(%q: !s) -> !s {
  %v = arith.constant dense<1.0> : !s
  %kv = attn.kv.dense %q, %v : !s, !s
  // expected-error @below {{'attn.attention' op expected the value to be an argument of the function}}
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !s, !kv -> !s
  return %o : !s
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// expected-error @below {{'func.func' op expected at least one result, got none}}
func.func @no_result(%q: !t, %k: !t) {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// expected-error @below {{'func.func' op expected every result to be one of the attention}}
func.func @result(%q: !t, %k: !t) -> (!t, !t) {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o, %q : !t, !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

// expected-error @below {{'func.func' op expected argument 1 to be used by the attention}}
func.func @unused(%q: !t, %x: f32, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @schedule(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op has no tile.schedule; run attn-select-schedule first}}
  %o = attn.attention %q, %kv : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @mask_not_lowered(%q: !t, %k: !t) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.causal' op is not lowered to the tile level; run attn-lower-mask-ops first}}
  %o = attn.attention %q, %kv mask(causal) {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>
!kv = !attn.kv<!t, !t>

func.func @constant_table(%q: !t, %k: !t) -> !t {
  %table = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    // expected-error @below {{'attn.read' op expected a tensor that is an argument of the function}}
    %y = attn.read %table[%j] : tensor<2xf32>
    attn.yield %y : f32
  } {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x2x16xf16>
!kv = !attn.kv<!t, !t>

func.func @constant_sink(%q: !t, %k: !t) -> !t {
  %sinks = arith.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op expected the sink to be an argument of the function}}
  %o = attn.attention %q, %kv sink(%sinks : tensor<2xf32>) {tile.schedule = #tile.schedule<block_q = 16, block_kv = 16>} : !t, !kv -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>

func.func @rows_of_lists(%q: !t, %k: !t, %n: tensor<1x1x?xi32>, %c: tensor<1x1x?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op expected a schedule whose block_q divides the blocks of 64 queries, got 48}}
  %o = attn.attention %q, %kv blocks<64, 32> full(%n, %c : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) {tile.schedule = #tile.schedule<block_q = 48, block_kv = 16>}
      : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// -----

!t = tensor<?x?x1x16xf16>

func.func @columns_of_lists(%q: !t, %k: !t, %n: tensor<1x1x?xi32>, %c: tensor<1x1x?x?xi32>) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  // expected-error @below {{'attn.attention' op expected a schedule whose block_kv divides the blocks of 32 keys, got 128}}
  %o = attn.attention %q, %kv blocks<64, 32> full(%n, %c : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) {tile.schedule = #tile.schedule<block_q = 16, block_kv = 128>}
      : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}
