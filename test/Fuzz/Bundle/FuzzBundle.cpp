//===- FuzzBundle.cpp - Any bytes, taken for a bundle ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The first byte of an input says how deep the rest is to reach: as a file; as
// a file that is given the size and the hash that it should have; as a manifest
// in a file that is otherwise whole. What the reader takes is written and read
// again, loaded and launched.
//
//===----------------------------------------------------------------------===//

#include "Bundle/Example.h"
#include "Runtime/FakeDevice.h"

#include "attn/Export/BundleWriter.h"
#include "attn/Runtime/Executable.h"
#include "attn/Runtime/HostTensor.h"
#include "attn/Runtime/Sha256.h"

#include <algorithm>
#include <cstdlib>

using namespace attn::runtime;
using mlir::attn::writeBundle;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace {
enum class Depth : uint8_t { File, Sealed, Manifest };
constexpr size_t depths = 3;

void store(std::string &data, size_t offset, uint64_t value, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i)
    data[offset + i] = static_cast<char>(value >> (8 * i));
}

uint64_t load(const std::string &data, size_t offset) {
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;)
    value = value << 8 | static_cast<uint8_t>(data[offset + i]);
  return value;
}

/// Gives `data` a header that the reader takes.
void seal(std::string &data) {
  if (data.size() < bundle::headerSize)
    data.resize(bundle::headerSize);
  std::copy(bundle::magic.begin(), bundle::magic.end(), data.begin());
  store(data, bundle::versionOffset, bundle::version, 4);
  store(data, bundle::fileSizeOffset, data.size(), 8);
  store(data, bundle::reservedOffset, 0, 8);
  Sha256 hash;
  hash.update(data.data(), bundle::hashOffset);
  hash.update(data.data() + bundle::headerSize,
              data.size() - bundle::headerSize);
  Sha256::Digest digest = hash.finish();
  std::copy(digest.begin(), digest.end(), data.begin() + bundle::hashOffset);
}

/// The manifest of the example, and what follows it.
std::string exampleManifest() {
  std::string data = writeBundle(exampleBundle());
  return data.substr(load(data, bundle::headerSize + 8),
                     load(data, bundle::headerSize + 16));
}

/// The example with another manifest: every section behind it is moved.
std::string withManifest(const std::string &manifest) {
  std::string example = writeBundle(exampleBundle());
  size_t table = bundle::headerSize;
  size_t first = load(example, table + 8);
  size_t second = load(example, table + bundle::sectionEntrySize + 8);
  std::string data = example.substr(0, first) + manifest;
  data.resize((data.size() + 15) / 16 * 16);
  int64_t moved = int64_t(data.size()) - int64_t(second);
  store(data, table + 16, manifest.size(), 8);
  for (size_t entry = table + bundle::sectionEntrySize;
       entry + bundle::sectionEntrySize <= first;
       entry += bundle::sectionEntrySize)
    store(data, entry + 8, load(data, entry + 8) + moved, 8);
  data += example.substr(second);
  seal(data);
  return data;
}

/// Tensors of the shapes that a signature has, 3 where a size is free.
std::vector<TensorArgument> tensorsOf(const Signature &signature) {
  std::vector<TensorArgument> tensors;
  for (const TensorSpec &spec : signature.tensors) {
    TensorArgument tensor;
    tensor.elementType = spec.elementType;
    tensor.address = 0x10000 * (tensors.size() + 1);
    for (int64_t size : spec.shape)
      tensor.shape.push_back(size < 0 ? 3 : std::min<int64_t>(size, 1000));
    tensor.strides = rowMajorStrides(tensor.shape);
    tensors.push_back(std::move(tensor));
  }
  return tensors;
}

/// Loads and launches what the reader has taken.
void launch(const Bundle &bundle) {
  FakeDevice device;
  auto executable = Executable::load(device, bundle);
  if (executable.failed())
    return;
  auto tensors = tensorsOf((*executable)->signature());
  Result<size_t> bytes = (*executable)->workspaceBytes(tensors);
  constexpr size_t mostBytes = 1 << 20, alignment = 256;
  if (bytes.failed() || *bytes > mostBytes)
    return;
  Buffer workspace = std::move(*device.allocate(*bytes + alignment));
  LaunchOptions options;
  options.workspace =
      (workspace.address() + alignment - 1) / alignment * alignment;
  options.workspaceBytes = *bytes;
  for (int i = 0; i < 2; ++i)
    (void)(*executable)->launch(tensors, options).failed();
}
} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size == 0)
    return 0;
  std::string input(reinterpret_cast<const char *>(data) + 1, size - 1);
  switch (static_cast<Depth>(data[0] % depths)) {
  case Depth::File:
    break;
  case Depth::Sealed:
    seal(input);
    break;
  case Depth::Manifest:
    input = withManifest(input);
    break;
  }
  Result<Bundle> bundle = readBundle(input);
  if (bundle.failed())
    return 0;
  // What has been read is written, and read as the same.
  std::string written = writeBundle(*bundle);
  Result<Bundle> again = readBundle(written);
  if (again.failed() || writeBundle(*again) != written)
    std::abort();
  launch(*bundle);
  return 0;
}

/// Starts from what the compiler writes, for nobody guesses a manifest.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  constexpr size_t tooSmall = 32;
  if (size < tooSmall) {
    auto depth = static_cast<uint8_t>(seed % depths);
    std::string start = static_cast<Depth>(depth) == Depth::Manifest
                            ? exampleManifest()
                            : writeBundle(exampleBundle());
    if (start.size() + 1 <= maxSize) {
      data[0] = depth;
      std::copy(start.begin(), start.end(), data + 1);
      return start.size() + 1;
    }
  }
  return LLVMFuzzerMutate(data, size, maxSize);
}
