/* attn-c/DLPack.h - Tensors of other frameworks -*- C -*-
 *
 * Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * The layout of DLPack's tensors by its published binary interface, version 1,
 * under names of this project, so that both headers can be included.
 * https://dmlc.github.io/dlpack/latest/c_api.html
 */

#ifndef ATTN_C_DLPACK_H
#define ATTN_C_DLPACK_H

#include <stdint.h>

/* The major version of the interface whose layout this is. */
#define ATTN_DLPACK_MAJOR_VERSION 1

/* Where the data of a tensor are; other values are refused. */
enum { ATTN_DL_CPU = 1, ATTN_DL_CUDA = 2, ATTN_DL_CUDA_MANAGED = 13 };

/* What an element is; other values are refused. */
enum {
  ATTN_DL_INT = 0,
  ATTN_DL_FLOAT = 2,
  ATTN_DL_BFLOAT = 4,
  ATTN_DL_BOOL = 6
};

typedef struct {
  int32_t device_type;
  int32_t device_id;
} AttnDLDevice;

typedef struct {
  uint8_t code;
  uint8_t bits;
  uint16_t lanes;
} AttnDLDataType;

typedef struct {
  void *data;
  AttnDLDevice device;
  int32_t ndim;
  AttnDLDataType dtype;
  int64_t *shape;
  /* In elements; NULL for a dense row-major tensor. */
  int64_t *strides;
  uint64_t byte_offset;
} AttnDLTensor;

/* What a capsule named "dltensor" holds. */
typedef struct AttnDLManagedTensor {
  AttnDLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct AttnDLManagedTensor *self);
} AttnDLManagedTensor;

/* What a capsule named "dltensor_versioned" holds. */
typedef struct AttnDLManagedTensorVersioned {
  uint32_t major_version;
  uint32_t minor_version;
  void *manager_ctx;
  void (*deleter)(struct AttnDLManagedTensorVersioned *self);
  uint64_t flags;
  AttnDLTensor dl_tensor;
} AttnDLManagedTensorVersioned;

#endif /* ATTN_C_DLPACK_H */
