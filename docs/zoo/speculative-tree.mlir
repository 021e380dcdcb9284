// Verifying a tree of drafted tokens (SpecInfer, arXiv 2305.09781; Medusa, arXiv
// 2401.10774): query i is a node of the tree and sees the context, its ancestors and
// itself. The keys of the nodes follow those of the context; bits say which are ancestors.
// The position of a node is the length of the context and its depth, which here a bias
// linear in the distance needs.
//
//     o = softmax(q k^T / sqrt(64) - slopes[h] |p_i - j|
//                 + (j < context[b] or bit(ancestors[b, i], j - context[b]))) v
//
// Reference only: has positions of its own, which is not lowered to the tile level

!q = tensor<?x?x4x64xbf16>
!k = tensor<?x?x2x64xbf16>

func.func @speculative_tree(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"},
                            %v: !k {attn.name = "v"},
                            %positions: tensor<?x?xi32> {attn.name = "positions"},
                            %context: tensor<?xi32> {attn.name = "context"},
                            %ancestors: tensor<?x?x1xi8> {attn.name = "ancestors"},
                            %slopes: tensor<4xf32> {attn.name = "slopes"})
    -> (!q {attn.name = "o"}, tensor<?x4x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : !k, !k
  %o, %lse = attn.attention %q, %kv positions(%positions : tensor<?x?xi32>)
      mask(tree(%context : tensor<?xi32>, %ancestors : tensor<?x?x1xi8>))
      score(alibi(%slopes : tensor<4xf32>))
      : !q, !attn.kv<!k, !k> -> !q, tensor<?x4x?xf32>
  return %o, %lse : !q, tensor<?x4x?xf32>
}
