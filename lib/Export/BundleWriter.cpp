//===- BundleWriter.cpp - Compiled programs into files --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plain C++: the unit tests build it under the sanitizers, without MLIR.
//
//===----------------------------------------------------------------------===//

#include "attn/Export/BundleWriter.h"

#include "attn/Runtime/Float.h"
#include "attn/Runtime/Sha256.h"

#include <algorithm>

using namespace attn::runtime;
namespace format = ::attn::runtime::bundle;
using format::SectionKind;

namespace {

struct Section {
  SectionKind kind;
  std::string data;
};

/// Writes JSON, one value after the other.
class JsonWriter {
public:
  std::string text;

  void value(int64_t number) {
    separate();
    text += std::to_string(number);
  }
  void value(bool flag) {
    separate();
    text += flag ? "true" : "false";
  }
  void value(const std::string &string) {
    separate();
    quote(string);
  }
  void begin(char bracket) {
    separate();
    text += bracket;
  }
  void end(char bracket) { text += bracket; }
  void key(const char *name) {
    separate();
    quote(name);
    text += ':';
  }
  template <typename T> void member(const char *name, const T &content) {
    key(name);
    value(content);
  }
  /// A member that is the list of what `write` makes of each item.
  template <typename List, typename Write>
  void list(const char *name, const List &items, Write write) {
    key(name);
    begin('[');
    for (const auto &item : items)
      write(item);
    end(']');
  }

private:
  void separate() {
    if (!text.empty() &&
        std::string("{[:").find(text.back()) == std::string::npos)
      text += ',';
  }
  void quote(const std::string &string);
};

/// The manifest of a bundle; the sections of its kernels are collected on the
/// way.
class ManifestWriter {
public:
  explicit ManifestWriter(std::vector<Section> &sections)
      : sections(sections) {}

  std::string write(const Bundle &bundle);

private:
  using SizeRef = LaunchPlan::SizeRef;

  void integers(std::initializer_list<int64_t> numbers);
  void expression(const Expression &terms);
  void tensors(const std::vector<TensorSpec> &tensors);
  void equalSizes(const std::vector<std::pair<SizeRef, SizeRef>> &sizes);
  void parameter(const KernelParameter &parameter);
  void kernel(const CompiledKernel &kernel);
  void variant(const Variant &variant);
  int64_t addSection(SectionKind kind, std::string data);

  std::vector<Section> &sections;
  JsonWriter json;
};

} // namespace

void JsonWriter::quote(const std::string &string) {
  constexpr char digits[] = "0123456789abcdef";
  text += '"';
  for (char c : string) {
    auto code = static_cast<unsigned char>(c);
    if (code < 0x20) {
      text += "\\u00";
      text += digits[code >> 4];
      text += digits[code & 15];
      continue;
    }
    if (c == '"' || c == '\\')
      text += '\\';
    text += c;
  }
  text += '"';
}

void ManifestWriter::integers(std::initializer_list<int64_t> numbers) {
  json.begin('[');
  for (int64_t number : numbers)
    json.value(number);
  json.end(']');
}

/// The name of an operation; null for a leaf that is written otherwise.
static const char *operationName(Term::Kind kind) {
  switch (kind) {
  case Term::Kind::Multiprocessors:
    return "multiprocessors";
  case Term::Kind::Add:
    return "add";
  case Term::Kind::Subtract:
    return "subtract";
  case Term::Kind::Multiply:
    return "multiply";
  case Term::Kind::FloorDivide:
    return "floor_divide";
  case Term::Kind::CeilDivide:
    return "ceil_divide";
  case Term::Kind::Minimum:
    return "minimum";
  case Term::Kind::Maximum:
    return "maximum";
  case Term::Kind::Less:
    return "less";
  case Term::Kind::LessEqual:
    return "less_equal";
  case Term::Kind::Equal:
    return "equal";
  case Term::Kind::And:
    return "and";
  case Term::Kind::Or:
    return "or";
  case Term::Kind::Constant:
  case Term::Kind::Size:
  case Term::Kind::Stride:
  case Term::Kind::Aligned:
    break;
  }
  return nullptr;
}

