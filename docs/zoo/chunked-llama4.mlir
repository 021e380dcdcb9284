// A chunked layer of Llama 4 Scout: a query sees the keys up to its own position
// in its own chunk of 8192 tokens.
//
//     o = softmax(q k^T / sqrt(128) + (j <= p and j div 8192 = p div 8192)) v

func.func @chunked_llama4(%q: tensor<?x?x40x128xbf16> {attn.name = "q"},
                          %k: tensor<?x?x8x128xbf16> {attn.name = "k"},
                          %v: tensor<?x?x8x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x40x128xbf16> {attn.name = "o"},
        tensor<?x40x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal and chunk<8192>)
      : tensor<?x?x40x128xbf16>,
        !attn.kv<tensor<?x?x8x128xbf16>, tensor<?x?x8x128xbf16>>
      -> tensor<?x?x40x128xbf16>, tensor<?x40x?xf32>
  return %o, %lse : tensor<?x?x40x128xbf16>, tensor<?x40x?xf32>
}
