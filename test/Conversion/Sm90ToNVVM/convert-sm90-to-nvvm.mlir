// The kernel: what a launch and the assembler have to know, and the roles.

// RUN: attn-opt %s --convert-sm90-to-nvvm | FileCheck %s

// CHECK: llvm.mlir.global external @shared_memory() {addr_space = 3 : i32, alignment = 1024 : i64} : !llvm.array<0 x i8>

// Maps are passed by value and not copied; sizes are of 32 bits. Without
// minctasm the assembler may ignore setmaxnreg.
// CHECK: llvm.func @kernel(
// CHECK-SAME: %{{.*}}: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant},
// CHECK-SAME: %{{.*}}: !llvm.ptr<1>, %{{.*}}: i32)
// CHECK-SAME: attributes {nvvm.kernel, nvvm.maxntid = array<i32: 384>, nvvm.minctasm = 1 : i32} {
sm90.kernel @kernel(%x: !sm90.tensor_map<64x64xbf16, axes = [0, 1], rank = 2> {sm90.tensor = 0},
                    %out: !llvm.ptr<1> {sm90.tensor = 1}, %n: index {sm90.tensor = 1, sm90.axis = 0})
    attributes {schedule = #sm90.schedule<producer_registers = 40, consumer_registers = 232>, instances = [], shared_memory = 0 : i64,
                tensors = [#sm90.tensor<"x", tensor<?x64xbf16>, [0, -1]>, #sm90.tensor<"out", tensor<?xf32>, [0], output = true>]} {
  // Barriers are initialised before any role begins.
  // CHECK: nvvm.fence.mbarrier.init
  // CHECK-NEXT: nvvm.barrier
  // The number of the warpgroup is the same for the whole warp.
  // CHECK: %[[WARPGROUP:.*]] = nvvm.shfl.sync idx
  // CHECK: %[[PRODUCES:.*]] = arith.cmpi eq, %[[WARPGROUP]], %c0_i32{{.*}} : i32
  // CHECK-NEXT: scf.if %[[PRODUCES]] {
  // CHECK-NEXT: nvvm.setmaxregister decrease 40
  // CHECK: %[[THREAD:.*]] = nvvm.read.ptx.sreg.tid.x
  // CHECK: %[[ONE:.*]] = arith.cmpi eq, %[[THREAD]], %c0_i32{{.*}} : i32
  // CHECK-NEXT: scf.if %[[ONE]] {
  // CHECK-NEXT: nvvm.read.ptx.sreg.ctaid.x
  // CHECK: nvvm.read.ptx.sreg.nctaid.x
  // CHECK: } else {
  // CHECK-NEXT: nvvm.setmaxregister increase 232
  // The first consumer is warpgroup 1.
  // CHECK: %[[WARPGROUP:.*]] = nvvm.shfl.sync idx
  // CHECK: %[[MINUS:.*]] = arith.constant -1 : i32
  // CHECK: arith.addi %[[WARPGROUP]], %[[MINUS]] : i32
  // CHECK: llvm.return
  sm90.warp_roles producer {
    %block = sm90.block_id
    %grid = sm90.grid_size
  } consumer {
    %id = sm90.warpgroup_id
  }
  sm90.return
}