void ManifestWriter::expression(const Expression &terms) {
  json.begin('[');
  for (const Term &term : terms) {
    if (const char *name = operationName(term.kind)) {
      json.value(std::string(name));
    } else if (term.kind == Term::Kind::Constant) {
      json.value(term.value);
    } else {
      bool isAligned = term.kind == Term::Kind::Aligned;
      json.begin('[');
      json.value(std::string(isAligned                       ? "aligned"
                             : term.kind == Term::Kind::Size ? "size"
                                                             : "stride"));
      json.value(int64_t(term.tensor));
      json.value(isAligned ? term.value : int64_t(term.axis));
      json.end(']');
    }
  }
  json.end(']');
}

void ManifestWriter::tensors(const std::vector<TensorSpec> &tensors) {
  json.list("tensors", tensors, [&](const TensorSpec &tensor) {
    json.begin('{');
    json.member("name", tensor.name);
    json.member("type", std::string(elementName(tensor.elementType)));
    json.list("shape", tensor.shape, [&](int64_t size) { json.value(size); });
    json.member("output", tensor.isOutput);
    json.member("updates", int64_t(tensor.updates));
    json.end('}');
  });
}

void ManifestWriter::equalSizes(
    const std::vector<std::pair<SizeRef, SizeRef>> &sizes) {
  json.list("equal_sizes", sizes, [&](const auto &pair) {
    integers({pair.first.tensor, pair.first.axis, pair.second.tensor,
              pair.second.axis});
  });
}

void ManifestWriter::parameter(const KernelParameter &parameter) {
  using Kind = KernelParameter::Kind;
  json.begin('{');
  switch (parameter.kind) {
  case Kind::TensorMap:
    json.member("kind", std::string("tensor_map"));
    json.member("tensor", int64_t(parameter.tensor));
    json.member("swizzle", int64_t(parameter.swizzle));
    json.list("dims", parameter.mapDims, [&](const TensorMapDim &dim) {
      integers({dim.axis, dim.extent, dim.step, dim.box, dim.lastAtAddress});
    });
    break;
  case Kind::Pointer:
    json.member("kind", std::string("pointer"));
    json.member("tensor", int64_t(parameter.tensor));
    json.member("alignment", int64_t(parameter.alignment));
    break;
  case Kind::Size:
    json.member("kind", std::string("size"));
    json.member("tensor", int64_t(parameter.tensor));
    json.member("axis", int64_t(parameter.axis));
    break;
  case Kind::Value:
    json.member("kind", std::string("value"));
    json.key("expression");
    expression(parameter.expression);
    break;
  case Kind::Counter:
    json.member("kind", std::string("counter"));
    break;
  }
  json.end('}');
}

int64_t ManifestWriter::addSection(SectionKind kind, std::string data) {
  sections.push_back({kind, std::move(data)});
  return static_cast<int64_t>(sections.size()) - 1;
}

void ManifestWriter::kernel(const CompiledKernel &kernel) {
  const LaunchPlan &plan = kernel.plan;
  json.begin('{');
  json.member("name", plan.kernel);
  json.member("ptx", addSection(SectionKind::Ptx, kernel.ptx));
  int64_t cubin = -1;
  if (!kernel.cubin.empty())
    cubin = addSection(SectionKind::Cubin,
                       {kernel.cubin.begin(), kernel.cubin.end()});
  json.member("cubin", cubin);
  tensors(plan.tensors);
  equalSizes(plan.equalSizes);
  json.list("least_sizes", plan.leastSizes, [&](const LeastSize &least) {
    json.begin('[');
    json.value(int64_t(least.size.tensor));
    json.value(int64_t(least.size.axis));
    expression(least.least);
    json.end(']');
  });
  json.list("parameters", plan.parameters,
            [&](const KernelParameter &added) { parameter(added); });
  json.list("instances", plan.instances,
            [&](const Expression &extent) { expression(extent); });
  json.member("persistent", plan.persistent);
  json.member("awaits_previous", plan.awaitsPrevious);
  json.member("cluster", int64_t(plan.clusterBlocks));
  json.member("threads", int64_t(plan.threadsPerBlock));
  json.member("shared_memory", int64_t(plan.sharedMemoryBytes));
  json.end('}');
}

