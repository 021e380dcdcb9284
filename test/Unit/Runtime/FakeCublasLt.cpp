//===- FakeCublasLt.cpp - A matrix library for tests ----------------------===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FakeDriver.h"

#include <cstring>
#include <dlfcn.h>

namespace {
FakeDriver &driver() {
  void *library = dlopen("libcuda.so.1", RTLD_NOW | RTLD_LOCAL);
  auto get = reinterpret_cast<FakeDriver *(*)()>(dlsym(library, "fakeDriver"));
  return *get();
}

int make(const char *name, void **handle) {
  static char object;
  *handle = &object;
  return driver().failing == name ? 7 : 0;
}
} // namespace

extern "C" {
int cublasLtCreate(void **handle) { return make("cublasLtCreate", handle); }
const char *cublasLtGetStatusString(int) { return "fake status"; }
int cublasLtMatmulDescCreate(void **handle, int computeType, int scaleType) {
  if (computeType != 68 || scaleType != 0)
    return 7;
  return make("cublasLtMatmulDescCreate", handle);
}
int cublasLtMatrixLayoutCreate(void **handle, int type, uint64_t, uint64_t,
                               int64_t) {
  if (type != 14)
    return 7;
  return make("cublasLtMatrixLayoutCreate", handle);
}
int cublasLtMatmulPreferenceCreate(void **handle) {
  return make("cublasLtMatmulPreferenceCreate", handle);
}
int cublasLtMatmulPreferenceSetAttribute(void *, int attribute, const void *,
                                         size_t size) {
  return attribute == 1 && size == 8 ? 0 : 7;
}
int cublasLtMatmulAlgoGetHeuristic(void *, void *, void *, void *, void *,
                                   void *, void *, int, void *results,
                                   int *returned) {
  std::memset(results, 0, 96);
  *returned = driver().failing != "heuristic";
  return 0;
}
int cublasLtMatmul(void *, void *, const void *, const void *, void *,
                   const void *, void *, const void *, const void *, void *,
                   void *, void *, const void *, void *, size_t, void *) {
  ++driver().products;
  return driver().failing == "cublasLtMatmul" ? 7 : 0;
}
}
