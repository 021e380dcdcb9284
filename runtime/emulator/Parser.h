//===- Parser.h - Reads the text of PTX -------------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_EMULATOR_PARSER_H
#define ATTN_RUNTIME_EMULATOR_PARSER_H

#include "Lexer.h"
#include "Syntax.h"

#include <optional>
#include <string>
#include <vector>

namespace attn::runtime::emulator {

class Parser {
public:
  explicit Parser(const std::string &text);

  Result<Module> parse();

private:
  const Token &peek(size_t ahead = 0) const;
  Token take();
  bool takeIf(const char *text);
  Status expect(const char *text);
  Failure unexpected(const std::string &rule) const;
  Result<int64_t> parseInteger();
  Result<int64_t> parseCount(int64_t least);
  Status skipIntegers();

  // Parser.cpp: modules and functions.
  Status parseDirective();
  Status parseFile();
  Status skipSection();
  Status parseFunction(bool isKernel);
  Status parseParameters(std::vector<Variable> &parameters, bool isKernel);
  Status parseFunctionDirectives(Function &function);
  Status parseClusterShape(Function &function);

  // ParserVariable.cpp: variables.
  std::optional<Space> takeSpace();
  Status parseVariables(Space space, bool isExternal,
                        std::vector<Variable> &variables);
  Status parseVariable(Variable &variable, bool isParameter);
  Status parseType(Variable &variable, bool isParameter);
  Status parseArraySize(Variable &variable);
  Status parseInitialiser(Variable &variable);
  Status parseValues(Variable &variable, unsigned depth);
  Status parseValue(Variable &variable);

  // ParserStatement.cpp: what functions consist of.
  Status parseBody(Function &function);
  Status parseStatement(Function &function);
  Status parseBodyVariables(Function &function, const Statement &statement,
                            Space space);
  Status parseLabel(Statement &statement);
  Status parseLocation();
  Status parseRegisters(Statement &statement);
  Status parseInstruction(Statement &statement);
  Status parseCall(Statement &statement);
  Status parseOperands(std::vector<SourceOperand> &operands, const char *end);
  Status parseOperand(SourceOperand &operand, unsigned depth);
  Status parseSimpleOperand(SourceOperand &operand);
  Status parseVector(SourceOperand &operand, unsigned depth);
  Status parseAddress(SourceOperand &operand, unsigned depth);

  Module module;
  std::vector<Token> tokens;
  size_t position = 0;
  Status lexed;
};

} // namespace attn::runtime::emulator

#endif // ATTN_RUNTIME_EMULATOR_PARSER_H
