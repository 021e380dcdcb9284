//===- Regions.cpp - Masks and score modifiers ----------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Writer.h"

using namespace attn::fuzz;

static std::string number(int64_t value) { return std::to_string(value); }

static std::string tensor(const Writer &writer, const std::string &value) {
  return "(" + writer.typed(value) + ")";
}

static std::string addWords(Writer &writer, const MaskContext &context,
                            const char *name) {
  static const char *const elements[] = {"i1", "i8", "i16", "i32"};
  std::string element = writer.random.pick(elements);
  int64_t most = element == "i1" ? 0 : 127;
  bool isShared = writer.random.oneIn(2);
  Size batch = isShared ? Size{1} : writer.batch(context.batch);
  return writer.add(name, element,
                    {batch, writer.length(context.queries),
                     writer.length(writer.random.from(0, 3))},
                    Fill::Integer, -most - 1, static_cast<double>(most),
                    isShared ? -1 : 0);
}

static std::string addIds(Writer &writer, const MaskContext &context) {
  return writer.addIntegers("ids", context.idRows, -1, 2, context.idBatchAxis);
}

static std::string addLengths(Writer &writer, const MaskContext &context) {
  return writer.addIntegers("lengths", {writer.batch(context.batch)}, -1,
                            context.keys + 1, 0);
}

static std::string writeBound(Random &random) {
  return random.oneIn(4) ? "inf" : number(random.from(0, 5));
}

static std::string writeLeaf(Writer &writer, const MaskContext &context) {
  Random &random = writer.random;
  switch (random.below(11)) {
  case 0:
    return "causal";
  case 1: {
    std::string left = writeBound(random), right = writeBound(random);
    return "window<" + left + ", " + right + ">";
  }
  case 2:
    return "first<" + number(random.from(0, 4)) + ">";
  case 3:
    return "chunk<" + number(random.from(1, 5)) + ">";
  case 4:
    return "prefix" + tensor(writer, addLengths(writer, context));
  case 5:
    return "document" + tensor(writer, addIds(writer, context));
  case 6:
    return "dilated<" + number(random.from(1, 4)) + ">";
  case 7: {
    int64_t stretch = random.from(1, 5);
    return "column<" + number(stretch) + ", " +
           number(random.from(0, stretch)) + ">";
  }
  case 8:
    return "span" + tensor(writer, addIds(writer, context));
  case 9:
    return "bits" + tensor(writer, addWords(writer, context, "words"));
  default: {
    std::string lengths = addLengths(writer, context);
    std::string ancestors = addWords(writer, context, "ancestors");
    return "tree(" + writer.typed(lengths) + ", " + writer.typed(ancestors) +
           ")";
  }
  }
}

std::string attn::fuzz::writeMask(Writer &writer, const MaskContext &context,
                                  int depth) {
  Random &random = writer.random;
  if (depth == 0 || random.oneIn(3))
    return writeLeaf(writer, context);
  if (random.oneIn(4))
    return "not " + writeLeaf(writer, context);
  std::string left = writeMask(writer, context, depth - 1);
  std::string right = writeMask(writer, context, depth - 1);
  return "(" + left + (random.oneIn(2) ? " and " : " or ") + right + ")";
}

std::string attn::fuzz::writeMaskClause(Writer &writer,
                                        const MaskContext &context) {
  if (writer.random.oneIn(3))
    return "";
  if (writer.random.oneIn(4))
    return " mask " + writeMaskRegion(writer, context);
  return " mask(" + writeMask(writer, context, 2) + ")";
}

static std::string writeBias(Writer &writer, const MaskContext &context,
                             std::vector<std::string> *wrt) {
  Random &random = writer.random;
  static const char *const elements[] = {"f32", "f16", "bf16"};
  auto orOne = [&](Size size) { return random.oneIn(3) ? Size{1} : size; };
  Shape shape = {orOne(writer.batch(context.batch)), orOne({context.heads}),
                 orOne(writer.length(context.queries)),
                 orOne(writer.length(context.keys))};
  bool isShared = shape[0].size != context.batch ||
                  (shape[0].size == 1 && !shape[0].isDynamic);
  std::string bias = writer.add("bias", random.pick(elements), shape,
                                wrt ? Fill::Real : Fill::RealOrNothing, -2, 2,
                                isShared ? -1 : 0);
  if (wrt)
    wrt->push_back(bias);
  return "bias" + tensor(writer, bias);
}

