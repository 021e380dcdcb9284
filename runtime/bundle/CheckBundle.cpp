//===- CheckBundle.cpp - Do the parts of a bundle fit together? -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Bundle.h"
#include "attn/Runtime/Expression.h"
#include "attn/Runtime/Float.h"

#include <algorithm>
#include <limits>
#include <set>

using namespace attn::runtime;

namespace {
constexpr size_t maxRank = 8;
constexpr size_t maxTensors = 64;
constexpr size_t maxMapRank = 5;
constexpr int64_t maxBox = 256;
constexpr uint32_t maxThreads = 1024;
constexpr uint32_t maxCluster = 16;

using SizeRefs =
    std::vector<std::pair<LaunchPlan::SizeRef, LaunchPlan::SizeRef>>;
} // namespace

template <typename... Parts> static Failure malformed(const Parts &...parts) {
  return failure("malformed bundle: ", parts...);
}

static bool exists(const std::vector<TensorSpec> &tensors, int32_t tensor,
                   int32_t axis) {
  return tensor >= 0 && axis >= 0 && size_t(tensor) < tensors.size() &&
         size_t(axis) < tensors[tensor].shape.size();
}

/// Whether `output` may have the memory of the input that it updates.
static bool canUpdate(const std::vector<TensorSpec> &tensors,
                      const TensorSpec &output) {
  if (!output.isOutput || output.updates < 0 ||
      size_t(output.updates) >= tensors.size())
    return false;
  const TensorSpec &input = tensors[output.updates];
  return !input.isOutput && input.elementType == output.elementType &&
         input.shape == output.shape;
}

/// Names are distinct, ranks small, and the outputs come last.
static Status checkSpecs(const std::string &owner,
                         const std::vector<TensorSpec> &tensors) {
  if (tensors.size() > maxTensors)
    return malformed("expected at most ", maxTensors, " tensors of '", owner,
                     "', got ", tensors.size());
  std::set<std::string> names;
  bool hadOutput = false;
  for (const TensorSpec &tensor : tensors) {
    if (tensor.name.empty() || !names.insert(tensor.name).second)
      return malformed("expected distinct names of the tensors of '", owner,
                       "', got '", tensor.name, "'");
    if (tensor.shape.size() > maxRank)
      return malformed("expected '", tensor.name, "' to have at most ", maxRank,
                       " axes, got ", tensor.shape.size());
    if (std::any_of(tensor.shape.begin(), tensor.shape.end(),
                    [](int64_t size) { return size < -1; }))
      return malformed("expected sizes of '", tensor.name,
                       "' that are -1 or more");
    if (hadOutput && !tensor.isOutput)
      return malformed("expected input '", tensor.name,
                       "' in front of the outputs");
    hadOutput |= tensor.isOutput;
  }
  for (const TensorSpec &tensor : tensors)
    if (tensor.updates != -1 && !canUpdate(tensors, tensor))
      return malformed("expected '", tensor.name,
                       "' to update an input of its type, got ",
                       tensor.updates);
  return {};
}

static Status checkEqualSizes(const std::string &owner,
                              const std::vector<TensorSpec> &tensors,
                              const SizeRefs &equalSizes) {
  for (const auto &[a, b] : equalSizes)
    for (LaunchPlan::SizeRef ref : {a, b})
      if (!exists(tensors, ref.tensor, ref.axis))
        return malformed("an equality of '", owner,
                         "' is of an axis that is not there");
  return {};
}

static Status checkTensorMap(const LaunchPlan &plan,
                             const KernelParameter &parameter) {
  const TensorSpec &tensor = plan.tensors[parameter.tensor];
  if (isInteger(tensor.elementType))
    return malformed("expected no tensor map of integers, got one of '",
                     tensor.name, "'");
  switch (parameter.swizzle) {
  case Swizzle::None:
  case Swizzle::B32:
  case Swizzle::B64:
  case Swizzle::B128:
    break;
  default:
    return malformed("expected a swizzle of 0, 32, 64 or 128 bytes for '",
                     tensor.name, "', got ",
                     static_cast<int>(parameter.swizzle));
  }
  if (parameter.mapDims.empty() || parameter.mapDims.size() > maxMapRank)
    return malformed("expected 1 to ", maxMapRank,
                     " dimensions of the tensor map of '", tensor.name,
                     "', got ", parameter.mapDims.size());
  for (const TensorMapDim &dim : parameter.mapDims)
    if (!exists(plan.tensors, parameter.tensor, dim.axis) || dim.extent < -1 ||
        dim.step < 1 || dim.step > std::numeric_limits<int32_t>::max() ||
        dim.box < 1 || dim.box > maxBox)
      return malformed("a dimension of the tensor map of '", tensor.name,
                       "' has an axis, an extent, a step or a box out of "
                       "range");
  return {};
}

static Status checkParameter(const LaunchPlan &plan,
                             const KernelParameter &parameter) {
  if (parameter.kind == KernelParameter::Kind::Value)
    return checkExpression(parameter.expression, plan.tensors);
  if (parameter.kind == KernelParameter::Kind::Counter)
    return {};
  if (parameter.tensor < 0 || size_t(parameter.tensor) >= plan.tensors.size())
    return malformed("a parameter of '", plan.kernel,
                     "' is of a tensor that is not there");
  if (parameter.kind == KernelParameter::Kind::TensorMap)
    return checkTensorMap(plan, parameter);
  if (parameter.kind == KernelParameter::Kind::Size &&
      !exists(plan.tensors, parameter.tensor, parameter.axis))
    return malformed("a parameter of '", plan.kernel,
                     "' is of an axis that is not there");
  return {};
}

