// RUN: attn-opt %s -verify-roundtrip | FileCheck %s
// RUN: attn-opt %s -mlir-print-op-generic | attn-opt | FileCheck %s

!part = tensor<?x?x8x64xf32>
!lse = tensor<?x8x?xf32>
!lse2 = tensor<?x8x?xf32, #attn.log2>

// CHECK-LABEL: func @merge
func.func @merge(%o: !part, %lse: !lse, %lse2: !lse2, %sink: tensor<8xf32>)
    -> (tensor<?x?x8x64xbf16>, !lse, !part, !part) {
  // CHECK: attn.merge %{{.*}}, %{{.*}} lse(%{{.*}}, %{{.*}}) sink(%{{.*}}) : (tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>, tensor<?x8x?xf32>, tensor<8xf32>) -> (tensor<?x?x8x64xbf16>, tensor<?x8x?xf32>)
  %0, %1 = attn.merge %o, %o lse(%lse, %lse) sink(%sink)
      : (!part, !part, !lse, !lse, tensor<8xf32>) -> (tensor<?x?x8x64xbf16>, !lse)
  // CHECK: attn.merge %{{.*}} lse(%{{.*}}) : (tensor<?x?x8x64xf32>, tensor<?x8x?xf32, #attn.log2>) -> tensor<?x?x8x64xf32>
  %2 = attn.merge %o lse(%lse2) : (!part, !lse2) -> !part
  // CHECK: attn.merge %{{.*}}, %{{.*}} : (tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>) -> tensor<?x?x8x64xf32>
  %3 = attn.merge %o, %o : (!part, !part) -> !part
  // CHECK: attn.convert_lse %{{.*}} : tensor<?x8x?xf32, #attn.log2> -> tensor<?x8x?xf32>
  %4 = attn.convert_lse %lse2 : !lse2 -> !lse
  return %0, %1, %2, %3 : tensor<?x?x8x64xbf16>, !lse, !part, !part
}

// CHECK-LABEL: func @select
func.func @select(%q: tensor<?x?x64x128xf32>, %k: tensor<?x?x1x128xf32>,
                  %w: tensor<?x?x64xf32>, %p: tensor<?x?xi32>)
    -> (tensor<?x?x1x2048xi32>, tensor<?x?x64x16xi32>, tensor<?x?x4x16xi32>) {
  // CHECK: attn.select %{{.*}}, %{{.*}} weights(%{{.*}} : tensor<?x?x64xf32>) mask(causal) scale(0.0883883461) relu top<2048> : tensor<?x?x64x128xf32>, tensor<?x?x1x128xf32> -> tensor<?x?x1x2048xi32>
  %0 = attn.select %q, %k weights(%w : tensor<?x?x64xf32>) mask(causal)
      scale(0.0883883461) relu top<2048>
      : tensor<?x?x64x128xf32>, tensor<?x?x1x128xf32> -> tensor<?x?x1x2048xi32>
  // CHECK: attn.select %{{.*}}, %{{.*}} mask(causal) max_pool<128> block<128> forced<0, 1> top<16> :
  %1 = attn.select %q, %k mask(causal) max_pool<128> block<128> forced<0, 1> top<16>
      : tensor<?x?x64x128xf32>, tensor<?x?x1x128xf32> -> tensor<?x?x64x16xi32>
  // CHECK: attn.select %{{.*}}, %{{.*}} positions(%{{.*}} : tensor<?x?xi32>) mask {
  // CHECK-NEXT: ^bb0(%b: index, %h: index, %p: index, %j: index):
  // CHECK: } softmax block<64> forced<1, 2> top<16> :
  %2 = attn.select %q, %k positions(%p : tensor<?x?xi32>) mask {
  ^bb0(%b: index, %h: index, %p1: index, %j: index):
    %size = arith.constant 64 : index
    %own = arith.floordivsi %p1, %size : index
    %keep = arith.cmpi slt, %j, %own : index
    attn.yield %keep : i1
  } softmax block<64> forced<1, 2> top<16>
      : tensor<?x?x64x128xf32>, tensor<?x?x1x128xf32> -> tensor<?x?x4x16xi32>
  return %0, %1, %2
      : tensor<?x?x1x2048xi32>, tensor<?x?x64x16xi32>, tensor<?x?x4x16xi32>
}

