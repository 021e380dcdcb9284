//===- StepProgram.cpp - What a kernel of a recurrence works on -----------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StepRecurrence.h"

#include "attn/Analysis/Lowered.h"
#include "attn/Schedule/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace mlir::attn;
using namespace mlir::attn::recurrence_to_tile;

static tile::ScheduleAttr getSchedule(RecurrenceOp op) {
  return op->getAttrOfType<tile::ScheduleAttr>(kScheduleAttrName);
}

bool recurrence_to_tile::isStepped(func::FuncOp function) {
  return !function.isExternal() &&
         llvm::any_of(function.getOps<RecurrenceOp>(), [](RecurrenceOp op) {
           tile::ScheduleAttr schedule = getSchedule(op);
           return schedule && schedule.getBlockKv() == 1;
         });
}

//===----------------------------------------------------------------------===//
// Legality
//===----------------------------------------------------------------------===//

static FailureOr<RecurrenceOp> findRecurrence(func::FuncOp function) {
  if (!function.getBody().hasOneBlock())
    return function.emitOpError("expected a body of one block");
  if (failed(checkLowered(function)))
    return failure();
  auto found = llvm::to_vector(function.getOps<RecurrenceOp>());
  if (found.size() != 1 || !function.getOps<AttentionOp>().empty())
    return function.emitOpError("expected one attn.recurrence and nothing else "
                                "to lower, got ")
           << found.size();
  return found.front();
}

static LogicalResult checkOperands(func::FuncOp function, RecurrenceOp op) {
  for (OpOperand &operand : op->getOpOperands()) {
    Value value = operand.get();
    if (isa<BlockArgument>(value) ||
        (value == op.getDecay() && matchPattern(value, m_Constant())) ||
        isPreparation(value.getDefiningOp()))
      continue;
    return op.emitOpError("expected operand ")
           << operand.getOperandNumber()
           << " to be an argument of the function";
  }
  ValueRange results = function.front().getTerminator()->getOperands();
  if (results.empty())
    return function.emitOpError("expected at least one result, got none");
  for (Value result : results)
    if (result.getDefiningOp() != op)
      return function.emitOpError("expected every result to be one of the "
                                  "recurrence");
  auto isRead = [&](OpOperand &use) {
    auto prepared = dyn_cast<linalg::GenericOp>(use.getOwner());
    return use.getOwner() == op || (prepared && prepared.isDpsInput(&use));
  };
  for (BlockArgument argument : function.getArguments())
    if (llvm::none_of(argument.getUses(), isRead))
      return function.emitOpError("expected argument ")
             << argument.getArgNumber() << " to be used by the recurrence";
  return success();
}

static LogicalResult checkStates(RecurrenceOp op) {
  Value state = op.getState(), final = op.getFinalState();
  Value first = state ? state : final;
  auto differs = [&](Value other) {
    auto layoutOf = [](Value states) {
      auto type = cast<RankedTensorType>(states.getType());
      return cast<StateAttr>(type.getEncoding()).getLayout();
    };
    return first && other && layoutOf(first) != layoutOf(other);
  };
  if (differs(final))
    return op.emitOpError("has a final state of another layout than the "
                          "initial one, which is not lowered to the tile "
                          "level");
  if (differs(op.getKeptStates()))
    return op.emitOpError("has kept states of another layout than the others, "
                          "which is not lowered to the tile level");
  bool asksForFinal = final || op.getFinalNormalizer();
  if (op.isPacked() && asksForFinal && !state)
    return op.emitOpError("has final states of packed sequences without "
                          "initial ones, which is not lowered to the tile "
                          "level");
  return success();
}

/// All blocks of columns read the normalizer, and one replaces it.
static LogicalResult checkNormalizer(RecurrenceOp op) {
  int64_t columns = getSchedule(op).getBlockQ();
  if (op.getSlots() && op.getFinalNormalizer() && columns < op.getValueDim())
    return op.emitOpError("has a pool of normalizers and values of more than ")
           << columns << " channels, which is not lowered to the tile level";
  return success();
}

