// RUN: attn-opt %s -split-input-file -verify-diagnostics

// attn.name

// expected-error @below {{'func.func' op expected the attribute 'attn.name', got 'attn.size'}}
func.func @name_other(%q: tensor<f32> {attn.size = 3 : i32}) {
  return
}

// -----

// expected-error @below {{'func.func' op expected 'attn.name' to be a nonempty string, got 3 : i32}}
func.func @name_type(%q: tensor<f32> {attn.name = 3 : i32}) {
  return
}

// -----

// expected-error @below {{'func.func' op expected 'attn.name' to be a nonempty string, got ""}}
func.func private @name_empty() -> (tensor<f32> {attn.name = ""})

// -----

// expected-error @below {{'func.func' op expected 'attn.name' to be unique among arguments and results, got "q" twice}}
func.func @name_twice(%q: tensor<f32> {attn.name = "q"}, %k: tensor<f32> {attn.name = "q"}) {
  return
}

// -----

// expected-error @below {{'func.func' op expected 'attn.name' to be unique among arguments and results, got "q" twice}}
func.func private @name_argument_and_result(tensor<f32> {attn.name = "q"}) -> (tensor<f32> {attn.name = "q"})

// -----

// expected-error @below {{'func.func' op expected 'attn.name' to be unique among arguments and results, got "o" twice}}
func.func private @name_results() -> (tensor<f32> {attn.name = "o"}, tensor<f32> {attn.name = "o"})

// -----

// !attn.kv

// expected-error @below {{expected key to have rank 4 ([B, Lk, Hk, D]) or 3 ([total_k, Hk, D]), got 'tensor<2x3xf32>'}}
func.func private @kv_rank_C1(!attn.kv<tensor<2x3xf32>, tensor<2x3x4x4xf32>>)

// -----

// expected-error @below {{expected key and value to have the same rank, got 'tensor<2x3x4xf32>' and 'tensor<2x3x4x4xf32>'}}
func.func private @kv_ranks_C1(!attn.kv<tensor<2x3x4xf32>, tensor<2x3x4x4xf32>>)

// -----

// expected-error @below {{expected dimension 3 of value to be static and positive, got 'tensor<2x3x4x?xf32>'}}
func.func private @kv_static_C2(!attn.kv<tensor<2x3x4x4xf32>, tensor<2x3x4x?xf32>>)

// -----

// expected-error @below {{expected dimension 2 of key to be static and positive, got 'tensor<2x3x0x4xf32>'}}
func.func private @kv_positive_C2(!attn.kv<tensor<2x3x0x4xf32>, tensor<2x3x0x4xf32>>)

// -----

// expected-error @below {{expected key and value to agree in dimension 1, got 'tensor<2x3x4x4xf32>' and 'tensor<2x?x4x4xf32>'}}
func.func private @kv_shape_C3(!attn.kv<tensor<2x3x4x4xf32>, tensor<2x?x4x4xf32>>)

// -----

// expected-error @below {{expected key and value to have the same element type, got 'f32' and 'bf16'}}
func.func private @kv_elements_C4(!attn.kv<tensor<2x3x4x4xf32>, tensor<2x3x4x4xbf16>>)

// -----

// expected-error @below {{expected the element type of key and value to be bf16, f16 or f32, got 'f64'}}
func.func private @kv_element_type_C4(!attn.kv<tensor<2x3x4x4xf64>, tensor<2x3x4x4xf64>>)

// -----

func.func @kv_dense(%k: tensor<2x3x4x4xf32>, %v: tensor<2x5x4x4xf32>) {
  // expected-error @below {{'attn.kv.dense' op expected key and value to agree in dimension 1, got 'tensor<2x3x4x4xf32>' and 'tensor<2x5x4x4xf32>'}}
  %kv = attn.kv.dense %k, %v : tensor<2x3x4x4xf32>, tensor<2x5x4x4xf32>
  return
}

// -----

