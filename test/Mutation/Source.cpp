//===- Source.cpp - PTX that can be edited --------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Source.h"

#include <algorithm>
#include <set>

using namespace attn::mutation;
using namespace attn::runtime;
using namespace attn::runtime::emulator;

//===----------------------------------------------------------------------===//
// Text
//===----------------------------------------------------------------------===//

static std::string textOf(const SourceOperand &operand);

static std::string listOf(const std::vector<SourceOperand> &operands) {
  std::string text;
  for (const SourceOperand &operand : operands)
    text += (text.empty() ? "" : ", ") + textOf(operand);
  return text;
}

static std::string textOf(const SourceOperand &operand) {
  switch (operand.kind) {
  case SourceOperand::Kind::Name:
  case SourceOperand::Kind::Immediate:
    return (operand.negated ? "!" : "") + operand.text;
  case SourceOperand::Kind::Vector:
    return "{" + listOf(operand.elements) + "}";
  case SourceOperand::Kind::Pair:
    return textOf(operand.elements[0]) + "|" + textOf(operand.elements[1]);
  case SourceOperand::Kind::Address:
    break;
  }
  std::string text = "[" + operand.text;
  if (operand.offset)
    text += "+" + std::to_string(operand.offset);
  if (!operand.elements.empty())
    text += ", {" + listOf(operand.elements) + "}";
  return text + "]";
}

std::string attn::mutation::textOf(const Statement &statement) {
  std::string guard;
  if (!statement.guard.empty())
    guard = (statement.guardNegated ? "@!" : "@") + statement.guard + " ";
  std::string operands = listOf(statement.operands);
  return guard + statement.name + (operands.empty() ? "" : " ") + operands +
         ";";
}

Result<Source> Source::parse(const std::string &ptx) {
  Result<Module> module = parsePtx(ptx);
  if (module.failed())
    return module.error();
  if (module->functions.size() != 1)
    return failure("expected one kernel, got ", module->functions.size());
  Source source;
  source.module = std::move(*module);
  source.findUnits();
  if (Status status = source.checkLines(); status.failed())
    return status.error();
  return source;
}

std::string Source::apply(const Edit &edit) const {
  std::string text;
  for (uint32_t line = 1; line <= module.lines.size(); ++line) {
    auto changed = edit.find(line);
    text += (changed == edit.end() ? module.lines[line - 1] : changed->second) +
            '\n';
  }
  return text;
}

//===----------------------------------------------------------------------===//
// What there is
//===----------------------------------------------------------------------===//

static bool isInstruction(const Statement &statement) {
  return statement.kind == Statement::Kind::Instruction;
}

