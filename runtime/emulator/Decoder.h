//===- Decoder.h - From statements to instructions --------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_DECODER_H
#define ATTN_RUNTIME_EMULATOR_DECODER_H

#include "Program.h"
#include "Syntax.h"

#include "attn/Runtime/Status.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace attn::runtime::emulator {

/// How the bits of an operand are read.
enum class Type { Predicate, Bits16, Bits32, Bits64, Float32, Float64 };

/// Decodes the body of one kernel. Each unit decodes its own instructions
/// through the public part, which speaks of the statement at hand.
class Decoder {
public:
  Decoder(const Module &module, const Function &function)
      : module(module), function(function) {}

  Result<Program> decode();

  const Statement &statement() const { return *current; }
  /// The name of the instruction, split at its dots.
  const std::vector<std::string> &parts() const { return nameParts; }
  Instruction &instruction() { return decoded; }
  const Program &result() const { return program; }
  void noteCopy() { program.copiesAsynchronously = true; }

  Failure error(const std::string &message) const;
  /// The emulator has no such instruction, or not in this form.
  Failure unknown() const;
  Status expectOperands(size_t count) const;
  bool isSink(const SourceOperand &operand) const {
    return operand.text == "_";
  }

  Status addSource(const SourceOperand &operand, Type type);
  /// A register, or `_` where nothing is to be kept.
  Status addResult(const SourceOperand &operand, Type type);
  Status addVector(const SourceOperand &operand, Type type, size_t count,
                   bool isResult);
  /// An address without an offset unless `mayOffset`: there is one offset in an
  /// instruction.
  Status addAddress(const SourceOperand &operand, bool mayOffset = true);
  /// `isShared` says that it is an address of shared memory.
  void addConstant(uint64_t value, bool isShared = false);
  Result<int64_t> immediate(const SourceOperand &operand, int64_t least,
                            int64_t most) const;
  /// The generic address of a variable, or nothing.
  std::optional<uint64_t> symbol(const std::string &name) const;
  const ParameterSlot *parameter(const std::string &name) const;
  Result<uint32_t> label(const SourceOperand &operand) const;

private:
  struct Register {
    Operand operand;
    unsigned bits = 0;
  };
  struct Scope {
    std::map<std::string, Register> registers;
    std::map<std::string, uint32_t> labels;
  };

  void layOutParameters();
  Status layOutShared();
  Status findLabels();
  Status declare(const Statement &statement);
  Status decodeStatement(const Statement &statement);
  Status decodeInstruction();
  const Register *findRegister(const std::string &name) const;
  Result<uint64_t> parseImmediate(const std::string &text, Type type) const;

  const Module &module;
  const Function &function;
  Program program;
  std::map<std::string, uint64_t> symbols;
  /// All scopes in the order of their beginnings, and those that are open.
  std::vector<Scope> scopes;
  std::vector<size_t> open;
  size_t nextScope = 0;
  int64_t registerCount = 0;

  const Statement *current = nullptr;
  std::vector<std::string> nameParts;
  Instruction decoded;
};

/// Each fails where the instruction is not one of the unit's.
Status decodeAlu(Decoder &decoder);
Status decodeMove(Decoder &decoder);
Status decodeMemory(Decoder &decoder);
Status decodeMatrixMove(Decoder &decoder);
Status decodeWarp(Decoder &decoder);
Status decodeControl(Decoder &decoder);
Status decodeBarrier(Decoder &decoder);
Status decodeCluster(Decoder &decoder);
Status decodeAsyncStore(Decoder &decoder);
Status decodeMBarrier(Decoder &decoder);
Status decodeTma(Decoder &decoder);
Status decodeWgmma(Decoder &decoder);

/// Finds for each branch where its paths meet again.
void computeReconvergence(Program &program);

/// Decodes the kernel `name` of `module`.
Result<Program> decodeKernel(const Module &module, const std::string &name);

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_DECODER_H