static LogicalResult checkMicroSteps(RecurrenceOp op) {
  // Each is a copy of the code.
  constexpr uint64_t kMostMicroSteps = 8;
  if (op.getMicroSteps() > kMostMicroSteps)
    return op.emitOpError("expected at most ")
           << kMostMicroSteps << " micro_steps to be lowered, got "
           << op.getMicroSteps();
  // A launch cannot compare a size with a multiple of another.
  if (op.getMicroSteps() > 1 && !op.getQueryType().hasStaticShape() &&
      (op.isPacked() || op.getQueryType().isDynamicDim(1)))
    return op.emitOpError("has micro_steps and a number of tokens that is not "
                          "static, which is not lowered to the tile level");
  return success();
}

//===----------------------------------------------------------------------===//
// The signature
//===----------------------------------------------------------------------===//

namespace {

/// Numbers the sizes that a launch has to check.
enum SizeSymbol : int64_t {
  None = -1,
  Batch,
  Tokens,
  Writes,
  States,
  Ends,
  Kept
};

class SignatureBuilder {
public:
  SignatureBuilder(func::FuncOp function, RecurrenceOp op)
      : function(function), op(op), builder(function) {}

  StepKernel build();

private:
  int64_t writes() { return op.getMicroSteps() == 1 ? Tokens : Writes; }
  int64_t states() { return op.getSlots() || op.isPacked() ? States : Batch; }
  /// The symbols of a tensor whose rows are numbered `rows`.
  SmallVector<int64_t> ofRows(Value tensor, int64_t rows) {
    SmallVector<int64_t> symbols(
        cast<RankedTensorType>(tensor.getType()).getRank(), None);
    symbols[op.isPacked() ? 0 : 1] = rows;
    if (!op.isPacked())
      symbols[0] = Batch;
    return symbols;
  }
  SmallVector<int64_t> ofStates(Value tensor) {
    SmallVector<int64_t> symbols(
        cast<RankedTensorType>(tensor.getType()).getRank(), None);
    symbols[0] = states();
    return symbols;
  }
  SmallVector<int64_t> ofKept() {
    bool isEach = *op.getKeepEvery() == 1;
    return ofRows(op.getKeptStates(), isEach ? Tokens : Kept);
  }
  SmallVector<int64_t> findSymbols(Value tensor);
  SmallVector<int64_t> findSymbols(linalg::GenericOp prepared,
                                   OpOperand &input);
  SmallVector<int64_t> findLeast(Value argument);
  void addView(Value tensor, StringAttr name, ArrayRef<int64_t> symbols);
  void addInput(BlockArgument argument);
  void addKept(Value result, StringAttr name);
  void addOutput(Value result, StringAttr name);

  func::FuncOp function;
  RecurrenceOp op;
  OpBuilder builder;
  SmallVector<Type> types;
  SmallVector<NamedAttrList> attrs;
};

} // namespace

/// An axis of what is prepared from is one of what is prepared.
SmallVector<int64_t> SignatureBuilder::findSymbols(linalg::GenericOp prepared,
                                                   OpOperand &input) {
  // All results have the same rows.
  SmallVector<int64_t> own, result = findSymbols(prepared.getResult(0));
  for (AffineExpr axis : prepared.getMatchingIndexingMap(&input).getResults())
    own.push_back(result[cast<AffineDimExpr>(axis).getPosition()]);
  return own;
}

SmallVector<int64_t> SignatureBuilder::findSymbols(Value argument) {
  if (!llvm::is_contained(op->getOperands(), argument))
    for (OpOperand &use : argument.getUses())
      if (auto prepared = dyn_cast<linalg::GenericOp>(use.getOwner());
          prepared && prepared.isDpsInput(&use))
        return findSymbols(prepared, use);
  if (argument == op.getQuery())
    return ofRows(argument, Tokens);
  if (argument == op.getDecay()) {
    bool isConstant = cast<RankedTensorType>(argument.getType()).getRank() == 1;
    return isConstant ? SmallVector<int64_t>{None} : ofRows(argument, Tokens);
  }
  if (argument == op.getBonus())
    return {None, None};
  if (argument == op.getState() || argument == op.getNormalizer())
    return ofStates(argument);
  if (argument == op.getSlots())
    return {Batch};
  if (argument == op.getCuSeqlens())
    return {Ends};
  return ofRows(argument, writes());
}

/// Packed sequences are one less than there are ends, in either direction.
SmallVector<int64_t> SignatureBuilder::findLeast(Value argument) {
  if (!op.isPacked())
    return {};
  int64_t sequences = op.getSlots() ? Batch : States;
  bool hasSequences = op.getSlots() || op.getState() || op.getNormalizer();
  if (argument == op.getCuSeqlens() && hasSequences)
    return {0, sequences, 1, 1};
  bool areSequences = op.getSlots() ? argument == op.getSlots()
                                    : argument == op.getState() ||
                                          argument == op.getNormalizer();
  return areSequences ? SmallVector<int64_t>{0, Ends, -1, 1}
                      : SmallVector<int64_t>{};
}

