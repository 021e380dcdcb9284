// Prefill of DeepSeek-V3 (arXiv 2412.19437) with latent attention expanded to 128
// heads: keys have 192 dimensions, values 128, and YaRN enlarges the scale.
//
//     o = softmax(0.135234 q k^T + causal) v

func.func @mla_expanded(%q: tensor<?x?x128x192xbf16> {attn.name = "q"},
                        %k: tensor<?x?x128x192xbf16> {attn.name = "k"},
                        %v: tensor<?x?x128x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x128x128xbf16> {attn.name = "o"},
        tensor<?x128x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x128x192xbf16>, tensor<?x?x128x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal) scale(0.135234)
      : tensor<?x?x128x192xbf16>,
        !attn.kv<tensor<?x?x128x192xbf16>, tensor<?x?x128x128xbf16>>
      -> tensor<?x?x128x128xbf16>, tensor<?x128x?xf32>
  return %o, %lse : tensor<?x?x128x128xbf16>, tensor<?x128x?xf32>
}