func.func @kv_dense_rank_C1(%k: tensor<3x4x4xf32>, %v: tensor<3x4x4xf32>) {
  // expected-error @below {{'attn.kv.dense' op expected key to have rank 4 ([B, Lk, Hk, D]), got 'tensor<3x4x4xf32>'}}
  %kv = attn.kv.dense %k, %v : tensor<3x4x4xf32>, tensor<3x4x4xf32>
  return
}

// -----

// attn.kv.varlen

func.func @kv_varlen_rank_C1(%k: tensor<2x3x4x4xf32>, %v: tensor<2x3x4x4xf32>, %cu: tensor<3xi32>) {
  // expected-error @below {{'attn.kv.varlen' op expected key to have rank 3 ([total_k, Hk, D]), got 'tensor<2x3x4x4xf32>'}}
  %kv = attn.kv.varlen %k, %v, %cu : tensor<2x3x4x4xf32>, tensor<2x3x4x4xf32>, tensor<3xi32>
  return
}

// -----

func.func @kv_varlen_rows(%k: tensor<3x4x4xf32>, %v: tensor<5x4x4xf32>, %cu: tensor<3xi32>) {
  // expected-error @below {{'attn.kv.varlen' op expected key and value to agree in dimension 0, got 'tensor<3x4x4xf32>' and 'tensor<5x4x4xf32>'}}
  %kv = attn.kv.varlen %k, %v, %cu : tensor<3x4x4xf32>, tensor<5x4x4xf32>, tensor<3xi32>
  return
}

// -----

func.func @kv_varlen_element_C2(%k: tensor<3x4x4xf32>, %cu: tensor<3xi64>) {
  // expected-error @below {{'attn.kv.varlen' op expected cu_seqlens of i32 with one element more than there are sequences, got 'tensor<3xi64>'}}
  %kv = attn.kv.varlen %k, %k, %cu : tensor<3x4x4xf32>, tensor<3x4x4xf32>, tensor<3xi64>
  return
}

// -----

func.func @kv_varlen_nothing_C2(%k: tensor<3x4x4xf32>, %cu: tensor<0xi32>) {
  // expected-error @below {{'attn.kv.varlen' op expected cu_seqlens of i32 with one element more than there are sequences, got 'tensor<0xi32>'}}
  %kv = attn.kv.varlen %k, %k, %cu : tensor<3x4x4xf32>, tensor<3x4x4xf32>, tensor<0xi32>
  return
}

// -----

// attn.attention

