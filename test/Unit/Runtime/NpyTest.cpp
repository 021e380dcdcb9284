//===- NpyTest.cpp - Tensors in files -------------------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "attn/Runtime/Npy.h"

#include "gtest/gtest.h"

#include <cstring>
#include <filesystem>
#include <fstream>

using namespace attn::runtime;

namespace {
class NpyTest : public testing::Test {
protected:
  NpyTest() : path(testing::TempDir() + "/" + testName() + ".npy") {}
  ~NpyTest() override { std::filesystem::remove_all(path); }

  static std::string testName() {
    return testing::UnitTest::GetInstance()->current_test_info()->name();
  }

  void writeRaw(const std::string &bytes) const {
    std::ofstream(path, std::ios::binary) << bytes;
  }
  void writeFile(const std::string &header, const std::string &data) const {
    writeRaw(std::string("\x93NUMPY\x01\x00", 8) +
             static_cast<char>(header.size()) + '\0' + header + data);
  }
  /// A file of the given element type and shape, all elements zero.
  void writeZeros(const std::string &descr, const std::string &shape,
                  size_t bytes) const {
    writeFile("{'descr': '" + descr +
                  "', 'fortran_order': False, 'shape': " + shape + "}\n",
              std::string(bytes, '\0'));
  }

  /// Why reading fails, without the name of the file.
  std::string refusal(ElementType type = ElementType::F32) const {
    Result<HostTensor> tensor = readNpy(path, type);
    if (!tensor.failed())
      return "nothing refused";
    std::string start = "cannot read '" + path + "': ";
    EXPECT_EQ(tensor.message().compare(0, start.size(), start), 0)
        << tensor.message();
    return tensor.message().substr(start.size());
  }

  std::string path;
};
} // namespace

