//===- Declarations.cpp - Registers, variables and labels -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

#include "SharedMemory.h"

#include <algorithm>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

/// Bounds what hostile text can make a warp allocate.
static constexpr int64_t maxRegisters = 1 << 15;
static constexpr uint64_t maxStaticShared = 1 << 18;
/// Of sm_90.
static constexpr uint64_t maxParameters = 32764;
static constexpr uint64_t maxLocal = 1 << 16;
static constexpr uint64_t externalAlignment = 1024;

static uint64_t alignTo(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) / alignment * alignment;
}

Status Decoder::layOutParameters() {
  uint64_t offset = 0;
  for (const Variable &parameter : kernel.parameters) {
    offset = alignTo(offset, parameter.alignment);
    program.parameters.push_back({parameter.name, static_cast<uint32_t>(offset),
                                  static_cast<uint32_t>(parameter.size)});
    symbols[parameter.name] = {Space::Parameter, parameterWindow + offset,
                               parameter.size};
    offset += parameter.size;
    if (offset > maxParameters)
      return failure("expected at most ", maxParameters,
                     " bytes of parameters, got more at '", parameter.name,
                     "'");
  }
  program.parameterBytes = static_cast<uint32_t>(offset);
  return {};
}

void Decoder::nameModuleVariables(const ModuleAddresses &addresses) {
  for (const Variable &variable : module.variables)
    if (auto found = addresses.find(variable.name); found != addresses.end())
      symbols[variable.name] = {variable.space, found->second, variable.size};
}

/// The functions that are called, directly or not, each once.
static std::vector<const Function *> reachable(const Module &module,
                                               const Function &kernel) {
  std::vector<const Function *> functions = {&kernel};
  for (size_t i = 0; i < functions.size(); ++i)
    for (const Statement &statement : functions[i]->body) {
      if (statement.kind != Statement::Kind::Call)
        continue;
      const Function *callee = findFunction(module, statement.name);
      if (callee && std::find(functions.begin(), functions.end(), callee) ==
                        functions.end())
        functions.push_back(callee);
    }
  return functions;
}

Result<uint64_t> Decoder::placeShared(const Variable &variable,
                                      uint64_t &end) const {
  end = alignTo(end, variable.alignment);
  uint64_t address = end;
  end += variable.size;
  if (end > maxStaticShared)
    return failure("expected at most ", maxStaticShared,
                   " bytes of shared memory, got more at '", variable.name,
                   "'");
  return address;
}

/// Those of functions are there once, however often the function is called.
Status Decoder::layOutShared() {
  uint64_t end = SharedMemory::base;
  for (const Variable &variable : module.variables) {
    if (variable.isExternal || variable.space != Space::Shared)
      continue;
    Result<uint64_t> address = placeShared(variable, end);
    if (address.failed())
      return address.error();
    symbols[variable.name] = {Space::Shared, *address, variable.size};
  }
  for (const Function *function : reachable(module, kernel))
    for (const Statement &statement : function->body) {
      if (statement.kind != Statement::Kind::Variable ||
          statement.variable.space != Space::Shared)
        continue;
      Result<uint64_t> address = placeShared(statement.variable, end);
      if (address.failed())
        return address.error();
      sharedStatements[&statement] = *address;
    }
  for (const Variable &variable : module.variables)
    if (variable.isExternal && variable.space == Space::Shared) {
      end = alignTo(end, externalAlignment);
      symbols[variable.name] = {Space::Shared, end, variable.size};
    }
  program.staticSharedBytes = static_cast<uint32_t>(end - SharedMemory::base);
  return {};
}

/// Labels may be used before they come, so they are found first.
Status Decoder::findLabels(Frame &frame) {
  std::vector<size_t> stack = {0};
  frame.scopes.emplace_back();
  for (const Statement &statement : frame.function->body) {
    current = &statement;
    if (statement.kind == Statement::Kind::ScopeBegin) {
      stack.push_back(frame.scopes.size());
      frame.scopes.emplace_back();
    } else if (statement.kind == Statement::Kind::ScopeEnd) {
      stack.pop_back();
    } else if (statement.kind == Statement::Kind::Label) {
      auto &labels = frame.scopes[stack.back()].labels;
      if (!labels.emplace(statement.name, newLabel()).second)
        return error("expected a label that is not defined yet, got '" +
                     statement.name + "'");
    } else if (statement.kind == Statement::Kind::BranchTargets) {
      frame.scopes[stack.back()].targets[statement.name] = &statement;
    }
  }
  return {};
}

Result<uint64_t> Decoder::placeLocal(const Variable &variable) {
  uint64_t address =
      alignTo(localBase + program.localBytes, variable.alignment);
  uint64_t end = address + variable.size;
  if (end > localBase + maxLocal)
    return error("expected at most " + std::to_string(maxLocal) +
                 " bytes of local memory for a thread");
  program.localBytes = static_cast<uint32_t>(end - localBase);
  return address;
}

/// Declares a variable of a function.
Status Decoder::declareVariable(const Statement &statement) {
  const Variable &variable = statement.variable;
  Symbol symbol{variable.space, 0, variable.size};
  if (variable.space == Space::Shared) {
    symbol.address = sharedStatements.at(&statement);
  } else if (variable.space == Space::Local ||
             variable.space == Space::Parameter) {
    Result<uint64_t> address = placeLocal(variable);
    if (address.failed())
      return address.error();
    symbol.space = Space::Local;
    symbol.address = *address;
    symbol.isParameter = variable.space == Space::Parameter;
  } else {
    return error("expected the variable at the level of the module");
  }
  frame().scopes[frame().open.back()].variables[variable.name] = symbol;
  return {};
}

std::optional<RegisterType>
attn::runtime::emulator::registerType(const std::string &type) {
  if (type == ".pred")
    return RegisterType{Operand::Kind::Predicate, 1};
  if (type.size() != 4 ||
      std::string("busf").find(type[1]) == std::string::npos)
    return std::nullopt;
  std::string bits = type.substr(2);
  if (bits == "16")
    return RegisterType{Operand::Kind::Word, 16};
  if (bits == "32")
    return RegisterType{Operand::Kind::Word, 32};
  if (bits == "64")
    return RegisterType{Operand::Kind::Double, 64};
  return std::nullopt;
}

Result<Operand> Decoder::addRegister(const std::string &name,
                                     Operand::Kind kind) {
  if (++registerCount > maxRegisters)
    return error("expected at most " + std::to_string(maxRegisters) +
                 " registers");
  std::vector<std::string> &names =
      kind == Operand::Kind::Predicate ? program.predicateNames
      : kind == Operand::Kind::Word    ? program.wordNames
                                       : program.doubleNames;
  names.push_back(name);
  return Operand{kind, static_cast<uint32_t>(names.size() - 1)};
}

Status Decoder::declare(const Statement &statement) {
  std::optional<RegisterType> type = registerType(statement.name);
  if (!type)
    return error("expected a type of registers, got '" + statement.name + "'");
  for (const auto &[name, count] : statement.registers)
    for (int64_t i = 0; i < (count < 0 ? 1 : count); ++i) {
      std::string full = count < 0 ? name : name + std::to_string(i);
      Result<Operand> operand = addRegister(full, type->kind);
      if (operand.failed())
        return operand.error();
      frame().scopes[frame().open.back()].registers[full] = {*operand,
                                                             type->bits};
    }
  return {};
}
