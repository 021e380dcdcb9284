// Sigmoid attention (arXiv 2409.04431): each weight is a sigmoid of its own score,
// without a sum over the keys, so that parts are added. The bias of -ln(2048) makes up
// for the length that the model was trained with.
//
//     o = sum_j sigmoid(q k_j / sqrt(64) - ln(2048)) v_j      j <= p
//
// Reference only: has the normalizer sigmoid, which is not lowered to the tile level

func.func @sigmoid_attention(%q: tensor<?x?x4x64xbf16> {attn.name = "q"},
                             %k: tensor<?x?x4x64xbf16> {attn.name = "k"},
                             %v: tensor<?x?x4x64xbf16> {attn.name = "v"})
    -> (tensor<?x?x4x64xbf16> {attn.name = "o"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>
  %o = attn.attention %q, %kv mask(causal) score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %bias = arith.constant -7.62461901 : f32
    %y = arith.addf %x, %bias : f32
    attn.yield %y : f32
  } normalizer<sigmoid>
      : tensor<?x?x4x64xbf16>,
        !attn.kv<tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>>
      -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
}
