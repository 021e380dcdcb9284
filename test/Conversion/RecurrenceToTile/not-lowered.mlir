// What has no chunked form yet is refused by name.
// RUN: attn-opt %s -attn-chunk-recurrence -split-input-file -verify-diagnostics

!q = tensor<?x?x2x64xbf16>

func.func @erase_direction(%q: !q) -> !q {
  // expected-error @below {{'attn.recurrence' op has an erase_direction without decays of channels, which is not lowered to the tile level}}
  %o = attn.recurrence %q, %q, %q erase_key(%q : !q) erase_direction(%q : !q) : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>

func.func @erase_direction_and_strengths(%q: !q, %g: !g, %b: tensor<?x?x2xf32>) -> !q {
  // expected-error @below {{'attn.recurrence' op has an erase_direction beside strengths or rows that are normalised, which is not lowered to the tile level}}
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase(%b : tensor<?x?x2xf32>) erase_direction(%q : !q) : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>

func.func @erase_direction_behind(%q: !q, %g: !g) -> !q {
  // expected-error @below {{'attn.recurrence' op has an erase_direction that reads behind the decay, which is not lowered to the tile level}}
  %o = attn.recurrence %q, %q, %q decay(%g : !g) erase_key(%q : !q) erase_direction(%q : !q) : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>

func.func @before_decay(%q: !q) -> !q {
  // expected-error @below {{'attn.recurrence' op has an erasure before a decay that is not one of channels, which is not lowered to the tile level}}
  %o = attn.recurrence %q, %q, %q erase_key(%q : !q) before_decay : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>

func.func @bonus(%q: !q, %b: tensor<2x64xf32>) -> !q {
  // expected-error @below {{'attn.recurrence' op has a bonus without decays of channels, which is not lowered to the tile level}}
  %o = attn.recurrence %q, %q, %q bonus(%b : tensor<2x64xf32>) : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>
!s = tensor<?x2x64x64xf32, #attn.state<key_value>>

func.func @denominator(%q: !q, %g: tensor<?x?x2x64xf32, #attn.gate<log>>) -> !q {
  // expected-error @below {{'attn.recurrence' op has a denominator beside decays of channels, which is not lowered to the tile level}}
  %o = attn.recurrence %q, %q, %q decay(%g : tensor<?x?x2x64xf32, #attn.gate<log>>) denominator(1.0e-06)
      : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>
!s = tensor<?x2x64x64xf32, #attn.state<key_value>>
!z = tensor<?x2x64xf32>

func.func @normalizers_of_a_pool(%q: !q, %s: !s, %z: !z, %i: tensor<?xi32>) -> (!q, !z) {
  // expected-error @below {{'attn.recurrence' op has final normalizers of a pool, which is not lowered to the tile level}}
  %o, %n = attn.recurrence %q, %q, %q denominator(1.0e-06) state(%s : !s) normalizer(%z : !z) slots(%i : tensor<?xi32>)
      : !q, !q, !q -> !q normalizer(!z)
  return %o, %n : !q, !z
}

// -----

!q = tensor<?x?x2x64xbf16>

func.func @micro_steps(%q: !q, %k: !q) -> !q {
  // expected-error @below {{'attn.recurrence' op has several writes a token, which is not lowered to the tile level}}
  %o = attn.recurrence %q, %k, %k micro_steps(2) : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x2x64xbf16>
!s = tensor<?x2x64x64xf32, #attn.state<key_value>>

func.func @packed_state(%q: !q, %cu: tensor<?xi32>) -> (!q, !s) {
  // expected-error @below {{'attn.recurrence' op has final states of packed sequences without initial ones, which is not lowered to the tile level}}
  %o, %s = attn.recurrence %q, %q, %q cu_seqlens(%cu : tensor<?xi32>) : !q, !q, !q -> !q state(!s)
  return %o, %s : !q, !s
}

// -----

!q = tensor<?x?x2x64xbf16>

func.func @kept(%q: !q) -> !q {
  // expected-error @below {{'attn.recurrence' op has kept states within chunks of 64 tokens, which is not lowered to the tile level}}
  %o, %k = attn.recurrence %q, %q, %q keep_every(96) : !q, !q, !q -> !q kept(tensor<?x?x2x64x64xf32, #attn.state<key_value>>)
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>
#row = affine_map<(b, t, n, c) -> (b, t, n, c)>

func.func @prepared(%q: !q, %x: !g) -> !q {
  %decays = linalg.generic {
      indexing_maps = [#row, #row],
      iterator_types = ["parallel", "parallel", "parallel", "parallel"]}
      ins(%x : !g) outs(%x : !g) {
  ^bb0(%own: f32, %unused: f32):
    %power = math.exp %own : f32
    linalg.yield %power : f32
  } -> !g
  // expected-error @below {{'attn.recurrence' op has channels that are prepared in front, which is not lowered to the tile level}}
  %o = attn.recurrence %q, %q, %q decay(%decays : !g) : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>
!n = tensor<?x?x2x64xf32>

func.func @gates_and_norms(%q: !q, %b: !n) -> !q {
  // expected-error @below {{'attn.recurrence' op has gates of channels beside rows that are normalised, which is not lowered to the tile level}}
  %o = attn.recurrence %q, %q, %q erase(%b : !n) l2_normalize(1.0e-06) : !q, !q, !q -> !q
  return %o : !q
}
