//===- CompileTest.cpp - Kernels and their launch plans -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Pipelines/Compile.h"
#include "attn/Export/BundleWriter.h"
#include "attn/Pipelines/Registration.h"
#include "attn/Runtime/Bundle.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Parser/Parser.h"

#include "gtest/gtest.h"

using namespace mlir;
using namespace mlir::attn;
using namespace ::attn::runtime;

namespace {

/// An attention with 4 heads on 2, named `name`.
std::string program(const std::string &name) {
  return "func.func @" + name + R"((
      %q: tensor<?x?x4x128xbf16> {attn.name = "q"},
      %k: tensor<?x?x2x128xbf16> {attn.name = "k"},
      %v: tensor<?x?x2x128xbf16> {attn.name = "v"})
      -> (tensor<?x?x4x128xbf16> {attn.name = "o"},
          tensor<?x4x?xf32> {attn.name = "lse"}) {
    %kv = attn.kv.dense %k, %v
        : tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>
    %o, %lse = attn.attention %q, %kv mask(causal)
        : tensor<?x?x4x128xbf16>,
          !attn.kv<tensor<?x?x2x128xbf16>, tensor<?x?x2x128xbf16>>
        -> tensor<?x?x4x128xbf16>, tensor<?x4x?xf32>
    return %o, %lse : tensor<?x?x4x128xbf16>, tensor<?x4x?xf32>
  })";
}

class CompileTest : public testing::Test {
protected:
  CompileTest()
      : context(registry()), handler(&context, [this](Diagnostic &diagnostic) {
          messages += diagnostic.str() + "\n";
        }) {}

  FailureOr<CompiledKernel> compile(const std::string &source,
                                    const CompileOptions &options = {}) {
    auto module = parseSourceString<ModuleOp>(source, &context);
    EXPECT_TRUE(module);
    FailureOr<CompiledProgram> compiled = compileProgram(*module, options);
    if (failed(compiled))
      return failure();
    return compiled->program.kernels.back();
  }

  static DialectRegistry registry() {
    DialectRegistry result;
    registerDialects(result);
    return result;
  }

  MLIRContext context;
  std::string messages;
  ScopedDiagnosticHandler handler;
};

void expectDim(const TensorMapDim &dim, int32_t axis, int64_t extent,
               int64_t step, int64_t box) {
  EXPECT_EQ(dim.axis, axis);
  EXPECT_EQ(dim.extent, extent);
  EXPECT_EQ(dim.step, step);
  EXPECT_EQ(dim.box, box);
}

void expectCount(const Expression &count, const Expression &expected) {
  ASSERT_EQ(count.size(), expected.size());
  for (size_t i = 0; i < count.size(); ++i) {
    EXPECT_EQ(count[i].kind, expected[i].kind);
    EXPECT_EQ(count[i].value, expected[i].value);
    EXPECT_EQ(count[i].tensor, expected[i].tensor);
    EXPECT_EQ(count[i].axis, expected[i].axis);
  }
}

/// A program over packed sequences.
const char *const packed = R"mlir(
func.func @packed(%q: tensor<?x4x128xbf16>, %k: tensor<?x2x128xbf16>,
                  %v: tensor<?x2x128xbf16>, %cu_q: tensor<?xi32>,
                  %cu_k: tensor<?xi32>) -> tensor<?x4x128xbf16> {
  %kv = attn.kv.varlen %k, %v, %cu_k
      : tensor<?x2x128xbf16>, tensor<?x2x128xbf16>, tensor<?xi32>
  %o = attn.attention %q, %kv cu_seqlens(%cu_q : tensor<?xi32>)
      : tensor<?x4x128xbf16>,
        !attn.kv<tensor<?x2x128xbf16>, tensor<?x2x128xbf16>>
      -> tensor<?x4x128xbf16>
  return %o : tensor<?x4x128xbf16>
})mlir";

} // namespace

