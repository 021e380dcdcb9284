// One head of causal attention over 512 keys takes the emulator less than five
// seconds on two cores, with all checks and the compilation. It takes a tenth of
// that where nothing else runs.

// RUN: timeout 5 attn-run %s --device=emulator --hazards --seed=2 \
// RUN:   --shape q=1x512x1x128 --shape k=1x512x1x128 --shape v=1x512x1x128 \
// RUN:   | FileCheck %s

// CHECK: device: emulator of PTX on the CPU, with hazard checks
// CHECK: o: 1x512x1x128 bf16

func.func @one_head(
    %q: tensor<?x?x1x128xbf16> {attn.name = "q"},
    %k: tensor<?x?x1x128xbf16> {attn.name = "k"},
    %v: tensor<?x?x1x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x1x128xbf16> {attn.name = "o"},
        tensor<?x1x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal)
      : tensor<?x?x1x128xbf16>,
        !attn.kv<tensor<?x?x1x128xbf16>, tensor<?x?x1x128xbf16>>
      -> tensor<?x?x1x128xbf16>, tensor<?x1x?xf32>
  return %o, %lse : tensor<?x?x1x128xbf16>, tensor<?x1x?xf32>
}
