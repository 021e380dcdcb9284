//===- ForeignTest.cpp - Kernels that nvcc made of CUDA C++ ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The PTX of test/Runtime/foreign/Inputs, or of the folder that
// ATTN_FOREIGN_PTX names, which a test of lit has just compiled.
//
//===----------------------------------------------------------------------===//

#include "Emulation.h"

#include "attn/Runtime/CudaDevice.h"
#include "attn/Runtime/EmulatorDevice.h"
#include "attn/Runtime/Float.h"
#include "attn/Runtime/HostTensor.h"

#include "gtest/gtest.h"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

using namespace attn::runtime;

static std::string readPtx(const std::string &name) {
  const char *folder = std::getenv("ATTN_FOREIGN_PTX");
  std::ifstream file(std::string(folder ? folder : ATTN_FOREIGN_INPUTS) + "/" +
                     name + ".ptx");
  EXPECT_TRUE(file.good()) << "cannot read the PTX of " << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

static Result<std::unique_ptr<Device>> openDevice(uint64_t seed) {
  if (runsOnGpu())
    return openCudaDevice();
  EmulatorOptions options;
  options.seed = seed;
  options.checked = true;
  return makeEmulatorDevice(options);
}

static KernelParameter parameter(KernelParameter::Kind kind, int32_t tensor,
                                 int32_t axis = 0) {
  KernelParameter result;
  result.kind = kind;
  result.tensor = tensor;
  result.axis = axis;
  return result;
}

/// Boxes of 64 x 64 of a matrix, with a swizzle of 128 bytes.
static KernelParameter tiles(int32_t tensor) {
  KernelParameter result = parameter(KernelParameter::Kind::TensorMap, tensor);
  result.mapDims = {{1, -1, 1, 64}, {0, -1, 1, 64}};
  result.swizzle = Swizzle::B128;
  return result;
}

static Expression blocksAlong(int32_t tensor, int32_t axis) {
  return {{Term::Kind::Size, 0, tensor, axis},
          {Term::Kind::Constant, 64},
          {Term::Kind::CeilDivide}};
}

/// A matrix of small values that repeat nowhere soon.
static HostTensor filled(std::vector<int64_t> shape, uint32_t salt) {
  HostTensor tensor(ElementType::BF16, std::move(shape));
  uint32_t state = salt;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    state = state * 1664525 + 1013904223;
    tensor.set(i, static_cast<double>(state >> 16 & 0xFF) / 64 - 2);
  }
  return tensor;
}

/// Runs the kernel of `ptx` on tensors, of which the last is the result.
static Status runKernel(const std::string &ptx, LaunchPlan plan,
                        std::vector<HostTensor> &tensors, uint64_t seed) {
  Result<std::unique_ptr<Device>> device = openDevice(seed);
  if (device.failed())
    return device.error();
  plan.persistent = false;
  std::vector<Buffer> buffers;
  std::vector<TensorArgument> arguments;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const HostTensor &tensor = tensors[i];
    bool isOutput = i + 1 == tensors.size();
    plan.tensors.push_back(
        {"t" + std::to_string(i), tensor.elementType, tensor.shape, isOutput});
    Result<Buffer> buffer = (*device)->allocate(tensor.data.size());
    if (buffer.failed())
      return buffer.error();
    if (Status status = (*device)->copyToDevice(
            buffer->address(), tensor.data.data(), tensor.data.size());
        status.failed())
      return status;
    arguments.push_back({tensor.elementType, buffer->address(), tensor.shape,
                         rowMajorStrides(tensor.shape)});
    buffers.push_back(std::move(*buffer));
  }
  CompiledKernel compiled;
  compiled.ptx = ptx;
  compiled.plan = std::move(plan);
  Result<std::unique_ptr<Kernel>> kernel = (*device)->load(compiled);
  if (kernel.failed())
    return kernel.error();
  if (Status status = (*device)->launch(**kernel, arguments); status.failed())
    return status;
  if (Status status = (*device)->synchronize(); status.failed())
    return status;
  HostTensor &out = tensors.back();
  return (*device)->copyFromDevice(out.data.data(), buffers.back().address(),
                                   out.data.size());
}

