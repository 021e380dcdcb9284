// Compressed sparse attention of DeepSeek-V4 (2026): entries of 4 tokens whose windows
// overlap: entry w mixes the first series of the tokens of block w - 1 with the second
// series of those of block w. An indexer chooses among the whole ones, and a query sees
// them and a window of raw tokens in one softmax with a sink. Here 2 entries and a window
// of 4, in the model 512 and 128.
//
//     e_w = sum_s softmax_s(z_s + bias_s) c_s      over 8 places
//     o = softmax([q [k, e]^T / 4 + (window or chosen), sink]) [k, e, 0]
//
// Reference only: 'attn.compress' op is not lowered to the tile level

!q = tensor<1x14x2x16xf32>
!k = tensor<1x14x1x16xf32>
!blocks = tensor<1x3x4x16xf32>
!places = tensor<1x24x1x16xf32>
!e = tensor<1x3x1x16xf32>
!i = tensor<1x3x1x16xf32>
!positions = tensor<1x14xi32>
!chosen = tensor<1x14x1x2xi32>
!window = !attn.kv<!k, !k>
!entries = !attn.kv<!e, !e>
!both = !attn.kv<tensor<1x17x1x16xf32>, tensor<1x17x1x16xf32>>

func.func @deepseek_v4_csa(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"},
                           %ca: tensor<1x12x16xf32> {attn.name = "c_a"},
                           %cb: tensor<1x12x16xf32> {attn.name = "c_b"},
                           %za: tensor<1x12x16xf32> {attn.name = "z_a"},
                           %zb: tensor<1x12x16xf32> {attn.name = "z_b"},
                           %bias: tensor<8x1x16xf32> {attn.name = "bias"},
                           %qi: !q {attn.name = "q_index"}, %ki: !i {attn.name = "k_index"},
                           %w: tensor<1x14x2xf32> {attn.name = "w"},
                           %sink: tensor<2xf32> {attn.name = "sink"},
                           %positions: !positions {attn.name = "positions"})
    -> (!q {attn.name = "o"}, !chosen {attn.name = "chosen"}) {
  // The first series of the block before, in front of the second series.
  %nothing = arith.constant dense<0.0> : tensor<1x1x4x16xf32>
  %missing = arith.constant dense<0xFF800000> : tensor<1x1x4x16xf32>
  %ca3 = tensor.expand_shape %ca [[0], [1, 2], [3]] output_shape [1, 3, 4, 16]
      : tensor<1x12x16xf32> into !blocks
  %za3 = tensor.expand_shape %za [[0], [1, 2], [3]] output_shape [1, 3, 4, 16]
      : tensor<1x12x16xf32> into !blocks
  %cb3 = tensor.expand_shape %cb [[0], [1, 2], [3]] output_shape [1, 3, 4, 16]
      : tensor<1x12x16xf32> into !blocks
  %zb3 = tensor.expand_shape %zb [[0], [1, 2], [3]] output_shape [1, 3, 4, 16]
      : tensor<1x12x16xf32> into !blocks
  %ca2 = tensor.extract_slice %ca3[0, 0, 0, 0][1, 2, 4, 16][1, 1, 1, 1]
      : !blocks to tensor<1x2x4x16xf32>
  %za2 = tensor.extract_slice %za3[0, 0, 0, 0][1, 2, 4, 16][1, 1, 1, 1]
      : !blocks to tensor<1x2x4x16xf32>
  %ca1 = tensor.concat dim(1) %nothing, %ca2
      : (tensor<1x1x4x16xf32>, tensor<1x2x4x16xf32>) -> !blocks
  %za1 = tensor.concat dim(1) %missing, %za2
      : (tensor<1x1x4x16xf32>, tensor<1x2x4x16xf32>) -> !blocks
  %c8 = tensor.concat dim(2) %ca1, %cb3 : (!blocks, !blocks) -> tensor<1x3x8x16xf32>
  %z8 = tensor.concat dim(2) %za1, %zb3 : (!blocks, !blocks) -> tensor<1x3x8x16xf32>
  %c24 = tensor.collapse_shape %c8 [[0], [1, 2], [3]]
      : tensor<1x3x8x16xf32> into tensor<1x24x16xf32>
  %z24 = tensor.collapse_shape %z8 [[0], [1, 2], [3]]
      : tensor<1x3x8x16xf32> into tensor<1x24x16xf32>
  %c = tensor.expand_shape %c24 [[0], [1], [2, 3]] output_shape [1, 24, 1, 16]
      : tensor<1x24x16xf32> into !places
  %z = tensor.expand_shape %z24 [[0], [1], [2, 3]] output_shape [1, 24, 1, 16]
      : tensor<1x24x16xf32> into !places
  %e = attn.compress %c gate(%z : !places) bias(%bias : tensor<8x1x16xf32>)
      block<8> stride<8> : !places -> !e
  %chosen = attn.select %qi, %ki weights(%w : tensor<1x14x2xf32>)
      positions(%positions : !positions) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %one = arith.constant 1 : index
    %block = arith.constant 4 : index
    %next = arith.addi %p, %one : index
    %whole = arith.floordivsi %next, %block : index
    %keep = arith.cmpi slt, %j, %whole : index
    attn.yield %keep : i1
  } scale(0.25) relu block<4> top<2> : !q, !i -> !chosen
  %window = attn.kv.latent %k slice<16> : !k
  %all = attn.kv.latent %e slice<16> : !e
  %entries = attn.kv.gather %all at %chosen : !entries, !chosen
  %kv = attn.kv.concat %window, %entries : !window, !entries -> !both
  %o = attn.attention %q, %kv positions(%positions : !positions) mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %tokens = arith.constant 14 : index
    %isEntry = arith.cmpi sge, %j, %tokens : index
    %near = attn.window<3, 0> %p, %j
    %keep = arith.ori %isEntry, %near : i1
    attn.yield %keep : i1
  } sink(%sink : tensor<2xf32>) : !q, !both -> !q
  return %o, %chosen : !q, !chosen
}
