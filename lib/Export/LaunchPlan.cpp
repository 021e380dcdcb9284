//===- LaunchPlan.cpp - What a launcher needs, read off a kernel
//-----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Export/LaunchPlan.h"

#include "Sm90/Sm90.h"

#include "llvm/ADT/StringMap.h"
#include "llvm/Support/MathExtras.h"

#include <map>

using namespace mlir;
namespace runtime = ::attn::runtime;

static runtime::ElementType convertElementType(Type type) {
  using runtime::ElementType;
  if (type.isBF16())
    return ElementType::BF16;
  if (type.isF16())
    return ElementType::F16;
  if (type.isF32())
    return ElementType::F32;
  switch (type.isIndex() ? 64 : type.getIntOrFloatBitWidth()) {
  case 1:
    return ElementType::I1;
  case 8:
    return ElementType::I8;
  case 16:
    return ElementType::I16;
  case 32:
    return ElementType::I32;
  default:
    return ElementType::I64;
  }
}

static runtime::TensorSpec convertTensor(sm90::TensorAttr tensor) {
  runtime::TensorSpec spec;
  spec.name = tensor.getName().str();
  spec.elementType = convertElementType(tensor.getType().getElementType());
  for (int64_t size : tensor.getType().getShape())
    spec.shape.push_back(ShapedType::isDynamic(size) ? -1 : size);
  spec.isOutput = tensor.getOutput();
  spec.updates = static_cast<int32_t>(tensor.getUpdates());
  return spec;
}

/// The dimensions in the order of the coordinates that a copy of one panel
/// gives: along the columns, the rows, and the other axes from the inside out.
static std::vector<runtime::TensorMapDim> convertMap(sm90::TensorMapType map) {
  int32_t rows = map.getAxes()[0], columns = map.getAxes()[1];
  int64_t width = map.isSwizzled() ? sm90::kPanelColumns : map.getColumns();
  std::vector<runtime::TensorMapDim> dims = {
      {columns, /*extent=*/-1, /*step=*/1, /*box=*/width},
      {rows, /*extent=*/-1, /*step=*/1, /*box=*/map.getRows()}};
  for (int32_t axis = map.getRank() - 1; axis >= 0; --axis)
    if (axis != rows && axis != columns)
      dims.push_back({axis, /*extent=*/-1, /*step=*/1, /*box=*/1});
  if (map.getSliced())
    dims.push_back({rows, /*extent=*/-1, /*step=*/1, /*box=*/1,
                    /*lastAtAddress=*/true});
  return dims;
}

/// Appends `expr`, whose symbols are of `sizes`, to a list in postfix order.
static void convertExpression(AffineExpr expr, ArrayRef<int64_t> sizes,
                              runtime::Expression &terms) {
  using Kind = runtime::Term::Kind;
  auto number = [&](unsigned i) { return static_cast<int32_t>(sizes[i]); };
  if (auto constant = dyn_cast<AffineConstantExpr>(expr)) {
    terms.push_back({Kind::Constant, constant.getValue()});
    return;
  }
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr)) {
    unsigned i = 2 * symbol.getPosition();
    terms.push_back({Kind::Size, 0, number(i), number(i + 1)});
    return;
  }
  auto binary = cast<AffineBinaryOpExpr>(expr);
  convertExpression(binary.getLHS(), sizes, terms);
  convertExpression(binary.getRHS(), sizes, terms);
  switch (expr.getKind()) {
  case AffineExprKind::Add:
    return terms.push_back({Kind::Add});
  case AffineExprKind::Mul:
    return terms.push_back({Kind::Multiply});
  case AffineExprKind::FloorDiv:
    return terms.push_back({Kind::FloorDivide});
  default:
    return terms.push_back({Kind::CeilDivide});
  }
}

/// A count of instances along one axis: see `sm90.extent`.
static runtime::Expression convertExtent(sm90::ExtentAttr extent) {
  using Kind = runtime::Term::Kind;
  runtime::Expression terms;
  convertExpression(extent.getMap().getResult(0), extent.getSizes(), terms);
  if (extent.getMap().getNumResults() == 1)
    return terms;
  terms.push_back({Kind::Multiprocessors});
  convertExpression(extent.getMap().getResult(1), extent.getSizes(), terms);
  // Where there is nothing beside it, nothing is launched.
  terms.insert(terms.end(), {{Kind::Constant, 1},
                             {Kind::Maximum},
                             {Kind::FloorDivide},
                             {Kind::Minimum},
                             {Kind::Constant, 1},
                             {Kind::Maximum}});
  return terms;
}

using SizesOfSymbols = std::map<int64_t, runtime::LaunchPlan::SizeRef>;

