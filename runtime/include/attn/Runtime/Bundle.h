//===- Bundle.h - Compiled programs in files --------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The format is described byte by byte in docs/bundle.md. A reader trusts
// nothing in a file: whatever is not as it has to be is refused with a reason.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_RUNTIME_BUNDLE_H
#define ATTN_RUNTIME_BUNDLE_H

#include "attn/Runtime/LaunchPlan.h"
#include "attn/Runtime/Status.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace attn::runtime {

/// The container: numbers are little endian, a section starts at the first
/// multiple of its alignment behind the one before.
namespace bundle {
/// As in PNG, the first byte and the line ends show a file that was taken for
/// text.
constexpr std::array<uint8_t, 8> magic = {0x89, 'A',  'T',  'N',
                                          '\r', '\n', 0x1A, '\n'};
constexpr uint32_t version = 4;
constexpr size_t versionOffset = 8;
constexpr size_t sectionCountOffset = 12;
constexpr size_t fileSizeOffset = 16;
constexpr size_t reservedOffset = 24;
constexpr size_t hashOffset = 32;
constexpr size_t hashSize = 32;
constexpr size_t headerSize = 64;

/// An entry of the table of sections: kind, zero, offset, size.
constexpr size_t sectionEntrySize = 24;
constexpr size_t sectionAlignment = 16;
enum class SectionKind : uint32_t { Manifest = 1, Ptx = 2, Cubin = 3 };

constexpr uint64_t maxFileSize = uint64_t(1) << 30;
constexpr uint32_t maxSections = 4096;
constexpr uint64_t maxManifestSize = uint64_t(1) << 20;
} // namespace bundle

/// Whether `data` starts as a bundle does.
bool isBundle(std::string_view data);

/// Reads a bundle. Fails with a reason for anything that no compiler of this
/// version writes.
Result<Bundle> readBundle(std::string_view data);
Result<Bundle> readBundleFile(const std::string &path);

/// Checks what the parts of a bundle say of one another, so that a launch can
/// rely on it.
Status checkBundle(const Bundle &bundle);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_BUNDLE_H
