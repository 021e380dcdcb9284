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

/// `[0, -1]`, or `[]` of a tensor without axes.
static ParseResult parseSymbols(AsmParser &parser,
                                SmallVector<int64_t> &symbols) {
  return parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, [&] {
    return parser.parseInteger(symbols.emplace_back());
  });
}

static void printSymbols(AsmPrinter &printer, ArrayRef<int64_t> symbols) {
  printer << " [";
  llvm::interleaveComma(symbols, printer);
  printer << "]";
}

/// What a tensor is besides an input: each of the two behind a comma of its
/// own.
static ParseResult parseUses(AsmParser &parser, bool &output, bool &workspace) {
  while (succeeded(parser.parseOptionalComma())) {
    StringRef use;
    SMLoc loc = parser.getCurrentLocation();
    if (parser.parseKeyword(&use) || parser.parseEqual())
      return failure();
    if (use != "output" && use != "workspace")
      return parser.emitError(loc, "expected output or workspace, got ") << use;
    FailureOr<bool> value = FieldParser<bool>::parse(parser);
    if (failed(value))
      return failure();
    (use == "output" ? output : workspace) = *value;
  }
  return success();
}

static void printUses(AsmPrinter &printer, bool output, bool workspace) {
  if (output)
    printer << ", output = true";
  if (workspace)
    printer << ", workspace = true";
}

#include "Sm90/Sm90Dialect.cpp.inc"
#include "Sm90/Sm90Enums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "Sm90/Sm90Attrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "Sm90/Sm90Types.cpp.inc"

namespace {
/// Short names for the types of fragments, which nearly every line repeats.
struct FragmentAliases : OpAsmDialectInterface {
  using OpAsmDialectInterface::OpAsmDialectInterface;

  AliasResult getAlias(Type type, raw_ostream &os) const override {
    auto tensor = dyn_cast<RankedTensorType>(type);
    std::optional<Layout> layout = tensor ? getLayout(tensor) : std::nullopt;
    if (!layout)
      return AliasResult::NoAlias;
    os << stringifyLayout(*layout);
    if (!tensor.getElementType().isF32())
      os << '_' << tensor.getElementType();
    return AliasResult::OverridableAlias;
  }
};
} // namespace

void Sm90Dialect::initialize() {
  addInterfaces<FragmentAliases>();
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

LogicalResult ScheduleAttr::verify(
    function_ref<InFlightDiagnostic()> emitError, int64_t kvStages,
    int64_t warpgroups, int64_t producerRegisters, int64_t consumerRegisters,
    bool, bool inQueryBuffer, bool fromRegisters, bool persistent, bool dynamic,
    bool pingPong, bool, bool, bool, bool, bool warpRoles,
    int64_t auxiliaryRegisters, int64_t readStages, int64_t stripWarps,
    bool separateWarps, bool, bool stageStrips, int64_t blocksPerMultiprocessor,
    bool, bool) {
  if (inQueryBuffer && fromRegisters)
    return emitError() << "expected one of output_in_query_buffer and "
                          "output_from_registers, got both";
  if (dynamic && !persistent)
    return emitError() << "expected a dynamic schedule to be persistent";
  if (!warpRoles && (persistent || warpgroups != 1))
    return emitError() << "expected a schedule without warp_roles to have one "
                          "consumer warpgroup and not to be persistent";
  if (!llvm::is_contained({1, 2, 4}, stripWarps))
    return emitError() << "expected strip_warps of 1, 2 or 4, got "
                       << stripWarps;
  if (warpRoles && stripWarps != kStripWarps)
    return emitError() << "expected strip_warps without warp_roles alone, got "
                       << stripWarps;
  if (pingPong && auxiliaryRegisters != 0)
    return emitError() << "expected ping_pong of a schedule without "
                          "auxiliary_registers, whose warpgroup the consumers "
                          "wait for in each turn";
  if (separateWarps && (warpRoles || stripWarps != kStripWarps))
    return emitError() << "expected separate_warps of a schedule without "
                          "warp_roles, whose warps share no strips";
  if (stageStrips && warpRoles)
    return emitError() << "expected stage_strips of a schedule without "
                          "warp_roles";
  if (blocksPerMultiprocessor < 0 || blocksPerMultiprocessor > kMostBlocks)
    return emitError() << "expected blocks_per_multiprocessor from 0 to "
                       << kMostBlocks << ", got " << blocksPerMultiprocessor;
  if (kvStages < 1)
    return emitError() << "expected kv_stages of at least 1, got " << kvStages;
  if (readStages < 1)
    return emitError() << "expected read_stages of at least 1, got "
                       << readStages;
  if (warpgroups < 1)
    return emitError() << "expected consumer_warpgroups of at least 1, got "
                       << warpgroups;
  // The range and the step are those of setmaxnreg.
  for (int64_t registers :
       {producerRegisters, consumerRegisters,
        auxiliaryRegisters ? auxiliaryRegisters : consumerRegisters})
    if (registers < 24 || registers > 256 || registers % 8 != 0)
      return emitError() << "expected registers as a multiple of 8 from 24 to "
                            "256, got "
                         << registers;
  return success();
}

//===----------------------------------------------------------------------===//
// Layouts
//===----------------------------------------------------------------------===//

static bool isStrips(Layout layout) { return layout >= Layout::ColumnStrips; }

LogicalResult LayoutAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 Layout value, int64_t lanes, int64_t warps) {
  if (!llvm::is_contained({1, 2, 4, 8, 16, 32}, lanes))
    return emitError() << "expected a power of two up to 32 of lanes across a "
                          "strip, got "
                       << lanes;
  if (!llvm::is_contained({1, 2, 4}, warps))
    return emitError() << "expected 1, 2 or 4 warps with strips beside each "
                          "other, got "
                       << warps;
  return success();
}

