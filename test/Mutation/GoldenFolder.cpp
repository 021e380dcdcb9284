//===- GoldenFolder.cpp - The right kernels, in files ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GoldenFolder.h"

#include "attn/Runtime/Bundle.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <system_error>

using namespace attn::mutation;
using namespace attn::run;
using namespace attn::runtime;

std::string attn::mutation::fillName(Filling fill) {
  switch (fill.kind) {
  case Fill::Normal:
    return "normal";
  case Fill::Small:
    return "small";
  case Fill::Lengths:
    return "lengths";
  case Fill::Documents:
    return "documents";
  case Fill::Slopes:
    return "slopes";
  case Fill::CuSeqlens:
    return "cu_seqlens:" + std::to_string(fill.other);
  case Fill::BlockCounts:
    return "block_counts:" + std::to_string(fill.blockKeys);
  case Fill::PartialBlocks:
    return "partial_blocks:" + std::to_string(fill.blockKeys);
  case Fill::FullBlocks:
    return "full_blocks:" + std::to_string(fill.blockKeys);
  case Fill::LinearDecays:
    return "linear_decays";
  case Fill::LogDecays:
    return "log_decays";
  case Fill::Slots:
    return "slots";
  case Fill::Gates:
    return "gates";
  case Fill::UnitRows:
    return "unit_rows";
  case Fill::Opposite:
    return "opposite:" + std::to_string(fill.other);
  }
  return "unknown";
}

Result<std::string> attn::mutation::readText(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    return failure("cannot read '", path, "'");
  return text.str();
}

static Result<std::vector<Filling>> parseFills(const std::string &text) {
  std::vector<Filling> fills;
  std::istringstream stream(text);
  for (std::string word; stream >> word;) {
    Filling filling;
    size_t number = 0;
    if (size_t colon = word.find(':'); colon != std::string::npos)
      number = std::strtoul(word.c_str() + colon + 1, nullptr, 10);
    auto last = static_cast<int>(Fill::Opposite);
    int i = 0;
    for (; i <= last; ++i) {
      filling = {static_cast<Fill>(i)};
      if (filling.kind == Fill::CuSeqlens || filling.kind == Fill::Opposite)
        filling.other = number;
      else if (number != 0)
        filling.blockKeys = static_cast<int64_t>(number);
      if (word == fillName(filling))
        break;
    }
    if (i > last)
      return failure("expected a kind of data, got '", word, "'");
    fills.push_back(filling);
  }
  return fills;
}

/// A kernel that runs in front is named after the one that it runs for.
static std::string nameOf(const GoldenKernel &kernel) {
  std::string name = kernel.program->name;
  const std::string &program = kernel.program->bundle.signature.name;
  const std::string &own = kernel.kernel().plan.kernel;
  if (own.compare(0, program.size() + 1, program + '_') == 0)
    name += '/' + own.substr(program.size() + 1);
  if (kernel.variant + 1 < kernel.target().variants.size())
    name += "/long" + (kernel.variant ? std::to_string(kernel.variant) : "");
  return name;
}

std::vector<GoldenKernel>
attn::mutation::kernelsOf(const GoldenProgram &program) {
  std::vector<GoldenKernel> kernels;
  std::set<uint32_t> numbers;
  const auto &variants = program.bundle.targets.front().variants;
  // The last way is the one of the shorter names.
  for (size_t i = variants.size(); i-- > 0;)
    for (size_t j = 0; j < variants[i].launches.size(); ++j) {
      if (!numbers.insert(variants[i].launches[j].kernel).second)
        continue;
      kernels.push_back({"", &program, i, j});
      kernels.back().name = nameOf(kernels.back());
    }
  return kernels;
}

static Result<GoldenProgram> readGolden(const std::filesystem::path &path) {
  Result<Bundle> bundle = readBundleFile(path.string());
  if (bundle.failed())
    return bundle.error();
  std::filesystem::path fillsPath = path;
  Result<std::string> text =
      readText(fillsPath.replace_extension(".fills").string());
  if (text.failed())
    return text.error();
  Result<std::vector<Filling>> fills = parseFills(*text);
  if (fills.failed())
    return fills.error();
  GoldenProgram program;
  program.name = path.stem().string();
  program.fills = std::move(*fills);
  for (const TensorSpec &tensor : bundle->signature.tensors)
    if (!tensor.isOutput)
      program.inputs.push_back(tensor);
  if (program.fills.size() != program.inputs.size())
    return failure("expected the kinds of ", program.inputs.size(),
                   " inputs of '", program.name, "', got ",
                   program.fills.size());
  program.bundle = std::move(*bundle);
  return program;
}

Result<std::vector<GoldenProgram>>
attn::mutation::readGoldens(const std::string &folder) {
  std::vector<std::filesystem::path> paths;
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".attnb")
      paths.push_back(entry.path());
  if (paths.empty())
    return failure("expected bundles in '", folder, "', got none");
  std::sort(paths.begin(), paths.end());
  std::vector<GoldenProgram> programs;
  for (const std::filesystem::path &path : paths) {
    Result<GoldenProgram> program = readGolden(path);
    if (program.failed())
      return program.error();
    programs.push_back(std::move(*program));
  }
  return programs;
}
