// RUN: attn-opt %s -split-input-file -verify-diagnostics

func.func @kv_latent_rank_C1(%c: tensor<?x1x576xbf16>) {
  // expected-error @below {{'attn.kv.latent' op expected key to have rank 4 ([B, Lk, Hk, D]), got 'tensor<?x1x576xbf16>'}}
  %0 = attn.kv.latent %c slice<512> : tensor<?x1x576xbf16>
  return
}

// -----

func.func @kv_latent_packed_rank_C1(%c: tensor<?x?x1x576xbf16>, %n: tensor<?xi32>) {
  // expected-error @below {{'attn.kv.latent' op expected key to have rank 3 ([total_k, Hk, D]), got 'tensor<?x?x1x576xbf16>'}}
  %0 = attn.kv.latent %c slice<512> cu_seqlens(%n : tensor<?xi32>) : tensor<?x?x1x576xbf16>
  return
}

// -----

func.func @kv_latent_slice_C2(%c: tensor<?x?x1x576xbf16>) {
  // expected-error @below {{'attn.kv.latent' op expected slice to be from 1 to 576, got 577}}
  %0 = attn.kv.latent %c slice<577> : tensor<?x?x1x576xbf16>
  return
}

// -----

func.func @kv_latent_ends_C3(%c: tensor<?x1x576xbf16>, %n: tensor<?xi64>) {
  // expected-error @below {{'attn.kv.latent' op expected cu_seqlens of i32 with one element more than there are sequences, got 'tensor<?xi64>'}}
  %0 = attn.kv.latent %c slice<512> cu_seqlens(%n : tensor<?xi64>) : tensor<?x1x576xbf16>
  return
}

// -----

func.func @kv_paged_pages_C1(%k: tensor<?x16x2x64xbf16>, %v: tensor<?x8x2x64xbf16>, %t: tensor<?x?xi32>, %n: tensor<?xi32>) {
  // expected-error @below {{'attn.kv.paged' op expected pages of keys and values of rank 4 that agree in all sizes but the last, got 'tensor<?x16x2x64xbf16>' and 'tensor<?x8x2x64xbf16>'}}
  %0 = attn.kv.paged %k values(%v : tensor<?x8x2x64xbf16>) table(%t, %n : tensor<?x?xi32>, tensor<?xi32>) : tensor<?x16x2x64xbf16>
  return
}

// -----

func.func @kv_paged_no_tensor_C1(%k: tensor<?x16x1x4xbf16>, %v: f32, %table: tensor<?x?xi32>, %n: tensor<?xi32>) {
  // expected-error @below {{'attn.kv.paged' op expected values in a ranked tensor, got 'f32'}}
  %kv = attn.kv.paged %k values(%v : f32) table(%table, %n : tensor<?x?xi32>, tensor<?xi32>) : tensor<?x16x1x4xbf16>
  return
}

// -----

func.func @kv_paged_rank_C1(%k: tensor<bf16>, %table: tensor<?x?xi32>, %n: tensor<?xi32>) {
  // expected-error @below {{'attn.kv.paged' op expected pages of keys and values of rank 4 that agree in all sizes but the last, got 'tensor<bf16>' and 'tensor<bf16>'}}
  // expected-error @below {{'attn.kv.paged' op failed to infer returned types}}
  %kv = "attn.kv.paged"(%k, %table, %n) <{operandSegmentSizes = array<i32: 1, 0, 1, 1, 0, 0, 0>, slice = 1}> : (tensor<bf16>, tensor<?x?xi32>, tensor<?xi32>) -> !attn.kv<tensor<?x?x1x4xbf16>, tensor<?x?x1x4xbf16>>
  return
}

// -----

func.func @kv_paged_values_C2(%k: tensor<?x16x2x64xbf16>, %t: tensor<?x?xi32>, %n: tensor<?xi32>) {
  // expected-error @below {{'attn.kv.paged' op expected either values or a slice of the keys}}
  %0 = attn.kv.paged %k table(%t, %n : tensor<?x?xi32>, tensor<?xi32>) : tensor<?x16x2x64xbf16>
  return
}

