// What LLVM makes of the operations that the NVVM level consists of: one
// instruction each.

// RUN: attn-opt %s --emit=llvm | FileCheck %s --check-prefix=LLVM
// RUN: attn-opt %s --emit=ptx | FileCheck %s --implicit-check-not='{{[.]local}}'

// LLVM: target datalayout = "{{.*}}"
// LLVM: target triple = "nvptx64-nvidia-cuda"

// CHECK: .version 8.6
// CHECK: .target sm_90a

// A tensor map is used where the launch has put it.
// LLVM: define ptx_kernel void @map(ptr byval([128 x i8]) align 64 "nvvm.grid_constant" %{{.*}}, i32 %{{.*}})
// CHECK-LABEL: .visible .entry map(
// CHECK: .param .align 64 .b8 map_param_0[128]
// CHECK: .maxntid 384
// CHECK: .minnctapersm 1
// CHECK: cvta.param.u64
// CHECK: cp.async.bulk.tensor
llvm.func @map(%map: !llvm.ptr {llvm.align = 64 : i64, llvm.byval = !llvm.array<128 x i8>, nvvm.grid_constant}, %shared: i32)
    attributes {nvvm.kernel, nvvm.maxntid = array<i32: 384>, nvvm.minctasm = 1 : i32} {
  llvm.inline_asm has_side_effects "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [$1, {$0, $0}], [$0];", "r,l,~{memory}" %shared, %map : (i32, !llvm.ptr) -> ()
  llvm.return
}

// CHECK-LABEL: .visible .entry arithmetic(
// CHECK: ex2.approx.ftz.f32
// CHECK: lg2.approx.ftz.f32
// CHECK: rcp.approx.ftz.f32
// CHECK: fma.rn.f32
// CHECK: max.f32
// CHECK: shfl.sync.bfly.b32
// CHECK: vote.sync.all.pred
// CHECK: cvt.rn.bf16x2.f32
// CHECK: cvt.rn.f16x2.f32
llvm.func @arithmetic(%x: f32, %out: !llvm.ptr<1>) attributes {nvvm.kernel} {
  %all = llvm.mlir.constant(-1 : i32) : i32
  %one = llvm.mlir.constant(1 : i32) : i32
  %clamp = llvm.mlir.constant(31 : i32) : i32
  %a = llvm.call_intrinsic "llvm.nvvm.ex2.approx.ftz.f"(%x) : (f32) -> f32
  %b = llvm.call_intrinsic "llvm.nvvm.lg2.approx.ftz.f"(%a) : (f32) -> f32
  %c = llvm.call_intrinsic "llvm.nvvm.rcp.approx.ftz.f"(%b) : (f32) -> f32
  %d = llvm.intr.fma(%a, %b, %c) : (f32, f32, f32) -> f32
  %e = llvm.intr.maxnum(%c, %d) : (f32, f32) -> f32
  %f = nvvm.shfl.sync bfly %all, %e, %one, %clamp : f32 -> f32
  %g = llvm.fcmp "oeq" %e, %f : f32
  %h = nvvm.vote.sync all %all, %g -> i1
  %i = llvm.select %h, %e, %x : i1, f32
  %j = llvm.call_intrinsic "llvm.nvvm.ff2bf16x2.rn"(%i, %f) : (f32, f32) -> vector<2xbf16>
  %k = llvm.call_intrinsic "llvm.nvvm.ff2f16x2.rn"(%i, %f) : (f32, f32) -> vector<2xf16>
  %l = llvm.bitcast %j : vector<2xbf16> to i32
  %m = llvm.bitcast %k : vector<2xf16> to i32
  %n = llvm.xor %l, %m : i32
  llvm.store %n, %out : i32, !llvm.ptr<1>
  llvm.return
}

// CHECK-LABEL: .visible .entry roles(
// CHECK: fence.mbarrier_init.release.cluster;
// CHECK: bar.sync 0;
// CHECK: setmaxnreg.dec.sync.aligned.u32 24;
// CHECK: fence.proxy.async.shared::cta;
// CHECK: cp.async.bulk.commit_group;
// CHECK: cp.async.bulk.wait_group.read 0;
// CHECK: cp.async.bulk.wait_group 0;
llvm.func @roles() attributes {nvvm.kernel} {
  nvvm.fence.mbarrier.init
  nvvm.barrier
  nvvm.setmaxregister decrease 24
  nvvm.fence.proxy {kind = #nvvm.proxy_kind<async.shared>, space = #nvvm.shared_space<cta>}
  nvvm.cp.async.bulk.commit.group
  nvvm.cp.async.bulk.wait_group 0 {read}
  nvvm.cp.async.bulk.wait_group 0
  llvm.return
}
