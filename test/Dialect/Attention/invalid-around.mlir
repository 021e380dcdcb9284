// RUN: attn-opt %s -split-input-file -verify-diagnostics

func.func @merge_none_C1() {
  // expected-error @below {{'attn.merge' op expected at least one part}}
  %0 = "attn.merge"() <{operandSegmentSizes = array<i32: 0, 0, 0>}> : () -> tensor<?x?x8x64xf32>
  return
}

// -----

func.func @merge_rank_C1(%o: tensor<?xf32>) {
  // expected-error @below {{'attn.merge' op expected parts [B, Lq, Hq, Dv] or [total_q, Hq, Dv], got 'tensor<?xf32>'}}
  %0 = attn.merge %o : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @merge_types_C1(%o: tensor<?x?x8x64xf32>, %p: tensor<?x?x4x64xf32>) {
  // expected-error @below {{'attn.merge' op expected parts of one type, got 'tensor<?x?x8x64xf32>' and 'tensor<?x?x4x64xf32>'}}
  %0 = attn.merge %o, %p : (tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>) -> tensor<?x?x8x64xf32>
  return
}

// -----

func.func @merge_lses_C2(%o: tensor<?x?x8x64xf32>, %l: tensor<?x8x?xf32>) {
  // expected-error @below {{'attn.merge' op expected an lse for each of the 2 parts, got 1}}
  %0 = attn.merge %o, %o lse(%l) : (tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>
  return
}

// -----

func.func @merge_bases_C2(%o: tensor<?x?x8x64xf32>, %l: tensor<?x8x?xf32>, %m: tensor<?x8x?xf32, #attn.log2>) {
  // expected-error @below {{'attn.merge' op expected lse of one type and base, got 'tensor<?x8x?xf32>' and 'tensor<?x8x?xf32, #attn.log2>'}}
  %0 = attn.merge %o, %o lse(%l, %m) : (tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<?x8x?xf32, #attn.log2>) -> tensor<?x?x8x64xf32>
  return
}

// -----

func.func @merge_result_base_C2(%o: tensor<?x?x8x64xf32>, %l: tensor<?x8x?xf32, #attn.log2>) {
  // expected-error @below {{'attn.merge' op expected the lse to have the type of those of the parts, 'tensor<?x8x?xf32, #attn.log2>', got 'tensor<?x8x?xf32>'}}
  %0, %1 = attn.merge %o lse(%l) : (tensor<?x?x8x64xf32>, tensor<?x8x?xf32, #attn.log2>) -> (tensor<?x?x8x64xf32>, tensor<?x8x?xf32>)
  return
}

// -----

func.func @merge_lse_shape_C2(%o: tensor<?x?x8x64xf32>, %l: tensor<?x4x?xf32>) {
  // expected-error @below {{'attn.merge' op expected lse of type 'tensor<?x8x?xf32>', got 'tensor<?x4x?xf32>'}}
  %0 = attn.merge %o lse(%l) : (tensor<?x?x8x64xf32>, tensor<?x4x?xf32>) -> tensor<?x?x8x64xf32>
  return
}

// -----

func.func @merge_sum_sink_C3(%o: tensor<?x?x8x64xf32>, %s: tensor<8xf32>) {
  // expected-error @below {{'attn.merge' op expected a sink with lse alone: sums have no total that it could be part of}}
  %0 = attn.merge %o sink(%s) : (tensor<?x?x8x64xf32>, tensor<8xf32>) -> tensor<?x?x8x64xf32>
  return
}

// -----

func.func @merge_sink_C3(%o: tensor<?x?x8x64xf32>, %l: tensor<?x8x?xf32>, %s: tensor<4xf32>) {
  // expected-error @below {{'attn.merge' op expected sink of type 'tensor<8xf32>', got 'tensor<4xf32>'}}
  %0 = attn.merge %o lse(%l) sink(%s) : (tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<4xf32>) -> tensor<?x?x8x64xf32>
  return
}

// -----

func.func @merge_output_C4(%o: tensor<?x?x8x64xf32>) {
  // expected-error @below {{'attn.merge' op expected output of bf16, f16 or f32, got 'tensor<?x?x8x64xi32>'}}
  %0 = attn.merge %o : (tensor<?x?x8x64xf32>) -> tensor<?x?x8x64xi32>
  return
}

// -----

func.func @merge_sum_lse_C5(%o: tensor<?x?x8x64xf32>) {
  // expected-error @below {{'attn.merge' op expected no lse of parts that have none}}
  %0, %1 = attn.merge %o : (tensor<?x?x8x64xf32>) -> (tensor<?x?x8x64xf32>, tensor<?x8x?xf32>)
  return
}

// -----

func.func @convert_lse_C1(%l: tensor<?x8x?xf32>) {
  // expected-error @below {{'attn.convert_lse' op expected f32 of one shape to and from the encoding #attn.log2, got 'tensor<?x8x?xf32>' and 'tensor<?x8x?xf32>'}}
  %0 = attn.convert_lse %l : tensor<?x8x?xf32> -> tensor<?x8x?xf32>
  return
}

// -----

func.func @select_key_C1(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x1x32xf32>) {
  // expected-error @below {{'attn.select' op expected query [B, Lq, HI, D] and key [B, Lk, HK, D] of one element type, got 'tensor<?x?x8x16xf32>' and 'tensor<?x?x1x32xf32>'}}
  %0 = attn.select %q, %k top<4> : tensor<?x?x8x16xf32>, tensor<?x?x1x32xf32> -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @select_packed_C1(%q: tensor<?x8x16xf32>, %k: tensor<?x?x1x16xf32>, %c: tensor<?xi32>) {
  // expected-error @below {{'attn.select' op expected query [total_q, HI, D] and key [total_k, HK, D] of one element type, got 'tensor<?x8x16xf32>' and 'tensor<?x?x1x16xf32>'}}
  %0 = attn.select %q, %k cu_seqlens(%c, %c : tensor<?xi32>, tensor<?xi32>) top<4> : tensor<?x8x16xf32>, tensor<?x?x1x16xf32> -> tensor<?x1x4xi32>
  return
}

// -----

func.func @select_packed_indices_C2(%q: tensor<?x8x16xf32>, %k: tensor<?x1x16xf32>, %c: tensor<?xi32>) {
  // expected-error @below {{'attn.select' op expected indices [total_q, Hs, 4] of i32 with Hs a divisor of 8, got 'tensor<?x?x1x4xi32>'}}
  %0 = attn.select %q, %k cu_seqlens(%c, %c : tensor<?xi32>, tensor<?xi32>) top<4> : tensor<?x8x16xf32>, tensor<?x1x16xf32> -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @select_ends_C7(%q: tensor<?x8x16xf32>, %k: tensor<?x1x16xf32>, %c: tensor<?xi32>) {
  // expected-error @below {{'attn.select' op expected cu_seqlens of queries and keys, or none}}
  %0 = "attn.select"(%q, %k, %c) <{operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, top = 4 : i64}> ({}) : (tensor<?x8x16xf32>, tensor<?x1x16xf32>, tensor<?xi32>) -> tensor<?x1x4xi32>
  return
}

// -----

func.func @select_cu_seqlens_C7(%q: tensor<?x8x16xf32>, %k: tensor<?x1x16xf32>, %c: tensor<?xi64>) {
  // expected-error @below {{'attn.select' op expected cu_seqlens of i32 with one element more than there are sequences, got 'tensor<?xi64>'}}
  %0 = attn.select %q, %k cu_seqlens(%c, %c : tensor<?xi64>, tensor<?xi64>) top<4> : tensor<?x8x16xf32>, tensor<?x1x16xf32> -> tensor<?x1x4xi32>
  return
}

// -----

func.func @select_sequences_C7(%q: tensor<?x8x16xf32>, %k: tensor<?x1x16xf32>, %c: tensor<4xi32>, %d: tensor<5xi32>) {
  // expected-error @below {{'attn.select' op expected cu_seqlens of queries and keys of the same size, got 'tensor<4xi32>' and 'tensor<5xi32>'}}
  %0 = attn.select %q, %k cu_seqlens(%c, %d : tensor<4xi32>, tensor<5xi32>) top<4> : tensor<?x8x16xf32>, tensor<?x1x16xf32> -> tensor<?x1x4xi32>
  return
}

// -----

func.func @select_heads_C1(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x3x16xf32>) {
  // expected-error @below {{'attn.select' op expected the query heads to be a multiple of the key heads, got 8 and 3}}
  %0 = attn.select %q, %k top<4> : tensor<?x?x8x16xf32>, tensor<?x?x3x16xf32> -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @select_indices_C2(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x1x16xf32>) {
  // expected-error @below {{'attn.select' op expected indices [B, Lq, Hs, 4] of i32 with Hs a divisor of 8, got 'tensor<?x?x3x4xi32>'}}
  %0 = attn.select %q, %k top<4> : tensor<?x?x8x16xf32>, tensor<?x?x1x16xf32> -> tensor<?x?x3x4xi32>
  return
}

// -----

func.func @select_weights_C3(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x1x16xf32>, %w: tensor<?x?x4xf32>) {
  // expected-error @below {{'attn.select' op expected weights of type 'tensor<?x?x8xf32>', got 'tensor<?x?x4xf32>'}}
  %0 = attn.select %q, %k weights(%w : tensor<?x?x4xf32>) top<4> : tensor<?x?x8x16xf32>, tensor<?x?x1x16xf32> -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @select_positions_C4(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x1x16xf32>) {
  // expected-error @below {{'attn.select' op expected positions where a key stands for a block of tokens: the number of keys does not say where the queries are}}
  %0 = attn.select %q, %k block<64> top<4> : tensor<?x?x8x16xf32>, tensor<?x?x1x16xf32> -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @select_positions_type_C4(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x1x16xf32>, %p: tensor<?xi32>) {
  // expected-error @below {{'attn.select' op expected positions of type 'tensor<?x?xi32>', got 'tensor<?xi32>'}}
  %0 = attn.select %q, %k positions(%p : tensor<?xi32>) block<64> top<4> : tensor<?x?x8x16xf32>, tensor<?x?x1x16xf32> -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @select_block_C5(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x1x16xf32>) {
  // expected-error @below {{'attn.select' op expected block to be at least 1, got 0}}
  %0 = attn.select %q, %k block<0> top<4> : tensor<?x?x8x16xf32>, tensor<?x?x1x16xf32> -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @select_forced_C5(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x1x16xf32>) {
  // expected-error @below {{'attn.select' op expected what is forced to be at least 0, got -1}}
  %0 = attn.select %q, %k forced<-1, 0> top<4> : tensor<?x?x8x16xf32>, tensor<?x?x1x16xf32> -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @select_scale_C5(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x1x16xf32>) {
  // expected-error @below {{'attn.select' op expected scale to be finite, got 0x7F800000 : f32}}
  %0 = attn.select %q, %k scale(0x7F800000) top<4> : tensor<?x?x8x16xf32>, tensor<?x?x1x16xf32> -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @select_mask_C6(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x1x16xf32>) {
  // expected-error @below {{'attn.select' op expected region 'mask' to have arguments ('index', 'index', 'index', 'index'), got ('index')}}
  %0 = attn.select %q, %k mask {
  ^bb0(%b: index):
    %keep = arith.constant true
    attn.yield %keep : i1
  } top<4> : tensor<?x?x8x16xf32>, tensor<?x?x1x16xf32> -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @compress_packed_C1(%x: tensor<?x?x8x16xf32>, %c: tensor<?xi32>) {
  // expected-error @below {{'attn.compress' op expected input and result [total, H, D] that agree but for the length, got 'tensor<?x?x8x16xf32>' and 'tensor<?x8x16xf32>'}}
  %0 = attn.compress %x cu_seqlens(%c, %c : tensor<?xi32>, tensor<?xi32>) block<4> stride<4> : tensor<?x?x8x16xf32> -> tensor<?x8x16xf32>
  return
}

// -----

func.func @select_forced_C5(%q: tensor<?x?x8x16xf32>, %k: tensor<?x?x1x16xf32>) {
  // expected-error @below {{'attn.select' op expected both numbers of forced candidates, or neither}}
  %0 = "attn.select"(%q, %k) <{forced_first = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, top = 4 : i64}> ({}) : (tensor<?x?x8x16xf32>, tensor<?x?x1x16xf32>) -> tensor<?x?x1x4xi32>
  return
}

// -----

func.func @compress_cu_seqlens_C4(%x: tensor<?x8x16xf32>, %c: tensor<?xi32>, %d: tensor<?x2xi32>) {
  // expected-error @below {{'attn.compress' op expected cu_seqlens of i32 with one element more than there are sequences, got 'tensor<?x2xi32>'}}
  %0 = attn.compress %x cu_seqlens(%c, %d : tensor<?xi32>, tensor<?x2xi32>) block<4> stride<4> : tensor<?x8x16xf32> -> tensor<?x8x16xf32>
  return
}

// -----

func.func @compress_ends_C4(%x: tensor<?x8x16xf32>, %c: tensor<?xi32>) {
  // expected-error @below {{'attn.compress' op expected cu_seqlens of rows and blocks, or none}}
  %0 = "attn.compress"(%x, %c) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 0>, block = 4 : i64, stride = 4 : i64}> : (tensor<?x8x16xf32>, tensor<?xi32>) -> tensor<?x8x16xf32>
  return
}

// -----

func.func @compress_shape_C1(%x: tensor<?x?x8x16xf32>) {
  // expected-error @below {{'attn.compress' op expected input and result [B, L, H, D] that agree but for the length, got 'tensor<?x?x8x16xf32>' and 'tensor<?x?x1x16xf32>'}}
  %0 = attn.compress %x block<4> stride<4> : tensor<?x?x8x16xf32> -> tensor<?x?x1x16xf32>
  return
}

// -----

func.func @compress_elements_C1(%x: tensor<?x?x1x16xi32>) {
  // expected-error @below {{'attn.compress' op expected input of bf16, f16 or f32, got 'tensor<?x?x1x16xi32>'}}
  %0 = attn.compress %x block<4> stride<4> : tensor<?x?x1x16xi32> -> tensor<?x?x1x16xf32>
  return
}

// -----

func.func @compress_bias_C2(%x: tensor<?x?x1x16xf32>, %b: tensor<4x1x16xf32>) {
  // expected-error @below {{'attn.compress' op expected a bias with a gate alone}}
  %0 = attn.compress %x bias(%b : tensor<4x1x16xf32>) block<4> stride<4> : tensor<?x?x1x16xf32> -> tensor<?x?x1x16xf32>
  return
}

// -----

func.func @compress_gate_C2(%x: tensor<?x?x1x16xf32>, %g: tensor<?x?x8x16xf32>) {
  // expected-error @below {{'attn.compress' op expected gate of type 'tensor<?x?x1x16xf32>', got 'tensor<?x?x8x16xf32>'}}
  %0 = attn.compress %x gate(%g : tensor<?x?x8x16xf32>) block<4> stride<4> : tensor<?x?x1x16xf32> -> tensor<?x?x1x16xf32>
  return
}

// -----

func.func @compress_bias_type_C2(%x: tensor<?x?x1x16xf32>, %b: tensor<8x1x16xf32>) {
  // expected-error @below {{'attn.compress' op expected bias of type 'tensor<4x1x16xf32>', got 'tensor<8x1x16xf32>'}}
  %0 = attn.compress %x gate(%x : tensor<?x?x1x16xf32>) bias(%b : tensor<8x1x16xf32>) block<4> stride<4> : tensor<?x?x1x16xf32> -> tensor<?x?x1x16xf32>
  return
}

// -----

func.func @compress_stride_C3(%x: tensor<?x?x1x16xf32>) {
  // expected-error @below {{'attn.compress' op expected stride to be at least 1, got 0}}
  %0 = attn.compress %x block<4> stride<0> : tensor<?x?x1x16xf32> -> tensor<?x?x1x16xf32>
  return
}

// -----

func.func @rotary_rank_C1(%x: tensor<?x64xf32>, %p: tensor<?xi32>, %f: tensor<32xf32>) {
  // expected-error @below {{'attn.rotary' op expected input [B, L, H, D] or [total, H, D], got 'tensor<?x64xf32>'}}
  %0 = attn.rotary %x at %p by %f : tensor<?x64xf32>, tensor<?xi32>, tensor<32xf32>
  return
}

// -----

func.func @rotary_positions_C1(%x: tensor<?x2x64xf32>, %p: tensor<?x?xi32>, %f: tensor<32xf32>) {
  // expected-error @below {{'attn.rotary' op expected positions of type 'tensor<?xi32>', got 'tensor<?x?xi32>'}}
  %0 = attn.rotary %x at %p by %f : tensor<?x2x64xf32>, tensor<?x?xi32>, tensor<32xf32>
  return
}

// -----

func.func @rotary_frequencies_C2(%x: tensor<?x2x64xf32>, %p: tensor<?xi32>, %f: tensor<?xf32>) {
  // expected-error @below {{'attn.rotary' op expected frequencies [n] of f32 with a static n, got 'tensor<?xf32>'}}
  %0 = attn.rotary %x at %p by %f : tensor<?x2x64xf32>, tensor<?xi32>, tensor<?xf32>
  return
}

// -----

func.func @rotary_channels_C3(%x: tensor<?x2x64xf32>, %p: tensor<?xi32>, %f: tensor<32xf32>) {
  // expected-error @below {{'attn.rotary' op expected channels 2 to 66 to be among those of 'tensor<?x2x64xf32>'}}
  %0 = attn.rotary %x at %p by %f offset<2> : tensor<?x2x64xf32>, tensor<?xi32>, tensor<32xf32>
  return
}

// -----

func.func @rotary_offset_C3(%x: tensor<?x2x64xf32>, %p: tensor<?xi32>, %f: tensor<32xf32>) {
  // expected-error @below {{'attn.rotary' op expected channels 9223372036854775807 to 9223372036854775807 to be among those of 'tensor<?x2x64xf32>'}}
  %0 = attn.rotary %x at %p by %f offset<9223372036854775807> : tensor<?x2x64xf32>, tensor<?xi32>, tensor<32xf32>
  return
}

// -----

func.func @rotary_many_frequencies_C3(%x: tensor<?x2x64xf32>, %p: tensor<?xi32>, %f: tensor<4611686018427387904xf32>) {
  // expected-error @below {{'attn.rotary' op expected channels 0 to 9223372036854775807 to be among those of 'tensor<?x2x64xf32>'}}
  %0 = attn.rotary %x at %p by %f : tensor<?x2x64xf32>, tensor<?xi32>, tensor<4611686018427387904xf32>
  return
}

// -----

func.func @rotary_amplitude_C4(%x: tensor<?x2x64xf32>, %p: tensor<?xi32>, %f: tensor<32xf32>) {
  // expected-error @below {{'attn.rotary' op expected amplitude to be finite, got 0x7F800000 : f32}}
  %0 = attn.rotary %x at %p by %f amplitude(0x7F800000) : tensor<?x2x64xf32>, tensor<?xi32>, tensor<32xf32>
  return
}

// -----

func.func @quantize_data_C1(%x: tensor<?x2x64xf32>) {
  // expected-error @below {{'attn.quantize' op expected data of f8E4M3FN, f8E5M2 or i8, got 'tensor<?x2x64xi16>'}}
  %0, %1 = attn.quantize %x group<32> : tensor<?x2x64xf32> -> tensor<?x2x64xi16>, tensor<?x2x2xf32>
  return
}

// -----

func.func @quantize_shape_C1(%x: tensor<?x2x64xf32>) {
  // expected-error @below {{'attn.quantize' op expected data of type 'tensor<?x2x64xi8>', got 'tensor<?x2x32xi8>'}}
  %0, %1 = attn.quantize %x group<32> : tensor<?x2x64xf32> -> tensor<?x2x32xi8>, tensor<?x2x2xf32>
  return
}

// -----

func.func @quantize_group_C2(%x: tensor<?x2x64xf32>) {
  // expected-error @below {{'attn.quantize' op expected input with a last size that is a multiple of 24, got 'tensor<?x2x64xf32>'}}
  %0, %1 = attn.quantize %x group<24> : tensor<?x2x64xf32> -> tensor<?x2x64xi8>, tensor<?x2x2xf32>
  return
}

// -----

func.func @quantize_group_zero_C2(%x: tensor<?x2x64xf32>) {
  // expected-error @below {{'attn.quantize' op expected group to be at least 1, got 0}}
  %0, %1 = attn.quantize %x group<0> : tensor<?x2x64xf32> -> tensor<?x2x64xi8>, tensor<?x2x2xf32>
  return
}

// -----

func.func @quantize_scale_C2(%x: tensor<?x2x64xf32>) {
  // expected-error @below {{'attn.quantize' op expected scale of type 'tensor<?x2x2xf32>', got 'tensor<?x2x1xf32>'}}
  %0, %1 = attn.quantize %x group<32> : tensor<?x2x64xf32> -> tensor<?x2x64xi8>, tensor<?x2x1xf32>
  return
}

// -----

func.func @quantize_least_C3(%x: tensor<?x2x64xf32>) {
  // expected-error @below {{'attn.quantize' op expected least to be at least 0 and finite, got -1.000000e+00 : f32}}
  %0, %1 = attn.quantize %x group<32> least(-1.0) : tensor<?x2x64xf32> -> tensor<?x2x64xi8>, tensor<?x2x2xf32>
  return
}

// -----

func.func @dequantize_data_C1(%x: tensor<?x2x64xf32>, %s: tensor<1x1x1xf32>) {
  // expected-error @below {{'attn.dequantize' op expected data of f8E4M3FN, f8E5M2 or integers of at most 8 bits, got 'tensor<?x2x64xf32>'}}
  %0 = attn.dequantize %x by %s : tensor<?x2x64xf32>, tensor<1x1x1xf32> -> tensor<?x2x64xf32>
  return
}

// -----

func.func @dequantize_scale_C2(%x: tensor<?x2x64xi8>, %s: tensor<1xf32>) {
  // expected-error @below {{'attn.dequantize' op expected scale of f32 and of the rank of 'tensor<?x2x64xi8>', got 'tensor<1xf32>'}}
  %0 = attn.dequantize %x by %s : tensor<?x2x64xi8>, tensor<1xf32> -> tensor<?x2x64xf32>
  return
}

// -----

func.func @dequantize_groups_C3(%x: tensor<?x2x64xi8>, %s: tensor<1x1x1xf32>) {
  // expected-error @below {{'attn.dequantize' op expected 3 groups of at least 1, got array<i64: 1, 1>}}
  %0 = attn.dequantize %x by %s groups [1, 1] : tensor<?x2x64xi8>, tensor<1x1x1xf32> -> tensor<?x2x64xf32>
  return
}

// -----

func.func @dequantize_group_C4(%x: tensor<?x2x64xi8>, %s: tensor<1x1x3xf32>) {
  // expected-error @below {{'attn.dequantize' op expected size 2 of scale to be 1 or 1, got 3}}
  %0 = attn.dequantize %x by %s groups [1, 1, 9223372036854775807] : tensor<?x2x64xi8>, tensor<1x1x3xf32> -> tensor<?x2x64xf32>
  return
}

// -----

func.func @dequantize_sizes_C4(%x: tensor<?x2x64xi8>, %s: tensor<1x1x3xf32>) {
  // expected-error @below {{'attn.dequantize' op expected size 2 of scale to be 1 or 2, got 3}}
  %0 = attn.dequantize %x by %s groups [1, 1, 32] : tensor<?x2x64xi8>, tensor<1x1x3xf32> -> tensor<?x2x64xf32>
  return
}

// -----

func.func @unpack_mla_bytes_C1(%x: tensor<?x576xi8>) {
  // expected-error @below {{'attn.unpack_mla' op expected bytes of i8 in rows of 656, got 'tensor<?x576xi8>'}}
  %0 = attn.unpack_mla %x : tensor<?x576xi8> -> tensor<?x576xbf16>
  return
}

// -----

func.func @unpack_mla_result_C1(%x: tensor<?x656xi8>) {
  // expected-error @below {{'attn.unpack_mla' op expected result of type 'tensor<?x576xbf16>', got 'tensor<?x512xbf16>'}}
  %0 = attn.unpack_mla %x : tensor<?x656xi8> -> tensor<?x512xbf16>
  return
}

// -----

func.func @cache_append_cache_C1(%x: tensor<?x2x64xf32>, %c: tensor<?x2x64xf32>, %s: tensor<?xi32>) {
  // expected-error @below {{'attn.cache.append' op expected cache [pages, size, H, D] or [pages, H, size, D], got 'tensor<?x2x64xf32>'}}
  %0 = attn.cache.append %x to %c at %s : tensor<?x2x64xf32>, tensor<?x2x64xf32>, tensor<?xi32>
  return
}

// -----

func.func @cache_append_rank_C2(%x: tensor<?xf32>, %c: tensor<?x16x2x64xf32>, %s: tensor<?xi32>) {
  // expected-error @below {{'attn.cache.append' op expected rows [B, L, H, D] or [total, H, D], got 'tensor<?xf32>'}}
  %0 = attn.cache.append %x to %c at %s : tensor<?xf32>, tensor<?x16x2x64xf32>, tensor<?xi32>
  return
}

// -----

func.func @cache_append_rows_C2(%x: tensor<?x2x64xf32>, %c: tensor<?x16x2x64xf16>, %s: tensor<?xi32>) {
  // expected-error @below {{'attn.cache.append' op expected rows of type 'tensor<?x2x64xf16>', got 'tensor<?x2x64xf32>'}}
  %0 = attn.cache.append %x to %c at %s : tensor<?x2x64xf32>, tensor<?x16x2x64xf16>, tensor<?xi32>
  return
}

// -----

func.func @cache_append_slots_C3(%x: tensor<?x2x64xf32>, %c: tensor<?x16x2x64xf32>, %s: tensor<?xi64>) {
  // expected-error @below {{'attn.cache.append' op expected slots of type 'tensor<?xi32>', got 'tensor<?xi64>'}}
  %0 = attn.cache.append %x to %c at %s : tensor<?x2x64xf32>, tensor<?x16x2x64xf32>, tensor<?xi64>
  return
}

// -----

func.func @attention_backward_kv_C1(%q: tensor<?x?x8x64xf32>, %c: i1, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  %one = arith.select %c, %kv, %kv : !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>
  // expected-error @below {{'attn.attention_backward' op expected kv to be defined by a constructor such as 'attn.kv.dense', got 'arith.select'}}
  %0, %1, %2 = attn.attention_backward %q, %one, %q of(%q, %lse) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_positions_C2(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %p: tensor<?xi32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected positions of type 'tensor<?x?xi32>', got 'tensor<?xi32>'}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse) positions(%p) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<?xi32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_slice_C4(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.latent %k slice<64> : tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected a gradient for each of the 1 tensors that kv is made of, got 2}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_sources_C4(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  %both = attn.kv.concat %kv, %kv : !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>> -> !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>
  // expected-error @below {{'attn.attention_backward' op expected a gradient for each of the 4 tensors that kv is made of, got 2}}
  %0, %1, %2 = attn.attention_backward %q, %both, %q of(%q, %lse) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_no_lse_C8(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected output and lse of the attention, or with the normalizer sigmoid neither}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_sigmoid_lse_C8(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected no d_lse with the normalizer sigmoid, which has no sum}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q d_lse(%lse) normalizer<sigmoid> : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_sink_C8(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %s: tensor<8xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected a sink with the normalizer softmax alone, got off_by_one}}
  %0, %1, %2, %3 = attn.attention_backward %q, %kv, %q of(%q, %lse) normalizer<off_by_one> sink(%s) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<8xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> d_sink(tensor<8xf32>)
  return
}

// -----

func.func @attention_backward_query_C2(%q: tensor<?x?x6x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x6x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected the query heads to be a multiple of the key heads, got 6 and 4}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse) : (tensor<?x?x6x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x6x64xf32>, tensor<?x?x6x64xf32>, tensor<?x6x?xf32>) -> tensor<?x?x6x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_output_C3(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected output of type 'tensor<?x?x8x64xf32>', got 'tensor<?x?x4x64xf32>'}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%k, %lse)  : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_lse_C3(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %l: tensor<?x4x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected lse of type 'tensor<?x8x?xf32>', got 'tensor<?x4x?xf32>'}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %l)  : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x4x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_d_lse_C3(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %l: tensor<?x4x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected d_lse of type 'tensor<?x8x?xf32>', got 'tensor<?x4x?xf32>'}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse) d_lse(%l) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<?x4x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_d_key_C4(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected d_key of type 'tensor<?x?x4x64xf32>', got 'tensor<?x?x8x64xf32>'}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse)  : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_d_value_C4(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %c: tensor<?x3x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  %own = attn.kv.dense %c, %c : tensor<?x3x4x64xf32>, tensor<?x3x4x64xf32>
  %both = attn.kv.concat %kv, %own : !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, !attn.kv<tensor<?x3x4x64xf32>, tensor<?x3x4x64xf32>> -> !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>
  // expected-error @below {{'attn.attention_backward' op expected d_value of type 'tensor<?x3x4x64xf32>', got 'tensor<?x4x4x64xf32>'}}
  %0, %1, %2, %3, %4 = attn.attention_backward %q, %both, %q of(%q, %lse) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>, tensor<?x3x4x64xf32>, tensor<?x4x4x64xf32>
  return
}

// -----

func.func @attention_backward_d_query_C4(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.latent %k slice<64> : tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected d_query of type 'tensor<?x?x8x64xf32>', got 'tensor<?x?x4x64xf32>'}}
  %0, %1 = attn.attention_backward %q, %kv, %q of(%q, %lse) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_no_d_sink_C5(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %s: tensor<8xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected a d_sink where there is a sink, and nowhere else}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse) sink(%s) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<8xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_d_sink_C5(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %s: tensor<8xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected d_sink of type 'tensor<8xf32>', got 'tensor<4xf32>'}}
  %0, %1, %2, %3 = attn.attention_backward %q, %kv, %q of(%q, %lse) sink(%s) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<8xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> d_sink(tensor<4xf32>)
  return
}

// -----

func.func @attention_backward_no_wrt_C6(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %s: tensor<8xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected a gradient for each of the 1 tensors of wrt, got 0}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse) score(alibi(%s : tensor<8xf32>)) wrt(%s) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<8xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_wrt_type_C6(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %s: tensor<8xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected a gradient of type 'tensor<8xf32>', got 'tensor<?xf32>'}}
  %0, %1, %2, %3 = attn.attention_backward %q, %kv, %q of(%q, %lse) score(alibi(%s : tensor<8xf32>)) wrt(%s) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<8xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> d_wrt(tensor<?xf32>)
  return
}

