// Ops on floats that a region admits: exponentials.
// RUN: attn-run %s --device=emulator --hazards --check --shape=q=1x40x1x128 \
// RUN:   --shape=k=1x70x1x128 --shape=v=1x70x1x128 | FileCheck %s
// RUN: attn-run %s --device=tile --check --shape=q=1x40x1x128 \
// RUN:   --shape=k=1x70x1x128 --shape=v=1x70x1x128 | FileCheck %s
// CHECK: check: passed

!t = tensor<?x?x1x128xbf16>
!lse = tensor<?x1x?xf32>

func.func @f(%q: !t {attn.name = "q"}, %k: !t {attn.name = "k"},
             %v: !t {attn.name = "v"}) -> (!t, !lse) {
  %kv = attn.kv.dense %k, %v : !t, !t
  %o, %lse = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %half = arith.constant 0.5 : f32
    %two = arith.constant 2.0 : f32
    %abs = math.absf %x : f32
    %positive = arith.addf %abs, %half : f32
    %large = arith.addf %positive, %two : f32
    %unit = arith.minimumf %abs, %half : f32
    %tanh = math.tanh %x : f32
    %exp = math.exp %x : f32
    %exp2 = math.exp2 %x : f32
    %expm1 = math.expm1 %x : f32
    %erf = math.erf %x : f32
    %erfc = math.erfc %x : f32
    %cbrt = math.cbrt %x : f32
    %sqrt = math.sqrt %positive : f32
    %rsqrt = math.rsqrt %positive : f32
    %log = math.log %positive : f32
    %log2 = math.log2 %positive : f32
    %log10 = math.log10 %positive : f32
    %log1p = math.log1p %positive : f32
    %powf = math.powf %positive, %half : f32
    %weight = arith.constant 0.01 : f32
    %w0 = arith.mulf %tanh, %weight : f32
    %s0 = arith.addf %x, %w0 : f32
    %w1 = arith.mulf %exp, %weight : f32
    %s1 = arith.addf %s0, %w1 : f32
    %w2 = arith.mulf %exp2, %weight : f32
    %s2 = arith.addf %s1, %w2 : f32
    %w3 = arith.mulf %expm1, %weight : f32
    %s3 = arith.addf %s2, %w3 : f32
    %w4 = arith.mulf %erf, %weight : f32
    %s4 = arith.addf %s3, %w4 : f32
    %w5 = arith.mulf %erfc, %weight : f32
    %s5 = arith.addf %s4, %w5 : f32
    %w6 = arith.mulf %cbrt, %weight : f32
    %s6 = arith.addf %s5, %w6 : f32
    %w7 = arith.mulf %sqrt, %weight : f32
    %s7 = arith.addf %s6, %w7 : f32
    %w8 = arith.mulf %rsqrt, %weight : f32
    %s8 = arith.addf %s7, %w8 : f32
    %w9 = arith.mulf %log, %weight : f32
    %s9 = arith.addf %s8, %w9 : f32
    %w10 = arith.mulf %log2, %weight : f32
    %s10 = arith.addf %s9, %w10 : f32
    %w11 = arith.mulf %log10, %weight : f32
    %s11 = arith.addf %s10, %w11 : f32
    %w12 = arith.mulf %log1p, %weight : f32
    %s12 = arith.addf %s11, %w12 : f32
    %w13 = arith.mulf %powf, %weight : f32
    %sum = arith.addf %s12, %w13 : f32
    attn.yield %sum : f32
  } : !t, !attn.kv<!t, !t> -> !t, !lse
  return %o, %lse : !t, !lse
}
