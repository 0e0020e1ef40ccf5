// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Times llama.cpp's Vulkan flash attention through ggml's public C interface.
//
//   ggml_vk_fa [--tiny] [--seconds N] [--only TEXT]
//
// Links against libggml-base and libggml-vulkan (any build that exports
// ggml_backend_vk_init; the headers must be of the same version). Which of the
// three kernels runs is ggml's choice and is steered from outside:
//   nothing                                      NV_cooperative_matrix2 ("cm2")
//   GGML_VK_DISABLE_COOPMAT2=1                   KHR cooperative matrix ("cm1")
//   GGML_VK_DISABLE_COOPMAT2=1 GGML_VK_DISABLE_COOPMAT=1   scalar
//
// K and V are f16 (or bf16), Q and the result f32: ggml takes nothing else.
// One graph holds N attention nodes; node i + 1 reads node i's result as its
// query, so that nothing overlaps, and takes the next of several K/V sets, so
// that a decode does not find its cache in L2. Reported is the smallest, the
// median and the largest of the rounds' wall time / N. The first node's result
// is compared with float64 on a few rows.
// TFLOP/s count 4*B*H*Sq*Sk*D, half of it in causal cases.
#include "ggml-alloc.h"
#include "ggml-backend.h"
#include "ggml-vulkan.h"
#include "ggml.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

struct Case {
  const char *name;
  int batch, heads, groups, queries, keys, width;
  bool causal;     // a mask tensor: the only way ggml can say it
  bool exact;      // GGML_PREC_F32, what llama.cpp's graphs ask for
  bool tokenMajor; // (B, S, H, D) views, the layout of llama.cpp's KV cache
  ggml_type type;
};

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// A (D, S, H, B) tensor; tokenMajor stores (D, H, S, B) and permutes.
ggml_tensor *operand(ggml_context *context, ggml_type type, int d, int s, int h,
                     int b, bool tokenMajor,
                     std::vector<ggml_tensor *> &stored) {
  ggml_tensor *t = tokenMajor ? ggml_new_tensor_4d(context, type, d, h, s, b)
                              : ggml_new_tensor_4d(context, type, d, s, h, b);
  stored.push_back(t);
  return tokenMajor ? ggml_permute(context, t, 0, 2, 1, 3) : t;
}

void fill(ggml_tensor *t, std::mt19937 &random, std::vector<float> &kept) {
  size_t n = ggml_nelements(t);
  // A block of normal numbers repeated at a prime stride: cheap and not
  // periodic in a row.
  static std::vector<float> pool;
  if (pool.empty()) {
    std::normal_distribution<float> normal;
    std::mt19937 fixed(7);
    pool.resize(1000003);
    for (float &x : pool)
      x = normal(fixed);
  }
  size_t offset = random() % pool.size();
  kept.resize(n);
  for (size_t i = 0; i < n; ++i) {
    kept[i] = pool[offset];
    if (++offset == pool.size())
      offset = 0;
  }
  if (t->type == GGML_TYPE_F32) {
    ggml_backend_tensor_set(t, kept.data(), 0, n * 4);
  } else if (t->type == GGML_TYPE_F16) {
    std::vector<ggml_fp16_t> half(n);
    ggml_fp32_to_fp16_row(kept.data(), half.data(), n);
    ggml_fp16_to_fp32_row(half.data(), kept.data(), n);
    ggml_backend_tensor_set(t, half.data(), 0, n * 2);
  } else {
    std::vector<ggml_bf16_t> half(n);
    ggml_fp32_to_bf16_row(kept.data(), half.data(), n);
    ggml_bf16_to_fp32_row(half.data(), kept.data(), n);
    ggml_backend_tensor_set(t, half.data(), 0, n * 2);
  }
}

// The card lowers its clocks while the host fills tensors and needs up to a
// second of work to raise them: run until three rounds in a row agree within 3
// %.
void warm(ggml_backend_t backend, ggml_cgraph *graph) {
  if (getenv("GGML_FA_TINY"))
    return;
  double began = now(), a = 0, b = 0;
  for (;;) {
    double t = now();
    ggml_backend_graph_compute(backend, graph);
    ggml_backend_synchronize(backend);
    double c = now() - t;
    bool steady = std::max({a, b, c}) < 1.03 * std::min({a, b, c});
    if (now() - began > 2.5 || (now() - began > 0.5 && steady))
      return;
    a = b, b = c;
  }
}

