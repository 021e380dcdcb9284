//===- Npy.cpp - Tensors in files -----------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Npy.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>
#include <vector>

using namespace attn::runtime;

namespace {
constexpr char magic[] = "\x93NUMPY";
constexpr size_t magicSize = 6;
constexpr size_t headerAlignment = 64;
constexpr size_t maxRank = 8;

/// How a file spells a type of elements, and the type that has its bits.
struct Encoding {
  const char *name;
  ElementType type;
  size_t bytes;
};

/// An F8 has no type of its own: see decode().
constexpr Encoding doubles = {"<f8", ElementType::F32, 8};
constexpr Encoding encodings[] = {{"<f2", ElementType::F16, 2},
                                  {"<f4", ElementType::F32, 4},
                                  doubles,
                                  {"<u2", ElementType::BF16, 2},
                                  {"|b1", ElementType::I1, 1},
                                  {"|i1", ElementType::I8, 1},
                                  {"<i2", ElementType::I16, 2},
                                  {"<i4", ElementType::I32, 4},
                                  {"<i8", ElementType::I64, 8}};

struct Header {
  Encoding encoding = doubles;
  std::vector<int64_t> shape;
};

/// Parses the Python dictionary of a header: three known keys, each once.
class HeaderParser {
public:
  explicit HeaderParser(const std::string &text) : text(text) {}

  Result<Header> parse();

private:
  Status parseEntry();
  Status parseEncoding();
  Status parseOrder();
  Status parseShape();
  Result<std::string> parseString();
  Result<int64_t> parseInteger();

  void skipSpace() {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\n'))
      ++at;
  }
  bool consume(const std::string &token) {
    skipSpace();
    if (text.compare(at, token.size(), token) != 0)
      return false;
    at += token.size();
    return true;
  }
  Failure expected(const char *what) const {
    return failure("malformed header: expected ", what, " at byte ", at);
  }

  const std::string &text;
  size_t at = 0;
  Header header;
  std::vector<std::string> keys;
};
} // namespace

Result<Header> HeaderParser::parse() {
  if (!consume("{"))
    return expected("'{'");
  while (!consume("}")) {
    if (Status status = parseEntry(); status.failed())
      return status.error();
    if (!consume(",") && text.compare(at, 1, "}") != 0)
      return expected("',' or '}'");
  }
  skipSpace();
  if (at != text.size())
    return expected("the end");
  if (keys.size() != 3)
    return expected("the keys descr, fortran_order and shape");
  return header;
}

Status HeaderParser::parseEntry() {
  Result<std::string> key = parseString();
  if (key.failed())
    return key.error();
  if (std::find(keys.begin(), keys.end(), *key) != keys.end())
    return expected("each key once");
  keys.push_back(*key);
  if (!consume(":"))
    return expected("':'");
  if (*key == "descr")
    return parseEncoding();
  if (*key == "fortran_order")
    return parseOrder();
  if (*key == "shape")
    return parseShape();
  return expected("the keys descr, fortran_order and shape");
}

Status HeaderParser::parseEncoding() {
  Result<std::string> name = parseString();
  if (name.failed())
    return name.error();
  std::string known;
  for (const Encoding &encoding : encodings) {
    if (*name == encoding.name) {
      header.encoding = encoding;
      return {};
    }
    known += std::string(known.empty() ? "" : ", ") + encoding.name;
  }
  return failure("expected elements of ", known, ", got ", *name);
}

Status HeaderParser::parseOrder() {
  if (consume("False"))
    return {};
  if (consume("True"))
    return failure("expected elements in C order, got Fortran order");
  return expected("True or False");
}

Status HeaderParser::parseShape() {
  if (!consume("("))
    return expected("'('");
  while (!consume(")")) {
    Result<int64_t> size = parseInteger();
    if (size.failed())
      return size.error();
    header.shape.push_back(*size);
    if (header.shape.size() > maxRank)
      return failure("expected a rank of at most ", maxRank, ", got more");
    if (!consume(",") && text.compare(at, 1, ")") != 0)
      return expected("',' or ')'");
  }
  return {};
}

Result<std::string> HeaderParser::parseString() {
  skipSpace();
  char quote = at < text.size() ? text[at] : '\0';
  if (quote != '\'' && quote != '"')
    return expected("a string");
  size_t end = text.find(quote, at + 1);
  if (end == std::string::npos)
    return expected("a string");
  std::string value = text.substr(at + 1, end - at - 1);
  at = end + 1;
  return value;
}

Result<int64_t> HeaderParser::parseInteger() {
  skipSpace();
  size_t begin = at;
  int64_t value = 0;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at)
    if (__builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, text[at] - '0', &value))
      return expected("a size below 2^63");
  if (at == begin)
    return expected("a size");
  return value;
}

static Result<Header> readHeader(std::istream &file) {
  char start[magicSize + 2] = {};
  file.read(start, sizeof(start));
  if (!file || std::memcmp(start, magic, magicSize) != 0)
    return failure("expected a file in .npy format");
  int version = static_cast<unsigned char>(start[magicSize]);
  if (version < 1 || version > 3)
    return failure("expected version 1 to 3 of the .npy format, got ", version);
  unsigned char length[4] = {};
  file.read(reinterpret_cast<char *>(length), version == 1 ? 2 : 4);
  size_t size = length[0] | length[1] << 8 | length[2] << 16 |
                static_cast<size_t>(length[3]) << 24;
  constexpr size_t longestHeader = 1 << 16;
  if (size > longestHeader)
    return failure("expected a header of at most ", longestHeader,
                   " bytes, got ", size);
  std::string text(size, ' ');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (!file)
    return failure("expected a header of ", text.size(), " bytes, got less");
  return HeaderParser(text).parse();
}