// -----

func.func @kv_paged_slice_C2(%k: tensor<?x16x2x64xbf16>, %t: tensor<?x?xi32>, %n: tensor<?xi32>) {
  // expected-error @below {{'attn.kv.paged' op expected slice to be from 1 to 64, got 65}}
  %0 = attn.kv.paged %k slice<65> table(%t, %n : tensor<?x?xi32>, tensor<?xi32>) : tensor<?x16x2x64xbf16>
  return
}

// -----

func.func @kv_paged_lists_C3(%k: tensor<?x16x2x64xbf16>) {
  // expected-error @below {{'attn.kv.paged' op expected either a table or csr}}
  %0 = attn.kv.paged %k slice<64> : tensor<?x16x2x64xbf16>
  return
}

// -----

func.func @kv_paged_table_C4(%k: tensor<?x16x2x64xbf16>, %t: tensor<?x?xi64>, %n: tensor<3xi32>) {
  // expected-error @below {{'attn.kv.paged' op expected table of type 'tensor<3x?xi32>', got 'tensor<?x?xi64>'}}
  %0 = attn.kv.paged %k slice<64> table(%t, %n : tensor<?x?xi64>, tensor<3xi32>) : tensor<?x16x2x64xbf16>
  return
}

// -----

func.func @kv_paged_indptr_C5(%k: tensor<?x16x2x64xbf16>, %p: tensor<3xi32>, %n: tensor<3xi32>) {
  // expected-error @below {{'attn.kv.paged' op expected indptr of type 'tensor<4xi32>', got 'tensor<3xi32>'}}
  %0 = attn.kv.paged %k slice<64> csr(%p, %n, %n : tensor<3xi32>, tensor<3xi32>, tensor<3xi32>) : tensor<?x16x2x64xbf16>
  return
}

// -----

func.func @kv_gather_argument_C1(%kv: !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>, %i: tensor<?x?x1x8xi32>) {
  // expected-error @below {{'attn.kv.gather' op expected source to be defined by a constructor such as 'attn.kv.dense', got an argument}}
  %0 = attn.kv.gather %kv at %i : !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>, tensor<?x?x1x8xi32>
  return
}

// -----

func.func @kv_gather_indices_C2(%k: tensor<?x?x2x64xbf16>, %i: tensor<?x?x8xi64>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  // expected-error @below {{'attn.kv.gather' op expected indices [B, Lq, Hs, n] or [total_q, Hs, n] of i32, got 'tensor<?x?x8xi64>'}}
  %0 = attn.kv.gather %kv at %i : !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>, tensor<?x?x8xi64>
  return
}

// -----

func.func @kv_gather_lists_C2(%k: tensor<?x?x2x64xbf16>, %i: tensor<?x?x?x8xi32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  // expected-error @below {{'attn.kv.gather' op expected dimension 2 of indices to be static and positive, got 'tensor<?x?x?x8xi32>'}}
  %0 = attn.kv.gather %kv at %i : !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>, tensor<?x?x?x8xi32>
  return
}

// -----

func.func @kv_gather_block_C3(%k: tensor<?x?x2x64xbf16>, %i: tensor<?x?x1x8xi32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  // expected-error @below {{'attn.kv.gather' op expected block to be at least 1, got 0}}
  %0 = attn.kv.gather %kv at %i block<0> : !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>, tensor<?x?x1x8xi32>
  return
}

// -----

func.func @kv_concat_argument_C1(%kv: !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>) {
  // expected-error @below {{'attn.kv.concat' op expected sources to be defined by a constructor such as 'attn.kv.dense', got an argument}}
  %0 = attn.kv.concat %kv : !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>> -> !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>
  return
}

// -----

func.func @kv_concat_none_C2() {
  // expected-error @below {{'attn.kv.concat' op expected at least one source}}
  %0 = "attn.kv.concat"() : () -> !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>
  return
}

// -----

