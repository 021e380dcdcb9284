//===- Recurrence.cpp - Programs of recurrences ---------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Writer.h"

using namespace attn::fuzz;

static std::string number(int64_t value) { return std::to_string(value); }

namespace {

/// An operand with rows of tokens or of writes, or without rows.
struct Operand {
  std::string keyword, value;
  /// Rows per token, or 0.
  int64_t perToken;
};

class RecurrenceWriter {
public:
  explicit RecurrenceWriter(Writer &writer);

  void writeForward();
  void writeBackward();

private:
  Shape rows(int64_t perToken) const {
    Shape own = {writer.length(tokens * perToken)};
    if (!isPacked)
      own.insert(own.begin(), writer.batch(batch));
    return own;
  }
  Shape rowsOf(int64_t perToken, std::initializer_list<Size> rest) const {
    Shape own = rows(perToken);
    own.insert(own.end(), rest);
    return own;
  }
  int rowAxis() const { return isPacked ? -1 : 0; }
  std::string stateType(const std::string &layout) const;
  Shape stateShape(bool isKeyFirst) const;
  std::string normalizerType() const {
    return typeOf({states(), {valueHeads}, {keyDim}}, "f32");
  }
  Size states() const { return hasSlots ? Size{pool} : writer.batch(batch); }

  void addGate(const std::string &keyword, double high, int64_t channels);
  void addKeyLike(const std::string &keyword);
  void addDecay();
  void addPattern();
  void addStates();
  void addOptions();
  void addOperand(const std::string &keyword, const std::string &value,
                  int64_t perToken) {
    operands.push_back({keyword, value, perToken});
  }
  std::string slice(const std::string &value, int64_t perToken, bool isSecond);
  std::string writePart(bool isSecond, const std::string &state,
                        std::string &final);
  void writeSplit();
  std::string clauses() const;

  Writer &writer;
  Random &random;
  int64_t batch, tokens, heads, valueHeads, keyDim, valueDim, steps, pool = 0;
  bool isPacked, hasSlots = false, hasDenominator = false, hasState = false;
  bool hasFinal = false, hasFinalNormalizer = false, isKeyFirst, erases = false;
  std::string element, q, k, v, options, output, finalType;
  std::vector<Operand> operands;
};

} // namespace

RecurrenceWriter::RecurrenceWriter(Writer &writer)
    : writer(writer), random(writer.random) {
  static const char *const elements[] = {"f32", "f32", "bf16", "f16"};
  batch = random.from(random.oneIn(8) ? 0 : 1, 3);
  tokens = random.from(0, 6);
  heads = random.from(1, 2);
  valueHeads = heads * random.from(1, 2);
  keyDim = random.from(1, 4);
  valueDim = random.from(1, 4);
  steps = random.oneIn(4) ? random.from(1, 3) : 1;
  isPacked = random.oneIn(3);
  isKeyFirst = random.oneIn(2);
  element = random.pick(elements);
  writer.program.batch = batch;
  writer.program.isPacked = isPacked;
  q = writer.addReals("q", element, rowsOf(1, {{heads}, {keyDim}}), rowAxis());
  k = writer.addReals("k", element, rowsOf(steps, {{heads}, {keyDim}}),
                      rowAxis());
  v = writer.addReals("v", element, rowsOf(steps, {{valueHeads}, {valueDim}}),
                      rowAxis());
  output = typeOf(rowsOf(1, {{valueHeads}, {valueDim}}), element);
  addDecay();
  addPattern();
  addStates();
  addOptions();
}

Shape RecurrenceWriter::stateShape(bool isKeyFirst) const {
  if (isKeyFirst)
    return {states(), {valueHeads}, {keyDim}, {valueDim}};
  return {states(), {valueHeads}, {valueDim}, {keyDim}};
}

static const char *layoutOf(bool isKeyFirst) {
  return isKeyFirst ? "#attn.state<key_value>" : "#attn.state<value_key>";
}

