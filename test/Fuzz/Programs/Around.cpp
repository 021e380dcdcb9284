//===- Around.cpp - Programs of the ops around an attention ---------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Writer.h"

#include <algorithm>

using namespace attn::fuzz;

static std::string number(int64_t value) { return std::to_string(value); }

/// `[B, L]` or `[total]`.
static Shape pickRows(Writer &writer, int64_t batch, int64_t length) {
  if (writer.random.oneIn(3))
    return {writer.length(length)};
  writer.program.batch = batch;
  return {writer.batch(batch), writer.length(length)};
}

static Shape with(Shape rows, std::initializer_list<Size> rest) {
  rows.insert(rows.end(), rest);
  return rows;
}

//===----------------------------------------------------------------------===//
// Selection and compression
//===----------------------------------------------------------------------===//

static std::string writeSelectClauses(Writer &writer, const Shape &rows,
                                      int64_t heads, int64_t keys, int axis,
                                      bool &hasPositions) {
  Random &random = writer.random;
  std::string text;
  if (random.oneIn(3))
    text +=
        " weights(" +
        writer.typed(writer.addReals("w", "f32", with(rows, {{heads}}), axis)) +
        ")";
  hasPositions = random.oneIn(2);
  if (hasPositions)
    text += " positions(" +
            writer.typed(writer.addPositions(rows, 4 * keys + 2, axis)) + ")";
  return text;
}

static std::string writeSelectOptions(Random &random, bool hasPositions) {
  std::string text;
  if (random.oneIn(3))
    text += " scale(-0.5)";
  if (random.oneIn(3))
    text += " relu";
  if (random.oneIn(3))
    text += " softmax";
  bool pools = random.oneIn(2);
  if (pools)
    text += " max_pool<" + number(random.from(1, 4)) + ">";
  if ((pools || hasPositions) && random.oneIn(2))
    text += " block<" + number(random.from(1, 4)) + ">";
  if (random.oneIn(2))
    text += " forced<" + number(random.from(0, 3)) + ", " +
            number(random.from(0, 3)) + ">";
  return text;
}

void attn::fuzz::writeSelection(Writer &writer) {
  Random &random = writer.random;
  int64_t batch = random.from(0, 3), queries = random.from(0, 5);
  int64_t keys = random.from(0, 9), keyHeads = random.from(1, 2);
  int64_t lists = random.from(1, 2),
          heads = keyHeads * lists * random.from(1, 2);
  int64_t dim = random.from(1, 5), top = random.from(1, 5);
  bool isPacked = random.oneIn(3);
  writer.program.batch = batch;
  writer.program.isPacked = isPacked;
  writer.program.isPermutable = !isPacked;
  int axis = isPacked ? -1 : 0;
  Shape rows = {writer.length(queries)}, keyRows = {writer.length(keys)};
  if (!isPacked) {
    rows.insert(rows.begin(), writer.batch(batch));
    keyRows.insert(keyRows.begin(), writer.batch(batch));
  }
  std::string q =
      writer.addReals("q", "f32", with(rows, {{heads}, {dim}}), axis);
  std::string k =
      writer.addReals("k", "f32", with(keyRows, {{keyHeads}, {dim}}), axis);
  std::string ends;
  if (isPacked) {
    std::string cuQ = writer.addEnds("cu_q", batch, queries);
    std::string cuK = writer.addEnds("cu_k", batch, keys);
    ends = " cu_seqlens(" + cuQ + ", " + cuK + " : " + writer.type(cuQ) + ", " +
           writer.type(cuK) + ")";
  }
  bool hasPositions;
  std::string front =
      writeSelectClauses(writer, rows, heads, keys, axis, hasPositions);
  MaskContext context = {batch, lists, queries, keys, keyRows, axis};
  std::string mask = writeMaskClause(writer, context);
  std::string indices = typeOf(with(rows, {{lists}, {top}}), "i32");
  writer.line("%chosen = attn.select " + q + ", " + k + ends + front + mask +
              writeSelectOptions(random, hasPositions) + " top<" + number(top) +
              "> : " + writer.type(q) + ", " + writer.type(k) + " -> " +
              indices);
  writer.addResult("%chosen", indices, axis);
  writer.program.selection = 0;
}