StripLanes mlir::sm90::getStripLanes(LayoutAttr layout) {
  return {layout.getLanes(), kWarpThreads / layout.getLanes(),
          layout.getWarps()};
}

std::optional<StripLanes> mlir::sm90::findStripLanes(int64_t width,
                                                     int64_t warps) {
  constexpr int64_t kLeast = 16, kMost = 128;
  if (width < kLeast || width > kMost)
    return std::nullopt;
  for (int64_t lanes = 1; lanes <= kWarpThreads; lanes *= 2)
    if (StripLanes found{lanes, kWarpThreads / lanes, warps};
        found.width() == width)
      return found;
  return std::nullopt;
}

/// A matrix of strips, or a vector of it: a strip for each warp across.
static LogicalResult
verifyStrips(LayoutAttr attr, ArrayRef<int64_t> shape,
             function_ref<InFlightDiagnostic()> emitError) {
  Layout layout = attr.getValue();
  StripLanes lanes = getStripLanes(attr);
  auto isLength = [&](int64_t size) {
    return size > 0 && size % (lanes.step() * lanes.parts()) == 0;
  };
  auto isAcross = [&](int64_t size) { return size == lanes.width(); };
  bool isMatrix = layout == Layout::ColumnStrips || layout == Layout::RowStrips;
  bool fits = shape.size() == (isMatrix ? 2 : 1);
  if (fits && isMatrix) {
    bool byColumns = layout == Layout::ColumnStrips;
    fits = isLength(shape[byColumns ? 0 : 1]) &&
           isAcross(shape[byColumns ? 1 : 0]);
  } else if (fits) {
    fits = isAlongStrips(layout) ? isLength(shape[0]) : isAcross(shape[0]);
  }
  if (fits)
    return success();
  return emitError() << "expected " << lanes.width()
                     << " across the strips and a multiple of "
                     << lanes.step() * lanes.parts()
                     << " along them for the layout " << stringifyLayout(layout)
                     << ", got [" << shape << "]";
}

std::optional<Layout> mlir::sm90::getVectorLayout(Layout matrix, int64_t axis) {
  if (matrix == Layout::ColumnStrips)
    return axis == 0 ? Layout::ColumnStripsRows : Layout::ColumnStripsColumns;
  if (matrix == Layout::RowStrips)
    return axis == 0 ? Layout::RowStripsRows : Layout::RowStripsColumns;
  return std::nullopt;
}

std::optional<Layout> mlir::sm90::getMatrixLayout(Layout vector, int64_t axis) {
  for (Layout matrix : {Layout::ColumnStrips, Layout::RowStrips})
    if (getVectorLayout(matrix, axis) == vector)
      return matrix;
  return std::nullopt;
}

bool mlir::sm90::isAlongStrips(Layout vector) {
  return vector == Layout::ColumnStripsRows ||
         vector == Layout::RowStripsColumns;
}

