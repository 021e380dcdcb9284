//===- Manifest.cpp - What a bundle says of its kernels -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manifest.h"

#include "Json.h"

#include "attn/Runtime/Float.h"

#include <algorithm>
#include <limits>
#include <optional>

using namespace attn::runtime;

namespace {
constexpr int64_t maxInt64 = std::numeric_limits<int64_t>::max();
constexpr int64_t maxInt32 = std::numeric_limits<int32_t>::max();
constexpr size_t maxText = 4096;
/// The widest access of a thread.
constexpr int64_t maxAlignment = 16;
/// Of any list; small enough that a manifest cannot ask for much memory.
constexpr size_t maxItems = 4096;

/// The name of a term's kind in a manifest.
struct TermName {
  const char *name;
  Term::Kind kind;
};
constexpr TermName operators[] = {
    {"multiprocessors", Term::Kind::Multiprocessors},
    {"add", Term::Kind::Add},
    {"subtract", Term::Kind::Subtract},
    {"multiply", Term::Kind::Multiply},
    {"floor_divide", Term::Kind::FloorDivide},
    {"ceil_divide", Term::Kind::CeilDivide},
    {"minimum", Term::Kind::Minimum},
    {"maximum", Term::Kind::Maximum},
    {"less", Term::Kind::Less},
    {"less_equal", Term::Kind::LessEqual},
    {"equal", Term::Kind::Equal},
    {"and", Term::Kind::And},
    {"or", Term::Kind::Or}};

/// Reads the manifest. The first thing that is wrong is kept; from then on,
/// everything that is read is empty.
class ManifestReader {
public:
  explicit ManifestReader(size_t sectionCount) : sectionCount(sectionCount) {}

  Result<Manifest> read(const json::Value &value);

private:
  using Items = std::vector<json::Value>;

  /// Says that `what` was expected at the place that is being read.
  void expect(const std::string &what);

  /// Takes member `key`; null, with an error, where there is none.
  const json::Value *take(const json::Value &object, const char *key,
                          json::Value::Kind kind, const char *kindText);
  std::string takeText(const json::Value &object, const char *key);
  bool takeFlag(const json::Value &object, const char *key);
  int64_t takeInteger(const json::Value &object, const char *key, int64_t least,
                      int64_t most);
  /// Calls `read` for each item of the list `key`.
  template <typename Read>
  void takeList(const json::Value &object, const char *key, Read read);
  /// The object must have no other than these keys.
  void checkKeys(const json::Value &object,
                 std::initializer_list<const char *> keys);

  int64_t toInteger(const json::Value &value, int64_t least, int64_t most);
  /// `value` as a list of `count` integers.
  std::vector<int64_t> toIntegers(const json::Value &value, size_t count);

  ElementType takeElementType(const json::Value &object);
  Term toTerm(const json::Value &value);
  Expression toExpression(const json::Value &value);
  Expression takeExpression(const json::Value &object, const char *key);
  TensorSpec toTensor(const json::Value &value);
  void takeTensors(const json::Value &object, std::vector<TensorSpec> &tensors);
  void takeEqualSizes(
      const json::Value &object,
      std::vector<std::pair<LaunchPlan::SizeRef, LaunchPlan::SizeRef>> &sizes);
  LeastSize toLeastSize(const json::Value &value);
  TensorMapDim toMapDim(const json::Value &value);
  KernelParameter toParameter(const json::Value &value);
  LaunchPlan toKernel(const json::Value &value, KernelSections &sections);
  Workspace toWorkspace(const json::Value &value);
  KernelLaunch toLaunch(const json::Value &value);
  Variant toVariant(const json::Value &value);
  TargetProgram toTarget(const json::Value &value,
                         std::vector<KernelSections> &sections);

  const size_t sectionCount;
  /// Where the reader is, e.g. ".targets[0].kernels[1]".
  std::string place;
  std::optional<Failure> error;
};

/// Extends the place of a reader for as long as it lives.
class Scope {
public:
  Scope(std::string &place, const std::string &step)
      : place(place), size(place.size()) {
    place += step;
  }
  ~Scope() { place.resize(size); }

private:
  std::string &place;
  size_t size;
};
} // namespace

void ManifestReader::expect(const std::string &what) {
  if (!error)
    error = failure("malformed manifest: expected manifest", place, " to be ",
                    what);
}

const json::Value *ManifestReader::take(const json::Value &object,
                                        const char *key, json::Value::Kind kind,
                                        const char *kindText) {
  Scope scope(place, std::string(".") + key);
  for (const auto &[name, value] : object.members)
    if (name == key && value.kind == kind)
      return &value;
  expect(kindText);
  return nullptr;
}

