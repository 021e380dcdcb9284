// The compressed branch of native sparse attention (arXiv 2502.11089) and the blocks that it
// selects, as the reference of flash-linear-attention has them; nsa.mlir has the other
// branches. A query sees the means of the whole blocks of the past; the weights of the heads
// of a key head choose 4 blocks of 4 tokens, the first one and the last two among them.
//
//     o, lse = softmax(q mk^T / sqrt(16) + whole) mv
//     blocks = top 4 of mean_h softmax(...), forced: 0, p div 4, p div 4 - 1
//     s = softmax(q k^T / sqrt(16) + (j <= p and block of j in blocks)) v
//
// Reference only: 'attn.select' op is not lowered to the tile level

!q = tensor<2x18x4x16xf32>
!k = tensor<2x18x2x16xf32>
!m = tensor<2x5x2x16xf32>
!lse = tensor<2x4x18xf32>
!positions = tensor<2x18xi32>
!blocks = tensor<2x18x2x4xi32>

func.func @nsa_selection(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"},
                         %v: !k {attn.name = "v"}, %mk: !m {attn.name = "k_means"},
                         %mv: !m {attn.name = "v_means"},
                         %positions: !positions {attn.name = "positions"})
    -> (!q {attn.name = "o"}, !lse {attn.name = "lse"}, !blocks {attn.name = "blocks"},
        !q {attn.name = "s"}) {
  %means = attn.kv.dense %mk, %mv : !m, !m
  %o, %lse = attn.attention %q, %means positions(%positions : !positions) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %size = arith.constant 4 : index
    %one = arith.constant 1 : index
    %next = arith.addi %p, %one : index
    %whole = arith.floordivsi %next, %size : index
    %keep = arith.cmpi slt, %j, %whole : index
    attn.yield %keep : i1
  } : !q, !attn.kv<!m, !m> -> !q, !lse
  %blocks = attn.select %q, %mk positions(%positions : !positions) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %size = arith.constant 4 : index
    %one = arith.constant 1 : index
    %next = arith.addi %p, %one : index
    %whole = arith.floordivsi %next, %size : index
    %keep = arith.cmpi slt, %j, %whole : index
    attn.yield %keep : i1
  } scale(0.25) softmax block<4> forced<1, 2> top<4> : !q, !m -> !blocks
  %all = attn.kv.dense %k, %v : !k, !k
  %kv = attn.kv.gather %all at %blocks block<4> : !attn.kv<!k, !k>, !blocks
  %s = attn.attention %q, %kv mask(causal) : !q, !attn.kv<!k, !k> -> !q
  return %o, %lse, %blocks, %s : !q, !lse, !blocks, !q
}
