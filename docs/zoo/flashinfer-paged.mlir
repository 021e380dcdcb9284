// Pages as FlashInfer (arXiv 2501.01005) has them: [pages, heads, slots, channels], and
// the pages of all requests in one list (CSR). The queries are packed, of requests that
// prefill a chunk and of such that decode.
//
//     o = softmax(q k^T / sqrt(64) + causal) v      for each request
//
// Reference only: 'attn.kv.paged' op is not lowered to the tile level

!q = tensor<?x4x64xbf16>
!pages = tensor<?x2x4x64xbf16>
!k = tensor<?x?x2x64xbf16>
!ints = tensor<?xi32>

func.func @flashinfer_paged(%q: !q {attn.name = "q"},
                            %cu_q: !ints {attn.name = "qo_indptr"},
                            %k: !pages {attn.name = "k_pages"},
                            %v: !pages {attn.name = "v_pages"},
                            %indptr: !ints {attn.name = "kv_indptr"},
                            %indices: !ints {attn.name = "kv_indices"},
                            %last: !ints {attn.name = "last_page_len"})
    -> (!q {attn.name = "o"}, tensor<4x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.paged %k heads_first values(%v : !pages)
      csr(%indptr, %indices, %last : !ints, !ints, !ints) : !pages
  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu_q : !ints) mask(causal)
      : !q, !attn.kv<!k, !k> -> !q, tensor<4x?xf32>
  return %o, %lse : !q, tensor<4x?xf32>
}
