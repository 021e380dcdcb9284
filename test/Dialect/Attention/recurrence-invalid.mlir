// RUN: attn-opt %s -split-input-file -verify-diagnostics

// attn.recurrence

func.func @recurrence_query_rank_C1(%q: tensor<4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected query of rank 4 ([B, T, H, K]), got 'tensor<4x2x8xf32>'}}
  %o = attn.recurrence %q, %k, %v : tensor<4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_query_rank_packed_C1(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<3xi32>) {
  // expected-error @below {{'attn.recurrence' op expected query of rank 3 ([total, H, K]) with cu_seqlens, got 'tensor<2x4x2x8xf32>'}}
  %o = attn.recurrence %q, %k, %v cu_seqlens(%x : tensor<3xi32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_query_type_C1(%q: tensor<2x4x2x8xf64>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected query of bf16, f16 or f32, got 'tensor<2x4x2x8xf64>'}}
  %o = attn.recurrence %q, %k, %v : tensor<2x4x2x8xf64>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_query_heads_C1(%q: tensor<2x4x?x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected heads and channels of query to be static and positive, got 'tensor<2x4x?x8xf32>'}}
  %o = attn.recurrence %q, %k, %v : tensor<2x4x?x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_query_channels_C1(%q: tensor<2x4x2x0xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected heads and channels of query to be static and positive, got 'tensor<2x4x2x0xf32>'}}
  %o = attn.recurrence %q, %k, %v : tensor<2x4x2x0xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_key_shape_C2(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x4x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected key of [2, 4, 2, 8] and 'f32', got 'tensor<2x4x4x8xf32>'}}
  %o = attn.recurrence %q, %k, %v : tensor<2x4x2x8xf32>, tensor<2x4x4x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_key_type_C2(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xbf16>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected key of [2, 4, 2, 8] and 'f32', got 'tensor<2x4x2x8xbf16>'}}
  %o = attn.recurrence %q, %k, %v : tensor<2x4x2x8xf32>, tensor<2x4x2x8xbf16>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_key_micro_steps_C2(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected key of [2, 12, 2, 8] and 'f32', got 'tensor<2x4x2x8xf32>'}}
  %o = attn.recurrence %q, %k, %v micro_steps(3) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_value_rows_C3(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x5x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected value of [2, 4, ?, ?] and 'f32', got 'tensor<2x5x4x6xf32>'}}
  %o = attn.recurrence %q, %k, %v : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x5x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_value_rank_C3(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected value of [2, 4, ?, ?] and 'f32', got 'tensor<4x4x6xf32>'}}
  %o = attn.recurrence %q, %k, %v : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_value_static_C3(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x?xf32>) {
  // expected-error @below {{'attn.recurrence' op expected heads and channels of value to be static and positive, got 'tensor<2x4x4x?xf32>'}}
  %o = attn.recurrence %q, %k, %v : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x?xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_value_heads_C3(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x3x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected the value heads to be a multiple of the heads, got 3 and 2}}
  %o = attn.recurrence %q, %k, %v : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x3x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_output_C4(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected output of type 'tensor<2x4x4x6xf32>', got 'tensor<2x4x2x6xf32>'}}
  %o = attn.recurrence %q, %k, %v : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x2x6xf32>
  return
}

// -----

