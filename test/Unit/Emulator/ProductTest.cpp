//===- ProductTest.cpp - Where wgmma finds each element -------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// One entry for each form of wgmma and each layout in shared memory. Where an
// element lies is computed here from the canonical layouts of the PTX manual. A
// product with an identity gives one digit of each element's number, so that an
// element in the wrong place shows, whatever the type can hold. With
// ATTN_TEST_DEVICE=cuda the same PTX runs on a GPU.
//
//===----------------------------------------------------------------------===//

#include "Emulation.h"

#include "attn/Runtime/Float.h"

#include <cstring>
#include <functional>
#include <random>

using namespace attn::runtime;

namespace {
constexpr uint32_t rowsOfA = 64, threads = 128;
/// The regions of `out`, in words: the image of shared memory, A in registers,
/// scale-d, and the accumulators before and after.
constexpr uint32_t imageWords = 16384, registersAt = imageWords,
                   scaleAt = registersAt + 4 * threads, beforeAt = scaleAt + 4,
                   maxAccumulators = 128,
                   afterAt = beforeAt + maxAccumulators * threads,
                   allWords = afterAt + maxAccumulators * threads;
/// B begins here in shared memory.
constexpr uint32_t bAt = 24 * 1024;

/// A matrix in shared memory. `swizzle` is in bytes.
struct Layout {
  uint32_t swizzle = 0;
  bool transposed = false;
  uint32_t leading = 0, stride = 0;
  /// Of its first element, from where the pattern of the swizzle starts.
  uint32_t advance = 0;
  /// The pattern does not start at a multiple of its size.
  uint32_t baseOffset = 0;
};

/// One form of the instruction.
struct Form {
  std::string d, a, b;
  uint32_t n = 8;
  bool aInRegisters = false;
  Layout layoutA, layoutB;
  bool negateA = false, negateB = false;
  bool saturate = false;

  uint32_t elementBytes() const {
    if (a == "tf32")
      return 4;
    return a == "f16" || a == "bf16" ? 2 : 1;
  }
  uint32_t k() const { return 32 / elementBytes(); }
  bool isHalf() const { return d == "f16"; }
  uint32_t accumulators() const { return isHalf() ? n / 4 : n / 2; }
  std::string name() const;
};
} // namespace

std::string Form::name() const {
  std::string text = "m64n" + std::to_string(n) + "k" + std::to_string(k()) +
                     "." + d + "." + a + "." + b;
  auto add = [&](const Layout &layout) {
    text += " swizzle " + std::to_string(layout.swizzle) +
            (layout.transposed ? " transposed" : "") + " leading " +
            std::to_string(layout.leading) + " stride " +
            std::to_string(layout.stride) + " advance " +
            std::to_string(layout.advance) + " base " +
            std::to_string(layout.baseOffset);
  };
  if (aInRegisters)
    text += " registers";
  else
    add(layoutA);
  text += ",";
  add(layoutB);
  return text;
}

//===----------------------------------------------------------------------===//
// The kernel
//===----------------------------------------------------------------------===//

/// Sets `name` to the descriptor of a matrix that starts `at` in smem.
static std::string descriptor(const char *name, const Layout &layout,
                              uint32_t at) {
  uint64_t mode = layout.swizzle == 128  ? 1
                  : layout.swizzle == 64 ? 2
                  : layout.swizzle == 32 ? 3
                                         : 0;
  uint64_t bits = uint64_t(layout.leading / 16) << 16 |
                  uint64_t(layout.stride / 16) << 32 |
                  uint64_t(layout.baseOffset) << 49 | mode << 62;
  uint32_t start = at + layout.baseOffset * 128 + layout.advance;
  return "add.s32 %r4, %r2, " + std::to_string(start) +
         ";\nshr.u32 %r4, %r4, 4;\nand.b32 %r4, %r4, 16383;\nor.b32 %r4, "
         "%r4, " +
         std::to_string(static_cast<uint32_t>(bits)) + ";\nmov.b64 " + name +
         ", {%r4, " + std::to_string(static_cast<uint32_t>(bits >> 32)) +
         "};\n";
}

/// %d2 = the address in `out` of what a thread has of a region.
static std::string regionAddress(uint32_t region, uint32_t wordsPerThread) {
  return "mul.wide.u32 %d2, %r1, " + std::to_string(4 * wordsPerThread) +
         ";\nadd.s64 %d2, %d2, %d0;\nadd.s64 %d2, %d2, " +
         std::to_string(4 * region) + ";\n";
}

