// Ring attention (arXiv 2310.01889) as one of three ranks sees it: its queries meet the
// keys of each rank in turn. The keys of the rank before are all in the past, its own are
// causal, those of the next are all in the future and skipped. The parts are f32, and the
// sink of the head, gpt-oss has one, is merged once, at the end.
//
//     o = softmax([q [k0, k1]^T / sqrt(64) + causal, sink]) [v0, v1, 0]
//
// Reference only: 'attn.merge' op is not lowered to the tile level

!q = tensor<?x?x4x64xbf16>
!k = tensor<?x?x2x64xbf16>
!kv = !attn.kv<!k, !k>
!part = tensor<?x?x4x64xf32>
!lse = tensor<?x4x?xf32>

func.func @ring_attention(%q: !q {attn.name = "q"},
                          %k0: !k {attn.name = "k0"}, %v0: !k {attn.name = "v0"},
                          %k1: !k {attn.name = "k1"}, %v1: !k {attn.name = "v1"},
                          %sink: tensor<4xf32> {attn.name = "sink"})
    -> (!q {attn.name = "o"}, !lse {attn.name = "lse"}) {
  %past = attn.kv.dense %k0, %v0 : !k, !k
  %own = attn.kv.dense %k1, %v1 : !k, !k
  %o0, %lse0 = attn.attention %q, %past : !q, !kv -> !part, !lse
  %o1, %lse1 = attn.attention %q, %own mask(causal) : !q, !kv -> !part, !lse
  %o, %lse = attn.merge %o0, %o1 lse(%lse0, %lse1) sink(%sink)
      : (!part, !part, !lse, !lse, tensor<4xf32>) -> (!q, !lse)
  return %o, %lse : !q, !lse
}