func.func @recurrence_decay_shape_C5(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x4x6xf32, #attn.gate<log>>) {
  // expected-error @below {{'attn.recurrence' op expected decay of [4], [2, 4, 4] or [2, 4, 4, 8] and f32, got 'tensor<2x4x4x6xf32, #attn.gate<log>>'}}
  %o = attn.recurrence %q, %k, %v decay(%x : tensor<2x4x4x6xf32, #attn.gate<log>>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_decay_type_C5(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<4xbf16, #attn.gate<log>>) {
  // expected-error @below {{'attn.recurrence' op expected decay of [4], [2, 4, 4] or [2, 4, 4, 8] and f32, got 'tensor<4xbf16, #attn.gate<log>>'}}
  %o = attn.recurrence %q, %k, %v decay(%x : tensor<4xbf16, #attn.gate<log>>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_decay_encoding_C5(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x4xf32>) {
  // expected-error @below {{'attn.recurrence' op expected decay with the encoding #attn.gate<log> or #attn.gate<linear>, got 'tensor<2x4x4xf32>'}}
  %o = attn.recurrence %q, %k, %v decay(%x : tensor<2x4x4xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_decay_of_state_C5(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<4xf32, #attn.state<key_value>>) {
  // expected-error @below {{'attn.recurrence' op expected decay with the encoding #attn.gate<log> or #attn.gate<linear>, got 'tensor<4xf32, #attn.state<key_value>>'}}
  %o = attn.recurrence %q, %k, %v decay(%x : tensor<4xf32, #attn.state<key_value>>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_erase_shape_C6(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected erase of [2, 4, 4] or [2, 4, 4, 8] and f32, got 'tensor<2x4x4x6xf32>'}}
  %o = attn.recurrence %q, %k, %v erase(%x : tensor<2x4x4x6xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_erase_type_C6(%q: tensor<2x4x2x8xbf16>, %v: tensor<2x4x4x6xbf16>, %x: tensor<2x4x4x8xf16>) {
  // expected-error @below {{'attn.recurrence' op expected erase of [2, 4, 4] or [2, 4, 4, 8] and f32, or of the latter and 'bf16', got 'tensor<2x4x4x8xf16>'}}
  %o = attn.recurrence %q, %q, %v erase(%x : tensor<2x4x4x8xf16>) : tensor<2x4x2x8xbf16>, tensor<2x4x2x8xbf16>, tensor<2x4x4x6xbf16> -> tensor<2x4x4x6xbf16>
  return
}

// -----

func.func @recurrence_write_type_C6(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x4xbf16>) {
  // expected-error @below {{'attn.recurrence' op expected write of [2, 4, 4] or [2, 4, 4, 6] and f32, got 'tensor<2x4x4xbf16>'}}
  %o = attn.recurrence %q, %k, %v write(%x : tensor<2x4x4xbf16>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_erase_key_heads_C7(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x3x8xf32>) {
  // expected-error @below {{'attn.recurrence' op expected erase_key of [2, 4, 2, 8] or [2, 4, 4, 8] and 'f32', got 'tensor<2x4x3x8xf32>'}}
  %o = attn.recurrence %q, %k, %v erase_key(%x : tensor<2x4x3x8xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_erase_key_dynamic_C7(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x?x8xf32>) {
  // expected-error @below {{'attn.recurrence' op expected erase_key of [2, 4, 2, 8] or [2, 4, 4, 8] and 'f32', got 'tensor<2x4x?x8xf32>'}}
  %o = attn.recurrence %q, %k, %v erase_key(%x : tensor<2x4x?x8xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_erase_direction_type_C7(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x2x8xf16>) {
  // expected-error @below {{'attn.recurrence' op expected erase_direction of [2, 4, 2, 8] or [2, 4, 4, 8] and 'f32', got 'tensor<2x4x2x8xf16>'}}
  %o = attn.recurrence %q, %k, %v erase_key(%q : tensor<2x4x2x8xf32>) erase_direction(%x : tensor<2x4x2x8xf16>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_direction_alone_C8(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected erase_direction to come with erase or erase_key}}
  %o = attn.recurrence %q, %k, %v erase_direction(%q : tensor<2x4x2x8xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_before_decay_alone_C8(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected before_decay to come with erase or erase_key}}
  %o = attn.recurrence %q, %k, %v before_decay : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_bonus_shape_C9(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<4x8xf32>) {
  // expected-error @below {{'attn.recurrence' op expected bonus of [2, 8] and f32, got 'tensor<4x8xf32>'}}
  %o = attn.recurrence %q, %k, %v bonus(%x : tensor<4x8xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_bonus_and_erase_C9(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x8xf32>) {
  // expected-error @below {{'attn.recurrence' op expected bonus to come with a single write that erases nothing}}
  %o = attn.recurrence %q, %k, %v erase_key(%q : tensor<2x4x2x8xf32>) bonus(%x : tensor<2x8xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_denominator_negative_C10(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected denominator to be finite and not negative, got -1.000000e+00}}
  %o = attn.recurrence %q, %k, %v denominator(-1.0) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_denominator_and_erase_C10(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected denominator to come without erase, erase_key, write and bonus}}
  %o = attn.recurrence %q, %k, %v erase_key(%q : tensor<2x4x2x8xf32>) denominator(0.0) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_normalizer_alone_C10(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x8xf32>) {
  // expected-error @below {{'attn.recurrence' op expected normalizer to come with a denominator}}
  %o = attn.recurrence %q, %k, %v normalizer(%x : tensor<2x4x8xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_state_encoding_C11(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x8x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected state with the encoding #attn.state<key_value> or #attn.state<value_key>, got 'tensor<2x4x8x6xf32>'}}
  %o = attn.recurrence %q, %k, %v state(%x : tensor<2x4x8x6xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_state_layout_C11(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x8x6xf32, #attn.state<value_key>>) {
  // expected-error @below {{'attn.recurrence' op expected state of [2, 4, 6, 8] and bf16, f16 or f32, got 'tensor<2x4x8x6xf32, #attn.state<value_key>>'}}
  %o = attn.recurrence %q, %k, %v state(%x : tensor<2x4x8x6xf32, #attn.state<value_key>>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_state_type_C11(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x8x6xf64, #attn.state<key_value>>) {
  // expected-error @below {{'attn.recurrence' op expected state of [2, 4, 8, 6] and bf16, f16 or f32, got 'tensor<2x4x8x6xf64, #attn.state<key_value>>'}}
  %o = attn.recurrence %q, %k, %v state(%x : tensor<2x4x8x6xf64, #attn.state<key_value>>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_normalizer_shape_C11(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected normalizer of [2, 4, 8] and f32, got 'tensor<2x4x6xf32>'}}
  %o = attn.recurrence %q, %k, %v denominator(0.0) normalizer(%x : tensor<2x4x6xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_final_state_shape_C12(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected final state of [2, 4, 8, 6] and bf16, f16 or f32, got 'tensor<3x4x8x6xf32, #attn.state<key_value>>'}}
  %o, %s = attn.recurrence %q, %k, %v : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32> state(tensor<3x4x8x6xf32, #attn.state<key_value>>)
  return
}

// -----

func.func @recurrence_final_normalizer_alone_C12(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected final normalizer to come with a denominator}}
  %o, %s = attn.recurrence %q, %k, %v : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32> normalizer(tensor<2x4x8xf32>)
  return
}

// -----

func.func @recurrence_final_pool_C12(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<9x4x8x6xf32, #attn.state<key_value>>, %y: tensor<2xi32>) {
  // expected-error @below {{'attn.recurrence' op expected final state to be a pool of type 'tensor<9x4x8x6xf32, #attn.state<key_value>>', got 'tensor<9x4x6x8xf32, #attn.state<value_key>>'}}
  %o, %s = attn.recurrence %q, %k, %v state(%x : tensor<9x4x8x6xf32, #attn.state<key_value>>) slots(%y : tensor<2xi32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32> state(tensor<9x4x6x8xf32, #attn.state<value_key>>)
  return
}

// -----

func.func @recurrence_slots_shape_C13(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<9x4x8x6xf32, #attn.state<key_value>>, %y: tensor<3xi32>) {
  // expected-error @below {{'attn.recurrence' op expected slots of [2] and i32, got 'tensor<3xi32>'}}
  %o = attn.recurrence %q, %k, %v state(%x : tensor<9x4x8x6xf32, #attn.state<key_value>>) slots(%y : tensor<3xi32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_slots_alone_C13(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %y: tensor<2xi32>) {
  // expected-error @below {{'attn.recurrence' op expected slots to come with a state}}
  %o = attn.recurrence %q, %k, %v slots(%y : tensor<2xi32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_slots_normalizer_C13(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<9x4x8x6xf32, #attn.state<key_value>>, %y: tensor<2xi32>) {
  // expected-error @below {{'attn.recurrence' op expected slots to come with a normalizer where there is a denominator}}
  %o = attn.recurrence %q, %k, %v denominator(0.0) state(%x : tensor<9x4x8x6xf32, #attn.state<key_value>>) slots(%y : tensor<2xi32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_cu_seqlens_type_C14(%q: tensor<4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<3xi64>) {
  // expected-error @below {{'attn.recurrence' op expected cu_seqlens of i32 with one element more than there are sequences, got 'tensor<3xi64>'}}
  %o = attn.recurrence %q, %k, %v cu_seqlens(%x : tensor<3xi64>) : tensor<4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_scale_C15(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected scale to be finite, got INF}}
  %o = attn.recurrence %q, %k, %v scale(0x7F800000) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_l2_normalize_C15(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected l2_normalize to be finite and not negative, got -1.000000e+00}}
  %o = attn.recurrence %q, %k, %v l2_normalize(-1.0) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_micro_steps_C15(%q: tensor<2x4x2x8xf32>, %k: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected at least one micro-step, got 0}}
  %o = attn.recurrence %q, %k, %v micro_steps(0) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_decay_heads_C5(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x?xf32, #attn.gate<log>>) {
  // expected-error @below {{'attn.recurrence' op expected decay of [4], [2, 4, 4] or [2, 4, 4, 8] and f32, got 'tensor<2x4x?xf32, #attn.gate<log>>'}}
  %o = attn.recurrence %q, %q, %v decay(%x : tensor<2x4x?xf32, #attn.gate<log>>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_micro_steps_many_C2(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected key of [2, 9223372036854775807, 2, 8] and 'f32', got 'tensor<2x4x2x8xf32>'}}
  %o = attn.recurrence %q, %q, %v micro_steps(9223372036854775807) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_erase_is_decay_C16(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %x: tensor<2x4x4xf32, #attn.gate<log>>) {
  // expected-error @below {{'attn.recurrence' op expected erase without an encoding, got 'tensor<2x4x4xf32, #attn.gate<log>>'}}
  %o = attn.recurrence %q, %q, %v erase(%x : tensor<2x4x4xf32, #attn.gate<log>>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_keep_every_alone_C17(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected keep_every and kept states to come together}}
  %o = attn.recurrence %q, %q, %v keep_every(2) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_kept_alone_C17(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected keep_every and kept states to come together}}
  %o, %s = attn.recurrence %q, %q, %v  : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32> kept(tensor<2x2x4x8x6xf32, #attn.state<key_value>>)
  return
}

// -----

func.func @recurrence_keep_every_zero_C17(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected keep_every to be positive, got 0}}
  %o, %s = attn.recurrence %q, %q, %v keep_every(0) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32> kept(tensor<2x2x4x8x6xf32, #attn.state<key_value>>)
  return
}

// -----

func.func @recurrence_keep_denominator_C17(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected keep_every to come without a denominator}}
  %o, %s = attn.recurrence %q, %q, %v denominator(1.0) keep_every(2) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32> kept(tensor<2x2x4x8x6xf32, #attn.state<key_value>>)
  return
}

// -----

func.func @recurrence_kept_count_C17(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected kept states of [2, 1, 4, 8, 6] and bf16, f16 or f32, got 'tensor<2x2x4x8x6xf32, #attn.state<key_value>>'}}
  %o, %s = attn.recurrence %q, %q, %v keep_every(3) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32> kept(tensor<2x2x4x8x6xf32, #attn.state<key_value>>)
  return
}

// -----

func.func @recurrence_kept_layout_C17(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected kept states of [2, 2, 4, 6, 8] and bf16, f16 or f32, got 'tensor<2x2x4x8x6xf32, #attn.state<value_key>>'}}
  %o, %s = attn.recurrence %q, %q, %v keep_every(2) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32> kept(tensor<2x2x4x8x6xf32, #attn.state<value_key>>)
  return
}

// -----

func.func @recurrence_kept_encoding_C17(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected kept states with the encoding #attn.state<key_value> or #attn.state<value_key>, got 'tensor<2x2x4x8x6xf32>'}}
  %o, %s = attn.recurrence %q, %q, %v keep_every(2) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32> kept(tensor<2x2x4x8x6xf32>)
  return
}

// -----

// attn.recurrence_backward

func.func @recurrence_backward_operands_C1(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %g: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence_backward' op expected before_decay to come with erase or erase_key}}
  %dq, %dk, %dv = attn.recurrence_backward %q, %q, %v before_decay gradient(%g : tensor<2x4x4x6xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_backward_output_C2(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %g: tensor<2x4x2x6xf32>) {
  // expected-error @below {{'attn.recurrence_backward' op expected output_gradient of type 'tensor<2x4x4x6xf32>', got 'tensor<2x4x2x6xf32>'}}
  %dq, %dk, %dv = attn.recurrence_backward %q, %q, %v gradient(%g : tensor<2x4x2x6xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_backward_state_C3(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %g: tensor<2x4x4x6xf32>, %x: tensor<2x4x6x8xf32, #attn.state<key_value>>) {
  // expected-error @below {{'attn.recurrence_backward' op expected state_gradient of [2, 4, 8, 6] and bf16, f16 or f32, got 'tensor<2x4x6x8xf32, #attn.state<key_value>>'}}
  %dq, %dk, %dv = attn.recurrence_backward %q, %q, %v gradient(%g : tensor<2x4x4x6xf32>) state_gradient(%x : tensor<2x4x6x8xf32, #attn.state<key_value>>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_backward_normalizer_C3(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %g: tensor<2x4x4x6xf32>, %x: tensor<2x4x8xf32>) {
  // expected-error @below {{'attn.recurrence_backward' op expected normalizer_gradient to come with a denominator}}
  %dq, %dk, %dv = attn.recurrence_backward %q, %q, %v gradient(%g : tensor<2x4x4x6xf32>) normalizer_gradient(%x : tensor<2x4x8xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_backward_query_C4(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %g: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence_backward' op expected the gradient of query to be of type 'tensor<2x4x2x8xf32>', got 'tensor<2x4x2x8xbf16>'}}
  %dq, %dk, %dv = attn.recurrence_backward %q, %q, %v gradient(%g : tensor<2x4x4x6xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x2x8xbf16>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_backward_decay_C4(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %g: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence_backward' op expected decay where its gradient is asked for}}
  %dq, %dk, %dv, %dg = attn.recurrence_backward %q, %q, %v gradient(%g : tensor<2x4x4x6xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> decay(tensor<4xf32, #attn.gate<log>>)
  return
}

// -----

func.func @recurrence_backward_gate_scale_C4(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %g: tensor<2x4x4x6xf32>, %x: tensor<4xf32, #attn.gate<log>>) {
  // expected-error @below {{'attn.recurrence_backward' op expected the gradient of decay to be of type 'tensor<4xf32, #attn.gate<log>>', got 'tensor<4xf32, #attn.gate<linear>>'}}
  %dq, %dk, %dv, %dg = attn.recurrence_backward %q, %q, %v decay(%x : tensor<4xf32, #attn.gate<log>>) gradient(%g : tensor<2x4x4x6xf32>) : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> decay(tensor<4xf32, #attn.gate<linear>>)
  return
}

// -----

func.func @recurrence_allow_neg_eigval_alone_C18(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>) {
  // expected-error @below {{'attn.recurrence' op expected allow_neg_eigval to come with erase, and without erase_direction}}
  %o = attn.recurrence %q, %q, %v erase_key(%q : tensor<2x4x2x8xf32>) allow_neg_eigval : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}

// -----

func.func @recurrence_allow_neg_eigval_direction_C18(%q: tensor<2x4x2x8xf32>, %v: tensor<2x4x4x6xf32>, %e: tensor<2x4x4xf32>) {
  // expected-error @below {{'attn.recurrence' op expected allow_neg_eigval to come with erase, and without erase_direction}}
  %o = attn.recurrence %q, %q, %v erase(%e : tensor<2x4x4xf32>) erase_direction(%q : tensor<2x4x2x8xf32>) allow_neg_eigval : tensor<2x4x2x8xf32>, tensor<2x4x2x8xf32>, tensor<2x4x4x6xf32> -> tensor<2x4x4x6xf32>
  return
}