static double decode(Encoding encoding, const uint8_t *data, size_t index) {
  if (encoding.bytes == elementSize(encoding.type))
    return loadElement(encoding.type, data, index);
  double value;
  std::memcpy(&value, data + index * sizeof(value), sizeof(value));
  return value;
}

/// Which files a tensor of a type is read from: floats are rounded, integers
/// are not.
static Status checkEncoding(Encoding encoding, ElementType type) {
  if (encoding.type == ElementType::BF16 && type != ElementType::BF16)
    return failure("expected numbers, got <u2, which stands for bf16");
  if (isInteger(encoding.type) != isInteger(type))
    return failure("expected elements that can be ", elementName(type),
                   ", got ", encoding.name);
  return {};
}

namespace {
/// The elements of a file as they stand there.
struct Elements {
  Header header;
  std::vector<uint8_t> data;

  double get(size_t index) const {
    return decode(header.encoding, data.data(), index);
  }
};
} // namespace

/// Reads the elements, which must be able to be of `type` where there is one.
static Result<Elements> readElements(std::istream &file,
                                     std::optional<ElementType> type) {
  Result<Header> header = readHeader(file);
  if (header.failed())
    return header.error();
  if (type)
    if (Status status = checkEncoding(header->encoding, *type); status.failed())
      return status.error();
  Result<size_t> size = byteSize(header->shape, header->encoding.bytes);
  if (size.failed())
    return size.error();
  // The header may promise more than the file holds.
  std::streampos begin = file.tellg();
  file.seekg(0, std::ios::end);
  auto available = static_cast<size_t>(file.tellg() - begin);
  file.seekg(begin);
  if (!file || available != *size)
    return failure("expected ", *size, " bytes of elements, got ", available);
  std::vector<uint8_t> data(*size);
  file.read(reinterpret_cast<char *>(data.data()),
            static_cast<std::streamsize>(data.size()));
  if (!file)
    return failure(std::strerror(errno));
  return Elements{std::move(*header), std::move(data)};
}

static Result<HostTensor> readTensor(std::istream &file, ElementType type) {
  Result<Elements> elements = readElements(file, type);
  if (elements.failed())
    return elements.error();
  HostTensor tensor(type, elements->header.shape);
  auto count = static_cast<size_t>(tensor.size());
  for (size_t i = 0; i < count; ++i) {
    double value = elements->get(i);
    tensor.set(i, value);
    if (isInteger(type) && tensor.get(i) != value)
      return failure("expected elements of ", elementName(type), ", got ",
                     static_cast<int64_t>(value));
  }
  return tensor;
}

static Result<NpyArray> readArray(std::istream &file) {
  Result<Elements> elements = readElements(file, std::nullopt);
  if (elements.failed())
    return elements.error();
  const Header &header = elements->header;
  NpyArray array{header.encoding.name, header.shape, {}};
  array.values.resize(static_cast<size_t>(elementCount(header.shape)));
  for (size_t i = 0; i < array.values.size(); ++i)
    array.values[i] = elements->get(i);
  return array;
}

/// Calls `read` on the file at `path`, which its error names.
template <typename Read>
static auto readFile(const std::string &path, Read read)
    -> decltype(read(std::declval<std::istream &>())) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return failure("cannot open '", path, "': ", std::strerror(errno));
  auto result = read(file);
  if (result.failed())
    return failure("cannot read '", path, "': ", result.message());
  return result;
}

Result<HostTensor> attn::runtime::readNpy(const std::string &path,
                                          ElementType type) {
  return readFile(
      path, [type](std::istream &file) { return readTensor(file, type); });
}

Result<NpyArray> attn::runtime::readNpyArray(const std::string &path) {
  return readFile(path, readArray);
}

static std::string makeHeader(const HostTensor &tensor) {
  std::string text = "{'descr': '";
  // A bf16 is written as f32.
  const char *name = "<f4";
  for (const Encoding &encoding : encodings)
    if (encoding.type == tensor.elementType &&
        encoding.bytes == elementSize(encoding.type) &&
        encoding.type != ElementType::BF16)
      name = encoding.name;
  text += name;
  text += "', 'fortran_order': False, 'shape': (";
  for (int64_t size : tensor.shape)
    text += std::to_string(size) + ", ";
  text += "), }";
  size_t start = magicSize + 4;
  size_t padded = (start + text.size() + headerAlignment) / headerAlignment *
                  headerAlignment;
  text.resize(padded - start - 1, ' ');
  return text + '\n';
}

Status attn::runtime::writeNpy(const std::string &path,
                               const HostTensor &tensor) {
  std::ofstream file(path, std::ios::binary);
  if (!file)
    return failure("cannot open '", path, "': ", std::strerror(errno));
  std::string header = makeHeader(tensor);
  file.write(magic, magicSize);
  const char version[] = {1, 0, static_cast<char>(header.size() & 0xFF),
                          static_cast<char>(header.size() >> 8)};
  file.write(version, sizeof(version));
  file << header;

  const HostTensor *stored = &tensor;
  HostTensor wide;
  if (tensor.elementType == ElementType::BF16) {
    wide = HostTensor(ElementType::F32, tensor.shape);
    auto count = static_cast<size_t>(tensor.size());
    for (size_t i = 0; i < count; ++i)
      wide.set(i, tensor.get(i));
    stored = &wide;
  }
  file.write(reinterpret_cast<const char *>(stored->data.data()),
             static_cast<std::streamsize>(stored->data.size()));
  file.close();
  if (!file)
    return failure("cannot write '", path, "': ", std::strerror(errno));
  return {};
}