// What the same backend reaches in a plain f16 matrix product, the ceiling to
// hold beside.
void product(ggml_backend_t backend, int size) {
  const int nodes = 24;
  ggml_context *context = ggml_init(
      {ggml_tensor_overhead() * 64 + ggml_graph_overhead_custom(128, false),
       nullptr, true});
  ggml_tensor *a = ggml_new_tensor_2d(context, GGML_TYPE_F16, size, size);
  ggml_tensor *b = ggml_new_tensor_2d(context, GGML_TYPE_F16, size, size);
  ggml_cgraph *graph = ggml_new_graph_custom(context, 128, false);
  for (int i = 0; i < nodes; ++i)
    ggml_build_forward_expand(graph, ggml_mul_mat(context, a, b));
  ggml_backend_buffer_t buffer =
      ggml_backend_alloc_ctx_tensors(context, backend);
  std::mt19937 random(5);
  std::vector<float> kept;
  fill(a, random, kept);
  fill(b, random, kept);
  warm(backend, graph);
  std::vector<double> times;
  for (int i = 0; i < 9; ++i) {
    double t = now();
    ggml_backend_graph_compute(backend, graph);
    ggml_backend_synchronize(backend);
    times.push_back((now() - t) / nodes);
  }
  std::sort(times.begin(), times.end());
  printf("{\"case\":\"matmul f16 "
         "%d\",\"us\":%.2f,\"us_min\":%.2f,\"us_max\":%.2f,\"tflops\":%.2f}\n",
         size, times[4] * 1e6, times[0] * 1e6, times[8] * 1e6,
         2.0 * size * size * size / times[4] * 1e-12);
  fflush(stdout);
  ggml_backend_buffer_free(buffer);
  ggml_free(context);
}

