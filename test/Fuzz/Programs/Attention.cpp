//===- Attention.cpp - Programs of attention ------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Writer.h"

#include <algorithm>

using namespace attn::fuzz;

static std::string number(int64_t value) { return std::to_string(value); }

namespace {

/// A `!attn.kv`, and what fits it.
struct Keys {
  std::string value, type;
  /// The sizes in front of heads and channels.
  Shape rows;
};

class AttentionWriter {
public:
  explicit AttentionWriter(Writer &writer);

  void write();

private:
  std::string kvType(const Shape &rows) const {
    return "!attn.kv<" + typeOf(withHeads(rows, keyHeads, dim), element) +
           ", " + typeOf(withHeads(rows, keyHeads, valueDim), element) + ">";
  }
  static Shape withHeads(Shape rows, int64_t heads, int64_t channels) {
    rows.push_back({heads});
    rows.push_back({channels});
    return rows;
  }
  Shape queryRows() const {
    if (isPacked)
      return {writer.length(queries)};
    return {writer.batch(batch), writer.length(queries)};
  }
  int rowAxis() const { return isPacked ? -1 : 0; }

  Keys writeKeys();
  Keys writeTensors(bool isKeyPacked);
  Keys writeLatent(bool isKeyPacked);
  Keys writePages();
  std::string writeLists(const Shape &pages);
  Keys writeGather(const Keys &source);
  Keys writeConcat();
  void writeOptions();
  MaskContext maskContext(const Keys &kv) const;
  void writeOp(const Keys &kv, const std::string &mask);
  void writeSplit(const Keys &kv, const std::string &mask);
  std::string writePart(const Keys &kv, const std::string &mask,
                        std::string &lse);

  Writer &writer;
  Random &random;
  int64_t batch, queries, keys, keyHeads, heads, dim, valueDim;
  std::string element, query, outputElement, front, score, back, sink;
  bool isPacked, isKeyPacked = false, hasLse = false, isSigmoid = false;
  bool canSplit = true, isDense = false;
};

} // namespace

AttentionWriter::AttentionWriter(Writer &writer)
    : writer(writer), random(writer.random) {
  static const char *const elements[] = {"f32", "f32", "bf16", "f16"};
  batch = random.from(random.oneIn(8) ? 0 : 1, 3);
  queries = random.from(0, 6);
  keys = random.from(0, 9);
  keyHeads = random.from(1, 2);
  heads = keyHeads * random.from(1, 3);
  dim = random.from(1, 9);
  valueDim = random.from(1, dim);
  element = random.pick(elements);
  isPacked = random.oneIn(3);
  if (random.oneIn(32)) {
    // What the tile level computes; it takes far longer.
    static const int64_t dims[] = {64, 96, 128};
    dim = random.pick(dims);
    valueDim = random.oneIn(2) ? dim : random.pick(dims);
    valueDim = std::min(dim, valueDim);
    element = random.oneIn(2) ? "bf16" : "f16";
    writer.program.mayBeTiled = true;
  }
  writer.program.batch = batch;
  writer.program.isPacked = isPacked;
}

Keys AttentionWriter::writeTensors(bool isKeyPacked) {
  Shape rows = {writer.length(keys)};
  if (!isKeyPacked)
    rows.insert(rows.begin(), writer.batch(batch));
  int axis = isKeyPacked ? -1 : 0;
  std::string k =
      writer.addReals("k", element, withHeads(rows, keyHeads, dim), axis);
  std::string v =
      writer.addReals("v", element, withHeads(rows, keyHeads, valueDim), axis);
  Keys kv = {writer.fresh("kv"), kvType(rows), rows};
  std::string types = writer.type(k) + ", " + writer.type(v);
  if (!isKeyPacked) {
    writer.line(kv.value + " = attn.kv.dense " + k + ", " + v + " : " + types);
    return kv;
  }
  std::string ends = writer.addEnds("cu_k", batch, keys);
  writer.line(kv.value + " = attn.kv.varlen " + k + ", " + v + ", " + ends +
              " : " + types + ", " + writer.type(ends));
  return kv;
}

