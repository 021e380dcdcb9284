// Chunked prefill (SARATHI, arXiv 2308.16369): of each request in a batch, some new
// tokens attend to all keys so far, their own included. Requests have different numbers
// of both, one that decodes a single query; so queries and keys have cu_seqlens of their
// own. The last query of a request stands at its last key.
//
//     o = softmax(q k^T / sqrt(128) + causal) v      for each request

func.func @chunked_prefill(%q: tensor<?x64x128xbf16> {attn.name = "q"},
                           %k: tensor<?x8x128xbf16> {attn.name = "k"},
                           %v: tensor<?x8x128xbf16> {attn.name = "v"},
                           %cu_q: tensor<?xi32> {attn.name = "cu_seqlens_q"},
                           %cu_k: tensor<?xi32> {attn.name = "cu_seqlens_k"})
    -> (tensor<?x64x128xbf16> {attn.name = "o"},
        tensor<64x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.varlen %k, %v, %cu_k
      : tensor<?x8x128xbf16>, tensor<?x8x128xbf16>, tensor<?xi32>
  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<?xi32>) mask(causal)
      : tensor<?x64x128xbf16>,
        !attn.kv<tensor<?x8x128xbf16>, tensor<?x8x128xbf16>>
      -> tensor<?x64x128xbf16>, tensor<64x?xf32>
  return %o, %lse : tensor<?x64x128xbf16>, tensor<64x?xf32>
}