static std::string registerList(uint32_t first, uint32_t count) {
  std::string text = "{";
  for (uint32_t i = 0; i < count; ++i)
    text += (i ? ", %r" : "%r") + std::to_string(first + i);
  return text + "}";
}

static std::string instructionText(const Form &form) {
  std::string text = "wgmma.mma_async.sync.aligned.m64n" +
                     std::to_string(form.n) + "k" + std::to_string(form.k()) +
                     "." + form.d + "." + form.a + "." + form.b;
  text += form.saturate ? ".satfinite " : " ";
  text += registerList(100, form.accumulators()) + ", " +
          (form.aInRegisters ? "{%r10, %r11, %r12, %r13}" : "%d5") +
          ", %d6, %p3";
  if (form.d != "s32")
    text += std::string(form.negateA ? ", -1" : ", 1") +
            (form.negateB ? ", -1" : ", 1");
  if (form.elementBytes() == 2 && !form.aInRegisters)
    text += form.layoutA.transposed ? ", 1" : ", 0";
  if (form.elementBytes() == 2)
    text += form.layoutB.transposed ? ", 1" : ", 0";
  return text + ";\n";
}

static std::string kernelText(const Form &form) {
  std::string body = R"(
    mov.u32 %r1, %tid.x;
    mov.b32 %r2, smem;
    shl.b32 %r3, %r1, 4;
    add.s32 %r3, %r3, %r2;
    mul.wide.u32 %d1, %r1, 16;
    add.s64 %d1, %d1, %d0;
    mov.b32 %r5, 0;
FILL:
    ld.global.v4.b32 {%r6, %r7, %r8, %r9}, [%d1];
    st.shared.v4.b32 [%r3], {%r6, %r7, %r8, %r9};
    add.s32 %r3, %r3, 2048;
    add.s64 %d1, %d1, 2048;
    add.s32 %r5, %r5, 1;
    setp.lt.s32 %p1, %r5, 32;
    @%p1 bra FILL;
    fence.proxy.async.shared::cta;
    bar.sync 0;
)";
  body += descriptor("%d5", form.layoutA, 0) +
          descriptor("%d6", form.layoutB, bAt) + regionAddress(registersAt, 4) +
          "ld.global.v4.b32 {%r10, %r11, %r12, %r13}, [%d2];\n"
          "ld.global.b32 %r14, [%d0+" +
          std::to_string(4 * scaleAt) + "];\nsetp.ne.b32 %p3, %r14, 0;\n" +
          regionAddress(beforeAt, form.accumulators());
  for (uint32_t i = 0; i < form.accumulators(); ++i)
    body += "ld.global.b32 %r" + std::to_string(100 + i) + ", [%d2+" +
            std::to_string(4 * i) + "];\n";
  body += "wgmma.fence.sync.aligned;\n" + instructionText(form) +
          "wgmma.commit_group.sync.aligned;\n"
          "wgmma.wait_group.sync.aligned 0;\n" +
          regionAddress(afterAt, form.accumulators());
  for (uint32_t i = 0; i < form.accumulators(); ++i)
    body += "st.global.b32 [%d2+" + std::to_string(4 * i) + "], %r" +
            std::to_string(100 + i) + ";\n";
  return body;
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

/// The bits of a small integer.
static uint32_t encode(const std::string &type, int value) {
  auto single = static_cast<float>(value);
  uint32_t bits;
  std::memcpy(&bits, &single, sizeof(bits));
  if (type == "tf32")
    return bits;
  if (type == "f16")
    return toF16(value);
  if (type == "bf16")
    return toBF16(value);
  if (type == "e5m2")
    return toF16(value) >> 8;
  if (type != "e4m3")
    return static_cast<uint8_t>(value);
  if (value == 0)
    return 0;
  // Four bits of exponent, three of mantissa, which integers up to 16 fit in.
  uint32_t exponent = (bits >> 23 & 0xFF) - 127 + 7;
  return bits >> 31 << 7 | exponent << 3 | (bits >> 20 & 7);
}