void attn::fuzz::writeCompression(Writer &writer) {
  Random &random = writer.random;
  static const char *const elements[] = {"f32", "bf16", "f16"};
  int64_t batch = random.from(0, 3), length = random.from(0, 9);
  int64_t block = random.from(1, 5), stride = random.from(1, 5);
  Size heads = {random.from(1, 2)}, dim = {random.from(1, 4)};
  writer.program.batch = batch;
  Shape shape = {writer.batch(batch), writer.length(length), heads, dim};
  std::string x = writer.addReals("x", random.pick(elements), shape, 0);
  std::string text;
  if (random.oneIn(2)) {
    text += " gate(" +
            writer.typed(
                writer.add("z", "f32", shape, Fill::RealOrNothing, -2, 2, 0)) +
            ")";
    if (random.oneIn(2))
      text += " bias(" +
              writer.typed(
                  writer.addReals("bias", "f32", {{block}, heads, dim}, -1)) +
              ")";
  }
  bool isPartial = random.oneIn(2);
  int64_t whole = length < block ? 0 : (length - block) / stride + 1;
  int64_t rows = isPartial ? (length + stride - 1) / stride : whole;
  std::string result =
      typeOf({writer.batch(batch), writer.length(rows), heads, dim}, "f32");
  writer.line("%y = attn.compress " + x + text + " block<" + number(block) +
              "> stride<" + number(stride) + ">" +
              (isPartial ? " partial" : "") + " : " + writer.type(x) + " -> " +
              result);
  writer.addResult("%y", result, 0);
}

//===----------------------------------------------------------------------===//
// Merging
//===----------------------------------------------------------------------===//

/// Merges parts in one step, and in `other` the first two before the rest.
void attn::fuzz::writeMerge(Writer &writer) {
  Random &random = writer.random;
  int64_t batch = random.from(0, 3), length = random.from(0, 5);
  Size heads = {random.from(1, 3)}, dim = {random.from(1, 4)};
  Shape rows = pickRows(writer, batch, length);
  int axis = rows.size() == 2 ? 0 : -1;
  Shape lseShape = rows;
  lseShape.insert(lseShape.end() - 1, heads);
  bool hasLse = !random.oneIn(3);
  std::string base = random.oneIn(3) ? "#attn.log2" : "", sink;
  std::string output = typeOf(with(rows, {heads, dim}), "f32");
  std::string lse = typeOf(lseShape, "f32", base);
  std::vector<std::string> parts, lses;
  for (int64_t left = random.from(2, 4); left != 0; --left) {
    parts.push_back(
        writer.addReals("o", "f32", with(rows, {heads, dim}), axis));
    if (hasLse)
      lses.push_back(writer.add("lse", "f32", lseShape, Fill::RealOrNothing, -9,
                                9, axis, base));
  }
  if (hasLse && random.oneIn(2))
    sink = writer.addSink(heads.size);
  auto merge = [&](size_t first, size_t last, bool isWhole) {
    std::string values, logs, types, o = writer.fresh("m");
    for (size_t i = first; i != last; ++i)
      values += (i == first ? "" : ", ") + parts[i];
    for (size_t i = first; i != last && hasLse; ++i)
      logs += (i == first ? "" : ", ") + lses[i];
    for (size_t i = first; i != last; ++i)
      types += (i == first ? "" : ", ") + output;
    for (size_t i = first; i != last && hasLse; ++i)
      types += ", " + lse;
    bool hasSink = isWhole && !sink.empty();
    writer.line(o + (hasLse ? ", " + o + "l" : "") + " = attn.merge " + values +
                (hasLse ? " lse(" + logs + ")" : "") +
                (hasSink ? " sink(" + sink + ")" : "") + " : (" + types +
                (hasSink ? ", " + writer.type(sink) : "") + ") -> (" + output +
                (hasLse ? ", " + lse : "") + ")");
    return o;
  };
  auto finish = [&](const std::string &o) {
    writer.addResult(o, output, axis);
    writer.program.output = 0;
    if (!hasLse)
      return;
    writer.program.lse = 1;
    writer.addResult(o + "l", lse, axis);
  };
  finish(merge(0, parts.size(), true));
  writer.beginOther();
  std::string two = merge(0, 2, false);
  parts[1] = two;
  if (hasLse)
    lses[1] = two + "l";
  finish(merge(1, parts.size(), true));
}

//===----------------------------------------------------------------------===//
// Caches
//===----------------------------------------------------------------------===//

