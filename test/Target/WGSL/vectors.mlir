// RUN: attn-translate --kernels-to-wgsl %s | FileCheck %s

// Memory of vectors; elements are read where they are used, from what has a
// name: that of what it is loaded from. Nobody asks for the number of groups.
gpu.module @kernels {
  // CHECK: var<workgroup> [[M:.+]]: array<vec4<f32>, 8>;
  // CHECK: fn vectors(
  // CHECK-NOT: num_workgroups
  // CHECK: var [[SUM:.+]]: vec4<f32> = vec4<f32>(0.0f);
  // CHECK: let [[X:buffer[0-9_]+]] = [[M]]{{.+}};
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

  // A row begins at the same place in each turn of a loop: it has a name before
  // it. runtime/web rewrites the function for memory of vectors.
  // CHECK: fn read_q(base: i32, at: i32) -> vec4<f32> { let n = base + at; return vec4<f32>(q[n], q[n + 1], q[n + 2], q[n + 3]); }
  // CHECK: fn rows(
  // CHECK: let [[FROM:.+]] = {{.+}} * params.pitch;
  // CHECK: for (var
  // CHECK: read_q([[FROM]], [[AT:.+]] * 4)
  gpu.func @rows(%q: memref<f32> loc("q"), %pitch: i32 loc("pitch")) workgroup(%m: memref<8xvector<4xf32>, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c8 = arith.constant 8 : index
    %thread = gpu.thread_id x
    %rows = arith.index_cast %pitch : i32 to index
    %from = arith.muli %thread, %rows : index
    %row = memref.reinterpret_cast %q to offset: [%from], sizes: [32], strides: [1] : memref<f32> to memref<32xf32, strided<[1], offset: ?>>
    scf.for %k = %c0 to %c8 step %c1 {
      %at = arith.muli %k, %c4 : index
      %x = vector.load %row[%at] : memref<32xf32, strided<[1], offset: ?>>, vector<4xf32>
      memref.store %x, %m[%k] : memref<8xvector<4xf32>, #gpu.address_space<workgroup>>
    }
    gpu.return
  }

  // Up to four products are added up in an expression.
  // CHECK: fn sums(
  // CHECK: let [[FOUR:.+]] = fma([[X:[a-z0-9]+]], [[X]], fma([[X]], [[X]], fma([[X]], [[X]], fma([[X]], [[X]], 0.0f))));
  // CHECK: {{buffer[0-9]+}}[1] = fma([[X]], [[X]], [[FOUR]]);
  gpu.func @sums() workgroup(%m: memref<2xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0.0 : f32
    %x = memref.load %m[%c0] : memref<2xf32, #gpu.address_space<workgroup>>
    %s1 = math.fma %x, %x, %zero : f32
    %s2 = math.fma %x, %x, %s1 : f32
    %s3 = math.fma %x, %x, %s2 : f32
    %s4 = math.fma %x, %x, %s3 : f32
    %s5 = math.fma %x, %x, %s4 : f32
    memref.store %s5, %m[%c1] : memref<2xf32, #gpu.address_space<workgroup>>
    gpu.return
  }

  // What a loop carries on is computed before what is read behind it.
  // CHECK: fn carried(
  // CHECK: for (var
  // CHECK: let [[X:.+]] = [[M:.+]][[[K:.+]]];
  // CHECK: let [[FIRST:.+]] = fma([[X]], [[X]], [[ONE:.+]]);
  // CHECK: let [[Y:.+]] = [[M]][[[K]] + 1];
  // CHECK-NOT: let
  // CHECK: fma([[Y]], [[Y]]
  gpu.func @carried() workgroup(%m: memref<9xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c8 = arith.constant 8 : index
    %zero = arith.constant 0.0 : f32
    %sums:2 = scf.for %k = %c0 to %c8 step %c1 iter_args(%s = %zero, %t = %zero) -> (f32, f32) {
      %x = memref.load %m[%k] : memref<9xf32, #gpu.address_space<workgroup>>
      %first = math.fma %x, %x, %s : f32
      %next = arith.addi %k, %c1 : index
      %y = memref.load %m[%next] : memref<9xf32, #gpu.address_space<workgroup>>
      %second = math.fma %y, %y, %t : f32
      scf.yield %first, %second : f32, f32
    }
    %both = arith.addf %sums#0, %sums#1 : f32
    memref.store %both, %m[%c0] : memref<9xf32, #gpu.address_space<workgroup>>
    gpu.return
  }
}
