//===- LaunchPlan.h - What a launcher needs to know of a kernel -*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The one vocabulary that the compiler and the runtime share. The compiler
// fills a LaunchPlan for each kernel and says in a TargetProgram which of them
// are launched, in which order and when; a launcher evaluates both against the
// shapes and strides of the tensors that it is given. A Bundle is all of it for
// several targets, as it stands in a file. Nothing here depends on LLVM or on
// CUDA.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_LAUNCHPLAN_H
#define ATTN_RUNTIME_LAUNCHPLAN_H

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace attn::runtime {

/// The types of elements. Those of I1 are bytes of 0 or 1.
enum class ElementType { BF16, F16, F32, I1, I8, I16, I32, I64 };

/// A tensor of the kernel's signature. The inputs come first, in the order of
/// the program's arguments, then the outputs in the order of its results.
struct TensorSpec {
  std::string name;
  ElementType elementType = ElementType::BF16;
  /// Sizes in elements; -1 where the size is only known at launch.
  std::vector<int64_t> shape;
  bool isOutput = false;
  /// Of an output, the input whose memory it has, so that what is not written
  /// stays as it was; or -1.
  int32_t updates = -1;
};

/// One step of an expression in postfix order.
struct Term {
  enum class Kind {
    /// Push `value`; the size or the stride, in elements, of `axis` of
    /// `tensor`;
    /// the number of multiprocessors.
    Constant,
    Size,
    Stride,
    Multiprocessors,
    /// Push 1 where `tensor` has an innermost stride of 1, and `value` divides
    /// its address and its other strides, in bytes, so that a tensor map can
    /// describe it; else 0.
    Aligned,
    /// Replace the two values on top by one. A comparison gives 0 or 1.
    Add,
    Subtract,
    Multiply,
    FloorDivide,
    CeilDivide,
    Minimum,
    Maximum,
    Less,
    LessEqual,
    Equal,
    /// 1 where both, or at least one, differ from 0.
    And,
    Or,
  };
  Kind kind = Kind::Constant;
  int64_t value = 0;
  int32_t tensor = 0;
  int32_t axis = 0;
};

/// A number computed at launch, in 64-bit integers.
using Expression = std::vector<Term>;

/// One dimension of a tensor map, innermost first.
struct TensorMapDim {
  /// The axis of the tensor whose stride this dimension steps along.
  int32_t axis = 0;
  /// The number of steps; -1 stands for the size of the axis. A tensor map
  /// cannot be empty, so a launcher encodes a size of zero as one.
  int64_t extent = -1;
  /// The step, in multiples of the stride of the axis.
  int64_t step = 1;
  /// The number of elements that one copy moves along this dimension.
  int64_t box = 1;
  /// The last step of this dimension is at the address of the tensor, rather
  /// than the first one. What a copy reads is in the tensor all the same.
  bool lastAtAddress = false;
};

/// Shared-memory layouts of a tensor map: the width in bytes of the swizzle.
enum class Swizzle { None = 0, B32 = 32, B64 = 64, B128 = 128 };

/// One parameter of the kernel, in the order of its signature.
struct KernelParameter {
  enum class Kind {
    /// A 128-byte tensor map, passed by value (`mapDims`, `swizzle`).
    TensorMap,
    /// The 64-bit address of the first element of the tensor, whose innermost
    /// stride is 1.
    Pointer,
    /// size(tensor, axis), as a 32-bit integer.
    Size,
    /// `expression`, as a 64-bit integer.
    Value,
    /// The 64-bit address of a 32-bit counter that no other launch uses at the
    /// same time: zero at the start, and the kernel leaves it so.
    Counter,
  };
  Kind kind = Kind::Size;
  int32_t tensor = 0;
  int32_t axis = 0;
  /// Of a pointer: what the address and the strides of the axes but the
  /// innermost one are multiples of, in bytes.
  uint32_t alignment = 1;
  std::vector<TensorMapDim> mapDims;
  Swizzle swizzle = Swizzle::None;
  Expression expression;
};

/// An axis of a tensor.
struct SizeRef {
  int32_t tensor, axis;
};

/// A size is at least the value of an expression.
struct LeastSize {
  SizeRef size;
  Expression least;
};

/// How to launch one kernel. Two tensors whose dynamic sizes must agree are
/// listed in `equalSizes`, sizes that must be large enough in `leastSizes`; a
/// launcher refuses arguments that break either.
struct LaunchPlan {
  std::string kernel;
  std::vector<TensorSpec> tensors;
  std::vector<KernelParameter> parameters;
  /// The number of program instances is the product of these. Nothing is
  /// launched when one is zero or less.
  std::vector<Expression> instances;
  /// A persistent kernel loops over its instances and is launched with at most
  /// one block per multiprocessor; any other with one block per instance.
  bool persistent = true;
  /// Whether the kernel waits for the launch before it, until when it touches
  /// nothing in global memory, its counter included.
  bool awaitsPrevious = false;
  /// The blocks that run together as a cluster. A launch has a multiple of it:
  /// the instances of a kernel that is not persistent must be one.
  uint32_t clusterBlocks = 1;
  uint32_t threadsPerBlock = 0;
  uint32_t sharedMemoryBytes = 0;

  using SizeRef = runtime::SizeRef;
  std::vector<std::pair<SizeRef, SizeRef>> equalSizes;
  std::vector<LeastSize> leastSizes;
};

/// Whether one of the parameters is a counter.
inline bool wantsCounter(const LaunchPlan &plan) {
  for (const KernelParameter &parameter : plan.parameters)
    if (parameter.kind == KernelParameter::Kind::Counter)
      return true;
  return false;
}

/// A kernel ready to be loaded. `cubin` is empty when no assembler was at hand;
/// the driver then compiles `ptx`.
struct CompiledKernel {
  LaunchPlan plan;
  std::string ptx;
  std::vector<uint8_t> cubin;
};

/// What a program is called with.
struct Signature {
  std::string name;
  std::vector<TensorSpec> tensors;
  std::vector<std::pair<LaunchPlan::SizeRef, LaunchPlan::SizeRef>> equalSizes;
};

/// A dense tensor that lives from one launch of a program's kernels to another.
struct Workspace {
  std::string name;
  ElementType elementType = ElementType::F32;
  std::vector<Expression> shape;
  /// What each of its bytes is set to in advance; -1 leaves them as they are.
  int32_t clear = -1;
};

/// One kernel of a program.
struct KernelLaunch {
  uint32_t kernel = 0;
  /// Where this is 0 the launch is left out. An empty guard always holds.
  Expression guard;
  /// Which tensors the kernel works on: those of the signature are numbered
  /// first, then the workspaces of the variant.
  std::vector<int32_t> tensors;
  /// The kernel, which waits for the launch before it, may start before that
  /// has ended (programmatic dependent launch).
  bool dependent = false;
};

/// One way to run a program: launches in order.
struct Variant {
  Expression guard;
  std::vector<Workspace> workspaces;
  std::vector<KernelLaunch> launches;
};

/// A program compiled for one target. The first variant whose guard holds runs;
/// the last one has none.
struct TargetProgram {
  std::string target;
  std::vector<CompiledKernel> kernels;
  std::vector<Variant> variants;
};

/// A program for several targets, and what has compiled and assembled it.
struct Bundle {
  std::string compiler;
  /// Empty where no kernel has been assembled.
  std::string assembler;
  Signature signature;
  std::vector<TargetProgram> targets;
};

} // namespace attn::runtime

#endif // ATTN_RUNTIME_LAUNCHPLAN_H
