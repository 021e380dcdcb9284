// Elements of every type, read once for an instance and for each pair of a query and
// a key, also outside of the tensor.
// RUN: attn-run %s --device=emulator --hazards --check --shape=q=2x140x2x128 \
// RUN:   --shape=k=2x200x1x128 --shape=v=2x200x1x128 | FileCheck %s
// RUN: attn-run %s --device=tile --check --shape=q=2x140x2x128 \
// RUN:   --shape=k=2x200x1x128 --shape=v=2x200x1x128 | FileCheck %s
// CHECK: check: passed

!q = tensor<?x?x2x128xbf16>
!k = tensor<?x?x1x128xbf16>
!lse = tensor<?x2x?xf32>

func.func @f(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"},
             %v: !k {attn.name = "v"},
             %t0: tensor<2x190x170xi1>,
             %t1: tensor<2x190x170xi8>,
             %t2: tensor<2x190x170xi16>,
             %t3: tensor<2x190x170xi32>,
             %t4: tensor<2x190x170xi64>,
             %t5: tensor<2x190x170xindex>,
             %t6: tensor<2x190x170xf32>,
             %t7: tensor<2x190x170xbf16>,
             %t8: tensor<2x190x170xf16>) -> (!q, !lse) {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o, %lse = attn.attention %q, %kv mask(window<30, 3> or first<5>) score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %pair0 = attn.read %t0[%h, %p, %j] : tensor<2x190x170xi1>
    %pair0_f = arith.uitofp %pair0 : i1 to f32
    %instance0 = attn.read %t0[%h, %h, %b] : tensor<2x190x170xi1>
    %instance0_f = arith.uitofp %instance0 : i1 to f32
    %pair1 = attn.read %t1[%h, %p, %j] : tensor<2x190x170xi8>
    %pair1_f = arith.sitofp %pair1 : i8 to f32
    %instance1 = attn.read %t1[%h, %h, %b] : tensor<2x190x170xi8>
    %instance1_f = arith.sitofp %instance1 : i8 to f32
    %pair2 = attn.read %t2[%h, %p, %j] : tensor<2x190x170xi16>
    %pair2_f = arith.sitofp %pair2 : i16 to f32
    %instance2 = attn.read %t2[%h, %h, %b] : tensor<2x190x170xi16>
    %instance2_f = arith.sitofp %instance2 : i16 to f32
    %pair3 = attn.read %t3[%h, %p, %j] : tensor<2x190x170xi32>
    %pair3_f = arith.sitofp %pair3 : i32 to f32
    %instance3 = attn.read %t3[%h, %h, %b] : tensor<2x190x170xi32>
    %instance3_f = arith.sitofp %instance3 : i32 to f32
    %pair4 = attn.read %t4[%h, %p, %j] : tensor<2x190x170xi64>
    %pair4_f = arith.sitofp %pair4 : i64 to f32
    %instance4 = attn.read %t4[%h, %h, %b] : tensor<2x190x170xi64>
    %instance4_f = arith.sitofp %instance4 : i64 to f32
    %pair5 = attn.read %t5[%h, %p, %j] : tensor<2x190x170xindex>
    %pair5_i = arith.index_cast %pair5 : index to i32
    %pair5_f = arith.sitofp %pair5_i : i32 to f32
    %instance5 = attn.read %t5[%h, %h, %b] : tensor<2x190x170xindex>
    %instance5_i = arith.index_cast %instance5 : index to i32
    %instance5_f = arith.sitofp %instance5_i : i32 to f32
    %pair6 = attn.read %t6[%h, %p, %j] : tensor<2x190x170xf32>
    %instance6 = attn.read %t6[%h, %h, %b] : tensor<2x190x170xf32>
    %pair7 = attn.read %t7[%h, %p, %j] : tensor<2x190x170xbf16>
    %pair7_f = arith.extf %pair7 : bf16 to f32
    %instance7 = attn.read %t7[%h, %h, %b] : tensor<2x190x170xbf16>
    %instance7_f = arith.extf %instance7 : bf16 to f32
    %pair8 = attn.read %t8[%h, %p, %j] : tensor<2x190x170xf16>
    %pair8_f = arith.extf %pair8 : f16 to f32
    %instance8 = attn.read %t8[%h, %h, %b] : tensor<2x190x170xf16>
    %instance8_f = arith.extf %instance8 : f16 to f32
    %weight = arith.constant 0.1 : f32
    %w0 = arith.mulf %pair0_f, %weight : f32
    %s0 = arith.addf %x, %w0 : f32
    %w1 = arith.mulf %instance0_f, %weight : f32
    %s1 = arith.addf %s0, %w1 : f32
    %w2 = arith.mulf %pair1_f, %weight : f32
    %s2 = arith.addf %s1, %w2 : f32
    %w3 = arith.mulf %instance1_f, %weight : f32
    %s3 = arith.addf %s2, %w3 : f32
    %w4 = arith.mulf %pair2_f, %weight : f32
    %s4 = arith.addf %s3, %w4 : f32
    %w5 = arith.mulf %instance2_f, %weight : f32
    %s5 = arith.addf %s4, %w5 : f32
    %w6 = arith.mulf %pair3_f, %weight : f32
    %s6 = arith.addf %s5, %w6 : f32
    %w7 = arith.mulf %instance3_f, %weight : f32
    %s7 = arith.addf %s6, %w7 : f32
    %w8 = arith.mulf %pair4_f, %weight : f32
    %s8 = arith.addf %s7, %w8 : f32
    %w9 = arith.mulf %instance4_f, %weight : f32
    %s9 = arith.addf %s8, %w9 : f32
    %w10 = arith.mulf %pair5_f, %weight : f32
    %s10 = arith.addf %s9, %w10 : f32
    %w11 = arith.mulf %instance5_f, %weight : f32
    %s11 = arith.addf %s10, %w11 : f32
    %w12 = arith.mulf %pair6, %weight : f32
    %s12 = arith.addf %s11, %w12 : f32
    %w13 = arith.mulf %instance6, %weight : f32
    %s13 = arith.addf %s12, %w13 : f32
    %w14 = arith.mulf %pair7_f, %weight : f32
    %s14 = arith.addf %s13, %w14 : f32
    %w15 = arith.mulf %instance7_f, %weight : f32
    %s15 = arith.addf %s14, %w15 : f32
    %w16 = arith.mulf %pair8_f, %weight : f32
    %s16 = arith.addf %s15, %w16 : f32
    %w17 = arith.mulf %instance8_f, %weight : f32
    %sum = arith.addf %s16, %w17 : f32
    attn.yield %sum : f32
  } : !q, !attn.kv<!k, !k> -> !q, !lse
  return %o, %lse : !q, !lse
}