std::string attn::fuzz::writeScoreClause(Writer &writer,
                                         const MaskContext &context,
                                         std::vector<std::string> *wrt) {
  Random &random = writer.random;
  if (random.oneIn(2))
    return "";
  if (random.oneIn(4) && !wrt)
    return " score " + writeScoreRegion(writer, context);
  std::string text;
  for (int64_t left = random.from(1, 3); left != 0; --left) {
    text += text.empty() ? "" : ", ";
    switch (random.below(3)) {
    case 0:
      // The reciprocals are exact, and so is what softcaps are lowered to.
      text += "softcap<" + number(int64_t(1) << random.from(0, 3)) + ".0>";
      break;
    case 1: {
      std::string slopes =
          writer.addReals("slopes", "f32", {{context.heads}}, -1);
      if (wrt)
        wrt->push_back(slopes);
      text += "alibi" + tensor(writer, slopes);
      break;
    }
    default:
      text += writeBias(writer, context, wrt);
    }
  }
  return " score(" + text + ")";
}

//===----------------------------------------------------------------------===//
// Regions of random arithmetic
//===----------------------------------------------------------------------===//

namespace {
/// Writes ops that use what stands in front of them.
class RegionWriter {
public:
  RegionWriter(Writer &writer, const MaskContext &context, bool isScore);

  std::string write();

private:
  std::string pick(const std::vector<std::string> &values) {
    return values[writer.random.below(values.size())];
  }
  void define(std::vector<std::string> &values, const std::string &text) {
    std::string name = writer.fresh("r");
    lines += "    " + name + " = " + text + "\n";
    values.push_back(name);
  }
  void writeIndex();
  void writeBool();
  void writeFloat();
  void writeConversion(const std::string &index);
  void writeRead();

  Writer &writer;
  const MaskContext &context;
  bool isScore, hasNumber;
  std::vector<std::string> indices = {"%b", "%h", "%p", "%j"};
  std::vector<std::string> bools, floats;
  std::string lines;
};
} // namespace

RegionWriter::RegionWriter(Writer &writer, const MaskContext &context,
                           bool isScore)
    : writer(writer), context(context), isScore(isScore),
      hasNumber(writer.random.oneIn(3)) {
  if (hasNumber)
    indices.push_back("%i");
  static const int64_t edges[] = {0, 1, 2, 3, -1, 2147483647, -2147483648, 64};
  define(indices,
         "arith.constant " + number(writer.random.pick(edges)) + " : index");
  define(indices, "arith.constant 2 : index");
  define(bools, "arith.constant true");
  // What is computed from constants alone is folded in f32, and the reference
  // computes in double: floats come from what is no constant.
  for (const char *index : {"%p", "%j"})
    writeConversion(index);
  lines += "    %half = arith.constant 0.5 : f32\n";
  if (isScore)
    floats.push_back("%x");
}

void RegionWriter::writeConversion(const std::string &index) {
  std::string narrow = writer.fresh("n");
  lines +=
      "    " + narrow + " = arith.index_cast " + index + " : index to i32\n";
  define(floats, "arith.sitofp " + narrow + " : i32 to f32");
}

void RegionWriter::writeIndex() {
  static const char *const ops[] = {
      "addi",  "subi",  "muli",  "divsi", "remsi", "floordivsi", "ceildivsi",
      "maxsi", "minsi", "maxui", "minui", "andi",  "ori",        "xori",
      "divui", "remui", "shli",  "shrsi", "shrui"};
  std::string op = writer.random.pick(ops);
  std::string a = pick(indices), b = pick(indices);
  define(indices, "arith." + op + " " + a + ", " + b + " : index");
}