// CHECK-LABEL: func @select_packed
func.func @select_packed(%q: tensor<?x64x128xf32>, %k: tensor<?x1x128xf32>,
                         %w: tensor<?x64xf32>, %cq: tensor<?xi32>, %ck: tensor<?xi32>)
    -> (tensor<?x1x4xi32>, tensor<?x1x128xf32>) {
  // CHECK: attn.select %{{.*}}, %{{.*}} cu_seqlens(%{{.*}}, %{{.*}} : tensor<?xi32>, tensor<?xi32>) weights(%{{.*}} : tensor<?x64xf32>) mask(causal) top<4> : tensor<?x64x128xf32>, tensor<?x1x128xf32> -> tensor<?x1x4xi32>
  %0 = attn.select %q, %k cu_seqlens(%cq, %ck : tensor<?xi32>, tensor<?xi32>)
      weights(%w : tensor<?x64xf32>) mask(causal) top<4>
      : tensor<?x64x128xf32>, tensor<?x1x128xf32> -> tensor<?x1x4xi32>
  // CHECK: attn.compress %{{.*}} cu_seqlens(%{{.*}}, %{{.*}} : tensor<?xi32>, tensor<?xi32>) block<4> stride<4> : tensor<?x1x128xf32> -> tensor<?x1x128xf32>
  %1 = attn.compress %k cu_seqlens(%ck, %cq : tensor<?xi32>, tensor<?xi32>)
      block<4> stride<4> : tensor<?x1x128xf32> -> tensor<?x1x128xf32>
  return %0, %1 : tensor<?x1x4xi32>, tensor<?x1x128xf32>
}

// CHECK-LABEL: func @compress
func.func @compress(%k: tensor<?x?x4x192xbf16>, %c: tensor<?x?x1x512xf32>,
                    %b: tensor<128x1x512xf32>) -> tensor<?x?x1x512xf32> {
  // CHECK: attn.compress %{{.*}} block<64> stride<64> partial : tensor<?x?x4x192xbf16> -> tensor<?x?x4x192xf32>
  %0 = attn.compress %k block<64> stride<64> partial
      : tensor<?x?x4x192xbf16> -> tensor<?x?x4x192xf32>
  // CHECK: attn.compress %{{.*}} gate(%{{.*}} : tensor<?x?x1x512xf32>) bias(%{{.*}} : tensor<128x1x512xf32>) block<128> stride<128> :
  %1 = attn.compress %c gate(%c : tensor<?x?x1x512xf32>)
      bias(%b : tensor<128x1x512xf32>) block<128> stride<128>
      : tensor<?x?x1x512xf32> -> tensor<?x?x1x512xf32>
  return %1 : tensor<?x?x1x512xf32>
}

// CHECK-LABEL: func @cache
func.func @cache(%x: tensor<?x8x128xf32>, %p: tensor<?xi32>, %f: tensor<32xf32>,
                 %cache: tensor<?x16x8x128xf8E4M3FN>, %bytes: tensor<?x64x1x656xi8>)
    -> tensor<?x16x8x128xf8E4M3FN> {
  // CHECK: attn.rotary %{{.*}} at %{{.*}} by %{{.*}} interleaved offset<64> amplitude(2.000000e+00) inverse : tensor<?x8x128xf32>, tensor<?xi32>, tensor<32xf32>
  %0 = attn.rotary %x at %p by %f interleaved offset<64> amplitude(2.0) inverse
      : tensor<?x8x128xf32>, tensor<?xi32>, tensor<32xf32>
  // CHECK: attn.quantize %{{.*}} group<128> power_of_two least(9.99999974E-5) : tensor<?x8x128xf32> -> tensor<?x8x128xf8E4M3FN>, tensor<?x8x1xf32>
  %1, %scale = attn.quantize %0 group<128> power_of_two least(1.0e-4)
      : tensor<?x8x128xf32> -> tensor<?x8x128xf8E4M3FN>, tensor<?x8x1xf32>
  // CHECK: attn.dequantize %{{.*}} by %{{.*}} zero(%{{.*}} : tensor<?x8x1xf32>) groups [1, 1, 128] : tensor<?x8x128xf8E4M3FN>, tensor<?x8x1xf32> -> tensor<?x8x128xbf16>
  %2 = attn.dequantize %1 by %scale zero(%scale : tensor<?x8x1xf32>)
      groups [1, 1, 128]
      : tensor<?x8x128xf8E4M3FN>, tensor<?x8x1xf32> -> tensor<?x8x128xbf16>
  // CHECK: attn.unpack_mla %{{.*}} : tensor<?x64x1x656xi8> -> tensor<?x64x1x576xbf16>
  %3 = attn.unpack_mla %bytes : tensor<?x64x1x656xi8> -> tensor<?x64x1x576xbf16>
  // CHECK: attn.cache.append %{{.*}} to %{{.*}} at %{{.*}} : tensor<?x8x128xf8E4M3FN>, tensor<?x16x8x128xf8E4M3FN>, tensor<?xi32>
  %4 = attn.cache.append %1 to %cache at %p
      : tensor<?x8x128xf8E4M3FN>, tensor<?x16x8x128xf8E4M3FN>, tensor<?xi32>
  return %4 : tensor<?x16x8x128xf8E4M3FN>
}

!q = tensor<?x?x8x64xf32>
!k = tensor<?x?x4x64xf32>
!kv = !attn.kv<!k, !k>

