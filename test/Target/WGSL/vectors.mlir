// RUN: attn-translate --kernels-to-wgsl %s | FileCheck %s

// Memory of vectors; elements are read where they are used, from what has a
// name.
gpu.module @kernels {
  // CHECK: var<workgroup> [[M:.+]]: array<vec4<f32>, 8>;
  // CHECK: fn vectors(
  // CHECK: var [[SUM:.+]]: vec4<f32> = vec4<f32>(0.0f);
  // CHECK: let [[X:.+]] = [[M]]{{.+}};
  // CHECK: [[SUM]] = fma(vec4<f32>([[X]].y), [[X]], [[SUM]]);
  // CHECK: [[M]][0] = vec4<f32>([[SUM]].x, 1.0f, [[SUM]].z, 2.0f);
  gpu.func @vectors() workgroup(%m: memref<8xvector<4xf32>, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %one = arith.constant 1.0 : f32
    %two = arith.constant 2.0 : f32
    %zero = arith.constant dense<0.0> : vector<4xf32>
    %sum = scf.for %k = %c0 to %c8 step %c1 iter_args(%s = %zero) -> (vector<4xf32>) {
      %x = memref.load %m[%k] : memref<8xvector<4xf32>, #gpu.address_space<workgroup>>
      %y = vector.extract %x[1] : f32 from vector<4xf32>
      %all = vector.broadcast %y : f32 to vector<4xf32>
      %next = math.fma %all, %x, %s : vector<4xf32>
      scf.yield %next : vector<4xf32>
    }
    %a = vector.extract %sum[0] : f32 from vector<4xf32>
    %b = vector.extract %sum[2] : f32 from vector<4xf32>
    %v = vector.from_elements %a, %one, %b, %two : vector<4xf32>
    memref.store %v, %m[%c0] : memref<8xvector<4xf32>, #gpu.address_space<workgroup>>
    gpu.return
  }
}