/// Rows that are turned, and in `other` turned and turned back and turned.
static std::string writeRotary(Writer &writer, const std::string &x,
                               const Shape &rows, int64_t dim) {
  Random &random = writer.random;
  int64_t pairs = random.from(0, dim / 2);
  int64_t offset = random.from(0, dim - 2 * pairs);
  int axis = rows.size() == 2 ? 0 : -1;
  std::string at = writer.addIntegers("positions", rows, -3, 9, axis);
  std::string by = writer.addReals("frequencies", "f32", {{pairs}}, -1);
  std::string options = random.oneIn(2) ? " interleaved" : "";
  if (offset != 0 || random.oneIn(2))
    options += " offset<" + number(offset) + ">";
  std::string types =
      " : " + writer.type(x) + ", " + writer.type(at) + ", " + writer.type(by);
  auto turn = [&](const std::string &from, const std::string &more) {
    std::string result = writer.fresh("turned");
    writer.line(result + " = attn.rotary " + from + " at " + at + " by " + by +
                options + more + types);
    return result;
  };
  std::string once = turn(x, "");
  writer.setType(once, writer.type(x));
  if (!random.oneIn(2))
    return turn(once, random.oneIn(2) ? " amplitude(1.5)" : " inverse");
  writer.addResult(once, writer.type(x), axis);
  writer.beginOther();
  writer.addResult(turn(turn(turn(x, ""), " inverse"), ""), writer.type(x),
                   axis);
  return "";
}

static void writeAppend(Writer &writer, const std::string &rows,
                        const Shape &places, Size heads, Size dim,
                        const std::string &element) {
  Random &random = writer.random;
  int64_t pages = random.from(0, 3), size = random.from(1, 4);
  bool headsFirst = random.oneIn(2);
  Shape shape = {writer.length(pages), {size}, heads, dim};
  if (headsFirst)
    std::swap(shape[1], shape[2]);
  std::string cache = writer.addReals("cache", element, shape, -1);
  std::string slots = writer.add("slots", "i32", places, Fill::Distinct, -1,
                                 static_cast<double>(pages * size),
                                 places.size() == 2 ? 0 : -1);
  writer.line("%next = attn.cache.append " + rows + " to " + cache + " at " +
              slots + (headsFirst ? " heads_first" : "") + " : " +
              writer.type(rows) + ", " + writer.type(cache) + ", " +
              writer.type(slots));
  writer.addResult("%next", writer.type(cache), -1);
}

static void writeQuantized(Writer &writer, const std::string &x,
                           const Shape &shape) {
  Random &random = writer.random;
  static const char *const elements[] = {"f8E4M3FN", "f8E5M2", "i8"};
  std::string element = random.pick(elements);
  int64_t dim = shape.back().size, group = random.from(1, dim);
  while (dim % group != 0)
    --group;
  Shape scaleShape = shape;
  scaleShape.back() = {dim / group};
  std::string data = typeOf(shape, element), scale = typeOf(scaleShape, "f32");
  writer.line("%data, %scale = attn.quantize " + x + " group<" + number(group) +
              ">" + (random.oneIn(2) ? " power_of_two" : "") +
              (random.oneIn(2) ? " least(1.0e-4)" : "") + " : " +
              writer.type(x) + " -> " + data + ", " + scale);
  std::string zero, groups;
  if (random.oneIn(2)) {
    Shape one(shape.size(), Size{1});
    zero =
        " zero(" + writer.typed(writer.addReals("zero", "f32", one, -1)) + ")";
  }
  for (size_t axis = 0; axis != shape.size(); ++axis)
    groups += axis + 1 == shape.size() ? number(group) : "1, ";
  writer.line("%back = attn.dequantize %data by %scale" + zero + " groups [" +
              groups + "] : " + data + ", " + scale + " -> " +
              typeOf(shape, "f32"));
  int axis = shape.size() == 4 ? 0 : -1;
  writer.addResult("%data", data, axis);
  writer.addResult("%scale", scale, axis);
  writer.addResult("%back", typeOf(shape, "f32"), axis);
}

static void writeUnpack(Writer &writer) {
  Random &random = writer.random;
  Shape shape = {writer.length(random.from(0, 2))};
  if (random.oneIn(2))
    shape.push_back({1});
  shape.push_back({656});
  std::string bytes =
      writer.add("bytes", "i8", shape, Fill::Integer, -128, 127, -1);
  shape.back() = {576};
  std::string result = typeOf(shape, random.oneIn(2) ? "bf16" : "f32");
  writer.line("%c = attn.unpack_mla " + bytes + " : " + writer.type(bytes) +
              " -> " + result);
  writer.addResult("%c", result, -1);
  // Any bits may stand for the scales.
  writer.program.isFinite = false;
}

