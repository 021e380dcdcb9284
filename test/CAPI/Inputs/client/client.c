/* client.c - Compiles a program and runs it on the emulator
 *
 * Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
 * SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
 *
 * client PROGRAM FOLDER: the program is causal attention with the tensors q, k,
 * v [B, S, H, 128] of bf16 and the results o, lse. Bundles are kept in FOLDER.
 */

#include "attn-c/Compiler.h"
#include "attn-c/Runtime.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUERIES = 70, KEYS = 130, HEADS = 2, DIM = 128 };

static uint16_t toBF16(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static float fromBF16(uint16_t value) {
  uint32_t bits = (uint32_t)value << 16;
  float result;
  memcpy(&result, &bits, sizeof(result));
  return result;
}

static uint16_t q[QUERIES][HEADS][DIM], k[KEYS][HEADS][DIM],
    v[KEYS][HEADS][DIM], o[QUERIES][HEADS][DIM];
static float lse[HEADS][QUERIES];

static void fill(uint16_t *values, size_t count, unsigned seed) {
  for (size_t i = 0; i < count; ++i) {
    seed = seed * 1664525 + 1013904223;
    values[i] = toBF16((float)(seed >> 8) / (1 << 23) - 1);
  }
}

/* The largest error of the row of one query and head, in double precision. */
static double errorOf(int query, int head) {
  double weights[KEYS], sum = 0, worst;
  int last = query + KEYS - QUERIES;
  for (int key = 0; key <= last; ++key) {
    double score = 0;
    for (int i = 0; i < DIM; ++i)
      score += (double)fromBF16(q[query][head][i]) * fromBF16(k[key][head][i]);
    weights[key] = exp(score / sqrt(DIM));
    sum += weights[key];
  }
  worst = fabs(lse[head][query] - log(sum));
  for (int i = 0; i < DIM; ++i) {
    double expected = 0;
    for (int key = 0; key <= last; ++key)
      expected += weights[key] / sum * fromBF16(v[key][head][i]);
    worst = fmax(worst, fabs(fromBF16(o[query][head][i]) - expected));
  }
  return worst;
}

static void hear(AttnSeverity severity, const char *message, void *count) {
  printf("diagnostic %d: %s\n", (int)severity, message);
  ++*(int *)count;
}

/* Ends the program after an error. */
static void check(AttnError *error) {
  if (!error)
    return;
  printf("error: %s\n", attnErrorBorrowMessage(error));
  attnErrorDestroy(error);
  exit(1);
}

/* The file at `path`, which the caller frees. */
static char *readText(const char *path, size_t *length) {
  FILE *file = fopen(path, "rb");
  char *text = malloc(1 << 16);
  *length = file ? fread(text, 1, 1 << 16, file) : 0;
  if (file)
    fclose(file);
  return text;
}

static const char refused[] =
    "!t = tensor<?x?x1x64xf32>\n"
    "func.func @f(%q: !t) -> !t {\n"
    "  %kv = attn.kv.dense %q, %q : !t, !t\n"
    "  %o = attn.attention %q, %kv : !t, !attn.kv<!t, !t> -> !t\n"
    "  return %o : !t\n"
    "}\n";

/* What fails can be looked into. */
static void leaveReproducer(AttnContext *context, const char *folder) {
  char path[1024];
  snprintf(path, sizeof(path), "%s.mlir", folder);
  AttnProgram *program = attnProgramCreateParsed(
      context, refused, strlen(refused), "refused.mlir");
  AttnCompileOptions *options = attnCompileOptionsCreate();
  attnCompileOptionsSetReproducer(options, path);
  if (attnProgramCreatePtx(program, options))
    exit(1);
  attnCompileOptionsDestroy(options);
  attnProgramDestroy(program);
}

static AttnBytes *compile(const char *path, const char *folder) {
  int messages = 0;
  size_t length;
  char *text = readText(path, &length);
  AttnContext *context = attnContextCreate(hear, &messages);
  if (attnProgramCreateParsed(context, "func.fun", 8, "wrong.mlir") ||
      messages != 1)
    exit(1);
  leaveReproducer(context, folder);
  AttnProgram *program = attnProgramCreateParsed(context, text, length, path);
  free(text);
  AttnCompileOptions *options = attnCompileOptionsCreate();
  attnCompileOptionsSetTarget(options, "sm_80");
  if (attnProgramCreatePtx(program, options))
    exit(1);
  attnCompileOptionsSetTarget(options, "sm_90a");
  attnCompileOptionsSetAssemble(options, false);
  attnCompileOptionsSetCacheFolder(options, folder);
  attnCompileOptionsSetScheduleTable(options, "");
  AttnBytes *ptx = attnProgramCreatePtx(program, options);
  printf("PTX: %.8s\n", strstr(attnBytesBorrowData(ptx), ".version"));
  attnBytesDestroy(ptx);
  AttnBytes *bundle = attnProgramCreateBundle(program, options);
  attnCompileOptionsDestroy(options);
  attnProgramDestroy(program);
  attnContextDestroy(context);
  if (!bundle)
    exit(1);
  printf("compiled by %s: %s\n", attnCompilerBorrowVersion(),
         attnBytesGetSize(bundle) > 10000 ? "a bundle" : "nothing");
  return bundle;
}

static AttnDLTensor describe(void *data, int64_t *shape, int rank, int code,
                             int bits) {
  AttnDLTensor tensor = {data, {ATTN_DL_CPU, 0}, rank, {0, 0, 1}, shape, 0, 0};
  tensor.dtype.code = (uint8_t)code;
  tensor.dtype.bits = (uint8_t)bits;
  return tensor;
}

int main(int argc, char **argv) {
  if (argc != 3 || attnRuntimeApiVersion() != ATTN_RUNTIME_API_VERSION ||
      attnCompilerApiVersion() != ATTN_COMPILER_API_VERSION)
    return 2;
  AttnBytes *bundle = compile(argv[1], argv[2]);
  AttnDevice *device;
  check(attnDeviceCreateEmulator(0, true, &device));
  AttnExecutable *executable;
  check(attnExecutableCreate(device, attnBytesBorrowData(bundle),
                             attnBytesGetSize(bundle), &executable));
  attnBytesDestroy(bundle);
  attnDeviceDestroy(device);
  for (size_t i = 0; i < attnExecutableGetTensorCount(executable); ++i)
    printf("%s%s\n", attnExecutableBorrowTensorName(executable, i),
           attnExecutableIsOutput(executable, i) ? ", an output" : "");

  fill(&q[0][0][0], QUERIES * HEADS * DIM, 1);
  fill(&k[0][0][0], KEYS * HEADS * DIM, 2);
  fill(&v[0][0][0], KEYS * HEADS * DIM, 3);
  int64_t rows[] = {1, QUERIES, HEADS, DIM}, columns[] = {1, KEYS, HEADS, DIM};
  int64_t statistics[] = {1, HEADS, QUERIES};
  AttnDLTensor tensors[] = {describe(q, rows, 4, ATTN_DL_BFLOAT, 16),
                            describe(k, columns, 4, ATTN_DL_BFLOAT, 16),
                            describe(v, columns, 4, ATTN_DL_BFLOAT, 16),
                            describe(o, rows, 4, ATTN_DL_BFLOAT, 16),
                            describe(lse, statistics, 3, ATTN_DL_FLOAT, 32)};
  const AttnDLTensor *all[5];
  for (int i = 0; i < 5; ++i)
    all[i] = &tensors[i];
  size_t bytes;
  check(attnExecutableGetWorkspaceSize(executable, all, 5, &bytes));
  check(attnExecutableLaunch(executable, all, 5, NULL, NULL, bytes));

  double worst = 0;
  for (int query = 0; query < QUERIES; ++query)
    for (int head = 0; head < HEADS; ++head)
      worst = fmax(worst, errorOf(query, head));
  printf("largest error: %s\n", worst < 4e-3 ? "small" : "large");
  check(attnExecutableLaunch(executable, all, 4, NULL, NULL, 0));
  return 0;
}
