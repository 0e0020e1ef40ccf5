// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Runs the kernel of toy.test on all points of its grid and compares with
// causal attention, written down as it is defined.
#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { B = 2, H = 2, S = 19, D = 16, TILES = 3 };
static float q[B][H][S][D], k[B][1][S][D], v[B][1][S][D], o[B][H][S][D];

void f_kernel0(float *q, float *k, float *v, float *o, int64_t x, int64_t y,
               int64_t z);

static void fill(float *values, int count, uint32_t seed) {
  for (int n = 0; n < count; ++n) {
    seed = seed * 1664525u + 1013904223u;
    values[n] = (float)(seed >> 8) / (1 << 23) - 1;
  }
}

static double expected(int b, int h, int i, int d) {
  double sum = 0, out = 0;
  for (int j = 0; j <= i; ++j) {
    double s = 0;
    for (int e = 0; e < D; ++e)
      s += (double)q[b][h][i][e] * k[b][0][j][e];
    s = 20 * tanh(s / sqrt(D) / 20);
    sum += exp(s);
    out += exp(s) * v[b][0][j][d];
  }
  return out / sum;
}

int main(void) {
  fill(&q[0][0][0][0], B * H * S * D, 1);
  fill(&k[0][0][0][0], B * S * D, 2);
  fill(&v[0][0][0][0], B * S * D, 3);
  for (int64_t z = 0; z < B; ++z)
    for (int64_t y = 0; y < H; ++y)
      for (int64_t x = 0; x < TILES; ++x)
        f_kernel0(&q[0][0][0][0], &k[0][0][0][0], &v[0][0][0][0],
                  &o[0][0][0][0], x, y, z);
  double worst = 0;
  for (int b = 0; b < B; ++b)
    for (int h = 0; h < H; ++h)
      for (int i = 0; i < S; ++i)
        for (int d = 0; d < D; ++d)
          worst = fmax(worst, fabs(o[b][h][i][d] - expected(b, h, i, d)));
  printf("worst error %g\n", worst);
  return worst > 1e-5;
}