void RegionWriter::writeBool() {
  static const char *const orders[] = {"eq",  "ne",  "slt", "sle", "sgt",
                                       "sge", "ult", "ule", "ugt", "uge"};
  static const char *const joins[] = {"andi", "ori", "xori"};
  Random &random = writer.random;
  // Far away from zero, a difference of positions could overflow.
  static const char *const positions[] = {"%p", "%j", "%b", "%h"};
  std::string p = random.pick(positions), j = random.pick(positions);
  switch (random.below(5)) {
  case 0:
    return define(bools, std::string("arith.") + random.pick(joins) + " " +
                             pick(bools) + ", " + pick(bools) + " : i1");
  case 1:
    return define(bools, "attn.causal " + p + ", " + j);
  case 2:
    return define(bools, "attn.window<" + number(random.from(0, 3)) + ", " +
                             writeBound(random) + "> " + p + ", " + j);
  case 3:
    return define(bools, "arith.cmpf olt, " + pick(floats) + ", " +
                             pick(floats) + " : f32");
  default:
    return define(bools, std::string("arith.cmpi ") + random.pick(orders) +
                             ", " + pick(indices) + ", " + pick(indices) +
                             " : index");
  }
}

void RegionWriter::writeFloat() {
  static const char *const binary[] = {"addf",     "subf",     "mulf",
                                       "divf",     "maxnumf",  "minnumf",
                                       "maximumf", "minimumf", "remf"};
  static const char *const unary[] = {"tanh", "absf", "exp",   "sqrt",
                                      "erf",  "sin",  "floor", "log1p"};
  Random &random = writer.random;
  switch (random.below(4)) {
  case 0:
    return define(floats, std::string("arith.") + random.pick(binary) + " " +
                              pick(floats) + ", %half : f32");
  case 1:
    return define(floats, std::string("math.") + random.pick(unary) + " " +
                              pick(floats) + " : f32");
  case 2:
    return define(floats, "arith.select " + pick(bools) + ", " + pick(floats) +
                              ", " + pick(floats) + " : f32");
  default:
    return define(floats, std::string("arith.") + random.pick(binary) + " " +
                              pick(floats) + ", " + pick(floats) + " : f32");
  }
}

void RegionWriter::writeRead() {
  Random &random = writer.random;
  Shape shape;
  std::string places;
  for (int64_t rank = random.from(0, 3); rank != 0; --rank) {
    shape.push_back(writer.length(random.from(0, 4)));
    places += (places.empty() ? "" : ", ") + pick(indices);
  }
  bool isFloat = random.oneIn(2);
  std::string read =
      isFloat ? writer.addReals("read", "f32", shape, -1)
              : writer.add("read", "index", shape, Fill::Integer, -9, 9, -1);
  define(isFloat ? floats : indices,
         "attn.read " + read + "[" + places + "] : " + writer.type(read));
}

std::string RegionWriter::write() {
  for (int64_t left = writer.random.from(1, 8); left != 0; --left)
    switch (writer.random.below(4)) {
    case 0:
      writeIndex();
      break;
    case 1:
      writeBool();
      break;
    case 2:
      writeFloat();
      break;
    default:
      writeRead();
    }
  std::string result = isScore ? floats.back() : bools.back();
  return std::string("{\n  ^bb0(") + (isScore ? "%x: f32, " : "") +
         "%b: index, %h: index, %p: index, %j: index" +
         (hasNumber ? ", %i: index" : "") + "):\n" + lines + "    attn.yield " +
         result + (isScore ? " : f32" : " : i1") + "\n  }";
}

std::string attn::fuzz::writeMaskRegion(Writer &writer,
                                        const MaskContext &context) {
  writer.program.isPermutable = false;
  return RegionWriter(writer, context, /*isScore=*/false).write();
}

std::string attn::fuzz::writeScoreRegion(Writer &writer,
                                         const MaskContext &context) {
  writer.program.isPermutable = false;
  writer.program.isFinite = false;
  return RegionWriter(writer, context, /*isScore=*/true).write();
}
