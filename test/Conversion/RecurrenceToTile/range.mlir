// A remark says what has to fit in f16 where tokens erase; without that nothing is rounded to it.

// RUN: attn-opt %s -attn-select-schedule -attn-chunk-recurrence -remarks-filter-analyse=numerics -o /dev/null 2>&1 \
// RUN:   | FileCheck %s --implicit-check-not=remark:

// CHECK: remark: [Analysis] range | Category:numerics | Function=erases | Remark="values less what the state holds for keys, what is written, and products of queries and keys are rounded to f16: expected magnitudes of at most 65504"

!q = tensor<?x?x2x64xbf16>
!n = tensor<?x?x2xf32>
func.func @erases(%q: !q, %beta: !n) -> !q {
  %o = attn.recurrence %q, %q, %q erase(%beta : !n) write(%beta : !n) : !q, !q, !q -> !q
  return %o : !q
}

func.func @adds(%q: !q) -> !q {
  %o = attn.recurrence %q, %q, %q : !q, !q, !q -> !q
  return %o : !q
}
