//===- Passes.h - Conversions out of the tile dialect -----------*- C++ -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// All passes that take tile kernels to what targets print or compile, and the
// legalisations of scalar regions that targets share. Each has a header and a
// library of its own.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_CONVERSION_PASSES_H
#define ATTN_CONVERSION_PASSES_H

#include "attn/Conversion/AssignLayouts.h"
#include "attn/Conversion/CPUExpandExp2.h"
#include "attn/Conversion/CPUFloatsAsBits.h"
#include "attn/Conversion/CPUSchedule.h"
#include "attn/Conversion/CUDASchedule.h"
#include "attn/Conversion/ExpandMath.h"
#include "attn/Conversion/FiniteScores.h"
#include "attn/Conversion/GPUSchedule.h"
#include "attn/Conversion/KernelsToSPIRV.h"
#include "attn/Conversion/LayoutToGPU.h"
#include "attn/Conversion/LegalizeKernels.h"
#include "attn/Conversion/MathToNVPTX.h"
#include "attn/Conversion/TileToCPU.h"
#include "attn/Conversion/TileToGPU.h"
#include "attn/Conversion/TileToHopper.h"
#include "attn/Conversion/TileToMMA.h"

namespace attn {
#define GEN_PASS_REGISTRATION
#include "attn/Conversion/Passes.h.inc"
} // namespace attn

#endif // ATTN_CONVERSION_PASSES_H
