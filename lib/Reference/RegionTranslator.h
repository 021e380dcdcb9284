//===- RegionTranslator.h - From a region to its program --------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_LIB_REFERENCE_REGIONTRANSLATOR_H
#define ATTN_LIB_REFERENCE_REGIONTRANSLATOR_H

#include "RegionProgram.h"

#include "Attention/Attention.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/Support/MathExtras.h"

#include <array>
#include <cmath>
#include <utility>

namespace mlir::attn::reference {

inline unsigned getWidth(Type type) {
  return type.isIndex() ? 64 : type.getIntOrFloatBitWidth();
}

/// An integer of a tensor as a frame holds it. What nobody has computed is
/// zero.
inline int64_t toFrame(double value, unsigned width) {
  return std::isnan(value)
             ? 0
             : llvm::SignExtend64(static_cast<int64_t>(value), width);
}

/// The quotient rounded towards minus infinity, or zero if `b` is.
int64_t floorDivide(int64_t a, int64_t b);

/// Turns the ops of a region into steps, one after the other.
template <typename Real> class RegionTranslator {
public:
  RegionTranslator(const Environment &tensors) : tensors(tensors) {}

  FailureOr<RegionProgram<Real>> translate(Block &block);
  FailureOr<RegionProgram<Real>> translateBody(Block &block,
                                               ValueRange results);

private:
  /// Nothing where the op is not of the family.
  using Maybe = std::optional<LogicalResult>;

  LogicalResult translate(Operation *op);
  Maybe translateInteger(Operation *op);
  Maybe translateFloat(Operation *op);
  Maybe translateMath(Operation *op);
  Maybe translateConversion(Operation *op);
  Maybe translateAttention(Operation *op);
  Maybe translateBodyOp(Operation *op);
  LogicalResult translateCmpI(arith::CmpIOp op);
  LogicalResult translateCmpF(arith::CmpFOp op);
  LogicalResult translateSelect(arith::SelectOp op);
  LogicalResult translatePrefix(PrefixOp op);
  template <typename Op> LogicalResult translateIds(Op op, double least);
  template <typename Op>
  LogicalResult translateBits(Op op, Value words, const Tensor *lengths);
  LogicalResult translateBias(BiasOp op);
  LogicalResult translateAlibi(AlibiOp op);
  LogicalResult translateRead(Value read, Value tensor, ValueRange indices);

  /// Where the value is kept. A constant is put there when it is first met,
  /// wherever it is defined.
  int64_t getSlot(Value value);
  Slot describeSlot(Value value);

  template <typename T> static T *get(Frame<Real> &frame, int64_t slot) {
    if constexpr (std::is_same_v<T, int64_t>)
      return frame.getIntegers(slot);
    else
      return frame.getFloats(slot);
  }

  /// Adds a step that computes the result for each key from the operands, all
  /// of which are of type `In`: int64_t or Real.
  template <typename Out, typename In, typename Function, size_t... I>
  LogicalResult addStep(Operation *op, Function function,
                        std::index_sequence<I...>) {
    std::array<int64_t, sizeof...(I)> in = {getSlot(op->getOperand(I))...};
    int64_t out = getSlot(op->getResult(0));
    program.steps.push_back([=](Frame<Real> &frame) {
      Out *result = get<Out>(frame, out);
      std::array<const In *, sizeof...(I)> operands = {
          get<In>(frame, in[I])...};
      for (int64_t k = 0; k != frame.count; ++k)
        result[k] = function(operands[I][k]...);
    });
    return success();
  }

  /// From floats to a float.
  template <size_t Arity, typename Function>
  LogicalResult toFloat(Operation *op, Function function) {
    return addStep<Real, Real>(op, function, std::make_index_sequence<Arity>());
  }

  /// From integers to an integer, which is wrapped to its type.
  template <size_t Arity, typename Function>
  LogicalResult toInteger(Operation *op, Function function) {
    unsigned width = getWidth(op->getResult(0).getType());
    return addStep<int64_t, int64_t>(
        op,
        [=](auto... operands) {
          return llvm::SignExtend64(function(operands...), width);
        },
        std::make_index_sequence<Arity>());
  }

  /// From integers to a truth value.
  template <size_t Arity, typename Function>
  LogicalResult toBool(Operation *op, Function function) {
    return addStep<int64_t, int64_t>(
        op, [=](auto... operands) { return function(operands...) ? -1 : 0; },
        std::make_index_sequence<Arity>());
  }

  const Environment &tensors;
  DenseMap<Value, int64_t> slots;
  RegionProgram<Real> program;
};

} // namespace mlir::attn::reference

#endif // ATTN_LIB_REFERENCE_REGIONTRANSLATOR_H
