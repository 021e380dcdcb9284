//===- attn-run.cpp - Runs a program, checks and measures it --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Bench.h"
#include "Expected.h"
#include "Inputs.h"
#include "Interpret.h"
#include "Program.h"
#include "Report.h"
#include "Runner.h"

#include "common/BugReport.h"

#include "attn/Pipelines/Registration.h"
#include "attn/Runtime/CudaDevice.h"
#include "attn/Runtime/EmulatorDevice.h"
#include "attn/Runtime/Npy.h"

#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/PrettyStackTrace.h"

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <new>
#include <tuple>

using namespace attn::run;
using namespace attn::tools;
using namespace attn::runtime;
namespace cl = llvm::cl;

namespace {
enum class DeviceChoice { Auto, Cuda, Emulator, Tile, Reference };
} // namespace

static cl::OptionCategory category("attn-run options");
static cl::opt<std::string> inputName(cl::Positional,
                                      cl::desc("<program or bundle>"),
                                      cl::init("-"), cl::cat(category));
static cl::opt<DeviceChoice> deviceChoice(
    "device", cl::desc("What runs the program"), cl::init(DeviceChoice::Auto),
    cl::values(clEnumValN(DeviceChoice::Auto, "auto",
                          "a GPU where there is one, else the emulator"),
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
static cl::list<std::string>
    valueFlags("values",
               cl::desc("The elements of an input, e.g. \"lengths=0,5,300\""),
               cl::value_desc("name=list"), cl::cat(category));
static cl::list<std::string> outputFlags("output", cl::desc("Write a result"),
                                         cl::value_desc("name=file.npy"),
                                         cl::cat(category));
static cl::list<std::string>
    expectFlags("expect", cl::desc("Compare a result with that of a file"),
                cl::value_desc("name=file.npy"), cl::cat(category));
static cl::opt<uint64_t>
    seed("seed",
         cl::desc("Seed of the random numbers and of the emulator's order"),
         cl::init(0), cl::cat(category));
static cl::opt<bool> hazards("hazards",
                             cl::desc("Look for hazards in the emulator"),
                             cl::cat(category));
static cl::opt<uint32_t> multiprocessors(
    "multiprocessors", cl::desc("How many the emulator says that it has"),
    cl::init(EmulatorOptions().multiprocessors), cl::cat(category));
static cl::opt<bool>
    checkFlag("check",
              cl::desc("Compare with the reference, or the reference\n"
                       "itself with its oracle"),
              cl::cat(category));
static cl::opt<bool> benchFlag("bench", cl::desc("Measure the speed"),
                               cl::cat(category));
static cl::opt<bool> jsonFlag("json", cl::desc("Print JSON"),
                              cl::cat(category));
static cl::opt<std::string>
    ptxas("ptxas", cl::desc("Path of ptxas; looked for on PATH by default"),
          cl::cat(category));

static cl::opt<std::string>
    cache("cache", cl::desc("A folder in which compiled programs are kept"),
          cl::cat(category));

static cl::opt<std::string>
    scheduleTable("schedule-table",
                  cl::desc("A table of measured schedules to select from"),
                  cl::value_desc("file"), cl::cat(category));

static cl::opt<std::string> reproducer(
    "reproducer",
    cl::desc("Where to leave what is needed to see a failing pass fail again"),
    cl::value_desc("file.mlir"), cl::cat(category));

static std::unique_ptr<Device> makeEmulator() {
  EmulatorOptions options;
  options.seed = seed;
  options.checked = hazards;
  options.multiprocessors = multiprocessors;
  return makeEmulatorDevice(options);
}

/// The runner that --device names. What `auto` did not find is said.
static Result<std::unique_ptr<Runner>> makeRunner(const Program &program) {
  mlir::attn::CompileOptions options;
  options.ptxas = ptxas;
  options.cacheFolder = cache;
  options.scheduleTable = scheduleTable;
  options.reproducer = reproducer;
  if (deviceChoice == DeviceChoice::Reference)
    return makeReferenceRunner(program);
  if (deviceChoice == DeviceChoice::Tile)
    return makeTileRunner(program);
  if (deviceChoice == DeviceChoice::Emulator)
    return makeCompiledRunner(program, makeEmulator(), options);
  Result<std::unique_ptr<Device>> device = openCudaDevice();
  if (!device.failed())
    return makeCompiledRunner(program, std::move(*device), options);
  if (deviceChoice == DeviceChoice::Cuda)
    return device.error();
  llvm::errs() << "attn-run: the emulator stands in for a GPU"
               << (benchFlag ? " and nothing is measured: " : ": ")
               << device.message() << '\n';
  benchFlag = false;
  return makeCompiledRunner(program, makeEmulator(), options);
}

/// Only results that come from one attention can be checked row by row or
/// counted; those of one recurrence are compared head by head.
static Status checkResults(const Program &program,
                           const std::vector<HostTensor> &inputs,
                           Report &report) {
  if (mlir::attn::RecurrenceOp op = program.findRecurrence()) {
    auto compared = verifyRecurrence(program, op, inputs, report.outputs);
    if (compared.failed())
      return compared.error();
    report.expected.insert(report.expected.end(), compared->begin(),
                           compared->end());
    return {};
  }
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

static Status measureRunner(Runner &runner, std::optional<double> operations,
                            Report &report) {
  std::optional<DeviceWork> lastRun = runner.lastRun();
  if (!lastRun) {
    llvm::errs() << "attn-run: nothing is measured without a GPU\n";
    return {};
  }
  Result<BenchReport> measured = bench(*lastRun, operations);
  if (measured.failed())
    return measured.error();
  report.bench = std::move(*measured);
  return {};
}

static Status writeOutputs(const std::vector<TensorSpec> &specs,
                           const Assignments &files,
                           const std::vector<HostTensor> &outputs) {
  for (const Assignment &file : files)
    for (size_t i = 0; i < outputs.size(); ++i)
      if (specs[i].name == file.name)
        if (Status status = writeNpy(file.value, outputs[i]); status.failed())
          return status;
  return {};
}

namespace {
/// What the flags say of tensors.
struct TensorFlags {
  InputFlags inputs;
  Assignments outputs, expected;
};
} // namespace

static Result<TensorFlags> parseFlags(const std::vector<TensorSpec> &inputs,
                                      const std::vector<TensorSpec> &outputs) {
  TensorFlags flags;
  std::tuple<const char *, cl::list<std::string> &,
             const std::vector<TensorSpec> &, Assignments &>
      kinds[] = {{"shape", shapeFlags, inputs, flags.inputs.shapes},
                 {"input", inputFlags, inputs, flags.inputs.files},
                 {"values", valueFlags, inputs, flags.inputs.values},
                 {"output", outputFlags, outputs, flags.outputs},
                 {"expect", expectFlags, outputs, flags.expected}};
  for (auto &[name, values, specs, assignments] : kinds) {
    Result<Assignments> parsed = parseAssignments(name, values, specs);
    if (parsed.failed())
      return parsed.error();
    assignments = std::move(*parsed);
  }
  return flags;
}

/// Writes the results that are asked for and compares those that are known.
static Status useOutputs(const std::vector<TensorSpec> &outputs,
                         const TensorFlags &flags, Report &report) {
  if (Status status = writeOutputs(outputs, flags.outputs, report.outputs);
      status.failed())
    return status;
  auto expected = compareExpected(outputs, flags.expected, report.outputs);
  if (expected.failed())
    return expected.error();
  report.expected = std::move(*expected);
  return {};
}

static Status run(Runner &runner, const std::vector<HostTensor> &inputs,
                  const std::vector<TensorSpec> &outputs,
                  const TensorFlags &flags, Report &report) {
  Result<std::vector<HostTensor>> results = runner.run(inputs);
  if (results.failed())
    return results.error();
  report.device = runner.description();
  report.outputs = std::move(*results);
  return useOutputs(outputs, flags, report);
}

/// Compares the reference with the oracle of the program, on whose arguments it
/// is run.
static Status runOracle(const Program &program, const TensorFlags &flags,
                        Report &report) {
  const InputFlags &given = flags.inputs;
  if (!given.shapes.empty() || !given.files.empty() || !given.values.empty())
    return failure("expected no --shape, --input or --values to check the "
                   "reference: its arguments are those of the oracle");
  Result<Oracle> oracle =
      readOracle(inputName, program.inputs(), program.outputs());
  if (oracle.failed())
    return oracle.error();
  auto results = interpret(program, oracle->arguments, {});
  if (results.failed())
    return results.error();
  report.device = makeReferenceRunner(program)->description();
  report.outputs = encode(program.outputs(), *results);
  auto compared = compareWithOracle(program.outputs(), *oracle, *results);
  if (compared.failed())
    return compared.error();
  report.oracle = std::move(*compared);
  return useOutputs(program.outputs(), flags, report);
}

/// Prints the report, which fails when something in it has.
static Status finish(const std::vector<TensorSpec> &specs,
                     const Report &report) {
  (jsonFlag ? printJson : printText)(llvm::outs(), specs, report);
  llvm::outs().flush();
  if (report.check && !report.check->passed())
    return failure("the check failed\n", report.check->failures());
  if (report.oracle && !report.oracle->passed())
    return failure("the reference differs from its oracle\n",
                   report.oracle->failures());
  for (const ExpectedReport &expected : report.expected)
    if (!expected.passed())
      return failure(
          "'", expected.name, "' is not as expected",
          expected.isComparable() ? "" : ": it is not finite in f32 either");
  return {};
}

static Status runProgram(mlir::MLIRContext &context) {
  auto program = Program::parse(context, inputName);
  if (program.failed())
    return program.error();
  const std::vector<TensorSpec> &outputs = (*program)->outputs();
  Result<TensorFlags> flags = parseFlags((*program)->inputs(), outputs);
  if (flags.failed())
    return flags.error();
  if (checkFlag && deviceChoice == DeviceChoice::Reference) {
    Report report;
    if (Status status = runOracle(**program, *flags, report); status.failed())
      return status;
    return finish(outputs, report);
  }
  Result<std::unique_ptr<Runner>> runner = makeRunner(**program);
  if (runner.failed())
    return runner.error();
  auto inputs = makeInputs((*program)->inputs(), (*program)->fills(),
                           flags->inputs, seed);
  if (inputs.failed())
    return inputs.error();
  Report report;
  if (Status status = run(**runner, *inputs, outputs, *flags, report);
      status.failed())
    return status;
  if (checkFlag)
    if (Status status = checkResults(**program, *inputs, report);
        status.failed())
      return status;
  if (benchFlag) {
    Result<AttentionProgram> attention = (*program)->findAttention();
    std::optional<double> operations;
    if (!attention.failed())
      operations = attention->operations(attention->geometry(*inputs));
    if (Status status = measureRunner(**runner, operations, report);
        status.failed())
      return status;
  }
  return finish(outputs, report);
}

/// The device for a bundle, which no interpreter can run.
static Result<std::unique_ptr<Device>> openDevice() {
  if (deviceChoice == DeviceChoice::Reference ||
      deviceChoice == DeviceChoice::Tile)
    return failure("expected a bundle to be run on a GPU or the emulator");
  if (deviceChoice != DeviceChoice::Emulator) {
    Result<std::unique_ptr<Device>> device = openCudaDevice();
    if (!device.failed() || deviceChoice == DeviceChoice::Cuda)
      return device;
    llvm::errs() << "attn-run: no GPU is used: " << device.message() << '\n';
  }
  return makeEmulator();
}

static Status runBundle() {
  if (checkFlag)
    return failure("expected --expect name=file.npy in place of --check, for a "
                   "bundle has no reference");
  Result<Bundle> bundle = readBundleFile(inputName);
  if (bundle.failed())
    return bundle.error();
  std::vector<TensorSpec> specs, outputs;
  for (const TensorSpec &spec : bundle->signature.tensors)
    (spec.isOutput ? outputs : specs).push_back(spec);
  Result<TensorFlags> flags = parseFlags(specs, outputs);
  if (flags.failed())
    return flags.error();
  Result<std::unique_ptr<Device>> device = openDevice();
  if (device.failed())
    return device.error();
  auto runner = makeBundleRunner(*bundle, std::move(*device));
  if (runner.failed())
    return runner.error();
  auto inputs = makeInputs(specs, std::vector<Filling>(specs.size()),
                           flags->inputs, seed);
  if (inputs.failed())
    return inputs.error();
  Report report;
  if (Status status = run(**runner, *inputs, outputs, *flags, report);
      status.failed())
    return status;
  if (benchFlag)
    if (Status status = measureRunner(**runner, std::nullopt, report);
        status.failed())
      return status;
  return finish(outputs, report);
}

/// Whether the file starts as a bundle does; a program may be a pipe.
static bool namesBundle(const std::string &path) {
  char start[bundle::magic.size()] = {};
  if (path == "-")
    return false;
  std::ifstream file(path, std::ios::binary);
  file.read(start, sizeof(start));
  return isBundle({start, static_cast<size_t>(file.gcount())});
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::setBugReportMsg(bugReport);
  // Tensors are as large as the user wants them: no bug, no trace.
  std::set_new_handler([] {
    std::fputs("attn-run: expected tensors that fit in memory, got no more of "
               "it\n",
               stderr);
    std::_Exit(1);
  });
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv, "Runs an attention program, checks and measures it\n");
  Status status;
  if (namesBundle(inputName)) {
    status = runBundle();
  } else {
    mlir::DialectRegistry registry;
    mlir::attn::registerDialects(registry);
    mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
    status = runProgram(context);
  }
  if (status.failed()) {
    llvm::errs() << "attn-run: " << status.message() << '\n';
    return 1;
  }
  return 0;
}
