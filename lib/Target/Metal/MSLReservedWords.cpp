//===- MSLReservedWords.cpp - Names that MSL text cannot use --------------===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Keywords of C++14 and of the Metal Shading Language, macros of its library,
// and what `using namespace metal` brings along.
//
//===----------------------------------------------------------------------===//

#include "MSLReservedWords.h"

#include "attn/Support/ReservedWords.h"

using namespace llvm;

/// Of C++ where its place tells, or of C, and kept by Metal's compiler.
static constexpr StringLiteral kKeywords =
    "final import module override typeof";

/// Of MSL: address spaces, functions, attributes that are words.
static constexpr StringLiteral kQualifiers =
    "kernel vertex fragment visible device constant thread threadgroup "
    "threadgroup_imageblock ray_data object_data mesh intersection extern "
    "half bfloat uchar ushort uint ulong uint8_t uint16_t uint32_t uint64_t "
    "int8_t int16_t int32_t int64_t size_t ptrdiff_t uintptr_t intptr_t "
    "unsigned_char unsigned_short unsigned_int as_type metal std simd main "
    "access address_space";

/// Types of the library.
static constexpr StringLiteral kTypes =
    "bool2 bool3 bool4 char2 char3 char4 uchar2 uchar3 uchar4 short2 short3 "
    "short4 ushort2 ushort3 ushort4 int2 int3 int4 uint2 uint3 uint4 long2 "
    "long3 long4 ulong2 ulong3 ulong4 half2 half3 half4 bfloat2 bfloat3 "
    "bfloat4 float2 float3 float4 vec matrix packed_vec "
    "half2x2 half2x3 half2x4 half3x2 half3x3 half3x4 half4x2 half4x3 half4x4 "
    "float2x2 float2x3 float2x4 float3x2 float3x3 float3x4 float4x2 float4x3 "
    "float4x4 packed_char2 packed_char3 packed_char4 packed_uchar2 "
    "packed_uchar3 packed_uchar4 packed_short2 packed_short3 packed_short4 "
    "packed_ushort2 packed_ushort3 packed_ushort4 packed_int2 packed_int3 "
    "packed_int4 packed_uint2 packed_uint3 packed_uint4 packed_long2 "
    "packed_long3 packed_long4 packed_half2 packed_half3 packed_half4 "
    "packed_bfloat2 packed_bfloat3 packed_bfloat4 packed_float2 packed_float3 "
    "packed_float4 atomic atomic_int atomic_uint atomic_bool atomic_ulong "
    "atomic_float simdgroup_matrix simdgroup_half8x8 simdgroup_bfloat8x8 "
    "simdgroup_float8x8 sampler texture1d texture1d_array texture2d "
    "texture2d_array texture2d_ms texture2d_ms_array texture3d texturecube "
    "texturecube_array texture_buffer depth2d depth2d_array depth2d_ms "
    "depth2d_ms_array depthcube depthcube_array imageblock visible_function_"
    "table tensor array array_ref tuple pair optional numeric_limits "
    "memory_order memory_order_relaxed mem_flags thread_scope true_type "
    "false_type integral_constant enable_if enable_if_t is_same is_same_v "
    "conditional conditional_t remove_cv make_signed make_unsigned rgba8unorm "
    "srgba8unorm rgb10a2 rg11b10f rgb9e5 r8unorm r16float";