!q = tensor<?x?x8x64xf16>
!k = tensor<?x2x64xf16>
func.func @attention_query_rank_packed_C1(%q: !q, %k: !k, %cu: tensor<?xi32>) {
  %kv = attn.kv.varlen %k, %k, %cu : !k, !k, tensor<?xi32>
  // expected-error @below {{'attn.attention' op expected query to have rank 3 ([total_q, Hq, D]) with cu_seqlens, got 'tensor<?x?x8x64xf16>'}}
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x2x64xf16>
func.func @attention_dense_queries_C3(%q: !q, %k: !k, %cu: tensor<?xi32>) {
  %kv = attn.kv.varlen %k, %k, %cu : !k, !k, tensor<?xi32>
  // expected-error @below {{'attn.attention' op expected queries and keys that are both packed (cu_seqlens and 'attn.kv.varlen') or both dense, got 'tensor<?x?x8x64xf16>' and 'tensor<?x2x64xf16>'}}
  %o = attn.attention %q, %kv : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_dense_keys_C3(%q: !q, %k: !k, %cu: tensor<?xi32>) {
  %kv = attn.kv.dense %k, %k : !k, !k
  // expected-error @below {{'attn.attention' op expected queries and keys that are both packed (cu_seqlens and 'attn.kv.varlen') or both dense, got 'tensor<?x8x64xf16>' and 'tensor<?x?x2x64xf16>'}}
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x8x64xf16>
!k = tensor<?x2x64xf16>
func.func @attention_packed_output_C5(%q: !q, %k: !k, %cu: tensor<?xi32>) {
  %kv = attn.kv.varlen %k, %k, %cu : !k, !k, tensor<?xi32>
  // expected-error @below {{'attn.attention' op expected output of type 'tensor<?x8x64xf16>', got 'tensor<?x?x8x64xf16>'}}
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>) : !q, !attn.kv<!k, !k> -> tensor<?x?x8x64xf16>
  return
}

// -----

!q = tensor<?x8x64xf16>
!k = tensor<?x2x64xf16>
func.func @attention_packed_lse_C6(%q: !q, %k: !k, %cu: tensor<?xi32>) {
  %kv = attn.kv.varlen %k, %k, %cu : !k, !k, tensor<?xi32>
  // expected-error @below {{'attn.attention' op expected lse of type 'tensor<8x?xf32>', got 'tensor<?x8x?xf32>'}}
  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>) : !q, !attn.kv<!k, !k> -> !q, tensor<?x8x?xf32>
  return
}

// -----

!q = tensor<?x8x64xf16>
!k = tensor<?x2x64xf16>
func.func @attention_cu_seqlens_type_C12(%q: !q, %k: !k, %cu: tensor<?xi32>, %cu_q: tensor<?x?xi32>) {
  %kv = attn.kv.varlen %k, %k, %cu : !k, !k, tensor<?xi32>
  // expected-error @below {{'attn.attention' op expected cu_seqlens of i32 with one element more than there are sequences, got 'tensor<?x?xi32>'}}
  %o = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<?x?xi32>) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x8x64xf16>
!k = tensor<?x2x64xf16>
func.func @attention_cu_seqlens_sizes_C12(%q: !q, %k: !k, %cu: tensor<4xi32>, %cu_q: tensor<5xi32>) {
  %kv = attn.kv.varlen %k, %k, %cu : !k, !k, tensor<4xi32>
  // expected-error @below {{'attn.attention' op expected cu_seqlens of queries and keys of the same size, got 'tensor<5xi32>' and 'tensor<4xi32>'}}
  %o = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<5xi32>) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

// The captured tensors of a packed attention.
!q = tensor<?x8x64xf16>
!k = tensor<100x2x64xf16>
func.func @packed_lengths(%q: !q, %k: !k, %cu: tensor<4xi32>, %n: tensor<4xi32>) {
  %kv = attn.kv.varlen %k, %k, %cu : !k, !k, tensor<4xi32>
  // expected-error @below {{'attn.prefix' op expected lengths of type 'tensor<3xi32>', got 'tensor<4xi32>'}}
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<4xi32>) mask(prefix(%n : tensor<4xi32>)) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x8x64xf16>
!k = tensor<100x2x64xf16>
func.func @packed_ids(%q: !q, %k: !k, %cu: tensor<4xi32>, %ids: tensor<?x?xi32>) {
  %kv = attn.kv.varlen %k, %k, %cu : !k, !k, tensor<4xi32>
  // expected-error @below {{'attn.document' op expected ids of type 'tensor<100xi32>', got 'tensor<?x?xi32>'}}
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<4xi32>) mask(document(%ids : tensor<?x?xi32>)) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!k = tensor<?x?x2x64xf16>
func.func @attention_query_rank_C1(%q: tensor<?x8x64xf16>, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected query to have rank 4 ([B, Lq, Hq, D]), got 'tensor<?x8x64xf16>'}}
  %o = attn.attention %q, %kv : tensor<?x8x64xf16>, !attn.kv<!k, !k> -> tensor<?x8x64xf16>
  return
}

// -----

!k = tensor<?x?x2x64xf16>
func.func @attention_query_static_C1(%q: tensor<?x?x?x64xf16>, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected dimension 2 of query to be static and positive, got 'tensor<?x?x?x64xf16>'}}
  %o = attn.attention %q, %kv : tensor<?x?x?x64xf16>, !attn.kv<!k, !k> -> tensor<?x?x?x64xf16>
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_kv_argument_C2(%q: !q, %kv: !attn.kv<!k, !k>) {
  // expected-error @below {{'attn.attention' op expected kv to be defined by a constructor such as 'attn.kv.dense', got an argument}}
  %o = attn.attention %q, %kv : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_kv_other_C2(%q: !q) {
  %kv = builtin.unrealized_conversion_cast to !attn.kv<!k, !k>
  // expected-error @below {{'attn.attention' op expected kv to be defined by a constructor such as 'attn.kv.dense', got 'builtin.unrealized_conversion_cast'}}
  %o = attn.attention %q, %kv : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xbf16>
func.func @attention_query_element_type_C3(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected query and key to have the same element type, got 'f16' and 'bf16'}}
  %o = attn.attention %q, %kv : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x128xf16>
func.func @attention_head_dim_C3(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected query and key to agree in dimension 3, got 'tensor<?x?x8x64xf16>' and 'tensor<?x?x2x128xf16>'}}
  %o = attn.attention %q, %kv : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<3x?x8x64xf16>
