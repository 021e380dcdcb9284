// RUN: attn-opt %s -verify-roundtrip | FileCheck %s
// RUN: attn-opt %s -mlir-print-op-generic | attn-opt | FileCheck %s

!q = tensor<?x?x4x64xbf16>
!k = tensor<?x?x2x64xbf16>
!kv = !attn.kv<!k, !k>

// CHECK-LABEL: func @latent
func.func @latent(%c: tensor<?x?x1x576xbf16>, %d: tensor<?x1x576xbf16>,
                  %cu: tensor<?xi32>, %q: tensor<?x?x16x576xbf16>)
    -> tensor<?x?x16x512xf32> {
  // CHECK: attn.kv.latent %{{.*}} slice<512> : tensor<?x?x1x576xbf16>
  %kv = attn.kv.latent %c slice<512> : tensor<?x?x1x576xbf16>
  // CHECK: attn.kv.latent %{{.*}} slice<512> cu_seqlens(%{{.*}} : tensor<?xi32>) : tensor<?x1x576xbf16>
  %packed = attn.kv.latent %d slice<512> cu_seqlens(%cu : tensor<?xi32>)
      : tensor<?x1x576xbf16>
  // CHECK: -> tensor<?x?x16x512xf32>
  %o = attn.attention %q, %kv : tensor<?x?x16x576xbf16>,
      !attn.kv<tensor<?x?x1x576xbf16>, tensor<?x?x1x512xbf16>> -> tensor<?x?x16x512xf32>
  return %o : tensor<?x?x16x512xf32>
}

// CHECK-LABEL: func @paged
func.func @paged(%q: !q, %packed: tensor<?x4x64xbf16>, %k: tensor<?x16x2x64xbf16>,
                 %h: tensor<?x2x16x64xbf16>, %table: tensor<?x?xi32>,
                 %n: tensor<?xi32>) -> (!q, tensor<?x4x64xbf16>) {
  // CHECK: attn.kv.paged %{{.*}} values(%{{.*}} : tensor<?x16x2x64xbf16>) table(%{{.*}}, %{{.*}} : tensor<?x?xi32>, tensor<?xi32>) : tensor<?x16x2x64xbf16>
  %a = attn.kv.paged %k values(%k : tensor<?x16x2x64xbf16>)
      table(%table, %n : tensor<?x?xi32>, tensor<?xi32>) : tensor<?x16x2x64xbf16>
  // CHECK: attn.kv.paged %{{.*}} heads_first slice<64> csr(%{{.*}}, %{{.*}}, %{{.*}} : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>) : tensor<?x2x16x64xbf16>
  %b = attn.kv.paged %h heads_first slice<64>
      csr(%n, %n, %n : tensor<?xi32>, tensor<?xi32>, tensor<?xi32>)
      : tensor<?x2x16x64xbf16>
  %0 = attn.attention %q, %a mask(causal) : !q, !kv -> !q
  // Packed queries read pages.
  %1 = attn.attention %packed, %b cu_seqlens(%n : tensor<?xi32>)
      : tensor<?x4x64xbf16>, !kv -> tensor<?x4x64xbf16>
  return %0, %1 : !q, tensor<?x4x64xbf16>
}

// CHECK-LABEL: func @gather_and_concat
func.func @gather_and_concat(%q: !q, %k: !k, %tokens: tensor<?x?x1x8xi32>,
                             %blocks: tensor<?x?x2x3xi32>) -> !q {
  %kv = attn.kv.dense %k, %k : !k, !k
  // CHECK: attn.kv.gather %{{.*}} at %{{.*}} : !attn.kv<{{.*}}>, tensor<?x?x1x8xi32>
  %a = attn.kv.gather %kv at %tokens : !kv, tensor<?x?x1x8xi32>
  // CHECK: attn.kv.gather %{{.*}} at %{{.*}} block<64> : !attn.kv<{{.*}}>, tensor<?x?x2x3xi32>
  %b = attn.kv.gather %a at %blocks block<64> : !kv, tensor<?x?x2x3xi32>
  // CHECK: attn.kv.concat %{{.*}}, %{{.*}} : !attn.kv<{{.*}}>, !attn.kv<{{.*}}> -> !attn.kv<
  %both = attn.kv.concat %b, %kv : !kv, !kv -> !kv
  %0 = attn.attention %q, %both : !q, !kv -> !q
  return %0 : !q
}

// CHECK-LABEL: func @normalizers
func.func @normalizers(%q: !q, %k: !k, %p: tensor<?x?xi32>) -> (!q, !q, !q) {
  %kv = attn.kv.dense %k, %k : !k, !k
  // CHECK: attn.attention %{{.*}}, %{{.*}} positions(%{{.*}} : tensor<?x?xi32>) scale(5.000000e-01) normalizer<off_by_one> :
  %0 = attn.attention %q, %kv positions(%p : tensor<?x?xi32>) scale(0.5)
      normalizer<off_by_one> : !q, !kv -> !q
  // CHECK: normalizer<sigmoid>
  %1 = attn.attention %q, %kv normalizer<sigmoid> : !q, !kv -> !q
  // CHECK: normalizer<softmax>
  %2 = attn.attention %q, %kv normalizer<softmax> : !q, !kv -> !q
  return %0, %1, %2 : !q, !q, !q
}

// CHECK-LABEL: func @masks
func.func @masks(%q: !q, %k: !k, %ids: tensor<?x?xi32>, %n: tensor<?xi32>,
                 %words: tensor<?x?x?xi32>, %bias: tensor<1x4x?x?xf32>)
    -> (!q, !q, !q) {
  %kv = attn.kv.dense %k, %k : !k, !k
  // CHECK: mask(dilated<4> and column<128, 8> or span(%{{.*}} : tensor<?x?xi32>)) :
  %0 = attn.attention %q, %kv
      mask(dilated<4> and column<128, 8> or span(%ids : tensor<?x?xi32>))
      : !q, !kv -> !q
  // CHECK: mask(bits(%{{.*}} : tensor<?x?x?xi32>) and not tree(%{{.*}} : tensor<?xi32>, %{{.*}} : tensor<?x?x?xi32>))
  // CHECK-SAME: score(softcap<2.000000e+00>, bias(%{{.*}} : tensor<1x4x?x?xf32>)) :
  %1 = attn.attention %q, %kv
      mask(bits(%words : tensor<?x?x?xi32>)
           and not tree(%n : tensor<?xi32>, %words : tensor<?x?x?xi32>))
      score(softcap<2.0>, bias(%bias : tensor<1x4x?x?xf32>)) : !q, !kv -> !q
  // A number of the query that nothing uses, and bits that take another number.
  // CHECK: mask {
  // CHECK-NEXT: ^bb0(%b: index, %h: index, %p: index, %j: index, %i: index):
  // CHECK: score {
  // CHECK-NEXT: ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index, %i: index):
  // CHECK-NEXT: attn.bias %x, %{{.*}}, %b, %h, %p, %j : tensor<1x4x?x?xf32>
  %2 = attn.attention %q, %kv mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index, %i: index):
    %keep = attn.causal %p, %j
    attn.yield %keep : i1
  } score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index, %i: index):
    %y = attn.bias %x, %bias, %b, %h, %p, %j : tensor<1x4x?x?xf32>
    attn.yield %y : f32
  } : !q, !kv -> !q
  return %0, %1, %2 : !q, !q, !q
}