void SignatureBuilder::addView(Value tensor, StringAttr name,
                               ArrayRef<int64_t> symbols) {
  auto type = cast<RankedTensorType>(tensor.getType());
  types.push_back(tile::ViewType::get(type.getShape(), type.getElementType()));
  NamedAttrList &list = attrs.emplace_back();
  list.set(tile::KernelOp::getNameAttrName(), name);
  list.set(tile::KernelOp::getSymbolsAttrName(),
           builder.getDenseI64ArrayAttr(symbols));
}

void SignatureBuilder::addInput(BlockArgument argument) {
  unsigned index = argument.getArgNumber();
  auto given = function.getArgAttrOfType<StringAttr>(index, "attn.name");
  addView(argument, given ? given : builder.getStringAttr("arg" + Twine(index)),
          findSymbols(argument));
  if (SmallVector<int64_t> least = findLeast(argument); !least.empty())
    attrs.back().set(tile::KernelOp::getLeastAttrName(),
                     builder.getDenseI64ArrayAttr(least));
}

void SignatureBuilder::addKept(Value result, StringAttr name) {
  addView(result, name, ofKept());
  attrs.back().set(tile::KernelOp::getOutputAttrName(), builder.getUnitAttr());
  auto every = static_cast<int64_t>(*op.getKeepEvery());
  int64_t axis = op.isPacked() ? 0 : 1;
  // The number of tokens divided by that, rounded down.
  if (every != 1)
    attrs.back().set(
        tile::KernelOp::getLeastAttrName(),
        builder.getDenseI64ArrayAttr({axis, Tokens, 1 - every, every}));
}

void SignatureBuilder::addOutput(Value result, StringAttr name) {
  bool isOutput = result == op.getOutput();
  if (result == op.getKeptStates())
    return addKept(result, name);
  addView(result, name, isOutput ? ofRows(result, Tokens) : ofStates(result));
  attrs.back().set(tile::KernelOp::getOutputAttrName(), builder.getUnitAttr());
  // Of a pool, most stays as it is.
  if (!isOutput && op.getSlots()) {
    Value pool =
        result == op.getFinalState() ? op.getState() : op.getNormalizer();
    attrs.back().set(
        tile::KernelOp::getUpdatesAttrName(),
        builder.getI64IntegerAttr(cast<BlockArgument>(pool).getArgNumber()));
  }
}

StepKernel SignatureBuilder::build() {
  for (BlockArgument argument : function.getArguments())
    addInput(argument);
  auto results = function.front().getTerminator()->getOperands();
  for (auto [index, result] : llvm::enumerate(results)) {
    auto given = function.getResultAttrOfType<StringAttr>(index, "attn.name");
    addOutput(result,
              given ? given : builder.getStringAttr("result" + Twine(index)));
  }
  StepKernel step;
  step.op = op;
  step.schedule = getSchedule(op);
  step.kernel =
      tile::KernelOp::create(builder, function.getLoc(), function.getName(),
                             builder.getFunctionType(types, {}), step.schedule);
  SmallVector<DictionaryAttr> dictionaries;
  for (NamedAttrList &list : attrs)
    dictionaries.push_back(list.getDictionary(builder.getContext()));
  function_interface_impl::setAllArgAttrDicts(step.kernel, dictionaries);
  for (BlockArgument argument : function.getArguments())
    step.views[argument] =
        step.kernel.getBody().getArgument(argument.getArgNumber());
  for (auto [index, result] : llvm::enumerate(results))
    step.outputs.push_back(
        {step.kernel.getBody().getArgument(function.getNumArguments() + index),
         result});
  return step;
}

FailureOr<StepKernel>
recurrence_to_tile::createStepKernel(func::FuncOp function) {
  FailureOr<RecurrenceOp> op = findRecurrence(function);
  if (failed(op) || failed(checkOperands(function, *op)) ||
      failed(checkStates(*op)) || failed(checkMicroSteps(*op)) ||
      failed(checkNormalizer(*op)))
    return failure();
  return SignatureBuilder(function, *op).build();
}