/// Sizes alone say how many slots there are, and copies end where a sequence
/// does.
TEST_F(CompileTest, PlanOfPackedSequences) {
  FailureOr<CompiledKernel> kernel = compile(packed);
  ASSERT_TRUE(succeeded(kernel)) << messages;
  const LaunchPlan &plan = kernel->plan;
  ASSERT_EQ(plan.instances.size(), 2u);
  expectCount(plan.instances[0], {{Term::Kind::Constant, 4}});
  expectCount(plan.instances[1], {{Term::Kind::Size, 0, 3, 0},
                                  {Term::Kind::Size, 0, 0, 0},
                                  {Term::Kind::Constant, 128},
                                  {Term::Kind::FloorDivide},
                                  {Term::Kind::Add},
                                  {Term::Kind::Constant, -1},
                                  {Term::Kind::Add}});
  for (int i : {0, 1, 2, 3}) {
    const std::vector<TensorMapDim> &dims = plan.parameters[i].mapDims;
    ASSERT_EQ(dims.size(), 4u);
    expectDim(dims[0], 2, -1, 1, 64);
    expectDim(dims[1], 0, -1, 1, i < 3 ? 128 : 64);
    expectDim(dims[2], 1, -1, 1, 1);
    expectDim(dims[3], 0, -1, 1, 1);
    EXPECT_FALSE(dims[1].lastAtAddress);
    EXPECT_TRUE(dims[3].lastAtAddress);
  }
  // As many cu_seqlens of queries as of keys.
  EXPECT_TRUE(std::any_of(
      plan.equalSizes.begin(), plan.equalSizes.end(), [](const auto &pair) {
        return pair.first.tensor == 3 && pair.second.tensor == 4;
      }));
}

TEST_F(CompileTest, PlanListsTheTensors) {
  FailureOr<CompiledKernel> kernel = compile(program("f"));
  ASSERT_TRUE(succeeded(kernel)) << messages;
  const LaunchPlan &plan = kernel->plan;
  EXPECT_EQ(plan.kernel, "f");
  ASSERT_EQ(plan.tensors.size(), 5u);
  EXPECT_EQ(plan.tensors[0].name, "q");
  EXPECT_EQ(plan.tensors[0].elementType, ElementType::BF16);
  EXPECT_EQ(plan.tensors[0].shape, (std::vector<int64_t>{-1, -1, 4, 128}));
  EXPECT_FALSE(plan.tensors[2].isOutput);
  EXPECT_TRUE(plan.tensors[3].isOutput);
  EXPECT_EQ(plan.tensors[4].name, "lse");
  EXPECT_EQ(plan.tensors[4].elementType, ElementType::F32);
}

/// A panel of columns, the rows, and the other axes from the inside out: the
/// order of the coordinates in the kernel.
TEST_F(CompileTest, PlanDescribesTheTensorMaps) {
  FailureOr<CompiledKernel> kernel = compile(program("f"));
  ASSERT_TRUE(succeeded(kernel)) << messages;
  const KernelParameter &keys = kernel->plan.parameters[1];
  EXPECT_EQ(keys.kind, KernelParameter::Kind::TensorMap);
  EXPECT_EQ(keys.tensor, 1);
  EXPECT_EQ(keys.swizzle, Swizzle::B128);
  ASSERT_EQ(keys.mapDims.size(), 4u);
  expectDim(keys.mapDims[0], 3, -1, 1, 64);
  expectDim(keys.mapDims[1], 1, -1, 1, 128);
  expectDim(keys.mapDims[2], 2, -1, 1, 1);
  expectDim(keys.mapDims[3], 0, -1, 1, 1);
  // Each warpgroup stores its 64 rows.
  expectDim(kernel->plan.parameters[3].mapDims[1], 1, -1, 1, 64);
}

/// Threads store what large heads put out, 16 bytes at a time.
TEST_F(CompileTest, PlanAlignsWhatThreadsStore) {
  std::string source = program("f");
  for (size_t at = 0; (at = source.find("x128", at)) != std::string::npos;)
    source.replace(at, 4, "x256");
  FailureOr<CompiledKernel> kernel = compile(source);
  ASSERT_TRUE(succeeded(kernel)) << messages;
  const std::vector<KernelParameter> &parameters = kernel->plan.parameters;
  EXPECT_EQ(parameters[3].kind, KernelParameter::Kind::Pointer);
  EXPECT_EQ(parameters[3].tensor, 3);
  EXPECT_EQ(parameters[3].alignment, 16);
  // The strides of batch, position and head.
  for (unsigned i : {4, 5, 6})
    EXPECT_EQ(parameters[i].kind, KernelParameter::Kind::Value);
  // The LSE has elements of four bytes.
  EXPECT_EQ(parameters[7].kind, KernelParameter::Kind::Pointer);
  EXPECT_EQ(parameters[7].alignment, 1);
}

