// RUN: not attn-opt %s --tile-attach-target="target=cuda chip=sm_86" --tile-to-mma="stages=3" 2>&1 | FileCheck %s --check-prefix=STAGES --implicit-check-not=error:
// RUN: not attn-opt %s --tile-attach-target="target=cuda chip=sm_86" --tile-to-mma="warp-rows=24" 2>&1 | FileCheck %s --check-prefix=ROWS --implicit-check-not=error:
// RUN: not attn-opt %s --tile-attach-target="target=cuda chip=sm_86" --tile-to-mma="blocks=0" 2>&1 | FileCheck %s --check-prefix=BLOCKS --implicit-check-not=error:
// RUN: not attn-opt %s --tile-attach-target="target=cuda chip=sm_86" --tile-to-mma="head-group=0" 2>&1 | FileCheck %s --check-prefix=GROUP --implicit-check-not=error:

// STAGES: error: tile-to-mma: stages = 3 is not in 0 .. 2
// ROWS: error: tile-to-mma: warp-rows = 24 is not a multiple of 16 in 0 .. 32
// BLOCKS: error: tile-to-mma: blocks = 0 is not in 1 .. 32
// GROUP: error: tile-to-mma: head-group = 0 is not in 1 .. 16
module {}
