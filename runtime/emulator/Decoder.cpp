//===- Decoder.cpp - From statements to instructions ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "Immediate.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

/// Bounds what hostile text can make the decoder allocate.
static constexpr size_t maxInstructions = 1 << 18;

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

Operand::Kind attn::runtime::emulator::kindOf(Type type) {
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
  for (auto id = frame().open.rbegin(); id != frame().open.rend(); ++id) {
    const Scope &scope = frame().scopes[*id];
    if (auto found = scope.registers.find(name); found != scope.registers.end())
      return &found->second;
  }
  return nullptr;
}

Status Decoder::addResult(const SourceOperand &operand, Type type,
                          Width width) {
  bool isName = operand.kind == SourceOperand::Kind::Name && !operand.negated &&
                !operand.offset;
  if (isName && isSink(operand)) {
    decoded.operands.push_back({});
    return {};
  }
  const Register *found = isName ? findRegister(operand.text) : nullptr;
  unsigned bits = bitsOf(type);
  bool isWider = width == Width::OrMore && found && bits > 1;
  if (!found || (isWider ? found->bits < bits : found->bits != bits))
    return error("expected a register of " + std::to_string(bits) +
                 " bits, got '" + operand.text + "'");
  decoded.operands.push_back(found->operand);
  return {};
}

Status Decoder::addSource(const SourceOperand &operand, Type type,
                          bool mayNegate, Width width) {
  if (operand.negated && !mayNegate)
    return error("expected an operand that is not negated");
  if (operand.kind == SourceOperand::Kind::Name && !isSink(operand)) {
    SourceOperand plain = operand;
    plain.negated = false;
    return addResult(plain, type, width);
  }
  if (operand.kind != SourceOperand::Kind::Immediate)
    return error("expected a register or a number");
  Result<uint64_t> value = parseImmediate(operand.text, type);
  if (value.failed())
    return value.error();
  addConstant(*value);
  return {};
}

bool Decoder::isPredicate(const SourceOperand &operand) const {
  const Register *found = findRegister(operand.text);
  return found && found->bits == 1;
}

Status Decoder::addPair(const SourceOperand &operand, Type first, Type second,
                        bool isOptional) {
  bool isPair = operand.kind == SourceOperand::Kind::Pair;
  if (!isPair && !isOptional)
    return error("expected two results, got '" + operand.text + "'");
  if (Status status = addResult(isPair ? operand.elements[0] : operand, first);
      status.failed())
    return status;
  if (isPair)
    return addResult(operand.elements[1], second);
  decoded.operands.emplace_back();
  return {};
}

