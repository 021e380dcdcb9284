// Sequences whose length is known and at most one chunk leave no loop, and without a
// state to start with nothing in front of the chunk but zeros.

// RUN: attn-run %s --device=emulator --check --hazards | FileCheck %s

// CHECK-NOT: WRONG

!q = tensor<2x64x2x64xbf16>
func.func @linear(%q: !q {attn.name = "q"}, %k: !q {attn.name = "k"}, %v: !q {attn.name = "v"})
    -> (!q {attn.name = "o"}) {
  %o = attn.recurrence %q, %k, %v : !q, !q, !q -> !q
  return %o : !q
}
