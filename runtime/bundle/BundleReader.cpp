//===- BundleReader.cpp - Compiled programs from files --------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Manifest.h"

#include "attn/Runtime/Bundle.h"
#include "attn/Runtime/Sha256.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

using namespace attn::runtime;
using bundle::SectionKind;

namespace {
struct Section {
  SectionKind kind;
  std::string_view data;
};

/// Reads the container, section by section.
class BundleReader {
public:
  explicit BundleReader(std::string_view data) : data(data) {}

  Result<Bundle> read();

private:
  uint64_t number(size_t offset, size_t bytes) const;
  Status checkHeader() const;
  Status checkHash() const;
  Status readSections();
  Result<Section> readSection(size_t index, uint64_t &end) const;
  /// The section `index`, which has to be of `kind` and not in use yet.
  Result<std::string_view> use(size_t index, SectionKind kind);
  Status fill(CompiledKernel &kernel, const KernelSections &from);

  const std::string_view data;
  std::vector<Section> sections;
  std::vector<bool> used;
};
} // namespace

static uint64_t align(uint64_t offset) {
  constexpr uint64_t mask = bundle::sectionAlignment - 1;
  return (offset + mask) & ~mask;
}

bool attn::runtime::isBundle(std::string_view data) {
  return data.size() >= bundle::magic.size() &&
         std::equal(
             bundle::magic.begin(), bundle::magic.end(), data.begin(),
             [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); });
}

uint64_t BundleReader::number(size_t offset, size_t bytes) const {
  uint64_t value = 0;
  for (size_t i = bytes; i-- > 0;)
    value = value << 8 | static_cast<uint8_t>(data[offset + i]);
  return value;
}

Status BundleReader::checkHeader() const {
  if (!isBundle(data))
    return failure("expected a bundle, got a file that starts differently");
  if (data.size() < bundle::headerSize)
    return failure("truncated bundle: expected a header of ",
                   bundle::headerSize, " bytes, got ", data.size());
  uint64_t version = number(bundle::versionOffset, 4);
  if (version != bundle::version)
    return failure("expected a bundle of version ", bundle::version, ", got ",
                   version,
                   "; compile the program again or use a newer "
                   "runtime");
  uint64_t size = number(bundle::fileSizeOffset, 8);
  if (size > bundle::maxFileSize)
    return failure("expected a bundle of at most ", bundle::maxFileSize,
                   " bytes, got ", size);
  if (data.size() < size)
    return failure("truncated bundle: expected ", size, " bytes, got ",
                   data.size());
  if (data.size() > size)
    return failure("expected a bundle of ", size, " bytes, got ", data.size());
  return checkHash();
}

Status BundleReader::checkHash() const {
  Sha256 hash;
  hash.update(data.substr(0, bundle::hashOffset));
  hash.update(data.substr(bundle::hashOffset + bundle::hashSize));
  Sha256::Digest digest = hash.finish();
  if (std::memcmp(digest.data(), data.data() + bundle::hashOffset,
                  digest.size()) != 0)
    return failure("corrupted bundle: its content hash is ", hexText(digest),
                   ", not what it says");
  return {};
}

Result<Section> BundleReader::readSection(size_t index, uint64_t &end) const {
  size_t entry = bundle::headerSize + index * bundle::sectionEntrySize;
  uint64_t kind = number(entry, 4), zero = number(entry + 4, 4);
  uint64_t offset = number(entry + 8, 8), size = number(entry + 16, 8);
  if (kind < uint64_t(SectionKind::Manifest) ||
      kind > uint64_t(SectionKind::Cubin) || zero != 0)
    return failure("malformed bundle: section ", index,
                   " has the unknown kind ", kind);
  if (offset != align(end) || offset > data.size() ||
      size > data.size() - offset)
    return failure("malformed bundle: section ", index,
                   " is not behind the one before it and inside of the file");
  for (uint64_t i = end; i < offset; ++i)
    if (data[i] != 0)
      return failure("malformed bundle: the padding before section ", index,
                     " is not zero");
  end = offset + size;
  return Section{static_cast<SectionKind>(kind), data.substr(offset, size)};
}