func.func @kv_concat_packed_C2(%k: tensor<?x2x64xbf16>, %n: tensor<?xi32>) {
  %kv = attn.kv.varlen %k, %k, %n : tensor<?x2x64xbf16>, tensor<?x2x64xbf16>, tensor<?xi32>
  // expected-error @below {{'attn.kv.concat' op expected sources that are not packed, got '!attn.kv<tensor<?x2x64xbf16>, tensor<?x2x64xbf16>>'}}
  %0 = attn.kv.concat %kv : !attn.kv<tensor<?x2x64xbf16>, tensor<?x2x64xbf16>> -> !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>
  return
}

// -----

func.func @kv_concat_heads_C3(%k: tensor<?x?x2x64xbf16>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  // expected-error @below {{'attn.kv.concat' op expected sources that agree with '!attn.kv<tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>>' but for the length, got '!attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>'}}
  %0 = attn.kv.concat %kv : !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>> -> !attn.kv<tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>>
  return
}

// -----

func.func @kv_concat_length_C3(%k: tensor<1x3x2x64xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<1x3x2x64xf32>, tensor<1x3x2x64xf32>
  // expected-error @below {{'attn.kv.concat' op expected kv of length 6, got '!attn.kv<tensor<1x5x2x64xf32>, tensor<1x5x2x64xf32>>'}}
  %0 = attn.kv.concat %kv, %kv : !attn.kv<tensor<1x3x2x64xf32>, tensor<1x3x2x64xf32>>, !attn.kv<tensor<1x3x2x64xf32>, tensor<1x3x2x64xf32>> -> !attn.kv<tensor<1x5x2x64xf32>, tensor<1x5x2x64xf32>>
  return
}

// -----

func.func @attention_pages_and_sequences_C12(%q: tensor<?x4x64xbf16>, %k: tensor<?x16x2x64xbf16>, %t: tensor<2x?xi32>, %n: tensor<2xi32>, %cu: tensor<4xi32>) {
  %kv = attn.kv.paged %k slice<64> table(%t, %n : tensor<2x?xi32>, tensor<2xi32>) : tensor<?x16x2x64xbf16>
  // expected-error @below {{'attn.attention' op expected cu_seqlens of as many sequences as have pages, got 3 and 2}}
  %0 = attn.attention %q, %kv cu_seqlens(%cu : tensor<4xi32>) : tensor<?x4x64xbf16>, !attn.kv<tensor<2x?x2x64xbf16>, tensor<2x?x2x64xbf16>> -> tensor<?x4x64xbf16>
  return
}

// -----

func.func @attention_gathered_lists_C16(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x2x64xbf16>, %i: tensor<?x?x1x8xi32>, %n: tensor<1x1x?xi32>, %c: tensor<1x1x?x?xi32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  %some = attn.kv.gather %kv at %i : !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>>, tensor<?x?x1x8xi32>
  // expected-error @below {{'attn.attention' op expected no lists of blocks with keys of 'attn.kv.gather', which are not one dense tensor}}
  %0 = attn.attention %q, %some blocks<128, 128> full(%n, %c : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) : tensor<?x?x4x64xbf16>, !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>> -> tensor<?x?x4x64xbf16>
  return
}

// -----

func.func @attention_positions_C17(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x2x64xbf16>, %p: tensor<?xi32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  // expected-error @below {{'attn.attention' op expected positions of type 'tensor<?x?xi32>', got 'tensor<?xi32>'}}
  %0 = attn.attention %q, %kv positions(%p : tensor<?xi32>) : tensor<?x?x4x64xbf16>, !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>> -> tensor<?x?x4x64xbf16>
  return
}

// -----

func.func @attention_sink_off_by_one_C18(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x2x64xbf16>, %s: tensor<4xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  // expected-error @below {{'attn.attention' op expected a sink with the normalizer softmax alone, got off_by_one}}
  %0 = attn.attention %q, %kv normalizer<off_by_one> sink(%s : tensor<4xf32>) : tensor<?x?x4x64xbf16>, !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>> -> tensor<?x?x4x64xbf16>
  return
}

// -----

