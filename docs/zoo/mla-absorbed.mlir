// Decoding DeepSeek-V3 (arXiv 2412.19437) with latent attention absorbed: the cache holds
// one row per token, 512 latent channels and 64 that carry the position, for all heads;
// its latent part is the value as well. The projections of a head go into the query and
// out of the output. Here with 4 heads, 32 + 16 channels and heads of 16.
//
//     o_h = Wuv_h softmax(0.135234 [Wuk_h^T qn_h, qr_h] [c, kr]^T) c
//
// Reference only: 'attn.kv.latent' op is not lowered to the tile level

#q = affine_map<(b, i, h, c, d) -> (b, i, h, d)>
#w = affine_map<(b, i, h, c, d) -> (h, d, c)>
#r = affine_map<(b, i, h, c, d) -> (b, i, h, c)>
!qn = tensor<1x3x4x16xbf16>
!c = tensor<1x7x1x48xbf16>
!latent = tensor<1x3x4x32xf32>

func.func @mla_absorbed(%qn: !qn {attn.name = "q_nope"}, %qr: !qn {attn.name = "q_rope"},
                        %c: !c {attn.name = "c"},
                        %wuk: tensor<4x16x32xbf16> {attn.name = "w_uk"},
                        %wuv: tensor<4x32x16xbf16> {attn.name = "w_uv"})
    -> (tensor<1x3x4x16xf32> {attn.name = "o"}) {
  %zero = arith.constant dense<0.0> : !latent
  %absorbed = linalg.generic {indexing_maps = [#q, #w, #r],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%qn, %wuk : !qn, tensor<4x16x32xbf16>) outs(%zero : !latent) {
  ^bb0(%a: bf16, %w: bf16, %sum: f32):
    %x = arith.extf %a : bf16 to f32
    %y = arith.extf %w : bf16 to f32
    %m = arith.mulf %x, %y : f32
    %s = arith.addf %m, %sum : f32
    linalg.yield %s : f32
  } -> !latent
  %rope = arith.extf %qr : !qn to tensor<1x3x4x16xf32>
  %q = tensor.concat dim(3) %absorbed, %rope
      : (!latent, tensor<1x3x4x16xf32>) -> tensor<1x3x4x48xf32>
  %keys = arith.extf %c : !c to tensor<1x7x1x48xf32>
  %kv = attn.kv.latent %keys slice<32> : tensor<1x7x1x48xf32>
  %context = attn.attention %q, %kv mask(causal) scale(0.135234)
      : tensor<1x3x4x48xf32>,
        !attn.kv<tensor<1x7x1x48xf32>, tensor<1x7x1x32xf32>> -> !latent
  %none = arith.constant dense<0.0> : tensor<1x3x4x16xf32>
  %o = linalg.generic {indexing_maps = [#q, #w, #r],
      iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]}
      ins(%context, %wuv : !latent, tensor<4x32x16xbf16>)
      outs(%none : tensor<1x3x4x16xf32>) {
  ^bb0(%a: f32, %w: bf16, %sum: f32):
    %y = arith.extf %w : bf16 to f32
    %m = arith.mulf %a, %y : f32
    %s = arith.addf %m, %sum : f32
    linalg.yield %s : f32
  } -> tensor<1x3x4x16xf32>
  return %o : tensor<1x3x4x16xf32>
}
