//===- Templates.cpp - The statements that are generated ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Templates.h"

using namespace attn::fuzz;

const std::vector<std::string> &attn::fuzz::templates() {
  static const std::vector<std::string> texts = {
      // Integers and bits.
      "<add|sub|min|max|mul.lo|mul.hi|div|rem>.<u|s>32 $r, $i, $i;",
      "<add|sub|min|max|mul.lo|div|rem>.<u|s>64 $d, $j, $j;",
      "add.<u|s>16 $h, $h, $h;",
      "mul.wide.<u|s>32 $d, $i, $i;",
      "mul.wide.u16 $r, $h, $h;",
      "<mad.lo.u32|mad.lo.s32|prmt.b32|bfe.u32|bfe.s32|bfi.b32|shf.l.wrap.b32|"
      "shf.r.wrap.b32|lop3.b32> $r, $i, $i, $i;",
      "mad.lo.<u|s>64 $d, $j, $j, $j;",
      "mad.wide.<u|s>32 $d, $i, $i, $j;",
      "<and|or|xor>.b32 $r, $i, $i;",
      "<and|or|xor>.b64 $d, $j, $j;",
      "<and|or|xor>.pred $p, $p, $p;",
      "<and|or|xor>.b16 $h, $h, $h;",
      "<shl|shr>.<b|u|s>32 $r, $i, $i;",
      "<shl|shr>.<b|u|s>64 $d, $j, $i;",
      "<not.b32|neg.s32|abs.s32|popc.b32|clz.b32|brev.b32> $r, $i;",
      "<not.b64|neg.s64> $d, $j;",
      "not.pred $p, $p;",
      "setp.<eq|ne|lt|le|gt|ge|lo|hi>.<u|s|b>32 $p, $i, $i;",
      "setp.<eq|ne|lt|le|gt|ge>.<u|s>64 $p, $j, $j;",
      "selp.<b|u|s>32 $r, $i, $i, $p;",
      "selp.b64 $d, $j, $j, $p;",
      "<div|rem>.<u|s>32 $r, $i, $i;",
      "<add|sub>.sat.s32 $r, $i, $i;",
      "<add|min|max>.<u|s>16x2 $r, $r, $r;",
      "<mul24.lo|mul24.hi>.<u|s>32 $r, $i, $i;",
      "<mad24.lo|mad.hi|sad|dp2a.lo|dp4a>.<u32|s32|u32.s32|s32.u32> $r, $i, "
      "$i, $i;",
      "<bfind.u32|bfind.shiftamt.s32|cnot.b32> $r, $i;",
      "<bmsk.clamp.b32|bmsk.wrap.b32|szext.clamp.s32|szext.wrap.u32> $r, $i, "
      "$i;",
      "fns.b32 $r, $i, $i, $i;",
      "prmt.b32.<f4e|b4e|rc8|ecl|ecr|rc16> $r, $i, $i, $i;",
      "lop3.b32 $r, $i, $i, $i, <0|0xE8|255|$n>;",
      "shf.<l|r>.<clamp|wrap>.b32 $r, $i, $i, $i;",
      "bfi.b64 $d, $j, $j, $i, $i;",
      "bfe.<u|s>64 $d, $j, $i, $i;",
      "set.<eq|lt|gt>.<u32|f32>.<s32|f32> $r, $i, $i;",
      "setp.<eq|lt>.and.s32 $p|$p, $i, $i, $p;",
      "slct.<b32|f32>.<s32|f32> $r, $i, $i, $i;",
      // Floating point.
      "<add|sub|mul|div.rn|min|max><.f32|.ftz.f32|.rn.f32> $r, $i, $i;",
      "<fma.rn.f32|fma.rn.ftz.f32> $r, $i, $i, $i;",
      "<add|mul|sub|min|max>.f64 $d, $j, $j;",
      "<neg|abs|ex2.approx|lg2.approx|rcp.approx|sqrt.approx|rsqrt.approx|"
      "tanh.approx><.f32|.ftz.f32> $r, $i;",
      "setp.<eq|ne|lt|le|gt|ge|equ|neu|ltu|nan|num>.f32 $p, $i, $i;",
      "<add|sub|mul|max|min|fma.rn><.f16x2|.bf16x2|.rn.bf16x2> $r, $r, $r;",
      "cvt.<rn.f32|f32|rzi.s32|rzi.u32|rni.s32|u32|s32|s64|u64>.<f32|s32|u32> "
      "<$r|$d>, <$i|$d>;",
      "cvt.<u32.u64|s32.s64> $r, $d;",
      "cvt.<rn.bf16x2|rn.f16x2>.f32 $r, $i, $i;",
      "cvt.rn.satfinite.<e4m3x2|e5m2x2>.f32 $h, $i, $i;",
      "cvt.<u32.u16|s32.s16|f32.f16|f32.bf16> $r, $h;",
      "<copysign.f32 $r, $r, $r|testp.finite.f32 $p, $r>;",
      "<sin|cos>.approx.f32 $r, $i;",
      "<fma.rn|fma.rn.relu>.<f16|bf16> $h, $h, $h, $h;",
      "<add|mul|min|max>.<f16|bf16> $h, $h, $h;",
      "<rcp.rn|sqrt.rn|neg|abs>.f64 $d, $j;",
      "cvt<|.sat|.rn|.rzi|.rni><|.satfinite>.<u8|s8|u16|s16|u32|s64|f16|f64>."
      "<u32|s32|u16|f32|f64|f16> <$r|$h|$d>, <$i|$h|$d>;",
      "cvt.rn.<f16x2|bf16x2>.<e4m3x2|e5m2x2> $r, $h;",
      // Moves.
      "mov.<b|u>32 $r, <$i|%tid.x|%ctaid.x|%nctaid.x|%laneid|%ntid.x|smem>;",
      "mov.b64 $d, <$j|smem|map|{$r, $i}>;",
      "mov.b64 {$r, $r}, $d;",
      "mov.b32 $r, {$h, $h};",
      "mov.b32 {$h, $h}, $r;",
      "mov.pred $p, $p;",
      "cvta<|.to>.<shared|global|param>.u64 $d, $d;",
      // Memory.
      "ld.shared<|::cta>.<b|u|s><8|16|32> <$r|$h>, $s;",
      "ld.shared.<v2|v4>.b32 {$r, $r<|, $r, $r>}, $s;",
      "st.shared<|::cta>.b<8|16|32> $s, <$r|$h|$n>;",
      "st.shared.<v2|v4>.b32 $s, {$r, $r<|, $r, $r>};",
      "ld.global<|.nc>.<b|u|s><32|64> <$r|$d>, $g;",
      "ld.global.<v2|v4>.b32 {$r, $r<|, $r, $r>}, $g;",
      "st.global.<b32 $g, $i|b64 $g, $j|v2.b32 $g, {$r, $r}>;",
      "ld.param.b<32|64> <$r|$d>, [<out|map|inMap|%r1>$a];",
      "atom<|.global|.shared>.<add|min|max|exch|or>.<u32|s32|b32> $r, $g, $i;",
      "red<|.global|.shared>.<add|min|max>.<u32|s32|f32> $g, $i;",
      "<ld|st>.local.b32 <$r, [$r$a]|[$r$a], $r|$r, [loc$a]>;",
      "<ld.b32 $r, [$d$a]|st.b32 [$d$a], $i>;",
      "ld<|.relaxed.cta|.acquire.gpu|.volatile>.<shared|global>.b32 $r, "
      "<[$r]|[$d]>;",
      "st<|.relaxed.cta|.release.gpu>.<shared|global>.b32 <[$r]|[$d]>, $i;",
      "ld.shared::cluster.b32 $r, $s;",
      "st.shared::cluster.b32 $s, $r;",
      "atom<|.global|.shared><|::cta>.<add|min|max|inc|dec|exch|and|or|xor|cas>"
      "."
      "<u32|s32|b32|f32|b64|b16> <$r|$d>, <[$r]|$g>, <$i|$j><|, $i>;",
      "st.local.v4.b32 [loc$a], {$r, $r, $r, $r};",
      "st.async.weak.shared::cluster.mbarrier::complete_tx::bytes<|.v2>.b32 "
      "$s, "
      "<$r|{$r, $r}>, $m;",
      "red.async.relaxed.cluster.shared::cluster.mbarrier::complete_tx::bytes."
      "<add|min|inc>.u32 $s, $r, $m;",
      "isspacep.<shared|global|local|const> $p, $d;",
      "ldmatrix.sync.aligned.m8n8.<x1|x2|x4><|.trans>.shared<|::cta>.b16 "
      "{$r<|, $r|, $r, $r, $r>}, $s;",
      "stmatrix.sync.aligned.m8n8.<x1|x2|x4><|.trans>.shared<|::cta>.b16 $s, "
      "{$r<|, $r|, $r, $r, $r>};",
      // Warps and control.
      "shfl.sync.<up|down|bfly|idx>.b32 $r, $r, $i, $i, <-1|$i>;",
      "vote.sync.<all|any|uni>.pred $p, $p, <-1|$i>;",
      "vote.sync.ballot.b32 $r, $p, <-1|$i>;",
      "redux.sync.<add|min|max|or>.<u32|s32|b32> $r, $r, <-1|$i>;",
      "elect.sync <_|$r>|$p, <-1|$i>;",
      "bar.warp.sync <-1|$i>;",
      "match.<any|all>.sync.b<32|64> $r, <$r|$d>, -1;",
      "activemask.b32 $r;",
      "<nanosleep.u32 $i|pmevent 1|trap|brkpt>;",
      "brx.idx $r, targets;",
      "call<|.uni> <($r), helper, ($i)|helper|again|($r), again, ($i)>;",
      "bra $l;",
      "@$p bra $l;",
      "@!$p bra $l;",
      "<ret|exit>;",
      "<{|}>",
      ".reg .<b32|b64|pred|b16> <x|%r1>;",
      // Barriers and fences.
      "bar.sync <0|$i>;",
      "bar.<sync|arrive> <0|1|$i>, <32|64|128|$i>;",
      "barrier.<sync|arrive>.aligned <0|1>, <32|64|128>;",
      "fence.<proxy.async|proxy.async.shared::cta|mbarrier_init.release.cluster"
      "|acq_rel.cta|sc.cta>;",
      "setmaxnreg.<inc|dec>.sync.aligned.u32 <24|40|240|$n>;",
      "mbarrier.init.shared<|::cta>.b64 $m, <1|2|$i>;",
      "mbarrier.inval.shared.b64 $m;",
      "mbarrier.arrive.shared<|::cta>.b64 <_|$d>, $m<|, $i>;",
      "mbarrier.arrive.expect_tx.shared<|::cta>.b64 _, $m, <8192|$i>;",
      "mbarrier.expect_tx.relaxed.cta.shared::cta.b64 $m, <8192|$i>;",
      "mbarrier.<try_wait|test_wait>.parity.shared<|::cta>.b64 $p, $m, "
      "<0|1|$i>;",
      "mbarrier.<try_wait|test_wait>.shared::cta.b64 $p, $m, $d;",
      "mapa.shared::cluster.u32 $r, $r, $i;",
      "getctarank.shared::cluster.u32 $r, $r;",
      "mapa.u64 $d, $d, $i;",
      "barrier.cluster.<arrive|wait|arrive.relaxed|wait.acquire><|.aligned>;",
      "bar.red.<popc.u32 $r|and.pred $p|or.pred $p>, 0, $p;",
      "mbarrier.arrive<|.release>.cluster.shared::cluster.b64 _, $m<|, $i>;",
      "mbarrier.<arrive_drop|arrive.noComplete>.shared.b64 <_|$d>, $m<|, $i>;",
      "mbarrier.complete_tx.relaxed.cta.shared::cta.b64 $m, $i;",
      "mbarrier.pending_count.b64 $r, $d;",
      "mbarrier.try_wait.shared::cta.b64 $p, $m, $d, $i;",
      "cp.async.mbarrier.arrive<|.noinc>.shared.b64 $m;",
      "griddepcontrol.<wait|launch_dependents>;",
      // Copies.
      "cp.async.bulk.tensor.2d.shared::<cta|cluster>.global.tile.mbarrier::"
      "complete_tx::bytes $s, [$t, {$i, $i}], $m;",
      "cp.async.bulk.tensor.<1d|3d|2d>.shared::cluster.global.mbarrier::"
      "complete_tx::bytes.L2::cache_hint $s, [$t, {$i<|, $i|, $i, $i>}], $m, "
      "$j;",
      "cp.async.bulk.tensor.2d.global.shared::cta.tile.bulk_group [$t, {$i, "
      "$i}], $s;",
      "cp.reduce.async.bulk.tensor.2d.global.shared::cta.add.tile.bulk_group "
      "[$t, {$i, $i}], $s;",
      "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes $s, "
      "$g, <16|256|$i>, $m;",
      "cp.async.bulk.global.shared::cta.bulk_group $g, $s, <16|256|$i>;",
      "cp.async.bulk.<commit_group|wait_group $n|wait_group.read 0>;",
      "cp.async.<ca|cg>.shared.global $s, $g, <4|8|16|$n><|, 8|, $p|, $r>;",
      "cp.async.mbarrier.arrive<|.noinc>.shared<|::cta>.b64 $m;",
      "cp.async.<commit_group|wait_group $n|wait_all>;",
      "prefetch.tensormap [$t];",
      "cp.async.bulk.shared::cluster.shared::cta.mbarrier::complete_tx::bytes "
      "$s, $s, <16|256|$i>, $m;",
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::"
      "bytes.multicast::cluster $s, [$t, {$i, $i}], $m, <$h|3>;",
      "cp.reduce.async.bulk.<global|shared::cluster>.shared::cta.<bulk_group|"
      "mbarrier::complete_tx::bytes>.<add|min|and>.<u32|f32|bf16|b32> <$g|$s>, "
      "$s, <16|$i><|, $m>;",
      // Products.
      "wgmma.fence.sync.aligned;",
      "wgmma.commit_group.sync.aligned;",
      "wgmma.wait_group.sync.aligned <0|1|$n>;",
      "wgmma.mma_async.sync.aligned.m64n8k16.f32.<bf16.bf16|f16.f16> $w, $c, "
      "$c, <0|1|$p>, <1|-1>, <1|-1>, <0|1>, <0|1>;",
      "wgmma.mma_async.sync.aligned.m64n8k16.f32.<bf16.bf16|f16.f16> $w, {$r, "
      "$r, $r, $r}, $c, <0|1|$p>, <1|-1>, 1, <0|1>;",
      "wgmma.mma_async.sync.aligned.m64n8k<8.f32.tf32.tf32|32.f32.e4m3.e5m2|"
      "32.s32.s8.s8> $w, $c, $c, <0|1|$p><|, 1, 1>;",
      "mma.sync.aligned.m16n8k8.row.col.f32.<tf32.tf32|bf16.bf16>.f32 $w, {$r, "
      "$r<|, $r, $r>}, {$r<|, $r>}, $w;",
      "mma.sync.aligned.m16n8k32.row.col.<s32.s8.s8.s32|f32.e4m3.e4m3.f32> $w, "
      "{$r, $r, $r, $r}, {$r, $r}, $w;",
      "mma.sync.aligned.m16n8k16.row.col.f32.<bf16.bf16|f16.f16>.f32 $w, {$r, "
      "$r, $r, $r}, {$r, $r}, $w;",
  };
  return texts;
}

