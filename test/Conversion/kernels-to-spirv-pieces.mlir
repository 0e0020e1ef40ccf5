// 16 bytes of f16 at a time: four words in registers, arrays of them in
// workgroup memory, and a second view of a buffer; votes and barriers of
// subgroups.
// RUN: attn-opt %s --tile-verify-kernel-form --kernels-to-spirv -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: attn-translate --kernels-to-spirv %t.mlir -o %t.spv
// RUN: %if spirv-val %{ %spirv_val --target-env vulkan1.3 %t.spv %}

module attributes {tile.target = #tile.target<name = "vulkan", chip = "c", threads = 256, subgroup = 32, shared_bytes = 32768, static_shared_bytes = 32768, matrix = cooperative, matrix_shape = [16, 16, 16]>} {
gpu.module @kernels {
  // CHECK-LABEL: spirv.module {{.*}}GroupNonUniformVote
  // CHECK-DAG: spirv.GlobalVariable @pieces_0 bind(0, 0) {aliased} : {{.*}}rtarray<f16, stride=2>
  // CHECK-DAG: spirv.GlobalVariable @pieces_0_pieces bind(0, 0) {aliased} : {{.*}}rtarray<vector<4xi32>, stride=16>
  // CHECK-DAG: spirv.GlobalVariable @pieces_1 : !spirv.ptr<!spirv.array<64 x vector<4xi32>>, Workgroup>
  // CHECK-DAG: spirv.GlobalVariable @pieces_2 : !spirv.ptr<!spirv.array<256 x f16>, Workgroup>
  // CHECK: spirv.func @pieces() "None"
  // Where it is bound, in bytes.
  // CHECK: spirv.IMul %{{.+}}, %cst2_i32
  // CHECK: %[[ZERO:.+]] = spirv.Constant dense<0> : vector<4xi32>
  // CHECK: %[[LOADED:.+]] = spirv.Load "StorageBuffer" %{{.+}} : vector<4xi32>
  // CHECK: %[[PAIR:.+]] = spirv.CompositeConstruct %{{.+}}, %{{.+}} : (f16, f16) -> vector<2xf16>
  // CHECK: spirv.Bitcast %[[PAIR]] : vector<2xf16> to i32
  // CHECK: spirv.CompositeConstruct %{{.+}}, %{{.+}}, %{{.+}}, %{{.+}} : (i32, i32, i32, i32) -> vector<4xi32>
  // CHECK: %[[AT:.+]] = spirv.AccessChain %{{.+}}[%{{.+}}] : {{.*}} -> !spirv.ptr<vector<4xi32>, Workgroup>
  // CHECK: spirv.Store "Workgroup" %[[AT]], %{{.+}} ["NonPrivatePointer"] : vector<4xi32>
  // An array that is read by elements, too.
  // CHECK-COUNT-8: spirv.Store "Workgroup" %{{.+}}, %{{.+}} ["NonPrivatePointer"] : f16
  // CHECK: spirv.ControlBarrier <Subgroup>, <Subgroup>, <AcquireRelease|UniformMemory|WorkgroupMemory|MakeAvailable|MakeVisible>
  // Rows are three times 16 bytes apart.
  // CHECK: %[[MATRIX:.+]] = spirv.KHR.CooperativeMatrixLoad %{{.+}}, %cst3_i32{{.*}}, <RowMajor>, <NonPrivatePointer> : !spirv.ptr<vector<4xi32>, Workgroup>
  // CHECK: spirv.KHR.CooperativeMatrixLoad %{{.+}}, %cst16_i32{{.*}}, <RowMajor>, <NonPrivatePointer> : !spirv.ptr<f16, Workgroup>
  // CHECK: spirv.FConvert %{{.+}} : !spirv.coopmatrix<16x16xf32, Subgroup, MatrixAcc> to !spirv.coopmatrix<16x16xf16, Subgroup, MatrixAcc>
  // Numbers are finite.
  // CHECK: %[[FIRST:.+]] = spirv.CompositeExtract %{{.+}}[0 : i32] : !spirv.coopmatrix
  // CHECK-NEXT: %[[GREATER:.+]] = spirv.GL.FMax %[[FIRST]], %{{.+}} : f32
  // CHECK-NEXT: %[[BETWEEN:.+]] = spirv.GL.FMin %[[GREATER]], %{{.+}} : f32
  // CHECK-NEXT: spirv.FOrdGreaterThan %[[BETWEEN]]
  // CHECK: spirv.GroupNonUniformAny <Subgroup> %{{.+}} : i1
  // An element in its word.
  // CHECK: spirv.AccessChain %{{.+}}[%{{.+}}, %{{.+}}] : {{.*}} -> !spirv.ptr<i32, Workgroup>
  gpu.func @pieces(%a: memref<f16>)
      workgroup(%s: memref<512xf16, #gpu.address_space<workgroup>>, %t: memref<256xf16, #gpu.address_space<workgroup>>)
      kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %c16 = arith.constant 16 : index
    %lane = gpu.lane_id
    %subgroup = gpu.subgroup_id : index
    %address = memref.extract_aligned_pointer_as_index %a : memref<f16> -> index
    %rest = arith.remui %address, %c16 : index
    %aligned = arith.cmpi eq, %rest, %c0 : index
    %view = memref.reinterpret_cast %a to offset: [0], sizes: [512], strides: [1] : memref<f16> to memref<512xf16>
    %at = arith.muli %lane, %c8 : index
    %zero = arith.constant dense<0.0> : vector<8xf16>
    %none = arith.constant 0.0 : f32
    %most = arith.constant 1.0 : f32
    %piece = scf.if %aligned -> (vector<8xf16>) {
      %x = vector.load %view[%at] {alignment = 16 : i64} : memref<512xf16>, vector<8xf16>
      scf.yield %x : vector<8xf16>
    } else {
      %e = memref.load %view[%lane] : memref<512xf16>
      %x = vector.from_elements %e, %e, %e, %e, %e, %e, %e, %e : vector<8xf16>
      scf.yield %x : vector<8xf16>
    }
    %carried = scf.for %i = %c0 to %subgroup step %c1 iter_args(%p = %zero) -> (vector<8xf16>) {
      scf.yield %piece : vector<8xf16>
    }
    vector.store %carried, %s[%at] {alignment = 16 : i64} : memref<512xf16, #gpu.address_space<workgroup>>, vector<8xf16>
    vector.store %piece, %t[%at] {alignment = 16 : i64} : memref<256xf16, #gpu.address_space<workgroup>>, vector<8xf16>
    tile.subgroup_barrier
    %m = kernel.load_matrix %s[%c0] stride 24 : memref<512xf16, #gpu.address_space<workgroup>> -> !kernel.matrix<16x16xf16, a>
    %n = kernel.load_matrix %t[%c0] stride 16 : memref<256xf16, #gpu.address_space<workgroup>> -> !kernel.matrix<16x16xf16, b>
    %e = memref.load %t[%lane] : memref<256xf16, #gpu.address_space<workgroup>>
    %c = kernel.fill_matrix %none : !kernel.matrix<16x16xf32, accumulator>
    %d = kernel.multiply_matrices %m, %n, %c : !kernel.matrix<16x16xf16, a>, !kernel.matrix<16x16xf16, b> -> !kernel.matrix<16x16xf32, accumulator>
    %h = kernel.convert_matrix %d : !kernel.matrix<16x16xf32, accumulator> to !kernel.matrix<16x16xf16, accumulator>
    kernel.store_matrix %h, %s[%c0] stride 16 : !kernel.matrix<16x16xf16, accumulator>, memref<512xf16, #gpu.address_space<workgroup>>
    %first = kernel.extract_element %d[0] : !kernel.matrix<16x16xf32, accumulator>
    %greater = arith.maxnumf %first, %none : f32
    %between = arith.minnumf %greater, %most : f32
    %above = arith.cmpf ogt, %between, %none : f32
    %any = gpu.subgroup_reduce or %above : (i1) -> i1
    %w = memref.load %s[%lane] : memref<512xf16, #gpu.address_space<workgroup>>
    scf.if %any {
      memref.store %w, %view[%lane] : memref<512xf16>
      memref.store %e, %t[%lane] : memref<256xf16, #gpu.address_space<workgroup>>
    }
    gpu.return
  }
}
}
