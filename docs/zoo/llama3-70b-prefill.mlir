// Prefill of Llama-3-70B (The Llama 3 Herd of Models, arXiv 2407.21783): 64 query
// heads share 8 key heads, and a query sees the keys up to its own position.
//
//     o = softmax(q k^T / sqrt(128) + causal) v

func.func @llama3_70b_prefill(%q: tensor<?x?x64x128xbf16> {attn.name = "q"},
                              %k: tensor<?x?x8x128xbf16> {attn.name = "k"},
                              %v: tensor<?x?x8x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x64x128xbf16> {attn.name = "o"},
        tensor<?x64x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal)
      : tensor<?x?x64x128xbf16>,
        !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x64x128xbf16>, tensor<?x64x?xf32>
  return %o, %lse : tensor<?x?x64x128xbf16>, tensor<?x64x?xf32>
}
