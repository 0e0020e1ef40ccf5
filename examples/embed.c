/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attention in a program of one's own, without a compiler in it:
 *
 *   build/bin/attn-compile examples/plain.mlir -o plain.attn
 *   cc examples/embed.c -Iruntime/include -Lbuild/runtime -lattn_runtime
 *   LD_LIBRARY_PATH=build/runtime ./a.out plain.attn
 *
 * The arguments of the artifact are those of the MLIR function: q, k, v, o.
 */
#include "attn_runtime.h"

#include <stdio.h>
#include <stdlib.h>

enum { kBatch = 1, kHeads = 8, kQueries = 100, kKeys = 300, kHeadSize = 64 };

/* Stops with the message of the runtime. */
static void check(attn_status status, const attn_error *error) {
  if (status == ATTN_OK)
    return;
  fprintf(stderr, "%s: %s\n", attn_status_name(status),
          attn_error_message(error));
  exit(1);
}

/* A dense [B, H, rows, D] tensor with elements between -1 and 1, or all 1. */
static attn_tensor make_tensor(int64_t rows, int random, attn_error *error) {
  const int64_t dims[] = {kBatch, kHeads, rows, kHeadSize};
  int64_t count = kBatch * kHeads * rows * kHeadSize;
  float *data = malloc(count * sizeof(float));
  attn_tensor tensor;
  if (!data)
    exit(1);
  for (int64_t n = 0; n < count; ++n)
    data[n] = random ? 2.0f * rand() / (float)RAND_MAX - 1.0f : 1.0f;
  check(attn_tensor_init(&tensor, data, ATTN_DTYPE_F32, 4, dims, error), error);
  return tensor;
}

int main(int argc, char **argv) {
  attn_error *error = attn_error_create();
  attn_context *context = NULL;
  attn_program *program = NULL;
  attn_binding *binding = NULL;
  int64_t fused = 0, standard = 0;
  if (argc != 2) {
    fprintf(stderr, "usage: embed FILE.attn\n");
    return 1;
  }

  /* Once: the device and the program. */
  check(attn_context_create(NULL, &context, error), error);
  check(attn_program_load_file(context, argv[1], &program, error), error);
  check(attn_binding_create(program, &binding, error), error);

  /* Each time sizes or memory change: the arguments, in the order of the
   * function. v is all ones, so every output is 1. */
  attn_tensor tensors[] = {
      make_tensor(kQueries, 1, error), make_tensor(kKeys, 1, error),
      make_tensor(kKeys, 0, error), make_tensor(kQueries, 1, error)};
  for (size_t n = 0; n < 4; ++n)
    check(attn_binding_set_argument(binding, n, &tensors[n], error), error);
  check(attn_binding_memory_estimate(binding, &fused, &standard, error), error);

  /* As often as wanted. */
  check(attn_launch_alloc(binding, NULL, error), error);

  const float *out = tensors[3].data;
  int64_t count = kBatch * kHeads * kQueries * kHeadSize, wrong = 0;
  for (int64_t n = 0; n < count; ++n)
    wrong += !(out[n] > 0.999999f && out[n] < 1.000001f);
  printf("%s for %s: %lld of %lld outputs are not 1\n",
         attn_program_entry(program), attn_program_chip(program),
         (long long)wrong, (long long)count);
  printf("intermediate memory: %lld bytes; %lld if the scores were stored\n",
         (long long)fused, (long long)standard);

  for (size_t n = 0; n < 4; ++n)
    free(tensors[n].data);
  attn_binding_destroy(binding);
  attn_program_destroy(program);
  attn_context_destroy(context);
  attn_error_destroy(error);
  return wrong != 0;
}
