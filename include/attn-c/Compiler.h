/* attn-c/Compiler.h - Compiles programs -*- C -*-
 *
 * Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * See Export.h for who owns what. A context, and what was made in it, is used
 * by one thread at a time; different contexts are independent.
 */

#ifndef ATTN_C_COMPILER_H
#define ATTN_C_COMPILER_H

#include "attn-c/Export.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

ATTN_BEGIN_C

/* The interface that a program was compiled against, and that of the library
   that it has found. They agree, or the program must not go on. */
#define ATTN_COMPILER_API_VERSION 1
ATTN_EXPORT uint32_t attnCompilerApiVersion(void);

/* E.g. "attn 0.1.0". */
ATTN_EXPORT const char *attnCompilerBorrowVersion(void);

typedef enum {
  ATTN_ERROR = 0,
  ATTN_WARNING = 1,
  ATTN_REMARK = 2,
  /* Belongs to the message in front of it. */
  ATTN_NOTE = 3
} AttnSeverity;

/* Takes a message with its place in the program, e.g.
   "mha.mlir:7:3: expected ...". It is not kept after the call. */
typedef void (*AttnDiagnosticCallback)(AttnSeverity severity,
                                       const char *message, void *userData);

/* Where programs live, and who hears what is wrong with them. */
typedef struct AttnContext AttnContext;
ATTN_EXPORT AttnContext *attnContextCreate(AttnDiagnosticCallback callback,
                                           void *userData);
/* After everything that was made in it. */
ATTN_EXPORT void attnContextDestroy(AttnContext *context);

typedef struct AttnProgram AttnProgram;
/* Parses `length` bytes of text, which messages call `name`. NULL after a
   diagnostic if they are no program. */
ATTN_EXPORT AttnProgram *attnProgramCreateParsed(AttnContext *context,
                                                 const char *text,
                                                 size_t length,
                                                 const char *name);
ATTN_EXPORT void attnProgramDestroy(AttnProgram *program);

typedef struct AttnCompileOptions AttnCompileOptions;
ATTN_EXPORT AttnCompileOptions *attnCompileOptionsCreate(void);
ATTN_EXPORT void attnCompileOptionsDestroy(AttnCompileOptions *options);
/* "sm_90a", which is the default; a bundle may be for several targets,
   separated by commas. */
ATTN_EXPORT void attnCompileOptionsSetTarget(AttnCompileOptions *options,
                                             const char *target);
/* The path of ptxas; by default it is looked for on PATH. */
ATTN_EXPORT void attnCompileOptionsSetAssembler(AttnCompileOptions *options,
                                                const char *path);
/* Whether a bundle holds binaries if there is an assembler; by default it
   does. */
ATTN_EXPORT void attnCompileOptionsSetAssemble(AttnCompileOptions *options,
                                               bool assemble);
/* The folder in which bundles are kept; NULL is $ATTN_CACHE_DIR or else the
   user's folder for caches. By default none are. */
ATTN_EXPORT void attnCompileOptionsSetCacheFolder(AttnCompileOptions *options,
                                                  const char *folder);

/* The path of a table of measured schedules, from which attentions that it
   names take theirs; by default schedules are selected by rules. */
ATTN_EXPORT void attnCompileOptionsSetScheduleTable(AttnCompileOptions *options,
                                                    const char *path);

/* Where a pass that fails leaves the program and the passes that lead to it,
   for attn-opt --run-reproducer; by default nowhere. */
ATTN_EXPORT void attnCompileOptionsSetReproducer(AttnCompileOptions *options,
                                                 const char *path);

/* The result of a compilation. */
typedef struct AttnBytes AttnBytes;
ATTN_EXPORT const void *attnBytesBorrowData(const AttnBytes *bytes);
ATTN_EXPORT size_t attnBytesGetSize(const AttnBytes *bytes);
ATTN_EXPORT void attnBytesDestroy(AttnBytes *bytes);

/* Compiles a program, which stays as it is. NULL after a diagnostic. Options
   may be NULL. */
ATTN_EXPORT AttnBytes *attnProgramCreatePtx(const AttnProgram *program,
                                            const AttnCompileOptions *options);
ATTN_EXPORT AttnBytes *
attnProgramCreateBundle(const AttnProgram *program,
                        const AttnCompileOptions *options);

ATTN_END_C

#endif /* ATTN_C_COMPILER_H */