/// The byte at which the canonical layout has element (row, k), from where the
/// pattern of the swizzle starts; T elements make a chunk of 16 bytes.
static uint32_t place(const Layout &layout, uint32_t start, uint32_t row,
                      uint32_t k, uint32_t bytes) {
  uint32_t t = 16 / bytes, chunks = layout.swizzle / 16;
  uint32_t offset;
  if (!layout.transposed && !layout.swizzle)
    // ((8, m), (T, 2)) : ((1T, SBO), (1, LBO))
    offset = row % 8 * 16 + row / 8 * layout.stride + k % t * bytes +
             k / t * layout.leading;
  else if (!layout.transposed)
    // ((8, m), (T, 2)) : ((1, 2, 4, 8) x 1T, SBO), (1, T))
    offset = row % 8 * layout.swizzle + row / 8 * layout.stride + k * bytes;
  else if (!layout.swizzle)
    // ((T, 1, m), (8, k)) : ((1, T, SBO), (1T, LBO))
    offset = row % t * bytes + row / t * layout.stride + k % 8 * 16 +
             k / 8 * layout.leading;
  else
    // ((T, 2, 4 or 8, m), (8, k)) : ((1, T, LBO), (2T, 4T or 8T, SBO))
    offset = row % t * bytes + row / t % chunks * 16 +
             row / t / chunks * layout.leading + k % 8 * layout.swizzle +
             k / 8 * layout.stride;
  uint32_t address = start + layout.baseOffset * 128 + layout.advance + offset;
  if (chunks)
    address ^= ((address >> 7) - layout.baseOffset) % chunks * 16;
  return address;
}

namespace {
using Matrix = std::function<int(uint32_t row, uint32_t column)>;

/// The inputs of one run: A is 64 x K, B is N x K, C is 64 x N.
struct Inputs {
  Matrix a, b, c;
  bool accumulate = false;
};
} // namespace

/// The row and the column of element `i` of D in a thread.
static std::pair<uint32_t, uint32_t> placeOfSum(uint32_t thread, uint32_t i) {
  uint32_t lane = thread % 32;
  return {thread / 32 * 16 + lane / 4 + i / 2 % 2 * 8,
          i / 4 * 8 + lane % 4 * 2 + i % 2};
}

static std::vector<uint32_t> inputWords(const Form &form,
                                        const Inputs &inputs) {
  std::vector<uint32_t> words(allWords);
  auto *bytes = reinterpret_cast<uint8_t *>(words.data());
  uint32_t size = form.elementBytes(), k = form.k();
  auto put = [&](uint32_t at, uint32_t bits) {
    std::memcpy(bytes + at, &bits, size);
  };
  for (uint32_t row = 0; !form.aInRegisters && row < rowsOfA; ++row)
    for (uint32_t i = 0; i < k; ++i)
      put(place(form.layoutA, 0, row, i, size),
          encode(form.a, inputs.a(row, i)));
  for (uint32_t row = 0; row < form.n; ++row)
    for (uint32_t i = 0; i < k; ++i)
      put(place(form.layoutB, bAt, row, i, size),
          encode(form.b, inputs.b(row, i)));
  uint32_t perWord = 4 / size;
  for (uint32_t thread = 0; form.aInRegisters && thread < threads; ++thread)
    for (uint32_t i = 0; i < 4 * perWord; ++i) {
      uint32_t index = i / perWord, lane = thread % 32;
      uint32_t row = thread / 32 * 16 + lane / 4 + index % 2 * 8;
      uint32_t column = (lane % 4 + index / 2 * 4) * perWord + i % perWord;
      put(4 * (registersAt + 4 * thread) + i * size,
          encode(form.a, inputs.a(row, column)));
    }
  words[scaleAt] = inputs.accumulate;
  for (uint32_t thread = 0; thread < threads; ++thread)
    for (uint32_t i = 0; i < form.n / 2; ++i) {
      auto [row, column] = placeOfSum(thread, i);
      int value = inputs.c(row, column);
      uint32_t bits = form.d == "s32"
                          ? static_cast<uint32_t>(value)
                          : encode(form.isHalf() ? "f16" : "tf32", value);
      uint32_t at = beforeAt + thread * form.accumulators();
      if (form.isHalf())
        words[at + i / 2] |= bits << 16 * (i % 2);
      else
        words[at + i] = bits;
    }
  return words;
}

