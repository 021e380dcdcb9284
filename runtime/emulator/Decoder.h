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
#include "Variables.h"

#include "attn/Runtime/Status.h"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace attn::runtime::emulator {

/// How the bits of an operand are read.
enum class Type { Predicate, Bits16, Bits32, Bits64, Float32, Float64 };

/// The kind of register that holds an operand.
Operand::Kind kindOf(Type type);

struct RegisterType {
  Operand::Kind kind;
  unsigned bits;
};
/// What registers of a type are, e.g. of ".b32".
std::optional<RegisterType> registerType(const std::string &type);

/// Whether a register may be wider than its operand. What it then has more is
/// ignored in a source, and extends the value in a result.
enum class Width { Exact, OrMore };

/// A variable: its address in its own memory.
struct Symbol {
  Space space = Space::Shared;
  uint64_t address = 0;
  uint64_t size = 0;
  /// Of a function that is called; such a parameter is in local memory.
  bool isParameter = false;
};

/// Decodes one kernel, with the functions that it calls in the place of the
/// calls. Each unit decodes its own instructions through the public part, which
/// speaks of the statement at hand.
class Decoder {
public:
  Decoder(const Module &module, const Function &kernel)
      : module(module), kernel(kernel) {}

  Result<Program> decode(const ModuleAddresses &addresses);

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

  bool isPredicate(const SourceOperand &operand) const;

  /// A register or a number. The unit that lets a predicate be negated looks at
  /// whether it is.
  Status addSource(const SourceOperand &operand, Type type,
                   bool mayNegate = false, Width width = Width::Exact);
  /// A register, or `_` where nothing is to be kept.
  Status addResult(const SourceOperand &operand, Type type,
                   Width width = Width::Exact);
  /// The results `a|b`. Where the second `isOptional`, and is not there,
  /// nothing is kept of it.
  Status addPair(const SourceOperand &operand, Type first, Type second,
                 bool isOptional = false);
  Status addVector(const SourceOperand &operand, Type type, size_t count,
                   bool isResult);
  /// An address without an offset unless `mayOffset`: there is one offset in an
  /// instruction.
  Status addAddress(const SourceOperand &operand, bool mayOffset = true);
  /// `isShared` says that it is an address of shared memory.
  void addConstant(uint64_t value, bool isShared = false);
  Result<int64_t> immediate(const SourceOperand &operand, int64_t least,
                            int64_t most) const;
  const Symbol *variable(const std::string &name) const;
  /// The predicate that additions carry through.
  Operand carryFlag();
  /// The number of a label, which becomes a place once all are known.
  Result<uint32_t> label(const SourceOperand &operand);
  /// The labels that a list names, or null.
  const Statement *branchTargets(const std::string &name) const;
  /// Where a function that is called ends; nothing in a kernel.
  std::optional<uint32_t> returnLabel();

private:
  struct Register {
    Operand operand;
    unsigned bits = 0;
  };
  struct Scope {
    std::map<std::string, Register> registers;
    std::map<std::string, Symbol> variables;
    std::map<std::string, uint32_t> labels;
    std::map<std::string, const Statement *> targets;
  };
  /// A function that is being decoded.
  struct Frame {
    const Function *function = nullptr;
    /// All scopes in the order of their beginnings, and those that are open.
    std::vector<Scope> scopes;
    std::vector<size_t> open;
    size_t nextScope = 0;
    uint32_t returns = 0;
  };
  Frame &frame() { return frames.back(); }
  const Frame &frame() const { return frames.back(); }

