// A mask that reads a number for each key, in blocks of two lists: with wide heads
// everything is held in few registers. Nothing is spilled.
// REQUIRES: ptxas
// RUN: attn-opt %s --emit=cubin -o /dev/null
// RUN: sed 's/blocks<128, 128>/blocks<128, 96>/' %s | attn-opt --emit=cubin -o /dev/null
// RUN: sed 's/blocks<128, 128>/blocks<64, 128>/' %s | attn-opt --emit=cubin -o /dev/null
// RUN: attn-run %s --device=emulator --hazards --check --shape=q=1x130x2x192 --shape=k=1x300x1x192 \
// RUN:   --shape=v=1x300x1x128 --shape=ids=1x300 --shape=n=1x1x2 --shape=c=1x1x2x3 --shape=m=1x1x2 --shape=w=1x1x2x3

!q = tensor<?x?x2x192xbf16>
!k = tensor<?x?x1x192xbf16>
!v = tensor<?x?x1x128xbf16>
!o = tensor<?x?x2x128xbf16>
!n = tensor<?x1x?xi32>
!c = tensor<?x1x?x?xi32>
func.func @documents(%q: !q {attn.name = "q"}, %k: !k {attn.name = "k"}, %v: !v {attn.name = "v"},
                     %ids: tensor<?x?xi32> {attn.name = "ids"},
                     %n: !n {attn.name = "n"}, %c: !c {attn.name = "c"},
                     %m: !n {attn.name = "m"}, %w: !c {attn.name = "w"})
    -> (!o {attn.name = "o"}, tensor<?x2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : !k, !v
  %o, %lse = attn.attention %q, %kv mask(causal and document(%ids : tensor<?x?xi32>))
      blocks<128, 128> partial(%n, %c : !n, !c) full(%m, %w : !n, !c)
      : !q, !attn.kv<!k, !v> -> !o, tensor<?x2x?xf32>
  return %o, %lse : !o, tensor<?x2x?xf32>
}
