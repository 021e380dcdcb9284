//===- Suite.cpp - All mutants of some subjects, executed -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Suite.h"

#include "Golden.h"
#include "Shape.h"
#include "Survivors.h"
#include "Workspaces.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

using namespace attn::mutation;
using namespace attn::runtime;

//===----------------------------------------------------------------------===//
// Verdicts in files
//===----------------------------------------------------------------------===//

Result<Verdicts> attn::mutation::parseVerdicts(const std::string &text) {
  Verdicts verdicts;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    size_t colon = line.find(": ");
    auto last = static_cast<int>(Verdict::Unreached);
    int i = 0;
    while (i <= last &&
           line.substr(0, colon) != verdictName(static_cast<Verdict>(i)))
      ++i;
    if (colon == std::string::npos || i > last)
      return failure("expected a verdict and a mutant, got '", line, "'");
    verdicts[line.substr(colon + 2)] = static_cast<Verdict>(i);
  }
  return verdicts;
}

std::string attn::mutation::textOf(const Verdicts &verdicts) {
  std::string text;
  for (const auto &[key, verdict] : verdicts)
    text += std::string(verdictName(verdict)) + ": " + key + '\n';
  return text;
}

//===----------------------------------------------------------------------===//
// Kernels and their mutants
//===----------------------------------------------------------------------===//

namespace {
/// A golden kernel with inputs of one size, made when it is first wanted.
struct Run {
  explicit Run(Shape shape) : shape(shape) {}

  Shape shape;
  std::once_flag isMade;
  std::optional<Golden> golden;
  std::string error;
  /// The lines of what can be broken that the execution comes to.
  std::set<uint32_t> reached;
};

struct Subject {
  Subject(GoldenKernel kernel, Source source)
      : kernel(std::move(kernel)), source(std::move(source)),
        mutants(mutate(this->source)) {}

  void judge(Finding &finding, unsigned seeds) const;

  GoldenKernel kernel;
  Source source;
  std::vector<Mutant> mutants;
  std::vector<std::unique_ptr<Run>> runs;

private:
  Status prepare(Run &run) const;
};

/// A mutant that is to be executed.
struct Task {
  const Subject *subject = nullptr;
  Finding finding;
  bool isDone = false;
};
} // namespace

/// Executes the right kernel, and finds out what the execution comes to.
Status Subject::prepare(Run &run) const {
  auto inputs = makeInputs(*kernel.program, run.shape);
  if (inputs.failed())
    return inputs.error();
  auto tensors = tensorsOf(kernel, *inputs);
  if (tensors.failed())
    return tensors.error();
  Result<Golden> golden =
      Golden::create(kernel.kernel(), std::move(*tensors), run.shape.instances);
  if (golden.failed())
    return golden.error();
  Edit probes;
  for (const Mutant &mutant : mutants)
    probes.merge(source.probe(mutant.at));
  run.reached = golden->reportedLines(source.apply(probes));
  run.golden = std::move(*golden);
  return {};
}

/// Executes a mutant until it is reported as its rule wants.
void Subject::judge(Finding &finding, unsigned seeds) const {
  std::string ptx = source.apply(finding.mutant->edit);
  uint32_t line = source.statements()[finding.mutant->at].line;
  finding.verdict = Verdict::Unreached;
  for (uint64_t seed = 0; seed < seeds; ++seed)
    for (const std::unique_ptr<Run> &run : runs) {
      std::call_once(run->isMade, [&] {
        if (Status status = prepare(*run); status.failed())
          run->error = status.message();
      });
      if (!run->golden) {
        finding.verdict = Verdict::Refused;
        finding.message = run->error;
        return;
      }
      if (!run->reached.count(line))
        continue;
      Outcome outcome = run->golden->run(ptx, seed);
      Verdict verdict = verdictOf(*finding.mutant->rule, outcome,
                                  run->golden->isRight(outcome));
      if (verdict < finding.verdict || verdict == Verdict::Refused) {
        finding.verdict = verdict;
        finding.message = outcome.message;
      }
      if (verdict == Verdict::Hazard || verdict == Verdict::WrongData ||
          verdict == Verdict::Refused)
        return;
    }
}

