//===- BundleTest.cpp - Bundles, whole and broken -------------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Example.h"

#include "attn/Export/BundleWriter.h"
#include "attn/Runtime/Sha256.h"

#include "gtest/gtest.h"

#include <cstdio>
#include <unistd.h>

using namespace attn::runtime;
using mlir::attn::writeBundle;

namespace {

std::string refusal(const std::string &data) {
  Result<Bundle> read = readBundle(data);
  return read.failed() ? read.message() : "nothing refused";
}

void store(std::string &data, size_t offset, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i)
    data[offset + i] = static_cast<char>(value >> (8 * i));
}

/// Gives `data` the content hash that it should have, so that what lies behind
/// that check is reached.
std::string seal(std::string data) {
  Sha256 hash;
  hash.update(data.substr(0, bundle::hashOffset));
  hash.update(data.substr(bundle::headerSize));
  Sha256::Digest digest = hash.finish();
  std::copy(digest.begin(), digest.end(), data.begin() + bundle::hashOffset);
  return data;
}

/// The example with a number in its table of sections replaced.
std::string withEntry(size_t section, size_t field, uint64_t value,
                      size_t bytes) {
  std::string data = writeBundle(exampleBundle());
  store(data, bundle::headerSize + section * bundle::sectionEntrySize + field,
        value, bytes);
  return seal(data);
}

/// A file of these sections, by the rules of the container.
std::string
container(const std::vector<std::pair<int, std::string>> &sections) {
  std::string data = writeBundle(exampleBundle()).substr(0, bundle::headerSize);
  size_t entry = data.size();
  data.resize(entry + sections.size() * bundle::sectionEntrySize);
  for (const auto &[kind, content] : sections) {
    data.resize((data.size() + 15) / 16 * 16);
    store(data, entry, kind, 4);
    store(data, entry + 8, data.size(), 8);
    store(data, entry + 16, content.size(), 8);
    entry += bundle::sectionEntrySize;
    data += content;
  }
  store(data, bundle::sectionCountOffset, sections.size(), 4);
  store(data, bundle::fileSizeOffset, data.size(), 8);
  return seal(data);
}

uint64_t load(const std::string &data, size_t offset, size_t bytes) {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;)
    value = value << 8 | static_cast<uint8_t>(data[offset + i]);
  return value;
}

/// What is wrong with the example when the first `from` in its manifest is
/// replaced.
std::string edited(const std::string &from, const std::string &to) {
  std::string data = writeBundle(exampleBundle());
  std::vector<std::pair<int, std::string>> sections;
  for (size_t i = 0; i < load(data, bundle::sectionCountOffset, 4); ++i) {
    size_t entry = bundle::headerSize + i * bundle::sectionEntrySize;
    sections.emplace_back(
        load(data, entry, 4),
        data.substr(load(data, entry + 8, 8), load(data, entry + 16, 8)));
  }
  size_t position = sections[0].second.find(from);
  EXPECT_NE(position, std::string::npos) << from;
  sections[0].second.replace(position, from.size(), to);
  return refusal(container(sections));
}

const std::string emptyManifest =
    "{\"compiler\":\"\",\"assembler\":\"\",\"program\":\"\","
    "\"tensors\":[],\"equal_sizes\":[],\"targets\":[]}";

} // namespace

TEST(BundleTest, IsReadAsItWasWritten) {
  std::string data = writeBundle(exampleBundle());
  EXPECT_TRUE(isBundle(data));
  Result<Bundle> read = readBundle(data);
  ASSERT_FALSE(read.failed()) << read.message();
  EXPECT_EQ(read->signature.name, "a \"program\"\n");
  EXPECT_EQ(read->compiler, "attn 1.2.3");
  ASSERT_EQ(read->targets.size(), 2u);
  const TargetProgram &target = read->targets[1];
  EXPECT_EQ(target.target, "sm_90a");
  EXPECT_EQ(target.kernels[0].ptx, "// whole");
  EXPECT_EQ(target.kernels[0].cubin, (std::vector<uint8_t>{0, 1, 2, 255}));
  EXPECT_TRUE(target.kernels[1].cubin.empty());
  EXPECT_EQ(target.variants[1].workspaces[0].clear, 0);
  EXPECT_TRUE(target.variants[1].launches[1].dependent);
  // Every field, for the writer forgets none that it has written here.
  EXPECT_EQ(writeBundle(*read), data);
}

