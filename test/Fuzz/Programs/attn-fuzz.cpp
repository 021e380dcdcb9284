//===- attn-fuzz.cpp - Programs of our dialects, made up ------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes programs by the grammar of the attn dialect and has them parsed,
// verified, printed and interpreted. A program comes from its seed alone; what
// is wrong with one is printed with it, and so is a program that ends the
// process.
//
//===----------------------------------------------------------------------===//

#include "Examiner.h"

#include "attn/Pipelines/Registration.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/PrettyStackTrace.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <sys/resource.h>
#include <unistd.h>

using namespace attn::fuzz;
namespace cl = llvm::cl;

static cl::opt<uint64_t> seed("seed", cl::desc("The seed of the first program"),
                              cl::init(1));
static cl::opt<int64_t> runs("runs", cl::desc("How many programs, or 0"),
                             cl::init(0));
static cl::opt<int64_t> seconds("seconds", cl::desc("For how long, or 0"),
                                cl::init(0));
static cl::opt<int64_t> megabytes("megabytes",
                                  cl::desc("As much memory as it may have"),
                                  cl::init(4096));
static cl::opt<bool> printOnly("print", cl::desc("Print the programs"));

namespace {
/// The program at hand, for when the process comes to a sudden end.
class Current : public llvm::PrettyStackTraceEntry {
public:
  void print(llvm::raw_ostream &os) const override {
    os << "with --seed=" << seed << " --runs=1:\n" << text << "\n";
  }
  uint64_t seed = 0;
  std::string text;
};
} // namespace

static bool report(const Current &current, const std::string &complaint) {
  llvm::errs() << "attn-fuzz: " << complaint << "\n";
  current.print(llvm::errs());
  return false;
}

static bool examine(Examiner &examiner, Current &current) {
  Random random(current.seed);
  Program program = generate(random);
  int64_t kind = random.below(8);
  Examiner::Complaint complaint;
  current.text = program.text;
  if (kind < 3)
    current.text = garble(random.oneIn(2) ? program.text
                                          : examiner.makeGeneric(program.text),
                          random);
  if (kind == 3)
    current.text = breakRule(program, random);
  if (printOnly) {
    llvm::outs() << current.text << "\n";
    return true;
  }
  if (kind < 3)
    complaint = examiner.examineGarbled(program, current.text, random);
  else if (kind == 3)
    complaint = examiner.examineBroken(current.text);
  else
    complaint = examiner.examineValid(program, random);
  return !complaint || report(current, *complaint);
}

static double secondsSince(std::chrono::steady_clock::time_point start) {
  std::chrono::duration<double> passed =
      std::chrono::steady_clock::now() - start;
  return passed.count();
}

static void printTally(const Tally &tally, double passed) {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  llvm::outs() << tally.programs << " programs in "
               << static_cast<int64_t>(passed) << " s: " << tally.valid
               << " valid, " << tally.refused << " refused by the verifier, "
               << tally.evaluated << " evaluated, " << tally.notEvaluated
               << " refused by the reference; " << tally.lowered << " lowered, "
               << tally.permuted << " permuted, " << tally.others
               << " computed in another way, " << tally.tiles
               << " at the tile level, " << tally.untiled
               << " not lowered to it; at most " << usage.ru_maxrss / 1024
               << " MiB\n";
}

static bool fuzz() {
  mlir::DialectRegistry registry;
  mlir::attn::registerDialects(registry);
  Tally tally;
  Current current;
  std::unique_ptr<mlir::MLIRContext> context;
  auto start = std::chrono::steady_clock::now();
  auto isDone = [&] {
    return (runs != 0 && tally.programs == runs) ||
           (seconds != 0 &&
            secondsSince(start) >= static_cast<double>(seconds));
  };
  for (; !isDone(); ++tally.programs) {
    // A context keeps every type that it has seen.
    constexpr int64_t programsPerContext = 256;
    if (tally.programs % programsPerContext == 0)
      context = std::make_unique<mlir::MLIRContext>(
          registry, mlir::MLIRContext::Threading::DISABLED);
    current.seed = seed + static_cast<uint64_t>(tally.programs);
    constexpr unsigned secondsPerProgram = 20;
    alarm(secondsPerProgram);
    Examiner examiner(*context, tally);
    if (!examine(examiner, current))
      return false;
  }
  alarm(0);
  if (!printOnly)
    printTally(tally, secondsSince(start));
  return true;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::setBugReportMsg("attn-fuzz: a program ended the process\n");
  cl::ParseCommandLineOptions(argc, argv, "Makes up programs and runs them\n");
  if (runs == 0 && seconds == 0) {
    llvm::errs() << "attn-fuzz: expected --runs or --seconds\n";
    return EXIT_FAILURE;
  }
  std::signal(SIGALRM, [](int) { std::abort(); });
  rlim_t bytes = static_cast<rlim_t>(megabytes) << 20;
  rlimit limit = {bytes, bytes};
  setrlimit(RLIMIT_AS, &limit);
  return fuzz() ? EXIT_SUCCESS : EXIT_FAILURE;
}
