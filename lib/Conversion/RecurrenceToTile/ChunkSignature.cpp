//===- ChunkSignature.cpp - The views of a kernel of a recurrence ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChunkKernel.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Interfaces/FunctionImplementation.h"

using namespace mlir;
using namespace mlir::attn;

namespace {

/// Numbers the sizes that a launch has to check: equal numbers, equal sizes.
enum SizeSymbol : int64_t {
  None = -1,
  /// Of sequences; where they are packed, of the ends of which there is one
  /// more.
  Batch = 0,
  Length,
  /// Of states, or of slots, where there may be more than there are packed
  /// sequences.
  States,
  /// The first of those of what is found for segments.
  Segments,
  /// Of states that are kept.
  Kept = 8,
  /// Of the states of a pool.
  Pool
};

/// Collects the views of a kernel.
class Signature {
public:
  Signature(func::FuncOp function, RecurrenceOp op)
      : op(op), builder(function) {}

  void add(Value tensor, StringAttr name, bool isOutput);
  void addWorkspace(StringAttr name, Type element, int64_t axes,
                    ArrayRef<int64_t> sizes, bool isOutput);

  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attrs;

private:
  SmallVector<int64_t> getSymbols(Value tensor, int64_t rank);

  RecurrenceOp op;
  OpBuilder builder;
};

} // namespace

SmallVector<int64_t> Signature::getSymbols(Value tensor, int64_t rank) {
  SmallVector<int64_t> symbols(rank, None);
  bool isPacked = op.isPacked();
  // An axis of what is prepared from is one of what is prepared.
  if (!llvm::is_contained(op->getOperands(), tensor))
    for (OpOperand &use : tensor.getUses())
      if (auto prepared = dyn_cast<linalg::GenericOp>(use.getOwner());
          prepared && prepared.isDpsInput(&use)) {
        SmallVector<int64_t> all =
            getSymbols(prepared.getResult(0), prepared.getNumLoops());
        AffineMap map = prepared.getMatchingIndexingMap(&use);
        for (auto [axis, symbol] : llvm::enumerate(symbols))
          symbol = all[map.getDimPosition(axis)];
        return symbols;
      }
  if (tensor == op.getBonus())
    return symbols;
  if (tensor == op.getCuSeqlens()) {
    symbols[0] = Batch;
  } else if (tensor == op.getState() || tensor == op.getFinalState() ||
             tensor == op.getNormalizer() ||
             tensor == op.getFinalNormalizer()) {
    symbols[0] = op.getSlots() ? Pool : isPacked ? States : Batch;
  } else if (tensor == op.getSlots()) {
    symbols[0] = isPacked ? States : Batch;
  } else if (tensor == op.getKeptStates()) {
    symbols[isPacked ? 0 : 1] = Kept;
    if (!isPacked)
      symbols[0] = Batch;
  } else if (rank > 1) {
    symbols[isPacked ? 0 : 1] = Length;
    if (!isPacked)
      symbols[0] = Batch;
  }
  return symbols;
}

void Signature::add(Value tensor, StringAttr name, bool isOutput) {
  auto type = cast<RankedTensorType>(tensor.getType());
  types.push_back(tile::ViewType::get(type.getShape(), type.getElementType()));
  SmallVector<int64_t> symbols = getSymbols(tensor, type.getRank());
  NamedAttrList list;
  list.set(tile::KernelOp::getNameAttrName(), name);
  list.set(tile::KernelOp::getSymbolsAttrName(),
           builder.getDenseI64ArrayAttr(symbols));
  if (isOutput)
    list.set(tile::KernelOp::getOutputAttrName(), builder.getUnitAttr());
  if (symbols[0] == States) // One less than there are ends.
    list.set(tile::KernelOp::getLeastAttrName(),
             builder.getDenseI64ArrayAttr({0, Batch, -1, 1}));
  // Of a pool, most stays as it is.
  if (tensor == op.getFinalState() && op.getSlots())
    list.set(tile::KernelOp::getUpdatesAttrName(),
             builder.getI64IntegerAttr(
                 cast<BlockArgument>(op.getState()).getArgNumber()));
  if (tensor == op.getKeptStates()) {
    // The number of tokens divided by that, rounded down.
    auto every = static_cast<int64_t>(*op.getKeepEvery());
    int64_t axis = op.isPacked() ? 0 : 1;
    list.set(tile::KernelOp::getLeastAttrName(),
             builder.getDenseI64ArrayAttr({axis, Length, 1 - every, every}));
  }
  attrs.push_back(list.getDictionary(builder.getContext()));
}

