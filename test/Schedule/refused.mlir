// Why the schedules that were not selected were refused.

// RUN: attn-opt %s -attn-lower-mask-ops -attn-select-schedule -remarks-filter-missed=schedule -split-input-file 2>&1 \
// RUN:   | FileCheck %s --implicit-check-not=remark:

// Nothing is refused where there is nothing to weigh.
func.func @even(%q: tensor<?x?x2x128xbf16>) -> tensor<?x?x2x128xbf16> {
  %kv = attn.kv.dense %q, %q : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %o = attn.attention %q, %kv
      : tensor<?x?x2x128xbf16>, !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>> -> tensor<?x?x2x128xbf16>
  return %o : tensor<?x?x2x128xbf16>
}

// -----

// Wide heads: smaller blocks, queries in shared memory, and the output after them.

// CHECK: remark: [Missed] refused | Category:schedule | Function=wide | Remark="block_kv = 128: expected at most 231936 bytes of buffers, got 327680"
// CHECK: remark: [Missed] refused | Category:schedule | Function=wide | Remark="block_kv = 112: expected at most 231936 bytes of buffers, got 294912"
// CHECK: remark: [Missed] refused | Category:schedule | Function=wide | Remark="block_kv = 96: expected at most 231936 bytes of buffers, got 262144"
// CHECK: remark: [Missed] refused | Category:schedule | Function=wide | Remark="query_in_registers = true: expected at most 204 registers for fragments, got 260"
// CHECK: remark: [Missed] refused | Category:schedule | Function=wide | Remark="output_from_registers = false: expected at most 231936 bytes of buffers, got 294912"
// CHECK: remark: [Missed] refused | Category:schedule | Function=wide | Remark="longest_first = false: some instances may have more to do than others"
func.func @wide(%q: tensor<?x?x2x256xbf16>) -> tensor<?x?x2x256xbf16> {
  %kv = attn.kv.dense %q, %q : tensor<?x?x2x256xbf16>, tensor<?x?x2x256xbf16>
  %o = attn.attention %q, %kv mask(causal)
      : tensor<?x?x2x256xbf16>, !attn.kv<tensor<?x?x2x256xbf16>, tensor<?x?x2x256xbf16>> -> tensor<?x?x2x256xbf16>
  return %o : tensor<?x?x2x256xbf16>
}

// -----

// A table that is read for each score takes registers.

// CHECK: remark: [Missed] refused | Category:schedule | Function=bias | Remark="block_kv = 128: expected at most 204 registers for fragments, got 244"
// CHECK: remark: [Missed] refused | Category:schedule | Function=bias | Remark="block_kv = 112: expected at most 204 registers for fragments, got 224"
// CHECK: remark: [Missed] refused | Category:schedule | Function=bias | Remark="query_in_registers = true: expected at most 204 registers for fragments, got 236"
func.func @bias(%q: tensor<?x?x2x128xbf16>, %table: tensor<?x?xf32>) -> tensor<?x?x2x128xbf16> {
  %kv = attn.kv.dense %q, %q : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %bias = attn.read %table[%p, %j] : tensor<?x?xf32>
    %y = arith.addf %x, %bias : f32
    attn.yield %y : f32
  } : tensor<?x?x2x128xbf16>, !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>> -> tensor<?x?x2x128xbf16>
  return %o : tensor<?x?x2x128xbf16>
}

// -----

// A tile of keys is a whole part of the blocks that lists name.

// CHECK: remark: [Missed] refused | Category:schedule | Function=lists | Remark="block_kv = 128: expected a divisor of blocks of 96 keys"
// CHECK: remark: [Missed] refused | Category:schedule | Function=lists | Remark="block_kv = 112: expected a divisor of blocks of 96 keys"
// CHECK: remark: [Missed] refused | Category:schedule | Function=lists | Remark="longest_first = false: some instances may have more to do than others"
func.func @lists(%q: tensor<?x?x2x128xbf16>, %n: tensor<1x1x?xi32>, %c: tensor<1x1x?x?xi32>) -> tensor<?x?x2x128xbf16> {
  %kv = attn.kv.dense %q, %q : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
  %o = attn.attention %q, %kv blocks<128, 96> full(%n, %c : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>)
      : tensor<?x?x2x128xbf16>, !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>> -> tensor<?x?x2x128xbf16>
  return %o : tensor<?x?x2x128xbf16>
}