/// What `least`, in the form of tile.least, demands of a size.
static runtime::Expression convertLeast(ArrayRef<int64_t> least,
                                        const SizesOfSymbols &sizes) {
  using Kind = runtime::Term::Kind;
  auto size = sizes.find(least[1]);
  if (size == sizes.end())
    return {{Kind::Constant, llvm::divideCeilSigned(least[2], least[3])}};
  runtime::Expression terms = {
      {Kind::Size, 0, size->second.tensor, size->second.axis}};
  if (least[2] != 0)
    terms.insert(terms.end(), {{Kind::Constant, least[2]}, {Kind::Add}});
  if (least[3] != 1)
    terms.insert(terms.end(), {{Kind::Constant, least[3]}, {Kind::CeilDivide}});
  return terms;
}

static runtime::KernelParameter convertArgument(sm90::KernelOp kernel,
                                                unsigned index) {
  using Kind = runtime::KernelParameter::Kind;
  auto number = [&](StringRef name) -> int32_t {
    auto attr = kernel.getArgAttrOfType<IntegerAttr>(index, name);
    return attr ? attr.getInt() : 0;
  };
  runtime::KernelParameter parameter;
  parameter.tensor = number(sm90::KernelOp::getTensorAttrName());
  Type type = kernel.getArgumentTypes()[index];
  if (kernel.getArgAttr(index, sm90::KernelOp::getCounterAttrName())) {
    parameter.kind = Kind::Counter;
    return parameter;
  }
  if (auto map = dyn_cast<sm90::TensorMapType>(type)) {
    parameter.kind = Kind::TensorMap;
    parameter.mapDims = convertMap(map);
    parameter.swizzle =
        map.isSwizzled() ? runtime::Swizzle::B128 : runtime::Swizzle::None;
  } else if (type.isIndex()) {
    parameter.kind = Kind::Size;
    parameter.axis = number(sm90::KernelOp::getAxisAttrName());
  } else if (type.isInteger(64)) {
    parameter.kind = Kind::Value;
    parameter.expression = {{runtime::Term::Kind::Stride, 0, parameter.tensor,
                             number(sm90::KernelOp::getAxisAttrName())}};
  } else {
    parameter.kind = Kind::Pointer;
    if (int32_t alignment = number(sm90::KernelOp::getAlignmentAttrName()))
      parameter.alignment = alignment;
  }
  return parameter;
}

runtime::LaunchPlan mlir::attn::createLaunchPlan(sm90::KernelOp kernel) {
  runtime::LaunchPlan plan;
  plan.kernel = kernel.getSymName().str();
  SizesOfSymbols firstOfSymbol;
  for (auto [index, attr] :
       llvm::enumerate(kernel.getTensors().getAsRange<sm90::TensorAttr>())) {
    plan.tensors.push_back(convertTensor(attr));
    for (auto [axis, symbol] : llvm::enumerate(attr.getSymbols())) {
      if (symbol < 0)
        continue;
      runtime::LaunchPlan::SizeRef size{static_cast<int32_t>(index),
                                        static_cast<int32_t>(axis)};
      auto [it, isNew] = firstOfSymbol.try_emplace(symbol, size);
      if (!isNew)
        plan.equalSizes.push_back({it->second, size});
    }
  }
  for (auto [index, attr] :
       llvm::enumerate(kernel.getTensors().getAsRange<sm90::TensorAttr>()))
    for (ArrayRef<int64_t> least = attr.getLeast(); !least.empty();
         least = least.drop_front(4))
      plan.leastSizes.push_back(
          {{static_cast<int32_t>(index), static_cast<int32_t>(least[0])},
           convertLeast(least, firstOfSymbol)});
  for (unsigned i = 0, e = kernel.getArgumentTypes().size(); i < e; ++i)
    plan.parameters.push_back(convertArgument(kernel, i));
  for (auto extent : kernel.getInstances().getAsRange<sm90::ExtentAttr>())
    plan.instances.push_back(convertExtent(extent));
  plan.persistent = kernel.getSchedule().getPersistent();
  plan.awaitsPrevious = kernel.getSchedule().getDependentLaunch();
  plan.threadsPerBlock = kernel.getThreads();
  plan.sharedMemoryBytes = *kernel.getSharedMemory();
  return plan;
}

//===----------------------------------------------------------------------===//
// Programs of several kernels
//===----------------------------------------------------------------------===//

bool mlir::attn::isPreparation(sm90::KernelOp kernel) {
  return llvm::all_of(kernel.getTensors().getAsRange<sm90::TensorAttr>(),
                      [](sm90::TensorAttr tensor) {
                        return !tensor.getOutput() || tensor.getWorkspace();
                      });
}

