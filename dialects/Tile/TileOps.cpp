//===- TileOps.cpp - Verifiers and folds of the tile dialect --------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Tile/Tile.h"

#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionImplementation.h"

#include <cmath>

using namespace mlir;
using namespace mlir::tile;

#define GET_OP_CLASSES
#include "Tile/TileOps.cpp.inc"

//===----------------------------------------------------------------------===//
// KernelOp
//===----------------------------------------------------------------------===//

void KernelOp::build(OpBuilder &builder, OperationState &state, StringRef name,
                     FunctionType type, ScheduleAttr schedule) {
  state.addAttribute(getSymNameAttrName(state.name),
                     builder.getStringAttr(name));
  state.addAttribute(getFunctionTypeAttrName(state.name), TypeAttr::get(type));
  state.addAttribute(getScheduleAttrName(state.name), schedule);
  Block &entry = state.addRegion()->emplaceBlock();
  for (Type input : type.getInputs())
    entry.addArgument(input, state.location);
}

/// The arguments are called what the user calls them.
void KernelOp::getAsmBlockArgumentNames(Region &region,
                                        OpAsmSetValueNameFn setName) {
  for (BlockArgument argument : region.getArguments())
    if (auto name = getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                 getNameAttrName()))
      setName(argument, name);
}

ParseResult KernelOp::parse(OpAsmParser &parser, OperationState &result) {
  StringAttr name;
  SmallVector<OpAsmParser::Argument> arguments;
  SmallVector<Type> resultTypes;
  SmallVector<DictionaryAttr> resultAttrs;
  bool isVariadic = false;
  if (parser.parseSymbolName(name, getSymNameAttrName(result.name),
                             result.attributes) ||
      function_interface_impl::parseFunctionSignatureWithArguments(
          parser, /*allowVariadic=*/false, arguments, isVariadic, resultTypes,
          resultAttrs))
    return failure();

  SmallVector<Type> inputs;
  for (OpAsmParser::Argument &argument : arguments)
    inputs.push_back(argument.type);
  Builder &builder = parser.getBuilder();
  result.addAttribute(
      getFunctionTypeAttrName(result.name),
      TypeAttr::get(builder.getFunctionType(inputs, resultTypes)));

  ScheduleAttr schedule;
  if (parser.parseKeyword("schedule") || parser.parseLParen() ||
      parser.parseCustomAttributeWithFallback(schedule, Type{},
                                              getScheduleAttrName(result.name),
                                              result.attributes) ||
      parser.parseRParen() ||
      parser.parseOptionalAttrDictWithKeyword(result.attributes))
    return failure();
  call_interface_impl::addArgAndResultAttrs(
      builder, result, arguments, resultAttrs, getArgAttrsAttrName(result.name),
      getResAttrsAttrName(result.name));
  return parser.parseRegion(*result.addRegion(), arguments);
}

void KernelOp::print(OpAsmPrinter &printer) {
  printer << " ";
  printer.printSymbolName(getSymName());
  call_interface_impl::printFunctionSignature(
      printer, getArgumentTypes(), getArgAttrsAttr(), /*isVariadic=*/false,
      getResultTypes(), getResAttrsAttr(), &getBody(),
      /*printEmptyResult=*/false);
  printer << " schedule(";
  printer.printStrippedAttrOrType(getSchedule());
  printer << ")";
  printer.printOptionalAttrDictWithKeyword(
      (*this)->getAttrs(),
      {getSymNameAttrName(), getFunctionTypeAttrName(), getScheduleAttrName(),
       getArgAttrsAttrName(), getResAttrsAttrName()});
  printer << " ";
  printer.printRegion(getBody(), /*printEntryBlockArgs=*/false);
}

/// Whether `symbols` numbers the sizes of `view`.
static bool numbersSizes(Attribute symbols, ViewType view) {
  if (!symbols)
    return view.hasStaticShape();
  auto numbers = dyn_cast<DenseI64ArrayAttr>(symbols);
  if (!numbers || numbers.size() != view.getRank())
    return false;
  for (auto [number, size] : llvm::zip(numbers.asArrayRef(), view.getShape()))
    if (number < 0 && ShapedType::isDynamic(size))
      return false;
  return true;
}