std::string ManifestReader::takeText(const json::Value &object,
                                     const char *key) {
  const json::Value *value =
      take(object, key, json::Value::Kind::String, "a string");
  if (!value)
    return {};
  Scope scope(place, std::string(".") + key);
  if (value->string.size() > maxText ||
      value->string.find('\0') != std::string::npos)
    expect("a short string without null characters");
  return value->string;
}

bool ManifestReader::takeFlag(const json::Value &object, const char *key) {
  const json::Value *value =
      take(object, key, json::Value::Kind::Boolean, "true or false");
  return value && value->boolean;
}

int64_t ManifestReader::toInteger(const json::Value &value, int64_t least,
                                  int64_t most) {
  if (value.kind == json::Value::Kind::Integer && value.integer >= least &&
      value.integer <= most)
    return value.integer;
  expect("an integer from " + std::to_string(least) + " to " +
         std::to_string(most));
  return 0;
}

int64_t ManifestReader::takeInteger(const json::Value &object, const char *key,
                                    int64_t least, int64_t most) {
  const json::Value *value =
      take(object, key, json::Value::Kind::Integer, "an integer");
  if (!value)
    return 0;
  Scope scope(place, std::string(".") + key);
  return toInteger(*value, least, most);
}

template <typename Read>
void ManifestReader::takeList(const json::Value &object, const char *key,
                              Read read) {
  const json::Value *list =
      take(object, key, json::Value::Kind::Array, "a list");
  if (!list)
    return;
  Scope scope(place, std::string(".") + key);
  if (list->items.size() > maxItems)
    return expect("a list of at most " + std::to_string(maxItems) + " items");
  for (size_t i = 0; i < list->items.size() && !error; ++i) {
    Scope item(place, "[" + std::to_string(i) + "]");
    read(list->items[i]);
  }
}

void ManifestReader::checkKeys(const json::Value &object,
                               std::initializer_list<const char *> keys) {
  if (object.kind != json::Value::Kind::Object)
    return expect("an object");
  for (const auto &member : object.members)
    if (std::none_of(keys.begin(), keys.end(),
                     [&](const char *key) { return member.first == key; }))
      expect("without the unknown key '" + member.first + "'");
}

std::vector<int64_t> ManifestReader::toIntegers(const json::Value &value,
                                                size_t count) {
  std::vector<int64_t> integers;
  if (value.kind == json::Value::Kind::Array && value.items.size() == count)
    for (const json::Value &item : value.items)
      if (item.kind == json::Value::Kind::Integer)
        integers.push_back(item.integer);
  if (integers.size() != count) {
    expect("a list of " + std::to_string(count) + " integers");
    integers.resize(count);
  }
  return integers;
}

ElementType ManifestReader::takeElementType(const json::Value &object) {
  std::string name = takeText(object, "type");
  std::optional<ElementType> type = elementTypeNamed(name);
  if (!type) {
    Scope scope(place, ".type");
    expect("the name of an element type");
  }
  return type.value_or(ElementType::BF16);
}

/// An integer is a constant, a string an operation; ["size", tensor, axis],
/// ["stride", tensor, axis] and ["aligned", tensor, bytes] read a tensor.
Term ManifestReader::toTerm(const json::Value &value) {
  if (value.kind == json::Value::Kind::Integer)
    return {Term::Kind::Constant, value.integer, 0, 0};
  if (value.kind == json::Value::Kind::String)
    for (const TermName &known : operators)
      if (value.string == known.name)
        return {known.kind, 0, 0, 0};
  const auto &items = value.items;
  bool isTriple = items.size() == 3 &&
                  items[0].kind == json::Value::Kind::String &&
                  items[1].kind == json::Value::Kind::Integer &&
                  items[2].kind == json::Value::Kind::Integer;
  bool isSize = isTriple && items[0].string == "size";
  if (isSize || (isTriple && items[0].string == "stride"))
    return {isSize ? Term::Kind::Size : Term::Kind::Stride, 0,
            static_cast<int32_t>(toInteger(items[1], 0, maxInt32)),
            static_cast<int32_t>(toInteger(items[2], 0, maxInt32))};
  if (isTriple && items[0].string == "aligned")
    return {Term::Kind::Aligned, toInteger(items[2], 1, maxInt32),
            static_cast<int32_t>(toInteger(items[1], 0, maxInt32)), 0};
  expect("a constant, an operation, a size, a stride or an alignment");
  return {};
}

Expression ManifestReader::toExpression(const json::Value &value) {
  Expression expression;
  if (value.kind != json::Value::Kind::Array || value.items.size() > maxItems)
    expect("an expression");
  else
    for (const json::Value &item : value.items)
      expression.push_back(toTerm(item));
  return expression;
}