// Long, because graph, buffers, float64 check and report of a case share its
// sizes and ggml's objects.
int run(const Case &c, ggml_backend_t backend, double seconds) {
  double flops = 4.0 * c.batch * c.heads * c.queries * c.keys * c.width *
                 (c.causal ? 0.5 : 1);
  double bytes = 2.0 * 2 * c.batch * c.groups * double(c.keys) * c.width;
  bool decode = c.queries <= 8;
  int sets = std::max(1, std::min(8, int(256e6 / bytes)));
  if (!decode)
    sets = 1;
  int nodes = decode ? 64 : std::clamp(int(4e12 / flops), 4, 32);
  if (getenv("GGML_FA_TINY"))
    nodes = 3;

  ggml_init_params params{ggml_tensor_overhead() * (size_t(nodes) * 4 + 64) +
                              ggml_graph_overhead_custom(nodes * 4 + 64, false),
                          nullptr, true};
  ggml_context *context = ggml_init(params);
  std::vector<ggml_tensor *> storedQ, storedK, storedV;
  ggml_tensor *q = operand(context, GGML_TYPE_F32, c.width, c.queries, c.heads,
                           c.batch, c.tokenMajor, storedQ);
  std::vector<ggml_tensor *> k, v;
  for (int i = 0; i < sets; ++i) {
    k.push_back(operand(context, c.type, c.width, c.keys, c.groups, c.batch,
                        c.tokenMajor, storedK));
    v.push_back(operand(context, c.type, c.width, c.keys, c.groups, c.batch,
                        c.tokenMajor, storedV));
  }
  ggml_tensor *mask = c.causal ? ggml_new_tensor_4d(context, GGML_TYPE_F16,
                                                    c.keys, c.queries, 1, 1)
                               : nullptr;
  ggml_cgraph *graph = ggml_new_graph_custom(context, nodes * 4 + 64, false);
  ggml_tensor *query = q, *first = nullptr;
  for (int i = 0; i < nodes; ++i) {
    ggml_tensor *o =
        ggml_flash_attn_ext(context, query, k[i % sets], v[i % sets], mask,
                            1 / std::sqrt(float(c.width)), 0, 0);
    ggml_flash_attn_ext_set_prec(o,
                                 c.exact ? GGML_PREC_F32 : GGML_PREC_DEFAULT);
    if (!first)
      first = o;
    ggml_build_forward_expand(graph, o);
    query = ggml_permute(context, o, 0, 2, 1, 3);
  }
  if (!ggml_backend_supports_op(backend, first)) {
    printf("{\"case\":\"%s\",\"error\":\"not supported\"}\n", c.name);
    ggml_free(context);
    return 0;
  }
  ggml_backend_buffer_t buffer =
      ggml_backend_alloc_ctx_tensors(context, backend);
  if (!buffer) {
    printf("{\"case\":\"%s\",\"error\":\"no memory\"}\n", c.name);
    ggml_free(context);
    return 0;
  }
  std::mt19937 random(1);
  std::vector<float> hq, hk, hv, scratch;
  fill(storedQ[0], random, hq);
  for (int i = 0; i < sets; ++i) {
    fill(storedK[i], random, i ? scratch : hk);
    fill(storedV[i], random, i ? scratch : hv);
  }
  if (mask) {
    std::vector<ggml_fp16_t> m(size_t(c.keys) * c.queries);
    ggml_fp16_t zero = ggml_fp32_to_fp16(0),
                minus = ggml_fp32_to_fp16(-INFINITY);
    for (int i = 0; i < c.queries; ++i)
      for (int j = 0; j < c.keys; ++j)
        m[size_t(i) * c.keys + j] = j <= i + c.keys - c.queries ? zero : minus;
    ggml_backend_tensor_set(mask, m.data(), 0, m.size() * 2);
  }

  std::vector<float> poison(ggml_nelements(first), NAN);
  ggml_backend_tensor_set(first, poison.data(), 0, poison.size() * 4);
  if (ggml_backend_graph_compute(backend, graph) != GGML_STATUS_SUCCESS) {
    printf("{\"case\":\"%s\",\"error\":\"compute failed\"}\n", c.name);
    ggml_backend_buffer_free(buffer);
    ggml_free(context);
    return 1;
  }
  ggml_backend_synchronize(backend);

  // The result is (D, H, S, B).
  std::vector<float> out(ggml_nelements(first));
  ggml_backend_tensor_get(first, out.data(), 0, out.size() * 4);
  bool unwritten = false;
  for (float x : out)
    unwritten |= std::isnan(x);
  auto at = [&](const std::vector<float> &t, int heads, int length, int b,
                int h, int s) {
    size_t row = c.tokenMajor ? (size_t(b) * length + s) * heads + h
                              : (size_t(b) * heads + h) * length + s;
    return t.data() + row * c.width;
  };
  double difference = 0, norm = 0;
  std::mt19937 rows(3);
  for (int sample = 0; sample < 24; ++sample) {
    int b = sample & 1 ? c.batch - 1 : 0, h = rows() % c.heads,
        s = rows() % c.queries;
    if (sample == 0)
      h = 0, s = 0;
    if (sample == 1)
      h = c.heads - 1, s = c.queries - 1;
    int g = h / (c.heads / c.groups);
    int end = c.causal ? s + c.keys - c.queries + 1 : c.keys;
    std::vector<double> p(end);
    double top = -INFINITY, sum = 0;
    const float *x = at(hq, c.heads, c.queries, b, h, s);
    for (int j = 0; j < end; ++j) {
      const float *y = at(hk, c.groups, c.keys, b, g, j);
      double dot = 0;
      for (int d = 0; d < c.width; ++d)
        dot += double(x[d]) * y[d];
      p[j] = dot / std::sqrt(double(c.width));
      top = std::max(top, p[j]);
    }
    for (double &w : p)
      sum += w = std::exp(w - top);
    std::vector<double> o(c.width);
    for (int j = 0; j < end; ++j) {
      const float *y = at(hv, c.groups, c.keys, b, g, j);
      for (int d = 0; d < c.width; ++d)
        o[d] += p[j] / sum * y[d];
    }
    const float *got =
        out.data() + ((size_t(b) * c.queries + s) * c.heads + h) * c.width;
    for (int d = 0; d < c.width; ++d) {
      difference += (got[d] - o[d]) * (got[d] - o[d]);
      norm += o[d] * o[d];
    }
  }

  std::vector<double> times;
  warm(backend, graph);
  double began = now();
  while (times.size() < 3 || (times.size() < 15 && now() - began < seconds)) {
    double t = now();
    ggml_backend_graph_compute(backend, graph);
    ggml_backend_synchronize(backend);
    times.push_back((now() - t) / nodes);
  }
  std::sort(times.begin(), times.end());
  double median = times[times.size() / 2];
  printf("{\"case\":\"%s\",\"B\":%d,\"H\":%d,\"Hkv\":%d,\"Sq\":%d,\"Sk\":%d,"
         "\"D\":%d,\"causal\":%d,"
         "\"acc\":\"%s\",\"layout\":\"%s\",\"kv\":\"%s\",\"us\":%.2f,\"us_"
         "min\":%.2f,\"us_max\":%.2f,"
         "\"tflops\":%.3f,\"gbps\":%.1f,\"rel\":%.2e,\"unwritten\":%d,"
         "\"nodes\":%d,\"sets\":%d,\"rounds\":%zu}\n",
         c.name, c.batch, c.heads, c.groups, c.queries, c.keys, c.width,
         c.causal, c.exact ? "f32" : "default", c.tokenMajor ? "bshd" : "bhsd",
         ggml_type_name(c.type), median * 1e6, times.front() * 1e6,
         times.back() * 1e6, flops / median * 1e-12,
         decode ? bytes / median * 1e-9 : 0.0, std::sqrt(difference / norm),
         unwritten, nodes, sets, times.size());
  fflush(stdout);
  ggml_backend_buffer_free(buffer);
  ggml_free(context);
  return 0;
}

} // namespace

