// What a module says of its machine stays; else a chip's limits are put there.
// RUN: split-file %s %t
// RUN: attn-opt %t/none.mlir --tile-attach-target="target=cuda chip=sm_80" | FileCheck %s --check-prefix=SM80
// RUN: attn-opt %t/none.mlir --tile-attach-target="target=cuda" | FileCheck %s --check-prefix=DEFAULT
// RUN: attn-opt %t/none.mlir --tile-attach-target="target=cpu chip=x86-64-v4" | FileCheck %s --check-prefix=CPU
// RUN: attn-opt %t/none.mlir --tile-attach-target="target=cpu-standard chip=x86-64-v4" | FileCheck %s --check-prefix=CPU
// RUN: attn-opt %t/dlti.mlir --tile-attach-target="target=cpu chip=znver4" | FileCheck %s --check-prefix=FAST
// RUN: attn-opt %t/dlti.mlir --tile-attach-target="target=cpu chip=x86-64-v4" | FileCheck %s --check-prefix=DLTI
// RUN: attn-opt %t/given.mlir --tile-attach-target="target=cuda" | FileCheck %s --check-prefix=GIVEN
// SM80: tile.target = #tile.target<name = "cuda", chip = "sm_80", threads = 1024, subgroup = 32, shared_bytes = 166912, static_shared_bytes = 49152, workers = 108, matrix = mma_sync>
// DEFAULT: chip = "sm_90a", {{.*}}matrix = "mma_sync|wgmma"
// CPU: #tile.target<name = "cpu", chip = "x86-64-v4", vector_bits = 512, vector_registers = 32, l1_bytes = 32768, l2_bytes = 1048576, workers = 128, features = ["avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512dq", "avx512vl"]>
// DLTI: vector_bits = 256, vector_registers = 32, l1_bytes = 49152, l2_bytes = 1048576
// FAST: chip = "znver4", vector_bits = 256{{.*}}fast = "bf16_pairs|l2_loads"
// GIVEN: tile.target = #tile.target<name = "cuda", chip = "mine", threads = 64, workers = 3>

//--- none.mlir
module {}

//--- dlti.mlir
module attributes {dlti.target_system_spec = #dlti.target_system_spec<"CPU" = #dlti.target_device_spec<
    "max_vector_op_width" = 256 : i64, "L1_cache_size_in_bytes" = 49152 : i64>>} {}

//--- given.mlir
module attributes {tile.target = #tile.target<name = "cuda", chip = "mine", threads = 64, workers = 3>} {}