/// The size of one thread's part of a fragment must be the same for all.
LogicalResult
LayoutAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                           function_ref<InFlightDiagnostic()> emitError) const {
  if (isStrips(getValue()))
    return verifyStrips(*this, shape, emitError);
  bool isMatrix =
      getValue() == Layout::Accumulator || getValue() == Layout::OperandA;
  int64_t step =
      getValue() == Layout::OperandA ? kProductStep : kAccumulatorColumns;
  bool isColumns = getValue() == Layout::Columns;
  bool fits = shape.size() == (isMatrix ? 2 : 1) &&
              (isColumns || shape[0] == kWarpgroupRows);
  if ((isMatrix || isColumns) && fits)
    fits = shape.back() > 0 && shape.back() % step == 0;
  if (fits)
    return success();
  InFlightDiagnostic diagnostic = emitError();
  if (isColumns)
    return diagnostic << "expected a shape of a multiple of " << step
                      << " for the layout columns, got [" << shape << "]";
  diagnostic << "expected a shape of " << kWarpgroupRows;
  if (isMatrix)
    diagnostic << " by a multiple of " << step;
  return diagnostic << " for the layout " << stringifyLayout(getValue())
                    << ", got [" << shape << "]";
}

LogicalResult TensorAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 StringAttr, RankedTensorType type,
                                 ArrayRef<int64_t> symbols, bool output,
                                 ArrayRef<int64_t> least, int64_t updates,
                                 bool) {
  if (updates < -1 || (updates >= 0 && !output))
    return emitError() << "expected updates of an output to be the number of "
                          "an input, got "
                       << updates;
  Type element = type.getElementType();
  bool isInteger =
      element.isSignlessInteger(1) || element.isSignlessInteger(8) ||
      element.isSignlessInteger(16) || element.isSignlessInteger(32) ||
      element.isSignlessInteger(64) || element.isIndex();
  if (!element.isBF16() && !element.isF16() && !element.isF32() && !isInteger)
    return emitError() << "expected a tensor of bf16, f16, f32, index or "
                          "integers of 1, 8, 16, 32 or 64 bits, got "
                       << type;
  bool fits = static_cast<int64_t>(symbols.size()) == type.getRank();
  for (auto [symbol, size] : llvm::zip(symbols, type.getShape()))
    fits &= symbol >= 0 || !ShapedType::isDynamic(size);
  if (!fits)
    return emitError() << "expected one symbol per axis of " << type
                       << ", not negative for a dynamic one, got [" << symbols
                       << "]";
  bool limits = least.size() % 4 == 0;
  for (ArrayRef<int64_t> rest = least; limits && !rest.empty();
       rest = rest.drop_front(4))
    limits = rest[0] >= 0 && rest[0] < type.getRank() && rest[1] >= -1 &&
             rest[3] >= 1;
  if (!limits)
    return emitError() << "expected least to have groups of an axis of " << type
                       << ", the number of a size or -1, any number and a "
                          "positive divisor, got ["
                       << least << "]";
  return success();
}

LogicalResult ExtentAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 AffineMap map, ArrayRef<int64_t> sizes) {
  bool hasModulo = false;
  map.walkExprs([&](AffineExpr expr) {
    hasModulo |= expr.getKind() == AffineExprKind::Mod;
  });
  unsigned results = map.getNumResults();
  if (map.getNumDims() == 0 && (results == 1 || results == 2) && !hasModulo &&
      sizes.size() == 2 * map.getNumSymbols())
    return success();
  return emitError() << "expected a map of symbols to one or two results, "
                        "without mod, and a tensor and an axis for each "
                        "symbol, got "
                     << AffineMapAttr::get(map) << " and [" << sizes << "]";
}

//===----------------------------------------------------------------------===//
// Types
//===----------------------------------------------------------------------===//

/// What the copy engine can write in swizzled panels of 128 bytes.
static LogicalResult verifyBox(function_ref<InFlightDiagnostic()> emitError,
                               int64_t rows, int64_t columns,
                               Type elementType) {
  constexpr int64_t kMaxRows = 256;
  if ((elementType.isBF16() || elementType.isF16()) && rows > 0 &&
      rows % kSwizzleRows == 0 && rows <= kMaxRows && columns > 0 &&
      columns % kProductStep == 0)
    return success();
  return emitError() << "expected a box of bf16 or f16 with a multiple of "
                     << kSwizzleRows << " rows up to " << kMaxRows
                     << " and a multiple of " << kProductStep
                     << " columns, got " << rows << "x" << columns << "x"
                     << elementType;
}