/// Whether `least` says how large an axis of `view` is at least.
static bool limitsSize(Attribute least, ViewType view) {
  auto numbers = dyn_cast<DenseI64ArrayAttr>(least);
  if (!numbers || numbers.size() % 4 != 0)
    return false;
  for (ArrayRef<int64_t> rest = numbers; !rest.empty();
       rest = rest.drop_front(4))
    if (rest[0] < 0 || rest[0] >= view.getRank() || rest[1] < -1 || rest[3] < 1)
      return false;
  return true;
}

/// Whether the output `index` may start as the input that `updates` numbers.
static bool updatesInput(KernelOp kernel, unsigned index, Attribute updates) {
  auto number = dyn_cast<IntegerAttr>(updates);
  ArrayRef<Type> types = kernel.getArgumentTypes();
  if (!number || !kernel.getArgAttr(index, KernelOp::getOutputAttrName()) ||
      number.getValue().uge(types.size()))
    return false;
  unsigned input = number.getInt();
  return types[input] == types[index] &&
         !kernel.getArgAttr(input, KernelOp::getOutputAttrName());
}

LogicalResult KernelOp::verify() {
  for (auto [index, type] : llvm::enumerate(getArgumentTypes())) // C1
    if (!isa<ViewType>(type))
      return emitOpError("expected argument ")
             << index << " to be a !tile.view, got " << type;
  if (!getResultTypes().empty()) // C2
    return emitOpError("expected no results, got ") << getResultTypes().size();
  for (auto [index, type] : llvm::enumerate(getArgumentTypes())) { // C4
    Attribute symbols = getArgAttr(index, getSymbolsAttrName());
    if (numbersSizes(symbols, cast<ViewType>(type)))
      continue;
    InFlightDiagnostic diagnostic =
        emitOpError("expected tile.symbols of argument ")
        << index
        << " to have one number per axis, not negative for a dynamic one, got ";
    if (symbols)
      return diagnostic << symbols;
    return diagnostic << "none";
  }
  for (auto [index, type] : llvm::enumerate(getArgumentTypes())) { // C5
    Attribute least = getArgAttr(index, getLeastAttrName());
    if (least && !limitsSize(least, cast<ViewType>(type)))
      return emitOpError("expected tile.least of argument ")
             << index
             << " to have groups of an axis, the number of a size or -1, any "
                "number and a positive divisor, got "
             << least;
  }
  for (unsigned index = 0; index != getArgumentTypes().size(); ++index) { // C7
    Attribute updates = getArgAttr(index, getUpdatesAttrName());
    if (updates && !updatesInput(*this, index, updates))
      return emitOpError("expected tile.updates of argument ")
             << index
             << " to be the number of an input of the type of that output, got "
             << updates;
  }
  return success();
}

/// Whether `view` has `instances` dynamic axes and static ones behind them.
static bool hasInstances(ViewType view, unsigned instances) {
  for (auto [axis, size] : llvm::enumerate(view.getShape()))
    if (ShapedType::isDynamic(size) != (axis < instances))
      return false;
  return view.getRank() >= instances;
}

LogicalResult KernelOp::verifyRegions() {
  auto loops = getBody().front().getOps<scf::ForallOp>();
  size_t count = std::distance(loops.begin(), loops.end());
  if (count != 1) // C3
    return emitOpError("expected exactly one scf.forall in the body, got ")
           << count;
  unsigned instances = (*loops.begin()).getRank();
  for (auto [index, type] : llvm::enumerate(getArgumentTypes())) // C6
    if (getArgAttr(index, getWorkspaceAttrName()) &&
        getArgAttr(index, getOutputAttrName()) &&
        !hasInstances(cast<ViewType>(type), instances))
      return emitOpError("expected argument ")
             << index << ", a workspace, to have " << instances
             << " dynamic axes, one for each bound of the scf.forall, and "
                "static ones behind them, got "
             << type;
  return success();
}

//===----------------------------------------------------------------------===//
// Views
//===----------------------------------------------------------------------===//

LogicalResult DimOp::verify() {
  int64_t rank = getView().getType().getRank();
  auto axis = static_cast<int64_t>(getAxis());
  if (axis < 0 || axis >= rank) // C1
    return emitOpError("expected an axis below ") << rank << ", got " << axis;
  return success();
}

/// There is an index for each axis of the view.
template <typename Access> static LogicalResult verifyIndices(Access op) {
  int64_t rank = op.getView().getType().getRank();
  if (static_cast<int64_t>(op.getIndices().size()) != rank) // C1
    return op->emitOpError("expected ")
           << rank << " indices, one per axis of the view, got "
           << op.getIndices().size();
  return success();
}

