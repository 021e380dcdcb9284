//===- AttentionDialect.cpp - The attn dialect and its types --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Attention/Attention.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/DialectImplementation.h"
#include "mlir/Interfaces/FoldInterfaces.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::attn;

#include "Attention/AttentionDialect.cpp.inc"

#include "Attention/AttentionEnums.cpp.inc"
#include "Attention/AttentionMaskInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Attention/AttentionAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Attention/AttentionTypes.cpp.inc"

namespace {
/// Keeps the constants of a mask or a score modifier inside of it, so that the
/// region can be read and lowered by itself.
struct AttentionFoldInterface : public DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;

  bool shouldMaterializeInto(Region *region) const final {
    return isa<MaskedOpInterface>(region->getParentOp());
  }
};
} // namespace

void AttentionDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Attention/AttentionAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "Attention/AttentionTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Attention/AttentionOps.cpp.inc"
      >();
  addInterfaces<AttentionFoldInterface>();
}

Operation *AttentionDialect::materializeConstant(OpBuilder &builder,
                                                 Attribute value, Type type,
                                                 Location loc) {
  return arith::ConstantOp::materialize(builder, value, type, loc);
}

//===----------------------------------------------------------------------===//
// attn.name
//===----------------------------------------------------------------------===//

static LogicalResult verifyNameAttribute(Operation *op, NamedAttribute attr) {
  if (attr.getName() != AttentionDialect::kNameAttr)
    return op->emitOpError("expected the attribute '")
           << AttentionDialect::kNameAttr << "', got '"
           << attr.getName().getValue() << "'";
  auto name = dyn_cast<StringAttr>(attr.getValue());
  if (!name || name.empty())
    return op->emitOpError("expected '")
           << AttentionDialect::kNameAttr << "' to be a nonempty string, got "
           << attr.getValue();
  return success();
}

static LogicalResult emitNameTwice(Operation *op, NamedAttribute attr) {
  return op->emitOpError("expected '")
         << AttentionDialect::kNameAttr
         << "' to be unique among arguments and results, got "
         << attr.getValue() << " twice";
}

LogicalResult AttentionDialect::verifyRegionArgAttribute(Operation *op,
                                                         unsigned regionIndex,
                                                         unsigned argIndex,
                                                         NamedAttribute attr) {
  if (failed(verifyNameAttribute(op, attr)))
    return failure();
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return success();
  for (unsigned i = 0; i != argIndex; ++i)
    if (function.getArgAttr(i, kNameAttr) == attr.getValue())
      return emitNameTwice(op, attr);
  return success();
}

LogicalResult AttentionDialect::verifyRegionResultAttribute(
    Operation *op, unsigned regionIndex, unsigned resultIndex,
    NamedAttribute attr) {
  if (failed(verifyNameAttribute(op, attr)))
    return failure();
  auto function = dyn_cast<FunctionOpInterface>(op);
  if (!function)
    return success();
  for (unsigned i = 0; i != function.getNumArguments(); ++i)
    if (function.getArgAttr(i, kNameAttr) == attr.getValue())
      return emitNameTwice(op, attr);
  for (unsigned i = 0; i != resultIndex; ++i)
    if (function.getResultAttr(i, kNameAttr) == attr.getValue())
      return emitNameTwice(op, attr);
  return success();
}

//===----------------------------------------------------------------------===//
// KVType
//===----------------------------------------------------------------------===//

static LogicalResult verifyTensor(function_ref<InFlightDiagnostic()> emitError,
                                  StringRef name, StringRef dims,
                                  StringRef packedDims, RankedTensorType type) {
  // C1
  int64_t rank = type.getRank();
  if (rank != 4 && rank != 3)
    return emitError() << "expected " << name << " to have rank 4 (" << dims
                       << ") or 3 (" << packedDims << "), got " << type;
  // C2
  for (int64_t dim : {rank - 2, rank - 1})
    if (type.isDynamicDim(dim) || type.getDimSize(dim) == 0)
      return emitError() << "expected dimension " << dim << " of " << name
                         << " to be static and positive, got " << type;
  return success();
}

LogicalResult KVType::verify(function_ref<InFlightDiagnostic()> emitError,
                             RankedTensorType key, RankedTensorType value) {
  if (failed(verifyTensor(emitError, "key", "[B, Lk, Hk, D]",
                          "[total_k, Hk, D]", key)) ||
      failed(verifyTensor(emitError, "value", "[B, Lk, Hk, Dv]",
                          "[total_k, Hk, Dv]", value)))
    return failure();
  // C1
  if (key.getRank() != value.getRank())
    return emitError() << "expected key and value to have the same rank, got "
                       << key << " and " << value;
  // C3
  for (int64_t dim = 0; dim != key.getRank() - 1; ++dim)
    if (key.getDimSize(dim) != value.getDimSize(dim))
      return emitError() << "expected key and value to agree in dimension "
                         << dim << ", got " << key << " and " << value;
  // C4
  Type element = key.getElementType();
  if (value.getElementType() != element)
    return emitError()
           << "expected key and value to have the same element type, got "
           << element << " and " << value.getElementType();
  if (!isa<BFloat16Type, Float16Type, Float32Type>(element))
    return emitError() << "expected the element type of key and value to be "
                          "bf16, f16 or f32, got "
                       << element;
  return success();
}