static Status checkKernel(const CompiledKernel &kernel) {
  const LaunchPlan &plan = kernel.plan;
  if (plan.kernel.empty())
    return malformed("expected every kernel to have a name");
  if (kernel.ptx.empty() || kernel.ptx.find('\0') != std::string::npos)
    return malformed("expected the PTX of '", plan.kernel, "' to be text");
  if (Status status = checkSpecs(plan.kernel, plan.tensors); status.failed())
    return status;
  if (Status status =
          checkEqualSizes(plan.kernel, plan.tensors, plan.equalSizes);
      status.failed())
    return status;
  for (const LeastSize &least : plan.leastSizes) {
    if (!exists(plan.tensors, least.size.tensor, least.size.axis))
      return malformed("a least size of '", plan.kernel,
                       "' is of something that is not there");
    if (Status status = checkExpression(least.least, plan.tensors);
        status.failed())
      return status;
  }
  for (const KernelParameter &parameter : plan.parameters)
    if (Status status = checkParameter(plan, parameter); status.failed())
      return status;
  for (const Expression &extent : plan.instances)
    if (Status status = checkExpression(extent, plan.tensors); status.failed())
      return status;
  if (plan.clusterBlocks < 1 || plan.clusterBlocks > maxCluster)
    return malformed("expected clusters of 1 to ", maxCluster, " blocks of '",
                     plan.kernel, "', got ", plan.clusterBlocks);
  if (plan.threadsPerBlock < 1 || plan.threadsPerBlock > maxThreads)
    return malformed("expected 1 to ", maxThreads, " threads of '", plan.kernel,
                     "', got ", plan.threadsPerBlock);
  return {};
}

static Status checkGuard(const Expression &guard, const Signature &signature) {
  return guard.empty() ? Status() : checkExpression(guard, signature.tensors);
}

static Status checkLaunch(const KernelLaunch &launch,
                          const TargetProgram &program,
                          const std::vector<TensorSpec> &tensors) {
  if (launch.kernel >= program.kernels.size())
    return malformed("there is no kernel ", launch.kernel, " to launch");
  const LaunchPlan &plan = program.kernels[launch.kernel].plan;
  if (launch.dependent && !plan.awaitsPrevious)
    return malformed(
        "expected '", plan.kernel,
        "', which is launched as dependent, to wait for the launch "
        "before it");
  if (launch.tensors.size() != plan.tensors.size())
    return malformed("expected '", plan.kernel, "' to be launched on ",
                     plan.tensors.size(), " tensors, got ",
                     launch.tensors.size());
  for (size_t i = 0; i < plan.tensors.size(); ++i) {
    int32_t index = launch.tensors[i];
    if (index < 0 || size_t(index) >= tensors.size() ||
        tensors[index].elementType != plan.tensors[i].elementType ||
        tensors[index].shape.size() != plan.tensors[i].shape.size())
      return malformed("'", plan.kernel,
                       "' is launched on another tensor than "
                       "its '",
                       plan.tensors[i].name, "'");
  }
  return {};
}

static Status checkVariant(const Variant &variant, const Signature &signature,
                           const TargetProgram &program) {
  if (Status status = checkGuard(variant.guard, signature); status.failed())
    return status;
  if (variant.workspaces.size() > maxTensors)
    return malformed("expected at most ", maxTensors, " workspaces, got ",
                     variant.workspaces.size());
  std::vector<TensorSpec> tensors = signature.tensors;
  for (const Workspace &workspace : variant.workspaces) {
    if (workspace.shape.size() > maxRank || workspace.clear < -1 ||
        workspace.clear > 255)
      return malformed("workspace '", workspace.name,
                       "' has too many axes or is cleared to no byte");
    for (const Expression &size : workspace.shape)
      if (Status status = checkExpression(size, signature.tensors);
          status.failed())
        return status;
    tensors.push_back({workspace.name, workspace.elementType,
                       std::vector<int64_t>(workspace.shape.size(), -1), true});
  }
  for (const KernelLaunch &launch : variant.launches) {
    if (Status status = checkGuard(launch.guard, signature); status.failed())
      return status;
    if (Status status = checkLaunch(launch, program, tensors); status.failed())
      return status;
  }
  return {};
}

static Status checkTarget(const TargetProgram &program,
                          const Signature &signature) {
  for (const CompiledKernel &kernel : program.kernels)
    if (Status status = checkKernel(kernel); status.failed())
      return status;
  if (program.variants.empty() || !program.variants.back().guard.empty())
    return malformed("expected the last variant for '", program.target,
                     "' to have no guard");
  for (const Variant &variant : program.variants)
    if (Status status = checkVariant(variant, signature, program);
        status.failed())
      return status;
  return {};
}

Status attn::runtime::checkBundle(const Bundle &bundle) {
  const Signature &signature = bundle.signature;
  if (Status status = checkSpecs(signature.name, signature.tensors);
      status.failed())
    return status;
  if (Status status = checkEqualSizes(signature.name, signature.tensors,
                                      signature.equalSizes);
      status.failed())
    return status;
  std::set<std::string> names;
  for (const TargetProgram &target : bundle.targets) {
    if (target.target.empty() || !names.insert(target.target).second)
      return malformed("expected distinct names of targets, got '",
                       target.target, "' twice");
    if (Status status = checkTarget(target, signature); status.failed())
      return status;
  }
  if (names.empty())
    return malformed("expected at least one target");
  return {};
}
