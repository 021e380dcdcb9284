//===- ChunkSignature.cpp - The views of a kernel of a recurrence ---------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChunkKernel.h"

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
  /// Of states, where there may be more than there are packed sequences.
  States
};

/// Collects the views of a kernel.
class Signature {
public:
  Signature(func::FuncOp function, RecurrenceOp op)
      : op(op), builder(function) {}

  void add(Value tensor, StringAttr name, bool isOutput);

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
  if (tensor == op.getCuSeqlens()) {
    symbols[0] = Batch;
  } else if (tensor == op.getState() || tensor == op.getFinalState()) {
    symbols[0] = isPacked ? States : Batch;
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
  attrs.push_back(list.getDictionary(builder.getContext()));
}

void ChunkKernelBuilder::createKernel() {
  Signature signature(function, op);
  auto nameOf = [&](StringAttr given, StringRef fallback, unsigned index) {
    return given ? given : builder.getStringAttr(fallback + Twine(index));
  };
  for (auto [index, argument] : llvm::enumerate(function.getArguments()))
    signature.add(
        argument,
        nameOf(function.getArgAttrOfType<StringAttr>(index, "attn.name"), "arg",
               index),
        /*isOutput=*/false);
  auto results = function.front().getTerminator()->getOperands();
  for (auto [index, result] : llvm::enumerate(results))
    signature.add(
        result,
        nameOf(function.getResultAttrOfType<StringAttr>(index, "attn.name"),
               "result", index),
        /*isOutput=*/true);
  auto kernel = tile::KernelOp::create(
      builder, function.getLoc(), function.getSymName(),
      builder.getFunctionType(signature.types, {}), schedule);
  function_interface_impl::setAllArgAttrDicts(kernel, signature.attrs);
  auto arguments = kernel.getBody().getArguments();
  views.map(function.getArguments(),
            arguments.take_front(function.getNumArguments()));
  for (auto [result, argument] : llvm::zip_equal(
           results, arguments.drop_front(function.getNumArguments())))
    (result == op.getOutput() ? output : finalState) = argument;
  builder.setInsertionPointToEnd(&kernel.getBody().front());
}
