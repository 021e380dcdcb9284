//===- Assemble.cpp - PTX to machine code through ptxas -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Export/Assemble.h"

#include "llvm/ADT/SmallString.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FileUtilities.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Program.h"
#include "llvm/Support/Regex.h"
#include "llvm/Support/VersionTuple.h"
#include "llvm/Support/raw_ostream.h"

using llvm::Error;
using llvm::Expected;
using llvm::StringRef;
using llvm::Twine;

namespace mlir::attn {
namespace {

/// The first release that knows every instruction the compiler emits, and one
/// without the miscompilations of causal loops in 12.8 and 12.9.
constexpr llvm::VersionTuple minimumVersion(13, 0);

Error makeError(const Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

/// A file that goes away with this object.
class TemporaryFile {
public:
  Error create(StringRef suffix) {
    if (std::error_code error =
            llvm::sys::fs::createTemporaryFile("attn", suffix, path))
      return makeError("expected a temporary file, got: " + error.message());
    remover.setFile(path);
    return Error::success();
  }

  StringRef getPath() const { return path; }

  Error write(StringRef text) const {
    std::error_code error;
    llvm::raw_fd_ostream stream(path, error);
    stream << text;
    stream.close();
    if (!error && !stream.has_error())
      return Error::success();
    stream.clear_error();
    return makeError("expected to write '" + path + "', got an error");
  }

  Expected<std::unique_ptr<llvm::MemoryBuffer>> read() const {
    auto buffer = llvm::MemoryBuffer::getFile(path);
    if (std::error_code error = buffer.getError())
      return makeError("expected to read '" + path +
                       "', got: " + error.message());
    return std::move(*buffer);
  }

private:
  llvm::SmallString<64> path;
  llvm::FileRemover remover;
};

struct ProgramResult {
  int exitCode = 0;
  /// Both streams.
  std::string output;
};

Expected<ProgramResult> runProgram(StringRef program,
                                   llvm::ArrayRef<StringRef> arguments) {
  TemporaryFile log;
  if (Error error = log.create("log"))
    return error;
  llvm::SmallVector<StringRef> argv{program};
  argv.append(arguments.begin(), arguments.end());
  std::optional<StringRef> redirects[] = {StringRef(""), log.getPath(),
                                          log.getPath()};
  ProgramResult result;
  std::string error;
  result.exitCode = llvm::sys::ExecuteAndWait(
      program, argv, /*Env=*/std::nullopt, redirects, /*SecondsToWait=*/0,
      /*MemoryLimit=*/0, &error);
  if (result.exitCode < 0)
    return makeError("expected '" + program + "' to run, got: " + error);
  auto output = log.read();
  if (!output)
    return output.takeError();
  result.output = (*output)->getBuffer().str();
  return result;
}

/// The version in "Cuda compilation tools, release 13.0, V13.0.88".
Expected<llvm::VersionTuple> readVersion(StringRef assembler) {
  Expected<ProgramResult> result = runProgram(assembler, {"--version"});
  if (!result)
    return result.takeError();
  llvm::SmallVector<StringRef> match;
  llvm::VersionTuple version;
  if (!llvm::Regex("release ([0-9]+\\.[0-9]+)").match(result->output, &match) ||
      version.tryParse(match[1]))
    return makeError("expected ptxas to tell its version, got none from '" +
                     assembler + "'");
  return version;
}

/// The largest number that `pattern` captures in any line of `log`.
unsigned largest(StringRef log, StringRef pattern) {
  llvm::Regex regex(pattern);
  unsigned result = 0;
  for (StringRef line : llvm::split(log, '\n')) {
    llvm::SmallVector<StringRef> match;
    unsigned value = 0;
    if (regex.match(line, &match) && !match[1].getAsInteger(10, value))
      result = std::max(result, value);
  }
  return result;
}

AssemblyReport readReport(StringRef log) {
  AssemblyReport report;
  report.registers = largest(log, "Used ([0-9]+) registers");
  report.stackBytes = largest(log, "([0-9]+) bytes stack frame");
  report.spillStores = largest(log, "([0-9]+) bytes spill stores");
  report.spillLoads = largest(log, "([0-9]+) bytes spill loads");
  llvm::Regex advisory("\\(C75[0-9][0-9]\\).*|warning +: .*");
  for (StringRef line : llvm::split(log, '\n')) {
    llvm::SmallVector<StringRef> match;
    if (advisory.match(line, &match))
      report.advisories.push_back(match[0].str());
  }
  return report;
}

/// The lines of `log` that say what is wrong, without the name of the temporary
/// file.
std::string readErrors(StringRef log, StringRef path) {
  std::string errors;
  for (StringRef line : llvm::split(log, '\n')) {
    if (!line.contains("error") && !line.contains("fatal"))
      continue;
    line.consume_front("ptxas ");
    if (line.consume_front(path))
      line.consume_front(", ");
    errors += "\n  " + line.str();
  }
  return errors;
}

} // namespace

Expected<Assembler> findAssembler(StringRef path) {
  StringRef name = path.empty() ? "ptxas" : path;
  llvm::ErrorOr<std::string> found = llvm::sys::findProgramByName(name);
  if (!found || !llvm::sys::fs::can_execute(*found))
    return makeError("expected ptxas " + minimumVersion.getAsString() +
                     " or newer, got no program '" + name +
                     "'; it comes with NVIDIA's CUDA toolkit");
  Expected<llvm::VersionTuple> version = readVersion(*found);
  if (!version)
    return version.takeError();
  if (*version < minimumVersion)
    return makeError("expected ptxas " + minimumVersion.getAsString() +
                     " or newer, got " + version->getAsString() + " at '" +
                     *found + "'");
  return Assembler{*found, version->getAsString()};
}

Expected<AssemblyReport> assemblePtx(StringRef ptx, StringRef target,
                                     const Assembler &assembler) {
  TemporaryFile input, output;
  if (Error error = input.create("ptx"))
    return error;
  if (Error error = input.write(ptx))
    return error;
  if (Error error = output.create("cubin"))
    return error;

  std::string architecture = ("-arch=" + target).str();
  Expected<ProgramResult> result =
      runProgram(assembler.path,
                 {architecture, "-v", "-o", output.getPath(), input.getPath()});
  if (!result)
    return result.takeError();
  if (result->exitCode != 0)
    return makeError("expected PTX that ptxas accepts, got:" +
                     readErrors(result->output, input.getPath()));

  AssemblyReport report = readReport(result->output);
  auto cubin = output.read();
  if (!cubin)
    return cubin.takeError();
  report.cubin.assign((*cubin)->getBuffer().bytes_begin(),
                      (*cubin)->getBuffer().bytes_end());
  return report;
}

Error checkAssembly(const AssemblyReport &report) {
  if (!report.advisories.empty())
    return makeError("expected no advisory of ptxas, got: " +
                     llvm::join(report.advisories, "; "));
  if (report.spillStores + report.spillLoads > 0)
    return makeError("expected no register spills, got " +
                     Twine(report.spillStores) + " bytes stored and " +
                     Twine(report.spillLoads) + " bytes loaded with " +
                     Twine(report.registers) + " registers");
  if (report.stackBytes > 0)
    return makeError("expected no stack frame, got " +
                     Twine(report.stackBytes) + " bytes");
  return Error::success();
}

} // namespace mlir::attn
