//===- attn-run.cpp - Runs a program, checks and measures it --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Inputs.h"
#include "Interpret.h"
#include "Program.h"
#include "Report.h"
#include "Runner.h"

#include "attn/Pipelines/Registration.h"
#include "attn/Runtime/CudaDevice.h"
#include "attn/Runtime/EmulatorDevice.h"
#include "attn/Runtime/Npy.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

using namespace attn::run;
using namespace attn::runtime;
namespace cl = llvm::cl;

namespace {
enum class DeviceChoice { Auto, Cuda, Emulator, Tile, Reference };
} // namespace

static cl::OptionCategory category("attn-run options");
static cl::opt<std::string> inputName(cl::Positional, cl::desc("<program>"),
                                      cl::init("-"), cl::cat(category));
static cl::opt<DeviceChoice> deviceChoice(
    "device", cl::desc("What runs the program"), cl::init(DeviceChoice::Auto),
    cl::values(clEnumValN(DeviceChoice::Auto, "auto",
                          "a GPU where there is one, else the reference"),
               clEnumValN(DeviceChoice::Cuda, "cuda", "a Hopper GPU"),
               clEnumValN(DeviceChoice::Emulator, "emulator",
                          "the emulator of PTX on the CPU"),
               clEnumValN(DeviceChoice::Tile, "tile",
                          "the interpreter of the tile level on the CPU"),
               clEnumValN(DeviceChoice::Reference, "reference",
                          "the reference interpreter on the CPU")),
    cl::cat(category));
static cl::list<std::string>
    shapeFlags("shape", cl::desc("The shape of an input, e.g. q=1x4096x64x128"),
               cl::value_desc("name=shape"), cl::cat(category));
static cl::list<std::string>
    inputFlags("input", cl::desc("Read an input instead of random numbers"),
               cl::value_desc("name=file.npy"), cl::cat(category));
static cl::list<std::string> outputFlags("output", cl::desc("Write a result"),
                                         cl::value_desc("name=file.npy"),
                                         cl::cat(category));
static cl::opt<uint64_t>
    seed("seed",
         cl::desc("Seed of the random numbers and of the emulator's order"),
         cl::init(0), cl::cat(category));
static cl::opt<bool> hazards("hazards",
                             cl::desc("Look for hazards in the emulator"),
                             cl::cat(category));
static cl::opt<bool> checkFlag("check", cl::desc("Compare with the reference"),
                               cl::cat(category));
static cl::opt<bool> benchFlag("bench", cl::desc("Measure the speed"),
                               cl::cat(category));
static cl::opt<bool> jsonFlag("json", cl::desc("Print JSON"),
                              cl::cat(category));
static cl::opt<std::string>
    ptxas("ptxas", cl::desc("Path of ptxas; looked for on PATH by default"),
          cl::cat(category));

/// The runner that --device names. What `auto` did not find is said.
static Result<std::unique_ptr<Runner>> makeRunner(const Program &program) {
  if (deviceChoice == DeviceChoice::Reference)
    return makeReferenceRunner(program);
  if (deviceChoice == DeviceChoice::Tile)
    return makeTileRunner(program);
  if (deviceChoice == DeviceChoice::Emulator)
    return makeCompiledRunner(program, makeEmulatorDevice({seed, hazards}),
                              ptxas);
  Result<std::unique_ptr<Device>> device = openCudaDevice();
  if (!device.failed())
    return makeCompiledRunner(program, std::move(*device), ptxas);
  if (deviceChoice == DeviceChoice::Cuda)
    return device.error();
  llvm::errs() << "attn-run: no GPU is used: " << device.message() << '\n';
  return makeReferenceRunner(program);
}

/// Only results that come from one attention can be checked or counted.
static Status checkResults(const Program &program,
                           const std::vector<HostTensor> &inputs,
                           Report &report) {
  Result<AttentionProgram> attention = program.findAttention();
  if (attention.failed())
    return failure("cannot check: ", attention.message());
  Sample sample = selectRows(attention->geometry(inputs), seed);
  Result<CheckReport> check =
      verify(program, *attention, inputs, report.outputs, sample);
  if (check.failed())
    return check.error();
  report.check = *check;
  report.checkComplete = sample.complete;
  return {};
}

static Status measureRunner(const Program &program,
                            const std::vector<HostTensor> &inputs,
                            Runner &runner, Report &report) {
  std::optional<DeviceWork> lastRun = runner.lastRun();
  if (!lastRun) {
    llvm::errs() << "attn-run: nothing is measured without a GPU\n";
    return {};
  }
  Result<AttentionProgram> attention = program.findAttention();
  std::optional<double> operations;
  if (!attention.failed())
    operations = attention->operations(attention->geometry(inputs));
  Result<BenchReport> measured = bench(*lastRun, operations);
  if (measured.failed())
    return measured.error();
  report.bench = std::move(*measured);
  return {};
}

static Status writeOutputs(const Program &program, const Assignments &files,
                           const std::vector<HostTensor> &outputs) {
  for (const Assignment &file : files)
    for (size_t i = 0; i < outputs.size(); ++i)
      if (program.outputs()[i].name == file.name)
        if (Status status = writeNpy(file.value, outputs[i]); status.failed())
          return status;
  return {};
}

static Status runProgram(mlir::MLIRContext &context) {
  auto program = Program::parse(context, inputName);
  if (program.failed())
    return program.error();
  const std::vector<TensorSpec> &specs = (*program)->inputs();
  Result<Assignments> shapes = parseAssignments("shape", shapeFlags, specs);
  if (shapes.failed())
    return shapes.error();
  Result<Assignments> inputFiles = parseAssignments("input", inputFlags, specs);
  if (inputFiles.failed())
    return inputFiles.error();
  Result<Assignments> outputFiles =
      parseAssignments("output", outputFlags, (*program)->outputs());
  if (outputFiles.failed())
    return outputFiles.error();

  Result<std::unique_ptr<Runner>> runner = makeRunner(**program);
  if (runner.failed())
    return runner.error();
  auto inputs =
      makeInputs(specs, (*program)->fills(), *shapes, *inputFiles, seed);
  if (inputs.failed())
    return inputs.error();
  Result<std::vector<HostTensor>> outputs = (*runner)->run(*inputs);
  if (outputs.failed())
    return outputs.error();

  Report report;
  report.device = (*runner)->description();
  report.outputs = std::move(*outputs);
  if (Status status = writeOutputs(**program, *outputFiles, report.outputs);
      status.failed())
    return status;
  if (checkFlag)
    if (Status status = checkResults(**program, *inputs, report);
        status.failed())
      return status;
  if (benchFlag)
    if (Status status = measureRunner(**program, *inputs, **runner, report);
        status.failed())
      return status;

  (jsonFlag ? printJson : printText)(llvm::outs(), **program, report);
  llvm::outs().flush();
  if (report.check && !report.check->passed())
    return failure("the check failed\n", report.check->failures());
  return {};
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv, "Runs an attention program, checks and measures it\n");
  mlir::DialectRegistry registry;
  mlir::attn::registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  if (Status status = runProgram(context); status.failed()) {
    llvm::errs() << "attn-run: " << status.message() << '\n';
    return 1;
  }
  return 0;
}
