// The machine of a module prints what it has and nothing else.
// RUN: attn-opt %s -split-input-file -verify-roundtrip | FileCheck %s
// CHECK: tile.target = #tile.target<name = "m", chip = "c">
module attributes {tile.target = #tile.target<name = "m", chip = "c">} {}

// -----

// CHECK: tile.target = #tile.target<name = "gpu", chip = "c", threads = 256, subgroup = 32, shared_bytes = 65536, static_shared_bytes = 32768, storage_buffers = 8, workers = 16, matrix = "mma_sync|wgmma">
module attributes {tile.target = #tile.target<name = "gpu", chip = "c", matrix = "wgmma|mma_sync", workers = 16, threads = 256, subgroup = 32,
    static_shared_bytes = 32768, shared_bytes = 65536, storage_buffers = 8>} {}

// -----

// CHECK: tile.target = #tile.target<name = "cpu", chip = "c", vector_bits = 256, vector_registers = 16, l1_bytes = 32768, l2_bytes = 1048576, features = ["avx2"]>
module attributes {tile.target = #tile.target<name = "cpu", chip = "c", vector_bits = 256, vector_registers = 16, l1_bytes = 32768, l2_bytes = 1048576, features = ["avx2"]>} {}

// -----

// CHECK: tile.target = #tile.target<name = "m", chip = "c", lacks = "int64|infinity">
module attributes {tile.target = #tile.target<name = "m", chip = "c", lacks = "infinity|int64">} {}
