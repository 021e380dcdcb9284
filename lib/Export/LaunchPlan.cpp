//===- LaunchPlan.cpp - What a launcher needs, read off a kernel
//-----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Export/LaunchPlan.h"

#include "Sm90/Sm90.h"

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
  return spec;
}

/// The dimensions in the order of the coordinates that a copy of one panel
/// gives: along the columns, the rows, and the other axes from the inside out.
static std::vector<runtime::TensorMapDim> convertMap(sm90::TensorMapType map) {
  int32_t rows = map.getAxes()[0], columns = map.getAxes()[1];
  std::vector<runtime::TensorMapDim> dims = {
      {columns, /*extent=*/-1, /*step=*/1, /*box=*/sm90::kPanelColumns},
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
    parameter.swizzle = runtime::Swizzle::B128;
  } else if (type.isIndex()) {
    parameter.kind = Kind::Size;
    parameter.axis = number(sm90::KernelOp::getAxisAttrName());
  } else if (type.isInteger(64)) {
    parameter.kind = Kind::Value;
    parameter.expression = {{runtime::Term::Kind::Stride, 0, parameter.tensor,
                             number(sm90::KernelOp::getAxisAttrName())}};
  } else {
    parameter.kind = Kind::Pointer;
    if (auto alignment = kernel.getArgAttrOfType<IntegerAttr>(
            index, sm90::KernelOp::getAlignmentAttrName()))
      parameter.alignment = alignment.getInt();
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
    convertExpression(extent.getMap().getResult(0), extent.getSizes(),
                      plan.instances.emplace_back());
  plan.persistent = kernel.getSchedule().getPersistent();
  plan.awaitsPrevious = kernel.getSchedule().getDependentLaunch();
  plan.threadsPerBlock = kernel.getThreads();
  plan.sharedMemoryBytes = *kernel.getSharedMemory();
  return plan;
}
