// A machine that cannot be is one diagnostic.
// RUN: attn-opt %s -split-input-file -verify-diagnostics

// expected-error@+1 {{a target has a name and a chip}}
module attributes {tile.target = #tile.target<name = "m", chip = "">} {}

// -----

// expected-error@+1 {{vector_bits = 384 is not a power of two in 128 .. 512; 0: the machine has none}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", vector_bits = 384>} {}

// -----

// expected-error@+1 {{vector_registers = -1 is not in 8 .. 64}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", vector_registers = -1>} {}

// -----

// expected-error@+1 {{l1_bytes = 100 is not in 1024 .. 1099511627776}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", l1_bytes = 100>} {}

// -----

// expected-error@+1 {{threads = 2048 is not in 1 .. 1024}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", threads = 2048>} {}

// -----

// expected-error@+1 {{subgroup = 48 is not a power of two in 1 .. 128}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", threads = 64, subgroup = 48>} {}

// -----

// expected-error@+1 {{a subgroup of 64 lanes is more than a block of 32 threads}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", threads = 32, subgroup = 64>} {}

// -----

// expected-error@+1 {{shared_bytes = 2097152 is not in 1 .. 1048576}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", shared_bytes = 2097152>} {}

// -----

// expected-error@+1 {{static_shared_bytes = 8192 is more than shared_bytes = 4096}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", shared_bytes = 4096, static_shared_bytes = 8192>} {}

// -----

// expected-error@+1 {{workers = -1 is not in 1 .. 65536}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", workers = -1>} {}

// -----

// expected-error@+1 {{a feature is a string, not 1 : i64}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", features = [1]>} {}

// -----

// expected-error@+1 {{has the attribute 'tile.target' as "sm_80", which is no #tile.target}}
module attributes {tile.target = "sm_80"} {}

// -----

// expected-error@+1 {{has the attribute 'tile.target', which only a module may have}}
func.func private @f() attributes {tile.target = #tile.target<name = "m", chip = "c">}

// -----

// expected-error@+1 {{matrix_shape is [m, n, k], powers of two, where matrix units are cooperative or amx, and nothing elsewhere}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", matrix = cooperative>} {}

// -----

// expected-error@+1 {{matrix_shape is [m, n, k], powers of two, where matrix units are cooperative or amx, and nothing elsewhere}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", matrix = cooperative, matrix_shape = [16, 16]>} {}

// -----

// expected-error@+1 {{matrix_shape is [m, n, k], powers of two, where matrix units are cooperative or amx, and nothing elsewhere}}
module attributes {tile.target = #tile.target<name = "m", chip = "c", matrix_shape = [16, 16, 16]>} {}