void attn::fuzz::writeCache(Writer &writer) {
  Random &random = writer.random;
  static const char *const elements[] = {"f32", "bf16", "f16"};
  if (random.oneIn(8))
    return writeUnpack(writer);
  std::string element = random.pick(elements);
  Shape rows = pickRows(writer, random.from(0, 3), random.from(0, 5));
  Size heads = {random.from(1, 2)}, dim = {random.from(1, 8)};
  Shape shape = with(rows, {heads, dim});
  std::string x =
      writer.addReals("x", element, shape, rows.size() == 2 ? 0 : -1);
  if (random.oneIn(3))
    return writeQuantized(writer, x, shape);
  std::string turned = writeRotary(writer, x, rows, dim.size);
  if (turned.empty())
    return;
  writer.setType(turned, writer.type(x));
  writeAppend(writer, turned, rows, heads, dim, element);
}

//===----------------------------------------------------------------------===//
// The gradients of an attention
//===----------------------------------------------------------------------===//

void attn::fuzz::writeAttentionBackward(Writer &writer) {
  Random &random = writer.random;
  int64_t batch = random.from(1, 3), queries = random.from(0, 5);
  int64_t keys = random.from(0, 6), keyHeads = random.from(1, 2);
  int64_t heads = keyHeads * random.from(1, 2), dim = random.from(1, 5);
  int64_t valueDim = random.from(1, 5);
  bool isPacked = random.oneIn(3);
  writer.program.batch = batch;
  writer.program.isPacked = isPacked;
  writer.program.isPermutable = !isPacked;
  int axis = isPacked ? -1 : 0;
  Shape rows = {writer.length(queries)}, keyRows = {writer.length(keys)};
  if (!isPacked) {
    rows.insert(rows.begin(), writer.batch(batch));
    keyRows.insert(keyRows.begin(), writer.batch(batch));
  }
  std::string q =
      writer.addReals("q", "f32", with(rows, {{heads}, {dim}}), axis);
  std::string k =
      writer.addReals("k", "f32", with(keyRows, {{keyHeads}, {dim}}), axis);
  std::string v = writer.addReals(
      "v", "f32", with(keyRows, {{keyHeads}, {valueDim}}), axis);
  std::string types = writer.type(k) + ", " + writer.type(v), ends, sink;
  std::string kv = "!attn.kv<" + types + ">";
  if (isPacked) {
    std::string cuK = writer.addEnds("cu_k", batch, keys);
    ends = writer.addEnds("cu_q", batch, queries);
    writer.line("%kv = attn.kv.varlen " + k + ", " + v + ", " + cuK + " : " +
                types + ", " + writer.type(cuK));
  } else {
    writer.line("%kv = attn.kv.dense " + k + ", " + v + " : " + types);
  }
  static const char *const normalizers[] = {"", " normalizer<off_by_one>",
                                            " normalizer<sigmoid>"};
  std::string normalizer = random.pick(normalizers);
  bool isSigmoid = normalizer == normalizers[2];
  if (normalizer.empty() && random.oneIn(2))
    sink = writer.addSink(heads);
  MaskContext context = {batch, heads, queries, keys, keyRows, axis};
  std::vector<std::string> wrt;
  std::string mask = writeMaskClause(writer, context);
  std::string score = writeScoreClause(writer, context, &wrt);
  Shape lseShape = rows;
  lseShape.insert(lseShape.end() - 1, {heads});
  std::string o = typeOf(with(rows, {{heads}, {valueDim}}), "f32");
  std::string lse = typeOf(lseShape, "f32");
  writer.line(
      (isSigmoid ? "%o" : "%o, %lse") + (" = attn.attention " + q + ", %kv") +
      (isPacked ? " cu_seqlens(" + writer.typed(ends) + ")" : "") + mask +
      score + normalizer +
      (sink.empty() ? "" : " sink(" + writer.typed(sink) + ")") + " : " +
      writer.type(q) + ", " + kv + " -> " + o + (isSigmoid ? "" : ", " + lse));
  std::string dOut =
      writer.addReals("d_o", "f32", with(rows, {{heads}, {valueDim}}), axis);
  std::string clause, operands = writer.type(q) + ", " + kv + ", " + o;
  if (!isSigmoid) {
    clause = " of(%o, %lse)";
    operands += ", " + o + ", " + lse;
  }
  if (!isSigmoid && random.oneIn(2)) {
    std::string dLse = writer.addReals("d_lse", "f32", lseShape, axis);
    clause += " d_lse(" + dLse + ")";
    operands += ", " + lse;
  }
  if (isPacked) {
    clause += " cu_seqlens(" + ends + ")";
    operands += ", " + writer.type(ends);
  }
  clause += mask + score + normalizer;
  std::string names = "%dq, %dk, %dv", results;
  std::vector<std::pair<std::string, std::string>> more;
  if (!sink.empty()) {
    clause += " sink(" + sink + ")";
    operands += ", " + writer.type(sink);
    results += " d_sink(" + writer.type(sink) + ")";
    names += ", %ds";
    more.emplace_back("%ds", writer.type(sink));
  }
  std::string captured, gradients;
  for (const std::string &tensor : wrt) {
    std::string gradient = writer.fresh("dc");
    captured += (captured.empty() ? "" : ", ") + tensor;
    gradients += (gradients.empty() ? "" : ", ") + writer.type(tensor);
    operands += ", " + writer.type(tensor);
    names += ", " + gradient;
    more.emplace_back(gradient, writer.type(tensor));
  }
  if (!wrt.empty()) {
    clause += " wrt(" + captured + ")";
    results += " d_wrt(" + gradients + ")";
    // A gradient of what sequences share is a sum over them, in their order.
    writer.program.isPermutable = false;
  }
  if (!sink.empty())
    writer.program.isPermutable = false;
  writer.line(names + " = attn.attention_backward " + q + ", %kv, " + dOut +
              clause + " : (" + operands + ") -> " + writer.type(q) + ", " +
              types + results);
  writer.addResult("%dq", writer.type(q), axis);
  writer.addResult("%dk", writer.type(k), axis);
  writer.addResult("%dv", writer.type(v), axis);
  for (auto &[name, type] : more)
    writer.addResult(name, type, -1);
}

