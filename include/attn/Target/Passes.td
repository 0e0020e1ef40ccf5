//===- Passes.td - Passes that ask the registry of targets -*- tablegen -*-===//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// The first pass of every target's pipeline, versions for the sizes of a call,
// what the launchers of a target hand to its kernels, and what text leaves open.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_TARGET_PASSES_TD
#define ATTN_TARGET_PASSES_TD

include "mlir/Pass/PassBase.td"

def AttachTarget : Pass<"tile-attach-target", "::mlir::ModuleOp"> {
  let summary = "Say on the module what machine it is for";
  let description = [{
    Puts `tile.target` on the module: the limits of a chip (`#tile.target`), which
    every later pass reads there. A target that the module has stays, so that a
    file can describe a machine; it must be of the same name, and of the chip if
    one is given.

    ```mlir
    // Options: target=cuda chip=sm_86
    module {
    }
    ```
    becomes
    ```mlir
    module attributes {tile.target = #tile.target<name = "cuda", chip = "sm_86", ...threads = 1024, ...shared_bytes = 101376, ...>} {
    }
    ```
  }];
  let options = [
    Option<"target", "target", "std::string", "\"\"",
           "A registered target (attn-opt --list-targets)">,
    Option<"chip", "chip", "std::string", "\"\"",
           "One of its chips; empty: its default">
  ];
  let dependentDialects = ["::attn::tile::TileDialect", "::mlir::DLTIDialect"];
}

def SelectVersions : Pass<"attn-select-versions", "::mlir::func::FuncOp"> {
  let summary = "Keep the versions of attention that given sizes take";
  let description = [{
    Schedules branch on sizes between versions of an attention op. Where the
    sizes of a call are known before it is compiled, as they are to `attn-run`,
    the other versions need no code. A check of the program refuses other calls.

    ```mlir
    // Options: shapes=1x2x100x16
    func.func @f(%q: memref<1x2x?x16xf32>, %k: memref<1x2x64x16xf32>, %v: memref<1x2x64x16xf32>, %o: memref<1x2x?x16xf32>) {
      %c2 = arith.constant 2 : index
      %c16 = arith.constant 16 : index
      %n = memref.dim %q, %c2 : memref<1x2x?x16xf32>
      %few = arith.cmpi sle, %n, %c16 : index
      scf.if %few {
        attn.attention ins(%q, %k, %v : memref<1x2x?x16xf32>, memref<1x2x64x16xf32>, memref<1x2x64x16xf32>) outs(%o : memref<1x2x?x16xf32>)
            {attn.schedule = #attn.schedule<tile_m = 16, tile_n = 64>}
      } else {
        attn.attention ins(%q, %k, %v : memref<1x2x?x16xf32>, memref<1x2x64x16xf32>, memref<1x2x64x16xf32>) outs(%o : memref<1x2x?x16xf32>)
            {attn.schedule = #attn.schedule<tile_m = 64, tile_n = 32>}
      }
      return
    }
    ```
    becomes
    ```mlir
    func.func @f(%q: memref<1x2x?x16xf32>, ...
      ...
      %few = arith.cmpi sle, %n, %c16 : index
      %true = arith.constant true
      %many = arith.xori %few, %true : i1
      tile.check %many, "the program was compiled for other sizes" ["dimension 2 of query" = %n]
      attn.attention ...tile_m = 64, tile_n = 32...
      return
    }
    ```
  }];
  let options = [
    ListOption<"shapes", "shapes", "std::string",
               "The sizes of each argument, as 2x8x?x64; ? for what is not "
               "known and for scalars">
  ];
  let statistics = [
    Statistic<"numSelected", "selected", "branches that sizes decide">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect",
                           "::attn::tile::TileDialect"];
}