/// Element `i` of D in a thread, after the run.
static int64_t resultOf(const Form &form, const std::vector<uint32_t> &out,
                        uint32_t thread, uint32_t i) {
  uint32_t at = afterAt + thread * form.accumulators();
  if (form.isHalf())
    return static_cast<int64_t>(
        fromF16(static_cast<uint16_t>(out[at + i / 2] >> 16 * (i % 2))));
  if (form.d == "s32")
    return static_cast<int32_t>(out[at + i]);
  float value;
  std::memcpy(&value, &out[at + i], sizeof(value));
  return static_cast<int64_t>(value);
}

static int64_t expectedOf(const Form &form, const Inputs &inputs, uint32_t row,
                          uint32_t column) {
  int64_t sum = 0;
  for (uint32_t k = 0; k < form.k(); ++k)
    sum += int64_t(inputs.a(row, k)) * inputs.b(column, k);
  if (form.negateA != form.negateB)
    sum = -sum;
  if (inputs.accumulate)
    sum += inputs.c(row, column);
  if (form.d != "s32")
    return sum;
  if (form.saturate)
    return std::min<int64_t>(std::max<int64_t>(sum, INT32_MIN), INT32_MAX);
  return static_cast<int32_t>(static_cast<uint32_t>(sum));
}

static void expectProduct(const Form &form, const Inputs &inputs,
                          const std::string &what, uint64_t seed = 0) {
  Result<std::vector<uint32_t>> out =
      Emulation{kernelText(form),         threads,       seed, true, "",
                inputWords(form, inputs), 4 * imageWords}
          .run();
  ASSERT_FALSE(out.failed()) << form.name() << ": " << out.message();
  for (uint32_t thread = 0; thread < threads; ++thread)
    for (uint32_t i = 0; i < form.n / 2; ++i) {
      auto [row, column] = placeOfSum(thread, i);
      ASSERT_EQ(resultOf(form, *out, thread, i),
                expectedOf(form, inputs, row, column))
          << form.name() << ", " << what << ": row " << row << ", column "
          << column;
    }
}

//===----------------------------------------------------------------------===//
// Tests
//===----------------------------------------------------------------------===//

/// A digit of the number of an element.
static int digit(uint32_t number, uint32_t place) {
  return static_cast<int>(number >> 3 * place & 7);
}

/// Finds each element of A and of B by its number.
static void locate(const Form &form) {
  uint32_t k = form.k();
  auto zero = [](uint32_t, uint32_t) { return 0; };
  for (uint32_t place = 0; rowsOfA * k >> 3 * place; ++place)
    for (uint32_t shift = 0; shift < k; shift += form.n)
      expectProduct(
          form,
          {[&](uint32_t row, uint32_t i) { return digit(row * k + i, place); },
           [&](uint32_t row, uint32_t i) {
             return int((row + shift) % k == i);
           },
           zero},
          "digit " + std::to_string(place) + " of A");
  for (uint32_t place = 0; form.n * k >> 3 * place; ++place)
    expectProduct(
        form,
        {[&](uint32_t row, uint32_t i) { return int(row % k == i); },
         [&](uint32_t row, uint32_t i) { return digit(row * k + i, place); },
         zero},
        "digit " + std::to_string(place) + " of B");
}

/// Small numbers of either sign, added to others.
static void multiplyRandom(const Form &form, uint64_t seed) {
  std::mt19937 random(static_cast<unsigned>(seed));
  auto make = [&](uint32_t rows, uint32_t columns, bool isSigned) {
    std::vector<int> values(size_t(rows) * columns);
    for (int &value : values)
      value = static_cast<int>(random() % 8) - (isSigned ? 4 : 0);
    return [=](uint32_t row, uint32_t column) {
      return values[row * columns + column];
    };
  };
  expectProduct(form,
                {make(rowsOfA, form.k(), form.a != "u8"),
                 make(form.n, form.k(), form.b != "u8"),
                 make(rowsOfA, form.n, true), /*accumulate=*/true},
                "random " + std::to_string(seed), seed);
}

static void expectForm(const Form &form) {
  locate(form);
  multiplyRandom(form, 1);
}

/// How rows along k are usually laid out.
static Layout rowsOf(uint32_t swizzle, uint32_t advance = 0) {
  if (swizzle == 0)
    return {0, false, 128, 256};
  return {swizzle, false, 16, 8 * swizzle, advance};
}