!k = tensor<2x?x2x64xf16>
func.func @attention_batch_C3(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected query and key to agree in dimension 0, got 'tensor<3x?x8x64xf16>' and 'tensor<2x?x2x64xf16>'}}
  %o = attn.attention %q, %kv : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x3x64xf16>
func.func @attention_groups_C4(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected the query heads to be a multiple of the key heads, got 8 and 3}}
  %o = attn.attention %q, %kv : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
!v = tensor<?x?x2x32xf16>
func.func @attention_output_C5(%q: !q, %k: !k, %v: !v) {
  %kv = attn.kv.dense %k, %v : !k, !v
  // expected-error @below {{'attn.attention' op expected output of type 'tensor<?x?x8x32xf16>', got 'tensor<?x?x8x64xf16>'}}
  %o = attn.attention %q, %kv : !q, !attn.kv<!k, !v> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_lse_C6(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected lse of type 'tensor<?x8x?xf32>', got 'tensor<?x?x8xf32>'}}
  %o, %lse = attn.attention %q, %kv : !q, !attn.kv<!k, !k> -> !q, tensor<?x?x8xf32>
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_mask_arguments_C7(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected region 'mask' to have arguments ('index', 'index', 'index', 'index'), got ('index', 'index')}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%p: index, %j: index):
    %0 = attn.causal %p, %j
    attn.yield %0 : i1
  } : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_score_arguments_C7(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected region 'score' to have arguments ('f32', 'index', 'index', 'index', 'index'), got ('f32')}}
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32):
    attn.yield %x : f32
  } : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_mask_terminator_C7(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected region 'mask' to end with 'attn.yield', got 'llvm.unreachable'}}
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    llvm.unreachable
  } : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_score_yield_C7(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %0 = attn.causal %p, %j
    // expected-error @below {{'attn.yield' op expected region 'score' to yield 'f32', got 'i1'}}
    attn.yield %0 : i1
  } : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func private @f(index) -> i1
func.func @attention_mask_body_C8(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    // expected-error @below {{'func.call' op expected region 'mask' to hold mask and score ops and scalar ops of arith and math}}
    %0 = func.call @f(%j) : (index) -> i1
    attn.yield %0 : i1
  } : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!k = tensor<?x?x8x64xf16>
func.func @attention_region_double_C8(%q: !k, %k: !k) {
  %kv = attn.kv.dense %k, %k : !k, !k
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    // expected-error @below {{'arith.extf' op expected region 'score' to hold mask and score ops and scalar ops of arith and math}}
    %y = arith.extf %x : f32 to f64
    %z = arith.truncf %y : f64 to f32
    attn.yield %z : f32
  } : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<?x?x8x64xf16>
