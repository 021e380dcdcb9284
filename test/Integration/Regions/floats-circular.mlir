// Ops on floats that a region admits: circular.
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
    %cos = math.cos %x : f32
    %sin = math.sin %x : f32
    %atan = math.atan %x : f32
    %sinh = math.sinh %x : f32
    %cosh = math.cosh %x : f32
    %asinh = math.asinh %x : f32
    %asin = math.asin %unit : f32
    %acos = math.acos %unit : f32
    %atanh = math.atanh %unit : f32
    %tan = math.tan %unit : f32
    %acosh = math.acosh %large : f32
    %atan2 = math.atan2 %x, %positive : f32
    %weight = arith.constant 0.01 : f32
    %w0 = arith.mulf %cos, %weight : f32
    %s0 = arith.addf %x, %w0 : f32
    %w1 = arith.mulf %sin, %weight : f32
    %s1 = arith.addf %s0, %w1 : f32
    %w2 = arith.mulf %atan, %weight : f32
    %s2 = arith.addf %s1, %w2 : f32
    %w3 = arith.mulf %sinh, %weight : f32
    %s3 = arith.addf %s2, %w3 : f32
    %w4 = arith.mulf %cosh, %weight : f32
    %s4 = arith.addf %s3, %w4 : f32
    %w5 = arith.mulf %asinh, %weight : f32
    %s5 = arith.addf %s4, %w5 : f32
    %w6 = arith.mulf %asin, %weight : f32
    %s6 = arith.addf %s5, %w6 : f32
    %w7 = arith.mulf %acos, %weight : f32
    %s7 = arith.addf %s6, %w7 : f32
    %w8 = arith.mulf %atanh, %weight : f32
    %s8 = arith.addf %s7, %w8 : f32
    %w9 = arith.mulf %tan, %weight : f32
    %s9 = arith.addf %s8, %w9 : f32
    %w10 = arith.mulf %acosh, %weight : f32
    %s10 = arith.addf %s9, %w10 : f32
    %w11 = arith.mulf %atan2, %weight : f32
    %sum = arith.addf %s10, %w11 : f32
    attn.yield %sum : f32
  } : !t, !attn.kv<!t, !t> -> !t, !lse
  return %o, %lse : !t, !lse
}
