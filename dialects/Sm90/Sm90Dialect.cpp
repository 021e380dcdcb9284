//===- Sm90Dialect.cpp - Dialect, types and attributes --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Sm90/Sm90.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::sm90;

/// Boxes are written as shapes: 128x128xbf16.
static ParseResult parseBox(AsmParser &parser, int64_t &rows, int64_t &columns,
                            Type &elementType) {
  SmallVector<int64_t> shape;
  SMLoc loc = parser.getCurrentLocation();
  if (parser.parseDimensionList(shape, /*allowDynamic=*/false) ||
      parser.parseType(elementType))
    return failure();
  if (shape.size() != 2)
    return parser.emitError(loc, "expected a box of two dimensions, got ")
           << shape.size();
  rows = shape[0];
  columns = shape[1];
  return success();
}

static void printBox(AsmPrinter &printer, int64_t rows, int64_t columns,
                     Type elementType) {
  printer << rows << "x" << columns << "x" << elementType;
}

#include "Sm90/Sm90Dialect.cpp.inc"
#include "Sm90/Sm90Enums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Sm90/Sm90Attrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Sm90/Sm90Types.cpp.inc"

void Sm90Dialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Sm90/Sm90Attrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "Sm90/Sm90Types.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Sm90/Sm90Ops.cpp.inc"
      >();
}

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t kvStages, int64_t warpgroups,
                                   int64_t producerRegisters,
                                   int64_t consumerRegisters, bool) {
  if (kvStages < 1)
    return emitError() << "expected kv_stages of at least 1, got " << kvStages;
  if (warpgroups < 1)
    return emitError() << "expected consumer_warpgroups of at least 1, got "
                       << warpgroups;
  // The range and the step are those of setmaxnreg.
  for (int64_t registers : {producerRegisters, consumerRegisters})
    if (registers < 24 || registers > 256 || registers % 8 != 0)
      return emitError() << "expected registers as a multiple of 8 from 24 to "
                            "256, got "
                         << registers;
  return success();
}

std::optional<Layout> mlir::sm90::getLayout(RankedTensorType type) {
  if (auto layout = dyn_cast_or_null<LayoutAttr>(type.getEncoding()))
    return layout.getValue();
  return std::nullopt;
}

RankedTensorType mlir::sm90::withLayout(RankedTensorType type, Layout layout) {
  return RankedTensorType::get(type.getShape(), type.getElementType(),
                               LayoutAttr::get(type.getContext(), layout));
}