const std::string &attn::fuzz::prologue() {
  static const std::string text = R"(.version 8.6
.target sm_90a
.address_size 64
.extern .shared .align 1024 .b8 smem[];
.func (.reg .b32 result) helper(.reg .b32 given)
{
add.s32 result, given, 1;
ret;
}
.func again()
{
call again;
ret;
}
.visible .entry test(
.param .u64 .ptr .global .align 1 out,
.param .align 64 .b8 map[128],
.param .align 64 .b8 inMap[128])
{
.reg .pred %p<4>;
.reg .b16 %h<4>;
.reg .b32 %r<16>;
.reg .b64 %d<8>;
.local .align 16 .b8 loc[64];
targets: .branchtargets L0, L1, L3;
ld.param.b64 %d0, [out];
mov.u32 %r5, %tid.x;
mul.wide.u32 %d1, %r5, 16;
add.s64 %d1, %d1, %d0;
mov.b64 %d2, map;
cvta.param.u64 %d2, %d2;
mov.b64 %d3, inMap;
cvta.param.u64 %d3, %d3;
mov.b32 %r0, smem;
shl.b32 %r1, %r5, 4;
add.s32 %r1, %r1, %r0;
add.s32 %r2, %r0, 8192;
add.s32 %r3, %r1, 8192;
add.s32 %r4, %r0, 16384;
shr.u32 %r6, %r0, 4;
or.b32 %r6, %r6, 524288;
mov.b64 %d4, {%r6, 16};
mov.b64 %d5, {%r6, 1073741888};
mov.b32 %r8, 0;
mov.b32 %r9, 1;
mov.b32 %r10, 0f3F800000;
mov.b32 %r11, 0;
setp.eq.b32 %p0, %r5, 0;
setp.lt.u32 %p1, %r5, 16;
@%p0 mbarrier.init.shared::cta.b64 [%r4], 1;
fence.mbarrier_init.release.cluster;
st.shared.v4.b32 [%r1], {%r8, %r9, %r10, %r5};
fence.proxy.async.shared::cta;
bar.sync 0;
)";
  return text;
}
