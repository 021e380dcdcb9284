// PagedAttention (vLLM, arXiv 2309.06180) with the shapes of a Llama-3-8B layer scaled
// down: the keys of a request lie in pages of 16 that its row of the table names, in any
// order, some of them shared with another request. One query per request decodes.
//
//     o = softmax(q k^T / sqrt(64)) v      for the lengths[b] keys of request b
//
// Reference only: 'attn.kv.paged' op is not lowered to the tile level

!q = tensor<?x?x4x64xbf16>
!pages = tensor<?x16x2x64xbf16>
!k = tensor<?x?x2x64xbf16>

func.func @paged_attention(%q: !q {attn.name = "q"},
                           %k: !pages {attn.name = "k_pages"},
                           %v: !pages {attn.name = "v_pages"},
                           %table: tensor<?x?xi32> {attn.name = "table"},
                           %lengths: tensor<?xi32> {attn.name = "lengths"})
    -> (!q {attn.name = "o"}, tensor<?x4x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.paged %k values(%v : !pages)
      table(%table, %lengths : tensor<?x?xi32>, tensor<?xi32>) : !pages
  %o, %lse = attn.attention %q, %kv mask(causal)
      : !q, !attn.kv<!k, !k> -> !q, tensor<?x4x?xf32>
  return %o, %lse : !q, tensor<?x4x?xf32>
}
