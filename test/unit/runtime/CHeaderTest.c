/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The public header in a C translation unit: every initialiser and struct
 * compiles as C99, and the calls link. Called by BindingTest.cpp, which checks
 * the outcome. */
#include "attn_runtime.h"

/* Runs the program in `data` on `count` numbers; the status of the first call
 * that fails. */
attn_status run_from_c(const void *data, size_t size, const float *in,
                       float *out, int64_t count);

attn_status run_from_c(const void *data, size_t size, const float *in,
                       float *out, int64_t count) {
  attn_context_options options = ATTN_CONTEXT_OPTIONS_INIT;
  attn_context_info info = ATTN_CONTEXT_INFO_INIT;
  attn_argument_info argument = ATTN_ARGUMENT_INFO_INIT;
  attn_result_info result = ATTN_RESULT_INFO_INIT;
  attn_context *context = NULL;
  attn_program *program = NULL;
  attn_binding *binding = NULL;
  attn_tensor tensor;
  attn_status status;

  options.threads = 1;
  status = attn_context_create(&options, &context, NULL);
  if (!status)
    status = attn_context_get_info(context, &info, NULL);
  if (!status)
    status = attn_program_load_memory(context, data, size, &program, NULL);
  if (!status)
    status = attn_program_argument(program, 0, &argument, NULL);
  if (!status)
    status = attn_program_result(program, 0, &result, NULL);
  if (!status)
    status = attn_binding_create(program, &binding, NULL);
  if (!status)
    status =
        attn_tensor_init(&tensor, (void *)in, argument.dtype, 1, &count, NULL);
  if (!status)
    status = attn_binding_set_argument(binding, 0, &tensor, NULL);
  if (!status)
    status = attn_tensor_init(&tensor, out, result.dtype, 1, &count, NULL);
  if (!status)
    status = attn_binding_set_scalar_f32(binding, 1, 3.0f, NULL);
  if (!status)
    status = attn_binding_set_result(binding, 0, &tensor, NULL);
  if (!status)
    status = attn_launch_alloc(binding, NULL, NULL);
  attn_context_destroy(context);
  attn_program_destroy(program);
  attn_binding_destroy(binding);
  return status;
}