/// The rules that loads and stores share.
template <typename Access> static LogicalResult verifyAccess(Access op) {
  ViewType view = op.getView().getType();
  auto tile = cast<VectorType>(op.getTile().getType());
  ArrayRef<int64_t> axes = op.getAxes();
  if (failed(verifyIndices(op))) // C1
    return failure();
  if (axes.size() != static_cast<size_t>(tile.getRank())) // C2
    return op->emitOpError("expected ")
           << tile.getRank() << " axes, one per dimension of the tile, got "
           << axes.size();
  int64_t previous = -1;
  for (int64_t axis : axes) {
    if (axis <= previous || axis >= view.getRank())
      return op->emitOpError("expected increasing axes below ")
             << view.getRank() << ", got " << axis << " after " << previous;
    previous = axis;
  }
  if (view.getElementType() != tile.getElementType()) // C3
    return op->emitOpError("expected a tile of ")
           << view.getElementType() << ", got " << tile.getElementType();
  size_t bounds = op.getSlice().size();
  if (bounds != 0 && bounds != 2) // C4
    return op->emitOpError("expected a slice of a begin and an end, got ")
           << bounds << " values";
  return success();
}

LogicalResult LoadOp::verify() { return verifyAccess(*this); }
LogicalResult StoreOp::verify() { return verifyAccess(*this); }

/// What is read as if it never changed is not written.
static LogicalResult verifyInput(Operation *op, Value view) {
  auto argument = dyn_cast<BlockArgument>(view);
  auto kernel = argument
                    ? dyn_cast<KernelOp>(argument.getOwner()->getParentOp())
                    : KernelOp();
  if (kernel &&
      kernel.getArgAttr(argument.getArgNumber(), KernelOp::getOutputAttrName()))
    return op->emitOpError("expected a view that is not an output of the "
                           "kernel");
  return success();
}

LogicalResult ReadOp::verify() {
  if (failed(verifyIndices(*this))) // C1
    return failure();
  return verifyInput(*this, getView()); // C2
}

LogicalResult WriteOp::verify() { return verifyIndices(*this); } // C1

LogicalResult FindExtremesOp::verifyRegions() {
  Block &block = getBody().front();
  auto yielded = block.getTerminator()->getOperandTypes();
  bool isPairs = yielded.size() % 2 == 0;
  for (auto [i, type] : llvm::enumerate(yielded))
    isPairs &= type.isInteger(i % 2 == 0 ? 32 : 1);
  if (!isPairs || block.getNumArguments() != 1 ||
      !block.getArgument(0).getType().isIndex()) // C1
    return emitOpError("expected a region of one index argument that yields "
                       "pairs of an i32 and an i1");
  if (getNumResults() != yielded.size()) // C2
    return emitOpError("expected ")
           << yielded.size() << " results, two for each pair, got "
           << getNumResults();
  return success();
}

LogicalResult FindReachOp::verifyRegions() {
  Block &body = getBody().front();
  auto yielded = body.getTerminator()->getOperandTypes();
  auto isIndex = [](Type type) { return type.isIndex(); };
  if (body.getNumArguments() != (getChannels() ? 2 : 1) ||
      !llvm::all_of(body.getArgumentTypes(), isIndex) || yielded.size() != 1 ||
      !yielded.front().isF32()) // C1
    return emitOpError("expected a region of one index argument, two with "
                       "channels, that yields one f32");
  if (auto block = static_cast<int64_t>(getBlock()); block <= 0) // C2
    return emitOpError("expected a positive block, got ") << block;
  if (auto channels = static_cast<int64_t>(getChannels().value_or(1));
      channels <= 0) // C3
    return emitOpError("expected positive channels, got ") << channels;
  return success();
}

LogicalResult SquaredNormOp::verify() {
  ViewType type = getView().getType();
  size_t outer = type.getRank() - 1;
  if (getIndices().size() != outer) // C1
    return emitOpError("expected ")
           << outer << " indices, one per axis of the view but the last, got "
           << getIndices().size();
  if (type.isDynamicDim(outer) || !isa<FloatType>(type.getElementType())) // C2
    return emitOpError("expected a view of rows of floats whose length is "
                       "known, got ")
           << type;
  return verifyInput(*this, getView()); // C3
}

