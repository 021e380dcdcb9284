// Ops on floats that a region admits: comparisons.
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
    %isnan = math.isnan %x : f32
    %isnan_chosen = arith.select %isnan, %x, %half : f32
    %isinf = math.isinf %x : f32
    %isinf_chosen = arith.select %isinf, %x, %half : f32
    %isfinite = math.isfinite %x : f32
    %isfinite_chosen = arith.select %isfinite, %x, %half : f32
    %isnormal = math.isnormal %x : f32
    %isnormal_chosen = arith.select %isnormal, %x, %half : f32
    %false = arith.cmpf false, %x, %half : f32
    %false_chosen = arith.select %false, %x, %two : f32
    %oeq = arith.cmpf oeq, %x, %half : f32
    %oeq_chosen = arith.select %oeq, %x, %two : f32
    %ogt = arith.cmpf ogt, %x, %half : f32
    %ogt_chosen = arith.select %ogt, %x, %two : f32
    %oge = arith.cmpf oge, %x, %half : f32
    %oge_chosen = arith.select %oge, %x, %two : f32
    %olt = arith.cmpf olt, %x, %half : f32
    %olt_chosen = arith.select %olt, %x, %two : f32
    %ole = arith.cmpf ole, %x, %half : f32
    %ole_chosen = arith.select %ole, %x, %two : f32
    %one = arith.cmpf one, %x, %half : f32
    %one_chosen = arith.select %one, %x, %two : f32
    %ord = arith.cmpf ord, %x, %half : f32
    %ord_chosen = arith.select %ord, %x, %two : f32
    %ueq = arith.cmpf ueq, %x, %half : f32
    %ueq_chosen = arith.select %ueq, %x, %two : f32
    %ugt = arith.cmpf ugt, %x, %half : f32
    %ugt_chosen = arith.select %ugt, %x, %two : f32
    %uge = arith.cmpf uge, %x, %half : f32
    %uge_chosen = arith.select %uge, %x, %two : f32
    %ult = arith.cmpf ult, %x, %half : f32
    %ult_chosen = arith.select %ult, %x, %two : f32
    %ule = arith.cmpf ule, %x, %half : f32
    %ule_chosen = arith.select %ule, %x, %two : f32
    %une = arith.cmpf une, %x, %half : f32
    %une_chosen = arith.select %une, %x, %two : f32
    %uno = arith.cmpf uno, %x, %half : f32
    %uno_chosen = arith.select %uno, %x, %two : f32
    %true = arith.cmpf true, %x, %half : f32
    %true_chosen = arith.select %true, %x, %two : f32
    %weight = arith.constant 0.01 : f32
    %w0 = arith.mulf %isnan_chosen, %weight : f32
    %s0 = arith.addf %x, %w0 : f32
    %w1 = arith.mulf %isinf_chosen, %weight : f32
    %s1 = arith.addf %s0, %w1 : f32
    %w2 = arith.mulf %isfinite_chosen, %weight : f32
    %s2 = arith.addf %s1, %w2 : f32
    %w3 = arith.mulf %isnormal_chosen, %weight : f32
    %s3 = arith.addf %s2, %w3 : f32
    %w4 = arith.mulf %false_chosen, %weight : f32
    %s4 = arith.addf %s3, %w4 : f32
    %w5 = arith.mulf %oeq_chosen, %weight : f32
    %s5 = arith.addf %s4, %w5 : f32
    %w6 = arith.mulf %ogt_chosen, %weight : f32
    %s6 = arith.addf %s5, %w6 : f32
    %w7 = arith.mulf %oge_chosen, %weight : f32
    %s7 = arith.addf %s6, %w7 : f32
    %w8 = arith.mulf %olt_chosen, %weight : f32
    %s8 = arith.addf %s7, %w8 : f32
    %w9 = arith.mulf %ole_chosen, %weight : f32
    %s9 = arith.addf %s8, %w9 : f32
    %w10 = arith.mulf %one_chosen, %weight : f32
    %s10 = arith.addf %s9, %w10 : f32
    %w11 = arith.mulf %ord_chosen, %weight : f32
    %s11 = arith.addf %s10, %w11 : f32
    %w12 = arith.mulf %ueq_chosen, %weight : f32
    %s12 = arith.addf %s11, %w12 : f32
    %w13 = arith.mulf %ugt_chosen, %weight : f32
    %s13 = arith.addf %s12, %w13 : f32
    %w14 = arith.mulf %uge_chosen, %weight : f32
    %s14 = arith.addf %s13, %w14 : f32
    %w15 = arith.mulf %ult_chosen, %weight : f32
    %s15 = arith.addf %s14, %w15 : f32
    %w16 = arith.mulf %ule_chosen, %weight : f32
    %s16 = arith.addf %s15, %w16 : f32
    %w17 = arith.mulf %une_chosen, %weight : f32
    %s17 = arith.addf %s16, %w17 : f32
    %w18 = arith.mulf %uno_chosen, %weight : f32
    %s18 = arith.addf %s17, %w18 : f32
    %w19 = arith.mulf %true_chosen, %weight : f32
    %sum = arith.addf %s18, %w19 : f32
    attn.yield %sum : f32
  } : !t, !attn.kv<!t, !t> -> !t, !lse
  return %o, %lse : !t, !lse
}