void RecurrenceWriter::addDecay() {
  if (random.oneIn(3))
    return;
  bool isLog = random.oneIn(2);
  double low = isLog ? (random.oneIn(4) ? -20 : -2) : 0;
  Shape shape = {{valueHeads}};
  int kind = static_cast<int>(random.below(3));
  if (kind == 1)
    shape = rowsOf(1, {{valueHeads}});
  if (kind == 2)
    shape = rowsOf(1, {{valueHeads}, {keyDim}});
  addOperand("decay",
             writer.add("g", "f32", shape, Fill::Real, low, isLog ? 0 : 1,
                        kind == 0 ? -1 : rowAxis(),
                        isLog ? "#attn.gate<log>" : "#attn.gate<linear>"),
             kind == 0 ? 0 : 1);
}

void RecurrenceWriter::addGate(const std::string &keyword, double high,
                               int64_t channels) {
  Shape shape = random.oneIn(2) ? rowsOf(steps, {{valueHeads}})
                                : rowsOf(steps, {{valueHeads}, {channels}});
  addOperand(keyword,
             writer.add(keyword, "f32", shape, Fill::Real, 0, high, rowAxis()),
             steps);
}

void RecurrenceWriter::addKeyLike(const std::string &keyword) {
  int64_t own = random.oneIn(2) ? heads : valueHeads;
  addOperand(keyword,
             writer.addReals(keyword, element, rowsOf(steps, {{own}, {keyDim}}),
                             rowAxis()),
             steps);
}

void RecurrenceWriter::addPattern() {
  if (random.oneIn(6)) {
    hasDenominator = true;
    // What divides may be zero.
    writer.program.isFinite = false;
    return;
  }
  if (random.oneIn(2)) {
    bool hasErase = random.oneIn(2);
    if (hasErase)
      addGate("erase", 2, keyDim);
    if (!hasErase || random.oneIn(2))
      addKeyLike("erase_key");
    if (random.oneIn(3))
      addKeyLike("erase_direction");
    if (random.oneIn(3))
      addOperand("before_decay", "", 0);
    erases = true;
  }
  if (random.oneIn(2))
    addGate("write", 1, valueDim);
  if (!erases && steps == 1 && random.oneIn(3))
    addOperand("bonus",
               writer.addReals("bonus", "f32", {{heads}, {keyDim}}, -1), 0);
}

void RecurrenceWriter::addStates() {
  if (hasDenominator)
    addOperand("denominator", random.oneIn(2) ? "0.0" : "1.0e-6", 0);
  hasState = random.oneIn(2);
  hasSlots = hasState && random.oneIn(3);
  if (hasSlots) {
    pool = random.from(0, 4);
    writer.program.isPermutable = false;
  }
  static const char *const elements[] = {"f32", "bf16", "f16"};
  std::string stateElement = random.pick(elements);
  int axis = hasSlots ? -1 : 0;
  if (hasState)
    addOperand("state",
               writer.add("s", stateElement, stateShape(isKeyFirst), Fill::Real,
                          -2, 2, axis, layoutOf(isKeyFirst)),
               0);
  if (hasDenominator && (hasSlots || random.oneIn(2)))
    addOperand(
        "normalizer",
        writer.addReals("z", "f32", {states(), {valueHeads}, {keyDim}}, axis),
        0);
  if (hasSlots)
    addOperand("slots",
               writer.add("slots", "i32", {writer.batch(batch)}, Fill::Distinct,
                          -1, static_cast<double>(pool - 1), 0),
               0);
  hasFinal = random.oneIn(2);
  hasFinalNormalizer = hasDenominator && random.oneIn(2);
  bool isFinalKeyFirst = hasSlots ? isKeyFirst : random.oneIn(2);
  finalType =
      typeOf(stateShape(isFinalKeyFirst), hasSlots ? stateElement : "f32",
             layoutOf(isFinalKeyFirst));
}

void RecurrenceWriter::addOptions() {
  if (isPacked)
    addOperand("cu_seqlens", writer.addEnds("cu", batch, tokens), 0);
  if (steps != 1)
    options += " micro_steps(" + number(steps) + ")";
  if (random.oneIn(3))
    options += " scale(-0.5)";
  if (random.oneIn(3))
    options += " l2_normalize(1.0e-6)";
}