TEST(BundleTest, EveryOperationIsReadAsItWasWritten) {
  Bundle bundle = exampleBundle();
  Expression guard = {constantTerm(1)};
  for (auto kind :
       {Term::Kind::Add, Term::Kind::Subtract, Term::Kind::Multiply,
        Term::Kind::FloorDivide, Term::Kind::CeilDivide, Term::Kind::Minimum,
        Term::Kind::Maximum, Term::Kind::Less, Term::Kind::LessEqual,
        Term::Kind::Equal, Term::Kind::And, Term::Kind::Or}) {
    guard.push_back({Term::Kind::Multiprocessors, 0, 0, 0});
    guard.push_back({kind, 0, 0, 0});
  }
  bundle.targets[0].variants[0].guard = guard;
  Result<Bundle> read = readBundle(writeBundle(bundle));
  ASSERT_FALSE(read.failed()) << read.message();
  const Expression &back = read->targets[0].variants[0].guard;
  ASSERT_EQ(back.size(), guard.size());
  for (size_t i = 0; i < guard.size(); ++i)
    EXPECT_EQ(back[i].kind, guard[i].kind);
}

TEST(BundleTest, RefusesATruncatedFile) {
  std::string data = writeBundle(exampleBundle());
  for (size_t size = 0; size < data.size(); ++size)
    ASSERT_TRUE(readBundle(data.substr(0, size)).failed()) << size;
  EXPECT_EQ(refusal(data.substr(0, 20)),
            "truncated bundle: expected a header of 64 bytes, got 20");
  EXPECT_EQ(refusal(data.substr(0, 100)), "truncated bundle: expected " +
                                              std::to_string(data.size()) +
                                              " bytes, got 100");
  EXPECT_EQ(refusal(data + "x"),
            "expected a bundle of " + std::to_string(data.size()) +
                " bytes, got " + std::to_string(data.size() + 1));
}

TEST(BundleTest, RefusesEveryFlippedBit) {
  const std::string data = writeBundle(exampleBundle());
  for (size_t bit = 0; bit < 8 * data.size(); ++bit) {
    std::string flipped = data;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    ASSERT_TRUE(readBundle(flipped).failed()) << bit;
  }
  std::string flipped = data;
  flipped.back() ^= 1;
  EXPECT_EQ(refusal(flipped).find("corrupted bundle: its content hash is "),
            0u);
}

TEST(BundleTest, RefusesAnotherFile) {
  EXPECT_EQ(refusal("module {}"),
            "expected a bundle, got a file that starts differently");
  EXPECT_FALSE(isBundle(""));
  // Line ends that were translated.
  std::string data = writeBundle(exampleBundle());
  EXPECT_EQ(refusal(data.substr(0, 4) + data.substr(5)),
            "expected a bundle, got a file that starts differently");
}

TEST(BundleTest, RefusesAFutureVersion) {
  std::string data = writeBundle(exampleBundle());
  store(data, bundle::versionOffset, 5, 4);
  EXPECT_EQ(refusal(seal(data)),
            "expected a bundle of version 4, got 5; compile the program again "
            "or use a newer runtime");
}

TEST(BundleTest, RefusesHostileSizes) {
  std::string data = writeBundle(exampleBundle());
  store(data, bundle::fileSizeOffset, UINT64_MAX, 8);
  EXPECT_EQ(refusal(data), "expected a bundle of at most 1073741824 bytes, got "
                           "18446744073709551615");
  for (uint64_t count :
       {uint64_t(0), uint64_t(4097), uint64_t(4096), uint64_t(UINT32_MAX)}) {
    data = writeBundle(exampleBundle());
    store(data, bundle::sectionCountOffset, count, 4);
    EXPECT_EQ(refusal(seal(data)),
              "malformed bundle: expected a table of 1 to 4096 sections, got " +
                  std::to_string(count));
  }
  data = writeBundle(exampleBundle());
  store(data, bundle::reservedOffset, 1, 8);
  EXPECT_NE(refusal(seal(data)).find("expected a table of"), std::string::npos);

  const char *outside = "malformed bundle: section 1 is not behind the one "
                        "before it and inside of the file";
  for (uint64_t offset : {uint64_t(0), uint64_t(16), UINT64_MAX,
                          UINT64_MAX - 15, uint64_t(1) << 63})
    EXPECT_EQ(refusal(withEntry(1, 8, offset, 8)), outside);
  for (uint64_t size : {UINT64_MAX, UINT64_MAX - 4096, uint64_t(1) << 40})
    EXPECT_EQ(refusal(withEntry(1, 16, size, 8)), outside);
  EXPECT_EQ(refusal(withEntry(1, 0, 4, 4)),
            "malformed bundle: section 1 has the unknown kind 4");
  EXPECT_EQ(refusal(withEntry(1, 4, 1, 4)),
            "malformed bundle: section 1 has the unknown kind 2");
}

