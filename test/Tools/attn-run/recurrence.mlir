// Random decays are at most 1, and slots are different: the state neither grows nor
// is written twice.
// RUN: attn-run %s --device=reference --shape q=50x2x4 --shape v=50x2x4 \
// RUN:   --shape g=50x2 --shape alpha=50x2x4 --shape pool=6x2x4x4 \
// RUN:   --shape slots=5 --shape cu_seqlens=6 | FileCheck %s
// RUN: not attn-run %s --device=reference --shape q=50x2x4 --shape v=50x2x4 \
// RUN:   --shape g=50x2 --shape alpha=50x2x4 --shape pool=3x2x4x4 \
// RUN:   --shape slots=5 --shape cu_seqlens=6 2>&1 \
// RUN:   | FileCheck %s --check-prefix=SMALL

// CHECK: device: the CPU, by the reference interpreter in double precision
// CHECK-NEXT: o: 50x2x4 f32, mean {{-?[0-9]\.|-?0\.}}
// CHECK-NEXT: final_pool: 6x2x4x4 f32, mean {{-?[0-9]\.|-?0\.}}
// CHECK-NEXT: o_linear: 50x2x4 f32, mean {{-?[0-9]\.|-?0\.}}

// SMALL: expected slots from -1 to 2, got 4
// SMALL: attn-run: cannot interpret the program

!rows = tensor<?x2x4xf32>
!log = tensor<?x2xf32, #attn.gate<log>>
!linear = tensor<?x2x4xf32, #attn.gate<linear>>
!pool = tensor<?x2x4x4xf32, #attn.state<value_key>>

func.func @recurrence(%q: !rows {attn.name = "q"}, %v: !rows {attn.name = "v"},
                      %g: !log {attn.name = "g"},
                      %alpha: !linear {attn.name = "alpha"},
                      %pool: !pool {attn.name = "pool"},
                      %slots: tensor<?xi32> {attn.name = "slots"},
                      %cu: tensor<?xi32> {attn.name = "cu_seqlens"})
    -> (!rows {attn.name = "o"}, !pool {attn.name = "final_pool"},
        !rows {attn.name = "o_linear"}) {
  %o, %final = attn.recurrence %q, %q, %v decay(%g : !log) state(%pool : !pool)
      slots(%slots : tensor<?xi32>) cu_seqlens(%cu : tensor<?xi32>)
      l2_normalize(1.0e-06) : !rows, !rows, !rows -> !rows state(!pool)
  %linear = attn.recurrence %q, %q, %v decay(%alpha : !linear)
      cu_seqlens(%cu : tensor<?xi32>) l2_normalize(1.0e-06)
      : !rows, !rows, !rows -> !rows
  return %o, %final, %linear : !rows, !pool, !rows
}
