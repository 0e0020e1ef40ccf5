// Where matrix units multiply bf16, it is a type of memory, fragments and
// conversions, as f16 is, and nobody moves its bits. What is read of a word is
// rounded from an f32 that has its bits; parameters are bits. What else becomes
// bf16 is rounded by integer arithmetic, to the nearest even: drivers may convert
// as they like, and some truncate, so that a weight of 1 - 2^-24 loses 2^-8.
// RUN: attn-opt %s --tile-verify-kernel-form --tile-widen-small-integers --tile-verify-kernel-form=legal --kernels-to-spirv -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: attn-translate --kernels-to-spirv %t.mlir -o %t.spv
// RUN: %if spirv-val %{ %spirv_val --target-env vulkan1.3 %t.spv %}

module attributes {tile.target = #tile.target<name = "vulkan", chip = "c", threads = 256, subgroup = 32, shared_bytes = 32768, static_shared_bytes = 32768, matrix = cooperative, matrix_shape = [16, 16, 16], features = ["matrix-bf16"], lacks = small_int>} {
gpu.module @kernels {
  // CHECK-LABEL: spirv.module {{.*}}BFloat16TypeKHR, BFloat16CooperativeMatrixKHR{{.*}}[SPV_KHR_cooperative_matrix, SPV_KHR_bfloat16]
  // CHECK-DAG: spirv.GlobalVariable @pieces_0 bind(0, 0) {aliased} : {{.*}}rtarray<bf16, stride=2>
  // CHECK-DAG: spirv.GlobalVariable @pieces_0_pieces bind(0, 0) {aliased} : {{.*}}rtarray<vector<4xi32>, stride=16>
  // CHECK-DAG: spirv.GlobalVariable @pieces_2 : !spirv.ptr<!spirv.array<64 x vector<4xi32>>, Workgroup>
  // CHECK-DAG: spirv.GlobalVariable @pieces_3 : !spirv.ptr<!spirv.array<256 x bf16>, Workgroup>
  // CHECK: spirv.func @pieces() "None"
  // A parameter.
  // CHECK: %[[BITS:.+]] = spirv.ShiftLeftLogical
  // CHECK: %[[SINGLE:.+]] = spirv.Bitcast %[[BITS]] : i32 to f32
  // CHECK: spirv.FConvert %[[SINGLE]] : f32 to bf16
  // CHECK: %[[PAIR:.+]] = spirv.CompositeConstruct %{{.+}}, %{{.+}} : (bf16, bf16) -> vector<2xbf16>
  // CHECK: spirv.Bitcast %[[PAIR]] : vector<2xbf16> to i32
  // CHECK: spirv.Store "Workgroup" %{{.+}}, %{{.+}} ["NonPrivatePointer"] : vector<4xi32>
  // CHECK-COUNT-8: spirv.Store "Workgroup" %{{.+}}, %{{.+}} ["NonPrivatePointer"] : bf16
  // CHECK: spirv.KHR.CooperativeMatrixLoad {{.*}} : !spirv.ptr<vector<4xi32>, Workgroup>, i32 -> !spirv.coopmatrix<16x16xbf16, Subgroup, MatrixA>
  // CHECK: spirv.KHR.CooperativeMatrixLoad {{.*}} : !spirv.ptr<bf16, Workgroup>, i32 -> !spirv.coopmatrix<16x16xbf16, Subgroup, MatrixB>
  // CHECK: spirv.KHR.CooperativeMatrixMulAdd {{.*}} -> !spirv.coopmatrix<16x16xf32, Subgroup, MatrixAcc>
  // An element of an accumulator becomes one of a factor.
  // CHECK: %[[ELEMENT:.+]] = spirv.CompositeExtract %{{.+}}[3 : i32] : !spirv.coopmatrix<16x16xf32
  // CHECK: %[[BITS:.+]] = spirv.Bitcast %[[ELEMENT]] : f32 to i32
  // CHECK: %[[MAGNITUDE:.+]] = spirv.BitwiseAnd %[[BITS]], %cst2147483647_i32
  // CHECK: %[[NAN:.+]] = spirv.UGreaterThanEqual %[[MAGNITUDE]], %cst2139095041_i32
  // CHECK: %[[HIGH:.+]] = spirv.ShiftRightLogical %[[BITS]], %cst16_i32
  // CHECK: %[[ODD:.+]] = spirv.BitwiseAnd %[[HIGH]], %cst1_i32
  // CHECK: %[[HALF:.+]] = spirv.IAdd %[[BITS]], %cst32767_i32
  // CHECK: %[[SUM:.+]] = spirv.IAdd %[[HALF]], %[[ODD]]
  // CHECK: %[[UPPER:.+]] = spirv.ShiftRightLogical %[[SUM]], %cst16_i32
  // CHECK: %[[NEAREST:.+]] = spirv.Select %[[NAN]], %cst32704_i32{{.*}}, %[[UPPER]]
  // CHECK: %[[ROUNDED:.+]] = spirv.ShiftLeftLogical %[[NEAREST]], %cst16_i32
  // CHECK: %[[EXACT:.+]] = spirv.Bitcast %[[ROUNDED]] : i32 to f32
  // CHECK: %[[SMALL:.+]] = spirv.FConvert %[[EXACT]] : f32 to bf16
  // CHECK: spirv.CompositeInsert %[[SMALL]], %{{.+}}[3 : i32] : bf16 into !spirv.coopmatrix<16x16xbf16, Subgroup, MatrixA>
  // All eight elements of a lane, before their matrix is converted.
  // CHECK: %[[SUMS:.+]] = spirv.KHR.CooperativeMatrixMulAdd
  // CHECK: %[[FIRST:.+]] = spirv.CompositeExtract %[[SUMS]][0 : i32]
  // CHECK: spirv.Bitcast %[[FIRST]] : f32 to i32
  // CHECK: spirv.CompositeInsert %{{.+}}, %[[SUMS]][0 : i32]
  // CHECK: %[[LAST:.+]] = spirv.CompositeExtract %[[SUMS]][7 : i32]
  // CHECK: %[[LASTBITS:.+]] = spirv.Bitcast %[[LAST]] : f32 to i32
  // CHECK: spirv.IAdd %[[LASTBITS]], %cst32767_i32
  // CHECK: %[[LASTROUNDED:.+]] = spirv.Bitcast %{{.+}} : i32 to f32
  // CHECK: %[[NUMBERS:.+]] = spirv.CompositeInsert %[[LASTROUNDED]], %{{.+}}[7 : i32]
  // CHECK: spirv.FConvert %[[NUMBERS]] : {{.+}} to !spirv.coopmatrix<16x16xbf16, Subgroup, MatrixAcc>
  // Lanes exchange 32 bits.
  // CHECK: %[[WIDE:.+]] = spirv.FConvert %{{.+}} : bf16 to f32
  // CHECK: %[[OTHER:.+]] = spirv.GroupNonUniformShuffleXor <Subgroup> %[[WIDE]], %{{.+}} : f32
  // CHECK: %[[NARROW:.+]] = spirv.FConvert %[[OTHER]] : f32 to bf16
  // CHECK: spirv.Store "StorageBuffer" %{{.+}}, %[[NARROW]] {{.*}}: bf16
  gpu.func @pieces(%a: memref<bf16>, %factor: bf16)
      workgroup(%s: memref<512xbf16, #gpu.address_space<workgroup>>, %t: memref<256xbf16, #gpu.address_space<workgroup>>)
      kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c8 = arith.constant 8 : index
    %i1 = arith.constant 1 : i32
    %i32 = arith.constant 32 : i32
    %none = arith.constant 0.0 : f32
    %subgroup = gpu.subgroup_id : index
    %lane = gpu.lane_id
    %view = memref.reinterpret_cast %a to offset: [0], sizes: [512], strides: [1] : memref<bf16> to memref<512xbf16>
    %first = memref.load %view[%lane] : memref<512xbf16>
    %x = vector.from_elements %first, %factor, %first, %first, %first, %first, %first, %first : vector<8xbf16>
    %piece = vector.load %view[%c8] {alignment = 16 : i64} : memref<512xbf16>, vector<8xbf16>
    vector.store %x, %s[%c0] {alignment = 16 : i64} : memref<512xbf16, #gpu.address_space<workgroup>>, vector<8xbf16>
    vector.store %piece, %t[%c8] {alignment = 16 : i64} : memref<256xbf16, #gpu.address_space<workgroup>>, vector<8xbf16>
    tile.subgroup_barrier
    %m = kernel.load_matrix %s[%c0] stride 24 : memref<512xbf16, #gpu.address_space<workgroup>> -> !kernel.matrix<16x16xbf16, a>
    %n = kernel.load_matrix %t[%c0] stride 16 : memref<256xbf16, #gpu.address_space<workgroup>> -> !kernel.matrix<16x16xbf16, b>
    %c = kernel.fill_matrix %none : !kernel.matrix<16x16xf32, accumulator>
    %d = kernel.multiply_matrices %m, %n, %c : !kernel.matrix<16x16xbf16, a>, !kernel.matrix<16x16xbf16, b> -> !kernel.matrix<16x16xf32, accumulator>
    %e = kernel.extract_element %d[3] : !kernel.matrix<16x16xf32, accumulator>
    %b = arith.truncf %e : f32 to bf16
    %f = kernel.insert_element %b, %m[3] : !kernel.matrix<16x16xbf16, a>
    %g = kernel.multiply_matrices %f, %n, %d : !kernel.matrix<16x16xbf16, a>, !kernel.matrix<16x16xbf16, b> -> !kernel.matrix<16x16xf32, accumulator>
    %h = kernel.convert_matrix %g : !kernel.matrix<16x16xf32, accumulator> to !kernel.matrix<16x16xbf16, accumulator>
    kernel.store_matrix %h, %s[%c0] stride 16 : !kernel.matrix<16x16xbf16, accumulator>, memref<512xbf16, #gpu.address_space<workgroup>>
    gpu.barrier
    %w = memref.load %s[%lane] : memref<512xbf16, #gpu.address_space<workgroup>>
    %u = memref.load %t[%lane] : memref<256xbf16, #gpu.address_space<workgroup>>
    memref.store %w, %t[%lane] : memref<256xbf16, #gpu.address_space<workgroup>>
    %o, %valid = gpu.shuffle xor %u, %i1, %i32 : bf16
    memref.store %o, %view[%lane] : memref<512xbf16>
    gpu.return
  }
}
}