TEST_F(CompileTest, PlanListsPointersAndSizes) {
  FailureOr<CompiledKernel> kernel = compile(program("f"));
  ASSERT_TRUE(succeeded(kernel)) << messages;
  const LaunchPlan &plan = kernel->plan;
  ASSERT_EQ(plan.parameters.size(), 11u);
  EXPECT_EQ(plan.parameters[4].kind, KernelParameter::Kind::Pointer);
  EXPECT_EQ(plan.parameters[4].tensor, 4);
  // The strides of batch and head of the LSE.
  for (unsigned i : {5, 6})
    EXPECT_EQ(plan.parameters[i].kind, KernelParameter::Kind::Value);
  // The batch, the queries and the keys: what has one symbol is passed once.
  for (unsigned i : {7, 8, 9})
    EXPECT_EQ(plan.parameters[i].kind, KernelParameter::Kind::Size);
  EXPECT_EQ(plan.parameters[9].tensor, 1);
  EXPECT_EQ(plan.parameters[9].axis, 1);
  // A causal program fetches its instances.
  EXPECT_EQ(plan.parameters[10].kind, KernelParameter::Kind::Counter);
  // Batch of q, k, v, o, lse; lengths of q, o, lse; lengths of k, v.
  EXPECT_EQ(plan.equalSizes.size(), 4u + 2u + 1u);
}

TEST_F(CompileTest, PlanCountsInstancesAndResources) {
  FailureOr<CompiledKernel> kernel = compile(program("f"));
  ASSERT_TRUE(succeeded(kernel)) << messages;
  const LaunchPlan &plan = kernel->plan;
  // Batch, heads, tiles of 128 queries.
  ASSERT_EQ(plan.instances.size(), 3u);
  expectCount(plan.instances[0], {{Term::Kind::Size, 0, 0, 0}});
  expectCount(plan.instances[1], {{Term::Kind::Constant, 4}});
  expectCount(plan.instances[2], {{Term::Kind::Size, 0, 0, 1},
                                  {Term::Kind::Constant, 128},
                                  {Term::Kind::CeilDivide}});
  EXPECT_EQ(plan.threadsPerBlock, 384u);
  EXPECT_GT(plan.sharedMemoryBytes, 128u * 1024u);
  EXPECT_LE(plan.sharedMemoryBytes, 227u * 1024u);
  EXPECT_NE(kernel->ptx.find(".visible .entry f("), std::string::npos);
}

/// Small heads have a kernel for many keys, and one without a guard behind it.
TEST_F(CompileTest, BundleHasAKernelForEachSchedule) {
  std::string source = program("f");
  for (size_t at = 0; (at = source.find("x128x", at)) != std::string::npos;)
    source.replace(at, 5, "x64x");
  auto module = parseSourceString<ModuleOp>(source, &context);
  CompileOptions options;
  options.assemble = false;
  FailureOr<Bundle> bundle = compileBundle(*module, options);
  ASSERT_TRUE(succeeded(bundle)) << messages;
  const TargetProgram &target = bundle->targets.front();
  ASSERT_EQ(target.kernels.size(), 2u);
  EXPECT_EQ(target.kernels[0].plan.threadsPerBlock, 512);
  EXPECT_EQ(target.kernels[1].plan.threadsPerBlock, 384);
  ASSERT_EQ(target.variants.size(), 2u);
  expectCount(target.variants[0].guard, {{Term::Kind::Constant, 2048},
                                         {Term::Kind::Size, 0, 1, 1},
                                         {Term::Kind::LessEqual}});
  EXPECT_EQ(target.variants[0].launches[0].kernel, 0u);
  EXPECT_TRUE(target.variants[0].launches[0].dependent);
  EXPECT_TRUE(target.variants[1].guard.empty());
  EXPECT_EQ(target.variants[1].launches[0].kernel, 1u);
}

/// A bias is copied where that is possible, and read element by element where
/// it is not.
TEST_F(CompileTest, BundleGuardsWhatItCopies) {
  auto module = parseSourceString<ModuleOp>(R"mlir(
func.func @f(%q: tensor<?x?x4x64xbf16>, %bias: tensor<4x?x?xbf16>)
    -> tensor<?x?x4x64xbf16> {
  %kv = attn.kv.dense %q, %q : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>
  %o = attn.attention %q, %kv score {
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %narrow = attn.read %bias[%h, %p, %j] : tensor<4x?x?xbf16>
    %wide = arith.extf %narrow : bf16 to f32
    %y = arith.addf %x, %wide : f32
    attn.yield %y : f32
  } : tensor<?x?x4x64xbf16>,
      !attn.kv<tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>>
    -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
})mlir",
                                            &context);
  ASSERT_TRUE(module);
  CompileOptions options;
  options.assemble = false;
  FailureOr<Bundle> bundle = compileBundle(*module, options);
  ASSERT_TRUE(succeeded(bundle)) << messages;
  const TargetProgram &target = bundle->targets.front();
  ASSERT_EQ(target.variants.size(), 2u);
  expectCount(target.variants[0].guard, {{Term::Kind::Aligned, 16, 1, 0}});
  EXPECT_TRUE(target.variants[1].guard.empty());
  auto countMaps = [](const CompiledKernel &kernel) {
    return llvm::count_if(kernel.plan.parameters, [](const auto &parameter) {
      return parameter.kind == KernelParameter::Kind::TensorMap &&
             parameter.tensor == 1;
    });
  };
  EXPECT_EQ(countMaps(target.kernels[0]), 1);
  EXPECT_EQ(countMaps(target.kernels[1]), 0);
  auto read = ::attn::runtime::readBundle(writeBundle(*bundle));
  ASSERT_FALSE(read.failed()) << read.message();
  EXPECT_EQ(read->targets.front().variants[0].guard.front().value, 16);
}

