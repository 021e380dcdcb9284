//===- ParserStatement.cpp - Reads the text of PTX: statements ------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parser.h"

#include <cctype>

using namespace attn::runtime;
using namespace attn::runtime::emulator;

Status Parser::parseBody(Function &function) {
  if (Status status = expect("{"); status.failed())
    return status;
  unsigned depth = 0;
  while (depth > 0 || peek().text != "}") {
    if (peek().text.empty())
      return unexpected("'}'");
    depth += peek().text == "{";
    depth -= peek().text == "}";
    if (Status status = parseStatement(function); status.failed())
      return status;
  }
  take();
  return {};
}

Status Parser::parseStatement(Function &function) {
  Statement statement;
  statement.line = peek().line;
  Status status;
  if (takeIf(";"))
    return {};
  if (takeIf(".loc"))
    return parseLocation();
  if (takeIf(".pragma")) {
    take();
    return expect(";");
  }
  if (std::optional<Space> space = takeSpace())
    return parseBodyVariables(function, statement, *space);
  if (takeIf("{")) {
    statement.kind = Statement::Kind::ScopeBegin;
  } else if (takeIf("}")) {
    statement.kind = Statement::Kind::ScopeEnd;
  } else if (takeIf(".reg")) {
    statement.kind = Statement::Kind::Registers;
    status = parseRegisters(statement);
  } else if (peek(1).text == ":") {
    status = parseLabel(statement);
  } else {
    status = parseInstruction(statement);
  }
  function.body.push_back(std::move(statement));
  return status;
}

Status Parser::parseBodyVariables(Function &function,
                                  const Statement &statement, Space space) {
  std::vector<Variable> variables;
  if (Status status = parseVariables(space, /*isExternal=*/false, variables);
      status.failed())
    return status;
  for (Variable &variable : variables) {
    Statement declaration = statement;
    declaration.kind = Statement::Kind::Variable;
    declaration.name = variable.name;
    declaration.variable = std::move(variable);
    function.body.push_back(std::move(declaration));
  }
  return {};
}

/// `name:`, which a list of labels may follow.
Status Parser::parseLabel(Statement &statement) {
  statement.kind = Statement::Kind::Label;
  statement.name = take().text;
  take();
  if (!takeIf(".branchtargets"))
    return {};
  statement.kind = Statement::Kind::BranchTargets;
  return parseOperands(statement.operands, ";");
}

/// `.loc file line column, function_name label, inlined_at file line column`:
/// for debuggers.
Status Parser::parseLocation() {
  for (unsigned i = 0; i < 3; ++i)
    if (Result<int64_t> number = parseInteger(); number.failed())
      return number.error();
  while (takeIf(",")) {
    bool isPlace = take().text == "inlined_at";
    for (unsigned i = 0; i < (isPlace ? 3u : 1u); ++i)
      take();
    if (takeIf("+"))
      take();
  }
  return {};
}

Status Parser::parseRegisters(Statement &statement) {
  statement.name = take().text;
  do {
    std::string name = take().text;
    int64_t count = -1;
    if (takeIf("<")) {
      Result<int64_t> value = parseCount(/*least=*/0);
      if (value.failed())
        return value.error();
      count = *value;
      if (Status status = expect(">"); status.failed())
        return status;
    }
    statement.registers.emplace_back(std::move(name), count);
  } while (takeIf(","));
  return expect(";");
}

Status Parser::parseInstruction(Statement &statement) {
  if (takeIf("@")) {
    statement.guardNegated = takeIf("!");
    statement.guard = take().text;
  }
  if (peek().text.empty() ||
      !std::isalpha(static_cast<unsigned char>(peek().text[0])))
    return unexpected("an instruction");
  statement.line = peek().line;
  statement.name = take().text;
  if (statement.name == "call" || statement.name == "call.uni")
    return parseCall(statement);
  if (takeIf(";"))
    return {};
  return parseOperands(statement.operands, ";");
}

/// `(results), function, (arguments)`, of which only the function must be
/// there.
Status Parser::parseCall(Statement &statement) {
  statement.kind = Statement::Kind::Call;
  if (takeIf("(")) {
    if (Status status = parseOperands(statement.results, ")"); status.failed())
      return status;
    if (Status status = expect(","); status.failed())
      return status;
  }
  statement.name = take().text;
  if (takeIf(",")) {
    if (Status status = expect("("); status.failed())
      return status;
    if (!takeIf(")"))
      if (Status status = parseOperands(statement.operands, ")");
          status.failed())
        return status;
    // The prototype of a function whose address is in a register.
    if (takeIf(",")) {
      statement.isIndirect = true;
      take();
    }
  }
  return expect(";");
}

/// At least one operand, and what comes after the last.
Status Parser::parseOperands(std::vector<SourceOperand> &operands,
                             const char *end) {
  do {
    SourceOperand operand;
    if (Status status = parseOperand(operand, 0); status.failed())
      return status;
    operands.push_back(std::move(operand));
  } while (takeIf(","));
  return expect(end);
}

Status Parser::parseOperand(SourceOperand &operand, unsigned depth) {
  if (depth < 2 && takeIf("{"))
    return parseVector(operand, depth);
  if (depth < 1 && takeIf("["))
    return parseAddress(operand, depth);
  if (Status status = parseSimpleOperand(operand); status.failed())
    return status;
  if (depth == 0 && operand.kind == SourceOperand::Kind::Name && takeIf("+")) {
    Result<int64_t> offset = parseInteger();
    if (offset.failed())
      return offset.error();
    operand.offset = *offset;
  }
  if (depth > 0 || !takeIf("|"))
    return {};
  SourceOperand second;
  if (Status status = parseSimpleOperand(second); status.failed())
    return status;
  SourceOperand first = std::move(operand);
  operand = SourceOperand();
  operand.kind = SourceOperand::Kind::Pair;
  operand.text = first.text + "|" + second.text;
  operand.elements = {std::move(first), std::move(second)};
  return {};
}

/// A name or a number.
Status Parser::parseSimpleOperand(SourceOperand &operand) {
  operand.negated = takeIf("!");
  bool negative = !operand.negated && takeIf("-");
  if (negative && !isNumber(peek().text))
    return unexpected("a number");
  if (peek().text.empty() || !isWord(peek().text[0]))
    return unexpected("an operand");
  bool immediate = isNumber(peek().text);
  operand.kind =
      immediate ? SourceOperand::Kind::Immediate : SourceOperand::Kind::Name;
  operand.text = (negative ? "-" : "") + take().text;
  return {};
}

Status Parser::parseVector(SourceOperand &operand, unsigned depth) {
  operand.kind = SourceOperand::Kind::Vector;
  do {
    SourceOperand element;
    if (Status status = parseOperand(element, depth + 2); status.failed())
      return status;
    operand.elements.push_back(std::move(element));
  } while (takeIf(","));
  return expect("}");
}

Status Parser::parseAddress(SourceOperand &operand, unsigned depth) {
  if (Status status = parseOperand(operand, depth + 2); status.failed())
    return status;
  operand.kind = SourceOperand::Kind::Address;
  if (peek().text == "+" || peek().text == "-") {
    takeIf("+");
    Result<int64_t> offset = parseInteger();
    if (offset.failed())
      return offset.error();
    operand.offset = *offset;
  }
  if (takeIf(",")) {
    if (Status status = expect("{"); status.failed())
      return status;
    SourceOperand coordinates;
    if (Status status = parseVector(coordinates, depth); status.failed())
      return status;
    operand.elements = std::move(coordinates.elements);
  }
  return expect("]");
}
