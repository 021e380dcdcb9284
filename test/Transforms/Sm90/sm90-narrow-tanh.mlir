// Where all arguments are near zero, a polynomial takes the place of the tanh; the
// constants on its argument and on its result are in the coefficients.

// RUN: attn-opt %s --pass-pipeline='builtin.module(sm90.kernel(sm90-narrow-tanh))' | FileCheck %s

!s = tensor<64x64xf32>

// CHECK-LABEL: sm90.kernel @softcap(
// CHECK: %[[S:.*]] = arith.constant dense<1.000000e+00> : tensor<64x64xf32>
// CHECK: %[[SIZES:.*]] = sm90.score %[[S]]
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32,
// CHECK-NEXT: %[[SIZE:.*]] = math.absf %[[X]]
// CHECK-NEXT: sm90.yield %[[SIZE]]
// CHECK: %[[LARGEST:.*]] = sm90.reduce_columns <max> %[[SIZES]]
// A half, divided by 1/8 and 1/50.
// CHECK: %[[LIMIT:.*]] = arith.constant dense<2.000000e+02> : tensor<64xf32>
// CHECK: %[[NEAR:.*]] = arith.cmpf ole, %[[LARGEST]], %[[LIMIT]]
// CHECK: %[[ALL:.*]] = sm90.vote_all %[[NEAR]]
// CHECK: scf.if %[[ALL]]
// CHECK: sm90.score %[[S]]
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32,
// CHECK: %[[SQUARE:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK: math.fma
// CHECK: %[[SUM:.*]] = math.fma
// CHECK: %[[CUBE:.*]] = arith.mulf %[[SQUARE]], %[[X]]
// CHECK: %[[NARROW:.*]] = math.fma %[[SUM]], %[[CUBE]], %[[X]]
// 1/8 / 50 * 50.
// CHECK: %[[SCALE:.*]] = arith.constant 1.250000e-01 : f32
// CHECK: %[[RESULT:.*]] = arith.mulf %[[NARROW]], %[[SCALE]]
// CHECK: sm90.yield %[[RESULT]]
// CHECK: } else {
// CHECK: math.tanh
sm90.kernel @softcap() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : !s
    %eighth = arith.constant 0.125 : f32
    %inverse = arith.constant 0.02 : f32
    %cap = arith.constant 50.0 : f32
    %r = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = arith.mulf %x, %eighth fastmath<reassoc> : f32
      %1 = arith.mulf %0, %inverse fastmath<reassoc> : f32
      %2 = math.tanh %1 fastmath<afn> : f32
      %3 = arith.mulf %2, %cap fastmath<reassoc> : f32
      sm90.yield %3 : f32
    }
  }
  sm90.return
}

// An exact tanh, two of them, and what the schedule does not want stay.

// CHECK-LABEL: sm90.kernel @exact(
// CHECK-NOT: sm90.vote_all
sm90.kernel @exact() attributes {schedule = #sm90.schedule<>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : !s
    %r = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = math.tanh %x : f32
      sm90.yield %0 : f32
    }
    %t = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = math.tanh %x fastmath<afn> : f32
      %1 = math.tanh %0 fastmath<afn> : f32
      sm90.yield %1 : f32
    }
  }
  sm90.return
}

// CHECK-LABEL: sm90.kernel @off(
// CHECK-NOT: sm90.vote_all
sm90.kernel @off() attributes {schedule = #sm90.schedule<narrow_tanh = false>, tensors = [], instances = []} {
  sm90.warp_roles producer {
  } consumer {
    %c0 = arith.constant 0 : index
    %s = arith.constant dense<1.0> : !s
    %r = sm90.score %s query(%c0) key(%c0) : !s {
    ^bb0(%x: f32, %p: index, %j: index):
      %0 = math.tanh %x fastmath<afn> : f32
      sm90.yield %0 : f32
    }
  }
  sm90.return
}
