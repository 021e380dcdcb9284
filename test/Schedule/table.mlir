// Schedules that were measured come from a table; what it has not is selected by rules.

// RUN: split-file %s %t
// RUN: attn-opt %t/program.mlir -attn-lower-mask-ops -attn-select-schedule=table=%t/schedules -remarks-filter-analyse=schedule 2>&1 \
// RUN:   | FileCheck %t/program.mlir
// RUN: attn-opt %t/program.mlir -attn-lower-mask-ops -attn-select-schedule -remarks-filter-analyse=schedule 2>&1 \
// RUN:   | FileCheck %s --check-prefix=RULES
// RUN: attn-opt %t/small.mlir --emit=sm90 --schedule-table=%t/schedules | FileCheck %s --check-prefix=LEVEL
// RUN: attn-run %t/small.mlir --device=emulator --check --schedule-table=%t/schedules --shape=q=1x70x2x64 --shape=k=1x90x2x64

// RULES: Remark="by rules: there is no table of measured schedules"
// RULES: tile.schedule = #tile.schedule<block_q = 128, block_kv = 128,
// LEVEL: schedule = #sm90.schedule<producer_registers = 56

// RUN: not attn-opt %t/program.mlir -attn-select-schedule=table=%t/nowhere 2>&1 | FileCheck %s --check-prefix=NOWHERE
// RUN: not attn-opt %t/program.mlir -attn-select-schedule=table=%t/number 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not attn-opt %t/program.mlir -attn-select-schedule=table=%t/guard 2>&1 | FileCheck %s --check-prefix=GUARD
// RUN: not attn-opt %t/program.mlir -attn-select-schedule=table=%t/text 2>&1 | FileCheck %s --check-prefix=TEXT
// RUN: not attn-opt %t/program.mlir -attn-lower-mask-ops -attn-select-schedule=table=%t/registers 2>&1 | FileCheck %s --check-prefix=REGISTERS

// NOWHERE: error: cannot open input file '{{.*}}nowhere': No such file or directory
// NUMBER: error: expected a dictionary of schedules in '{{.*}}number', got 7 : i64
// GUARD: error: expected guarded schedules and one without a guard behind them for "sm_90a bf16 64x64 full" in '{{.*}}guard', got [#tile.guarded_schedule<
// TEXT: error: expected attribute value
// REGISTERS: error: 'attn.attention' op expected at most

//--- schedules
// As a tuner writes it.
{
  "sm_90a bf16 64x64 full" = [
    #tile.guarded_schedule<least_keys = 2048, schedule = <block_q = 192, block_kv = 96, lazy_max = true, target = #sm90.schedule<consumer_warpgroups = 3, producer_registers = 32, consumer_registers = 160, query_in_registers = false, dynamic = true>>>,
    #tile.schedule<block_q = 128, block_kv = 80, lazy_max = true, target = #sm90.schedule<producer_registers = 56, consumer_registers = 224, dynamic = true>>]
}
//--- number
7
//--- guard
{"sm_90a bf16 64x64 full" = [
    #tile.guarded_schedule<least_keys = 2048, schedule = <block_q = 128, block_kv = 96>>]}
//--- text
{"sm_90a bf16 64x64 full" = }
//--- registers
{"sm_90a bf16 64x64 full" = [
    #tile.guarded_schedule<least_keys = 2048, schedule = <block_q = 192, block_kv = 96, target = #sm90.schedule<consumer_warpgroups = 3, consumer_registers = 240>>>,
    #tile.schedule<block_q = 128, block_kv = 80, target = #sm90.schedule<producer_registers = 56, consumer_registers = 224>>]}
//--- small.mlir
!t = tensor<?x?x2x64xbf16>
func.func @small(%q: !t {attn.name = "q"}, %k: !t {attn.name = "k"}) -> !t {
  %kv = attn.kv.dense %k, %k : !t, !t
  %o = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}
//--- program.mlir
!t = tensor<?x?x2x64xbf16>
!u = tensor<?x?x2x128xf16>

// CHECK: Function=full | Remark="from the table: 'sm_90a bf16 64x64 full'"
// CHECK: Function=wide | Remark="by rules: the table has no 'sm_90a f16 128x128 uneven modified'"
// CHECK-LABEL: func @full(
// CHECK: tile.guarded_schedules = [#tile.guarded_schedule<least_keys = 2048, schedule = <block_q = 192, block_kv = 96,
// CHECK-SAME: tile.schedule = #tile.schedule<block_q = 128, block_kv = 80,
func.func @full(%q: !t) -> !t {
  %kv = attn.kv.dense %q, %q : !t, !t
  %o = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t
  return %o : !t
}

// CHECK-LABEL: func @wide(
// CHECK-NOT: guarded
// CHECK: tile.schedule = #tile.schedule<block_q = 128, block_kv = 128,
func.func @wide(%q: !u) -> !u {
  %kv = attn.kv.dense %q, %q : !u, !u
  %o = attn.attention %q, %kv mask(causal) score(softcap<20.0>) : !u, !attn.kv<!u, !u> -> !u
  return %o : !u
}
