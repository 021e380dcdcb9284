//===- attn-mutate.cpp - Does the emulator see what is broken? ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Compiles programs, breaks the synchronisation of each kernel in one place at
// a time, and executes each mutant on the emulator. Fails where one is not
// reported that is not listed as equivalent, or where too few are.
//
//===----------------------------------------------------------------------===//

#include "Golden.h"
#include "Inputs.h"
#include "Mutations.h"
#include "Program.h"
#include "Survivors.h"
#include "Tally.h"

#include "attn/Pipelines/Compile.h"
#include "attn/Pipelines/Registration.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <map>
#include <optional>
#include <thread>

using namespace attn::mutation;
using namespace attn::runtime;
namespace cl = llvm::cl;

static cl::OptionCategory category("attn-mutate options");
static cl::list<std::string> programs(cl::Positional, cl::desc("<programs>"),
                                      cl::OneOrMore, cl::cat(category));
static cl::list<std::string> shapes(
    "shapes",
    cl::desc("Lengths of `q` and of the other inputs, each for a run, e.g. "
             "130x450; or program:130x450"),
    cl::CommaSeparated, cl::OneOrMore, cl::cat(category));
static cl::opt<unsigned> seeds("seeds", cl::desc("Runs until one reports"),
                               cl::init(3), cl::cat(category));
static cl::opt<unsigned>
    sample("sample", cl::desc("Execute one mutant in so many, chosen by name"),
           cl::init(1), cl::cat(category));
static cl::opt<std::string>
    survivorsFile("survivors", cl::desc("Lists the mutants that may survive"),
                  cl::cat(category));
static cl::opt<std::string>
    document("document", cl::desc("A file that the table must be found in"),
             cl::cat(category));
static cl::opt<std::string>
    only("only", cl::desc("Execute the mutants whose name contains this"),
         cl::cat(category));
static cl::opt<bool> verbose("verbose", cl::desc("Tell how each mutant ends"),
                             cl::cat(category));

namespace {
struct Lengths {
  int64_t queries = 0, keys = 0;
};
} // namespace

static Result<Lengths> parseLengths(llvm::StringRef text) {
  auto [queries, keys] = text.split('x');
  Lengths lengths;
  if (queries.getAsInteger(10, lengths.queries) ||
      keys.getAsInteger(10, lengths.keys) || lengths.queries < 1 ||
      lengths.keys < 1)
    return failure("expected lengths such as 130x450, got '", text.str(), "'");
  return lengths;
}

/// Inputs whose open sizes, the batch and then the length, are filled in.
/// Packed rows are one sequence.
static Result<std::vector<HostTensor>>
makeInputs(const attn::run::Program &program, Lengths lengths) {
  std::vector<TensorSpec> specs = program.inputs();
  for (size_t i = 0; i < specs.size(); ++i) {
    TensorSpec &spec = specs[i];
    if (program.fills()[i].kind == attn::run::Fill::CuSeqlens)
      spec.shape = {2};
    bool isBatch = spec.shape.size() != 3;
    for (int64_t &size : spec.shape)
      if (size < 0) {
        size = isBatch ? 1 : spec.name == "q" ? lengths.queries : lengths.keys;
        isBatch = false;
      }
  }
  return attn::run::makeInputs(specs, program.fills(), {}, /*seed=*/0);
}

/// Compiles a program; one that is not lowered yet has no kernel. Those are
/// known to test/Integration/Zoo.
static std::optional<CompiledKernel>
compile(mlir::MLIRContext &context, const attn::run::Program &program) {
  // What is refused need not be told.
  mlir::ScopedDiagnosticHandler silent(
      &context, [](mlir::Diagnostic &) { return mlir::success(); });
  mlir::attn::CompileOptions options;
  options.assemble = false;
  mlir::OwningOpRef<mlir::ModuleOp> module = program.module().clone();
  auto compiled = mlir::attn::compileKernel(*module, options);
  if (mlir::failed(compiled))
    return std::nullopt;
  return std::move(*compiled);
}

/// A kernel with inputs of each size.
static Result<std::vector<Golden>>
makeGoldens(const CompiledKernel &compiled, const attn::run::Program &program,
            llvm::StringRef programName) {
  std::vector<Golden> goldens;
  for (const std::string &text : shapes) {
    auto [name, sizes] = llvm::StringRef(text).rsplit(':');
    if (sizes.empty())
      sizes = text;
    else if (name != programName)
      continue;
    Result<Lengths> lengths = parseLengths(sizes);
    if (lengths.failed())
      return lengths.error();
    auto inputs = makeInputs(program, *lengths);
    if (inputs.failed())
      return inputs.error();
    Result<Golden> golden = Golden::create(compiled, std::move(*inputs));
    if (golden.failed())
      return golden.error();
    goldens.push_back(std::move(*golden));
  }
  return goldens;
}

/// Whether an execution comes to the instruction at `at`.
static bool isReached(const std::vector<Golden> &goldens, const Source &source,
                      size_t at) {
  std::string probe = source.apply(source.probe(at));
  return std::any_of(goldens.begin(), goldens.end(), [&](const Golden &golden) {
    return golden.run(probe, /*seed=*/0)
        .hazards.count(emulator::HazardKind::OutOfBounds);
  });
}

