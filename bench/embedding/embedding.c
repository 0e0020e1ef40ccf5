/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a call from C costs, and whether a kernel in a library is as fast as the
 * same one through the runtime: run.sh builds and runs it. Least CPU times of
 * many rounds, the contenders in turns; all is done by one thread.
 *
 * The overhead is measured with no queries, where there is nothing to compute.
 */
#include "plain.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef attn_status function(const float *, const int64_t *, const int64_t *,
                             const float *, const int64_t *, const int64_t *,
                             const float *, const int64_t *, const int64_t *,
                             float *, const int64_t *, const int64_t *, void *,
                             attn_error *);

enum { kRows = 1024, kSize = 8 * kRows * 64, kRounds = 60 };

static float *q, *k, *v, *o;
static function *compiled;
static attn_status (*launch)(attn_binding *, void *, size_t, void *,
                             attn_error *);
static attn_status (*set)(attn_binding *, size_t, const attn_tensor *,
                          attn_error *);

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return 1e9 * (double)time.tv_sec + (double)time.tv_nsec;
}

static void *symbol(void *library, const char *name) {
  void *found = library ? dlsym(library, name) : NULL;
  if (!found) {
    fprintf(stderr, "%s\n", dlerror());
    exit(1);
  }
  return found;
}

static void require(attn_status status) {
  if (status != ATTN_OK)
    exit(fprintf(stderr, "status %d\n", (int)status));
}

static void call(int64_t rows, int64_t offset) {
  int64_t queries[] = {1, 8, rows, 64}, keys[] = {1, 8, kRows, 64};
  require(compiled(q + offset, queries, NULL, k, keys, NULL, v, keys, NULL, o,
                   queries, NULL, NULL, NULL));
}

/* Binds the arguments of a call with `rows` queries. */
static void bind(attn_binding *binding, int64_t rows, int64_t offset) {
  float *data[] = {q + offset, k, v, o};
  for (size_t i = 0; i < 4; ++i) {
    int64_t length = i == 1 || i == 2 ? kRows : rows;
    attn_tensor tensor = {data[i],
                          ATTN_DTYPE_F32,
                          4,
                          {1, 8, length, 64},
                          {8 * length * 64, length * 64, 64, 1}};
    require(set(binding, i, &tensor, NULL));
  }
}

static void print(const char *work, const char *metric, double ours,
                  const char *peer_name, double peer, const char *bar) {
  static int count;
  printf(
      "%s\n  {\"work\": \"%s\", \"metric\": \"%s\", \"ours\": %.4g, "
      "\"peer\": %.4g, \"peer_name\": \"%s\", \"ratio\": %.4f, \"bar\": %s,\n"
      "   \"machine\": \"%s\", \"date\": \"%s\", \"command\": "
      "\"bench/embedding/run.sh\"}",
      count++ ? "," : "[", work, metric, ours, peer, peer_name, peer / ours,
      bar, getenv("MACHINE"), getenv("DATE"));
}

int main(int argc, char **argv) {
  if (argc != 4)
    return 1;
  void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
  void *runtime = dlopen(argv[2], RTLD_NOW | RTLD_LOCAL);
  compiled = (function *)symbol(library, "plain");
  launch = symbol(runtime, "attn_launch");
  set = symbol(runtime, "attn_binding_set_argument");
  attn_status (*create)(const attn_context_options *, attn_context **,
                        attn_error *);
  attn_status (*load)(attn_context *, const char *, attn_program **,
                      attn_error *) = symbol(runtime, "attn_program_load_file");
  attn_status (*bound)(attn_program *, attn_binding **, attn_error *) =
      symbol(runtime, "attn_binding_create");
  void (*use)(attn_context *) = symbol(library, "plain_use");
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  options.threads = 1;
  attn_context *context, *own;
  attn_program *program;
  attn_binding *binding, *empty;
  create = symbol(runtime, "attn_context_create");
  require(create(&options, &context, NULL));
  create = symbol(library, "attn_context_create");
  require(create(&options, &own, NULL));
  use(own);
  require(load(context, argv[3], &program, NULL));
  require(bound(program, &binding, NULL));
  require(bound(program, &empty, NULL));

  q = calloc(kSize + 64, sizeof *q), k = calloc(kSize, sizeof *k);
  v = calloc(kSize, sizeof *v), o = calloc(kSize, sizeof *o);
  for (int i = 0; i < kSize; ++i)
    q[i] = (float)(i % 13) / 13, k[i] = (float)(i % 17) / 17, v[i] = 1;

  double same = 1e30, other = 1e30, again = 1e30, ours = 1e30, theirs = 1e30;
  bind(binding, kRows, 0);
  bind(empty, 0, 0);
  for (int round = 0; round < kRounds; ++round) {
    enum { kCalls = 2000 };
    double times[4];
    times[0] = now();
    for (int i = 0; i < kCalls; ++i)
      call(0, 0);
    times[1] = now();
    for (int i = 0; i < kCalls; ++i)
      call(0, i % 2);
    times[2] = now();
    for (int i = 0; i < kCalls; ++i)
      require(launch(empty, NULL, 0, NULL, NULL));
    times[3] = now();
    double *least[] = {&same, &other, &again};
    for (int i = 0; i < 3; ++i)
      if ((times[i + 1] - times[i]) / kCalls < *least[i])
        *least[i] = (times[i + 1] - times[i]) / kCalls;

    times[0] = now();
    call(kRows, 0);
    times[1] = now();
    require(launch(binding, NULL, 0, NULL, NULL));
    times[2] = now();
    if (times[1] - times[0] < ours)
      ours = times[1] - times[0];
    if (times[2] - times[1] < theirs)
      theirs = times[2] - times[1];
  }
  print("function of a library, tensors of the last call", "us of CPU a call",
        same / 1e3, "goal", 1, "1.0");
  print("function of a library, another tensor in each call",
        "us of CPU a call", other / 1e3, "goal", 1, "1.0");
  print("attn_launch of a binding", "us of CPU a call", again / 1e3, "goal", 1,
        "1.0");
  print("f32 1x8x1024x1024x64, 1 thread, function of a library", "ms of CPU",
        ours / 1e6, "attn_launch of the same artifact", theirs / 1e6, "0.98");
  printf("\n]\n");
  return 0;
}
