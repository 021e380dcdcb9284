//===- Writer.cpp - Puts a program together -------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Writer.h"

using namespace attn::fuzz;

Writer::Writer(Random &random) : random(random) {
  hasDynamicBatch = random.oneIn(2);
  hasDynamicLength = random.oneIn(2);
}

std::string Writer::add(const std::string &name, const std::string &element,
                        const Shape &shape, Fill fill, double low, double high,
                        int batchAxis, const std::string &encoding) {
  std::string own = name;
  for (const Argument &argument : program.arguments)
    if (argument.name == own)
      own = name + std::to_string(next++);
  program.arguments.push_back(
      {own, element, encoding, shape, fill, low, high, batchAxis});
  types["%" + own] = typeOf(shape, element, encoding);
  return "%" + own;
}

std::string Writer::addEnds(const std::string &name, int64_t batch,
                            int64_t total) {
  return add(name, "i32", {this->batch(batch + 1)}, Fill::Ends, 0,
             static_cast<double>(total), -1);
}

void Writer::addResult(const std::string &value, const std::string &type,
                       int batchAxis) {
  results.push_back(value);
  if (!mainBody.empty())
    return;
  resultTypes.push_back(type);
  program.resultBatchAxes.push_back(batchAxis);
}

void Writer::beginOther() {
  mainBody = std::move(body);
  mainResults = std::move(results);
  body.clear();
  results.clear();
  program.hasOther = true;
}

static std::string join(const std::vector<std::string> &texts) {
  std::string joined;
  for (const std::string &text : texts)
    joined += (joined.empty() ? "" : ", ") + text;
  return joined;
}

std::string Writer::function(const std::string &name) const {
  std::vector<std::string> arguments;
  for (const Argument &argument : program.arguments)
    arguments.push_back(typed("%" + argument.name) + " {attn.name = \"" +
                        argument.name + "\"}");
  return "func.func @" + name + "(" + join(arguments) + ") -> (" +
         join(resultTypes) + ") {\n";
}

Program Writer::finish() {
  bool hasOther = program.hasOther;
  const std::string &first = hasOther ? mainBody : body;
  auto close = [&](const std::vector<std::string> &values) {
    return "  return " + join(values) + " : " + join(resultTypes) + "\n}\n";
  };
  program.text =
      function("main") + first + close(hasOther ? mainResults : results);
  if (hasOther)
    program.text += function("other") + body + close(results);
  return std::move(program);
}

Program attn::fuzz::generate(Random &random) {
  static void (*const families[])(Writer &) = {writeAttention,
                                               writeAttention,
                                               writeAttention,
                                               writeAttention,
                                               writeAttentionBackward,
                                               writeRecurrence,
                                               writeRecurrence,
                                               writeRecurrenceBackward,
                                               writeSelection,
                                               writeSelection,
                                               writeCompression,
                                               writeMerge,
                                               writeCache,
                                               writeCache};
  Writer writer(random);
  // The tile level takes a hundred times as long.
  if (random.oneIn(64))
    writeTileAttention(writer);
  else
    random.pick(families)(writer);
  return writer.finish();
}
