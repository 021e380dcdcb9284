//===- attn-golden.cpp - Compiles kernels that are to be broken -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles programs, and writes the bundle of each, and what its inputs look
// like, into a folder for attn-mutate.
//
//===----------------------------------------------------------------------===//

#include "GoldenFolder.h"
#include "Program.h"

#include "attn/Pipelines/Compile.h"
#include "attn/Pipelines/Registration.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace attn::runtime;
namespace cl = llvm::cl;

static cl::OptionCategory category("attn-golden options");
static cl::list<std::string> programs(cl::Positional, cl::desc("<programs>"),
                                      cl::OneOrMore, cl::cat(category));
static cl::opt<std::string> folder("folder", cl::desc("Where the kernels go"),
                                   cl::Required, cl::cat(category));

static Status writeFile(llvm::StringRef stem, llvm::StringRef extension,
                        llvm::StringRef text) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, stem + extension);
  std::error_code error;
  llvm::raw_fd_ostream file(path, error);
  if (error)
    return failure("cannot write '", path.str().str(), "': ", error.message());
  file << text;
  return {};
}

/// One that is not lowered yet has no kernel. Those are known to
/// test/Integration/Zoo.
static Status writeGolden(mlir::MLIRContext &context, const std::string &path) {
  llvm::StringRef name = llvm::sys::path::stem(path);
  auto program = attn::run::Program::parse(context, path);
  if (program.failed())
    return program.error();
  std::string fills, bundle;
  for (attn::run::Filling fill : (*program)->fills())
    fills += attn::mutation::fillName(fill) + '\n';
  mlir::attn::CompileOptions options;
  options.assemble = false;
  {
    // What is refused need not be told.
    mlir::ScopedDiagnosticHandler silent(
        &context, [](mlir::Diagnostic &) { return mlir::success(); });
    if (mlir::failed(mlir::attn::emitLevel((*program)->module(),
                                           mlir::attn::EmitLevel::Bundle,
                                           options, bundle))) {
      llvm::outs() << name << ": not lowered\n";
      return {};
    }
  }
  if (Status status = writeFile(name, ".attnb", bundle); status.failed())
    return status;
  return writeFile(name, ".fills", fills);
}

static Status run(mlir::MLIRContext &context) {
  if (std::error_code error = llvm::sys::fs::create_directories(folder))
    return failure("cannot write '", folder.getValue(), "': ", error.message());
  for (const std::string &path : programs)
    if (Status status = writeGolden(context, path); status.failed())
      return status;
  return {};
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, "Compiles kernels for attn-mutate\n");
  mlir::DialectRegistry registry;
  mlir::attn::registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  if (Status status = run(context); status.failed()) {
    llvm::errs() << "attn-golden: " << status.message() << '\n';
    return 1;
  }
  return 0;
}