Operand Decoder::carryFlag() {
  if (!carryIndex) {
    carryIndex = static_cast<uint32_t>(program.predicateNames.size());
    program.predicateNames.emplace_back("the carry flag");
  }
  return {Operand::Kind::Predicate, *carryIndex};
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
  const Symbol *symbol = variable(operand.text);
  if (!symbol || symbol->space == Space::Parameter)
    return error("expected a register or a variable, got '" + operand.text +
                 "'");
  addConstant(symbol->address, symbol->space == Space::Shared);
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

Result<uint64_t> Decoder::parseImmediate(const std::string &text,
                                         Type type) const {
  bool wantsFloat = type == Type::Float32 || type == Type::Float64;
  if (std::optional<uint64_t> bits =
          parseNumber(text, bitsOf(type), wantsFloat))
    return *bits;
  return error("expected a number of " + std::to_string(bitsOf(type)) +
               " bits, got '" + text + "'");
}

const Symbol *Decoder::variable(const std::string &name) const {
  for (auto id = frame().open.rbegin(); id != frame().open.rend(); ++id) {
    const Scope &scope = frame().scopes[*id];
    if (auto found = scope.variables.find(name); found != scope.variables.end())
      return &found->second;
  }
  auto found = symbols.find(name);
  return found == symbols.end() ? nullptr : &found->second;
}

Result<uint32_t> Decoder::label(const SourceOperand &operand) {
  usesLabels = true;
  for (auto id = frame().open.rbegin(); id != frame().open.rend(); ++id)
    if (auto found = frame().scopes[*id].labels.find(operand.text);
        found != frame().scopes[*id].labels.end())
      return found->second;
  return error("expected a label, got '" + operand.text + "'");
}

uint32_t Decoder::newLabel() {
  labelPositions.push_back(0);
  return static_cast<uint32_t>(labelPositions.size() - 1);
}

const Statement *Decoder::branchTargets(const std::string &name) const {
  for (auto id = frame().open.rbegin(); id != frame().open.rend(); ++id) {
    const Scope &scope = frame().scopes[*id];
    if (auto found = scope.targets.find(name); found != scope.targets.end())
      return found->second;
  }
  return nullptr;
}

std::optional<uint32_t> Decoder::returnLabel() {
  usesLabels |= frames.size() > 1;
  return frames.size() > 1 ? std::optional(frame().returns) : std::nullopt;
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
      {"isspacep", decodeMove},
      {"ld", decodeMemory},
      {"ldu", decodeMemory},
      {"st", decodeMemory},
      {"atom", decodeAtomic},
      {"red", decodeAtomic},
      {"prefetch", decodeHint},
      {"prefetchu", decodeHint},
      {"createpolicy", decodeHint},
      {"discard", decodeHint},
      {"applypriority", decodeHint},
      {"nanosleep", decodeHint},
      {"pmevent", decodeHint},
      {"griddepcontrol", decodeHint},
      {"ldmatrix", decodeMatrixMove},
      {"stmatrix", decodeMatrixMove},
      {"setp", decodeCompare},
      {"set", decodeCompare},
      {"lop3", decodeLogic},
      {"shfl", decodeWarp},
      {"vote", decodeWarp},
      {"match", decodeWarp},
      {"redux", decodeWarp},
      {"elect", decodeWarp},
      {"activemask", decodeWarp},
      {"mma", decodeMma},
      {"bra", decodeControl},
      {"ret", decodeControl},
      {"brx", decodeControl},
      {"exit", decodeControl},
      {"trap", decodeControl},
      {"brkpt", decodeControl},
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
  if (nameParts[0] == "cp" && nameParts.size() > 2 && nameParts[1] == "async" &&
      nameParts[2] != "bulk" && nameParts[2] != "reduce")
    return decodeCpAsync(*this);
  auto unit = units.find(nameParts[0]);
  return unit == units.end() ? decodeAlu(*this) : unit->second(*this);
}

/// Adds the instruction that has been decoded.
Status Decoder::emit() {
  if (program.instructions.size() == maxInstructions)
    return error("expected at most " + std::to_string(maxInstructions) +
                 " instructions, with those of the functions that are called");
  if (usesLabels)
    branches.push_back(program.instructions.size());
  usesLabels = false;
  program.instructions.push_back(std::move(decoded));
  begin();
  return {};
}

/// Starts an instruction of the statement at hand.
void Decoder::begin() {
  decoded = Instruction();
  decoded.line = current->line;
}

void Decoder::placeLabel(uint32_t label) {
  labelPositions[label] = static_cast<uint32_t>(program.instructions.size());
}

Status Decoder::decodeGuard() {
  if (current->guard.empty())
    return {};
  const Register *guard = findRegister(current->guard);
  if (!guard || guard->bits != 1)
    return error("expected a predicate, got '" + current->guard + "'");
  decoded.guard = static_cast<int32_t>(guard->operand.index);
  decoded.guardNegated = current->guardNegated;
  return {};
}

Status Decoder::decodeStatement(const Statement &statement) {
  current = &statement;
  begin();
  switch (statement.kind) {
  case Statement::Kind::ScopeBegin:
    frame().open.push_back(frame().nextScope++);
    return {};
  case Statement::Kind::ScopeEnd:
    frame().open.pop_back();
    return {};
  case Statement::Kind::Label:
    placeLabel(frame().scopes[frame().open.back()].labels.at(statement.name));
    return {};
  case Statement::Kind::BranchTargets:
    return {};
  case Statement::Kind::Registers:
    return declare(statement);
  case Statement::Kind::Variable:
    return declareVariable(statement);
  case Statement::Kind::Call:
    return decodeCall(statement);
  case Statement::Kind::Instruction:
    break;
  }
  nameParts = split(statement.name);
  if (Status status = decodeGuard(); status.failed())
    return status;
  if (Status status = decodeInstruction(); status.failed())
    return status;
  return emit();
}

Status Decoder::enterFunction(const Function &function) {
  frames.emplace_back();
  frame().function = &function;
  if (Status status = findLabels(frame()); status.failed())
    return status;
  frame().open = {frame().nextScope++};
  return {};
}

Status Decoder::decodeStatements() {
  // The frames move while functions are called.
  const Function &function = *frame().function;
  for (const Statement &statement : function.body)
    if (Status status = decodeStatement(statement); status.failed())
      return status;
  return {};
}

/// Labels become the places of instructions.
void Decoder::resolveLabels() {
  for (size_t index : branches) {
    Instruction &instruction = program.instructions[index];
    instruction.target = labelPositions[instruction.target];
    for (uint32_t &target : instruction.targets)
      target = labelPositions[target];
  }
}

Result<Program> Decoder::decode(const ModuleAddresses &addresses) {
  program.kernel = kernel.name;
  program.lines = module.lines;
  program.clusterBlocks = kernel.clusterBlocks;
  nameModuleVariables(addresses);
  if (Status status = layOutParameters(); status.failed())
    return status.error();
  if (Status status = layOutShared(); status.failed())
    return status.error();
  if (Status status = enterFunction(kernel); status.failed())
    return status.error();
  if (Status status = decodeStatements(); status.failed())
    return status.error();
  // Whoever comes to the end of the body exits.
  Statement end;
  end.name = "exit";
  end.line = kernel.body.empty() ? 0 : kernel.body.back().line;
  if (Status status = decodeStatement(end); status.failed())
    return status.error();
  resolveLabels();
  computeReconvergence(program);
  return std::move(program);
}

const Function *attn::runtime::emulator::findFunction(const Module &module,
                                                      const std::string &name) {
  for (const Function &function : module.functions)
    if (function.name == name)
      return &function;
  return nullptr;
}

Result<Program>
attn::runtime::emulator::decodeKernel(const Module &module,
                                      const std::string &name,
                                      const ModuleAddresses &addresses) {
  const Function *kernel = findFunction(module, name);
  if (!kernel || !kernel->isKernel)
    return failure("the PTX has no kernel '", name, "'");
  return Decoder(module, *kernel).decode(addresses);
}