int main(int count, char **arguments) {
  bool tiny = false;
  double seconds = 1;
  std::string only;
  for (int i = 1; i < count; ++i) {
    if (!strcmp(arguments[i], "--tiny"))
      tiny = true;
    if (!strcmp(arguments[i], "--seconds") && i + 1 < count)
      seconds = atof(arguments[++i]);
    if (!strcmp(arguments[i], "--only") && i + 1 < count)
      only = arguments[++i];
  }
  ggml_backend_t backend = ggml_backend_vk_init(0);
  if (!backend)
    return 2;
  std::vector<Case> cases;
  const ggml_type F16 = GGML_TYPE_F16, BF16 = GGML_TYPE_BF16;
  if (tiny) {
    setenv("GGML_FA_TINY", "1", 1);
    cases = {
        {"tiny", 1, 4, 4, 96, 96, 64, false, true, false, F16},
        {"tiny causal", 2, 4, 2, 128, 128, 128, true, true, false, F16},
        {"tiny token-major", 1, 4, 2, 64, 128, 64, true, false, true, F16},
        {"tiny decode", 1, 8, 2, 1, 512, 128, false, true, false, F16},
        {"tiny decode batch", 3, 8, 2, 1, 512, 128, false, true, true, F16}};
  } else {
    cases = {
        {"prefill h16 d128 s2048", 1, 16, 16, 2048, 2048, 128, false, true,
         false, F16},
        {"prefill h16 d128 s4096", 1, 16, 16, 4096, 4096, 128, false, true,
         false, F16},
        {"prefill h16 d128 s4096 causal", 1, 16, 16, 4096, 4096, 128, true,
         true, false, F16},
        {"prefill h32 d64 s2048", 1, 32, 32, 2048, 2048, 64, false, true, false,
         F16},
        {"prefill h32 d64 s4096", 1, 32, 32, 4096, 4096, 64, false, true, false,
         F16},
        {"prefill h32 d64 s4096 causal", 1, 32, 32, 4096, 4096, 64, true, true,
         false, F16},
        {"decode b1 8192 32/8 d128", 1, 32, 8, 1, 8192, 128, false, true, false,
         F16},
        {"decode b16 8192 32/8 d128", 16, 32, 8, 1, 8192, 128, false, true,
         false, F16},
        {"prefill h32/8 d128 s4096", 1, 32, 8, 4096, 4096, 128, false, true,
         false, F16},
        {"prefill h16 d128 s2048 causal", 1, 16, 16, 2048, 2048, 128, true,
         true, false, F16},
        {"prefill h32 d64 s2048 causal", 1, 32, 32, 2048, 2048, 64, true, true,
         false, F16},
        {"prefill h16 d128 s4096 f16acc", 1, 16, 16, 4096, 4096, 128, false,
         false, false, F16},
        {"prefill h32 d64 s4096 f16acc", 1, 32, 32, 4096, 4096, 64, false,
         false, false, F16},
        {"prefill h16 d128 s4096 f16acc causal", 1, 16, 16, 4096, 4096, 128,
         true, false, false, F16},
        {"prefill h16 d128 s4096 token-major", 1, 16, 16, 4096, 4096, 128,
         false, true, true, F16},
        {"decode b1 8192 32/8 d128 token-major", 1, 32, 8, 1, 8192, 128, false,
         true, true, F16},
        {"decode b16 8192 32/8 d128 token-major", 16, 32, 8, 1, 8192, 128,
         false, true, true, F16},
        {"decode b1 8192 32/32 d128", 1, 32, 32, 1, 8192, 128, false, true,
         false, F16},
        {"decode b1 32768 32/8 d128", 1, 32, 8, 1, 32768, 128, false, true,
         false, F16},
        {"prefill h32/8 d128 s4096 causal", 1, 32, 8, 4096, 4096, 128, true,
         true, false, F16},
        {"prefill h16 d128 s4096 bf16", 1, 16, 16, 4096, 4096, 128, false, true,
         false, BF16},
        {"prefill h16 d96 s4096", 1, 16, 16, 4096, 4096, 96, false, true, false,
         F16},
        {"verify 8 queries 8192 32/8 d128", 1, 32, 8, 8, 8192, 128, false, true,
         false, F16},
        {"prefill h8 d256 s4096", 1, 8, 8, 4096, 4096, 256, false, true, false,
         F16},
    };
  }
  int bad = 0;
  if (!tiny && only.empty())
    product(backend, 4096);
  for (const Case &c : cases)
    if (only.empty() || std::string(c.name).find(only) != std::string::npos)
      bad |= run(c, backend, seconds);
  ggml_backend_free(backend);
  return bad;
}