Keys AttentionWriter::writeLatent(bool isKeyPacked) {
  Shape rows = {writer.length(keys)};
  if (!isKeyPacked)
    rows.insert(rows.begin(), writer.batch(batch));
  std::string c = writer.addReals("c", element, withHeads(rows, keyHeads, dim),
                                  isKeyPacked ? -1 : 0);
  Keys kv = {writer.fresh("kv"), kvType(rows), rows};
  std::string ends;
  if (isKeyPacked)
    ends = " cu_seqlens(" + writer.typed(writer.addEnds("cu_k", batch, keys)) +
           ")";
  writer.line(kv.value + " = attn.kv.latent " + c + " slice<" +
              number(valueDim) + ">" + ends + " : " + writer.type(c));
  return kv;
}

/// The clause that says which pages a sequence has.
std::string AttentionWriter::writeLists(const Shape &pages) {
  int64_t most = pages[0].size - 1, size = pages[1].size;
  Size sequences = writer.batch(batch);
  if (random.oneIn(2)) {
    int64_t columns = most < 0 ? 0 : random.from(0, 3);
    std::string table =
        writer.addIntegers("table", {sequences, writer.length(columns)}, 0,
                           std::max<int64_t>(most, 0), 0);
    std::string lengths =
        writer.addIntegers("lengths_k", {sequences}, 0, columns * size, 0);
    return "table(" + table + ", " + lengths + " : " + writer.type(table) +
           ", " + writer.type(lengths) + ")";
  }
  writer.program.isPermutable = false;
  int64_t total = most < 0 ? 0 : random.from(0, 5);
  std::string indptr =
      writer.add("indptr", "i32", {writer.batch(batch + 1)}, Fill::Ends, 0,
                 static_cast<double>(total), -1);
  std::string indices = writer.addIntegers("pages", {writer.length(total)}, 0,
                                           std::max<int64_t>(most, 0), -1);
  std::string last =
      writer.addIntegers("last_page_len", {sequences}, 1, size, -1);
  return "csr(" + indptr + ", " + indices + ", " + last + " : " +
         writer.type(indptr) + ", " + writer.type(indices) + ", " +
         writer.type(last) + ")";
}

Keys AttentionWriter::writePages() {
  Shape pages = {writer.length(random.from(0, 4)), {random.from(1, 4)}};
  bool headsFirst = random.oneIn(3), hasSlice = random.oneIn(3);
  auto shape = [&](int64_t channels) {
    Shape own = withHeads(pages, keyHeads, channels);
    if (headsFirst)
      std::swap(own[1], own[2]);
    return own;
  };
  std::string k = writer.addReals("k_pages", element, shape(dim), -1);
  std::string text = k + (headsFirst ? " heads_first " : " ");
  if (hasSlice)
    text += "slice<" + number(valueDim) + "> ";
  else
    text +=
        "values(" +
        writer.typed(writer.addReals("v_pages", element, shape(valueDim), -1)) +
        ") ";
  text += writeLists(pages);
  Shape rows = {writer.batch(batch), {keys, true}};
  Keys kv = {writer.fresh("kv"), kvType(rows), rows};
  writer.line(kv.value + " = attn.kv.paged " + text + " : " + writer.type(k));
  return kv;
}

Keys AttentionWriter::writeGather(const Keys &source) {
  isDense = false;
  int64_t choices[] = {1, keyHeads, heads};
  int64_t block = random.oneIn(2) ? 1 : random.from(1, 4);
  std::string indices = writer.addIntegers(
      "indices",
      withHeads(queryRows(), random.pick(choices), random.from(0, 5)), -1,
      keys / block + 1, rowAxis());
  Keys kv = {writer.fresh("kv"), source.type, source.rows};
  writer.line(kv.value + " = attn.kv.gather " + source.value + " at " +
              indices + (block == 1 ? "" : " block<" + number(block) + ">") +
              " : " + source.type + ", " + writer.type(indices));
  return kv;
}

Keys AttentionWriter::writeConcat() {
  isDense = false;
  std::vector<Keys> sources;
  std::string values, types;
  Size length = {0};
  for (int64_t left = random.from(1, 3); left != 0; --left) {
    // Packed queries read pages.
    Keys own = isPacked || random.oneIn(2) ? writePages()
               : random.oneIn(2)           ? writeTensors(false)
                                           : writeLatent(false);
    if (random.oneIn(3))
      own = writeGather(own);
    length.size += own.rows[1].size;
    length.isDynamic |= own.rows[1].isDynamic;
    values += (values.empty() ? "" : ", ") + own.value;
    types += (types.empty() ? "" : ", ") + own.type;
  }
  Shape rows = {writer.batch(batch), length};
  Keys kv = {writer.fresh("kv"), kvType(rows), rows};
  writer.line(kv.value + " = attn.kv.concat " + values + " : " + types +
              " -> " + kv.type);
  return kv;
}

