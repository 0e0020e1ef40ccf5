/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A program on an ahead-of-time library: right results, also with strides, from
 * several threads and on threads of its own; wrong calls are told apart. */
#include "kernels.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kRows = 70, kSize = 2 * kRows * 32 };

static int failures;
static attn_error *error;
static float q[kSize + 1], k[kSize], v[kSize];
static const int64_t sizes[] = {1, 2, kRows, 32};

static void expect(attn_status got, attn_status wanted, const char *part) {
  const char *message = attn_error_message(error);
  if (got == wanted && strstr(message, part))
    return;
  printf("expected %s with '%s', got %s: %s\n", attn_status_name(wanted), part,
         attn_status_name(got), message);
  ++failures;
}

static int is_one(const float *o) {
  for (int i = 0; i < kSize; ++i)
    if (!(o[i] > 0.9999f && o[i] < 1.0001f))
      return 0;
  return 1;
}

static void *run_often(void *unused) {
  float *o = malloc(sizeof(float) * kSize);
  for (int turn = 0; turn < 20; ++turn) {
    memset(o, 0, sizeof(float) * kSize);
    if (plain(q, sizes, NULL, k, sizes, NULL, v, sizes, NULL, o, sizes, NULL,
              NULL, NULL) != ATTN_OK ||
        !is_one(o))
      __atomic_fetch_add(&failures, 1, __ATOMIC_SEQ_CST);
  }
  free(o);
  return unused;
}

static int64_t calls;
static void in_order(void *user, int64_t count, void (*body)(void *, int64_t),
                     void *argument) {
  *(int64_t *)user += count;
  for (int64_t i = 0; i < count; ++i)
    body(argument, i);
}

int main(void) {
  static float o[kSize];
  error = attn_error_create();
  for (int i = 0; i < kSize; ++i)
    k[i] = (float)(i % 7) / 7, q[i] = (float)(i % 5) / 5, v[i] = 1;

  expect(plain(q, sizes, NULL, k, sizes, NULL, v, sizes, NULL, o, sizes, NULL,
               NULL, error),
         ATTN_OK, "");
  failures += !is_one(o);
  printf("%s\n", plain_explain(error));

  /* Scaled by a scalar, which may change from call to call. */
  for (int turn = 1; turn < 3; ++turn) {
    memset(o, 0, sizeof o);
    expect(scaled(q, sizes, NULL, k, sizes, NULL, v, sizes, NULL, (float)turn,
                  o, sizes, NULL, NULL, error),
           ATTN_OK, "");
    failures += !is_one(o);
  }

  const int64_t fewer[] = {1, 2, kRows - 1, 32}, negative[] = {1, 2, -1, 32},
                huge[] = {(int64_t)1 << 40, 2, (int64_t)1 << 40, 32},
                apart[] = {kSize, kRows * 32, 32, 2},
                other[] = {1, 3, kRows, 32};
  expect(plain(q, NULL, NULL, k, sizes, NULL, v, sizes, NULL, o, sizes, NULL,
               NULL, error),
         ATTN_ERROR_INVALID_ARGUMENT, "'query': rank 0, expected 4");
  expect(plain(NULL, sizes, NULL, k, sizes, NULL, v, sizes, NULL, o, sizes,
               NULL, NULL, error),
         ATTN_ERROR_INVALID_ARGUMENT, "'query': the data pointer is NULL");
  expect(plain(q, huge, NULL, k, sizes, NULL, v, sizes, NULL, o, sizes, NULL,
               NULL, error),
         ATTN_ERROR_INVALID_ARGUMENT,
         "'query': its extent in bytes does not fit 63 bits");
  expect(plain(q, sizes, NULL, k, sizes, NULL, v, fewer, NULL, o, sizes, NULL,
               NULL, error),
         ATTN_ERROR_INVALID_ARGUMENT, "rule 1: Skv of value");
  expect(plain(q, negative, NULL, k, sizes, NULL, v, sizes, NULL, o, sizes,
               NULL, NULL, error),
         ATTN_ERROR_INVALID_ARGUMENT,
         "'query': dimension 2 has the negative size -1");
  expect(plain(q, other, NULL, k, sizes, NULL, v, sizes, NULL, o, sizes, NULL,
               NULL, error),
         ATTN_ERROR_INVALID_ARGUMENT, "'query'");
  expect(plain(q, sizes, apart, k, sizes, NULL, v, sizes, NULL, o, sizes, NULL,
               NULL, error),
         ATTN_OK, "");
  failures += !is_one(o);
  expect(plain((float *)((char *)q + 1), sizes, NULL, k, sizes, NULL, v, sizes,
               NULL, o, sizes, NULL, NULL, error),
         ATTN_ERROR_INVALID_ARGUMENT,
         "'query': the data pointer is not aligned");
  expect(plain(q, sizes, NULL, k, sizes, NULL, v, sizes, NULL, v, sizes, NULL,
               NULL, error),
         ATTN_ERROR_INVALID_ARGUMENT, "shares memory");
  expect(plain(q, sizes, NULL, k, sizes, NULL, v, sizes, NULL, o, sizes, NULL,
               &calls, error),
         ATTN_ERROR_INVALID_ARGUMENT, "no streams");
  /* An error leaves nothing behind. */
  expect(plain(q, sizes, NULL, k, sizes, NULL, v, sizes, NULL, o, sizes, NULL,
               NULL, error),
         ATTN_OK, "");

  pthread_t threads[4];
  for (int i = 0; i < 4; ++i)
    pthread_create(&threads[i], NULL, run_often, NULL);
  for (int i = 0; i < 4; ++i)
    pthread_join(threads[i], NULL);

  /* On a context of the program's own, with its threads. */
  attn_executor executor = {in_order, &calls, 1, 0};
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  attn_context *context = NULL;
  options.executor = &executor;
  expect(attn_context_create(&options, &context, error), ATTN_OK, "");
  kernels_use(context);
  run_often(NULL);
  if (calls == 0)
    printf("the executor was not used\n"), ++failures;
  kernels_use(NULL);
  run_often(NULL);
  attn_context_destroy(context);
  attn_error_destroy(error);
  printf("%d failures\n", failures);
  return failures != 0;
}