/// Executes a mutant until it is reported as its rule wants.
static void judge(const std::vector<Golden> &goldens, const Source &source,
                  Finding &finding) {
  std::string ptx = source.apply(finding.mutant->edit);
  for (uint64_t seed = 0; seed < seeds; ++seed)
    for (const Golden &golden : goldens) {
      Outcome outcome = golden.run(ptx, seed);
      Verdict verdict =
          verdictOf(*finding.mutant->rule, outcome, golden.isRight(outcome));
      if (verdict < finding.verdict || verdict == Verdict::Refused) {
        finding.verdict = verdict;
        finding.message = outcome.message;
      }
      if (verdict == Verdict::Hazard || verdict == Verdict::WrongData ||
          verdict == Verdict::Refused)
        return;
    }
}

/// Calls `body` with the numbers below `count` on all cores.
static void forEachIndex(size_t count,
                         const std::function<void(size_t)> &body) {
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < count;)
      body(i);
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < std::thread::hardware_concurrency(); ++i)
    threads.emplace_back(work);
  work();
  for (std::thread &thread : threads)
    thread.join();
}

/// The same in all programs and at all times, unlike std::hash.
static uint64_t hash(const std::string &text) {
  uint64_t value = 0xCBF29CE484222325u;
  for (char c : text)
    value = (value ^ static_cast<uint8_t>(c)) * 0x100000001B3u;
  return value >> 8;
}

static void executeAll(const std::vector<Golden> &goldens, const Source &source,
                       const std::string &program, Tally &tally) {
  std::vector<Mutant> mutants = mutate(source);
  std::vector<Finding> findings;
  for (const Mutant &mutant : mutants) {
    Finding finding;
    finding.mutant = &mutant;
    finding.key = mutantKey(program, mutant.instruction, mutant.rule->name);
    finding.place = mutantKey(program, mutant.instruction, "not reached");
    tally.addKeys(finding);
    if (hash(finding.key) % sample == 0 &&
        finding.key.find(only) != std::string::npos)
      findings.push_back(std::move(finding));
  }
  // What may as well be missing need not be broken in other ways.
  for (Finding &finding : findings)
    if (std::string removed =
            mutantKey(program, finding.mutant->instruction, "removed");
        finding.key != removed && tally.isListed(removed))
      finding.verdict = Verdict::Redundant;
  std::map<size_t, std::optional<bool>> reached;
  for (const Finding &finding : findings)
    reached[finding.mutant->at];
  std::vector<size_t> places;
  for (const auto &entry : reached)
    places.push_back(entry.first);
  forEachIndex(places.size(), [&](size_t i) {
    reached.at(places[i]) = isReached(goldens, source, places[i]);
  });
  forEachIndex(findings.size(), [&](size_t i) {
    if (!*reached.at(findings[i].mutant->at))
      findings[i].verdict = Verdict::Unreached;
    else if (findings[i].verdict != Verdict::Redundant)
      judge(goldens, source, findings[i]);
  });
  for (const Finding &finding : findings) {
    if (verbose)
      llvm::outs() << verdictName(finding.verdict) << ": " << finding.key
                   << '\n';
    tally.add(finding);
  }
}

static Status mutateProgram(mlir::MLIRContext &context, const std::string &path,
                            Tally &tally) {
  std::string name = llvm::sys::path::stem(path).str();
  auto program = attn::run::Program::parse(context, path);
  if (program.failed())
    return program.error();
  std::optional<CompiledKernel> compiled = compile(context, **program);
  if (!compiled) {
    llvm::outs() << name << ": not lowered\n";
    return {};
  }
  auto goldens = makeGoldens(*compiled, **program, name);
  if (goldens.failed())
    return failure(name, ": ", goldens.message());
  Result<Source> source = Source::parse(compiled->ptx);
  if (source.failed())
    return source.error();
  executeAll(*goldens, *source, name, tally);
  return {};
}

static Result<std::string> readFile(const std::string &path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return failure("cannot read '", path, "'");
  return (*file)->getBuffer().str();
}

static Status run(mlir::MLIRContext &context) {
  std::map<std::string, std::string> survivors;
  if (!survivorsFile.empty()) {
    Result<std::string> text = readFile(survivorsFile);
    if (text.failed())
      return text.error();
    auto parsed = parseSurvivors(*text);
    if (parsed.failed())
      return parsed.error();
    survivors = std::move(*parsed);
  }
  Tally tally(std::move(survivors));
  for (const std::string &path : programs)
    if (Status status = mutateProgram(context, path, tally); status.failed())
      return status;
  llvm::outs() << tally.table();
  llvm::outs().flush();
  if (Status status = tally.check(); status.failed() || document.empty())
    return status;
  Result<std::string> text = readFile(document);
  if (text.failed())
    return text.error();
  if (text->find(tally.table()) == std::string::npos)
    return failure("expected the table above in '", document.getValue(), "'");
  return {};
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv, "Breaks kernels, and checks that the emulator tells\n");
  mlir::DialectRegistry registry;
  mlir::attn::registerDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  if (Status status = run(context); status.failed()) {
    llvm::errs() << "attn-mutate: " << status.message() << '\n';
    return 1;
  }
  return 0;
}
