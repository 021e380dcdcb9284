// StreamingLLM (arXiv 2309.17453) as it decodes: a cache that keeps the first tokens and,
// in a ring, the last ones. Keys are stored as they are and turned when they are read, to
// their place among what the cache holds, however old they are; the query stands at the
// last place. Here 4 first tokens in a cache of 12; in the paper 4 and 1020 or 2044.
//
//     o = softmax(R(q, n - 1) R(k, place)^T / sqrt(16)) v
//
// Reference only: 'attn.rotary' op is not lowered to the tile level

!q = tensor<1x1x4x16xf32>
!k = tensor<1x12x2x16xf32>
!frequencies = tensor<8xf32>

func.func @streaming_llm_cache(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k_cache"},
                               %v: !k {attn.name = "v_cache"},
                               %last: tensor<1x1xi32> {attn.name = "last"},
                               %places: tensor<1x12xi32> {attn.name = "places"},
                               %frequencies: !frequencies {attn.name = "frequencies"})
    -> (!q {attn.name = "o"}) {
  %rq = attn.rotary %q at %last by %frequencies : !q, tensor<1x1xi32>, !frequencies
  %rk = attn.rotary %k at %places by %frequencies : !k, tensor<1x12xi32>, !frequencies
  %kv = attn.kv.dense %rk, %v : !k, !k
  %o = attn.attention %rq, %kv : !q, !attn.kv<!k, !k> -> !q
  return %o : !q
}