/// Whether `b` has a row for each column of the result, or a row for each k.
static void checkMatmul(const std::string &name, bool isTransposed) {
  constexpr int64_t m = 100, n = 128, k = 192;
  std::vector<HostTensor> tensors = {
      filled({m, k}, 1), isTransposed ? filled({n, k}, 2) : filled({k, n}, 2),
      HostTensor(ElementType::F32, {m, n})};
  using Kind = KernelParameter::Kind;
  LaunchPlan plan;
  plan.kernel = "matmul";
  plan.threadsPerBlock = 128;
  plan.instances = {blocksAlong(2, 0), blocksAlong(2, 1)};
  for (int32_t i = 0; i < 2; ++i)
    plan.parameters.push_back(isTransposed ? tiles(i)
                                           : parameter(Kind::Pointer, i));
  plan.parameters.push_back(parameter(Kind::Pointer, 2));
  plan.parameters.push_back(parameter(Kind::Size, 2, 0));
  plan.parameters.push_back(parameter(Kind::Size, 2, 1));
  plan.parameters.push_back(parameter(Kind::Size, 0, 1));
  for (uint64_t seed = 0; seed < 3; ++seed) {
    Status status = runKernel(readPtx(name), plan, tensors, seed);
    ASSERT_FALSE(status.failed()) << status.message();
    for (int64_t row = 0; row < m; ++row)
      for (int64_t column = 0; column < n; ++column) {
        double sum = 0;
        for (int64_t i = 0; i < k; ++i)
          sum += tensors[0].get(row * k + i) *
                 tensors[1].get(isTransposed ? column * k + i : i * n + column);
        ASSERT_NEAR(tensors[2].get(row * n + column), sum, 1e-3)
            << "row " << row << ", column " << column << ", seed " << seed;
      }
  }
}

TEST(Foreign, MatmulByMma) { checkMatmul("matmul_mma", false); }

TEST(Foreign, MatmulByWgmma) { checkMatmul("matmul_wgmma", true); }

/// Causal attention of a row, in fp64.
static std::vector<double> attend(const std::vector<HostTensor> &tensors,
                                  int64_t query) {
  std::vector<double> out(64), weights(query + 1);
  double largest = -HUGE_VAL, total = 0;
  for (int64_t key = 0; key <= query; ++key) {
    double score = 0;
    for (int64_t i = 0; i < 64; ++i)
      score += tensors[0].get(query * 64 + i) * tensors[1].get(key * 64 + i);
    weights[key] = score / 8;
    largest = std::max(largest, weights[key]);
  }
  for (double &weight : weights)
    total += weight = std::exp(weight - largest);
  for (int64_t key = 0; key <= query; ++key)
    for (int64_t i = 0; i < 64; ++i)
      out[i] += weights[key] / total * tensors[2].get(key * 64 + i);
  return out;
}

static constexpr int64_t length = 230;

static std::vector<HostTensor> attentionTensors() {
  return {filled({length, 64}, 1), filled({length, 64}, 2),
          filled({length, 64}, 3), HostTensor(ElementType::BF16, {length, 64})};
}

/// By mma.sync with the addresses of the tensors; by wgmma with tensor maps,
/// and with a warp more.
static LaunchPlan attentionPlan(bool isWgmma) {
  LaunchPlan plan;
  plan.kernel = "attention";
  plan.threadsPerBlock = isWgmma ? 160 : 128;
  plan.instances = {blocksAlong(0, 0)};
  for (int32_t i = 0; i < 3; ++i)
    plan.parameters.push_back(
        isWgmma ? tiles(i) : parameter(KernelParameter::Kind::Pointer, i));
  plan.parameters.push_back(parameter(KernelParameter::Kind::Pointer, 3));
  plan.parameters.push_back(parameter(KernelParameter::Kind::Size, 0, 0));
  return plan;
}

