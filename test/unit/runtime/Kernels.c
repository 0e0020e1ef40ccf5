/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
// CPU kernels of the tests, with the ABI of docs/artifact.md: one call a grid
// point, one 8-byte word an argument.
#include <alloca.h>
#include <stdint.h>
#include <string.h>

#define KERNEL __attribute__((visibility("default"))) void

static float asFloat(uint64_t word) {
  float value;
  memcpy(&value, &word, sizeof value);
  return value;
}

// slots: int32 counts[nz][ny][nx], nx, ny
KERNEL count_points(const uint64_t *slots, int64_t x, int64_t y, int64_t z) {
  int32_t *counts = (int32_t *)slots[0];
  int64_t nx = (int64_t)slots[1], ny = (int64_t)slots[2];
  counts[(z * ny + y) * nx + x] += 1;
}

// slots: i64 out[n], factor: out[x] = factor * x + out[x]
KERNEL produce(const uint64_t *slots, int64_t x, int64_t y, int64_t z) {
  int64_t *out = (int64_t *)slots[0];
  out[x] += (int64_t)slots[1] * x;
}

// slots: i64 in[n], i64 out[n], n: every point reads what all points of the
// launch before have written.
KERNEL prefix_sum_backwards(const uint64_t *slots, int64_t x, int64_t y,
                            int64_t z) {
  const int64_t *in = (const int64_t *)slots[0];
  int64_t *out = (int64_t *)slots[1];
  int64_t n = (int64_t)slots[2], sum = 0;
  for (int64_t i = x; i < n; ++i)
    sum += in[i];
  out[x] = sum;
}

// slots: u64 out[nslots], nslots, ...: out gets the words as they came.
KERNEL dump_slots(const uint64_t *slots, int64_t x, int64_t y, int64_t z) {
  memcpy((uint64_t *)slots[0], slots, 8 * slots[1]);
}

// slots: i64 out[n], bytes: out[x] = the sum over a stack buffer of that size
KERNEL use_stack(const uint64_t *slots, int64_t x, int64_t y, int64_t z) {
  int64_t bytes = (int64_t)slots[1], sum = 0;
  volatile unsigned char *buffer = (volatile unsigned char *)alloca(bytes);
  for (int64_t i = 0; i < bytes; i += 64)
    buffer[i] = 1;
  for (int64_t i = 0; i < bytes; i += 64)
    sum += buffer[i];
  ((int64_t *)slots[0])[x] = sum;
}

// slots: f32 out[n], f32 in[n], factor f32: products in the float environment
// at hand
KERNEL scale(const uint64_t *slots, int64_t x, int64_t y, int64_t z) {
  volatile float factor = asFloat(slots[2]);
  ((float *)slots[0])[x] = ((const float *)slots[1])[x] * factor;
}

// slots: i32 out[rows][columns] dense, i32 in, its two strides: a copy
KERNEL copy_strided(const uint64_t *slots, int64_t x, int64_t y, int64_t z) {
  int32_t *out = (int32_t *)slots[0];
  const int32_t *in = (const int32_t *)slots[1];
  int64_t outRow = (int64_t)slots[2], row = (int64_t)slots[3],
          column = (int64_t)slots[4];
  out[y * outRow + x] = in[y * row + x * column];
}

// slots: i64 log[1 + n]: the order in which points ran; for one thread only
KERNEL log_order(const uint64_t *slots, int64_t x, int64_t y, int64_t z) {
  int64_t *log = (int64_t *)slots[0];
  log[1 + log[0]++] = (z * 10 + y) * 10 + x;
}

// slots: i64 *out
KERNEL answer(const uint64_t *slots, int64_t x, int64_t y, int64_t z) {
  *(int64_t *)slots[0] = TEST_ANSWER;
}