void ManifestWriter::variant(const Variant &variant) {
  json.begin('{');
  json.key("guard");
  expression(variant.guard);
  json.list("workspaces", variant.workspaces, [&](const Workspace &workspace) {
    json.begin('{');
    json.member("name", workspace.name);
    json.member("type", std::string(elementName(workspace.elementType)));
    json.list("shape", workspace.shape,
              [&](const Expression &size) { expression(size); });
    json.member("clear", int64_t(workspace.clear));
    json.end('}');
  });
  json.list("launches", variant.launches, [&](const KernelLaunch &launch) {
    json.begin('{');
    json.member("kernel", int64_t(launch.kernel));
    json.key("guard");
    expression(launch.guard);
    json.list("tensors", launch.tensors,
              [&](int32_t tensor) { json.value(int64_t(tensor)); });
    json.member("dependent", launch.dependent);
    json.end('}');
  });
  json.end('}');
}

std::string ManifestWriter::write(const Bundle &bundle) {
  json.begin('{');
  json.member("compiler", bundle.compiler);
  json.member("assembler", bundle.assembler);
  json.member("program", bundle.signature.name);
  tensors(bundle.signature.tensors);
  equalSizes(bundle.signature.equalSizes);
  json.list("targets", bundle.targets, [&](const TargetProgram &target) {
    json.begin('{');
    json.member("target", target.target);
    json.list("kernels", target.kernels,
              [&](const CompiledKernel &added) { kernel(added); });
    json.list("variants", target.variants,
              [&](const Variant &added) { variant(added); });
    json.end('}');
  });
  json.end('}');
  return json.text;
}

//===----------------------------------------------------------------------===//
// The container
//===----------------------------------------------------------------------===//

static void storeNumber(std::string &file, size_t offset, uint64_t value,
                        size_t bytes) {
  for (size_t i = 0; i < bytes; ++i)
    file[offset + i] = static_cast<char>(value >> (8 * i));
}

/// Appends the sections at multiples of their alignment and fills the table.
static void appendSections(std::string &file,
                           const std::vector<Section> &sections) {
  size_t entry = format::headerSize;
  file.resize(entry + sections.size() * format::sectionEntrySize);
  for (const Section &section : sections) {
    constexpr size_t mask = format::sectionAlignment - 1;
    file.resize((file.size() + mask) & ~mask);
    storeNumber(file, entry, static_cast<uint64_t>(section.kind), 4);
    storeNumber(file, entry + 8, file.size(), 8);
    storeNumber(file, entry + 16, section.data.size(), 8);
    entry += format::sectionEntrySize;
    file += section.data;
  }
}

std::string mlir::attn::writeBundle(const Bundle &bundle) {
  // The manifest comes first and numbers the sections behind it.
  std::vector<Section> sections(1);
  std::string manifest = ManifestWriter(sections).write(bundle);
  sections[0] = {SectionKind::Manifest, std::move(manifest)};

  std::string file(format::headerSize, '\0');
  std::copy(format::magic.begin(), format::magic.end(), file.begin());
  appendSections(file, sections);
  storeNumber(file, format::versionOffset, format::version, 4);
  storeNumber(file, format::sectionCountOffset, sections.size(), 4);
  storeNumber(file, format::fileSizeOffset, file.size(), 8);
  // The hash covers everything but itself.
  Sha256 hash;
  hash.update(file.data(), format::hashOffset);
  hash.update(file.data() + format::headerSize,
              file.size() - format::headerSize);
  Sha256::Digest digest = hash.finish();
  std::copy(digest.begin(), digest.end(), file.begin() + format::hashOffset);
  return file;
}
