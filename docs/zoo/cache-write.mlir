// What a step of decoding writes to a cache of e4m3 keys: the new keys are turned to their
// positions, made small in groups of 32 channels with scales that are powers of two, and
// numbers and scales go to the slots of the tokens. A slot of -1 writes nothing.
//
//     cache[slot] = round(rotate(k, p) / s), scales[slot] = s = 2^ceil(log2(max|k| / 448))
//
// Reference only: 'attn.rotary' op is not lowered to the tile level

!k = tensor<?x2x64xf32>
!data = tensor<?x2x64xf8E4M3FN>
!scale = tensor<?x2x2xf32>
!cache = tensor<?x4x2x64xf8E4M3FN>
!bytes = tensor<?x4x2x64xi8>
!scales = tensor<?x4x2x2xf32>

func.func @cache_write(%k: !k {attn.name = "k"},
                       %positions: tensor<?xi32> {attn.name = "positions"},
                       %frequencies: tensor<32xf32> {attn.name = "frequencies"},
                       %slots: tensor<?xi32> {attn.name = "slots"},
                       %bytes: !bytes {attn.name = "cache"},
                       %scales: !scales {attn.name = "scales"})
    -> (!bytes {attn.name = "new_cache"}, !scales {attn.name = "new_scales"}) {
  %turned = attn.rotary %k at %positions by %frequencies
      : !k, tensor<?xi32>, tensor<32xf32>
  %data, %scale = attn.quantize %turned group<32> power_of_two least(1.0e-4)
      : !k -> !data, !scale
  %cache = arith.bitcast %bytes : !bytes to !cache
  %new_cache = attn.cache.append %data to %cache at %slots
      : !data, !cache, tensor<?xi32>
  %new_scales = attn.cache.append %scale to %scales at %slots
      : !scale, !scales, tensor<?xi32>
  %new_bytes = arith.bitcast %new_cache : !cache to !bytes
  return %new_bytes, %new_scales : !bytes, !scales
}
