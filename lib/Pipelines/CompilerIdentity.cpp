//===- CompilerIdentity.cpp - Which compiler is this? ---------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CompilerIdentity.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <cstring>
#include <link.h>

using llvm::ArrayRef;
using llvm::StringRef;

namespace {
struct Identity {
  /// An address in the project's code.
  uintptr_t own;
  std::string ownId;
  std::string libraries;
};
} // namespace

/// The description of the note of the type NT_GNU_BUILD_ID among `notes`.
static std::string findBuildId(ArrayRef<char> notes) {
  constexpr size_t alignment = 4;
  while (notes.size() >= sizeof(ElfW(Nhdr))) {
    ElfW(Nhdr) header;
    std::memcpy(&header, notes.data(), sizeof(header));
    size_t nameSize = llvm::alignTo(header.n_namesz, alignment);
    size_t descriptionSize = llvm::alignTo(header.n_descsz, alignment);
    notes = notes.drop_front(sizeof(header));
    if (nameSize > notes.size() || descriptionSize > notes.size() - nameSize)
      break;
    if (header.n_type == NT_GNU_BUILD_ID)
      return llvm::toHex(StringRef(notes.data() + nameSize, header.n_descsz));
    notes = notes.drop_front(nameSize + descriptionSize);
  }
  return {};
}

/// Adds the build ID of one loaded object, if it matters.
static int addObject(dl_phdr_info *object, size_t, void *data) {
  auto &identity = *static_cast<Identity *>(data);
  std::string id;
  bool isOwn = false;
  for (int i = 0; i < object->dlpi_phnum; ++i) {
    const ElfW(Phdr) &segment = object->dlpi_phdr[i];
    uintptr_t start = object->dlpi_addr + segment.p_vaddr;
    if (segment.p_type == PT_NOTE && id.empty())
      id = findBuildId({reinterpret_cast<const char *>(start),
                        static_cast<size_t>(segment.p_memsz)});
    isOwn |= segment.p_type == PT_LOAD && identity.own >= start &&
             identity.own - start < segment.p_memsz;
  }
  StringRef name(object->dlpi_name);
  if (isOwn)
    identity.ownId = id;
  else if (name.contains("libLLVM") || name.contains("libMLIR"))
    identity.libraries += "+" + id;
  return 0;
}

std::optional<std::string> mlir::attn::compilerIdentity() {
  Identity identity{reinterpret_cast<uintptr_t>(&addObject), {}, {}};
  dl_iterate_phdr(addObject, &identity);
  // untested: every build of the project links with build IDs.
  if (identity.ownId.empty())
    return std::nullopt;
  return identity.ownId + identity.libraries;
}
