// What programs leave to their callers, random inputs do as well: keys that are erased
// have norm 1, gates lie between 0 and 1, and what RWKV-7 erases points against what it
// reads. So the state of many tokens stays as small as that of few.
// RUN: attn-run %s --device=reference --json | FileCheck %s

// CHECK: "mean": {{-?[0-9.]+(e-[0-9]+)?}},
// CHECK-NEXT: "name": "delta"
// CHECK: "mean": {{-?[0-9.]+(e-[0-9]+)?}},
// CHECK-NEXT: "name": "rwkv"

!rows = tensor<1x5000x2x8xf32>
!values = tensor<1x5000x4x8xf32>
!gates = tensor<1x5000x4xf32>
!decays = tensor<1x5000x4x8xf32, #attn.gate<log>>

func.func @erasing(%q: !rows {attn.name = "q"}, %k: !rows {attn.name = "k"},
                   %v: !values {attn.name = "v"}, %b: !values {attn.name = "b"},
                   %a: !rows {attn.name = "a"}, %w: !decays {attn.name = "w"},
                   %beta: !gates {attn.name = "beta"})
    -> (!values {attn.name = "delta"}, !values {attn.name = "rwkv"}) {
  %delta = attn.recurrence %q, %k, %v erase(%beta : !gates) write(%beta : !gates)
      : !rows, !rows, !values -> !values
  %rwkv = attn.recurrence %q, %k, %v decay(%w : !decays)
      erase_key(%a : !rows) erase_direction(%b : !values) before_decay
      : !rows, !rows, !values -> !values
  return %delta, %rwkv : !values, !values
}