  Status layOutParameters();
  void nameModuleVariables(const ModuleAddresses &addresses);
  Status layOutShared();
  Result<uint64_t> placeShared(const Variable &variable, uint64_t &end) const;
  Result<uint64_t> placeLocal(const Variable &variable);
  Status findLabels(Frame &frame);
  Result<Operand> addRegister(const std::string &name, Operand::Kind kind);
  Status declare(const Statement &statement);
  Status declareVariable(const Statement &statement);
  Status enterFunction(const Function &function);
  Status decodeStatements();
  Status decodeStatement(const Statement &statement);
  Status decodeGuard();
  Status decodeInstruction();
  void begin();
  Status emit();
  uint32_t newLabel();
  void placeLabel(uint32_t label);
  void resolveLabels();
  const Register *findRegister(const std::string &name) const;
  Result<uint64_t> parseImmediate(const std::string &text, Type type) const;

  // Call.cpp.
  /// A parameter or a result of a function, as one call has it.
  struct Passed {
    const Variable *formal = nullptr;
    Operand inRegister;
    Symbol inMemory;
  };
  Status decodeCall(const Statement &statement);
  Status skipCall(uint32_t after);
  Result<std::vector<Passed>> pass(const std::vector<Variable> &formals,
                                   const std::vector<SourceOperand> &actuals,
                                   bool areResults);
  Result<Operand> passRegister(const Variable &formal,
                               const SourceOperand *actual);
  Result<Symbol> passVariable(const Variable &formal,
                              const SourceOperand &actual, bool isResult);
  void declarePassed(const std::vector<Passed> &all);
  Status returnValue(const Variable &formal, const SourceOperand &actual,
                     const Passed &passed);
  Result<Type> typeOfParameter(const Variable &formal) const;

  const Module &module;
  const Function &kernel;
  Program program;
  /// Of the module and the parameters of the kernel.
  std::map<std::string, Symbol> symbols;
  std::map<const Statement *, uint64_t> sharedStatements;
  /// The kernel, and the calls that lead to the statement at hand.
  std::vector<Frame> frames;
  std::vector<uint32_t> labelPositions;
  /// The instructions that name labels.
  std::vector<size_t> branches;
  bool usesLabels = false;
  int64_t registerCount = 0;
  std::optional<uint32_t> carryIndex;

  const Statement *current = nullptr;
  std::vector<std::string> nameParts;
  Instruction decoded;
};

/// Each fails where the instruction is not one of the unit's.
Status decodeAlu(Decoder &decoder);
/// Additions with a carry have the names of others, with modifiers.
bool isCarry(const Decoder &decoder);
Status decodeCarry(Decoder &decoder);
Status decodeLogic(Decoder &decoder);
Status decodeCompare(Decoder &decoder);
Status decodeConvert(Decoder &decoder);
Status decodeMove(Decoder &decoder);
Status decodeMemory(Decoder &decoder);
Status decodeAtomic(Decoder &decoder);
Status decodeMatrixMove(Decoder &decoder);
Status decodeWarp(Decoder &decoder);
Status decodeMma(Decoder &decoder);
Status decodeHint(Decoder &decoder);
Status decodeCpAsync(Decoder &decoder);
Status decodeControl(Decoder &decoder);
Status decodeBarrier(Decoder &decoder);
Status decodeCluster(Decoder &decoder);
Status decodeAsyncStore(Decoder &decoder);
Status decodeMBarrier(Decoder &decoder);
Status decodeTma(Decoder &decoder);
Status decodeWgmma(Decoder &decoder);

/// Makes an instruction a branch to a label.
void makeBranch(Instruction &instruction, uint32_t label);
/// What copies an operand of a type.
Execute moveOf(Type type);
/// Makes an instruction access the local memory of its threads: a load of the
/// register that comes before the address, or a store of what comes after it.
void makeLocalAccess(Instruction &instruction, bool isLoad, uint32_t bytes);

/// Finds for each branch where its paths meet again.
void computeReconvergence(Program &program);

/// The function that has a body, or null.
const Function *findFunction(const Module &module, const std::string &name);

/// Decodes the kernel `name` of `module`, whose variables are at `addresses`.
Result<Program> decodeKernel(const Module &module, const std::string &name,
                             const ModuleAddresses &addresses = {});

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_DECODER_H
