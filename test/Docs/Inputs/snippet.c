/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a block of C in a page takes as given; run_page.py writes block.h. */
#include "attn_runtime.h"

#include <stdlib.h>

extern attn_context *context;
extern attn_program *program;
extern attn_binding *binding;
extern attn_error *error;
extern int64_t batch, heads, length;
extern float *q_data;
void die(const char *message);
size_t round_up(size_t bytes, size_t alignment);

void snippet(void) {
#include "block.h"
}