TEST(BundleTest, RefusesWhatLiesBetweenAndBehindSections) {
  std::string data = writeBundle(exampleBundle());
  // In front of the first of eight sections: 64 + 9 * 24 = 280, up to 288.
  data[281] = 1;
  EXPECT_EQ(refusal(seal(data)),
            "malformed bundle: the padding before section 0 is not zero");
  data[281] = 0;
  data += std::string(5, '\0');
  store(data, bundle::fileSizeOffset, data.size(), 8);
  EXPECT_EQ(refusal(seal(data)),
            "malformed bundle: 5 bytes follow the last section");
}

TEST(BundleTest, RefusesSectionsThatDoNotFit) {
  std::string noManifest = "malformed bundle: expected a manifest of at most "
                           "1048576 bytes as the first section";
  EXPECT_EQ(refusal(container({{2, emptyManifest}})), noManifest);
  EXPECT_EQ(refusal(container({{1, std::string((1 << 20) + 1, ' ')}})),
            noManifest);
  EXPECT_EQ(refusal(container({{1, emptyManifest}})),
            "malformed bundle: expected at least one target");
  EXPECT_EQ(refusal(container({{1, emptyManifest}, {2, "ptx"}})),
            "malformed bundle: no kernel uses section 1");
  std::string misused = "malformed bundle: section 1 is used twice or for "
                        "another kind of content";
  EXPECT_EQ(edited("\"cubin\":2", "\"cubin\":1"), misused);
  EXPECT_EQ(edited("\"ptx\":3", "\"ptx\":1"), misused);
  EXPECT_EQ(refusal(withEntry(1, 0, 3, 4)), misused);
  EXPECT_EQ(edited("\"cubin\":2", "\"cubin\":-1"),
            "malformed bundle: no kernel uses section 2");
}

TEST(BundleTest, RefusesAMalformedManifest) {
  EXPECT_EQ(refusal(container({{1, "{"}})),
            "malformed manifest: malformed JSON at byte 1: expected a string");
  EXPECT_EQ(refusal(container({{1, "[]"}})),
            "malformed manifest: expected manifest to be an object");
  auto expect = [](const std::string &what) {
    return "malformed manifest: expected manifest" + what;
  };
  EXPECT_EQ(edited("\"compiler\":\"attn 1.2.3\",", ""),
            expect(".compiler to be a string"));
  EXPECT_EQ(edited("attn 1.2.3", "attn\\u0000"),
            expect(".compiler to be a short string without null characters"));
  EXPECT_EQ(edited("attn 1.2.3", std::string(4097, 'a')),
            expect(".compiler to be a short string without null characters"));
  EXPECT_EQ(edited("\"compiler\":", "\"more\":1,\"compiler\":"),
            expect(" to be without the unknown key 'more'"));
  EXPECT_EQ(edited("\"output\":false", "\"output\":0"),
            expect(".tensors[0].output to be true or false"));
  EXPECT_EQ(edited("\"bf16\"", "\"bf17\""),
            expect(".tensors[0].type to be the name of an element type"));
  EXPECT_EQ(edited("[-1,64]", "[-2,64]"),
            expect(".tensors[0].shape[0] to be an integer from -1 to "
                   "9223372036854775807"));
  EXPECT_EQ(edited("\"shape\":[-1,64]", "\"shape\":7"),
            expect(".tensors[0].shape to be a list"));
  EXPECT_EQ(edited("\"threads\":384", "\"threads\":\"384\""),
            expect(".targets[0].kernels[0].threads to be an integer"));
  EXPECT_EQ(edited("\"threads\":384", "\"threads\":0"),
            expect(".targets[0].kernels[0].threads to be an integer from 1 to "
                   "2147483647"));
  EXPECT_EQ(edited("\"ptx\":1", "\"ptx\":9"),
            expect(".targets[0].kernels[0].ptx to be an integer from 0 to 8"));
  std::string items = "[0";
  for (int i = 0; i < 4096; ++i)
    items += ",0";
  EXPECT_EQ(edited("[-1,64]", items + "]"),
            expect(".tensors[0].shape to be a list of at most 4096 items"));
}

