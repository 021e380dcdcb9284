// Strips: which elements a thread has, and how it accesses and sums them.

// RUN: attn-opt %s --convert-sm90-to-nvvm --canonicalize --cse | FileCheck %s

#warps = #sm90.schedule<consumer_warpgroups = 1, consumer_registers = 128, persistent = false, warp_roles = false>

// Of 32 rows by 64 columns a thread has 4 rows by 4 columns, of neighbouring rows.
// Lanes that differ in one of the bits from the third on share columns.

// CHECK-LABEL: llvm.func @columns(
// CHECK-SAME: nvvm.kernel, nvvm.maxnreg = 128 : i32, nvvm.maxntid = array<i32: 128>
// CHECK: %[[ROW0:.*]] = arith.shrui %{{.*}}, %c2_i32
// CHECK: arith.shli %[[ROW0]], %c2_i32
// CHECK-COUNT-4: llvm.inline_asm has_side_effects asm_dialect = att "ld.global.cs.v4.f32 {$0, $1, $2, $3}, [$4+0];", "=f,=f,=f,=f,l,~{memory}"
// CHECK-NOT: ld.global
// CHECK: nvvm.shfl.sync bfly %c-1_i32, %{{.*}}, %c4_i32, %c31_i32
// CHECK: nvvm.shfl.sync bfly %c-1_i32, %{{.*}}, %c8_i32, %c31_i32
// CHECK: nvvm.shfl.sync bfly %c-1_i32, %{{.*}}, %c16_i32, %c31_i32
// CHECK-COUNT-9: nvvm.shfl.sync bfly
// CHECK-NOT: nvvm.shfl
// One of the eight lanes stores the sums, in 16 bits.
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[ROW0]], %c0_i32
// CHECK-COUNT-2: cvt.rn.bf16x2.f32
// CHECK: "@$3 st.global.v2.b32 [$0+0], {$1, $2};", "l,r,r,b,~{memory}" %{{.*}}, %{{.*}}, %{{.*}}, %[[FIRST]]
// CHECK-COUNT-4: "st.global.cs.v4.f32 [$0+0], {$1, $2, $3, $4};", "l,f,f,f,f,~{memory}"
// CHECK-NOT: st.global
sm90.kernel @columns(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                     %o: !llvm.ptr<1> {sm90.tensor = 1, sm90.alignment = 8})
    attributes {schedule = #warps, shared_memory = 0,
                tensors = [#sm90.tensor<"s", tensor<32x64xf32>, [-1, -1]>, #sm90.tensor<"o", tensor<64xbf16>, [-1], output = true>],
                instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c32 = arith.constant 32 : index
    %c64 = arith.constant 64 : index
    %0 = sm90.load_strips %s[%c0, %c0] of [%c32, %c64] strides [%stride] axes [0, 1] whole : f32 -> tensor<32x64xf32, #sm90.layout<column_strips>>
    %1 = sm90.reduce_strips <sum> %0 axis(0) : tensor<32x64xf32, #sm90.layout<column_strips>> -> tensor<64xf32, #sm90.layout<column_strips_columns>>
    %2 = sm90.broadcast_strips %1 axis(0) : tensor<64xf32, #sm90.layout<column_strips_columns>> -> tensor<32x64xf32, #sm90.layout<column_strips>>
    %3 = arith.addf %0, %2 : tensor<32x64xf32, #sm90.layout<column_strips>>
    sm90.store_strips %1, %o[%c0] of [%c64] strides [] axes [0] whole : tensor<64xf32, #sm90.layout<column_strips_columns>> -> bf16
    sm90.store_strips %3, %s[%c0, %c0] of [%c32, %c64] strides [%stride] axes [0, 1] whole : tensor<32x64xf32, #sm90.layout<column_strips>> -> f32
  }
  sm90.return
}

// Of 64 rows by 64 columns: two groups of columns, 32 apart, are immediate offsets.
// Lanes that differ in one of the first three bits share rows.

