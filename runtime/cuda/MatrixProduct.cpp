//===- MatrixProduct.cpp - The yardstick of a measurement -----------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MatrixProduct.h"

#include "attn/Runtime/HostTensor.h"

#include <dlfcn.h>

using namespace attn::runtime;
using namespace attn::runtime::cuda;

namespace {
// The part of cuBLASLt in use, declared here like the driver's. All handles are
// opaque pointers.
using Handle = void *;
enum : int {
  CUDA_R_32F = 0,
  CUDA_R_16BF = 14,
  CUBLAS_COMPUTE_32F = 68,
  CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES = 1,
};
struct MatmulAlgorithm {
  uint64_t opaque[8];
};
struct HeuristicResult {
  MatmulAlgorithm algorithm;
  size_t workspaceBytes;
  int status;
  float waves;
  int reserved[4];
};

struct CublasLt {
  int (*create)(Handle *);
  const char *(*statusString)(int);
  int (*descriptionCreate)(Handle *, int computeType, int scaleType);
  int (*layoutCreate)(Handle *, int type, uint64_t rows, uint64_t columns,
                      int64_t leadingDimension);
  int (*preferenceCreate)(Handle *);
  int (*preferenceSet)(Handle, int attribute, const void *value, size_t size);
  int (*heuristic)(Handle library, Handle description, Handle a, Handle b,
                   Handle c, Handle d, Handle preference, int requested,
                   HeuristicResult *results, int *returned);
  int (*matmul)(Handle library, Handle description, const void *alpha,
                const void *a, Handle aLayout, const void *b, Handle bLayout,
                const void *beta, const void *c, Handle cLayout, void *d,
                Handle dLayout, const MatmulAlgorithm *algorithm,
                void *workspace, size_t workspaceBytes, CUstream stream);

  static Result<CublasLt> open();
  Status check(int status, const char *attempt) const;
};

/// One product, set up. Its handles live as long as the process: a yardstick is
/// made once.
class MatrixProduct {
public:
  MatrixProduct(const CublasLt &library, CUstream stream)
      : library(library), stream(stream) {}

  Status prepare(Device &device, int64_t size);
  Status run() const;

private:
  Status allocate(Device &device, int64_t size);

  CublasLt library;
  CUstream stream;
  Handle handle = nullptr;
  Handle description = nullptr;
  Handle layout = nullptr;
  HeuristicResult choice = {};
  Buffer a, b, c, workspace;
};
} // namespace

Result<CublasLt> CublasLt::open() {
  void *library = nullptr;
  for (const char *name : {"libcublasLt.so.13", "libcublasLt.so.12",
                           "/usr/local/cuda/lib64/libcublasLt.so.13",
                           "/usr/local/cuda/lib64/libcublasLt.so.12"}) {
    library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library)
      break;
  }
  // untested: the tests bring a library of their own.
  if (!library)
    return failure("cannot open libcublasLt.so.13 or .12");
  CublasLt api = {};
  bool complete = true;
  auto get = [&](auto &function, const char *name) {
    function = reinterpret_cast<std::decay_t<decltype(function)>>(
        dlsym(library, name));
    complete &= function != nullptr;
  };
  get(api.create, "cublasLtCreate");
  get(api.statusString, "cublasLtGetStatusString");
  get(api.descriptionCreate, "cublasLtMatmulDescCreate");
  get(api.layoutCreate, "cublasLtMatrixLayoutCreate");
  get(api.preferenceCreate, "cublasLtMatmulPreferenceCreate");
  get(api.preferenceSet, "cublasLtMatmulPreferenceSetAttribute");
  get(api.heuristic, "cublasLtMatmulAlgoGetHeuristic");
  get(api.matmul, "cublasLtMatmul");
  // untested: likewise.
  if (!complete)
    return failure("cannot use libcublasLt: it lacks an entry point");
  return api;
}

Status CublasLt::check(int status, const char *attempt) const {
  if (status == 0)
    return {};
  return failure("cannot ", attempt, ": ", statusString(status));
}

Status MatrixProduct::allocate(Device &device, int64_t size) {
  constexpr size_t workspaceBytes = size_t(32) << 20;
  HostTensor matrix(ElementType::BF16, {size, size});
  uint64_t seed = 0;
  for (Buffer *operand : {&a, &b, &c}) {
    Result<Buffer> buffer = device.allocate(matrix.data.size());
    if (buffer.failed())
      return buffer.error();
    *operand = std::move(*buffer);
    // The power that a product draws, and so its speed, depend on the data.
    if (operand == &c)
      break;
    fillNormal(matrix, ++seed);
    if (Status status = device.copyToDevice(
            operand->address(), matrix.data.data(), matrix.data.size());
        status.failed())
      return status;
  }
  Result<Buffer> buffer = device.allocate(workspaceBytes);
  if (buffer.failed())
    return buffer.error();
  workspace = std::move(*buffer);
  return {};
}

Status MatrixProduct::prepare(Device &device, int64_t size) {
  if (Status status = allocate(device, size); status.failed())
    return status;
  Handle preference = nullptr;
  uint64_t workspaceBytes = workspace.size();
  auto extent = static_cast<uint64_t>(size);
  int status = library.create(&handle);
  if (!status)
    status =
        library.descriptionCreate(&description, CUBLAS_COMPUTE_32F, CUDA_R_32F);
  if (!status)
    status = library.layoutCreate(&layout, CUDA_R_16BF, extent, extent, size);
  if (!status)
    status = library.preferenceCreate(&preference);
  if (!status)
    status = library.preferenceSet(preference,
                                   CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                   &workspaceBytes, sizeof(workspaceBytes));
  int returned = 0;
  if (!status)
    status = library.heuristic(handle, description, layout, layout, layout,
                               layout, preference, 1, &choice, &returned);
  if (!status && returned < 1)
    return failure("cannot set up a product: cuBLASLt knows no algorithm");
  return library.check(status, "set up a product with cuBLASLt");
}

Status MatrixProduct::run() const {
  const float alpha = 1, beta = 0;
  auto pointer = [](const Buffer &buffer) {
    return reinterpret_cast<void *>(buffer.address());
  };
  return library.check(library.matmul(handle, description, &alpha, pointer(a),
                                      layout, pointer(b), layout, &beta,
                                      pointer(c), layout, pointer(c), layout,
                                      &choice.algorithm, pointer(workspace),
                                      workspace.size(), stream),
                       "start a product with cuBLASLt");
}

Result<Work> cuda::makeMatrixProduct(Device &device, CUstream stream,
                                     int64_t size) {
  Result<CublasLt> library = CublasLt::open();
  if (library.failed())
    return library.error();
  auto product = std::make_shared<MatrixProduct>(*library, stream);
  if (Status status = product->prepare(device, size); status.failed())
    return status.error();
  return Work([product] { return product->run(); });
}
