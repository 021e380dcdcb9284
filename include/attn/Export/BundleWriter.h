//===- BundleWriter.h - Compiled programs into files ------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_EXPORT_BUNDLEWRITER_H
#define ATTN_EXPORT_BUNDLEWRITER_H

#include "attn/Runtime/Bundle.h"

#include <string>

namespace mlir::attn {

/// The bytes of `bundle`, which depend on nothing else: the format of
/// docs/bundle.md.
std::string writeBundle(const ::attn::runtime::Bundle &bundle);

} // namespace mlir::attn

#endif // ATTN_EXPORT_BUNDLEWRITER_H