std::string RecurrenceWriter::clauses() const {
  std::string text;
  for (const Operand &operand : operands) {
    text += " " + operand.keyword;
    if (operand.keyword == "denominator")
      text += "(" + operand.value + ")";
    else if (!operand.value.empty())
      text += "(" + writer.typed(operand.value) + ")";
  }
  return text + options;
}

void RecurrenceWriter::writeForward() {
  std::string o = writer.fresh("o"), names = o, results = output;
  std::string state = writer.fresh("state"), normalizer = writer.fresh("norm");
  if (hasFinal) {
    names += ", " + state;
    results += " state(" + finalType + ")";
  }
  if (hasFinalNormalizer) {
    names += ", " + normalizer;
    results += " normalizer(" + normalizerType() + ")";
  }
  writer.line(names + " = attn.recurrence " + q + ", " + k + ", " + v +
              clauses() + " : " + writer.type(q) + ", " + writer.type(k) +
              ", " + writer.type(v) + " -> " + results);
  int axis = hasSlots ? -1 : 0;
  writer.addResult(o, output, rowAxis());
  if (hasFinal)
    writer.addResult(state, finalType, axis);
  if (hasFinalNormalizer)
    writer.addResult(normalizer, normalizerType(), axis);
  // A slice of nothing is no slice.
  bool canSplit = !isPacked && !hasSlots && !hasDenominator && hasFinal &&
                  batch > 0 && tokens > 1;
  if (canSplit && random.oneIn(2))
    writeSplit();
}

//===----------------------------------------------------------------------===//
// The tokens in two parts, with the state handed from one to the other
//===----------------------------------------------------------------------===//

std::string RecurrenceWriter::slice(const std::string &value, int64_t perToken,
                                    bool isSecond) {
  std::string whole = writer.type(value);
  int64_t half = tokens / 2 * perToken, rest = tokens * perToken - half;
  std::string part = writer.fresh("part");
  // Sizes that are static in the program; dynamic ones are those at hand.
  std::string offsets = "0, " + number(isSecond ? half : 0);
  std::string sizes = number(batch) + ", " + number(isSecond ? rest : half);
  std::string strides = "1, 1",
              type = number(batch) + "x" + number(isSecond ? rest : half) + "x";
  const Shape *shape = nullptr;
  for (const Argument &argument : writer.program.arguments)
    if ("%" + argument.name == value)
      shape = &argument.shape;
  std::string element = whole.substr(whole.rfind('x') + 1);
  for (size_t axis = 2; axis != shape->size(); ++axis) {
    offsets += ", 0";
    sizes += ", " + number((*shape)[axis].size);
    strides += ", 1";
    type += number((*shape)[axis].size) + "x";
  }
  type = "tensor<" + type + element;
  writer.line(part + " = tensor.extract_slice " + value + "[" + offsets +
              "] [" + sizes + "] [" + strides + "] : " + whole + " to " + type);
  writer.setType(part, type);
  return part;
}

std::string RecurrenceWriter::writePart(bool isSecond, const std::string &state,
                                        std::string &final) {
  std::string q = slice(this->q, 1, isSecond);
  std::string k = slice(this->k, steps, isSecond);
  std::string v = slice(this->v, steps, isSecond);
  std::string text;
  bool wroteState = false;
  auto writeState = [&] {
    if (!wroteState && !state.empty())
      text += " state(" + writer.typed(state) + ")";
    wroteState = true;
  };
  for (const Operand &operand : operands) {
    if (operand.keyword == "state") {
      writeState();
      continue;
    }
    text += " " + operand.keyword;
    if (!operand.value.empty())
      text +=
          "(" +
          writer.typed(operand.perToken == 0
                           ? operand.value
                           : slice(operand.value, operand.perToken, isSecond)) +
          ")";
  }
  writeState();
  int64_t own = isSecond ? tokens - tokens / 2 : tokens / 2;
  std::string o = writer.fresh("o");
  final = writer.fresh("state");
  writer.setType(o,
                 typeOf({{batch}, {own}, {valueHeads}, {valueDim}}, element));
  writer.setType(final, finalType);
  writer.line(o + ", " + final + " = attn.recurrence " + q + ", " + k + ", " +
              v + text + options + " : " + writer.type(q) + ", " +
              writer.type(k) + ", " + writer.type(v) + " -> " + writer.type(o) +
              " state(" + finalType + ")");
  return o;
}