func.func @attention_sigmoid_lse_C18(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x2x64xbf16>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  // expected-error @below {{'attn.attention' op expected no lse with the normalizer sigmoid, which has no sum}}
  %0, %1 = attn.attention %q, %kv normalizer<sigmoid> : tensor<?x?x4x64xbf16>, !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>> -> tensor<?x?x4x64xbf16>, tensor<?x4x?xf32>
  return
}

// -----

// the short form of a mask
func.func @mask_name(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x2x64xbf16>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  // expected-error @below {{expected 'causal', 'window', 'first', 'chunk', 'prefix', 'document', 'dilated', 'column', 'span', 'bits' or 'tree', got 'strided'}}
  %0 = attn.attention %q, %kv mask(strided) : tensor<?x?x4x64xbf16>, !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>> -> tensor<?x?x4x64xbf16>
  return
}

// -----

// the short form of a score modifier
func.func @score_name(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x2x64xbf16>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>
  // expected-error @below {{expected 'softcap', 'alibi' or 'bias', got 'cap'}}
  %0 = attn.attention %q, %kv score(cap) : tensor<?x?x4x64xbf16>, !attn.kv<tensor<?x?x2x64xbf16>, tensor<?x?x2x64xbf16>> -> tensor<?x?x4x64xbf16>
  return
}

// -----

func.func @dilated_C1(%p: index) {
  // expected-error @below {{'attn.dilated' op expected step to be at least 1, got 0}}
  %0 = attn.dilated<0> %p, %p
  return
}

// -----

func.func @column_stretch_C1(%p: index) {
  // expected-error @below {{'attn.column' op expected stretch to be at least 1, got 0}}
  %0 = attn.column<0, 0> %p
  return
}

// -----

func.func @column_count_C1(%p: index) {
  // expected-error @below {{'attn.column' op expected count from 0 to 8, got 9}}
  %0 = attn.column<8, 9> %p
  return
}

// -----

func.func @span_C1(%p: index, %t: tensor<?xi32>) {
  // expected-error @below {{'attn.span' op expected ids of type 'tensor<?x?xi32>', got 'tensor<?xi32>'}}
  %0 = attn.span %t, %p, %p, %p : tensor<?xi32>
  return
}

// -----

func.func @bits_rank_C1(%p: index, %t: tensor<?x?xi32>) {
  // expected-error @below {{'attn.bits' op expected words of type 'tensor<?x?x?xi32>', got 'tensor<?x?xi32>'}}
  %0 = attn.bits %t, %p, %p, %p : tensor<?x?xi32>
  return
}

// -----

func.func @bits_width_C1(%p: index, %t: tensor<?x?x?xi64>) {
  // expected-error @below {{'attn.bits' op expected words of integers of at most 32 bits, got 'tensor<?x?x?xi64>'}}
  %0 = attn.bits %t, %p, %p, %p : tensor<?x?x?xi64>
  return
}

// -----

func.func @tree_lengths_C1(%p: index, %n: tensor<?x?xi32>, %t: tensor<?x?x?xi32>) {
  // expected-error @below {{'attn.tree' op expected lengths of type 'tensor<?xi32>', got 'tensor<?x?xi32>'}}
  %0 = attn.tree %n, %t, %p, %p, %p : tensor<?x?xi32>, tensor<?x?x?xi32>
  return
}

// -----

func.func @tree_ancestors_C2(%p: index, %n: tensor<?xi32>, %t: tensor<?x?xi32>) {
  // expected-error @below {{'attn.tree' op expected ancestors of type 'tensor<?x?x?xi32>', got 'tensor<?x?xi32>'}}
  %0 = attn.tree %n, %t, %p, %p, %p : tensor<?xi32>, tensor<?x?xi32>
  return
}

// -----

func.func @bias_C1(%x: f32, %p: index, %t: tensor<?x?x?xf32>) {
  // expected-error @below {{'attn.bias' op expected bias of type 'tensor<?x?x?x?xf32>', got 'tensor<?x?x?xf32>'}}
  %0 = attn.bias %x, %t, %p, %p, %p, %p : tensor<?x?x?xf32>
  return
}