Expression ManifestReader::takeExpression(const json::Value &object,
                                          const char *key) {
  const json::Value *value =
      take(object, key, json::Value::Kind::Array, "an expression");
  if (!value)
    return {};
  Scope scope(place, std::string(".") + key);
  return toExpression(*value);
}

TensorSpec ManifestReader::toTensor(const json::Value &value) {
  checkKeys(value, {"name", "type", "shape", "output", "updates"});
  TensorSpec tensor;
  tensor.name = takeText(value, "name");
  tensor.elementType = takeElementType(value);
  takeList(value, "shape", [&](const json::Value &size) {
    tensor.shape.push_back(toInteger(size, -1, maxInt64));
  });
  tensor.isOutput = takeFlag(value, "output");
  tensor.updates =
      static_cast<int32_t>(takeInteger(value, "updates", -1, maxInt32));
  return tensor;
}

void ManifestReader::takeTensors(const json::Value &object,
                                 std::vector<TensorSpec> &tensors) {
  takeList(object, "tensors", [&](const json::Value &tensor) {
    tensors.push_back(toTensor(tensor));
  });
}

void ManifestReader::takeEqualSizes(
    const json::Value &object,
    std::vector<std::pair<LaunchPlan::SizeRef, LaunchPlan::SizeRef>> &sizes) {
  takeList(object, "equal_sizes", [&](const json::Value &pair) {
    std::vector<int64_t> refs = toIntegers(pair, 4);
    for (int64_t ref : refs)
      if (ref < 0 || ref > maxInt32)
        return expect("four numbers of tensors and axes");
    auto number = [&](size_t i) { return static_cast<int32_t>(refs[i]); };
    sizes.push_back({{number(0), number(1)}, {number(2), number(3)}});
  });
}

LeastSize ManifestReader::toLeastSize(const json::Value &value) {
  if (value.kind != json::Value::Kind::Array || value.items.size() != 3) {
    expect("a tensor, an axis and an expression");
    return {};
  }
  auto number = [&](size_t i) {
    return static_cast<int32_t>(toInteger(value.items[i], 0, maxInt32));
  };
  return {{number(0), number(1)}, toExpression(value.items[2])};
}

TensorMapDim ManifestReader::toMapDim(const json::Value &value) {
  std::vector<int64_t> numbers = toIntegers(value, 5);
  if (numbers[0] < 0 || numbers[0] > maxInt32 || numbers[4] < 0 ||
      numbers[4] > 1)
    expect("a dimension that starts with an axis and ends with 0 or 1");
  return {static_cast<int32_t>(numbers[0]), numbers[1], numbers[2], numbers[3],
          numbers[4] == 1};
}

KernelParameter ManifestReader::toParameter(const json::Value &value) {
  using Kind = KernelParameter::Kind;
  KernelParameter parameter;
  std::string kind = takeText(value, "kind");
  if (kind == "value") {
    checkKeys(value, {"kind", "expression"});
    parameter.kind = Kind::Value;
    parameter.expression = takeExpression(value, "expression");
    return parameter;
  }
  if (kind == "counter") {
    checkKeys(value, {"kind"});
    parameter.kind = Kind::Counter;
    return parameter;
  }
  parameter.tensor =
      static_cast<int32_t>(takeInteger(value, "tensor", 0, maxInt32));
  if (kind == "tensor_map") {
    checkKeys(value, {"kind", "tensor", "swizzle", "dims"});
    parameter.kind = Kind::TensorMap;
    parameter.swizzle =
        static_cast<Swizzle>(takeInteger(value, "swizzle", 0, 128));
    takeList(value, "dims", [&](const json::Value &dim) {
      parameter.mapDims.push_back(toMapDim(dim));
    });
  } else if (kind == "pointer") {
    checkKeys(value, {"kind", "tensor", "alignment"});
    parameter.kind = Kind::Pointer;
    parameter.alignment =
        static_cast<uint32_t>(takeInteger(value, "alignment", 1, maxAlignment));
  } else if (kind == "size") {
    checkKeys(value, {"kind", "tensor", "axis"});
    parameter.axis =
        static_cast<int32_t>(takeInteger(value, "axis", 0, maxInt32));
  } else {
    expect("a tensor_map, a pointer, a size, a value or a counter");
  }
  return parameter;
}

