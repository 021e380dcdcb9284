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
    return "cu_seqlens:" + std::to_string(fill.rowsOf);
  case Fill::BlockCounts:
    return "block_counts:" + std::to_string(fill.blockKeys);
  case Fill::PartialBlocks:
    return "partial_blocks:" + std::to_string(fill.blockKeys);
  case Fill::FullBlocks:
    return "full_blocks:" + std::to_string(fill.blockKeys);
  // No kernel has a recurrence.
  case Fill::LinearDecays:
  case Fill::LogDecays:
  case Fill::Slots:
    break;
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
    auto last = static_cast<int>(Fill::FullBlocks);
    int i = 0;
    for (; i <= last; ++i) {
      filling = {static_cast<Fill>(i)};
      if (filling.kind == Fill::CuSeqlens)
        filling.rowsOf = number;
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