func.func @attention_region_results_C8(%q: !k, %k: !k) {
  %kv = attn.kv.dense %k, %k : !k, !k
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    // expected-error @below {{'arith.addui_extended' op expected region 'mask' to hold mask and score ops and scalar ops of arith and math}}
    %sum, %keep = arith.addui_extended %p, %j : index, i1
    attn.yield %keep : i1
  } : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_score_body_C8(%q: !q, %k: !k, %v: !k, %t: tensor<4xf32>) {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    // expected-error @below {{'arith.addf' op expected region 'score' to hold mask and score ops and scalar ops of arith and math}}
    %0 = arith.addf %t, %t : tensor<4xf32>
    %1 = attn.read %0[%j] : tensor<4xf32>
    attn.yield %1 : f32
  } : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_mask_captures_C9(%q: !q, %k: !k, %v: !k, %n: index) {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    // expected-error @below {{'arith.cmpi' op expected region 'mask' to capture tensors and constants only, got a value of type 'index'}}
    %0 = arith.cmpi slt, %j, %n : index
    attn.yield %0 : i1
  } : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @attention_scale_C10(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.attention' op expected scale to be finite, got 0x7FC00000 : f32}}
  %o = attn.attention %q, %kv scale(0x7FC00000) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!k = tensor<?x?x8x64xf16>
func.func @attention_sink_C11(%q: !k, %k: !k, %s: tensor<4xf32>) {
  %kv = attn.kv.dense %k, %k : !k, !k
  // expected-error @below {{'attn.attention' op expected sink of type 'tensor<8xf32>', got 'tensor<4xf32>'}}
  %o = attn.attention %q, %kv sink(%s : tensor<4xf32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_list_without_indices_C13(%q: !k, %n: tensor<1x1x5xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected counts and indices of the partial blocks, got one of them}}
  %o = "attn.attention"(%q, %kv, %n) <{operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 1, 0, 0, 0>, block_q = 64 : i64, block_k = 64 : i64}> ({}, {}) : (!k, !attn.kv<!k, !k>, tensor<1x1x5xi32>) -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_list_without_size_C13(%q: !k, %n: tensor<1x1x5xi32>, %c: tensor<1x1x5x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected the sizes of blocks where there are lists of them, and nowhere else}}
  %o = attn.attention %q, %kv full(%n, %c : tensor<1x1x5xi32>, tensor<1x1x5x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_size_without_list_C13(%q: !k, %n: !k) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected the sizes of blocks where there are lists of them, and nowhere else}}
  %o = attn.attention %q, %kv blocks<64, 64> : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_block_q_C13(%q: !k, %n: tensor<1x1x5xi32>, %c: tensor<1x1x5x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected block_q to be at least 1, got 0}}
  %o = attn.attention %q, %kv blocks<0, 64> full(%n, %c : tensor<1x1x5xi32>, tensor<1x1x5x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_block_k_C13(%q: !k, %n: tensor<1x1x5xi32>, %c: tensor<1x1x5x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected block_k to be at least 1, got -64}}
  %o = attn.attention %q, %kv blocks<64, -64> full(%n, %c : tensor<1x1x5xi32>, tensor<1x1x5x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_list_element_C14(%q: !k, %n: tensor<1x1x5xi64>, %c: tensor<1x1x5x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected full blocks in counts [B or 1, 8 or 1, rows] and indices [B or 1, 8 or 1, rows, columns] of i32, got 'tensor<1x1x5xi64>' and 'tensor<1x1x5x9xi32>'}}
  %o = attn.attention %q, %kv blocks<64, 64> full(%n, %c : tensor<1x1x5xi64>, tensor<1x1x5x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_list_rank_C14(%q: !k, %n: tensor<1x5xi32>, %c: tensor<1x1x5x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected full blocks in counts [B or 1, 8 or 1, rows] and indices [B or 1, 8 or 1, rows, columns] of i32, got 'tensor<1x5xi32>' and 'tensor<1x1x5x9xi32>'}}
  %o = attn.attention %q, %kv blocks<64, 64> full(%n, %c : tensor<1x5xi32>, tensor<1x1x5x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_list_batch_C14(%q: !k, %n: tensor<3x1x5xi32>, %c: tensor<3x1x5x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected full blocks in counts [B or 1, 8 or 1, rows] and indices [B or 1, 8 or 1, rows, columns] of i32, got 'tensor<3x1x5xi32>' and 'tensor<3x1x5x9xi32>'}}
  %o = attn.attention %q, %kv blocks<64, 64> full(%n, %c : tensor<3x1x5xi32>, tensor<3x1x5x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_list_heads_C14(%q: !k, %n: tensor<1x4x5xi32>, %c: tensor<1x4x5x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected full blocks in counts [B or 1, 8 or 1, rows] and indices [B or 1, 8 or 1, rows, columns] of i32, got 'tensor<1x4x5xi32>' and 'tensor<1x4x5x9xi32>'}}
  %o = attn.attention %q, %kv blocks<64, 64> full(%n, %c : tensor<1x4x5xi32>, tensor<1x4x5x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_list_dynamic_heads_C14(%q: !k, %n: tensor<1x?x5xi32>, %c: tensor<1x?x5x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected full blocks in counts [B or 1, 8 or 1, rows] and indices [B or 1, 8 or 1, rows, columns] of i32, got 'tensor<1x?x5xi32>' and 'tensor<1x?x5x9xi32>'}}
  %o = attn.attention %q, %kv blocks<64, 64> full(%n, %c : tensor<1x?x5xi32>, tensor<1x?x5x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_list_disagree_C14(%q: !k, %n: tensor<1x1x5xi32>, %c: tensor<1x8x5x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected full blocks in counts [B or 1, 8 or 1, rows] and indices [B or 1, 8 or 1, rows, columns] of i32, got 'tensor<1x1x5xi32>' and 'tensor<1x8x5x9xi32>'}}
  %o = attn.attention %q, %kv blocks<64, 64> full(%n, %c : tensor<1x1x5xi32>, tensor<1x8x5x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_list_rows_C14(%q: !k, %n: tensor<1x1x4xi32>, %c: tensor<1x1x4x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected at least 5 rows of full blocks for 300 queries, got 4}}
  %o = attn.attention %q, %kv blocks<64, 64> full(%n, %c : tensor<1x1x4xi32>, tensor<1x1x4x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!k = tensor<2x300x8x64xf16>
func.func @attention_mask_of_full_blocks_C15(%q: !k, %n: tensor<1x1x5xi32>, %c: tensor<1x1x5x9xi32>) {
  %kv = attn.kv.dense %q, %q : !k, !k
  // expected-error @below {{'attn.attention' op expected partial blocks for the mask to apply to}}
  %o = attn.attention %q, %kv mask(causal) blocks<64, 64> full(%n, %c : tensor<1x1x5xi32>, tensor<1x1x5x9xi32>) : !k, !attn.kv<!k, !k> -> !k
  return
}

// -----

!q = tensor<?x8x64xf16>
!l = tensor<1x1x5xi32>
!c = tensor<1x1x5x9xi32>
func.func @attention_packed_lists_C16(%q: !q, %cu: tensor<?xi32>, %n: !l, %c: !c) {
  %kv = attn.kv.varlen %q, %q, %cu : !q, !q, tensor<?xi32>
  // expected-error @below {{'attn.attention' op expected no lists of blocks with cu_seqlens: rows of blocks would belong to more than one sequence}}
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>) blocks<64, 64> full(%n, %c : !l, !c) : !q, !attn.kv<!q, !q> -> !q
  return
}

