//===- AttentionRecurrenceInterfaces.td - Recurrences ------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONRECURRENCEINTERFACES_TD
#define ATTN_ATTENTION_ATTENTIONRECURRENCEINTERFACES_TD

include "mlir/IR/OpBase.td"

class Attn_Operand<string method>
    : InterfaceMethod<"Null where there is none.", "::mlir::Value", method>;

def RecurrenceOpInterface : OpInterface<"RecurrenceOpInterface"> {
  let cppNamespace = "::mlir::attn";
  let description = [{
    What `attn.recurrence` and `attn.recurrence_backward` have in common: the
    operands and attributes that say what is computed.
  }];
  let methods = [
    Attn_Operand<"getQuery">,
    Attn_Operand<"getKey">,
    Attn_Operand<"getValue">,
    Attn_Operand<"getDecay">,
    Attn_Operand<"getErase">,
    Attn_Operand<"getEraseKey">,
    Attn_Operand<"getEraseDirection">,
    Attn_Operand<"getWrite">,
    Attn_Operand<"getBonus">,
    Attn_Operand<"getState">,
    Attn_Operand<"getNormalizer">,
    Attn_Operand<"getSlots">,
    Attn_Operand<"getCuSeqlens">,
    InterfaceMethod<"", "::std::optional<::llvm::APFloat>", "getScale">,
    InterfaceMethod<"", "::std::optional<::llvm::APFloat>", "getL2Normalize">,
    InterfaceMethod<"", "::std::optional<::llvm::APFloat>", "getDenominator">,
    InterfaceMethod<"", "int64_t", "getMicroSteps">,
    InterfaceMethod<"", "bool", "getBeforeDecay">
  ];
  let extraSharedClassDeclaration = [{
    ::mlir::RankedTensorType getQueryType() {
      return ::llvm::cast<::mlir::RankedTensorType>($_op.getQuery().getType());
    }
    ::mlir::RankedTensorType getKeyType() {
      return ::llvm::cast<::mlir::RankedTensorType>($_op.getKey().getType());
    }
    ::mlir::RankedTensorType getValueType() {
      return ::llvm::cast<::mlir::RankedTensorType>($_op.getValue().getType());
    }
    /// Whether sequences of varying length are packed.
    bool isPacked() { return getQueryType().getRank() == 3; }
    /// The heads of queries and keys (H), and of values (HV).
    int64_t getHeads() {
      return getQueryType().getShape().take_back(2).front();
    }
    int64_t getValueHeads() {
      return getValueType().getShape().take_back(2).front();
    }
    /// The channels of keys (K), and of values (V).
    int64_t getKeyDim() { return getQueryType().getShape().back(); }
    int64_t getValueDim() { return getValueType().getShape().back(); }
    /// Whether anything is read from the state and erased.
    bool erases() { return $_op.getErase() || $_op.getEraseKey(); }
    /// The number of writes of so many tokens, at most the largest int64_t.
    int64_t getWrites(int64_t tokens) {
      int64_t writes;
      if (::llvm::MulOverflow(tokens, int64_t($_op.getMicroSteps()), writes))
        return ::std::numeric_limits<int64_t>::max();
      return writes;
    }
    /// The factor on the queries: `scale`, or K^-1/2.
    double getScaleOrDefault() {
      return ::mlir::attn::getRecurrenceScale($_op.getScale(), getKeyDim());
    }
    /// The only legal type of the output.
    ::mlir::RankedTensorType getOutputType() {
      ::llvm::SmallVector<int64_t> shape(getQueryType().getShape());
      shape.back() = getValueDim();
      *std::prev(shape.end(), 2) = getValueHeads();
      return ::mlir::RankedTensorType::get(shape,
                                           getValueType().getElementType());
    }
  }];
}

#endif // ATTN_ATTENTION_ATTENTIONRECURRENCEINTERFACES_TD
