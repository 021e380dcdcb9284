//===- MemoryUseTest.cpp - How much memory a launch takes -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/EmulatorDevice.h"
#include "attn/Runtime/HostTensor.h"

#include "gtest/gtest.h"

#include <fstream>
#include <string>
#include <sys/resource.h>

using namespace attn::runtime;

static constexpr int64_t blocks = 2048, threads = 256, wordsPerThread = 32;
static constexpr int64_t words = blocks * threads * wordsPerThread;

/// Each thread writes its number into 32 words, four at a time.
static const char *const ptx = R"(.version 8.6
.target sm_90a
.address_size 64
.visible .entry fill(.param .u64 .ptr .global .align 1 out)
{
.reg .pred %p<1>;
.reg .b32 %r<5>;
.reg .b64 %d<2>;
ld.param.b64 %d0, [out];
mov.u32 %r0, %tid.x;
mov.u32 %r1, %ctaid.x;
mov.u32 %r2, %ntid.x;
mad.lo.s32 %r3, %r1, %r2, %r0;
mul.wide.u32 %d1, %r3, 128;
add.s64 %d0, %d0, %d1;
mov.b32 %r4, 0;
LOOP:
st.global.v4.b32 [%d0], {%r3, %r3, %r3, %r3};
add.s64 %d0, %d0, 16;
add.s32 %r4, %r4, 1;
setp.lt.s32 %p0, %r4, 8;
@%p0 bra LOOP;
ret;
}
)";

/// What the process holds now, in bytes.
static int64_t residentBytes() {
  std::ifstream file("/proc/self/statm");
  int64_t pages = 0, resident = 0;
  file >> pages >> resident;
  return resident * 4096;
}

/// The most that it ever held.
static int64_t peakBytes() {
  rusage usage = {};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * int64_t(1024);
}

static CompiledKernel fillKernel() {
  CompiledKernel compiled;
  compiled.ptx = ptx;
  LaunchPlan &plan = compiled.plan;
  plan.kernel = "fill";
  plan.tensors = {{"out", ElementType::F32, {words}, true}};
  KernelParameter pointer;
  pointer.kind = KernelParameter::Kind::Pointer;
  plan.parameters = {pointer};
  plan.instances = {{{Term::Kind::Constant, blocks}}};
  plan.persistent = false;
  plan.threadsPerBlock = threads;
  return compiled;
}

/// However many blocks there are, and with all checks, a launch takes its
/// buffers and little else.
TEST(MemoryUse, IsThatOfTheBuffers) {
  int64_t before = residentBytes();
  ASSERT_GT(before, 0);
  EmulatorOptions options;
  options.checked = true;
  std::unique_ptr<Device> device = makeEmulatorDevice(options);
  Result<std::unique_ptr<Kernel>> kernel = device->load(fillKernel());
  ASSERT_FALSE(kernel.failed()) << kernel.message();
  constexpr int64_t bytes = words * 4;
  Result<Buffer> out = device->allocate(bytes);
  ASSERT_FALSE(out.failed());
  Status status = device->launch(
      **kernel, {{ElementType::F32, out->address(), {words}, {1}}});
  ASSERT_FALSE(status.failed()) << status.message();

  uint32_t last = 0;
  ASSERT_FALSE(
      device->copyFromDevice(&last, out->address() + bytes - 4, 4).failed());
  EXPECT_EQ(last, blocks * threads - 1);
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer keeps what has been freed, or gives it back, "
                  "when it likes";
#endif
  // The buffer itself has become resident, so that the bound can fail.
  EXPECT_GE(residentBytes() - before, bytes * 9 / 10);
  constexpr int64_t slack = 32 << 20;
  EXPECT_LE(peakBytes() - before, bytes + bytes / 4 + slack);
}