TEST_F(CompileTest, WorkspacesLieBetweenLaunches) {
  auto module = parseSourceString<ModuleOp>(R"mlir(
func.func @f(%q: tensor<?x?x4x64xbf16>, %k: tensor<?x?x4x64xbf16>,
             %ids: tensor<?x?xi32> {attn.name = "ids"}) -> tensor<?x?x4x64xbf16> {
  %kv = attn.kv.dense %k, %k : tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>
  %o = attn.attention %q, %kv mask(document(%ids : tensor<?x?xi32>))
      : tensor<?x?x4x64xbf16>,
        !attn.kv<tensor<?x?x4x64xbf16>, tensor<?x?x4x64xbf16>>
      -> tensor<?x?x4x64xbf16>
  return %o : tensor<?x?x4x64xbf16>
})mlir",
                                            &context);
  ASSERT_TRUE(module);
  FailureOr<CompiledProgram> compiled = compileProgram(*module, {});
  ASSERT_TRUE(succeeded(compiled)) << messages;
  // The program does not know of what lies between its kernels.
  ASSERT_EQ(compiled->signature.tensors.size(), 4u);
  EXPECT_EQ(compiled->signature.tensors[2].name, "ids");
  EXPECT_TRUE(compiled->signature.tensors[3].isOutput);
  ASSERT_EQ(compiled->program.kernels.size(), 2u);
  EXPECT_EQ(compiled->program.kernels[0].plan.kernel, "f_limits");
  EXPECT_FALSE(compiled->program.kernels[0].plan.persistent);
  const Variant &variant = compiled->program.variants.front();
  ASSERT_EQ(variant.workspaces.size(), 1u);
  const Workspace &workspace = variant.workspaces.front();
  EXPECT_EQ(workspace.elementType, ElementType::I32);
  // Four numbers for each tile of each batch.
  ASSERT_EQ(workspace.shape.size(), 3u);
  expectCount(workspace.shape[0], {{Term::Kind::Size, 0, 0, 0},
                                   {Term::Kind::Constant, 0},
                                   {Term::Kind::Maximum}});
  expectCount(workspace.shape[1], {{Term::Kind::Size, 0, 0, 1},
                                   {Term::Kind::Constant, 128},
                                   {Term::Kind::CeilDivide},
                                   {Term::Kind::Constant, 0},
                                   {Term::Kind::Maximum}});
  expectCount(workspace.shape[2], {{Term::Kind::Constant, 4}});
  ASSERT_EQ(variant.launches.size(), 2u);
  EXPECT_EQ(variant.launches[0].tensors, (std::vector<int32_t>{0, 1, 2, 4}));
  EXPECT_EQ(variant.launches[1].kernel, 1u);
  EXPECT_EQ(variant.launches[1].tensors, (std::vector<int32_t>{0, 1, 2, 4, 3}));
}

TEST_F(CompileTest, RefusesMoreThanOneFunction) {
  EXPECT_TRUE(failed(compile(program("f") + program("g"))));
  EXPECT_EQ(messages, "expected exactly one function to compile, got 2\n");
}

TEST_F(CompileTest, RefusesNoFunction) {
  EXPECT_TRUE(failed(compile("")));
  EXPECT_EQ(messages, "expected exactly one function to compile, got 0\n");
}

/// An assembler that the user names has to be there; others may be absent.
TEST_F(CompileTest, RefusesAnAssemblerThatIsAbsent) {
  CompileOptions options;
  options.ptxas = "/nonexistent/ptxas";
  EXPECT_TRUE(failed(compile(program("f"), options)));
  EXPECT_NE(messages.find("got no program '/nonexistent/ptxas'"),
            std::string::npos)
      << messages;
}

TEST_F(CompileTest, RefusesAnUnknownTarget) {
  CompileOptions options;
  options.target = "sm_80";
  EXPECT_TRUE(failed(compile(program("f"), options)));
  EXPECT_EQ(messages, "expected a target of sm_90a, got 'sm_80'\n");
}
