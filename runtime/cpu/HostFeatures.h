// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Which instruction-set extensions the CPU and the operating system offer, by
// the names that LLVM gives them.
#ifndef ATTN_RUNTIME_CPU_HOSTFEATURES_H
#define ATTN_RUNTIME_CPU_HOSTFEATURES_H

#include <string>

namespace attn::runtime {

enum class FeatureState { Present, Missing, Unknown };

/// Unknown: a name that this runtime has no test for.
FeatureState hostFeature(const std::string &name);

/// The features present, comma-separated.
std::string hostFeatureList();

/// The processor's name for people.
std::string hostName();

/// Asks the operating system for what it gives only on request (the AMX tile
/// state on Linux). False when it refuses.
bool enableFeature(const std::string &name);

} // namespace attn::runtime

#endif // ATTN_RUNTIME_CPU_HOSTFEATURES_H
