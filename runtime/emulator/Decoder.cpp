//===- Decoder.cpp - From statements to instructions ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "SharedMemory.h"

#include <charconv>
#include <cstdlib>
#include <cstring>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

/// Bounds what hostile text can make a warp allocate.
static constexpr int64_t maxRegisters = 1 << 15;
static constexpr uint64_t maxStaticShared = 1 << 18;
static constexpr uint64_t externalAlignment = 1024;

static uint64_t alignTo(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

Failure Decoder::error(const std::string &message) const {
  return lineFailure(module.lines, current->line, message);
}

Failure Decoder::unknown() const {
  return error("the emulator does not know '" + current->name +
               "' with these operands");
}

Status Decoder::expectOperands(size_t count) const {
  if (current->operands.size() == count)
    return {};
  return error("expected " + std::to_string(count) + " operands, got " +
               std::to_string(current->operands.size()));
}

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

static Operand::Kind kindOf(Type type) {
  switch (type) {
  case Type::Predicate:
    return Operand::Kind::Predicate;
  case Type::Bits16:
  case Type::Bits32:
  case Type::Float32:
    return Operand::Kind::Word;
  case Type::Bits64:
  case Type::Float64:
    return Operand::Kind::Double;
  }
  return Operand::Kind::None;
}

static unsigned bitsOf(Type type) {
  if (type == Type::Predicate)
    return 1;
  if (type == Type::Bits16)
    return 16;
  return kindOf(type) == Operand::Kind::Word ? 32 : 64;
}

const Decoder::Register *Decoder::findRegister(const std::string &name) const {
  for (auto id = open.rbegin(); id != open.rend(); ++id) {
    const Scope &scope = scopes[*id];
    if (auto found = scope.registers.find(name); found != scope.registers.end())
      return &found->second;
  }
  return nullptr;
}

Status Decoder::addResult(const SourceOperand &operand, Type type) {
  if (operand.kind == SourceOperand::Kind::Name && isSink(operand)) {
    decoded.operands.push_back({});
    return {};
  }
  const Register *found = operand.kind == SourceOperand::Kind::Name
                              ? findRegister(operand.text)
                              : nullptr;
  if (!found || found->bits != bitsOf(type))
    return error("expected a register of " + std::to_string(bitsOf(type)) +
                 " bits, got '" + operand.text + "'");
  decoded.operands.push_back(found->operand);
  return {};
}

Status Decoder::addSource(const SourceOperand &operand, Type type) {
  if (operand.kind == SourceOperand::Kind::Name && !isSink(operand))
    return addResult(operand, type);
  if (operand.kind != SourceOperand::Kind::Immediate)
    return error("expected a register or a number");
  Result<uint64_t> value = parseImmediate(operand.text, type);
  if (value.failed())
    return value.error();
  addConstant(*value);
  return {};
}

void Decoder::addConstant(uint64_t value, bool isShared) {
  Operand operand{Operand::Kind::Constant, 0};
  for (const Constant &constant : program.constants) {
    if (constant.value == value && constant.isShared == isShared)
      break;
    ++operand.index;
  }
  if (operand.index == program.constants.size()) {
    Constant constant;
    constant.value = value;
    constant.isShared = isShared;
    constant.words.fill(static_cast<uint32_t>(value));
    constant.doubles.fill(value);
    program.constants.push_back(constant);
  }
  decoded.operands.push_back(operand);
}

Status Decoder::addVector(const SourceOperand &operand, Type type, size_t count,
                          bool isResult) {
  if (operand.kind != SourceOperand::Kind::Vector ||
      operand.elements.size() != count)
    return error("expected a vector of " + std::to_string(count) + " operands");
  for (const SourceOperand &element : operand.elements)
    if (Status status =
            isResult ? addResult(element, type) : addSource(element, type);
        status.failed())
      return status;
  return {};
}

Status Decoder::addAddress(const SourceOperand &operand, bool mayOffset) {
  if (operand.kind != SourceOperand::Kind::Address)
    return error("expected an address");
  if (operand.offset && !mayOffset)
    return error("expected an address without an offset");
  if (mayOffset)
    decoded.offset = operand.offset;
  if (const Register *found = findRegister(operand.text)) {
    if (found->bits < 32)
      return error("expected a register of 32 or 64 bits, got '" +
                   operand.text + "'");
    decoded.operands.push_back(found->operand);
    return {};
  }
  // A variable is named by its address in its own memory.
  std::optional<uint64_t> address = symbol(operand.text);
  if (!address || *address >= sharedWindow)
    return error("expected a register or a variable, got '" + operand.text +
                 "'");
  addConstant(*address, /*isShared=*/true);
  return {};
}

Result<int64_t> Decoder::immediate(const SourceOperand &operand, int64_t least,
                                   int64_t most) const {
  Result<uint64_t> value =
      operand.kind == SourceOperand::Kind::Immediate
          ? parseImmediate(operand.text, Type::Bits64)
          : Result<uint64_t>(
                error("expected a number, got '" + operand.text + "'"));
  if (value.failed())
    return value.error();
  auto number = static_cast<int64_t>(*value);
  if (number < least || number > most)
    return error("expected a number from " + std::to_string(least) + " to " +
                 std::to_string(most) + ", got " + operand.text);
  return number;
}

/// The bits of a floating-point literal as `type` has them.
static std::optional<uint64_t> parseFloat(const std::string &text, Type type) {
  bool negative = text[0] == '-';
  std::string digits = text.substr(negative);
  double value;
  if (digits.compare(0, 2, "0f") == 0 || digits.compare(0, 2, "0d") == 0) {
    bool isSingle = digits[1] == 'f';
    if (digits.size() != (isSingle ? 10 : 18))
      return std::nullopt;
    uint64_t bits = 0;
    const char *end = digits.data() + digits.size();
    if (std::from_chars(digits.data() + 2, end, bits, 16).ptr != end)
      return std::nullopt;
    if (isSingle && !negative && type != Type::Float64)
      return bits;
    if (!isSingle && !negative && type != Type::Float32)
      return bits;
    auto word = static_cast<uint32_t>(bits);
    float single;
    std::memcpy(&single, &word, sizeof(single));
    std::memcpy(&value, &bits, sizeof(value));
    value = isSingle ? single : value;
  } else {
    char *end = nullptr;
    value = std::strtod(digits.c_str(), &end);
    if (*end)
      return std::nullopt;
  }
  value = negative ? -value : value;
  uint64_t bits = 0;
  auto single = static_cast<float>(value);
  if (type == Type::Float32)
    std::memcpy(&bits, &single, sizeof(single));
  else
    std::memcpy(&bits, &value, sizeof(value));
  return bits;
}

Result<uint64_t> Decoder::parseImmediate(const std::string &text,
                                         Type type) const {
  bool negative = text[0] == '-';
  std::string digits = text.substr(negative);
  bool hexadecimal =
      digits.compare(0, 2, "0x") == 0 || digits.compare(0, 2, "0X") == 0;
  bool literal =
      digits.compare(0, 2, "0f") == 0 || digits.compare(0, 2, "0d") == 0;
  bool isFloat =
      literal || (!hexadecimal && digits.find('.') != std::string::npos);
  bool wantsFloat = type == Type::Float32 || type == Type::Float64;
  Failure failed =
      error("expected a number of " + std::to_string(bitsOf(type)) +
            " bits, got '" + text + "'");
  if (isFloat) {
    // The bits of a float may stand for any value of their width.
    bool fits = wantsFloat ||
                (literal && bitsOf(type) == (digits[1] == 'f' ? 32u : 64u));
    std::optional<uint64_t> bits = parseFloat(text, type);
    if (!fits || !bits)
      return failed;
    return *bits;
  }
  uint64_t value = 0;
  const char *end = digits.data() + digits.size();
  auto [stop, code] = std::from_chars(digits.data() + (hexadecimal ? 2 : 0),
                                      end, value, hexadecimal ? 16 : 10);
  if (wantsFloat || code != std::errc() ||
      (stop != end && std::string(stop) != "U"))
    return failed;
  unsigned bits = bitsOf(type);
  if (bits < 64 && bits > 1 &&
      value >
          (negative ? uint64_t(1) << (bits - 1) : (uint64_t(1) << bits) - 1))
    return failed;
  return negative ? 0 - value : value;
}

std::optional<uint64_t> Decoder::symbol(const std::string &name) const {
  if (auto found = symbols.find(name); found != symbols.end())
    return found->second;
  return std::nullopt;
}

const ParameterSlot *Decoder::parameter(const std::string &name) const {
  for (const ParameterSlot &slot : program.parameters)
    if (slot.name == name)
      return &slot;
  return nullptr;
}

Result<uint32_t> Decoder::label(const SourceOperand &operand) const {
  for (auto id = open.rbegin(); id != open.rend(); ++id)
    if (auto found = scopes[*id].labels.find(operand.text);
        found != scopes[*id].labels.end())
      return found->second;
  return error("expected a label, got '" + operand.text + "'");
}

//===----------------------------------------------------------------------===//
// Declarations
//===----------------------------------------------------------------------===//

void Decoder::layOutParameters() {
  uint64_t offset = 0;
  for (const Variable &parameter : function.parameters) {
    offset = alignTo(offset, parameter.alignment);
    program.parameters.push_back({parameter.name, static_cast<uint32_t>(offset),
                                  static_cast<uint32_t>(parameter.size)});
    symbols[parameter.name] = parameterWindow + offset;
    offset += parameter.size;
  }
  program.parameterBytes = static_cast<uint32_t>(offset);
}

Status Decoder::layOutShared() {
  uint64_t end = SharedMemory::base;
  for (const Variable &variable : module.sharedVariables) {
    if (variable.isExternal)
      continue;
    end = alignTo(end, variable.alignment);
    symbols[variable.name] = end;
    end += variable.size;
    if (end > maxStaticShared)
      return failure("expected at most ", maxStaticShared,
                     " bytes of shared memory, got more at '", variable.name,
                     "'");
  }
  for (const Variable &variable : module.sharedVariables)
    if (variable.isExternal) {
      end = alignTo(end, externalAlignment);
      symbols[variable.name] = end;
    }
  program.staticSharedBytes = static_cast<uint32_t>(end - SharedMemory::base);
  return {};
}

/// Labels may be used before they come, so they are found first.
Status Decoder::findLabels() {
  std::vector<size_t> stack = {0};
  scopes.emplace_back();
  uint32_t position = 0;
  for (const Statement &statement : function.body) {
    current = &statement;
    switch (statement.kind) {
    case Statement::Kind::ScopeBegin:
      stack.push_back(scopes.size());
      scopes.emplace_back();
      break;
    case Statement::Kind::ScopeEnd:
      stack.pop_back();
      break;
    case Statement::Kind::Label:
      if (!scopes[stack.back()].labels.emplace(statement.name, position).second)
        return error("expected a label that is not defined yet, got '" +
                     statement.name + "'");
      break;
    case Statement::Kind::Instruction:
      ++position;
      break;
    case Statement::Kind::Registers:
      break;
    }
  }
  return {};
}

/// The kind and the width of registers of a type, e.g. ".b32".
static std::optional<std::pair<Operand::Kind, unsigned>>
registerType(const std::string &type) {
  if (type == ".pred")
    return std::pair(Operand::Kind::Predicate, 1u);
  if (type.size() != 4 ||
      std::string("busf").find(type[1]) == std::string::npos)
    return std::nullopt;
  std::string bits = type.substr(2);
  if (bits == "16")
    return std::pair(Operand::Kind::Word, 16u);
  if (bits == "32")
    return std::pair(Operand::Kind::Word, 32u);
  if (bits == "64")
    return std::pair(Operand::Kind::Double, 64u);
  return std::nullopt;
}

Status Decoder::declare(const Statement &statement) {
  auto type = registerType(statement.name);
  if (!type)
    return error("expected a type of registers, got '" + statement.name + "'");
  std::vector<std::string> &names =
      type->first == Operand::Kind::Predicate ? program.predicateNames
      : type->first == Operand::Kind::Word    ? program.wordNames
                                              : program.doubleNames;
  for (const auto &[name, count] : statement.registers) {
    registerCount += count < 0 ? 1 : count;
    if (registerCount > maxRegisters)
      return error("expected at most " + std::to_string(maxRegisters) +
                   " registers");
    for (int64_t i = 0; i < (count < 0 ? 1 : count); ++i) {
      std::string full = count < 0 ? name : name + std::to_string(i);
      Operand operand{type->first, static_cast<uint32_t>(names.size())};
      scopes[open.back()].registers[full] = {operand, type->second};
      names.push_back(full);
    }
  }
  return {};
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

static std::vector<std::string> split(const std::string &name) {
  std::vector<std::string> parts(1);
  for (char c : name)
    if (c == '.')
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

Status Decoder::decodeInstruction() {
  using Unit = Status (*)(Decoder &);
  static const std::map<std::string, Unit> units = {
      {"mov", decodeMove},
      {"cvta", decodeMove},
      {"ld", decodeMemory},
      {"st", decodeMemory},
      {"atom", decodeMemory},
      {"prefetch", decodeTma},
      {"ldmatrix", decodeMatrixMove},
      {"stmatrix", decodeMatrixMove},
      {"shfl", decodeWarp},
      {"vote", decodeWarp},
      {"bra", decodeControl},
      {"ret", decodeControl},
      {"exit", decodeControl},
      {"bar", decodeBarrier},
      {"barrier", decodeBarrier},
      {"fence", decodeBarrier},
      {"membar", decodeBarrier},
      {"setmaxnreg", decodeBarrier},
      {"mapa", decodeCluster},
      {"getctarank", decodeCluster},
      {"mbarrier", decodeMBarrier},
      {"cp", decodeTma},
      {"wgmma", decodeWgmma}};
  if (nameParts[0] == "barrier" && nameParts.size() > 1 &&
      nameParts[1] == "cluster")
    return decodeCluster(*this);
  if (nameParts.size() > 1 && nameParts[1] == "async" &&
      (nameParts[0] == "st" || nameParts[0] == "red"))
    return decodeAsyncStore(*this);
  auto unit = units.find(nameParts[0]);
  return unit == units.end() ? decodeAlu(*this) : unit->second(*this);
}

Status Decoder::decodeStatement(const Statement &statement) {
  current = &statement;
  switch (statement.kind) {
  case Statement::Kind::ScopeBegin:
    open.push_back(nextScope++);
    return {};
  case Statement::Kind::ScopeEnd:
    open.pop_back();
    return {};
  case Statement::Kind::Label:
    return {};
  case Statement::Kind::Registers:
    return declare(statement);
  case Statement::Kind::Instruction:
    break;
  }
  decoded = Instruction();
  decoded.line = statement.line;
  nameParts = split(statement.name);
  if (!statement.guard.empty()) {
    const Register *guard = findRegister(statement.guard);
    if (!guard || guard->bits != 1)
      return error("expected a predicate, got '" + statement.guard + "'");
    decoded.guard = static_cast<int32_t>(guard->operand.index);
    decoded.guardNegated = statement.guardNegated;
  }
  if (Status status = decodeInstruction(); status.failed())
    return status;
  program.instructions.push_back(std::move(decoded));
  return {};
}

Result<Program> Decoder::decode() {
  program.kernel = function.name;
  program.lines = module.lines;
  program.clusterBlocks = function.clusterBlocks;
  layOutParameters();
  if (Status status = layOutShared(); status.failed())
    return status.error();
  if (Status status = findLabels(); status.failed())
    return status.error();
  open = {nextScope++};
  for (const Statement &statement : function.body)
    if (Status status = decodeStatement(statement); status.failed())
      return status.error();
  // Whoever comes to the end of the body exits.
  Statement end;
  end.name = "exit";
  end.line = function.body.empty() ? 0 : function.body.back().line;
  if (Status status = decodeStatement(end); status.failed())
    return status.error();
  computeReconvergence(program);
  return std::move(program);
}

Result<Program> attn::runtime::emulator::decodeKernel(const Module &module,
                                                      const std::string &name) {
  for (const Function &function : module.functions)
    if (function.name == name)
      return Decoder(module, function).decode();
  return failure("the PTX has no kernel '", name, "'");
}