// CHECK-LABEL: llvm.func @rows(
// CHECK: "ld.global.cs.v2.b32 {$0, $1}, [$2+0];"
// CHECK: "ld.global.cs.v2.b32 {$0, $1}, [$2+64];"
// CHECK-COUNT-6: ld.global.cs
// CHECK-NOT: ld.global.L1
// A vector that nobody writes, along the rows, is that of every warp.
// CHECK: llvm.inline_asm asm_dialect = att "ld.global.nc.v4.f32 {$0, $1, $2, $3}, [$4+0];", "=f,=f,=f,=f,l"
// CHECK: llvm.inline_asm asm_dialect = att "ld.global.nc.v4.f32 {$0, $1, $2, $3}, [$4+128];", "=f,=f,=f,=f,l"
// CHECK: nvvm.shfl.sync bfly %c-1_i32, %{{.*}}, %c1_i32, %c31_i32
// CHECK: nvvm.shfl.sync bfly %c-1_i32, %{{.*}}, %c2_i32, %c31_i32
// CHECK: nvvm.shfl.sync bfly %c-1_i32, %{{.*}}, %c4_i32, %c31_i32
// CHECK-NOT: nvvm.shfl
// One warp stores it, and of that the lanes of one row.
// CHECK-COUNT-2: "@$5 st.global.v4.f32
sm90.kernel @rows(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 8}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                  %k: !llvm.ptr<1> {sm90.tensor = 1, sm90.alignment = 16}, %o: !llvm.ptr<1> {sm90.tensor = 2})
    attributes {schedule = #warps, shared_memory = 0,
                tensors = [#sm90.tensor<"s", tensor<64x64xbf16>, [-1, -1]>, #sm90.tensor<"k", tensor<64xf32>, [-1]>, #sm90.tensor<"o", tensor<64x64xf16>, [-1, -1], output = true>],
                instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %0 = sm90.load_strips %s[%c0, %c0] of [%c64, %c64] strides [%stride] axes [0, 1] whole : bf16 -> tensor<64x64xf32, #sm90.layout<row_strips>>
    %1 = sm90.load_strips %k[%c0] of [%c64] strides [] axes [0] whole constant : f32 -> tensor<64xf32, #sm90.layout<row_strips_columns>>
    %2 = sm90.reduce_vector <max> %1 : tensor<64xf32, #sm90.layout<row_strips_columns>>
    %3 = sm90.splat %2 : tensor<64x64xf32, #sm90.layout<row_strips>>
    %4 = arith.addf %0, %3 : tensor<64x64xf32, #sm90.layout<row_strips>>
    sm90.store_strips %1, %k[%c0] of [%c64] strides [] axes [0] whole : tensor<64xf32, #sm90.layout<row_strips_columns>> -> f32
    sm90.store_strips %4, %o[%c0, %c0] of [%c64, %c64] strides [%stride] axes [0, 1] whole : tensor<64x64xf32, #sm90.layout<row_strips>> -> f16
  }
  sm90.return
}

// Where a tile may reach over an edge, each element has a test of its own.

// CHECK-LABEL: llvm.func @edges(
// CHECK: %[[INSIDE:.*]] = arith.cmpi ult, %{{.*}}, %{{.*}} : i32
// CHECK: "{ mov.b16 $0, 0; @$2 ld.global.b16 $0, [$1+0]; }", "=&h,l,b,~{memory}" %{{.*}}, %[[INSIDE]]
// CHECK: arith.extf
// CHECK-COUNT-3: ld.global.b16
// CHECK: "@$2 st.global.f32 [$0+0], $1;", "l,f,b,~{memory}"
// CHECK-COUNT-3: st.global.f32
// CHECK-COUNT-4: st.global.b16
sm90.kernel @edges(%s: !llvm.ptr<1> {sm90.tensor = 0}, %n: index {sm90.tensor = 0, sm90.axis = 0},
                   %o: !llvm.ptr<1> {sm90.tensor = 1}, %h: !llvm.ptr<1> {sm90.tensor = 2})
    attributes {schedule = #warps, shared_memory = 0,
                tensors = [#sm90.tensor<"s", tensor<?xf16>, [0]>, #sm90.tensor<"o", tensor<?xf32>, [0], output = true>, #sm90.tensor<"h", tensor<?xbf16>, [0], output = true>],
                instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %0 = sm90.load_strips %s[%c0] of [%n] strides [] axes [0] : f16 -> tensor<64xf32, #sm90.layout<column_strips_columns>>
    sm90.store_strips %0, %o[%c0] of [%n] strides [] axes [0] : tensor<64xf32, #sm90.layout<column_strips_columns>> -> f32
    sm90.store_strips %0, %h[%c0] of [%n] strides [] axes [0] : tensor<64xf32, #sm90.layout<column_strips_columns>> -> bf16
  }
  sm90.return
}

