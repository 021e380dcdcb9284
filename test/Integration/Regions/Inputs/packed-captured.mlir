!t = tensor<?x2x64xbf16>
func.func @packed(%q: !t {attn.name = "q"}, %k: !t {attn.name = "k"}, %v: !t {attn.name = "v"},
                  %cu: tensor<?xi32> {attn.name = "cu"}, %cu_k: tensor<?xi32> {attn.name = "cu_k"},
                  %n: tensor<?xi32> {attn.name = "n"}, %ids: tensor<?xi32> {attn.name = "ids"})
    -> (!t {attn.name = "o"}) {
  %kv = attn.kv.varlen %k, %v, %cu_k : !t, !t, tensor<?xi32>
  %o = attn.attention %q, %kv cu_seqlens(%cu : tensor<?xi32>)
      mask((causal or prefix(%n : tensor<?xi32>)) and document(%ids : tensor<?xi32>))
      : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}
