/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A C program on libattn_runtime.so: it links, and errors come back with code
 * and message. */
#include "attn_runtime.h"

#include <stdio.h>
#include <string.h>

int main(void) {
  attn_error *error = attn_error_create();
  attn_context *context = NULL;
  attn_program *program = NULL;
  int failures = 0;
  if (attn_context_create(NULL, &context, error) != ATTN_OK) {
    fprintf(stderr, "no context: %s\n", attn_error_message(error));
    ++failures;
  }
  if (attn_program_load_memory(context, "text", 4, &program, error) !=
          ATTN_ERROR_MALFORMED_ARTIFACT ||
      !strstr(attn_error_message(error), "not an attention artifact") ||
      program) {
    fprintf(stderr, "unexpected: %s\n", attn_error_message(error));
    ++failures;
  }
  attn_context_destroy(context);
  attn_error_destroy(error);
  return failures;
}