/// Of these sizes for each instance of the kernel that writes it, which there
/// are along `axes`: heads of sequences, and segments, and what else.
void Signature::addWorkspace(StringAttr name, Type element, int64_t axes,
                             ArrayRef<int64_t> sizes, bool isOutput) {
  SmallVector<int64_t> shape(axes, ShapedType::kDynamic), symbols;
  for (int64_t axis = 0; axis != axes; ++axis)
    symbols.push_back(Segments + axis);
  llvm::append_range(shape, sizes);
  symbols.append(sizes.size(), None);
  types.push_back(tile::ViewType::get(shape, element));
  NamedAttrList list;
  list.set(tile::KernelOp::getNameAttrName(), name);
  list.set(tile::KernelOp::getSymbolsAttrName(),
           builder.getDenseI64ArrayAttr(symbols));
  list.set(tile::KernelOp::getWorkspaceAttrName(), builder.getUnitAttr());
  if (isOutput)
    list.set(tile::KernelOp::getOutputAttrName(), builder.getUnitAttr());
  attrs.push_back(list.getDictionary(builder.getContext()));
}

/// A name that no tensor of the function has.
static StringAttr getFreeName(func::FuncOp function, std::string name) {
  DenseSet<StringAttr> taken;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    taken.insert(function.getArgAttrOfType<StringAttr>(i, "attn.name"));
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    taken.insert(function.getResultAttrOfType<StringAttr>(i, "attn.name"));
  Builder builder(function.getContext());
  while (taken.contains(builder.getStringAttr(name)))
    name += '_';
  return builder.getStringAttr(name);
}

void ChunkKernelBuilder::createKernel(Stage stage) {
  bool isLast = stage == Stage::Chunks;
  Signature signature(function, op);
  auto nameOf = [&](StringAttr given, StringRef fallback, unsigned index) {
    return given ? given : builder.getStringAttr(fallback + Twine(index));
  };
  SmallVector<Value> sources;
  for (auto [index, argument] : llvm::enumerate(function.getArguments())) {
    if (!isLast && !isOfBounds(argument))
      continue;
    sources.push_back(argument);
    signature.add(
        argument,
        nameOf(function.getArgAttrOfType<StringAttr>(index, "attn.name"), "arg",
               index),
        /*isOutput=*/false);
  }
  // What each stage reads of those in front of it, and writes for later ones.
  SmallVector<Value *> found;
  auto addFound = [&](Value &view, const char *name, bool isMatrix,
                      Stage written) {
    found.push_back(&view);
    Type i32 = builder.getI32Type(), f32 = builder.getF32Type();
    constexpr int64_t kNumbers = IsLast + 1;
    signature.addWorkspace(getFreeName(function, name), isMatrix ? f32 : i32,
                           /*axes=*/isMatrix && getKeyParts() > 1 ? 3 : 2,
                           isMatrix ? ArrayRef<int64_t>{rows, keyDim}
                                    : ArrayRef(kNumbers),
                           stage == written);
  };
  bool guesses = guessesBounds();
  if (isCut() && (!isLast || !guesses))
    addFound(bounds, guesses ? "guessed_segments" : "segments", false,
             Stage::Bounds);
  if (stage == Stage::Transitions || stage == Stage::Checks)
    addFound(transitions, "transitions", true, Stage::Transitions);
  if (stage == Stage::Checks || (isCut() && isLast && guesses))
    addFound(isLast ? bounds : checked, "segments", false, Stage::Checks);
  ValueRange results;
  if (isLast)
    results = function.front().getTerminator()->getOperands();
  for (auto [index, result] : llvm::enumerate(results))
    signature.add(
        result,
        nameOf(function.getResultAttrOfType<StringAttr>(index, "attn.name"),
               "result", index),
        /*isOutput=*/true);
  static constexpr const char *kSuffixes[] = {"_segments", "_transitions",
                                              "_checks", ""};
  std::string name =
      (function.getName() + kSuffixes[static_cast<size_t>(stage)]).str();
  auto kernel = tile::KernelOp::create(
      builder, function.getLoc(), name,
      builder.getFunctionType(signature.types, {}), schedule);
  function_interface_impl::setAllArgAttrDicts(kernel, signature.attrs);
  auto arguments = kernel.getBody().getArguments();
  for (Value source : sources) {
    views.map(source, arguments.front());
    arguments = arguments.drop_front();
  }
  for (Value *view : found) {
    *view = arguments.front();
    arguments = arguments.drop_front();
  }
  for (auto [result, argument] : llvm::zip_equal(results, arguments))
    (result == op.getOutput()            ? output
     : result == op.getFinalState()      ? finalState
     : result == op.getFinalNormalizer() ? finalNormalizer
                                         : keptStates) = argument;
  builder.setInsertionPointToEnd(&kernel.getBody().front());
}
