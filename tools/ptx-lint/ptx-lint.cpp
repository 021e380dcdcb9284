//===- ptx-lint.cpp - Checks PTX text -------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Export/Assemble.h"
#include "attn/Export/PtxLint.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir::attn;

static llvm::cl::OptionCategory category("Options of ptx-lint");
static llvm::cl::opt<std::string> inputName(llvm::cl::Positional,
                                            llvm::cl::desc("<PTX file>"),
                                            llvm::cl::init("-"));
static llvm::cl::opt<std::string>
    ptxas("assemble", llvm::cl::ValueOptional, llvm::cl::cat(category),
          llvm::cl::desc("Assemble with this ptxas, or with the one on PATH, "
                         "and fail on advisories, spills and stack frames"));
static llvm::cl::opt<std::string> target("target", llvm::cl::cat(category),
                                         llvm::cl::desc("What to assemble for"),
                                         llvm::cl::init("sm_90a"));

static bool lint(llvm::StringRef name, llvm::StringRef text) {
  std::vector<PtxLintFinding> findings = lintPtx({text.data(), text.size()});
  for (const PtxLintFinding &finding : findings)
    llvm::errs() << name << ':' << finding.line
                 << ": error: " << finding.message << '\n';
  return findings.empty();
}

static llvm::Error assemble(llvm::StringRef text) {
  llvm::Expected<Assembler> assembler = findAssembler(ptxas);
  if (!assembler)
    return assembler.takeError();
  llvm::Expected<AssemblyReport> report = assemblePtx(text, target, *assembler);
  if (!report)
    return report.takeError();
  llvm::outs() << "registers=" << report->registers
               << " spill=" << report->spillStores + report->spillLoads
               << " stack=" << report->stackBytes
               << " advisories=" << report->advisories.size() << '\n';
  llvm::outs().flush();
  return checkAssembly(*report);
}

int main(int argc, char **argv) {
  llvm::cl::HideUnrelatedOptions(category);
  llvm::cl::ParseCommandLineOptions(
      argc, argv, "Checks what wgmma instructions of PTX text ask for\n");
  auto input = llvm::MemoryBuffer::getFileOrSTDIN(inputName, /*IsText=*/true);
  if (std::error_code error = input.getError()) {
    llvm::errs() << inputName << ": error: " << error.message() << '\n';
    return 1;
  }
  bool isClean = lint(inputName, (*input)->getBuffer());
  if (ptxas.getNumOccurrences() > 0)
    if (llvm::Error error = assemble((*input)->getBuffer())) {
      llvm::errs() << inputName
                   << ": error: " << llvm::toString(std::move(error)) << '\n';
      isClean = false;
    }
  return isClean ? 0 : 1;
}
