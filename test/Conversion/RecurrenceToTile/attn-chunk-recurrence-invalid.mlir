// RUN: attn-opt %s -attn-chunk-recurrence -split-input-file -verify-diagnostics

!q = tensor<?x?x2x64xbf16>

func.func @no_schedule(%q: !q) -> !q {
  // expected-error @below {{'attn.recurrence' op has no tile.schedule; run attn-select-schedule first}}
  %o = attn.recurrence %q, %q, %q : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>

func.func @block(%q: !q) -> !q {
  // expected-error @below {{'attn.recurrence' op expected a block_q that divides the 64 channels of the values, got 48}}
  %o = attn.recurrence %q, %q, %q {tile.schedule = #tile.schedule<block_q = 48, block_kv = 64>} : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>
!s = tensor<?x?x2x64x64xf32, #attn.state<key_value>>

func.func @kept(%q: !q) -> (!q, !s) {
  // expected-error @below {{'attn.recurrence' op expected a block_kv that divides the 64 tokens between kept states, got 128}}
  %o, %k = attn.recurrence %q, %q, %q keep_every(64) {tile.schedule = #tile.schedule<block_q = 64, block_kv = 128>} : !q, !q, !q -> !q kept(!s)
  return %o, %k : !q, !s
}

// -----

!q = tensor<?x?x2x64xbf16>
!g = tensor<2xf32, #attn.gate<linear>>

// expected-error @below {{expected a recurrence alone in its function, and what prepares its gates}}
func.func @constant(%q: !q) -> !q {
  %g = arith.constant dense<0.5> : !g
  %o = attn.recurrence %q, %q, %q decay(%g : !g) {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>

// expected-error @below {{expected argument 1 to be an operand of the recurrence}}
func.func @unused(%q: !q, %x: !q) -> !q {
  %o = attn.recurrence %q, %q, %q {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>

// expected-error @below {{expected results of the recurrence to be returned, each once}}
func.func @twice(%q: !q) -> (!q, !q) {
  %o = attn.recurrence %q, %q, %q {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !q -> !q
  return %o, %o : !q, !q
}

// -----

!q = tensor<?x?x2x64xbf16>
!s = tensor<?x2x64x64xf32, #attn.state<key_value>>

// expected-error @below {{expected the output of the recurrence to be returned}}
func.func @state_alone(%q: !q) -> !s {
  %o, %s = attn.recurrence %q, %q, %q {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64>} : !q, !q, !q -> !q state(!s)
  return %s : !s
}

// -----

!q = tensor<?x?x2x64xbf16>

func.func @segments(%q: !q) -> !q {
  // expected-error @below {{expected a decay, of channels where tokens erase but along the keys, and no slots for segment_chunks; expected 0, got 4}}
  %o = attn.recurrence %q, %q, %q {tile.schedule = #tile.schedule<block_q = 64, block_kv = 64, segment_chunks = 4>} : !q, !q, !q -> !q
  return %o : !q
}

// -----

!q = tensor<?x?x2x64xbf16>
!g = tensor<?x?x2x64xf32, #attn.gate<log>>
!n = tensor<?x?x2xf32>

func.func @erased_channels(%q: !q, %v: tensor<?x?x2x128xbf16>, %g: !g, %b: !n) -> tensor<?x?x2x128xbf16> {
  // expected-error @below {{expected a block_q that divides the 64 channels of the keys for segment_chunks, got 128}}
  %o = attn.recurrence %q, %q, %v decay(%g : !g) erase(%b : !n) write(%b : !n)
      {tile.schedule = #tile.schedule<block_q = 128, block_kv = 64, segment_chunks = 4>} : !q, !q, tensor<?x?x2x128xbf16> -> tensor<?x?x2x128xbf16>
  return %o : tensor<?x?x2x128xbf16>
}
