// Cascade inference over a shared prefix (FlashInfer, arXiv 2501.01005; RadixAttention,
// arXiv 2312.07104): the queries of all requests meet the keys of the common prompt as
// one sequence, then each request its own keys, and the two states are merged.
//
//     o = softmax(q [k_prompt, k_own]^T / sqrt(64) + causal) [v_prompt, v_own]
//
// Reference only: 'attn.merge' op is not lowered to the tile level

!q = tensor<?x4x64xbf16>
!k = tensor<?x2x64xbf16>
!prompt = tensor<1x?x2x64xbf16>
!part = tensor<?x4x64xf32>
!lse = tensor<4x?xf32>

func.func @shared_prefix(%q: !q {attn.name = "q"},
                         %cu_q: tensor<?xi32> {attn.name = "cu_seqlens_q"},
                         %kp: !prompt {attn.name = "k_prompt"},
                         %vp: !prompt {attn.name = "v_prompt"},
                         %k: !k {attn.name = "k"}, %v: !k {attn.name = "v"},
                         %cu_k: tensor<?xi32> {attn.name = "cu_seqlens_k"})
    -> (!q {attn.name = "o"}, !lse {attn.name = "lse"}) {
  %zero = arith.constant 0 : index
  %total = tensor.dim %q, %zero : !q
  %all = tensor.expand_shape %q [[0, 1], [2], [3]] output_shape [1, %total, 4, 64]
      : !q into tensor<1x?x4x64xbf16>
  %prompt = attn.kv.dense %kp, %vp : !prompt, !prompt
  %o0, %lse0 = attn.attention %all, %prompt
      : tensor<1x?x4x64xbf16>, !attn.kv<!prompt, !prompt>
      -> tensor<1x?x4x64xf32>, tensor<1x4x?xf32>
  %part0 = tensor.collapse_shape %o0 [[0, 1], [2], [3]]
      : tensor<1x?x4x64xf32> into !part
  %log0 = tensor.collapse_shape %lse0 [[0, 1], [2]] : tensor<1x4x?xf32> into !lse
  %own = attn.kv.varlen %k, %v, %cu_k : !k, !k, tensor<?xi32>
  %part1, %log1 = attn.attention %q, %own cu_seqlens(%cu_q : tensor<?xi32>)
      mask(causal) : !q, !attn.kv<!k, !k> -> !part, !lse
  %o, %lse = attn.merge %part0, %part1 lse(%log0, %log1)
      : (!part, !part, !lse, !lse) -> (!q, !lse)
  return %o, %lse : !q, !lse
}
