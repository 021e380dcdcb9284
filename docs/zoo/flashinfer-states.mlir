// Merging states of FlashInfer (arXiv 2501.01005), whose lse has the base 2, with one of
// our own, which is natural. The type tells them apart, so that they cannot be mixed.
//
//     l = ln(2^lse_a + 2^lse_b + e^lse_c),
//     o = (2^lse_a o_a + 2^lse_b o_b + e^lse_c o_c) e^-l
//
// Reference only: 'attn.merge' op is not lowered to the tile level

!part = tensor<?x?x4x64xf32>
!lse = tensor<?x4x?xf32>
!lse2 = tensor<?x4x?xf32, #attn.log2>

func.func @flashinfer_states(%oa: !part {attn.name = "o_a"},
                             %lsea: !lse2 {attn.name = "lse_a"},
                             %ob: !part {attn.name = "o_b"},
                             %lseb: !lse2 {attn.name = "lse_b"},
                             %oc: !part {attn.name = "o_c"},
                             %lsec: !lse {attn.name = "lse_c"})
    -> (!part {attn.name = "o"}, !lse {attn.name = "lse"}) {
  %oab, %lseab = attn.merge %oa, %ob lse(%lsea, %lseb)
      : (!part, !part, !lse2, !lse2) -> (!part, !lse2)
  %natural = attn.convert_lse %lseab : !lse2 -> !lse
  %o, %lse = attn.merge %oab, %oc lse(%natural, %lsec)
      : (!part, !part, !lse, !lse) -> (!part, !lse)
  return %o, %lse : !part, !lse
}
