//===- Templates.h - The statements that are generated ----------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TEST_FUZZ_TEMPLATES_H
#define ATTN_TEST_FUZZ_TEMPLATES_H

#include <string>
#include <vector>

namespace attn::fuzz {

/// Statements with alternatives between angle brackets and operands after
/// dollars, which the generator fills in.
const std::vector<std::string> &templates();

/// The beginning of each program, up to where the statements come: addresses in
/// the first registers, an mbarrier, some written memory.
const std::string &prologue();

} // namespace attn::fuzz

#endif // ATTN_TEST_FUZZ_TEMPLATES_H
