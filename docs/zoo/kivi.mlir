// A quantised cache as KIVI (arXiv 2402.02750) has it: keys by channel over groups of
// tokens, values by token over groups of channels, each with a zero of its own. There with
// 2 bits and groups of 32, here with 8 bits and groups of 4 tokens and 16 channels.
//
//     o = softmax(q (sk (k8 - zk))^T / sqrt(64) + causal) (sv (v8 - zv))
//
// Reference only: 'attn.dequantize' op is not lowered to the tile level

!q = tensor<1x?x4x64xf32>
!data = tensor<1x8x2x64xi8>
!k = tensor<1x8x2x64xf32>
!by_channel = tensor<1x2x2x64xf32>
!by_token = tensor<1x8x2x4xf32>

func.func @kivi(%q: !q {attn.name = "q"},
                %k8: !data {attn.name = "k"}, %sk: !by_channel {attn.name = "k_scale"},
                %zk: !by_channel {attn.name = "k_zero"},
                %v8: !data {attn.name = "v"}, %sv: !by_token {attn.name = "v_scale"},
                %zv: !by_token {attn.name = "v_zero"}) -> (!q {attn.name = "o"}) {
  %k = attn.dequantize %k8 by %sk zero(%zk : !by_channel) groups [1, 4, 1, 1]
      : !data, !by_channel -> !k
  %v = attn.dequantize %v8 by %sv zero(%zv : !by_token) groups [1, 1, 1, 16]
      : !data, !by_token -> !k
  %kv = attn.kv.dense %k, %v : !k, !k
  %o = attn.attention %q, %kv mask(causal) : !q, !attn.kv<!k, !k> -> !q
  return %o : !q
}