// -----

!q = tensor<?x8x64xf16>
func.func @read_packed_covers_numbered_C2(%q: !q, %cu: tensor<?xi32>, %n: tensor<?xindex>) {
  %kv = attn.kv.varlen %q, %q, %cu : !q, !q, tensor<?xi32>
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index, %i: index):
    // expected-error @below {{'attn.read' op expected no covers along a position where sequences are packed}}
    %length = attn.read %n[%p] covers : tensor<?xindex>
    %keep = arith.cmpi slt, %j, %length : index
    attn.yield %keep : i1
  } : !q, !attn.kv<!q, !q> -> !q
  return
}

// -----

!q = tensor<?x8x64xf16>
func.func @read_packed_covers_C2(%q: !q, %cu: tensor<?xi32>, %n: tensor<?x?xindex>) {
  %kv = attn.kv.varlen %q, %q, %cu : !q, !q, tensor<?xi32>
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    // expected-error @below {{'attn.read' op expected no covers along a position where sequences are packed}}
    %length = attn.read %n[%b, %p] covers : tensor<?x?xindex>
    %keep = arith.cmpi slt, %j, %length : index
    attn.yield %keep : i1
  } : !q, !attn.kv<!q, !q> -> !q
  return
}

// -----

// Short forms

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @mask_word(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{expected 'causal', 'window', 'first', 'chunk', 'prefix', 'document', 'dilated', 'column', 'span', 'bits' or 'tree', got 'diagonal'}}
  %o = attn.attention %q, %kv mask(causal and diagonal) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @mask_parenthesis(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{expected ')'}}
  %o = attn.attention %q, %kv mask(causal xor causal) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @score_word(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{expected 'softcap', 'alibi' or 'bias', got 'tanh'}}
  %o = attn.attention %q, %kv score(tanh) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @score_empty(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{expected valid keyword}}
  %o = attn.attention %q, %kv score() : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @mask_operand(%q: !q, %k: !k, %v: !k, %ids: f32) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.document' op operand #0 must be ranked tensor of signless integer or index values, but got 'f32'}}
  %o = attn.attention %q, %kv mask(document(%ids : f32)) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