Keys AttentionWriter::writeKeys() {
  if (random.oneIn(5))
    return writeConcat();
  Keys kv;
  if (random.oneIn(3)) {
    kv = writePages();
  } else {
    isKeyPacked = isPacked;
    isDense = !isPacked;
    kv = random.oneIn(3) ? writeLatent(isPacked) : writeTensors(isPacked);
  }
  while (random.oneIn(4))
    kv = writeGather(kv);
  return kv;
}

/// Blocks of one parity of the column, each once: no block is in both lists.
static void writeBlockList(Writer &writer, const MaskContext &context,
                           BlockClause &clause, const std::string &name,
                           int64_t parity, int64_t blockQ, int64_t blockK) {
  Random &random = writer.random;
  int64_t rows = (context.queries + blockQ - 1) / blockQ + random.from(0, 1);
  bool isShared = random.oneIn(2), isForAll = random.oneIn(2);
  Size sequences = isShared ? Size{1} : writer.batch(context.batch);
  Size own = {isForAll ? 1 : context.heads};
  int axis = isShared ? -1 : 0;
  // A row of the list has one column at most, so that none is there twice.
  std::string counts = writer.addIntegers(
      name + "_counts", {sequences, own, writer.length(rows)}, -1, 2, axis);
  int64_t last = context.keys / blockK;
  std::string indices = writer.addIntegers(
      name + "_indices", {sequences, own, writer.length(rows), {1}},
      parity == 0 ? -1 : last / 2 + 1, parity == 0 ? last / 2 : last + 1, axis);
  std::string types = writer.type(counts) + ", " + writer.type(indices);
  std::string both = " " + name + "(" + counts + ", " + indices;
  clause.text += both + " : " + types + ")";
  clause.backward += both + ")";
  clause.types += ", " + types;
}

BlockClause attn::fuzz::writeBlocks(Writer &writer, const MaskContext &context,
                                    bool hasMask) {
  Random &random = writer.random;
  int64_t blockQ = random.from(1, 4), blockK = random.from(1, 4);
  BlockClause clause;
  clause.text = clause.backward =
      " blocks<" + number(blockQ) + ", " + number(blockK) + ">";
  bool hasFull = random.oneIn(2);
  if (hasMask || !hasFull || random.oneIn(2))
    writeBlockList(writer, context, clause, "partial", 0, blockQ, blockK);
  if (hasFull)
    writeBlockList(writer, context, clause, "full", 1, blockQ, blockK);
  return clause;
}

void AttentionWriter::writeOptions() {
  if (isPacked)
    front += " cu_seqlens(" +
             writer.typed(writer.addEnds("cu_q", batch, queries)) + ")";
  if (random.oneIn(3))
    front +=
        " positions(" +
        writer.typed(writer.addPositions(queryRows(), keys + 2, rowAxis())) +
        ")";
  if (random.oneIn(3))
    back += " scale(" + std::string(random.oneIn(2) ? "0.5" : "-1.25") + ")";
  isSigmoid = random.oneIn(6);
  if (isSigmoid) {
    back += " normalizer<sigmoid>";
  } else if (random.oneIn(6)) {
    back += " normalizer<off_by_one>";
    canSplit = false;
  } else if (random.oneIn(3)) {
    sink = writer.addSink(heads);
  }
  hasLse = !isSigmoid && random.oneIn(2);
}

MaskContext AttentionWriter::maskContext(const Keys &kv) const {
  Shape rows = {writer.batch(batch), kv.rows.back()};
  if (isKeyPacked)
    rows = {writer.length(keys)};
  return {batch, heads, queries, keys, rows, isKeyPacked ? -1 : 0};
}

static std::string maskClause(const std::string &mask) {
  return mask.empty() ? "" : " mask(" + mask + ")";
}

