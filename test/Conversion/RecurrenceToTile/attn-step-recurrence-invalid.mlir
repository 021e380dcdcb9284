// RUN: attn-opt %s --attn-step-recurrence -split-input-file -verify-diagnostics

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>

func.func @prepared(%q: !t) -> !t {
  // expected-error @below {{'arith.addf' op is not lowered to the tile level}}
  %k = arith.addf %q, %q : !t
  %o = attn.recurrence %q, %k, %q {tile.schedule = #step} : !t, !t, !t -> !t
  return %o : !t
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>

// expected-error @below {{expected one attn.recurrence and nothing else to lower, got 2}}
func.func @two(%q: !t) -> (!t, !t) {
  %a = attn.recurrence %q, %q, %q {tile.schedule = #step} : !t, !t, !t -> !t
  %b = attn.recurrence %q, %q, %q {tile.schedule = #step} : !t, !t, !t -> !t
  return %a, %b : !t, !t
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>

func.func @constant_key(%q: !t) -> !t {
  %k = arith.constant dense<1.0> : !t
  // expected-error @below {{expected operand 1 to be an argument of the function}}
  %o = attn.recurrence %q, %k, %q {tile.schedule = #step} : !t, !t, !t -> !t
  return %o : !t
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>

// expected-error @below {{expected at least one result, got none}}
func.func @no_results(%q: !t) {
  %o = attn.recurrence %q, %q, %q {tile.schedule = #step} : !t, !t, !t -> !t
  return
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>

// expected-error @below {{expected every result to be one of the recurrence}}
func.func @argument(%q: !t) -> (!t, !t) {
  %o = attn.recurrence %q, %q, %q {tile.schedule = #step} : !t, !t, !t -> !t
  return %o, %q : !t, !t
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>

// expected-error @below {{expected argument 1 to be used by the recurrence}}
func.func @unused(%q: !t, %k: !t) -> !t {
  %o = attn.recurrence %q, %q, %q {tile.schedule = #step} : !t, !t, !t -> !t
  return %o : !t
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>

// expected-error @below {{expected a body of one block}}
func.func @blocks(%q: !t) -> !t {
  %o = attn.recurrence %q, %q, %q {tile.schedule = #step} : !t, !t, !t -> !t
  cf.br ^end
^end:
  return %o : !t
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>
!kv = tensor<1x2x32x32xf32, #attn.state<key_value>>
!vk = tensor<1x2x32x32xf32, #attn.state<value_key>>

func.func @layouts(%q: !t, %s: !kv) -> (!t, !vk) {
  // expected-error @below {{has a final state of another layout than the initial one, which is not lowered to the tile level}}
  %o, %f = attn.recurrence %q, %q, %q state(%s : !kv) {tile.schedule = #step}
      : !t, !t, !t -> !t state(!vk)
  return %o, %f : !t, !vk
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>
!kv = tensor<1x2x32x32xf32, #attn.state<key_value>>
!vk = tensor<1x3x2x32x32xf32, #attn.state<value_key>>

func.func @kept_layout(%q: !t, %s: !kv) -> (!t, !vk) {
  // expected-error @below {{has kept states of another layout than the others, which is not lowered to the tile level}}
  %o, %k = attn.recurrence %q, %q, %q state(%s : !kv) keep_every(1) {tile.schedule = #step}
      : !t, !t, !t -> !t kept(!vk)
  return %o, %k : !t, !vk
}

// -----

// A sum over channels is no preparation of one element.
#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>
!g = tensor<1x3x2xf32>
#row = affine_map<(b, t, n, d) -> (b, t, n, d)>
#head = affine_map<(b, t, n, d) -> (b, t, n)>

func.func @summed(%q: !t, %x: !g) -> !t {
  // expected-error @below {{'linalg.generic' op is not lowered to the tile level}}
  %beta = linalg.generic {
      indexing_maps = [#row, #head],
      iterator_types = ["parallel", "parallel", "parallel", "reduction"]}
      ins(%q : !t) outs(%x : !g) {
  ^bb0(%own: f32, %sum: f32):
    %next = arith.addf %own, %sum : f32
    linalg.yield %next : f32
  } -> !g
  %o = attn.recurrence %q, %q, %q erase(%beta : !g) {tile.schedule = #step} : !t, !t, !t -> !t
  return %o : !t
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<?x2x32xf32>
!kv = tensor<?x2x32x32xf32, #attn.state<key_value>>

func.func @counted(%q: !t, %cu: tensor<?xi32>) -> (!t, !kv) {
  // expected-error @below {{has final states of packed sequences without initial ones, which is not lowered to the tile level}}
  %o, %f = attn.recurrence %q, %q, %q cu_seqlens(%cu : tensor<?xi32>)
      {tile.schedule = #step} : !t, !t, !t -> !t state(!kv)
  return %o, %f : !t, !kv
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!q = tensor<1x1x2x32xf32>
!t = tensor<1x9x2x32xf32>

func.func @steps(%q: !q, %k: !t) -> !q {
  // expected-error @below {{expected at most 8 micro_steps to be lowered, got 9}}
  %o = attn.recurrence %q, %k, %k micro_steps(9) {tile.schedule = #step} : !q, !t, !t -> !q
  return %o : !q
}

// -----

#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x?x2x32xf32>

func.func @dynamic_steps(%q: !t, %k: !t) -> !t {
  // expected-error @below {{has micro_steps and a number of tokens that is not static, which is not lowered to the tile level}}
  %o = attn.recurrence %q, %k, %k micro_steps(2) {tile.schedule = #step} : !t, !t, !t -> !t
  return %o : !t
}

// -----

// Each of two blocks of columns would read the normalizer that one of them replaces.
#step = #tile.schedule<block_q = 64, block_kv = 1>
!t = tensor<1x3x2x32xf32>
!v = tensor<1x3x2x128xf32>
!s = tensor<4x2x32x128xf32, #attn.state<key_value>>
!z = tensor<4x2x32xf32>

func.func @normalizers(%q: !t, %v: !v, %s: !s, %z: !z, %slots: tensor<1xi32>) -> (!v, !s, !z) {
  // expected-error @below {{has a pool of normalizers and values of more than 64 channels, which is not lowered to the tile level}}
  %o, %f, %g = attn.recurrence %q, %q, %v denominator(1.0e-6) state(%s : !s)
      normalizer(%z : !z) slots(%slots : tensor<1xi32>) {tile.schedule = #step}
      : !t, !t, !v -> !v state(!s) normalizer(!z)
  return %o, %f, %g : !v, !s, !z
}
