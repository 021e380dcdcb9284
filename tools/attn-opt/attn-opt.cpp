//===- attn-opt.cpp - Lowers programs, runs passes ------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Explain.h"
#include "common/BugReport.h"

#include "attn/Pipelines/Compile.h"
#include "attn/Pipelines/Registration.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/PrettyStackTrace.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace mlir::attn;
namespace cl = llvm::cl;

static cl::opt<EmitLevel> emit(
    "emit", cl::desc("Lower the program and print this level"),
    cl::values(clEnumValN(EmitLevel::Attn, "attn", "what is computed"),
               clEnumValN(EmitLevel::Tile, "tile", "how, block by block"),
               clEnumValN(EmitLevel::Sm90, "sm90", "how, on a Hopper chip"),
               clEnumValN(EmitLevel::NVVM, "nvvm", "NVVM and LLVM dialects"),
               clEnumValN(EmitLevel::LLVM, "llvm", "LLVM IR"),
               clEnumValN(EmitLevel::PTX, "ptx", "PTX"),
               clEnumValN(EmitLevel::Cubin, "cubin", "assembled by ptxas"),
               clEnumValN(EmitLevel::Bundle, "bundle",
                          "what a runtime loads: kernels and how to launch "
                          "them")));
static cl::opt<std::string>
    target("target",
           cl::desc("The chip to compile for (sm_90a); a bundle may be for "
                    "several, separated by commas"),
           cl::init("sm_90a"));
static cl::opt<std::string>
    ptxas("ptxas", cl::desc("Path of ptxas; looked for on PATH by default"));
static cl::opt<std::string>
    cache("cache", cl::desc("A folder in which bundles are kept"));

static cl::opt<bool> explain(
    "explain",
    cl::desc("Print how the program is computed, what its time is bound by, "
             "and why other schedules were refused"));
static cl::list<std::string>
    shapes("shape",
           cl::desc("The shape of an input for --explain, e.g. "
                    "q=1x4096x64x128"),
           cl::value_desc("name=shape"));

static cl::opt<std::string>
    scheduleTable("schedule-table",
                  cl::desc("A table of measured schedules to select from"),
                  cl::value_desc("file"));

static cl::opt<std::string> reproducer(
    "reproducer",
    cl::desc("Where to leave what is needed to see a failing pass fail again"),
    cl::value_desc("file.mlir"));

/// Writes what --explain and --emit ask for.
static LogicalResult writeOutput(ModuleOp module, const CompileOptions &options,
                                 llvm::raw_ostream &output) {
  if (explain) {
    auto choose = [](const ::attn::runtime::Signature &signature)
        -> FailureOr<ProgramShapes> {
      auto chosen = ::attn::opt::chooseShapes(signature, shapes);
      if (!chosen.failed())
        return *chosen;
      llvm::errs() << "attn-opt: " << chosen.message() << "\n";
      return failure();
    };
    return explainProgram(module, options, choose, output);
  }
  if (emit <= EmitLevel::NVVM) {
    if (failed(lowerToLevel(module, emit, options)))
      return failure();
    module->print(output);
    return success();
  }
  std::string text;
  if (failed(emitLevel(module, emit, options, text)))
    return failure();
  output << text;
  return success();
}

/// Compiles the program in `inputName` to the level that --emit names.
static LogicalResult emitProgram(DialectRegistry &registry, StringRef inputName,
                                 StringRef outputName) {
  std::string error;
  auto input = openInputFile(inputName, &error);
  auto output = input ? openOutputFile(outputName, &error) : nullptr;
  if (!output) {
    llvm::errs() << "attn-opt: " << error << "\n";
    return failure();
  }
  MLIRContext context(registry, MLIRContext::Threading::DISABLED);
  // Whole programs, after one line of error, help nobody.
  context.printOpOnDiagnostic(false);
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(input), llvm::SMLoc());
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return failure();

  CompileOptions options;
  options.target = target;
  options.ptxas = ptxas;
  options.cacheFolder = cache;
  options.scheduleTable = scheduleTable;
  options.reproducer = reproducer;
  if (failed(writeOutput(*module, options, output->os())))
    return failure();
  output->keep();
  return success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::setBugReportMsg(::attn::tools::bugReport);
  DialectRegistry registry;
  registerDialects(registry);
  registerPasses();
  auto [input, output] =
      registerAndParseCLIOptions(argc, argv, "Attention compiler", registry);
  if (emit.getNumOccurrences() == 0 && !explain)
    return asMainReturnCode(MlirOptMain(argc, argv, input, output, registry));
  return asMainReturnCode(emitProgram(registry, input, output));
}