// -----

func.func @attention_backward_wrt_unread_C6(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %s: tensor<8xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected wrt to name float tensors that the score modifier reads, got one of type 'tensor<8xf32>'}}
  %0, %1, %2, %3 = attn.attention_backward %q, %kv, %q of(%q, %lse) wrt(%s) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<8xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> d_wrt(tensor<8xf32>)
  return
}

// -----

func.func @attention_backward_scale_C7(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected scale to be finite, got 0x7F800000 : f32}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse) scale(0x7F800000) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_lists_C9(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %n: tensor<1x1x?xi32>, %c: tensor<1x1x?x?xi32>, %i: tensor<?x?x1x2xi32>) {
  %all = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  %kv = attn.kv.gather %all at %i : !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x1x2xi32>
  // expected-error @below {{'attn.attention_backward' op expected no lists of blocks with keys of 'attn.kv.gather', which are not one dense tensor}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse) blocks<2, 2> partial(%n, %c) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_mask_of_full_blocks_C9(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>, %n: tensor<1x1x?xi32>, %c: tensor<1x1x?x?xi32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected partial blocks for the mask to apply to}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse) mask(causal) blocks<2, 2> full(%n, %c) : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<1x1x?xi32>, tensor<1x1x?x?xi32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}

// -----

func.func @attention_backward_mask_C7(%q: tensor<?x?x8x64xf32>, %k: tensor<?x?x4x64xf32>, %lse: tensor<?x8x?xf32>) {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  // expected-error @below {{'attn.attention_backward' op expected region 'mask' to have arguments ('index', 'index', 'index', 'index'), got ('index')}}
  %0, %1, %2 = attn.attention_backward %q, %kv, %q of(%q, %lse) mask {
  ^bb0(%b: index):
    %keep = arith.constant true
    attn.yield %keep : i1
  } : (tensor<?x?x8x64xf32>, !attn.kv<tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  return
}
