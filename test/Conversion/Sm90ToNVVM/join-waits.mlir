// RUN: attn-opt %s --pass-pipeline='builtin.module(llvm.func(nvvm-join-waits))' | FileCheck %s

// CHECK-LABEL: llvm.func @neighbours
// CHECK-NEXT: llvm.mlir.constant
// CHECK-NEXT: %[[SECOND:.*]] = llvm.add %arg0
// CHECK-NEXT: %[[THIRD:.*]] = llvm.add %[[SECOND]]
// CHECK-NEXT: llvm.inline_asm has_side_effects asm_dialect = att
// CHECK-SAME: "{\0A\09.reg .pred done, next;\0A\09WAIT:\0A\09
// CHECK-SAME: mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09
// CHECK-SAME: mbarrier.try_wait.parity.shared::cta.b64 next, [$2], $3;\0A\09and.pred done, done, next;\0A\09
// CHECK-SAME: mbarrier.try_wait.parity.shared::cta.b64 next, [$4], $5;\0A\09and.pred done, done, next;\0A\09
// CHECK-SAME: @!done bra WAIT;\0A\09}"
// CHECK-SAME: "r,r,r,r,r,r,~{memory}" %arg0, %arg1, %[[SECOND]], %arg1, %[[THIRD]], %arg1
// CHECK-NEXT: llvm.return
llvm.func @neighbours(%a: i32, %parity: i32) attributes {sm90.join_waits} {
  %c8 = llvm.mlir.constant(8 : i32) : i32
  llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %a, %parity : (i32, i32) -> ()
  %b = llvm.add %a, %c8 : i32
  llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %b, %parity : (i32, i32) -> ()
  %c = llvm.add %b, %c8 : i32
  llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %c, %parity : (i32, i32) -> ()
  llvm.return
}

// What stands between does more than compute, or is another block.

// CHECK-LABEL: llvm.func @apart
// CHECK-NOT: done, next
llvm.func @apart(%a: i32, %b: i32, %p: !llvm.ptr, %parity: i32) attributes {sm90.join_waits} {
  llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %a, %parity : (i32, i32) -> ()
  llvm.store %a, %p : i32, !llvm.ptr
  llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %b, %parity : (i32, i32) -> ()
  llvm.br ^next
^next:
  llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %a, %parity : (i32, i32) -> ()
  %x = llvm.load %p : !llvm.ptr -> i32
  llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %b, %x : (i32, i32) -> ()
  llvm.return
}

// Without the field of the schedule nothing changes.

// CHECK-LABEL: llvm.func @unasked
// CHECK-NOT: done, next
llvm.func @unasked(%a: i32, %b: i32, %parity: i32) {
  llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %a, %parity : (i32, i32) -> ()
  llvm.inline_asm has_side_effects asm_dialect = att "{\0A\09.reg .pred done;\0A\09WAIT:\0A\09mbarrier.try_wait.parity.shared::cta.b64 done, [$0], $1;\0A\09@!done bra WAIT;\0A\09}", "r,r,~{memory}" %b, %parity : (i32, i32) -> ()
  llvm.return
}
