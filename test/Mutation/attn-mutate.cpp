//===- attn-mutate.cpp - Does the emulator see what is broken? ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//
// Breaks the synchronisation of each kernel that attn-golden has compiled, in
// one place at a time, and executes each mutant on the emulator. Fails where
// one is not reported that is not listed as equivalent, or where too few are.
//
// It needs neither LLVM nor a build of the compiler, so that the long run over
// all mutants can be made on another machine:
//
//   attn-mutate GOLDENS --shapes=130x450x3 --jobs=16 --results=FILE
//
//===----------------------------------------------------------------------===//

#include "GoldenFolder.h"
#include "Suite.h"
#include "Survivors.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <sstream>
#include <thread>

using namespace attn::mutation;
using namespace attn::runtime;

namespace {
struct CommandLine {
  std::string folder;
  std::string survivors, document, results, replay;
  SuiteOptions suite;
};
} // namespace

static const char usage[] =
    "usage: attn-mutate FOLDER --shapes=QxKxI,... [options]\n"
    "  FOLDER             kernels that attn-golden has compiled\n"
    "  --shapes=...       lengths of q and of the other inputs and the "
    "instances to\n"
    "                     execute, each for a run; or program:QxKxI; and "
    "behind\n"
    "                     them +jump=N, +last=N and +blocks=N, see Shape.h\n"
    "  --seeds=N          runs until one reports\n"
    "  --sample=N         execute one mutant in N, chosen by name\n"
    "  --shard=I/N        execute part I of N, from 0 on\n"
    "  --only=TEXT        execute the mutants whose name contains TEXT\n"
    "  --jobs=N           execute N at a time\n"
    "  --seconds=N        begin no other after N seconds\n"
    "  --survivors=FILE   lists the mutants that may survive\n"
    "  --document=FILE    a file that the table must be found in\n"
    "  --results=FILE     write how each mutant ended\n"
    "  --replay=FILE      execute no mutant whose end such a file knows\n";

static std::vector<std::string> split(const std::string &text, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, separator);)
    parts.push_back(part);
  return parts;
}

static Status parseNumber(const std::string &text, unsigned least,
                          unsigned &number) {
  constexpr size_t mostDigits = 9;
  if (text.empty() || text.size() > mostDigits ||
      text.find_first_not_of("0123456789") != std::string::npos ||
      std::stoul(text) < least)
    return failure("expected a number from ", least, " on, got '", text, "'");
  number = static_cast<unsigned>(std::stoul(text));
  return {};
}

static Status parseShard(const std::string &text, SuiteOptions &options) {
  std::vector<std::string> parts = split(text, '/');
  if (parts.size() != 2)
    return failure("expected a shard such as 0/4, got '", text, "'");
  if (Status status = parseNumber(parts[0], 0, options.shard); status.failed())
    return status;
  if (Status status = parseNumber(parts[1], options.shard + 1, options.shards);
      status.failed())
    return status;
  return {};
}

static Status parseOption(const std::string &name, const std::string &value,
                          CommandLine &line) {
  SuiteOptions &suite = line.suite;
  const std::pair<const char *, unsigned *> numbers[] = {
      {"--seeds", &suite.seeds},
      {"--sample", &suite.sample},
      {"--jobs", &suite.jobs},
      {"--seconds", &suite.seconds}};
  for (auto [known, number] : numbers)
    if (name == known)
      return parseNumber(value, 1, *number);
  const std::pair<const char *, std::string *> texts[] = {
      {"--only", &suite.only},
      {"--survivors", &line.survivors},
      {"--document", &line.document},
      {"--results", &line.results},
      {"--replay", &line.replay}};
  for (auto [known, text] : texts)
    if (name == known) {
      *text = value;
      return {};
    }
  if (name == "--shapes") {
    suite.shapes = split(value, ',');
    return {};
  }
  if (name == "--shard")
    return parseShard(value, suite);
  return failure("unknown option '", name, "'\n", usage);
}

static Result<CommandLine> parseCommandLine(int argc, char **argv) {
  CommandLine line;
  line.suite.jobs = std::max(std::thread::hardware_concurrency(), 1u);
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument.compare(0, 2, "--") != 0) {
      line.folder = argument;
      continue;
    }
    size_t equals = std::min(argument.find('='), argument.size());
    std::string value =
        equals < argument.size() ? argument.substr(equals + 1) : "";
    if (Status status = parseOption(argument.substr(0, equals), value, line);
        status.failed())
      return status.error();
  }
  if (line.folder.empty() || line.suite.shapes.empty())
    return failure("expected a folder and shapes\n", usage);
  return line;
}

/// Parses a file, unless none is named.
template <typename Value>
static Status readOptional(const std::string &path,
                           Result<Value> (*parse)(const std::string &),
                           Value &value) {
  if (path.empty())
    return {};
  Result<std::string> text = readText(path);
  if (text.failed())
    return text.error();
  Result<Value> parsed = parse(*text);
  if (parsed.failed())
    return parsed.error();
  value = std::move(*parsed);
  return {};
}

static Status checkDocument(const std::string &path, const Tally &tally) {
  Result<std::string> text = readText(path);
  if (text.failed())
    return text.error();
  if (text->find(tally.table()) == std::string::npos)
    return failure("expected the table above in '", path, "'");
  return {};
}

static Status run(const CommandLine &line) {
  std::map<std::string, std::string> survivors;
  Verdicts known;
  if (Status status = readOptional(line.survivors, parseSurvivors, survivors);
      status.failed())
    return status;
  if (Status status = readOptional(line.replay, parseVerdicts, known);
      status.failed())
    return status;
  auto programs = readGoldens(line.folder);
  if (programs.failed())
    return programs.error();
  Tally tally(std::move(survivors));
  auto result = runSuite(*programs, line.suite, known, tally);
  if (result.failed())
    return result.error();
  if (!line.results.empty())
    if (std::ofstream file(line.results);
        !(file << textOf(result->verdicts)).flush())
      return failure("cannot write '", line.results, "'");
  std::cout << tally.table() << std::flush;
  if (result->left)
    return failure("there was no time for ", result->left, " mutants");
  if (Status status = tally.check(); status.failed() || line.document.empty())
    return status;
  return checkDocument(line.document, tally);
}

int main(int argc, char **argv) {
  Result<CommandLine> line = parseCommandLine(argc, argv);
  Status status = line.failed() ? Status(line.error()) : run(*line);
  if (status.failed()) {
    std::cerr << "attn-mutate: " << status.message() << '\n';
    return 1;
  }
  return 0;
}