// Mask ops

func.func @window_left_C1(%p: index, %j: index) {
  // expected-error @below {{'attn.window' op expected left to be at least 0, got -1}}
  %0 = attn.window<-1, 0> %p, %j
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @window_right_C1(%q: !q, %k: !k, %v: !k) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.window' op expected right to be at least 0, got -3}}
  %o = attn.attention %q, %kv mask(window<inf, -3>) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

func.func @first_C1(%j: index) {
  // expected-error @below {{'attn.first' op expected count to be at least 0, got -4}}
  %0 = attn.first<-4> %j
  return
}

// -----

func.func @chunk_C1(%p: index, %j: index) {
  // expected-error @below {{'attn.chunk' op expected size to be at least 1, got 0}}
  %0 = attn.chunk<0> %p, %j
  return
}

// -----

func.func @prefix_C1(%lengths: tensor<?x?xi32>, %b: index, %j: index) {
  // expected-error @below {{'attn.prefix' op expected lengths of type 'tensor<?xi32>', got 'tensor<?x?xi32>'}}
  %0 = attn.prefix %lengths, %b, %j : tensor<?x?xi32>
  return
}

// -----

!q = tensor<2x7x8x64xf16>
!k = tensor<2x?x2x64xf16>
func.func @prefix_batch_C1(%q: !q, %k: !k, %v: !k, %lengths: tensor<3xi32>) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.prefix' op expected lengths of type 'tensor<2xi32>', got 'tensor<3xi32>'}}
  %o = attn.attention %q, %kv mask(prefix(%lengths : tensor<3xi32>)) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

!q = tensor<?x7x8x64xf16>
!k = tensor<?x9x2x64xf16>
func.func @document_C1(%q: !q, %k: !k, %v: !k, %ids: tensor<?x7xi32>) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.document' op expected ids of type 'tensor<?x9xi32>', got 'tensor<?x7xi32>'}}
  %o = attn.attention %q, %kv mask(document(%ids : tensor<?x7xi32>)) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

// Score ops and reads

func.func @softcap_zero_C1(%x: f32) {
  // expected-error @below {{'attn.softcap' op expected cap to be positive and finite, got 0.000000e+00 : f32}}
  %0 = attn.softcap<0.0> %x
  return
}

// -----

func.func @softcap_negative_C1(%x: f32) {
  // expected-error @below {{'attn.softcap' op expected cap to be positive and finite, got -5.000000e+01 : f32}}
  %0 = attn.softcap<-50.0> %x
  return
}

// -----

!q = tensor<?x?x8x64xf16>
!k = tensor<?x?x2x64xf16>
func.func @alibi_C1(%q: !q, %k: !k, %v: !k, %slopes: tensor<2xf32>) {
  %kv = attn.kv.dense %k, %v : !k, !k
  // expected-error @below {{'attn.alibi' op expected slopes of type 'tensor<8xf32>', got 'tensor<2xf32>'}}
  %o = attn.attention %q, %kv score(alibi(%slopes : tensor<2xf32>)) : !q, !attn.kv<!k, !k> -> !q
  return
}

// -----

func.func @read_C1(%t: tensor<?x?xi32>, %j: index) {
  // expected-error @below {{'attn.read' op expected one index per dimension of tensor (2), got 1}}
  %0 = attn.read %t[%j] : tensor<?x?xi32>
  return
}