LogicalResult SegmentCountOp::verify() {
  if (auto least = static_cast<int64_t>(getLeast()); least <= 0) // C1
    return emitOpError("expected a positive least, got ") << least;
  return success();
}

LogicalResult FindSequenceOp::verify() {
  ViewType type = getCuSeqlens().getType();
  if (type.getRank() != 1 || !type.getElementType().isInteger(32)) // C1
    return emitOpError("expected a view of rank 1 of i32, got ") << type;
  if (auto block = static_cast<int64_t>(getBlock()); block <= 0) // C2
    return emitOpError("expected a positive block, got ") << block;
  return verifyInput(*this, getCuSeqlens()); // C3
}

LogicalResult WalkOp::verify() {
  if (getFrom().size() != getAt().size() + 1) // C1
    return emitOpError("expected ")
           << getAt().size() + 1 << " values of from, one more than of at, got "
           << getFrom().size();
  if (auto step = static_cast<int64_t>(getStep()); step <= 0) // C2
    return emitOpError("expected a positive step, got ") << step;
  return success();
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

LogicalResult DotOp::verify() {
  auto lhs = cast<VectorType>(getLhs().getType());
  auto rhs = cast<VectorType>(getRhs().getType());
  auto result = cast<VectorType>(getResult().getType());
  unsigned inner = getTransposeRhs() ? 1 : 0;
  if (lhs.getElementType() != rhs.getElementType() ||
      lhs.getDimSize(1) != rhs.getDimSize(inner)) // C1
    return emitOpError("expected operands of one element type and inner size, "
                       "got ")
           << lhs << " and " << rhs;
  if (result.getDimSize(0) != lhs.getDimSize(0) ||
      result.getDimSize(1) != rhs.getDimSize(1 - inner)) // C2
    return emitOpError("expected a result of ")
           << lhs.getDimSize(0) << "x" << rhs.getDimSize(1 - inner) << ", got "
           << result;
  return success();
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

LogicalResult MaskOp::verifyRegions() {
  Block &block = getPredicate().front();
  auto yield = cast<YieldOp>(block.getTerminator());
  bool argumentsFit = block.getNumArguments() == 2 &&
                      llvm::all_of(block.getArgumentTypes(),
                                   [](Type type) { return type.isIndex(); });
  bool yieldFits =
      yield.getNumOperands() == 1 && yield.getOperand(0).getType().isInteger(1);
  if (!argumentsFit || !yieldFits) // C1
    return emitOpError("expected a region of two index arguments that yields "
                       "one i1");
  return success();
}

LogicalResult ScoreOp::verifyRegions() {
  Block &block = getModifier().front();
  auto yield = cast<YieldOp>(block.getTerminator());
  Builder builder(getContext());
  Type f32 = builder.getF32Type(), index = builder.getIndexType();
  SmallVector<Type> arguments{f32, index, index};
  for (Value tile : getTiles())
    arguments.push_back(cast<VectorType>(tile.getType()).getElementType());
  if (block.getArgumentTypes() != TypeRange(arguments) ||
      yield.getOperandTypes() != TypeRange{f32}) // C1
    return emitOpError("expected a region of arguments f32, index and index, "
                       "and an element of each tile, that yields one f32");
  for (Value tile : getTiles())
    if (cast<VectorType>(tile.getType()).getShape() !=
        cast<VectorType>(getScores().getType()).getShape()) // C2
      return emitOpError("expected tiles of the shape of the scores, got ")
             << tile.getType();
  return success();
}

/// One statistic per row.
static LogicalResult verifyRows(Operation *op, Type matrix, Type rows) {
  int64_t expected = cast<VectorType>(matrix).getDimSize(0);
  int64_t got = cast<VectorType>(rows).getDimSize(0);
  if (expected != got)
    return op->emitOpError("expected ")
           << expected << " elements, one per row, got " << got;
  return success();
}

static LogicalResult verifyScale(Operation *op, const APFloat &scale) {
  if (scale.isFinite() && !scale.isNegative() && !scale.isZero())
    return success();
  return op->emitOpError("expected a positive finite scale, got ")
         << scale.convertToDouble();
}

/// Weights of more than 2^63 would come too near to the largest f32.
static LogicalResult verifySumLimit(Operation *op,
                                    std::optional<uint64_t> limit) {
  if (!limit || *limit <= 31)
    return success();
  return op->emitOpError("expected a sum_limit from 0 to 31, got ")
         << static_cast<int64_t>(*limit);
}

LogicalResult OnlineSoftmaxOp::verify() {
  if (failed(verifyRows(*this, getScores().getType(), getMax().getType())) ||
      failed(verifyScale(*this, getScale()))) // C1, C2
    return failure();
  if (getThreshold() && static_cast<int64_t>(*getThreshold()) < 0) // C3
    return emitOpError("expected a threshold of at least 0, got ")
           << static_cast<int64_t>(*getThreshold());
  return verifySumLimit(*this, getSumLimit()); // C4
}

LogicalResult RescaleOp::verify() {
  return verifyRows(*this, getAcc().getType(), getFactor().getType()); // C1
}

OpFoldResult RescaleOp::fold(FoldAdaptor adaptor) {
  // Zero stays zero: no factor is infinite.
  if (matchPattern(adaptor.getAcc(), m_AnyZeroFloat()))
    return getAcc();
  return {};
}

LogicalResult FinishSoftmaxOp::verify() {
  if (failed(verifyRows(*this, getAcc().getType(), getMax().getType())))
    return failure();                                              // C1
  return success(succeeded(verifyScale(*this, getScale())) &&      // C2
                 succeeded(verifySumLimit(*this, getSumLimit()))); // C3
}

//===----------------------------------------------------------------------===//
// Chunks of recurrences
//===----------------------------------------------------------------------===//

LogicalResult DecayRatiosOp::verify() {
  int64_t tokens = cast<VectorType>(getExponents().getType()).getDimSize(0);
  auto result = cast<VectorType>(getResult().getType());
  if (result.getShape() != ArrayRef<int64_t>({tokens, tokens})) // C1
    return emitOpError("expected a result of ")
           << tokens << "x" << tokens << ", got " << result;
  Value columns = getColumns();
  if (columns && columns.getType() != getExponents().getType())
    return emitOpError("expected columns of ")
           << getExponents().getType() << ", got " << columns.getType();
  return success();
}

LogicalResult InvertUnitLowerOp::verify() {
  auto matrix = cast<VectorType>(getMatrix().getType());
  if (matrix.getDimSize(0) != matrix.getDimSize(1)) // C1
    return emitOpError("expected a square matrix, got ") << matrix;
  for (Value factors : {Value(getRows()), Value(getColumns())}) // C2
    if (factors && failed(verifyRows(*this, matrix, factors.getType())))
      return failure();
  return success();
}

LogicalResult DecaySumsOp::verify() {
  auto gates = cast<VectorType>(getGates().getType());
  auto whole = cast<VectorType>(getWhole().getType());
  if (whole.getDimSize(0) != gates.getDimSize(1)) // C1
    return emitOpError("expected ")
           << gates.getDimSize(1) << " elements, one per channel, got "
           << whole.getDimSize(0);
  return success();
}

/// A sum for each element of a tile.
static LogicalResult verifySums(Operation *op, Value tile, Value sums) {
  auto type = cast<VectorType>(tile.getType());
  auto own = cast<VectorType>(sums.getType());
  if (own.getShape() == type.getShape())
    return success();
  return op->emitOpError("expected sums of the shape of ")
         << type << ", got " << own;
}

LogicalResult ApplyDecayOp::verify() {
  if (getBefore() && getToEnd()) // C2
    return emitOpError("expected before or to_end, got both");
  return verifySums(*this, getSource(), getSums()); // C1
}

LogicalResult DecayedDotOp::verify() {
  int64_t tokens = cast<VectorType>(getLhs().getType()).getDimSize(0);
  auto result = cast<VectorType>(getResult().getType());
  if (result.getShape() != ArrayRef<int64_t>({tokens, tokens})) // C1
    return emitOpError("expected a result of ")
           << tokens << "x" << tokens << ", got " << result;
  if (getBonus() && !getBefore()) // C2
    return emitOpError("expected before with a bonus");
  int64_t channels = cast<VectorType>(getLhs().getType()).getDimSize(1);
  if (getBonus() &&
      cast<VectorType>(getBonus().getType()).getDimSize(0) != channels) // C2
    return emitOpError("expected a bonus of ")
           << channels << " elements, one per channel, got "
           << getBonus().getType();
  return verifySums(*this, getLhs(), getSums()); // C1
}
