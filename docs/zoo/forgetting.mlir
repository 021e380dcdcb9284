// Forgetting transformer (arXiv 2503.02130): a key fades with the gates between it and the
// query. `c` has the sum of the logarithms of the gates up to each token, per head.
//
//     o = softmax(q k^T / sqrt(64) + c[b, h, p] - c[b, h, j] + causal) v

func.func @forgetting(%q: tensor<?x?x16x64xbf16> {attn.name = "q"},
                      %k: tensor<?x?x16x64xbf16> {attn.name = "k"},
                      %v: tensor<?x?x16x64xbf16> {attn.name = "v"},
                      %c: tensor<?x16x?xf32> {attn.name = "c"})
    -> (tensor<?x?x16x64xbf16> {attn.name = "o"},
        tensor<?x16x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal) score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %own = attn.read %c[%b, %h, %p] : tensor<?x16x?xf32>
    %other = attn.read %c[%b, %h, %j] : tensor<?x16x?xf32>
    %fade = arith.subf %own, %other : f32
    %y = arith.addf %x, %fade : f32
    attn.yield %y : f32
  }
      : tensor<?x?x16x64xbf16>,
        !attn.kv<tensor<?x?x16x64xbf16>, tensor<?x?x16x64xbf16>>
      -> tensor<?x?x16x64xbf16>, tensor<?x16x?xf32>
  return %o, %lse : tensor<?x?x16x64xbf16>, tensor<?x16x?xf32>
}
