// Ops on floats that a region admits: rounding.
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
    %ceil = math.ceil %x : f32
    %floor = math.floor %x : f32
    %trunc = math.trunc %x : f32
    %round = math.round %x : f32
    %roundeven = math.roundeven %x : f32
    %addf = arith.addf %x, %two : f32
    %subf = arith.subf %x, %two : f32
    %mulf = arith.mulf %x, %two : f32
    %divf = arith.divf %x, %two : f32
    %remf = arith.remf %x, %two : f32
    %maximumf = arith.maximumf %x, %two : f32
    %minimumf = arith.minimumf %x, %two : f32
    %maxnumf = arith.maxnumf %x, %two : f32
    %minnumf = arith.minnumf %x, %two : f32
    %copysign = math.copysign %x, %positive : f32
    %fma = math.fma %x, %half, %two : f32
    %clampf = math.clampf %x to [%half, %two] : f32
    %negf = arith.negf %x : f32
    %bf16 = arith.truncf %x : f32 to bf16
    %bf16_square = arith.mulf %bf16, %bf16 : bf16
    %bf16_wide = arith.extf %bf16_square : bf16 to f32
    %f16 = arith.truncf %x : f32 to f16
    %f16_square = arith.mulf %f16, %f16 : f16
    %f16_wide = arith.extf %f16_square : f16 to f32
    %weight = arith.constant 0.01 : f32
    %w0 = arith.mulf %ceil, %weight : f32
    %s0 = arith.addf %x, %w0 : f32
    %w1 = arith.mulf %floor, %weight : f32
    %s1 = arith.addf %s0, %w1 : f32
    %w2 = arith.mulf %trunc, %weight : f32
    %s2 = arith.addf %s1, %w2 : f32
    %w3 = arith.mulf %round, %weight : f32
    %s3 = arith.addf %s2, %w3 : f32
    %w4 = arith.mulf %roundeven, %weight : f32
    %s4 = arith.addf %s3, %w4 : f32
    %w5 = arith.mulf %addf, %weight : f32
    %s5 = arith.addf %s4, %w5 : f32
    %w6 = arith.mulf %subf, %weight : f32
    %s6 = arith.addf %s5, %w6 : f32
    %w7 = arith.mulf %mulf, %weight : f32
    %s7 = arith.addf %s6, %w7 : f32
    %w8 = arith.mulf %divf, %weight : f32
    %s8 = arith.addf %s7, %w8 : f32
    %w9 = arith.mulf %remf, %weight : f32
    %s9 = arith.addf %s8, %w9 : f32
    %w10 = arith.mulf %maximumf, %weight : f32
    %s10 = arith.addf %s9, %w10 : f32
    %w11 = arith.mulf %minimumf, %weight : f32
    %s11 = arith.addf %s10, %w11 : f32
    %w12 = arith.mulf %maxnumf, %weight : f32
    %s12 = arith.addf %s11, %w12 : f32
    %w13 = arith.mulf %minnumf, %weight : f32
    %s13 = arith.addf %s12, %w13 : f32
    %w14 = arith.mulf %copysign, %weight : f32
    %s14 = arith.addf %s13, %w14 : f32
    %w15 = arith.mulf %fma, %weight : f32
    %s15 = arith.addf %s14, %w15 : f32
    %w16 = arith.mulf %clampf, %weight : f32
    %s16 = arith.addf %s15, %w16 : f32
    %w17 = arith.mulf %negf, %weight : f32
    %s17 = arith.addf %s16, %w17 : f32
    %w18 = arith.mulf %bf16_wide, %weight : f32
    %s18 = arith.addf %s17, %w18 : f32
    %w19 = arith.mulf %f16_wide, %weight : f32
    %sum = arith.addf %s18, %w19 : f32
    attn.yield %sum : f32
  } : !t, !attn.kv<!t, !t> -> !t, !lse
  return %o, %lse : !t, !lse
}