// CHECK-LABEL: func @backward
func.func @backward(%q: !q, %k: !k, %lse: !lse, %n: tensor<8xf32>) -> !q {
  %kv = attn.kv.dense %k, %k : !k, !k
  // CHECK: attn.attention_backward %{{.*}}, %{{.*}}, %{{.*}} of(%{{.*}}, %{{.*}}) mask(causal) : (tensor<?x?x8x64xf32>, !attn.kv<{{.*}}>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x8x?xf32>) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  %dq, %dk, %dv = attn.attention_backward %q, %kv, %q of(%q, %lse)
      mask(causal) : (!q, !kv, !q, !q, !lse) -> !q, !k, !k
  // CHECK: d_lse(%{{.*}}) mask(causal) score(alibi(%{{.*}} : tensor<8xf32>)) scale(5.000000e-01) sink(%{{.*}}) wrt(%{{.*}}) : ({{.*}}) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> d_sink(tensor<8xf32>) d_wrt(tensor<8xf32>)
  %dq2, %dk2, %dv2, %ds, %dn = attn.attention_backward %q, %kv, %q of(%q, %lse)
      d_lse(%lse) mask(causal) score(alibi(%n : tensor<8xf32>)) scale(0.5)
      sink(%n) wrt(%n)
      : (!q, !kv, !q, !q, !lse, !lse, tensor<8xf32>, tensor<8xf32>)
      -> !q, !k, !k d_sink(tensor<8xf32>) d_wrt(tensor<8xf32>)
  return %dq : !q
}

// CHECK-LABEL: func @backward_of_lists
func.func @backward_of_lists(%q: !q, %k: !k, %lse: !lse, %n: tensor<1x1x?xi32>,
                             %c: tensor<1x1x?x?xi32>, %s: tensor<8xf32>) -> !q {
  %kv = attn.kv.dense %k, %k : !k, !k
  // CHECK: mask(causal) score(alibi(%{{.*}} : tensor<8xf32>)) blocks<64, 32> partial(%{{.*}}, %{{.*}}) full(%{{.*}}, %{{.*}}) wrt(%{{.*}}) : ({{.*}}) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32> d_wrt(tensor<8xf32>)
  %dq, %dk, %dv, %ds = attn.attention_backward %q, %kv, %q of(%q, %lse)
      mask(causal) score(alibi(%s : tensor<8xf32>)) blocks<64, 32>
      partial(%n, %c) full(%n, %c) wrt(%s)
      : (!q, !kv, !q, !q, !lse, tensor<1x1x?xi32>, tensor<1x1x?x?xi32>,
         tensor<1x1x?xi32>, tensor<1x1x?x?xi32>, tensor<8xf32>)
      -> !q, !k, !k d_wrt(tensor<8xf32>)
  return %dq : !q
}

// CHECK-LABEL: func @backward_of_sources
func.func @backward_of_sources(%q: !q, %k: !k, %c: !k, %lse: !lse,
                               %i: tensor<?x?x1x4xi32>) -> !q {
  %kv = attn.kv.dense %k, %k : !k, !k
  %all = attn.kv.latent %c slice<64> : !k
  %some = attn.kv.gather %all at %i : !kv, tensor<?x?x1x4xi32>
  %both = attn.kv.concat %kv, %some : !kv, !kv -> !kv
  // CHECK: attn.attention_backward {{.*}} : ({{.*}}) -> tensor<?x?x8x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>, tensor<?x?x4x64xf32>
  %dq, %dk, %dv, %dc = attn.attention_backward %q, %both, %q of(%q, %lse)
      : (!q, !kv, !q, !q, !lse) -> !q, !k, !k, !k
  return %dq : !q
}

// CHECK-LABEL: func @backward_of_slices
func.func @backward_of_slices(%q: !q, %c: tensor<?x1x64xf32>, %p: tensor<?x?xi32>,
                              %pages: tensor<?x16x1x64xf32>, %t: tensor<2x?xi32>,
                              %n: tensor<2xi32>, %do: tensor<?x?x8x48xf32>,
                              %i: tensor<?x?x1x4xi32>)
    -> tensor<?x16x1x64xf32> {
  %all = attn.kv.paged %pages slice<48> table(%t, %n : tensor<2x?xi32>, tensor<2xi32>)
      : tensor<?x16x1x64xf32>
  %kv = attn.kv.gather %all at %i
      : !attn.kv<tensor<2x?x1x64xf32>, tensor<2x?x1x48xf32>>, tensor<?x?x1x4xi32>
  // CHECK: attn.attention_backward %{{.*}}, %{{.*}}, %{{.*}} positions(%{{.*}}) mask(causal) normalizer<sigmoid> : ({{.*}}) -> tensor<?x?x8x64xf32>, tensor<?x16x1x64xf32>
  %dq, %dc = attn.attention_backward %q, %kv, %do positions(%p) mask(causal)
      normalizer<sigmoid>
      : (!q, !attn.kv<tensor<2x?x1x64xf32>, tensor<2x?x1x48xf32>>,
         tensor<?x?x8x48xf32>, tensor<?x?xi32>) -> !q, tensor<?x16x1x64xf32>
  return %dc : tensor<?x16x1x64xf32>
}
