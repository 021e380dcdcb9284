// Mixture of block attention (MoBA, arXiv 2502.13189): each query head chooses the blocks
// of keys whose mean it likes best; its own block is always one of them. Here 2 of the
// blocks of 4 tokens; in the paper 3 of 512 or 12 of 4096.
//
//     blocks = top 2 of q mean(k in block), block <= own
//     o = softmax(q k^T / sqrt(16) + (j <= p and block of j in blocks)) v
//
// Reference only: 'attn.compress' op is not lowered to the tile level

!q = tensor<1x?x4x16xf32>
!means = tensor<1x?x4x16xf32>
!positions = tensor<1x?xi32>
!blocks = tensor<1x?x4x2xi32>
!kv = !attn.kv<!q, !q>

func.func @moba(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"},
                %v: !q {attn.name = "v"}, %positions: !positions {attn.name = "positions"})
    -> (!q {attn.name = "o"}, !blocks {attn.name = "blocks"}) {
  %means = attn.compress %k block<4> stride<4> partial : !q -> !means
  %blocks = attn.select %q, %means positions(%positions : !positions) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %size = arith.constant 4 : index
    %own = arith.floordivsi %p, %size : index
    %keep = arith.cmpi sle, %j, %own : index
    attn.yield %keep : i1
  } block<4> forced<0, 1> top<2> : !q, !means -> !blocks
  %all = attn.kv.dense %k, %v : !q, !q
  %kv = attn.kv.gather %all at %blocks block<4> : !kv, !blocks
  %o = attn.attention %q, %kv mask(causal) : !q, !kv -> !q
  return %o, %blocks : !q, !blocks
}
