// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Conversions between float and the 16-bit formats, by their bits. To 16 bits
// they round to nearest, ties to even, as the hardware does; NaN stays NaN
// (quiet, sign kept), overflow becomes infinity, denormals are kept. From 16
// bits they are exact.
#ifndef ATTN_RUNTIME_HALF_H
#define ATTN_RUNTIME_HALF_H

#include <cstdint>

namespace attn::runtime {

/// IEEE binary16.
uint16_t floatToHalf(float value);
float halfToFloat(uint16_t bits);

/// bfloat16: the upper half of a binary32.
uint16_t floatToBfloat16(float value);
float bfloat16ToFloat(uint16_t bits);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_HALF_H
