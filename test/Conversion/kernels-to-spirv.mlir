// RUN: attn-opt %s --kernels-to-spirv -o %t.mlir
// RUN: FileCheck %s --input-file=%t.mlir
// RUN: FileCheck %s --input-file=%t.mlir --check-prefix=LAUNCH
// RUN: attn-translate --kernels-to-spirv %t.mlir -o %t.spv
// RUN: %if spirv-val %{ %spirv_val %t.spv %}

gpu.module @kernels {
  // Buffers and scalars share one numbering of 32-bit fields, after the six of
  // the grid; a buffer's is its base, which every access adds.
  // CHECK-LABEL: spirv.module @__spv__kernels Logical GLSL450 requires #spirv.vce<v1.3, [Shader], []>
  // CHECK-DAG: spirv.GlobalVariable @scale_0_x bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>
  // CHECK-DAG: spirv.GlobalVariable @scale_3 bind(0, 1) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<i32, stride=4> [0])>, StorageBuffer>
  // CHECK-DAG: spirv.GlobalVariable @scale_dispatch : !spirv.ptr<!spirv.struct<(i32 [0], i32 [4], i32 [8], i32 [12], i32 [16], i32 [20], i32 [24], f32 [28], i32 [32], i32 [36], i32 [40])>, PushConstant>
  // CHECK: spirv.func @scale() "None"
  // CHECK: %[[DISPATCH:.+]] = spirv.mlir.addressof @scale_dispatch
  // CHECK: %[[SIX:.+]] = spirv.Constant 6 : i32
  // CHECK: %[[AT_BASE:.+]] = spirv.AccessChain %[[DISPATCH]][%[[SIX]]]
  // CHECK: %[[BASE:.+]] = spirv.Load "PushConstant" %[[AT_BASE]] : i32
  // CHECK: %[[SEVEN:.+]] = spirv.Constant 7 : i32
  // CHECK: %[[AT_FACTOR:.+]] = spirv.AccessChain %[[DISPATCH]][%[[SEVEN]]]
  // CHECK: %[[FACTOR:.+]] = spirv.Load "PushConstant" %[[AT_FACTOR]] : f32
  // CHECK: %[[NINE:.+]] = spirv.Constant 9 : i32
  // CHECK: spirv.AccessChain %[[DISPATCH]][%[[NINE]]]
  // An i1 comes as a number.
  // CHECK: %[[KEEP:.+]] = spirv.INotEqual
  // CHECK: %[[LANE:.+]] = spirv.CompositeExtract %{{.+}}[0 : i32] : vector<3xi32>
  // CHECK: %[[INDEX:.+]] = spirv.IAdd %[[LANE]], %[[BASE]] : i32
  // CHECK: %[[FROM:.+]] = spirv.AccessChain %{{.+}}[%{{.+}}, %[[INDEX]]]
  // CHECK: %[[X:.+]] = spirv.Load "StorageBuffer" %[[FROM]] : f32
  // CHECK: %[[Y:.+]] = spirv.GL.Exp2 %[[X]] : f32
  // CHECK: %[[Z:.+]] = spirv.GL.Log2 %[[Y]] : f32
  // CHECK: %[[W:.+]] = spirv.FMul %[[Z]], %[[FACTOR]] : f32
  // CHECK: %[[CHOSEN:.+]] = spirv.Select %[[KEEP]], %[[W]], %[[X]] : i1, f32
  // CHECK: spirv.Store "StorageBuffer" %{{.+}}, %[[CHOSEN]] : f32
  // CHECK: spirv.Return
  // CHECK: spirv.EntryPoint "GLCompute" @scale, @__builtin__LocalInvocationId__
  // CHECK-NEXT: spirv.ExecutionMode @scale "LocalSize", 32, 1, 1
  gpu.func @scale(%x: memref<f32> loc("x"), %factor: f32, %unused: index, %n: memref<i32>, %keep: i1) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %x to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    %v = memref.load %m[%t] : memref<32xf32>
    %e = math.exp2 %v : f32
    %l = math.log2 %e : f32
    %p = arith.mulf %l, %factor : f32
    %s = arith.select %keep, %p, %v : f32
    memref.store %s, %m[%t] : memref<32xf32>
    %k = memref.reinterpret_cast %n to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %i = arith.index_cast %t : index to i32
    memref.store %i, %k[%t] : memref<32xi32>
    gpu.return
  }

  // A group is numbered from the dispatch's first one, the grid has its extents
  // whatever the dispatch has; views may have an offset.
  // CHECK: spirv.func @grid() "None"
  // CHECK: %[[GROUP:.+]] = spirv.CompositeExtract %{{.+}}[1 : i32] : vector<3xi32>
  // CHECK: %[[ONE:.+]] = spirv.Constant 1 : i32
  // CHECK: %[[AT:.+]] = spirv.AccessChain %{{.+}}[%[[ONE]]]
  // CHECK: %[[FIRST:.+]] = spirv.Load "PushConstant" %[[AT]] : i32
  // CHECK: %[[ID:.+]] = spirv.IAdd %[[GROUP]], %[[FIRST]] : i32
  // CHECK: %[[FIVE:.+]] = spirv.Constant 5 : i32
  // CHECK: %[[AT:.+]] = spirv.AccessChain %{{.+}}[%[[FIVE]]]
  // CHECK: %[[EXTENT:.+]] = spirv.Load "PushConstant" %[[AT]] : i32
  // CHECK: %[[OFFSET:.+]] = spirv.IAdd %[[ID]], %[[EXTENT]] : i32
  // CHECK: spirv.IAdd %[[OFFSET]],
  // CHECK: spirv.EntryPoint "GLCompute" @grid, @__builtin__WorkgroupId__
  gpu.func @grid(%x: memref<f32>) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
    %c0 = arith.constant 0.0 : f32
    %y = gpu.block_id y
    %z = gpu.grid_dim z
    %m = memref.reinterpret_cast %x to offset: [%z], sizes: [32], strides: [1] : memref<f32> to memref<32xf32, strided<[1], offset: ?>>
    memref.store %c0, %m[%y] : memref<32xf32, strided<[1], offset: ?>>
    gpu.return
  }

  // Only where a kernel reads what it writes does a barrier order buffers.
  // CHECK: spirv.GlobalVariable @exchange_2 : !spirv.ptr<!spirv.array<64 x i32>, Workgroup>
  // CHECK: spirv.func @exchange() "None"
  // CHECK: spirv.Variable : !spirv.ptr<!spirv.array<4 x f32>, Function>
  // CHECK: spirv.ControlBarrier <Workgroup>, <Workgroup>, <AcquireRelease|WorkgroupMemory>
  // Drivers would unroll.
  // CHECK: spirv.mlir.loop control(DontUnroll)
  gpu.func @exchange(%a: memref<f32>, %b: memref<f32>) workgroup(%shared: memref<64xindex, #gpu.address_space<workgroup>>) private(%mine: memref<4xf32, #gpu.address_space<private>>) kernel attributes {known_block_size = array<i32: 64, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c4 = arith.constant 4 : index
    %c63 = arith.constant 63 : index
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [64], strides: [1] : memref<f32> to memref<64xf32>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [64], strides: [1] : memref<f32> to memref<64xf32>
    %t = gpu.thread_id x
    memref.store %t, %shared[%t] : memref<64xindex, #gpu.address_space<workgroup>>
    gpu.barrier
    %r = arith.subi %c63, %t : index
    %i = memref.load %shared[%r] : memref<64xindex, #gpu.address_space<workgroup>>
    %v = memref.load %from[%i] : memref<64xf32>
    scf.for %k = %c0 to %c4 step %c1 {
      memref.store %v, %mine[%k] : memref<4xf32, #gpu.address_space<private>>
    }
    %w = memref.load %mine[%c1] : memref<4xf32, #gpu.address_space<private>>
    memref.store %w, %to[%t] : memref<64xf32>
    gpu.return
  }
  // CHECK: spirv.func @in_place() "None"
  // CHECK: spirv.ControlBarrier <Workgroup>, <Workgroup>, <AcquireRelease|UniformMemory|WorkgroupMemory>
  gpu.func @in_place(%a: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c31 = arith.constant 31 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    %r = arith.subi %c31, %t : index
    %x = memref.load %m[%r] : memref<32xf32>
    gpu.barrier
    memref.store %x, %m[%t] : memref<32xf32>
    gpu.return
  }

  // The result of a loop without iterations is what it begins with: it is stored
  // ahead of the loop, too.
  // CHECK: spirv.func @sum() "None"
  // CHECK: %[[FIRST:.+]] = spirv.Load "StorageBuffer"
  // CHECK: %[[RESULT:.+]] = spirv.Variable : !spirv.ptr<f32, Function>
  // CHECK: spirv.Store "Function" %[[RESULT]], %[[FIRST]]
  // CHECK: spirv.mlir.loop
  // CHECK: spirv.Branch ^bb1({{.*}}, %[[FIRST]] : i32, f32)
  // CHECK: %[[NEXT:.+]] = spirv.FAdd
  // CHECK: spirv.Store "Function" %[[RESULT]], %[[NEXT]]
  // CHECK: spirv.Load "Function" %[[RESULT]]
  gpu.func @sum(%a: memref<f32>, %n: index) kernel attributes {known_block_size = array<i32: 1, 1, 1>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %first = memref.load %m[%c0] : memref<32xf32>
    %all = scf.for %k = %c0 to %n step %c1 iter_args(%sum = %first) -> (f32) {
      %x = memref.load %m[%k] : memref<32xf32>
      %next = arith.addf %sum, %x : f32
      scf.yield %next : f32
    }
    memref.store %all, %m[%c0] : memref<32xf32>
    gpu.return
  }

  // Neighbours that begin at a multiple of 16 bytes are loaded together. The
  // launch is asked for the address, and for the stride where that tells.
  // CHECK-DAG: spirv.GlobalVariable @wide_0 bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<f32, stride=4> [0])>, StorageBuffer>
  // CHECK-DAG: spirv.GlobalVariable @wide_0_pieces bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<vector<4xi32>, stride=16> [0])>, StorageBuffer>
  // CHECK: spirv.func @wide() "None"
  // CHECK: %[[TWO:.+]] = spirv.Constant 2 : i32
  // CHECK: %[[FOUR:.+]] = spirv.ShiftRightLogical %{{.+}}, %[[TWO]]
  // CHECK: %[[AT:.+]] = spirv.AccessChain %{{.+}}[%{{.+}}, %[[FOUR]]]
  // CHECK: %[[WORDS:.+]] = spirv.Load "StorageBuffer" %[[AT]] : vector<4xi32>
  // CHECK: %[[WORD:.+]] = spirv.CompositeExtract %[[WORDS]][1 : i32]
  // CHECK: %[[B:.+]] = spirv.Bitcast %[[WORD]] : i32 to f32
  // CHECK: spirv.FAdd %{{.+}}, %[[B]]
  // Without the first, the others are loads of their own.
  // CHECK-COUNT-3: spirv.Load "StorageBuffer" %{{.+}} : f32
  gpu.func @wide(%a: memref<f32>, %b: memref<f32>, %stride: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>, #tile.operand<1>, #tile.operand<2>], grid = points, threads = 32>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c3 = arith.constant 3 : i32
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [4096], strides: [1] : memref<f32> to memref<4096xf32>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [64], strides: [1] : memref<f32> to memref<64xf32>
    %t = gpu.thread_id x
    %n = arith.index_cast %t : index to i32
    %row = arith.muli %n, %stride : i32
    %i0 = arith.index_cast %row : i32 to index
    %n1 = arith.addi %row, %c1 : i32
    %i1 = arith.index_cast %n1 : i32 to index
    %n2 = arith.addi %row, %c2 : i32
    %i2 = arith.index_cast %n2 : i32 to index
    %n3 = arith.addi %row, %c3 : i32
    %i3 = arith.index_cast %n3 : i32 to index
    %x0 = memref.load %from[%i0] : memref<4096xf32>
    %x1 = memref.load %from[%i1] : memref<4096xf32>
    %x2 = memref.load %from[%i2] : memref<4096xf32>
    %x3 = memref.load %from[%i3] : memref<4096xf32>
    %s1 = arith.addf %x0, %x1 : f32
    %s2 = arith.addf %s1, %x2 : f32
    %s3 = arith.addf %s2, %x3 : f32
    %y1 = memref.load %from[%t] : memref<4096xf32>
    %m1 = arith.addi %n, %c1 : i32
    %j1 = arith.index_cast %m1 : i32 to index
    %y2 = memref.load %from[%j1] : memref<4096xf32>
    %m2 = arith.addi %n, %c2 : i32
    %j2 = arith.index_cast %m2 : i32 to index
    %y3 = memref.load %from[%j2] : memref<4096xf32>
    %s4 = arith.addf %s3, %y1 : f32
    %s5 = arith.addf %s4, %y2 : f32
    %s6 = arith.addf %s5, %y3 : f32
    memref.store %s6, %to[%c0] : memref<64xf32>
    gpu.return
  }
  // LAUNCH: gpu.func @wide
  // LAUNCH-SAME: parameters = [#tile.operand<0, multiple = 16>, #tile.operand<1>, #tile.operand<2, multiple = 4>]

  // What is given up for zero under one condition is chosen by words.
  // CHECK: spirv.func @zeros() "None"
  // CHECK: %[[WORDS:.+]] = spirv.Load "StorageBuffer" %{{.+}} : vector<4xi32>
  // CHECK-COUNT-4: spirv.Select %{{.+}}, %{{.+}}, %{{.+}} : i1, i32
  // CHECK-NOT: spirv.Select
  // CHECK: spirv.Return
  // Under another one, or something else than zero, it is not.
  // CHECK: spirv.func @others() "None"
  // CHECK: spirv.Load "StorageBuffer" %{{.+}} : vector<4xi32>
  // CHECK-COUNT-4: spirv.Select %{{.+}}, %{{.+}}, %{{.+}} : i1, f32
  gpu.func @zeros(%a: memref<f32>, %b: memref<f32>, %stride: i32, %n: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>, #tile.operand<1>, #tile.operand<2>, #tile.operand<3>], grid = points, threads = 32>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c3 = arith.constant 3 : i32
    %zero = arith.constant 0.0 : f32
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [4096], strides: [1] : memref<f32> to memref<4096xf32>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [64], strides: [1] : memref<f32> to memref<64xf32>
    %inside = arith.cmpi slt, %stride, %n : i32
    %row = arith.muli %n, %stride : i32
    %i0 = arith.index_cast %row : i32 to index
    %n1 = arith.addi %row, %c1 : i32
    %i1 = arith.index_cast %n1 : i32 to index
    %n2 = arith.addi %row, %c2 : i32
    %i2 = arith.index_cast %n2 : i32 to index
    %n3 = arith.addi %row, %c3 : i32
    %i3 = arith.index_cast %n3 : i32 to index
    %l0 = memref.load %from[%i0] : memref<4096xf32>
    %l1 = memref.load %from[%i1] : memref<4096xf32>
    %l2 = memref.load %from[%i2] : memref<4096xf32>
    %l3 = memref.load %from[%i3] : memref<4096xf32>
    %x0 = arith.select %inside, %l0, %zero : f32
    %x1 = arith.select %inside, %l1, %zero : f32
    %x2 = arith.select %inside, %l2, %zero : f32
    %x3 = arith.select %inside, %l3, %zero : f32
    %s1 = arith.addf %x0, %x1 : f32
    %s2 = arith.addf %s1, %x2 : f32
    %s3 = arith.addf %s2, %x3 : f32
    memref.store %s3, %to[%c0] : memref<64xf32>
    gpu.return
  }
  gpu.func @others(%a: memref<f32>, %b: memref<f32>, %stride: i32, %n: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [#tile.operand<0>, #tile.operand<1>, #tile.operand<2>, #tile.operand<3>], grid = points, threads = 32>} {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : i32
    %c2 = arith.constant 2 : i32
    %c3 = arith.constant 3 : i32
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    %from = memref.reinterpret_cast %a to offset: [0], sizes: [4096], strides: [1] : memref<f32> to memref<4096xf32>
    %to = memref.reinterpret_cast %b to offset: [0], sizes: [64], strides: [1] : memref<f32> to memref<64xf32>
    %inside = arith.cmpi slt, %stride, %n : i32
    %row = arith.muli %n, %stride : i32
    %i0 = arith.index_cast %row : i32 to index
    %n1 = arith.addi %row, %c1 : i32
    %i1 = arith.index_cast %n1 : i32 to index
    %n2 = arith.addi %row, %c2 : i32
    %i2 = arith.index_cast %n2 : i32 to index
    %n3 = arith.addi %row, %c3 : i32
    %i3 = arith.index_cast %n3 : i32 to index
    %l0 = memref.load %from[%i0] : memref<4096xf32>
    %l1 = memref.load %from[%i1] : memref<4096xf32>
    %l2 = memref.load %from[%i2] : memref<4096xf32>
    %l3 = memref.load %from[%i3] : memref<4096xf32>
    %x0 = arith.select %inside, %l0, %zero : f32
    %x1 = arith.select %inside, %l1, %one : f32
    %x2 = arith.select %inside, %l2, %zero : f32
    %x3 = arith.select %inside, %l3, %zero : f32
    %s1 = arith.addf %x0, %x1 : f32
    %s2 = arith.addf %s1, %x2 : f32
    %s3 = arith.addf %s2, %x3 : f32
    memref.store %s3, %to[%c0] : memref<64xf32>
    gpu.return
  }

  // 27 parameters do not fit into push constants: they are a uniform buffer.
  // CHECK: spirv.GlobalVariable @many_dispatch : !spirv.ptr<!spirv.struct<(i32 [0], i32 [4], i32 [8], i32 [12], i32 [16], i32 [20])>, PushConstant>
  // CHECK: spirv.GlobalVariable @many_parameters bind(0, 1) : !spirv.ptr<!spirv.struct<(i32 [0], {{.*}}, i32 [104])>, Uniform>
  // CHECK: spirv.func @many() "None"
  // CHECK: spirv.Load "Uniform"
  gpu.func @many(%a: memref<f32>, %p1: index, %p2: index, %p3: index, %p4: index, %p5: index, %p6: index, %p7: index, %p8: index, %p9: index, %p10: index, %p11: index, %p12: index, %p13: index, %p14: index, %p15: index, %p16: index, %p17: index, %p18: index, %p19: index, %p20: index, %p21: index, %p22: index, %p23: index, %p24: index, %p25: index, %p26: index) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0.0 : f32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    memref.store %c0, %m[%p26] : memref<32xf32>
    gpu.return
  }

  // f16 lies two a word: the base counts elements, the word is read whole, the
  // value is an f32. A store changes the bits of its element only.
  // CHECK: spirv.GlobalVariable @half_0 bind(0, 0) : !spirv.ptr<!spirv.struct<(!spirv.rtarray<i32, stride=4> [0])>, StorageBuffer>
  // CHECK: spirv.func @half() "None"
  // CHECK: %[[POSITION:.+]] = spirv.IAdd
  // CHECK: %[[ONE:.+]] = spirv.Constant 1 : i32
  // CHECK: %[[WORD:.+]] = spirv.ShiftRightLogical %[[POSITION]], %[[ONE]] : i32, i32
  // CHECK: %[[IN_WORD:.+]] = spirv.BitwiseAnd %[[POSITION]],
  // CHECK: %[[SHIFT:.+]] = spirv.IMul %[[IN_WORD]],
  // CHECK: spirv.AccessChain %{{.+}}[%{{.+}}, %[[WORD]]]
  // CHECK: %[[BITS:.+]] = spirv.ShiftRightLogical %{{.+}}, %[[SHIFT]] : i32, i32
  // CHECK: %[[PAIR:.+]] = spirv.GL.UnpackHalf2x16 %[[BITS]] : i32 -> vector<2xf32>
  // CHECK: %[[X:.+]] = spirv.CompositeExtract %[[PAIR]][0 : i32]
  // CHECK: spirv.FAdd %[[X]], %[[X]] : f32
  // CHECK: %[[OTHERS:.+]] = spirv.BitwiseXor %{{.+}}, %cst-1_i32
  // CHECK: %[[PLACED:.+]] = spirv.ShiftLeftLogical
  // CHECK: spirv.AtomicAnd <Device> <None> %[[AT:[0-9]+]], %[[OTHERS]]
  // CHECK-NEXT: spirv.AtomicOr <Device> <None> %[[AT]], %[[PLACED]]
  gpu.func @half(%a: memref<f16>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f16> to memref<32xf16>
    %t = gpu.thread_id x
    %x = memref.load %m[%t] : memref<32xf16>
    %w = arith.extf %x : f16 to f32
    %y = arith.addf %w, %w : f32
    %z = arith.truncf %y : f32 to f16
    memref.store %z, %m[%t] : memref<32xf16>
    gpu.return
  }

  // Booleans are bytes, other small integers are extended as they are used.
  // CHECK: spirv.func @bytes() "None"
  // CHECK: spirv.ShiftRightLogical
  // CHECK: spirv.INotEqual
  // CHECK: spirv.ShiftRightArithmetic
  gpu.func @bytes(%a: memref<i1>, %b: memref<i8>, %o: memref<i32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c0 = arith.constant 0 : i32
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<i1> to memref<32xi1>
    %n = memref.reinterpret_cast %b to offset: [0], sizes: [32], strides: [1] : memref<i8> to memref<32xi8>
    %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %t = gpu.thread_id x
    %x = memref.load %m[%t] : memref<32xi1>
    %y = memref.load %n[%t] : memref<32xi8>
    %w = arith.extsi %y : i8 to i32
    %z = arith.select %x, %w, %c0 : i32
    memref.store %z, %r[%t] : memref<32xi32>
    gpu.return
  }

  // bf16 is held as its bits; a conversion rounds them.
  // CHECK: spirv.GlobalVariable @local_1 : !spirv.ptr<!spirv.array<32 x i32>, Workgroup>
  // CHECK: spirv.func @local() "None"
  // CHECK: %[[BITS:.+]] = spirv.Bitcast %{{.+}} : f32 to i32
  // CHECK: %[[MAGNITUDE:.+]] = spirv.BitwiseAnd %[[BITS]], %cst2147483647_i32
  // CHECK: %[[NAN:.+]] = spirv.UGreaterThanEqual %[[MAGNITUDE]], %cst2139095041_i32
  // CHECK: spirv.Select %[[NAN]], %cst32704_i32
  // CHECK: spirv.Store "Workgroup"
  // CHECK: %[[WORD:.+]] = spirv.Load "Workgroup" %{{.+}} : i32
  // CHECK: %[[HIGH:.+]] = spirv.ShiftLeftLogical
  // CHECK: spirv.Bitcast %[[HIGH]] : i32 to f32
  gpu.func @local(%a: memref<f32>) workgroup(%shared: memref<32xbf16, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c31 = arith.constant 31 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    %x = memref.load %m[%t] : memref<32xf32>
    %y = arith.truncf %x : f32 to bf16
    memref.store %y, %shared[%t] : memref<32xbf16, #gpu.address_space<workgroup>>
    gpu.barrier
    %r = arith.subi %c31, %t : index
    %z = memref.load %shared[%r] : memref<32xbf16, #gpu.address_space<workgroup>>
    %w = arith.extf %z : bf16 to f32
    memref.store %w, %m[%t] : memref<32xf32>
    gpu.return
  }

  // What MLIR has no conversion for.
  // CHECK: spirv.func @functions() "None"
  // CHECK: %[[X:.+]] = spirv.Load "StorageBuffer"
  // CHECK: %[[ZERO:.+]] = spirv.Constant 0.000000e+00 : f32
  // CHECK: %[[BELOW:.+]] = spirv.FOrdLessThan %[[X]], %[[ZERO]]
  // CHECK: %[[UP:.+]] = spirv.GL.Ceil %[[X]]
  // CHECK: %[[DOWN:.+]] = spirv.GL.Floor %[[X]]
  // CHECK: spirv.Select %[[BELOW]], %[[UP]], %[[DOWN]]
  // CHECK: spirv.BitCount
  gpu.func @functions(%a: memref<f32>, %n: i32, %is: i1) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    %x = memref.load %m[%t] : memref<32xf32>
    %y = math.trunc %x : f32
    %k = math.ctpop %n : i32
    %i = arith.index_castui %k : i32 to index
    %j = arith.index_castui %is : i1 to index
    %l = arith.addi %i, %j : index
    memref.store %y, %m[%l] : memref<32xf32>
    gpu.return
  }

  // What a driver must not regroup.
  // CHECK: spirv.func @exact() "None"
  // CHECK: spirv.FAdd %[[X:[^ ]+]], %[[X]] {no_contraction} : f32
  // CHECK: spirv.FSub {{.*}} {no_contraction} : f32
  // CHECK: spirv.FMul {{.*}} {no_contraction} : f32
  // CHECK: spirv.FNegate {{.*}} {no_contraction} : f32
  // CHECK: spirv.GL.Fma {{.*}} {no_contraction} : f32
  // CHECK: spirv.FMul %{{.*}}, %{{[^ ]*}} : f32
  gpu.func @exact(%a: memref<f32>) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
    %t = gpu.thread_id x
    %x = memref.load %m[%t] : memref<32xf32>
    %s = arith.addf %x, %x {tile.exact} : f32
    %d = arith.subf %s, %x {tile.exact} : f32
    %p = arith.mulf %d, %x {tile.exact} : f32
    %n = arith.negf %p {tile.exact} : f32
    %f = math.fma %n, %x, %x {tile.exact} : f32
    %q = arith.mulf %f, %x : f32
    memref.store %q, %m[%t] : memref<32xf32>
    gpu.return
  }

  // A remainder has the sign of what is divided, the lowest number's too, which
  // equals its magnitude (SAbs); where nothing has a sign, there is none to ask.
  // CHECK: spirv.func @remainders() "None"
  // CHECK-NOT: spirv.GL.SAbs
  // CHECK: %[[LANE:.+]] = spirv.CompositeExtract
  // CHECK-NOT: spirv.GL.SAbs
  // CHECK: %[[Q:.+]] = spirv.SDiv %[[X:.+]], %[[Y:[^ ]+]] : i32
  // CHECK-NEXT: %[[P:.+]] = spirv.IMul %[[Q]], %[[Y]] : i32
  // CHECK-NEXT: spirv.ISub %[[X]], %[[P]] : i32
  // CHECK-NOT: spirv.{{SDiv|SRem|GL.SAbs}}
  // CHECK: spirv.UMod %[[LANE]], %{{.+}} : i32
  // CHECK-NOT: spirv.{{SDiv|SRem|GL.SAbs}}
  // CHECK: spirv.Return
  gpu.func @remainders(%a: memref<i32>, %x: i32, %y: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
    %c5 = arith.constant 5 : index
    %m = memref.reinterpret_cast %a to offset: [0], sizes: [32], strides: [1] : memref<i32> to memref<32xi32>
    %t = gpu.thread_id x
    %r = arith.remsi %x, %y : i32
    %i = arith.remsi %t, %c5 : index
    memref.store %r, %m[%i] : memref<32xi32>
    gpu.return
  }
}