static bool startsWith(const std::string &text, const std::string &prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

std::optional<int64_t>
Source::findConstant(const SourceOperand &operand) const {
  if (operand.kind == SourceOperand::Kind::Immediate)
    return std::stoll(operand.text);
  const Statement *definition = nullptr;
  for (const Statement &statement : statements()) {
    if (!isInstruction(statement) || statement.operands.empty() ||
        statement.operands[0].text != operand.text ||
        statement.operands[0].kind != SourceOperand::Kind::Name)
      continue;
    if (definition)
      return std::nullopt;
    definition = &statement;
  }
  if (!definition || !startsWith(definition->name, "mov.") ||
      definition->operands[1].kind != SourceOperand::Kind::Immediate)
    return std::nullopt;
  return std::stoll(definition->operands[1].text);
}

std::optional<size_t> Source::findInScope(size_t at, const std::string &prefix,
                                          bool forward) const {
  const Unit &unit = units[unitOf(at)];
  for (size_t i = forward ? at + 1 : at - 1; i >= unit.first && i <= unit.last;
       i += forward ? 1 : -1)
    if (isInstruction(statements()[i]) &&
        startsWith(statements()[i].name, prefix))
      return i;
  return std::nullopt;
}

int64_t Source::maxThreads() const {
  static const std::string directive = ".maxntid ";
  for (const std::string &line : module.lines)
    if (startsWith(line, directive))
      return std::stoll(line.substr(directive.size()));
  return 0;
}

int64_t Source::stageBytes() const {
  int64_t bytes = 0;
  for (const Statement &statement : statements())
    if (startsWith(statement.name, "mbarrier.arrive.expect_tx") &&
        statement.operands.back().kind == SourceOperand::Kind::Immediate)
      bytes =
          std::max<int64_t>(bytes, std::stoll(statement.operands.back().text));
  return bytes;
}

static bool isSynchronisation(const Statement &statement) {
  for (const char *prefix : {"mbarrier.", "wgmma.", "bar.", "barrier.",
                             "fence.", "cp.async.", "setmaxnreg."})
    if (startsWith(statement.name, prefix))
      return true;
  return false;
}

/// An instruction that is edited has a line of its own; others may share one
/// with the scope that they are in.
Status Source::checkLines() const {
  std::map<uint32_t, unsigned> counts;
  for (const Statement &statement : statements())
    ++counts[statement.line];
  uint32_t last = 0;
  for (const Unit &unit : units) {
    const Statement &first = statements()[unit.first];
    if (first.line == last)
      return lineFailure(module.lines, last, "expected one whole instruction");
    last = statements()[unit.last].line;
  }
  for (const Statement &statement : statements()) {
    std::string text = lineText(module.lines, statement.line);
    if (isSynchronisation(statement) &&
        (counts[statement.line] > 1 || text.back() != ';'))
      return lineFailure(module.lines, statement.line,
                         "expected one whole instruction");
  }
  return {};
}

static bool isFlow(const Statement &statement) {
  return statement.kind == Statement::Kind::Label ||
         startsWith(statement.name, "bra") || statement.name == "ret" ||
         statement.name == "exit";
}

void Source::findUnits() {
  unsigned depth = 0;
  for (size_t i = 0; i < statements().size(); ++i) {
    const Statement &statement = statements()[i];
    if (depth == 0)
      units.push_back({i, i, false, isFlow(statement)});
    depth += statement.kind == Statement::Kind::ScopeBegin;
    depth -= statement.kind == Statement::Kind::ScopeEnd;
    units.back().last = i;
    units.back().synchronises |=
        isInstruction(statement) && isSynchronisation(statement);
  }
}

size_t Source::unitOf(size_t at) const {
  auto unit = std::find_if(units.begin(), units.end(),
                           [&](const Unit &unit) { return unit.last >= at; });
  return static_cast<size_t>(unit - units.begin());
}

//===----------------------------------------------------------------------===//
// Edits
//===----------------------------------------------------------------------===//

Edit Source::probe(size_t at) const {
  Statement read = statements()[at];
  read.name = "mov.b32";
  SourceOperand result, value;
  result.text = "mutant";
  value.text = "nothing";
  read.operands = {result, value};
  return replace(at, statements()[at],
                 ".reg .b32 mutant, nothing; " + textOf(read));
}

Edit Source::remove(size_t at) const { return {{statements()[at].line, ""}}; }

Edit Source::repeat(size_t at) const {
  std::string text = textOf(statements()[at]);
  return {{statements()[at].line, text + ' ' + text}};
}

Edit Source::replace(size_t at, const Statement &changed,
                     const std::string &prepare) const {
  std::string text = textOf(changed);
  if (!prepare.empty())
    text = "{ " + prepare + ' ' + text + " }";
  return {{statements()[at].line, text}};
}

Edit Source::alter(size_t at, Select select, const std::string &type,
                   const std::string &operation, int64_t value) const {
  static const std::string name = "mutant";
  Statement changed = statements()[at];
  SourceOperand &operand = select(changed);
  std::string prepare = ".reg " + type + ' ' + name + "; " + operation + ' ' +
                        name + ", " + operand.text + ", " +
                        std::to_string(value) + ';';
  operand.text = name;
  if (operand.kind == SourceOperand::Kind::Immediate)
    operand.kind = SourceOperand::Kind::Name;
  return replace(at, changed, prepare);
}

Edit Source::moveTo(size_t at, size_t other, bool before) const {
  std::string moved = textOf(statements()[at]);
  std::string stays = textOf(statements()[other]);
  return {{statements()[at].line, ""},
          {statements()[other].line,
           before ? moved + ' ' + stays : stays + ' ' + moved}};
}

std::string Source::linesOf(const Unit &unit) const {
  std::string text;
  for (uint32_t line = statements()[unit.first].line;
       line <= statements()[unit.last].line; ++line)
    if (std::string part = lineText(module.lines, line);
        !startsWith(part, "//"))
      text += part + ' ';
  return text;
}

void Source::blank(Edit &edit, const Unit &unit) const {
  for (uint32_t line = statements()[unit.first].line;
       line <= statements()[unit.last].line; ++line)
    edit[line] = "";
}

/// The names in an operand. A vector has only those of its elements.
static void collect(const SourceOperand &operand,
                    std::set<std::string> &names) {
  if (operand.kind != SourceOperand::Kind::Immediate && !operand.text.empty())
    names.insert(operand.text);
  for (const SourceOperand &element : operand.elements)
    collect(element, names);
}

std::optional<Edit> Source::moveBefore(size_t at) const {
  size_t unit = unitOf(at), target = unit;
  while (target-- > 0)
    if (units[target].synchronises || units[target].isFlow)
      break;
  if (target >= units.size() || units[target].isFlow)
    return std::nullopt;
  std::set<std::string> needed;
  for (size_t i = units[unit].first; i <= units[unit].last; ++i) {
    needed.insert(statements()[i].guard);
    for (const SourceOperand &operand : statements()[i].operands)
      collect(operand, needed);
  }
  Edit edit;
  std::string moved = linesOf(units[unit]);
  blank(edit, units[unit]);
  for (size_t i = unit; --i > target;) {
    const Statement &statement = statements()[units[i].first];
    std::set<std::string> results;
    if (isInstruction(statement) && !statement.operands.empty())
      collect(statement.operands[0], results);
    if (std::none_of(results.begin(), results.end(),
                     [&](const auto &name) { return needed.count(name); }))
      continue;
    for (const SourceOperand &operand : statement.operands)
      collect(operand, needed);
    moved.insert(0, linesOf(units[i]));
    blank(edit, units[i]);
  }
  std::string stays = linesOf(units[target]);
  blank(edit, units[target]);
  edit[statements()[units[target].first].line] = moved + stays;
  return edit;
}

std::optional<Edit> Source::moveBehind(size_t at) const {
  size_t unit = unitOf(at), target = unit + 1;
  while (target < units.size() && !units[target].synchronises &&
         !units[target].isFlow)
    ++target;
  if (target == units.size() || units[target].isFlow)
    return std::nullopt;
  Edit edit;
  blank(edit, units[unit]);
  blank(edit, units[target]);
  edit[statements()[units[target].first].line] =
      linesOf(units[target]) + linesOf(units[unit]);
  return edit;
}