/// Functions of the library.
static constexpr StringLiteral kFunctions =
    "abs absdiff acos acosh addsat all any asin asinh atan atan2 atanh ceil "
    "clamp clz copysign cos cosh cospi cross ctz degrees determinant distance "
    "distance_squared divide dot exp exp10 exp2 extract_bits fabs faceforward "
    "fast fdim floor fma fmax fmax3 fmedian3 fmin fmin3 fmod fract frexp hadd "
    "ilogb insert_bits isfinite isinf isnan isnormal isordered isunordered "
    "ldexp length length_squared log log10 log2 mad24 madhi madsat max max3 "
    "median3 min min3 mix modf mul24 mulhi nan nextafter normalize not_equal "
    "popcount pow powr precise radians reflect refract remainder reverse_bits "
    "rhadd rint rotate round rsqrt saturate select sign signbit sin sincos "
    "sinh sinpi smoothstep sqrt step subsat tan tanh tanpi transpose trunc "
    "pack_float_to_snorm4x8 pack_float_to_unorm4x8 unpack_snorm4x8_to_float "
    "unpack_unorm4x8_to_float swap move forward dfdx dfdy fwidth "
    "threadgroup_barrier simdgroup_barrier simdgroup_load simdgroup_store "
    "simdgroup_multiply simdgroup_multiply_accumulate simdgroup_async_copy "
    "make_filled_simdgroup_matrix simd_active_threads_mask simd_all simd_and "
    "simd_any simd_ballot simd_broadcast simd_broadcast_first simd_is_first "
    "simd_is_helper_thread simd_max simd_min simd_or simd_prefix_exclusive_"
    "product simd_prefix_exclusive_sum simd_prefix_inclusive_product "
    "simd_prefix_inclusive_sum simd_product simd_shuffle simd_shuffle_and_"
    "fill_down simd_shuffle_and_fill_up simd_shuffle_down simd_shuffle_rotate_"
    "down simd_shuffle_rotate_up simd_shuffle_up simd_shuffle_xor simd_sum "
    "simd_vote simd_xor quad_all quad_any quad_ballot quad_broadcast quad_max "
    "quad_min quad_shuffle quad_shuffle_xor quad_sum atomic_compare_exchange_"
    "weak_explicit atomic_exchange_explicit atomic_fetch_add_explicit "
    "atomic_fetch_and_explicit atomic_fetch_max_explicit atomic_fetch_min_"
    "explicit atomic_fetch_or_explicit atomic_fetch_sub_explicit "
    "atomic_fetch_xor_explicit atomic_load_explicit atomic_store_explicit "
    "atomic_thread_fence acquire relaxed function_constant coord filter "
    "read write read_write sample";

/// Macros, which no scope hides.
static constexpr StringLiteral kMacros =
    "CHAR_BIT CHAR_MAX CHAR_MIN SCHAR_MAX SCHAR_MIN UCHAR_MAX SHRT_MAX "
    "SHRT_MIN USHRT_MAX INT_MAX INT_MIN UINT_MAX LONG_MAX LONG_MIN ULONG_MAX "
    "LLONG_MAX LLONG_MIN ULLONG_MAX FLT_DIG FLT_MANT_DIG FLT_MAX_10_EXP "
    "FLT_MAX_EXP FLT_MIN_10_EXP FLT_MIN_EXP FLT_RADIX FLT_MAX FLT_MIN "
    "FLT_EPSILON FP_ILOGB0 FP_ILOGBNAN HALF_DIG HALF_MANT_DIG HALF_MAX_10_EXP "
    "HALF_MAX_EXP HALF_MIN_10_EXP HALF_MIN_EXP HALF_RADIX HALF_MAX HALF_MIN "
    "HALF_EPSILON MAXFLOAT MAXHALF HUGE_VALF HUGE_VALH HUGE_VAL INFINITY NAN "
    "NULL M_E_F M_LOG2E_F M_LOG10E_F M_LN2_F M_LN10_F M_PI_F M_PI_2_F M_PI_4_F "
    "M_1_PI_F M_2_PI_F M_2_SQRTPI_F M_SQRT2_F M_SQRT1_2_F M_E_H M_LOG2E_H "
    "M_LOG10E_H M_LN2_H M_LN10_H M_PI_H M_PI_2_H M_PI_4_H M_1_PI_H M_2_PI_H "
    "M_2_SQRTPI_H M_SQRT2_H M_SQRT1_2_H assert static_assert offsetof TRUE "
    "FALSE";

bool attn::isReservedInMSL(StringRef name) {
  static const StringSet<> words = splitWords(
      {kCppKeywords, kKeywords, kQualifiers, kTypes, kFunctions, kMacros});
  // Names with two underscores are the compiler's.
  return words.contains(name) || name.contains("__");
}