void RecurrenceWriter::writeSplit() {
  writer.beginOther();
  std::string given, middle, final;
  for (const Operand &operand : operands)
    if (operand.keyword == "state")
      given = operand.value;
  std::string a = writePart(false, given, middle);
  std::string b = writePart(true, middle, final);
  std::string o = writer.fresh("o"), cast = writer.fresh("o");
  std::string whole =
      typeOf({{batch}, {tokens}, {valueHeads}, {valueDim}}, element);
  writer.line(o + " = tensor.concat dim(1) " + a + ", " + b + " : (" +
              writer.type(a) + ", " + writer.type(b) + ") -> " + whole);
  writer.line(cast + " = tensor.cast " + o + " : " + whole + " to " + output);
  writer.addResult(cast, output, 0);
  writer.addResult(final, finalType, 0);
}

//===----------------------------------------------------------------------===//
// Gradients
//===----------------------------------------------------------------------===//

void RecurrenceWriter::writeBackward() {
  std::string text = clauses();
  std::string dOut = writer.addReals(
      "d_o", element, rowsOf(1, {{valueHeads}, {valueDim}}), rowAxis());
  text += " gradient(" + writer.typed(dOut) + ")";
  int axis = hasSlots ? -1 : 0;
  if (hasFinal) {
    bool isFinalKeyFirst = finalType.find("key_value") != std::string::npos;
    size_t comma = finalType.rfind(',');
    std::string own = finalType.substr(0, comma);
    own = own.substr(own.rfind('x') + 1);
    text += " state_gradient(" +
            writer.typed(writer.add("d_s", own, stateShape(isFinalKeyFirst),
                                    Fill::Real, -2, 2, axis,
                                    layoutOf(isFinalKeyFirst))) +
            ")";
  }
  if (hasFinalNormalizer)
    text += " normalizer_gradient(" +
            writer.typed(writer.addReals(
                "d_z", "f32", {states(), {valueHeads}, {keyDim}}, axis)) +
            ")";
  std::string names = "%dq, %dk, %dv", results;
  std::vector<std::string> more;
  for (const Operand &operand : operands) {
    if (operand.value.empty() || operand.keyword == "slots" ||
        operand.keyword == "cu_seqlens" || operand.keyword == "denominator" ||
        random.oneIn(4))
      continue;
    std::string own = writer.fresh("d");
    writer.setType(own, writer.type(operand.value));
    names += ", " + own;
    results += " " + operand.keyword + "(" + writer.type(own) + ")";
    more.push_back(own);
  }
  writer.line(names + " = attn.recurrence_backward " + q + ", " + k + ", " + v +
              text + " : " + writer.type(q) + ", " + writer.type(k) + ", " +
              writer.type(v) + " -> " + writer.type(q) + ", " + writer.type(k) +
              ", " + writer.type(v) + results);
  // What sequences share gets a sum over them, in their order.
  writer.program.isPermutable = false;
  writer.addResult("%dq", writer.type(q), rowAxis());
  writer.addResult("%dk", writer.type(k), rowAxis());
  writer.addResult("%dv", writer.type(v), rowAxis());
  for (const std::string &own : more)
    writer.addResult(own, writer.type(own), -1);
}

void attn::fuzz::writeRecurrence(Writer &writer) {
  RecurrenceWriter(writer).writeForward();
}

void attn::fuzz::writeRecurrenceBackward(Writer &writer) {
  RecurrenceWriter(writer).writeBackward();
}
