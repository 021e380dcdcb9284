// Two layers of Command A (Cohere 2, arXiv 2504.00698): three of four layers are local, with
// rotary positions in neighbouring channels and a window of 4096; the fourth sees all of the
// past and has no positions. Here with a window of 4 and heads of 16; the second layer
// takes the first one's output as its queries.
//
//     a = softmax(R(q) R(k)^T / 4 + (p - 4 < j <= p)) v
//     o = softmax(a k'^T / 4 + causal) v'
//
// Reference only: 'attn.rotary' op is not lowered to the tile level

!q = tensor<1x?x4x16xf32>
!k = tensor<1x?x2x16xf32>
!kv = !attn.kv<!k, !k>
!positions = tensor<1x?xi32>

func.func @cohere2(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"},
                   %v: !k {attn.name = "v"}, %k2: !k {attn.name = "k_global"},
                   %v2: !k {attn.name = "v_global"},
                   %positions: !positions {attn.name = "positions"},
                   %frequencies: tensor<8xf32> {attn.name = "frequencies"})
    -> (!q {attn.name = "o"}) {
  %rq = attn.rotary %q at %positions by %frequencies interleaved
      : !q, !positions, tensor<8xf32>
  %rk = attn.rotary %k at %positions by %frequencies interleaved
      : !k, !positions, tensor<8xf32>
  %local = attn.kv.dense %rk, %v : !k, !k
  %a = attn.attention %rq, %local mask(causal and window<3, 0>) : !q, !kv -> !q
  %global = attn.kv.dense %k2, %v2 : !k, !k
  %o = attn.attention %a, %global mask(causal) : !q, !kv -> !q
  return %o : !q
}