/// The bytes of `values`, little endian.
template <typename T> static std::string bytesOf(std::vector<T> values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST_F(NpyTest, RoundTrips) {
  for (ElementType type :
       {ElementType::BF16, ElementType::F16, ElementType::F32})
    for (const std::vector<int64_t> &shape :
         {std::vector<int64_t>{2, 3, 5}, {7}, {}, {0, 4}}) {
      HostTensor tensor(type, shape);
      fillNormal(tensor, 3);
      ASSERT_FALSE(writeNpy(path, tensor).failed());
      EXPECT_EQ((std::filesystem::file_size(path) -
                 tensor.size() * (type == ElementType::F16 ? 2 : 4)) %
                    64,
                0u);
      Result<HostTensor> back = readNpy(path, type);
      ASSERT_FALSE(back.failed()) << back.message();
      EXPECT_EQ(back->shape, shape);
      EXPECT_EQ(back->data, tensor.data);
    }
}

TEST_F(NpyTest, RoundsToTheTypeOfTheTensor) {
  writeFile("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }",
            bytesOf<float>({1 + 0x1p-8f, 3}));
  EXPECT_EQ(readNpy(path, ElementType::BF16)->get(0), 1);
  EXPECT_EQ(readNpy(path, ElementType::F16)->get(0), 1 + 0x1p-8);
  EXPECT_EQ(readNpy(path, ElementType::F32)->get(1), 3);
}

TEST_F(NpyTest, ReadsDoublesHalvesAndTheBitsOfBfloat16) {
  writeFile("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}",
            bytesOf<double>({-0.1}));
  EXPECT_EQ(readNpy(path, ElementType::F32)->get(0), -0.1f);
  writeFile("{\"shape\": (1,), \"descr\": \"<f2\", 'fortran_order': False}",
            bytesOf<uint16_t>({0x3E00}));
  EXPECT_EQ(readNpy(path, ElementType::BF16)->get(0), 1.5);
  writeFile("{'descr': '<u2', 'fortran_order': False, 'shape': (1,)}",
            bytesOf<uint16_t>({0x3FC0}));
  EXPECT_EQ(readNpy(path, ElementType::BF16)->get(0), 1.5);
  EXPECT_EQ(refusal(ElementType::F32),
            "expected numbers, got <u2, which stands for bf16");
}

TEST_F(NpyTest, ReadsIntegersOfOtherWidths) {
  writeFile("{'descr': '<i8', 'fortran_order': False, 'shape': (3,)}",
            bytesOf<int64_t>({-128, 127, 1}));
  for (ElementType type : {ElementType::I8, ElementType::I16, ElementType::I32,
                           ElementType::I64}) {
    Result<HostTensor> tensor = readNpy(path, type);
    ASSERT_FALSE(tensor.failed()) << tensor.message();
    EXPECT_EQ(tensor->get(0), -128);
    EXPECT_EQ(tensor->get(1), 127);
  }
  EXPECT_EQ(refusal(ElementType::I1), "expected elements of i1, got -128");
  writeFile("{'descr': '<i2', 'fortran_order': False, 'shape': (1,)}",
            bytesOf<int16_t>({300}));
  EXPECT_EQ(refusal(ElementType::I8), "expected elements of i8, got 300");
  writeFile("{'descr': '|b1', 'fortran_order': False, 'shape': (2,)}",
            std::string("\0\1", 2));
  EXPECT_EQ(readNpy(path, ElementType::I1)->get(1), 1);
}

TEST_F(NpyTest, RoundTripsIntegers) {
  for (ElementType type : {ElementType::I1, ElementType::I8, ElementType::I16,
                           ElementType::I32, ElementType::I64}) {
    HostTensor tensor(type, {2, 3});
    tensor.set(4, 1);
    ASSERT_FALSE(writeNpy(path, tensor).failed());
    Result<HostTensor> back = readNpy(path, type);
    ASSERT_FALSE(back.failed()) << back.message();
    EXPECT_EQ(back->data, tensor.data);
  }
}

TEST_F(NpyTest, ReadsAnyElementsAsDoubles) {
  writeFile("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2)}",
            bytesOf<double>({-0.1, 1e300}));
  Result<NpyArray> array = readNpyArray(path);
  ASSERT_FALSE(array.failed()) << array.message();
  EXPECT_EQ(array->encoding, "<f8");
  EXPECT_EQ(array->shape, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(array->values, (std::vector<double>{-0.1, 1e300}));
  writeFile("{'descr': '|i1', 'fortran_order': False, 'shape': (2,)}",
            std::string("\xFF\x05", 2));
  EXPECT_EQ(readNpyArray(path)->values, (std::vector<double>{-1, 5}));
  EXPECT_EQ(readNpyArray(path)->encoding, "|i1");
  writeZeros("<f8", "(2,)", 15);
  EXPECT_EQ(readNpyArray(path).message(),
            "cannot read '" + path +
                "': expected 16 bytes of elements, got 15");
}

TEST_F(NpyTest, RefusesAMissingFile) {
  EXPECT_EQ(readNpy(path, ElementType::F32).message(),
            "cannot open '" + path + "': No such file or directory");
  EXPECT_EQ(writeNpy(path + "/x", HostTensor()).message(),
            "cannot open '" + path + "/x': No such file or directory");
}

TEST_F(NpyTest, RefusesAFullDisk) {
  HostTensor big(ElementType::F32, {1 << 16});
  EXPECT_EQ(writeNpy("/dev/full", big).message(),
            "cannot write '/dev/full': No space left on device");
}

TEST_F(NpyTest, RefusesOtherFormats) {
  writeRaw("");
  EXPECT_EQ(refusal(), "expected a file in .npy format");
  writeRaw("PK\3\4 a zip archive");
  EXPECT_EQ(refusal(), "expected a file in .npy format");
  writeRaw(std::string("\x93NUMPY\x04\x00\x02\x00{}", 12));
  EXPECT_EQ(refusal(), "expected version 1 to 3 of the .npy format, got 4");
}

TEST_F(NpyTest, RefusesABrokenHeader) {
  writeRaw(std::string("\x93NUMPY\x01\x00\x40\x00{}", 12));
  EXPECT_EQ(refusal(), "expected a header of 64 bytes, got less");
  writeRaw(std::string("\x93NUMPY\x02\x00\x00\x00\x00\x7F", 12));
  EXPECT_EQ(refusal(),
            "expected a header of at most 65536 bytes, got 2130706432");
  auto refuse = [&](const std::string &header) {
    writeFile(header, "");
    return refusal();
  };
  EXPECT_EQ(refuse("[]"), "malformed header: expected '{' at byte 0");
  EXPECT_EQ(refuse("{}"), "malformed header: expected the keys descr, "
                          "fortran_order and shape at byte 2");
  EXPECT_EQ(refuse("{} x"), "malformed header: expected the end at byte 3");
  EXPECT_EQ(refuse("{1"), "malformed header: expected a string at byte 1");
  EXPECT_EQ(refuse("{'a"), "malformed header: expected a string at byte 1");
  EXPECT_EQ(refuse("{'shape' ()"), "malformed header: expected ':' at byte 9");
  EXPECT_EQ(refuse("{'shape': () 'x'"),
            "malformed header: expected ',' or '}' at byte 13");
  EXPECT_EQ(refuse("{'shape': (), 'shape': ()}"),
            "malformed header: expected each key once at byte 21");
  EXPECT_EQ(refuse("{'names': 1}"),
            "malformed header: expected the keys descr, fortran_order and "
            "shape at byte 9");
  EXPECT_EQ(refuse("{'fortran_order': 0}"),
            "malformed header: expected True or False at byte 18");
  EXPECT_EQ(refuse("{'shape': 4}"),
            "malformed header: expected '(' at byte 10");
  EXPECT_EQ(refuse("{'shape': (-1,)}"),
            "malformed header: expected a size at byte 11");
  EXPECT_EQ(refuse("{'shape': (1 2)}"),
            "malformed header: expected ',' or ')' at byte 13");
  EXPECT_EQ(refuse("{'shape': (9999999999999999999,)}"),
            "malformed header: expected a size below 2^63 at byte 29");
  EXPECT_EQ(refuse("{'shape': (1,1,1,1,1,1,1,1,1)}"),
            "expected a rank of at most 8, got more");
}

TEST_F(NpyTest, RefusesOtherElements) {
  writeZeros(">f4", "(1,)", 4);
  EXPECT_EQ(refusal(), "expected elements of <f2, <f4, <f8, <u2, |b1, |i1, "
                       "<i2, <i4, <i8, got >f4");
  writeZeros("<i4", "(1,)", 4);
  EXPECT_EQ(refusal(), "expected elements that can be f32, got <i4");
  writeZeros("<f4", "(1,)", 4);
  EXPECT_EQ(refusal(ElementType::I32),
            "expected elements that can be i32, got <f4");
  writeFile("{'descr': '<f4', 'fortran_order': True, 'shape': (1,)}", "");
  EXPECT_EQ(refusal(), "expected elements in C order, got Fortran order");
}

TEST_F(NpyTest, RefusesAWrongLength) {
  writeZeros("<f4", "(2, 2)", 12);
  EXPECT_EQ(refusal(), "expected 16 bytes of elements, got 12");
  writeZeros("<f4", "(2, 2)", 17);
  EXPECT_EQ(refusal(), "expected 16 bytes of elements, got 17");
  writeZeros("<f4", "(4611686018427387904, 4)", 16);
  EXPECT_EQ(refusal(),
            "expected a size that fits in memory, got 4611686018427387904x4");
}