// All warps have the same 64 columns, each a quarter of the 128 rows. A lane of two
// writes the sums of four columns down, one the number; all meet and add up what
// four warps have written.

#shared = #sm90.schedule<consumer_warpgroups = 1, consumer_registers = 128, persistent = false, warp_roles = false, strip_warps = 1>

// CHECK-LABEL: llvm.func @shared(
// CHECK-COUNT-16: "ld.global.cs.v4.f32
// CHECK-NOT: ld.global.cs
// CHECK: "ld.global.nc.v4.f32
// CHECK: nvvm.shfl.sync bfly %c-1_i32, %{{.*}}, %c16_i32, %c31_i32
// CHECK-COUNT-4: nvvm.shfl
// CHECK-NOT: nvvm.shfl
// CHECK-NOT: bar.sync
// CHECK: scf.if
// CHECK: "st.shared.v4.f32 [$0+0],
// CHECK: scf.if
// CHECK: "st.shared.f32 [$0+1024],
// CHECK: "bar.sync $0, 128;"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+0];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+256];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+512];"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+768];"
// CHECK-COUNT-4: arith.addf
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+1024];"
sm90.kernel @shared(%s: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16}, %stride: i64 {sm90.tensor = 0, sm90.axis = 0},
                    %k: !llvm.ptr<1> {sm90.tensor = 1, sm90.alignment = 16}, %o: !llvm.ptr<1> {sm90.tensor = 2, sm90.alignment = 16})
    attributes {schedule = #shared, shared_memory = 1040,
                tensors = [#sm90.tensor<"s", tensor<128x64xf32>, [-1, -1]>, #sm90.tensor<"k", tensor<128xf32>, [-1]>, #sm90.tensor<"o", tensor<64xf32>, [-1], output = true>],
                instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c64 = arith.constant 64 : index
    %c128 = arith.constant 128 : index
    %0 = sm90.load_strips %s[%c0, %c0] of [%c128, %c64] strides [%stride] axes [0, 1] whole : f32 -> tensor<128x64xf32, #sm90.layout<column_strips, lanes = 16, warps = 1>>
    %1 = sm90.load_strips %k[%c0] of [%c128] strides [] axes [0] whole constant : f32 -> tensor<128xf32, #sm90.layout<column_strips_rows, lanes = 16, warps = 1>>
    %2 = sm90.reduce_strips <sum> %0 axis(0) : tensor<128x64xf32, #sm90.layout<column_strips, lanes = 16, warps = 1>> -> tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>>
    %3 = sm90.reduce_vector <sum> %1 : tensor<128xf32, #sm90.layout<column_strips_rows, lanes = 16, warps = 1>>
    %4:2 = sm90.add_warps %2, %3 at 0 : tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>>, f32 -> tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>>, f32
    %5 = sm90.splat %4#1 : tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>>
    %6 = arith.addf %4#0, %5 : tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>>
    sm90.store_strips %6, %o[%c0] of [%c64] strides [] axes [0] whole : tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>> -> f32
  }
  sm90.return
}

// In a loop they have met before, for the sums of the last iteration have been read then.

// CHECK-LABEL: llvm.func @repeated(
// CHECK: scf.for
// CHECK: "bar.sync $0, 128;"
// CHECK: "st.shared.f32 [$0+0],
// CHECK: "bar.sync $0, 128;"
// CHECK: "ld.shared.v4.f32 {$0, $1, $2, $3}, [$4+0];"
sm90.kernel @repeated(%o: !llvm.ptr<1> {sm90.tensor = 0, sm90.alignment = 16})
    attributes {schedule = #shared, shared_memory = 16,
                tensors = [#sm90.tensor<"o", tensor<64xf32>, [-1], output = true>], instances = []} {
  sm90.warps {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c64 = arith.constant 64 : index
    %x = arith.constant 1.0 : f32
    %y = scf.for %i = %c0 to %c64 step %c1 iter_args(%sum = %x) -> f32 {
      %0 = sm90.add_warps %sum at 0 : f32 -> f32
      scf.yield %0 : f32
    }
    %1 = sm90.splat %y : tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>>
    sm90.store_strips %1, %o[%c0] of [%c64] strides [] axes [0] whole : tensor<64xf32, #sm90.layout<column_strips_columns, lanes = 16, warps = 1>> -> f32
  }
  sm90.return
}
