// RUN: not attn-opt %s --tile-to-mma="stages=3" 2>&1 | FileCheck %s --check-prefix=STAGES --implicit-check-not=error:
// RUN: not attn-opt %s --tile-to-mma="warp-rows=48" 2>&1 | FileCheck %s --check-prefix=ROWS --implicit-check-not=error:
// RUN: not attn-opt %s --tile-to-mma="blocks=0" 2>&1 | FileCheck %s --check-prefix=BLOCKS --implicit-check-not=error:
// RUN: not attn-opt %s --tile-to-mma="head-group=0" 2>&1 | FileCheck %s --check-prefix=GROUP --implicit-check-not=error:

// STAGES: error: tile-to-mma: stages must be 0, 1 or 2, {{.+}}; got stages=3 warp-rows=0 blocks=1 head-group=8
// ROWS: error: tile-to-mma: {{.+}} got stages=0 warp-rows=48 blocks=1 head-group=8
// BLOCKS: error: tile-to-mma: {{.+}} got stages=0 warp-rows=0 blocks=0 head-group=8
// GROUP: error: tile-to-mma: {{.+}} got stages=0 warp-rows=0 blocks=1 head-group=0
module {}