def AddDispatchParameters
    : Pass<"tile-add-dispatch-parameters", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Take parts of buffers, and grids in several dispatches";
  let description = [{
    WebGPU binds buffers at multiples of 256 bytes and dispatches at most 65,535
    groups a dimension. Kernels get what a launcher needs for tensors that begin
    elsewhere and for larger grids: first the number of the dispatch's first
    group, then the extents of the grid, and behind each buffer its base, the
    distance in elements of its first element from what is bound. `tile.dispatch`
    marks them: a launch does not list them.

    ```mlir
    gpu.module @kernels {
      gpu.func @k(%o: memref<f32>, %x: f32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
        %tile = gpu.block_id x
        %m = memref.reinterpret_cast %o to offset: [0], sizes: [8], strides: [1] : memref<f32> to memref<8xf32>
        memref.store %x, %m[%tile] : memref<8xf32>
        gpu.return
      }
    }
    ```
    becomes
    ```mlir
    gpu.func @k(%first_x: index {tile.dispatch, tile.size = 2147483647 : index}, ..., %o: memref<f32>, %o_base: index {...}, %x: f32) ... {
      %id = gpu.block_id x
      %tile = arith.addi %id, %first_x : index
      %m = memref.reinterpret_cast %o to ...
      %at = arith.addi %tile, %o_base : index
      memref.store %x, %m[%at] : memref<8xf32>
      gpu.return
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def MarkExact : Pass<"tile-mark-exact", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Say which sums and products of i32 do not overflow";
  let description = [{
    Integers wrap in kernels; in languages where overflow of a signed one is
    undefined a printer has to compute without sign what may. This pass marks
    with `nsw` what cannot: what the ranges of its operands prove, and what only
    says where an element lies, which a launcher counts in 31 bits (rule 21).

    ```mlir
    gpu.module @kernels {
      gpu.func @k(%o: memref<f32>, %x: f32, %stride: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
        %tile = gpu.block_id x {tile.size = 1024 : index}
        %row = arith.index_cast %tile : index to i32
        %first = arith.muli %row, %stride : i32
        %at = arith.index_cast %first : i32 to index
        %m = memref.reinterpret_cast %o to offset: [0], sizes: [8], strides: [1] : memref<f32> to memref<8xf32>
        memref.store %x, %m[%at] : memref<8xf32>
        gpu.return
      }
    }
    ```
    becomes
    ```mlir
    %2 = arith.muli %1, %arg2 overflow<nsw> : i32
    ```
  }];
}

def DescribeKernels : Pass<"tile-describe-kernels", "::mlir::ModuleOp"> {
  let summary = "Say what lowered kernels take, for the head of their text";
  let description = [{
    Adds lines to the summary of a kernel (`attn.summary`), which printers of text
    write ahead of it: its threads and the memory that they share, the registers
    of a thread that hold matrices where most of them are live, and the grid as a
    formula of the sizes of a call.

    ```mlir
    func.func @host(%q: memref<?x64xf32> {attn.name = "query"}) {
      %c0 = arith.constant 0 : index
      %c1 = arith.constant 1 : index
      %c32 = arith.constant 32 : index
      %n = memref.dim %q, %c0 : memref<?x64xf32>
      %tiles = arith.ceildivsi %n, %c32 : index
      tile.launch @kernels::@k grid[%c1, %c1, %tiles] ()
      return
    }
    gpu.module @kernels {
      gpu.func @k() workgroup(%m: memref<64xf32, #gpu.address_space<workgroup>>) kernel attributes {known_block_size = array<i32: 32, 1, 1>, tile.launch_info = #tile.launch_info<parameters = [], grid = points, threads = 32>} {
        %x = arith.constant 0.0 : f32
        %c0 = arith.constant 0 : index
        memref.store %x, %m[%c0] : memref<64xf32, #gpu.address_space<workgroup>>
        gpu.return
      }
    }
    ```
    becomes
    ```mlir
    gpu.func @k() workgroup(%arg0 : memref<64xf32, #gpu.address_space<workgroup>>) kernel attributes {attn.summary = ["Workgroup: 32 threads; 256 bytes of memory: buffer 256", "Grid: x = ceil(query.size(0) / 32), y = 1, z = 1 workgroups"]
    ```
  }];
}

def FixSubgroups : Pass<"tile-fix-subgroups", "::mlir::gpu::GPUModuleOp"> {
  let summary = "Count subgroups as the target has them";
  let description = [{
    Where all subgroups have the lanes that the target says, their size is a
    constant, and the numbers of lanes and subgroups have ranges, so that index
    arithmetic on them is proved to fit 32 bits.

    ```mlir
    module attributes {tile.target = #tile.target<name = "metal", chip = "metal3.1", threads = 1024, subgroup = 32>} {
      gpu.module @kernels {
        gpu.func @k(%o: memref<f32>, %x: f32) kernel attributes {known_block_size = array<i32: 128, 1, 1>} {
          %subgroup = gpu.subgroup_id : index
          %lanes = gpu.subgroup_size : index
          %first = arith.muli %subgroup, %lanes : index
          %m = memref.reinterpret_cast %o to offset: [0], sizes: [128], strides: [1] : memref<f32> to memref<128xf32>
          memref.store %x, %m[%first] : memref<128xf32>
          gpu.return
        }
      }
    }
    ```
    becomes
    ```mlir
    %0 = gpu.subgroup_id {tile.size = 3 : index} : index
    %c32 = arith.constant 32 : index
    %1 = arith.muli %0, %c32 : index
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect"];
}

def AddHoles : Pass<"attn-add-holes", "::mlir::ModuleOp"> {
  let summary = "leave the score and the mask open until kernels are text";
  let description = [{
    Ends the score and the mask region of every `attn.attention` with an
    `attn.hole`: what the text between its marks makes of a score and of indices
    stands where it would in the region, ahead of softcap, bias and the like
    (rule 10). An op without a region gets one. The second op has `score_hole1`
    and so on.

    Holes know the score `s`, the indices `b`, `h`, `i`, `j` as i32, and of the
    captures the scalars and what a rank-1 table with a number for each head
    holds for `h`: `capture0`, or as `names` call them in order. Other tables are
    left out with a remark; an `attn.hole` that is written into the region may
    read them.

    Before:
    ```mlir
    func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
      %r = attn.attention ins(%q, %k, %k : tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>, tensor<1x2x8x16xf32>)
          outs(%o : tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32>
      return %r : tensor<1x2x8x16xf32>
    }
    ```
    After:
    ```mlir
    func.func @f(%q: tensor<1x2x8x16xf32>, %k: tensor<1x2x8x16xf32>, %o: tensor<1x2x8x16xf32>) -> tensor<1x2x8x16xf32> {
      %r = attn.attention ins(%q, %k, %k : ...) outs(%o : tensor<1x2x8x16xf32>)
          score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %b32 = arith.index_cast %b : index to i32
        %h32 = arith.index_cast %h : index to i32
        %i32 = arith.index_cast %i : index to i32
        %j32 = arith.index_cast %j : index to i32
        %score = attn.hole "score_hole"(%s, %b32, %h32, %i32, %j32) ["s", "b", "h", "i", "j"] : (f32, i32, i32, i32, i32) -> f32
        attn.yield %score : f32
      }
          mask(%b: index, %h: index, %i: index, %j: index) {
        %b32 = arith.index_cast %b : index to i32
        %h32 = arith.index_cast %h : index to i32
        %i32 = arith.index_cast %i : index to i32
        %j32 = arith.index_cast %j : index to i32
        %keep = attn.hole "mask_hole"(%b32, %h32, %i32, %j32) ["b", "h", "i", "j"] tile_test "tile_hole" : (i32, i32, i32, i32) -> i1
        attn.yield %keep : i1
      } -> tensor<1x2x8x16xf32>
      return %r : tensor<1x2x8x16xf32>
    }
    ```
  }];
  let options = [
    ListOption<"names", "names", "std::string",
               "What holes call the captures, in order">
  ];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect",
                           "::mlir::memref::MemRefDialect"];
  let statistics = [
    Statistic<"numHoles", "holes-added", "Holes that were added">
  ];
}

def OutlineHoles : Pass<"tile-outline-holes", "::mlir::gpu::GPUModuleOp"> {
  let summary = "holes become functions that printers mark";
  let description = [{
    Every `attn.hole` of a module of kernels becomes a call of a private function
    with the attribute `attn.hole`, whose arguments have the names of its
    parameters (`attn.name`) and whose body is what an unfilled hole yields.
    Holes of one name share the function; that they have the same parameters is
    checked.

    Before:
    ```mlir
    gpu.module @kernels {
      gpu.func @k(%o: memref<f32>, %s: f32, %i: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
        %r = memref.reinterpret_cast %o to offset: [0], sizes: [32], strides: [1] : memref<f32> to memref<32xf32>
        %t = gpu.thread_id x
        %x = attn.hole "score_hole"(%s, %i) ["s", "i"] : (f32, i32) -> f32
        memref.store %x, %r[%t] : memref<32xf32>
        gpu.return
      }
    }
    ```
    After:
    ```mlir
    gpu.module @kernels {
      func.func private @score_hole(%s: f32 {attn.name = "s"}, %i: i32 {attn.name = "i"}) -> f32 attributes {attn.hole} {
        return %s : f32
      }
      gpu.func @k(%o: memref<f32>, %s: f32, %i: i32) kernel attributes {known_block_size = array<i32: 32, 1, 1>} {
        ...
        %x = func.call @score_hole(%s, %i) : (f32, i32) -> f32
        ...
      }
    }
    ```
  }];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::func::FuncDialect"];
  let statistics = [
    Statistic<"numHoles", "holes-outlined", "Functions that were made">
  ];
}

#endif // ATTN_TARGET_PASSES_TD
