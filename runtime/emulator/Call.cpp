//===- Call.cpp - Functions in the place of their calls -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A call is replaced by the body of the function, with registers and memory of
// its own. So threads that diverge in a function meet again like any others,
// and a function cannot call itself.
//
//===----------------------------------------------------------------------===//

#include "Decoder.h"

using namespace attn::runtime;
using namespace attn::runtime::emulator;

static constexpr size_t maxDepth = 16;

static Type typeFor(Operand::Kind kind, unsigned bits, bool isFloat) {
  if (kind == Operand::Kind::Predicate)
    return Type::Predicate;
  if (bits == 16)
    return Type::Bits16;
  if (bits == 32)
    return isFloat ? Type::Float32 : Type::Bits32;
  return isFloat ? Type::Float64 : Type::Bits64;
}

Result<Type> Decoder::typeOfParameter(const Variable &formal) const {
  std::optional<RegisterType> type = registerType(formal.type);
  if (!type || formal.size != formal.elementSize)
    return error("expected a variable for the parameter '" + formal.name + "'");
  return typeFor(type->kind, type->bits, formal.type[1] == 'f');
}

/// Branches over a call that is guarded.
Status Decoder::skipCall(uint32_t after) {
  if (Status status = decodeGuard(); status.failed())
    return status;
  decoded.guardNegated = !decoded.guardNegated;
  makeBranch(decoded, after);
  usesLabels = true;
  return emit();
}

/// Copies what is passed in a register into one of the function.
Result<Operand> Decoder::passRegister(const Variable &formal,
                                      const SourceOperand *actual) {
  Result<Type> type = typeOfParameter(formal);
  if (type.failed())
    return type.error();
  Result<Operand> target = addRegister(formal.name, kindOf(*type));
  if (target.failed() || !actual)
    return target;
  decoded.operands.push_back(*target);
  if (Status status = addSource(*actual, *type); status.failed())
    return status.error();
  decoded.execute = moveOf(*type);
  if (Status status = emit(); status.failed())
    return status.error();
  return target;
}

/// The memory of what is passed there: that of the caller's variable, or new
/// memory for a register or a number.
Result<Symbol> Decoder::passVariable(const Variable &formal,
                                     const SourceOperand &actual,
                                     bool isResult) {
  if (const Symbol *symbol = variable(actual.text)) {
    if (symbol->isParameter && !actual.offset && symbol->size >= formal.size)
      return *symbol;
    return error("expected a parameter of at least " +
                 std::to_string(formal.size) + " bytes, got '" + actual.text +
                 "'");
  }
  Result<Type> type = typeOfParameter(formal);
  if (type.failed())
    return type.error();
  Result<uint64_t> address = placeLocal(formal);
  if (address.failed())
    return address.error();
  if (!isResult) {
    addConstant(*address);
    if (Status status = addSource(actual, *type); status.failed())
      return status.error();
    makeLocalAccess(decoded, /*isLoad=*/false,
                    static_cast<uint32_t>(formal.size));
    if (Status status = emit(); status.failed())
      return status.error();
  }
  return Symbol{Space::Local, *address, formal.size, /*isParameter=*/true};
}

/// Copies a result into the register that the caller names.
Status Decoder::returnValue(const Variable &formal, const SourceOperand &actual,
                            const Passed &passed) {
  // The function has written the caller's variable itself.
  if (formal.space == Space::Parameter && variable(actual.text))
    return {};
  Result<Type> type = typeOfParameter(formal);
  if (type.failed())
    return type.error();
  if (Status status = addResult(actual, *type); status.failed())
    return status;
  if (formal.space == Space::Register) {
    decoded.operands.push_back(passed.inRegister);
    decoded.execute = moveOf(*type);
  } else {
    addConstant(passed.inMemory.address);
    makeLocalAccess(decoded, /*isLoad=*/true,
                    static_cast<uint32_t>(formal.size));
  }
  return emit();
}

/// Makes the arguments or the results known under the names that the function
/// has for them.
Result<std::vector<Decoder::Passed>>
Decoder::pass(const std::vector<Variable> &formals,
              const std::vector<SourceOperand> &actuals, bool areResults) {
  std::vector<Passed> all;
  for (size_t i = 0; i < formals.size(); ++i) {
    Passed passed;
    passed.formal = &formals[i];
    if (formals[i].space == Space::Register) {
      Result<Operand> target =
          passRegister(formals[i], areResults ? nullptr : &actuals[i]);
      if (target.failed())
        return target.error();
      passed.inRegister = *target;
    } else {
      Result<Symbol> symbol = passVariable(formals[i], actuals[i], areResults);
      if (symbol.failed())
        return symbol.error();
      passed.inMemory = *symbol;
    }
    all.push_back(passed);
  }
  return all;
}

/// Declares what has been passed in the function that has been entered.
void Decoder::declarePassed(const std::vector<Passed> &all) {
  Scope &scope = frame().scopes[frame().open.back()];
  for (const Passed &passed : all) {
    const Variable &formal = *passed.formal;
    if (formal.space == Space::Register)
      scope.registers[formal.name] = {passed.inRegister,
                                      registerType(formal.type)->bits};
    else
      scope.variables[formal.name] = passed.inMemory;
  }
}

Status Decoder::decodeCall(const Statement &statement) {
  if (statement.isIndirect)
    return error("expected a call of a function by its name");
  const Function *callee = findFunction(module, statement.name);
  if (!callee || callee->isKernel)
    return error("expected a function that has a body, got '" + statement.name +
                 "'");
  if (frames.size() > maxDepth)
    return error("expected calls that are at most 16 deep, which those of a "
                 "function by itself are not");
  if (callee->results.size() != statement.results.size() ||
      callee->parameters.size() != statement.operands.size())
    return error("expected " + std::to_string(callee->results.size()) +
                 " results and " + std::to_string(callee->parameters.size()) +
                 " arguments of '" + statement.name + "'");
  uint32_t after = newLabel(), returns = newLabel();
  if (!statement.guard.empty())
    if (Status status = skipCall(after); status.failed())
      return status;
  Result<std::vector<Passed>> arguments =
      pass(callee->parameters, statement.operands, /*areResults=*/false);
  if (arguments.failed())
    return arguments.error();
  Result<std::vector<Passed>> results =
      pass(callee->results, statement.results, /*areResults=*/true);
  if (results.failed())
    return results.error();
  if (Status status = enterFunction(*callee); status.failed())
    return status;
  frame().returns = returns;
  declarePassed(*arguments);
  declarePassed(*results);
  if (Status status = decodeStatements(); status.failed())
    return status;
  placeLabel(returns);
  frames.pop_back();
  current = &statement;
  begin();
  for (size_t i = 0; i < results->size(); ++i)
    if (Status status = returnValue(callee->results[i], statement.results[i],
                                    (*results)[i]);
        status.failed())
      return status;
  placeLabel(after);
  return {};
}
