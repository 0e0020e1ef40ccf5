// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Names and sizes of element types.
#ifndef ATTN_RUNTIME_SRC_DTYPE_H
#define ATTN_RUNTIME_SRC_DTYPE_H

#include "attn_runtime.h"

namespace attn::runtime {

struct DtypeInfo {
  const char *name;
  size_t size;
};

/// {"none", 0} for a number that is no dtype.
inline DtypeInfo infoOf(attn_dtype dtype) {
  switch (dtype) {
  case ATTN_DTYPE_NONE:
    break;
  case ATTN_DTYPE_F32:
    return {"f32", 4};
  case ATTN_DTYPE_F16:
    return {"f16", 2};
  case ATTN_DTYPE_BF16:
    return {"bf16", 2};
  case ATTN_DTYPE_F64:
    return {"f64", 8};
  case ATTN_DTYPE_I1:
    return {"i1", 1};
  case ATTN_DTYPE_I8:
    return {"i8", 1};
  case ATTN_DTYPE_I32:
    return {"i32", 4};
  case ATTN_DTYPE_I64:
    return {"i64", 8};
  case ATTN_DTYPE_INDEX:
    return {"index", 8};
  }
  return {"none", 0};
}

} // namespace attn::runtime

#endif // ATTN_RUNTIME_SRC_DTYPE_H