LaunchPlan ManifestReader::toKernel(const json::Value &value,
                                    KernelSections &sections) {
  checkKeys(value, {"name", "ptx", "cubin", "tensors", "equal_sizes",
                    "least_sizes", "parameters", "instances", "persistent",
                    "awaits_previous", "cluster", "threads", "shared_memory"});
  auto lastSection = static_cast<int64_t>(sectionCount) - 1;
  sections.ptx = takeInteger(value, "ptx", 0, lastSection);
  sections.cubin = takeInteger(value, "cubin", -1, lastSection);
  LaunchPlan plan;
  plan.kernel = takeText(value, "name");
  takeTensors(value, plan.tensors);
  takeEqualSizes(value, plan.equalSizes);
  takeList(value, "least_sizes", [&](const json::Value &least) {
    plan.leastSizes.push_back(toLeastSize(least));
  });
  takeList(value, "parameters", [&](const json::Value &parameter) {
    plan.parameters.push_back(toParameter(parameter));
  });
  takeList(value, "instances", [&](const json::Value &extent) {
    plan.instances.push_back(toExpression(extent));
  });
  plan.persistent = takeFlag(value, "persistent");
  plan.awaitsPrevious = takeFlag(value, "awaits_previous");
  plan.clusterBlocks =
      static_cast<uint32_t>(takeInteger(value, "cluster", 1, maxInt32));
  plan.threadsPerBlock =
      static_cast<uint32_t>(takeInteger(value, "threads", 1, maxInt32));
  plan.sharedMemoryBytes =
      static_cast<uint32_t>(takeInteger(value, "shared_memory", 0, maxInt32));
  return plan;
}

Workspace ManifestReader::toWorkspace(const json::Value &value) {
  checkKeys(value, {"name", "type", "shape", "clear"});
  Workspace workspace;
  workspace.name = takeText(value, "name");
  workspace.elementType = takeElementType(value);
  takeList(value, "shape", [&](const json::Value &size) {
    workspace.shape.push_back(toExpression(size));
  });
  workspace.clear = static_cast<int32_t>(takeInteger(value, "clear", -1, 255));
  return workspace;
}

KernelLaunch ManifestReader::toLaunch(const json::Value &value) {
  checkKeys(value, {"kernel", "guard", "tensors", "dependent"});
  KernelLaunch launch;
  launch.kernel =
      static_cast<uint32_t>(takeInteger(value, "kernel", 0, maxInt32));
  launch.guard = takeExpression(value, "guard");
  takeList(value, "tensors", [&](const json::Value &tensor) {
    launch.tensors.push_back(
        static_cast<int32_t>(toInteger(tensor, 0, maxInt32)));
  });
  launch.dependent = takeFlag(value, "dependent");
  return launch;
}

Variant ManifestReader::toVariant(const json::Value &value) {
  checkKeys(value, {"guard", "workspaces", "launches"});
  Variant variant;
  variant.guard = takeExpression(value, "guard");
  takeList(value, "workspaces", [&](const json::Value &workspace) {
    variant.workspaces.push_back(toWorkspace(workspace));
  });
  takeList(value, "launches", [&](const json::Value &launch) {
    variant.launches.push_back(toLaunch(launch));
  });
  return variant;
}

TargetProgram ManifestReader::toTarget(const json::Value &value,
                                       std::vector<KernelSections> &sections) {
  checkKeys(value, {"target", "kernels", "variants"});
  TargetProgram program;
  program.target = takeText(value, "target");
  takeList(value, "kernels", [&](const json::Value &kernel) {
    CompiledKernel &added = program.kernels.emplace_back();
    added.plan = toKernel(kernel, sections.emplace_back());
  });
  takeList(value, "variants", [&](const json::Value &variant) {
    program.variants.push_back(toVariant(variant));
  });
  return program;
}

Result<Manifest> ManifestReader::read(const json::Value &value) {
  Manifest manifest;
  Bundle &bundle = manifest.bundle;
  checkKeys(value, {"compiler", "assembler", "program", "tensors",
                    "equal_sizes", "targets"});
  bundle.compiler = takeText(value, "compiler");
  bundle.assembler = takeText(value, "assembler");
  bundle.signature.name = takeText(value, "program");
  takeTensors(value, bundle.signature.tensors);
  takeEqualSizes(value, bundle.signature.equalSizes);
  takeList(value, "targets", [&](const json::Value &target) {
    bundle.targets.push_back(
        toTarget(target, manifest.sections.emplace_back()));
  });
  if (error)
    return *error;
  return manifest;
}

Result<Manifest> attn::runtime::readManifest(std::string_view text,
                                             size_t sectionCount) {
  Result<json::Value> value = json::parse(text);
  if (value.failed())
    return failure("malformed manifest: ", value.message());
  return ManifestReader(sectionCount).read(*value);
}
