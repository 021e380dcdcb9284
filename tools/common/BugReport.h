//===- BugReport.h - What a crash asks for ----------------------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TOOLS_COMMON_BUGREPORT_H
#define ATTN_TOOLS_COMMON_BUGREPORT_H

namespace attn::tools {

/// What a tool prints above the trace of a crash.
inline constexpr char bugReport[] =
    "This is a bug in Attn. Please report it with the trace below, the program "
    "and what\n"
    "--reproducer=FILE leaves; attn-reduce makes the program smaller "
    "(docs/debugging.md).\n";

} // namespace attn::tools

#endif // ATTN_TOOLS_COMMON_BUGREPORT_H