runtime::Signature mlir::attn::createSignature(sm90::KernelOp kernel) {
  runtime::LaunchPlan plan = mlir::attn::createLaunchPlan(kernel);
  runtime::Signature signature;
  signature.name = plan.kernel;
  // The number of each tensor of the kernel among those of the program.
  SmallVector<int32_t> numbers;
  for (auto [tensor, spec] : llvm::zip_equal(
           kernel.getTensors().getAsRange<sm90::TensorAttr>(), plan.tensors)) {
    numbers.push_back(static_cast<int32_t>(signature.tensors.size()));
    if (tensor.getWorkspace())
      numbers.back() = -1;
    else
      signature.tensors.push_back(spec);
  }
  for (auto [a, b] : plan.equalSizes)
    if (numbers[a.tensor] >= 0 && numbers[b.tensor] >= 0)
      signature.equalSizes.push_back(
          {{numbers[a.tensor], a.axis}, {numbers[b.tensor], b.axis}});
  return signature;
}

namespace {
/// Numbers the tensors of a program by their names, those of its signature
/// first.
class VariantBuilder {
public:
  explicit VariantBuilder(const runtime::Signature &signature)
      : firstWorkspace(signature.tensors.size()) {
    for (auto [i, tensor] : llvm::enumerate(signature.tensors))
      numbers.try_emplace(tensor.name, i);
  }

  void launch(sm90::KernelOp kernel);

  runtime::Variant variant;

private:
  void addWorkspace(sm90::TensorAttr tensor, const runtime::LaunchPlan &plan);
  runtime::Expression getGuard(sm90::KernelOp kernel,
                               const runtime::LaunchPlan &plan);
  /// An expression of the tensors of a kernel, of those of the program.
  runtime::Expression renumber(runtime::Expression expression,
                               const runtime::LaunchPlan &plan) {
    for (runtime::Term &term : expression)
      if (term.kind == runtime::Term::Kind::Size)
        term.tensor = numbers.lookup(plan.tensors[term.tensor].name);
    return expression;
  }

  llvm::StringMap<int32_t> numbers, workspaces;
  size_t firstWorkspace;
};
} // namespace

/// Its sizes are the counts of instances of the kernel that writes it, and the
/// static ones.
void VariantBuilder::addWorkspace(sm90::TensorAttr tensor,
                                  const runtime::LaunchPlan &plan) {
  runtime::TensorSpec spec = convertTensor(tensor);
  runtime::Workspace workspace;
  workspace.name = spec.name;
  workspace.elementType = spec.elementType;
  for (auto [axis, size] : llvm::enumerate(spec.shape)) {
    if (size >= 0) {
      workspace.shape.push_back({{runtime::Term::Kind::Constant, size}});
      continue;
    }
    runtime::Expression count = renumber(plan.instances[axis], plan);
    count.push_back({runtime::Term::Kind::Constant, 0});
    count.push_back({runtime::Term::Kind::Maximum});
    workspace.shape.push_back(std::move(count));
  }
  workspaces.try_emplace(spec.name, firstWorkspace + workspaces.size());
  variant.workspaces.push_back(std::move(workspace));
}

/// What is found for parts is needed where there are several.
runtime::Expression VariantBuilder::getGuard(sm90::KernelOp kernel,
                                             const runtime::LaunchPlan &plan) {
  runtime::Expression guard;
  for (auto [extent, count] :
       llvm::zip_equal(kernel.getInstances().getAsRange<sm90::ExtentAttr>(),
                       plan.instances)) {
    if (extent.getMap().getNumResults() == 1)
      continue;
    guard = {{runtime::Term::Kind::Constant, 1}};
    llvm::append_range(guard, renumber(count, plan));
    guard.push_back({runtime::Term::Kind::Less});
  }
  return guard;
}

void VariantBuilder::launch(sm90::KernelOp kernel) {
  runtime::LaunchPlan plan = mlir::attn::createLaunchPlan(kernel);
  runtime::KernelLaunch launch;
  launch.kernel = static_cast<uint32_t>(variant.launches.size());
  for (auto tensor : kernel.getTensors().getAsRange<sm90::TensorAttr>()) {
    if (tensor.getWorkspace() && tensor.getOutput())
      addWorkspace(tensor, plan);
    const llvm::StringMap<int32_t> &known =
        tensor.getWorkspace() ? workspaces : numbers;
    launch.tensors.push_back(known.lookup(tensor.getName()));
  }
  launch.guard = getGuard(kernel, plan);
  launch.dependent = plan.awaitsPrevious;
  variant.launches.push_back(std::move(launch));
}

runtime::Variant mlir::attn::createVariant(ArrayRef<sm90::KernelOp> kernels) {
  VariantBuilder builder(createSignature(kernels.back()));
  for (sm90::KernelOp kernel : kernels)
    builder.launch(kernel);
  return std::move(builder.variant);
}
