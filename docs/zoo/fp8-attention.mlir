// Attention on e4m3 numbers as FlashAttention-3 (arXiv 2407.08608) has it: a scale per
// batch and key head for queries, keys and values, which are bytes to the caller.
//
//     o = softmax(sq sk q8 k8^T / sqrt(64) + causal) (sv v8)
//
// Reference only: 'attn.dequantize' op is not lowered to the tile level

!q8 = tensor<?x?x4x64xf8E4M3FN>
!k8 = tensor<?x?x2x64xf8E4M3FN>
!q_bytes = tensor<?x?x4x64xi8>
!k_bytes = tensor<?x?x2x64xi8>
!q = tensor<?x?x4x64xbf16>
!k = tensor<?x?x2x64xbf16>
!scale = tensor<?x1x2x1xf32>

func.func @fp8_attention(%qb: !q_bytes {attn.name = "q"}, %kb: !k_bytes {attn.name = "k"},
                         %vb: !k_bytes {attn.name = "v"}, %sq: !scale {attn.name = "q_scale"},
                         %sk: !scale {attn.name = "k_scale"},
                         %sv: !scale {attn.name = "v_scale"})
    -> (!q {attn.name = "o"}, tensor<?x4x?xf32> {attn.name = "lse"}) {
  %q8 = arith.bitcast %qb : !q_bytes to !q8
  %k8 = arith.bitcast %kb : !k_bytes to !k8
  %v8 = arith.bitcast %vb : !k_bytes to !k8
  // Two query heads share the scale of their key head.
  %q = attn.dequantize %q8 by %sq groups [1, 1, 2, 1] : !q8, !scale -> !q
  %k = attn.dequantize %k8 by %sk : !k8, !scale -> !k
  %v = attn.dequantize %v8 by %sv : !k8, !scale -> !k
  %kv = attn.kv.dense %k, %v : !k, !k
  %o, %lse = attn.attention %q, %kv mask(causal)
      : !q, !attn.kv<!k, !k> -> !q, tensor<?x4x?xf32>
  return %o, %lse : !q, tensor<?x4x?xf32>
}