TEST(ProductLayout, Types) {
  std::vector<std::array<std::string, 3>> types = {
      {"f32", "f16", "f16"},   {"f16", "f16", "f16"}, {"f32", "bf16", "bf16"},
      {"f32", "tf32", "tf32"}, {"s32", "s8", "s8"},   {"s32", "s8", "u8"},
      {"s32", "u8", "s8"},     {"s32", "u8", "u8"}};
  for (const char *d : {"f32", "f16"})
    for (const char *a : {"e4m3", "e5m2"})
      for (const char *b : {"e4m3", "e5m2"})
        types.push_back({d, a, b});
  for (const auto &[d, a, b] : types)
    for (bool inRegisters : {false, true})
      expectForm({d, a, b, 16, inRegisters, rowsOf(128), rowsOf(128)});
}

TEST(ProductLayout, RowsAlongK) {
  for (const char *type : {"bf16", "tf32", "e4m3", "u8"})
    for (uint32_t swizzle : {0u, 32u, 64u, 128u}) {
      std::string d = std::string(type) == "u8" ? "s32" : "f32";
      expectForm({d, type, type, 24, false, rowsOf(swizzle), rowsOf(swizzle)});
      // The second half of a line, and groups further apart.
      if (swizzle > 32)
        expectForm({d, type, type, 8, false, rowsOf(swizzle, swizzle - 32),
                    rowsOf(swizzle, 32)});
    }
  expectForm({"f32",
              "f16",
              "f16",
              16,
              false,
              {0, false, 1024, 128},
              {0, false, 2048, 384}});
  expectForm({"f32",
              "f16",
              "f16",
              16,
              false,
              {128, false, 0, 2048},
              {64, false, 0, 1024}});
}

TEST(ProductLayout, Transposed) {
  for (uint32_t swizzle : {0u, 32u, 64u, 128u}) {
    // Groups of eight steps of k follow each other, then come further rows;
    // and the other way round.
    uint32_t span = swizzle ? swizzle : 16;
    Layout deep{swizzle, true, 16 * span, 8 * span};
    Layout wide{swizzle, true, 8 * span, 64 / (span / 2) * 8 * span};
    if (swizzle == 0) {
      deep = {0, true, 128, 256};
      wide = {0, true, 1024, 128};
    }
    Layout wideB = wide;
    if (swizzle == 0)
      wideB.leading = 4096;
    else
      wideB.stride = 4096;
    expectForm({"f32", "bf16", "bf16", 64, false, deep, rowsOf(128)});
    expectForm({"f32", "f16", "f16", 64, false, wide, deep});
    expectForm({"f16", "f16", "f16", 64, false, rowsOf(128), wideB});
    expectForm({"f32", "bf16", "bf16", 64, true, {}, deep});
  }
}

TEST(ProductLayout, BaseOffsets) {
  for (uint32_t base : {1u, 3u, 6u}) {
    Layout moved = rowsOf(128);
    moved.baseOffset = base;
    expectForm({"f32", "bf16", "bf16", 16, false, moved, moved});
  }
}

TEST(ProductLayout, Widths) {
  for (uint32_t n = 8; n <= 256; n += 8) {
    multiplyRandom({"f32", "bf16", "bf16", n, false, rowsOf(128), rowsOf(64)},
                   n);
    if (n <= 24 || n % 16 == 0)
      multiplyRandom({"s32", "s8", "u8", n, true, {}, rowsOf(32)}, n);
    multiplyRandom({"f16", "e4m3", "e5m2", n, true, {}, rowsOf(0)}, n);
  }
  expectForm({"f32", "bf16", "bf16", 256, false, rowsOf(128), rowsOf(128)});
  expectForm({"s32", "s8", "s8", 256, true, {}, rowsOf(64)});
}

TEST(ProductLayout, SignsAndSeeds) {
  for (bool negateA : {false, true})
    for (bool negateB : {false, true})
      for (const char *type : {"f16", "tf32", "e5m2"})
        multiplyRandom({"f32", type, type, 8, negateA, rowsOf(128), rowsOf(128),
                        negateA, negateB},
                       7);
  for (uint64_t seed = 0; seed < 16; ++seed)
    multiplyRandom({"f32", "bf16", "bf16", 8, false, rowsOf(0), rowsOf(0)},
                   seed);
}