void AttentionWriter::writeOp(const Keys &kv, const std::string &mask) {
  std::string o = writer.fresh("o"), lse = writer.fresh("lse");
  Shape lseShape = {{heads}, writer.length(queries)};
  if (!isPacked)
    lseShape.insert(lseShape.begin(), writer.batch(batch));
  std::string output =
      typeOf(withHeads(queryRows(), heads, valueDim), outputElement);
  std::string lseType = typeOf(lseShape, "f32");
  std::string ownSink = sink.empty() ? "" : " sink(" + writer.typed(sink) + ")";
  // Lists of blocks come last.
  size_t blocks = back.find(" blocks<");
  writer.line(o + (hasLse ? ", " + lse : "") + " = attn.attention " + query +
              ", " + kv.value + front + mask + score + back.substr(0, blocks) +
              ownSink +
              (blocks == std::string::npos ? "" : back.substr(blocks)) + " : " +
              writer.type(query) + ", " + kv.type + " -> " + output +
              (hasLse ? ", " + lseType : ""));
  writer.program.output = 0;
  writer.addResult(o, output, rowAxis());
  if (!hasLse)
    return;
  writer.program.lse = 1;
  writer.addResult(lse, lseType, rowAxis());
}

/// An attention whose output is a part to merge.
std::string AttentionWriter::writePart(const Keys &kv, const std::string &mask,
                                       std::string &lse) {
  std::string o = writer.fresh("o");
  lse = writer.fresh("lse");
  Shape lseShape = {{heads}, writer.length(queries)};
  if (!isPacked)
    lseShape.insert(lseShape.begin(), writer.batch(batch));
  writer.setType(o, typeOf(withHeads(queryRows(), heads, valueDim), "f32"));
  writer.setType(lse, typeOf(lseShape, "f32"));
  writer.line(o + (isSigmoid ? "" : ", " + lse) + " = attn.attention " + query +
              ", " + kv.value + front + maskClause(mask) + score + back +
              " : " + writer.type(query) + ", " + kv.type + " -> " +
              writer.type(o) + (isSigmoid ? "" : ", " + writer.type(lse)));
  return o;
}

/// The same attention, its keys in two parts that are merged.
void AttentionWriter::writeSplit(const Keys &kv, const std::string &mask) {
  std::string half = "first<" + number(keys / 2) + ">";
  std::string also = mask.empty() ? "" : " and (" + mask + ")";
  std::string lseA, lseB, merged = writer.fresh("o"), lse = writer.fresh("lse");
  std::string a = writePart(kv, half + also, lseA);
  std::string b = writePart(kv, "not " + half + also, lseB);
  std::string types = writer.type(a) + ", " + writer.type(b);
  std::string clause;
  if (!isSigmoid) {
    clause = " lse(" + lseA + ", " + lseB + ")";
    types += ", " + writer.type(lseA) + ", " + writer.type(lseB);
  }
  if (!sink.empty()) {
    clause += " sink(" + sink + ")";
    types += ", " + writer.type(sink);
  }
  std::string output =
      typeOf(withHeads(queryRows(), heads, valueDim), outputElement);
  writer.line(merged + (hasLse ? ", " + lse : "") + " = attn.merge " + a +
              ", " + b + clause + " : (" + types + ") -> (" + output +
              (hasLse ? ", " + writer.type(lseA) : "") + ")");
  writer.addResult(merged, output, rowAxis());
  if (hasLse)
    writer.addResult(lse, writer.type(lseA), rowAxis());
}

void AttentionWriter::write() {
  query = writer.addReals("q", element, withHeads(queryRows(), heads, dim),
                          rowAxis());
  size_t before = writer.bodySize();
  Keys kv = writeKeys();
  std::string constructors = writer.bodyFrom(before);
  writeOptions();
  outputElement = random.oneIn(2) ? "f32" : element;
  score = writeScoreClause(writer, maskContext(kv));
  // Block lists name columns of whole sequences.
  if (isDense && random.oneIn(4)) {
    std::string mask = random.oneIn(2)
                           ? ""
                           : maskClause(writeMask(writer, maskContext(kv), 1));
    back += writeBlocks(writer, maskContext(kv), !mask.empty()).text;
    return writeOp(kv, mask);
  }
  if (!canSplit || random.oneIn(2))
    return writeOp(kv, writeMaskClause(writer, maskContext(kv)));
  std::string mask =
      random.oneIn(3) ? "" : writeMask(writer, maskContext(kv), 2);
  writeOp(kv, maskClause(mask));
  writer.beginOther();
  writer.append(constructors);
  writeSplit(kv, mask);
}

void attn::fuzz::writeAttention(Writer &writer) {
  AttentionWriter(writer).write();
}