TEST(BundleTest, RefusesMalformedNumbersInAManifest) {
  auto expect = [](const std::string &what) {
    return "malformed manifest: expected manifest" + what;
  };
  EXPECT_EQ(edited("[0,0,1,0]", "[0,0,1]"),
            expect(".equal_sizes[0] to be a list of 4 integers"));
  EXPECT_EQ(edited("[0,0,1,0]", "[0,0,-1,0]"),
            expect(".equal_sizes[0] to be four numbers of tensors and axes"));
  const std::string least = "[1,1,[[\"size\",0,0],32,\"ceil_divide\"]]";
  EXPECT_EQ(edited(least, "[1,1]"),
            expect(".targets[0].kernels[0].least_sizes[0] to be a tensor, an "
                   "axis and an expression"));
  EXPECT_EQ(edited(least, "[1,-1,[32]]"),
            expect(".targets[0].kernels[0].least_sizes[0] to be an integer "
                   "from 0 to 2147483647"));
  EXPECT_EQ(edited("[1,64,1,64,0]", "[-1,4,1,64,0]"),
            expect(".targets[0].kernels[0].parameters[0].dims[0] to be a "
                   "dimension that starts with an axis and ends with 0 or 1"));
  EXPECT_EQ(edited("[0,1,1,1,1]", "[0,1,1,1,2]"),
            expect(".targets[0].kernels[0].parameters[0].dims[2] to be a "
                   "dimension that starts with an axis and ends with 0 or 1"));
  EXPECT_EQ(edited("\"pointer\"", "\"painter\""),
            expect(".targets[0].kernels[0].parameters[1] to be a tensor_map, a "
                   "pointer, a size, a value or a counter"));
  EXPECT_EQ(edited("128,\"ceil_divide\"", "128,\"ceil_divode\""),
            expect(".targets[0].kernels[0].instances[0] to be a constant, an "
                   "operation, a size, a stride or an alignment"));
  EXPECT_EQ(edited("\"multiply\"", "\"multipla\""),
            expect(".targets[0].kernels[0].parameters[3].expression to be a "
                   "constant, an operation, a size, a stride or an alignment"));
  EXPECT_EQ(edited("[\"stride\",0,0]", "[\"strode\",0,0]"),
            expect(".targets[0].kernels[0].parameters[3].expression to be a "
                   "constant, an operation, a size, a stride or an alignment"));
  EXPECT_EQ(edited("\"guard\":", "\"guerd\":"),
            expect(".targets[0].variants[0] to be without the unknown key "
                   "'guerd'"));
  EXPECT_EQ(
      edited("[[\"multiprocessors\"],[64]]", "[7654321098765432109,[64] ] "),
      expect(".targets[0].variants[1].workspaces[0].shape[0] to be an "
             "expression"));
}

/// Of outputs in place, and of pointers to accesses of several elements.
TEST(BundleTest, KeepsUpdatesAndAlignments) {
  Bundle bundle = exampleBundle();
  LaunchPlan &plan = bundle.targets[1].kernels[0].plan;
  plan.tensors[1].updates = 0;
  ASSERT_EQ(plan.parameters[1].alignment, 16u);
  Result<Bundle> read = readBundle(writeBundle(bundle));
  ASSERT_FALSE(read.failed()) << read.message();
  const LaunchPlan &got = read->targets[1].kernels[0].plan;
  EXPECT_EQ(got.tensors[0].updates, -1);
  EXPECT_EQ(got.tensors[1].updates, 0);
  EXPECT_EQ(got.parameters[1].alignment, 16u);
  EXPECT_EQ(edited("\"alignment\":16", "\"alignment\":32"),
            "malformed manifest: expected manifest.targets[0].kernels[0]."
            "parameters[1].alignment to be an integer from 1 to 16");
}

TEST(BundleTest, ReadsFiles) {
  std::string path = testing::TempDir() + "attn-bundle-test-" +
                     std::to_string(getpid()) + ".bundle";
  std::string data = writeBundle(exampleBundle());
  FILE *file = std::fopen(path.c_str(), "wb");
  std::fwrite(data.data(), 1, data.size() - 1, file);
  std::fclose(file);
  EXPECT_EQ(
      readBundleFile(path).message().find("'" + path + "': truncated bundle"),
      0u);
  file = std::fopen(path.c_str(), "ab");
  std::fwrite(&data.back(), 1, 1, file);
  std::fclose(file);
  EXPECT_FALSE(readBundleFile(path).failed());
  std::remove(path.c_str());
  EXPECT_EQ(readBundleFile(path).message(),
            "cannot open '" + path + "': No such file or directory");
  EXPECT_EQ(readBundleFile(testing::TempDir()).message(),
            "cannot read '" + testing::TempDir() + "': Is a directory");
}
