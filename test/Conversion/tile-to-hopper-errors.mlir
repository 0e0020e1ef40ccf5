// RUN: not attn-opt %s --tile-to-hopper="stages=0" 2>&1 | FileCheck %s --check-prefix=STAGES --implicit-check-not=error:
// RUN: not attn-opt %s --tile-to-hopper="head-group=0" 2>&1 | FileCheck %s --check-prefix=GROUP --implicit-check-not=error:
// RUN: not attn-opt %s --tile-to-hopper="shared-bytes=-1" 2>&1 | FileCheck %s --check-prefix=BYTES --implicit-check-not=error:

// STAGES: error: tile-to-hopper: stages = 0 is not in 1 .. 8
// GROUP: error: tile-to-hopper: head-group = 0 is not in 1 .. 16
// BYTES: error: tile-to-hopper: shared-bytes = -1 is not in 0 .. 1048576
module {}