Status BundleReader::readSections() {
  uint64_t count = number(bundle::sectionCountOffset, 4);
  if (count < 1 || count > bundle::maxSections ||
      count * bundle::sectionEntrySize > data.size() - bundle::headerSize ||
      number(bundle::reservedOffset, 8) != 0)
    return failure("malformed bundle: expected a table of 1 to ",
                   bundle::maxSections, " sections, got ", count);
  uint64_t end = bundle::headerSize + count * bundle::sectionEntrySize;
  for (size_t i = 0; i < count; ++i) {
    Result<Section> section = readSection(i, end);
    if (section.failed())
      return section.error();
    sections.push_back(*section);
  }
  if (end != data.size())
    return failure("malformed bundle: ", data.size() - end,
                   " bytes follow the last section");
  if (sections[0].kind != SectionKind::Manifest ||
      sections[0].data.size() > bundle::maxManifestSize)
    return failure("malformed bundle: expected a manifest of at most ",
                   bundle::maxManifestSize, " bytes as the first section");
  used.resize(count);
  return {};
}

Result<std::string_view> BundleReader::use(size_t index, SectionKind kind) {
  if (sections[index].kind != kind || used[index])
    return failure("malformed bundle: section ", index,
                   " is used twice or for another kind of content");
  used[index] = true;
  return sections[index].data;
}

Status BundleReader::fill(CompiledKernel &kernel, const KernelSections &from) {
  Result<std::string_view> ptx = use(from.ptx, SectionKind::Ptx);
  if (ptx.failed())
    return ptx.error();
  kernel.ptx = *ptx;
  if (from.cubin < 0)
    return {};
  Result<std::string_view> cubin = use(from.cubin, SectionKind::Cubin);
  if (cubin.failed())
    return cubin.error();
  kernel.cubin.assign(cubin->begin(), cubin->end());
  return {};
}

Result<Bundle> BundleReader::read() {
  if (Status status = checkHeader(); status.failed())
    return status.error();
  if (Status status = readSections(); status.failed())
    return status.error();
  used[0] = true;
  Result<Manifest> manifest = readManifest(sections[0].data, sections.size());
  if (manifest.failed())
    return manifest.error();
  Bundle &result = manifest->bundle;
  for (size_t i = 0; i < result.targets.size(); ++i)
    for (size_t j = 0; j < result.targets[i].kernels.size(); ++j)
      if (Status status =
              fill(result.targets[i].kernels[j], manifest->sections[i][j]);
          status.failed())
        return status.error();
  if (std::find(used.begin(), used.end(), false) != used.end())
    return failure("malformed bundle: no kernel uses section ",
                   std::find(used.begin(), used.end(), false) - used.begin());
  if (Status status = checkBundle(result); status.failed())
    return status.error();
  return std::move(result);
}

Result<Bundle> attn::runtime::readBundle(std::string_view data) {
  return BundleReader(data).read();
}

Result<Bundle> attn::runtime::readBundleFile(const std::string &path) {
  std::unique_ptr<FILE, int (*)(FILE *)> file(std::fopen(path.c_str(), "rb"),
                                              std::fclose);
  if (!file)
    return failure("cannot open '", path, "': ", std::strerror(errno));
  std::string data;
  char chunk[1 << 16];
  size_t count = 0;
  while (data.size() <= bundle::maxFileSize &&
         (count = std::fread(chunk, 1, sizeof(chunk), file.get())) > 0)
    data.append(chunk, count);
  if (std::ferror(file.get()))
    return failure("cannot read '", path, "': ", std::strerror(errno));
  Result<Bundle> bundle = readBundle(data);
  if (bundle.failed())
    return failure("'", path, "': ", bundle.message());
  return bundle;
}
