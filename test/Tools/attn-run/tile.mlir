// The tile level is what the compiler makes of the program; it is interpreted on
// the CPU and compared with the definition.

// RUN: attn-run %s --device=tile --shape q=1x130x4x128 --shape k=1x257x2x128 \
// RUN:   --shape v=1x257x2x128 --check | FileCheck %s

// RUN: attn-run %s --device=tile --shape q=2x200x4x128 --shape k=2x70x2x128 \
// RUN:   --shape v=2x70x2x128 --check --seed=5 \
// RUN:   | FileCheck %s --check-prefix=EMPTY

// RUN: attn-run %s --device=tile --shape q=1x3x4x128 --shape k=1x2x2x128 \
// RUN:   --shape v=1x2x2x128 --check --json | %python -m json.tool \
// RUN:   | FileCheck %s --check-prefix=JSON

// RUN: attn-run %s --device=tile --shape q=1x0x4x128 --shape k=1x2x2x128 \
// RUN:   --shape v=1x2x2x128 --check | FileCheck %s --check-prefix=NOTHING

// What the compiler does not lower is an error.
// RUN: sed -e 's/x128xbf16/x72xbf16/g' %s > %t.mlir
// RUN: not attn-run %t.mlir --device=tile 2>&1 \
// RUN:   | FileCheck %s --check-prefix=REFUSED

// Tensors that do not go together.
// RUN: not attn-run %s --device=tile --shape q=1x20x4x128 --shape k=2x20x2x128 \
// RUN:   --shape v=2x20x2x128 2>&1 | FileCheck %s --check-prefix=SIZES

// CHECK: device: the CPU, by the interpreter of the tile level
// CHECK: o: 1x130x4x128 bf16
// CHECK: lse: 1x4x130 f32
// CHECK: check: passed, compared 520 of 520 rows (all), 0 without keys

// EMPTY: check: passed, compared 1600 of 1600 rows (all), 1040 without keys

// JSON: "check": {
// JSON: "complete": true,
// JSON: "empty_rows": 4,
// JSON: "passed": true,
// JSON: "rule": "relative Frobenius error",
// JSON: "device": "the CPU, by the interpreter of the tile level"
// JSON: "name": "o",
// JSON: "name": "lse",

// NOTHING: check: passed, compared 0 of 0 rows (all), 0 without keys

// SIZES: error:
// SIZES: attn-run: cannot interpret the tile level of the program

// REFUSED: error:
// REFUSED: attn-run: cannot lower the program to the tile level

func.func @attention(
    %q: tensor<?x?x4x128xbf16> {attn.name = "q"},
    %k: tensor<?x?x2x128xbf16> {attn.name = "k"},
    %v: tensor<?x?x2x128xbf16> {attn.name = "v"})
    -> (tensor<?x?x4x128xbf16> {attn.name = "o"},
        tensor<?x4x?xf32> {attn.name = "lse"}) {
  %kv = attn.kv.dense %k, %v : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %o, %lse = attn.attention %q, %kv mask(causal)
      : tensor<?x?x4x128xbf16>,
        !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>>
      -> tensor<?x?x4x128xbf16>, tensor<?x4x?xf32>
  return %o, %lse : tensor<?x?x4x128xbf16>, tensor<?x4x?xf32>
}
