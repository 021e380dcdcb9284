// A state that grows beyond f32: there is nothing to compare, and the report is still
// JSON, which knows neither infinities nor NaN.
// RUN: not attn-run %s --device=tile --check --json \
// RUN:   --values alpha=1e30,1e30,1e30,1e30 > %t.json 2> %t.err
// RUN: FileCheck %s --input-file=%t.json
// RUN: FileCheck %s --input-file=%t.err --check-prefix=REASON
// RUN: %python -c "import json; json.load(open('%t.json'))"

// CHECK: "expected": [
// CHECK: "error": null,
// CHECK-NEXT: "limit": null,
// CHECK-NEXT: "name": "o",
// CHECK-NEXT: "passed": false

// REASON: attn-run: 'o' is not as expected: it is not finite in f32 either

func.func @recurrence(%q: tensor<1x4x1x4xf32> {attn.name = "q"},
                      %v: tensor<1x4x1x4xf32> {attn.name = "v"},
                      %alpha: tensor<1x4x1xf32, #attn.gate<linear>>
                          {attn.name = "alpha"})
    -> (tensor<1x4x1x4xf32> {attn.name = "o"}) {
  %o = attn.recurrence %q, %q, %v
      decay(%alpha : tensor<1x4x1xf32, #attn.gate<linear>>)
      : tensor<1x4x1x4xf32>, tensor<1x4x1x4xf32>, tensor<1x4x1x4xf32>
      -> tensor<1x4x1x4xf32>
  return %o : tensor<1x4x1x4xf32>
}
