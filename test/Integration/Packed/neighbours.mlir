// What stands behind a sequence is not read, be it no number at all: the keys and
// values of sequence 1, which has no queries, are NaN. Nor is it overwritten: the rows
// of queries that belong to no sequence keep what they hold, which the guard bands and
// the comparison with the reference show.

// DEFINE: %{inputs} = --input k=%t.npy --input v=%t.npy --shape q=300x2x64 --shape cu_q=5 --shape cu_k=5 --values cu_q=0,70,70,200,290 --values cu_k=0,100,130,260,400

// RUN: %python %S/poison.py %t.npy 400 2 64 100 130
// RUN: attn-run %s --device=emulator --hazards --check %{inputs} | FileCheck %s
// RUN: attn-run %s --device=tile --check %{inputs} | FileCheck %s

// CHECK: check: passed, compared 580 of 580 rows (all), 0 without keys

func.func @packed(%q: tensor<?x2x64xbf16> {attn.name = "q"},
                  %k: tensor<?x2x64xbf16> {attn.name = "k"},
                  %v: tensor<?x2x64xbf16> {attn.name = "v"},
                  %cu_q: tensor<?xi32> {attn.name = "cu_q"},
                  %cu_k: tensor<?xi32> {attn.name = "cu_k"})
    -> (tensor<?x2x64xbf16> {attn.name = "o"},
        tensor<2x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.varlen %k, %v, %cu_k
      : tensor<?x2x64xbf16>, tensor<?x2x64xbf16>, tensor<?xi32>
  %o, %lse = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<?xi32>)
      : tensor<?x2x64xbf16>,
        !attn.kv<tensor<?x2x64xbf16>, tensor<?x2x64xbf16>>
      -> tensor<?x2x64xbf16>, tensor<2x?xf32>
  return %o, %lse : tensor<?x2x64xbf16>, tensor<2x?xf32>
}