//===----------------------------------------------------------------------===//
// What the tile level knows
//===----------------------------------------------------------------------===//

void attn::fuzz::writeTileAttention(Writer &writer) {
  Random &random = writer.random;
  static const char *const elements[] = {"bf16", "f16"};
  static const int64_t dims[] = {64, 96, 128};
  static const char *const masks[] = {"",
                                      " mask(causal)",
                                      " mask(causal and window<40, 0>)",
                                      " mask(first<9> or window<3, 5>)",
                                      " mask(causal and chunk<33>)",
                                      " mask(not causal)"};
  static const char *const scores[] = {"", "", " score(softcap<16.0>)"};
  std::string element = random.pick(elements);
  int64_t keyHeads = random.from(1, 2), heads = keyHeads * random.from(1, 2);
  int64_t dim = random.pick(dims), batch = random.from(1, 2);
  writer.program.batch = batch;
  writer.program.wantsTile = true;
  Size b = {batch, true}, queries = {random.from(1, 70), true};
  Size keys = {random.from(1, 150), true};
  std::string q =
      writer.addReals("q", element, {b, queries, {heads}, {dim}}, 0);
  std::string k =
      writer.addReals("k", element, {b, keys, {keyHeads}, {dim}}, 0);
  std::string v =
      writer.addReals("v", element, {b, keys, {keyHeads}, {dim}}, 0);
  std::string types = writer.type(k) + ", " + writer.type(v);
  std::string lse = typeOf({b, {heads}, queries}, "f32");
  std::string sink;
  if (random.oneIn(3))
    sink = " sink(" + writer.typed(writer.addSink(heads)) + ")";
  writer.line("%kv = attn.kv.dense " + k + ", " + v + " : " + types);
  writer.line("%o, %lse = attn.attention " + q + ", %kv" + random.pick(masks) +
              random.pick(scores) + sink + " : " + writer.type(q) +
              ", !attn.kv<" + types + "> -> " + writer.type(q) + ", " + lse);
  writer.program.output = 0;
  writer.program.lse = 1;
  writer.addResult("%o", writer.type(q), 0);
  writer.addResult("%lse", lse, 0);
}
