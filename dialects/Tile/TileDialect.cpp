//===- TileDialect.cpp - Dialect, types and attributes --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tile/Tile.h"

#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace mlir::tile;

#include "Tile/TileDialect.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Tile/TileAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Tile/TileTypes.cpp.inc"

void TileDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "Tile/TileAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "Tile/TileTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "Tile/TileOps.cpp.inc"
      >();
}

LogicalResult TileDialect::verifyOperationAttribute(Operation *op,
                                                    NamedAttribute attr) {
  // The decisions about an attention, before there is a kernel.
  if (attr.getName() == "tile.schedule" && !isa<ScheduleAttr>(attr.getValue()))
    return op->emitOpError("expected 'tile.schedule' to be a #tile.schedule, "
                           "got ")
           << attr.getValue();
  return success();
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

Type ViewType::parse(AsmParser &parser) {
  SmallVector<int64_t> shape;
  Type elementType;
  if (parser.parseLess() || parser.parseDimensionList(shape) ||
      parser.parseType(elementType) || parser.parseGreater())
    return {};
  return get(parser.getContext(), shape, elementType);
}

void ViewType::print(AsmPrinter &printer) const {
  printer << "<";
  printer.printDimensionList(getShape());
  printer << (getShape().empty() ? "" : "x") << getElementType() << ">";
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

LogicalResult ScheduleAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t blockQ, int64_t blockKv, bool, bool,
                                   int64_t rescaleThreshold, bool, bool, bool,
                                   int64_t sectionBytes, int64_t segmentChunks,
                                   int64_t stateParts, bool, Attribute) {
  if (stateParts != 1 && stateParts != 2)
    return emitError() << "expected state_parts of 1 or 2, got " << stateParts;
  if (segmentChunks < 0)
    return emitError() << "expected segment_chunks of at least 0, got "
                       << segmentChunks;
  if (sectionBytes <= 0)
    return emitError() << "expected positive section_bytes, got "
                       << sectionBytes;
  if (blockQ <= 0 || blockKv <= 0)
    return emitError() << "expected positive block sizes, got block_q = "
                       << blockQ << ", block_kv = " << blockKv;
  // exp2 of the threshold must stay far from the largest f32.
  if (rescaleThreshold < 0 || rescaleThreshold > 64)
    return emitError() << "expected rescale_threshold between 0 and 64, got "
                       << rescaleThreshold;
  return success();
}
