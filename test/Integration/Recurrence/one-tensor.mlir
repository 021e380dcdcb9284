// A tensor may be queries, keys and values at once: its rows are repeated along both axes of
// the state, for each in a layout of its own. So is what is made of them where tokens erase.
// Where channels decay, tiles of queries and keys are overwritten, and those of values are not.

// DEFINE: %{run} = attn-run %t.mlir --device=emulator --hazards --check

// RUN: sed -n '/^!/p;/^func.func @adds/,/^}/p' %s > %t.mlir
// RUN: %{run} --shape=x=3x1x2x64
// RUN: sed -i 's/?x1x2/?x?x2/' %t.mlir
// RUN: %{run} --shape=x=1x70x2x64
// RUN: sed -n '/^!/p;/^func.func @erases/,/^}/p' %s > %t.mlir
// RUN: %{run} --shape=x=3x1x2x64 --shape=beta=3x1x2 --shape=s=3x2x64x64
// RUN: sed -i 's/key_value/value_key/; s/bf16/f32/' %t.mlir
// RUN: %{run} --shape=x=3x1x2x64 --shape=beta=3x1x2 --shape=s=3x2x64x64
// RUN: sed -i 's/?x1x2/?x3x2/' %t.mlir
// RUN: %{run} --shape=x=2x3x2x64 --shape=beta=2x3x2 --shape=s=2x2x64x64
// RUN: sed -n '/^!/p;/^func.func @from_nothing/,/^}/p' %s > %t.mlir
// RUN: %{run} --shape=x=3x1x2x64 --shape=beta=3x1x2
// RUN: sed -n '/^!/p;/^func.func @decays/,/^}/p' %s > %t.mlir
// RUN: %{run} --shape=x=1x70x2x64 --shape=g=1x70x2x64 --shape=beta=1x70x2
// RUN: sed -i 's/bf16/f16/; s/x64x/x128x/' %t.mlir
// RUN: %{run} --shape=x=1x70x2x128 --shape=g=1x70x2x128 --shape=beta=1x70x2

!x = tensor<?x1x2x64xbf16>
!n = tensor<?x1x2xf32>
!cx = tensor<?x?x2x64xbf16>
!cg = tensor<?x?x2x64xf32, #attn.gate<log>>
!cn = tensor<?x?x2xf32>
!s = tensor<?x2x64x64xf32, #attn.state<key_value>>

func.func @adds(%x: !x {attn.name = "x"}) -> (!x {attn.name = "o"}) {
  %o = attn.recurrence %x, %x, %x : !x, !x, !x -> !x
  return %o : !x
}

func.func @erases(%x: !x {attn.name = "x"}, %beta: !n {attn.name = "beta"}, %s: !s {attn.name = "s"})
    -> (!x {attn.name = "o"}, !s {attn.name = "final"}) {
  %o, %f = attn.recurrence %x, %x, %x erase(%beta : !n) write(%beta : !n) state(%s : !s)
      l2_normalize(1.0e-06) : !x, !x, !x -> !x state(!s)
  return %o, %f : !x, !s
}

func.func @from_nothing(%x: !x {attn.name = "x"}, %beta: !n {attn.name = "beta"}) -> (!x {attn.name = "o"}) {
  %o = attn.recurrence %x, %x, %x erase(%beta : !n) write(%beta : !n) : !x, !x, !x -> !x
  return %o : !x
}

func.func @decays(%x: !cx {attn.name = "x"}, %g: !cg {attn.name = "g"}, %beta: !cn {attn.name = "beta"})
    -> (!cx {attn.name = "o"}) {
  %o = attn.recurrence %x, %x, %x decay(%g : !cg) erase(%beta : !cn) write(%beta : !cn)
      l2_normalize(1.0e-06) : !cx, !cx, !cx -> !cx
  return %o : !cx
}
