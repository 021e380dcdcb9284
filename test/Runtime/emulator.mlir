// The emulator executes the PTX of the kernel and looks for hazards; the order
// of things is the seed's, the result is not.

// RUN: attn-run %s --device=emulator --shape q=2x70x4x128 \
// RUN:   --shape k=2x200x2x128 --shape v=2x200x2x128 --check \
// RUN:   | FileCheck %s --check-prefixes=CHECK,PLAIN
// RUN: attn-run %s --device=emulator --shape q=2x70x4x128 \
// RUN:   --shape k=2x200x2x128 --shape v=2x200x2x128 --check --hazards \
// RUN:   --seed 5 | FileCheck %s --check-prefixes=CHECK,HAZARDS

// It needs no assembler, and measures nothing.
// RUN: attn-run %s --device=emulator --ptxas=/nowhere --shape q=1x1x4x128 \
// RUN:   --shape k=1x1x2x128 --shape v=1x1x2x128 | FileCheck %s \
// RUN:   --check-prefix=PLAIN
// RUN: not attn-run %s --device=emulator --shape q=1x1x4x128 \
// RUN:   --shape k=1x1x2x128 --shape v=1x1x2x128 --bench 2>&1 \
// RUN:   | FileCheck %s --check-prefix=BENCH

// PLAIN: device: emulator of PTX on the CPU{{$}}
// HAZARDS: device: emulator of PTX on the CPU, with hazard checks{{$}}
// CHECK: o: 2x70x4x128 bf16
// CHECK: lse: 2x4x70 f32
// CHECK: check: passed, compared 560 of 560 rows (all), 0 without keys
// BENCH: attn-run: the emulator measures nothing

func.func @attention(
    %q: tensor<?x?x4x128xbf16> {attn.name = "q"},
    %k: tensor<?x?x2x128xbf16> {attn.name = "k"},
    %v: tensor<?x?x2x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x4x128xbf16> {attn.name = "o"},
        tensor<?x4x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v
      : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal)
      : tensor<?x?x4x128xbf16>,
        !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>>
      -> tensor<?x?x4x128xbf16>, tensor<?x4x?xf32>
  return %o, %lse : tensor<?x?x4x128xbf16>, tensor<?x4x?xf32>
}
