// A tensor may be queries, keys and values at once: its rows are repeated along both axes of
// the state, for each in a layout of its own.

// RUN: attn-run %s --device=emulator --hazards --check --shape=x=3x1x2x64
// RUN: sed 's/?x1x2/?x?x2/' %s > %t.many.mlir
// RUN: attn-run %t.many.mlir --device=emulator --hazards --check --shape=x=1x70x2x64

!x = tensor<?x1x2x64xbf16>
func.func @one_tensor(%x: !x {attn.name = "x"}) -> (!x {attn.name = "o"}) {
  %o = attn.recurrence %x, %x, %x : !x, !x, !x -> !x
  return %o : !x
}