static void checkAttention(const std::string &name, bool isWgmma) {
  std::vector<HostTensor> tensors = attentionTensors();
  std::string ptx = readPtx(name);
  for (uint64_t seed = 0; seed < 3; ++seed) {
    Status status = runKernel(ptx, attentionPlan(isWgmma), tensors, seed);
    ASSERT_FALSE(status.failed()) << status.message();
    for (int64_t query = 0; query < length; ++query) {
      std::vector<double> expected = attend(tensors, query);
      for (int64_t i = 0; i < 64; ++i)
        ASSERT_NEAR(tensors[3].get(query * 64 + i), expected[i], 0.02)
            << "query " << query << ", column " << i << ", seed " << seed;
    }
  }
}

TEST(Foreign, AttentionByMma) { checkAttention("attention_mma", false); }

TEST(Foreign, AttentionByWgmma) { checkAttention("attention_wgmma", true); }

/// What the kernel is without each line that contains `part`.
static std::string withoutLines(const std::string &ptx,
                                const std::string &part) {
  std::istringstream lines(ptx);
  std::string result;
  for (std::string line; std::getline(lines, line);)
    if (line.find(part) == std::string::npos)
      result += line + "\n";
  return result;
}

/// Expects that under some seed a kernel that was broken has a hazard.
static void expectHazard(const std::string &ptx, bool isWgmma,
                         const std::string &hazard) {
  std::string messages;
  for (uint64_t seed = 0;
       seed < 8 && messages.find(hazard) == std::string::npos; ++seed) {
    std::vector<HostTensor> tensors = attentionTensors();
    Status status = runKernel(ptx, attentionPlan(isWgmma), tensors, seed);
    if (status.failed())
      messages += status.message() + "\n";
  }
  EXPECT_TRUE(contains(messages, hazard));
}

TEST(Foreign, HazardsOfAttentionByMma) {
  if (runsOnGpu())
    GTEST_SKIP();
  const std::string ptx = readPtx("attention_mma");
  const std::pair<const char *, const char *> removed[] = {
      {"cp.async.wait_group 1", "memory in flight: "},
      {"cp.async.wait_group 0", "memory in flight: "},
      {"bar.sync", "race: "},
      {"cp.async.commit_group", "memory in flight: "},
  };
  for (const auto &[part, hazard] : removed) {
    SCOPED_TRACE(part);
    expectHazard(withoutLines(ptx, part), false, hazard);
  }
}

TEST(Foreign, HazardsOfAttentionByWgmma) {
  if (runsOnGpu())
    GTEST_SKIP();
  const std::string ptx = readPtx("attention_wgmma");
  const std::pair<const char *, const char *> removed[] = {
      {"fence.mbarrier_init", "missing proxy fence: "},
      {"wgmma.fence", "missing wgmma fence: "},
      {"wgmma.wait_group", "register in flight: "},
      {"wgmma.commit_group", "register in flight: "},
      {"mbarrier.arrive.expect_tx", "deadlock: "},
      {"mbarrier.arrive.shared::cta.b64 _", "deadlock: "},
  };
  for (const auto &[part, hazard] : removed) {
    SCOPED_TRACE(part);
    expectHazard(withoutLines(ptx, part), true, hazard);
  }
  // The copies, which come first, do not wait for an empty stage.
  std::string broken = ptx;
  size_t wait = broken.find("mbarrier.try_wait");
  ASSERT_NE(wait, std::string::npos);
  broken.replace(wait, broken.find('\n', wait) - wait, "setp.eq.u32 p, 0, 0;");
  expectHazard(broken, true, "barrier misuse: arrives more often");
}