/// What the copy engine can write row behind row.
static LogicalResult
verifyPlainBox(function_ref<InFlightDiagnostic()> emitError, int64_t rows,
               int64_t columns) {
  constexpr int64_t kMaxSize = 256;
  if (rows > 0 && rows <= kMaxSize && columns > 0 && columns <= kMaxSize &&
      columns % kNumbersStep == 0)
    return success();
  return emitError() << "expected a box of f32 with up to " << kMaxSize
                     << " rows and a multiple of " << kNumbersStep
                     << " columns up to " << kMaxSize << ", got " << rows << "x"
                     << columns;
}

static LogicalResult verifyStages(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t stages) {
  if (stages < 1)
    return emitError() << "expected at least one stage, got " << stages;
  return success();
}

LogicalResult
TensorMapType::verify(function_ref<InFlightDiagnostic()> emitError,
                      int64_t rows, int64_t columns, Type elementType,
                      ArrayRef<int64_t> axes, int64_t rank, bool sliced) {
  // A slice takes a dimension of the map.
  int64_t maxRank = sliced ? 4 : 5;
  if (axes.size() != 2 || axes[0] < 0 || axes[0] >= axes[1] ||
      axes[1] != rank - 1 || rank > maxRank)
    return emitError() << "expected two axes, the second one the innermost of "
                          "at most "
                       << maxRank << ", got axes [" << axes << "] of rank "
                       << rank;
  if (elementType.isF32())
    return verifyPlainBox(emitError, rows, columns);
  return verifyBox(emitError, rows, columns, elementType);
}

/// What a stage may hold: a box, or rows of numbers.
static LogicalResult
verifyStageBox(function_ref<InFlightDiagnostic()> emitError, int64_t rows,
               int64_t columns, Type elementType) {
  if (!elementType.isF32())
    return verifyBox(emitError, rows, columns, elementType);
  if (rows > 0 && columns > 0 && columns % kNumbersStep == 0)
    return success();
  return emitError() << "expected rows of a multiple of " << kNumbersStep
                     << " numbers, got " << rows << "x" << columns << "x"
                     << elementType;
}

/// The rows of the panels that a box is a part of, where they are given.
static LogicalResult
verifyPanelRows(function_ref<InFlightDiagnostic()> emitError, int64_t rows,
                Type elementType, int64_t panelRows) {
  if (panelRows == 0 || (!elementType.isF32() && panelRows > rows &&
                         panelRows % kSwizzleRows == 0))
    return success();
  return emitError() << "expected panel_rows of a multiple of " << kSwizzleRows
                     << " of a box of 16 bits, more than its " << rows
                     << " rows, got " << panelRows;
}

LogicalResult BufferType::verify(function_ref<InFlightDiagnostic()> emitError,
                                 int64_t stages, int64_t rows, int64_t columns,
                                 Type elementType, int64_t panelRows) {
  if (failed(verifyStages(emitError, stages)) ||
      failed(verifyPanelRows(emitError, rows, elementType, panelRows)))
    return failure();
  return verifyStageBox(emitError, rows, columns, elementType);
}

LogicalResult StageType::verify(function_ref<InFlightDiagnostic()> emitError,
                                int64_t rows, int64_t columns, Type elementType,
                                int64_t panelRows) {
  if (failed(verifyPanelRows(emitError, rows, elementType, panelRows)))
    return failure();
  return verifyStageBox(emitError, rows, columns, elementType);
}

LogicalResult MBarrierType::verify(function_ref<InFlightDiagnostic()> emitError,
                                   int64_t stages) {
  return verifyStages(emitError, stages);
}

int64_t BufferType::getStageBytes() const {
  if (getElementType().isF32())
    return getRows() * getColumns() * kNumberBytes;
  return boxBytes(getStageType().countPanelRows(), getColumns());
}

LogicalResult TicketsType::verify(function_ref<InFlightDiagnostic()> emitError,
                                  int64_t stages, int64_t values) {
  if (values < 0)
    return emitError() << "expected a number of values of at least 0, got "
                       << values;
  return verifyStages(emitError, stages);
}

StageType BufferType::getStageType() const {
  return StageType::get(getContext(), getRows(), getColumns(), getElementType(),
                        getPanelRows());
}

StageType mlir::sm90::asStage(Type memory) {
  if (auto buffer = dyn_cast<BufferType>(memory))
    return buffer.getStageType();
  return cast<StageType>(memory);
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
