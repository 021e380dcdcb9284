/* attn-c/Runtime.h - Loads and launches compiled programs -*- C -*-
 *
 * Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * libattn-runtime needs neither a compiler nor a CUDA toolkit. See Export.h for
 * who owns what. Every function may be called by several threads at a time, as
 * long as none destroys what another one uses.
 */

#ifndef ATTN_C_RUNTIME_H
#define ATTN_C_RUNTIME_H

#include "attn-c/DLPack.h"
#include "attn-c/Export.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

ATTN_BEGIN_C

/* The interface that a program was compiled against, and that of the library
   that it has found. They agree, or the program must not go on. */
#define ATTN_RUNTIME_API_VERSION 1
ATTN_EXPORT uint32_t attnRuntimeApiVersion(void);

/* Why something has failed. A function that returns an error returns NULL for
   success; it then has set its results. */
typedef struct AttnError AttnError;
ATTN_EXPORT const char *attnErrorBorrowMessage(const AttnError *error);
ATTN_EXPORT void attnErrorDestroy(AttnError *error);

/* What runs programs. */
typedef struct AttnDevice AttnDevice;

/* The GPU number `ordinal`, in its primary context. */
ATTN_EXPORT AttnError *attnDeviceCreateCuda(int ordinal, AttnDevice **device);

/* A GPU that is emulated by the CPU. `seed` decides in which order things
   happen. With `findHazards`, a launch that has any fails. */
ATTN_EXPORT AttnError *attnDeviceCreateEmulator(uint64_t seed, bool findHazards,
                                                AttnDevice **device);
ATTN_EXPORT const char *attnDeviceBorrowName(const AttnDevice *device);
ATTN_EXPORT void attnDeviceDestroy(AttnDevice *device);

/* A program, loaded on a device. It keeps the device. */
typedef struct AttnExecutable AttnExecutable;

/* Loads the bundle of `size` bytes at `bundle`, which are not needed
   afterwards. */
ATTN_EXPORT AttnError *attnExecutableCreate(AttnDevice *device,
                                            const void *bundle, size_t size,
                                            AttnExecutable **executable);
ATTN_EXPORT void attnExecutableDestroy(AttnExecutable *executable);

/* The tensors of a program are its inputs, then its outputs. */
ATTN_EXPORT size_t
attnExecutableGetTensorCount(const AttnExecutable *executable);
ATTN_EXPORT const char *
attnExecutableBorrowTensorName(const AttnExecutable *executable, size_t index);
ATTN_EXPORT bool attnExecutableIsOutput(const AttnExecutable *executable,
                                        size_t index);

/* How many bytes of the device's memory a launch on these tensors needs for
   intermediates. */
ATTN_EXPORT AttnError *
attnExecutableGetWorkspaceSize(const AttnExecutable *executable,
                               const AttnDLTensor *const *tensors, size_t count,
                               size_t *bytes);

/* Starts the program. On a GPU the tensors are in its memory, `stream` is a
   CUstream (NULL: the default one), and the call returns at once: it can be
   captured in a graph. `workspace` is aligned to 256 bytes and belongs to this
   launch until it has ended; it may be NULL if none is needed. On the emulator
   the tensors are in the memory of the CPU, `stream` and `workspace` are NULL,
   and the call returns when the program has ended. */
ATTN_EXPORT AttnError *attnExecutableLaunch(AttnExecutable *executable,
                                            const AttnDLTensor *const *tensors,
                                            size_t count, void *stream,
                                            void *workspace,
                                            size_t workspaceBytes);

ATTN_END_C

#endif /* ATTN_C_RUNTIME_H */
