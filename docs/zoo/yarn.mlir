// YaRN (arXiv 2309.00071) with the numbers of gpt-oss: slow pairs turn 32 times slower than
// trained, fast ones as ever, those between by a ramp; cosine and sine are multiplied by
// 0.1 ln 32 + 1. 64 channels, base 150000, trained on 4096 tokens; the ramp goes from the
// pair that turns 32 times in them to the one that turns once, not rounded.
//
//     f_k = 150000^(-k / 32), r_k = clip((k - low) / (high - low), 0, 1)
//     o = softmax(R(q) R(k)^T / 8 + causal) v,  R by  f_k (1 - r_k) + f_k / 32 r_k
//
// Reference only: 'attn.rotary' op is not lowered to the tile level

!q = tensor<1x?x2x64xf32>
!positions = tensor<1x?xi32>

func.func @yarn(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                %v: !q {attn.name = "v"}, %positions: !positions {attn.name = "positions"})
    -> (!q {attn.name = "o"}) {
  %empty = tensor.empty() : tensor<32xf32>
  %frequencies = linalg.generic {indexing_maps = [affine_map<(k) -> (k)>],
      iterator_types = ["parallel"]} outs(%empty : tensor<32xf32>) {
  ^bb0(%out: f32):
    %k0 = linalg.index 0 : index
    %k1 = arith.index_cast %k0 : index to i64
    %pair = arith.sitofp %k1 : i64 to f32
    %n = arith.constant -0.03125 : f32
    %base = arith.constant 150000.0 : f32
    %exponent = arith.mulf %pair, %n : f32
    %fast = math.powf %base, %exponent : f32
    %factor = arith.constant 0.03125 : f32
    %slow = arith.mulf %fast, %factor : f32
    // 32 ln(4096 / (2 pi n)) / ln(150000) for n = 32 and n = 1
    %unit = arith.constant 32.0 : f32
    %logBase = math.log %base : f32
    %turnsAtLow = arith.constant 20.3718327 : f32
    %turnsAtHigh = arith.constant 651.898647 : f32
    %logLow = math.log %turnsAtLow : f32
    %logHigh = math.log %turnsAtHigh : f32
    %perLog = arith.divf %unit, %logBase : f32
    %low = arith.mulf %logLow, %perLog : f32
    %high = arith.mulf %logHigh, %perLog : f32
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %above = arith.subf %pair, %low : f32
    %width = arith.subf %high, %low : f32
    %share = arith.divf %above, %width : f32
    %positive = arith.maximumf %share, %zero : f32
    %ramp = arith.minimumf %positive, %one : f32
    %rest = arith.subf %one, %ramp : f32
    %a = arith.mulf %fast, %rest : f32
    %b = arith.mulf %slow, %ramp : f32
    %frequency = arith.addf %a, %b : f32
    linalg.yield %frequency : f32
  } -> tensor<32xf32>
  %rq = attn.rotary %q at %positions by %frequencies amplitude(1.34657359)
      : !q, !positions, tensor<32xf32>
  %rk = attn.rotary %k at %positions by %frequencies amplitude(1.34657359)
      : !q, !positions, tensor<32xf32>
  %kv = attn.kv.dense %rk, %v : !q, !q
  %o = attn.attention %rq, %kv mask(causal) : !q, !attn.kv<!q, !q> -> !q
  return %o : !q
}
