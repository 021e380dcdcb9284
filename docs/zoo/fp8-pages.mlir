// Decoding from a paged cache of e4m3 numbers (PagedAttention, arXiv 2309.06180, as vLLM
// keeps it with kv_cache_dtype fp8): keys have one scale for the whole tensor, values one
// per token and head, in pages as the values are.
//
//     o = softmax(q (sk k8)^T / sqrt(64) + causal) (sv v8)
//
// Reference only: 'attn.dequantize' op is not lowered to the tile level

!q = tensor<3x?x4x64xbf16>
!bytes = tensor<?x16x2x64xi8>
!small = tensor<?x16x2x64xf8E4M3FN>
!pages = tensor<?x16x2x64xbf16>
!scales = tensor<?x16x2x1xf32>
!k = tensor<3x?x2x64xbf16>

func.func @fp8_pages(%q: !q {attn.name = "q"}, %kb: !bytes {attn.name = "k_cache"},
                     %vb: !bytes {attn.name = "v_cache"},
                     %sk: tensor<1x1x1x1xf32> {attn.name = "k_scale"},
                     %sv: !scales {attn.name = "v_scales"},
                     %table: tensor<3x?xi32> {attn.name = "table"},
                     %lengths: tensor<3xi32> {attn.name = "lengths"})
    -> (!q {attn.name = "o"}, tensor<3x4x?xf32> {attn.name = "lse"}) {
  %k8 = arith.bitcast %kb : !bytes to !small
  %v8 = arith.bitcast %vb : !bytes to !small
  %k = attn.dequantize %k8 by %sk : !small, tensor<1x1x1x1xf32> -> !pages
  %v = attn.dequantize %v8 by %sv : !small, !scales -> !pages
  %kv = attn.kv.paged %k values(%v : !pages)
      table(%table, %lengths : tensor<3x?xi32>, tensor<3xi32>) : !pages
  %o, %lse = attn.attention %q, %kv mask(causal)
      : !q, !attn.kv<!k, !k> -> !q, tensor<3x4x?xf32>
  return %o, %lse : !q, tensor<3x4x?xf32>
}
