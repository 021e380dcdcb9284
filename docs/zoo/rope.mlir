// Rotary embedding (arXiv 2104.09864) as GPT-NeoX and Llama have it, on the first half of
// the channels only (Qwen3-Next: 64 of 256): pair k is the channels k and n + k, and its
// angle at position p is p 10000^(-k / n). What attention sees depends on distances alone.
//
//     o = softmax(R(q) R(k)^T / sqrt(32) + causal) v
//
// Reference only: 'attn.rotary' op is not lowered to the tile level

!q = tensor<1x?x2x32xf32>
!positions = tensor<1x?xi32>

func.func @rope(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                %v: !q {attn.name = "v"}, %positions: !positions {attn.name = "positions"})
    -> (!q {attn.name = "o"}) {
  %empty = tensor.empty() : tensor<8xf32>
  %frequencies = linalg.generic {indexing_maps = [affine_map<(k) -> (k)>],
      iterator_types = ["parallel"]} outs(%empty : tensor<8xf32>) {
  ^bb0(%out: f32):
    %k0 = linalg.index 0 : index
    %k1 = arith.index_cast %k0 : index to i64
    %k2 = arith.sitofp %k1 : i64 to f32
    %n = arith.constant -0.125 : f32
    %base = arith.constant 10000.0 : f32
    %exponent = arith.mulf %k2, %n : f32
    %frequency = math.powf %base, %exponent : f32
    linalg.yield %frequency : f32
  } -> tensor<8xf32>
  %rq = attn.rotary %q at %positions by %frequencies : !q, !positions, tensor<8xf32>
  %rk = attn.rotary %k at %positions by %frequencies : !q, !positions, tensor<8xf32>
  %kv = attn.kv.dense %rk, %v : !q, !q
  %o = attn.attention %rq, %kv mask(causal) : !q, !attn.kv<!q, !q> -> !q
  return %o : !q
}
