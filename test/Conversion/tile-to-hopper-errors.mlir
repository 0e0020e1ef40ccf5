// RUN: not attn-opt %s --tile-attach-target="target=cuda chip=sm_90a" --tile-to-hopper="stages=0" 2>&1 | FileCheck %s --check-prefix=STAGES --implicit-check-not=error:
// RUN: not attn-opt %s --tile-attach-target="target=cuda chip=sm_90a" --tile-to-hopper="head-group=0" 2>&1 | FileCheck %s --check-prefix=GROUP --implicit-check-not=error:

// STAGES: {{:[1-9][0-9]*:[0-9]+}}: error: tile-to-hopper: stages = 0 is not in 1 .. 8
// GROUP: error: tile-to-hopper: head-group = 0 is not in 1 .. 16
module {}