TEST(ProductLayout, Saturation) {
  auto constant = [](int value) {
    return [value](uint32_t, uint32_t) { return value; };
  };
  for (bool saturate : {false, true})
    for (bool inRegisters : {false, true}) {
      Form form{"s32",       "s8",        "s8",  8,     inRegisters,
                rowsOf(128), rowsOf(128), false, false, saturate};
      expectProduct(form,
                    {constant(127), constant(127), constant(INT32_MAX - 5),
                     /*accumulate=*/true},
                    "above");
      expectProduct(form,
                    {constant(-128), constant(127), constant(INT32_MIN + 5),
                     /*accumulate=*/true},
                    "below");
    }
}

//===----------------------------------------------------------------------===//
// Refusals
//===----------------------------------------------------------------------===//

static std::string refusal(const std::string &name,
                           const std::string &operands) {
  std::string text =
      "wgmma.mma_async.sync.aligned." + name + " " + operands + ";";
  std::string message = Emulation{text, threads}.message();
  EXPECT_TRUE(contains(message, "\n  " + text));
  return message;
}

TEST(Product, IllegalForms) {
  const std::string four = "{%r20, %r21, %r22, %r23}", two = "{%r20, %r21}";
  const std::string unknown = "the emulator does not know 'wgmma.mma_async";
  for (const auto &[name, operands] :
       std::vector<std::pair<std::string, std::string>>{
           {"m64n8k256.s32.b1.b1.and.popc", four + ", %d1, %d2, 1"},
           {"m64n8k16.f16.bf16.bf16", two + ", %d1, %d2, 1, 1, 1, 0, 0"},
           {"m64n8k16.f32.bf16.f16", four + ", %d1, %d2, 1, 1, 1, 0, 0"},
           {"m64n8k16.f32.f16.f16.satfinite",
            four + ", %d1, %d2, 1, 1, 1, 0, 0"},
           {"m64n8k16.f32.f16.f16", four + ", %d1, %d2, 1, 1, 1"},
           {"m64n8k16.f32.f16.f16",
            four + ", {%r1, %r2, %r3, %r4}, %d2, 1, 1, 1, 0, 0"},
           {"m64n8k16.f32.f16.f16", four + ", {%r1, %r2, %r3, _}, %d2, 1, 1, "
                                           "1, 0"},
           {"m64n8k16.f32.f16.f16", "{_, %r1, %r2, %r3}, %d1, %d2, 1, 1, 1, 0, "
                                    "0"},
           {"m64n8k8.f32.tf32.tf32", four + ", %d1, %d2, 1, 1, 1, 0, 0"},
           {"m64n8k8.f16.tf32.tf32", two + ", %d1, %d2, 1, 1, 1"},
           {"m64n8k32.f32.e4m3.s8", four + ", %d1, %d2, 1, 1, 1"},
           {"m64n8k32.s32.s8.s8", four + ", %d1, %d2, 1, 1, 1"},
           {"m64n8k32.f32.s8.s8", four + ", %d1, %d2, 1"},
           {"m64n8k32.s32.e4m3.e4m3", four + ", %d1, %d2, 1"}})
    EXPECT_TRUE(contains(refusal(name, operands), unknown)) << name;
  EXPECT_TRUE(contains(
      refusal("m64n12k16.f32.f16.f16", four + ", %d1, %d2, 1, 1, 1, 0, 0"),
      "expected m64nNk16 with N a multiple of 8 up to 256, got m64n12k16"));
  EXPECT_TRUE(contains(
      refusal("m64n8k16.f32.e4m3.e4m3", four + ", %d1, %d2, 1, 1, 1"),
      "expected m64nNk32 with N a multiple of 8 up to 256, got m64n8k16"));
  EXPECT_TRUE(contains(refusal("m64n40k32.s32.s8.s8", four + ", %d1, %d2, 1"),
                       "expected m64nNk32 with N a multiple of 16, or 8 or 24, "
                       "up to 256, got m64n40k32"));
  EXPECT_TRUE(contains(
      refusal("m64n264k16.f32.f16.f16", four + ", %d1, %d2, 1, 1, 1, 0, 0"),
      "got m64n264k16"));
  EXPECT_TRUE(contains(
      refusal("m64n8k16.f16.f16.f16", four + ", %d1, %d2, 1, 1, 1, 0, 0"),
      "expected a vector of 2 operands"));
  EXPECT_TRUE(contains(
      refusal("m64n8k16.f32.f16.f16", four + ", %d1, %d2, 1, 0, 1, 0, 0"),
      "expected a scale of 1 or -1, got 0"));
}