/// Calls `body` with the numbers below `count`, `jobs` at a time.
static void forEachIndex(size_t count, unsigned jobs,
                         const std::function<void(size_t)> &body) {
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < count;)
      body(i);
  };
  std::vector<std::thread> threads;
  for (unsigned i = 1; i < jobs; ++i)
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

static Result<std::vector<Subject>>
createSubjects(const std::vector<GoldenProgram> &programs,
               const SuiteOptions &options) {
  std::vector<Subject> subjects;
  for (const GoldenProgram &program : programs)
    for (GoldenKernel &kernel : kernelsOf(program)) {
      Result<Source> source = Source::parse(kernel.kernel().ptx);
      if (source.failed())
        return source.error();
      auto shapes = shapesFor(options.shapes, kernel.name);
      if (shapes.failed())
        return failure(kernel.name, ": ", shapes.message());
      subjects.emplace_back(std::move(kernel), std::move(*source));
      for (Shape shape : *shapes)
        subjects.back().runs.push_back(std::make_unique<Run>(shape));
    }
  return subjects;
}

/// The mutants of a subject that the options choose.
static void chooseTasks(const Subject &subject, const SuiteOptions &options,
                        Tally &tally, std::vector<Task> &tasks) {
  const std::string &kernel = subject.kernel.name;
  for (const Mutant &mutant : subject.mutants) {
    Finding finding;
    finding.mutant = &mutant;
    finding.key = mutantKey(kernel, mutant.instruction, mutant.rule->name);
    finding.place = mutantKey(kernel, mutant.instruction, "not reached");
    finding.removal = mutantKey(kernel, mutant.instruction, "removed");
    tally.addKeys(finding);
    uint64_t number = hash(finding.key);
    if (number % options.sample == 0 &&
        number / options.sample % options.shards == options.shard &&
        finding.key.find(options.only) != std::string::npos)
      tasks.push_back({&subject, std::move(finding)});
  }
}

static void execute(Task &task, const SuiteOptions &options,
                    const Tally &tally) {
  Finding &finding = task.finding;
  if (tally.isRedundant(finding))
    finding.verdict = Verdict::Redundant;
  else
    task.subject->judge(finding, options.seeds);
  task.isDone = true;
}

Result<SuiteResult>
attn::mutation::runSuite(const std::vector<GoldenProgram> &programs,
                         const SuiteOptions &options, const Verdicts &known,
                         Tally &tally) {
  using Time = std::chrono::steady_clock;
  Time::time_point start = Time::now();
  auto subjects = createSubjects(programs, options);
  if (subjects.failed())
    return subjects.error();
  std::vector<Task> tasks;
  for (const Subject &subject : *subjects)
    chooseTasks(subject, options, tally, tasks);
  for (Task &task : tasks)
    if (auto verdict = known.find(task.finding.key); verdict != known.end()) {
      task.finding.verdict = verdict->second;
      task.isDone = true;
    }
  std::vector<Task *> open;
  for (Task &task : tasks)
    if (!task.isDone)
      open.push_back(&task);
  // Where the time is short, those that are executed are a sample.
  std::sort(open.begin(), open.end(), [](const Task *a, const Task *b) {
    return hash(a->finding.key) < hash(b->finding.key);
  });
  forEachIndex(open.size(), options.jobs, [&](size_t i) {
    if (!options.seconds ||
        Time::now() - start < std::chrono::seconds(options.seconds))
      execute(*open[i], options, tally);
  });

  SuiteResult result;
  for (const Task &task : tasks) {
    if (!task.isDone) {
      ++result.left;
      continue;
    }
    tally.add(task.finding);
    if (task.finding.verdict != Verdict::Redundant)
      result.verdicts[task.finding.key] = task.finding.verdict;
  }
  return result;
}
