/* attn-c/Export.h - Marks of the C interface -*- C -*-
 *
 * Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The rules of the interface: handles are opaque. What a function with `Create`
 * in its name gives belongs to the caller, who gives it back to `Destroy`; what
 * one with `Borrow` gives belongs to the handle and lives as long as that.
 * `Destroy` takes NULL. Text is UTF-8 and ends with a null byte.
 */

#ifndef ATTN_C_EXPORT_H
#define ATTN_C_EXPORT_H

#define ATTN_EXPORT __attribute__((visibility("default")))

#ifdef __cplusplus
#define ATTN_BEGIN_C extern "C" {
#define ATTN_END_C }
#else
#define ATTN_BEGIN_C
#define ATTN_END_C
#endif

#endif /* ATTN_C_EXPORT_H */
