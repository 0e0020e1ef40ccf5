// tile-to-cpu on a chip with AMX: products of bf16 in tile registers, strip by
// strip of 32 rows through blocks of packed keys and values.
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4-amx},attn-to-cpu{launches=true},cse)' | FileCheck %s --implicit-check-not=!tile.tile
// RUN: attn-opt %s -split-input-file -pass-pipeline='builtin.module(tile-attach-target{target=cpu chip=x86-64-v4},attn-to-cpu{launches=true},cse)' | FileCheck %s --check-prefix=NONE --implicit-check-not=amx.
// NONE: vector.fma

// Queries are copied once; weights of a strip are bf16, keys and values packed.
// CHECK-LABEL: func.func private @plain_kernel0
// CHECK-DAG:   [[UPPER:%.+]] = arith.constant dense<-256> : vector<32xi16>
// CHECK-DAG:   [[BELOW:%.+]] = arith.constant dense<{{.*}}> : vector<64xi8>
// CHECK-DAG:   [[MAKE_NAN:%.+]] = arith.constant dense<3145779> : vector<16xi32>
// CHECK-DAG:   memref.alloca() {{.*}} : memref<256x64xbf16>
// CHECK-DAG:   [[WAITING:%.+]] = memref.alloca() {{.*}} : memref<32x256xbf16>
// CHECK-DAG:   memref.alloca() {{.*}} : memref<32x64xf32>
// CHECK-DAG:   memref.alloca() {{.*}} : memref<84x32x32xbf16>
// CHECK-DAG:   [[VALUES:%.+]] = memref.alloca() {{.*}} : memref<168x32x32xbf16>
// CHECK-DAG:   memref.alloca() {{.*}} : memref<256x128xf32>
// CHECK-DAG:   [[ONES:%.+]] = memref.alloca() {{.*}} : memref<16x32xbf16>
// CHECK-DAG:   [[SIZES:%.+]] = memref.alloca() {{.*}} : memref<32xi16>
// CHECK-DAG:   [[SIZES_OF_KEYS:%.+]] = memref.alloca() {{.*}} : memref<21x32xi16>
// CHECK-DAG:   [[PACKED:%.+]] = memref.alloca() {{.*}} : memref<3xi64>
// CHECK-DAG:   memref.store %c-1_i64, [[PACKED]]
// A call takes a range of points.
// CHECK:       scf.for [[POINT:%.+]] = %arg6 to %arg5 step %c1 {
// CHECK:       [[TILE:%.+]] = arith.remui [[POINT]], %arg9
// CHECK:       [[REST:%.+]] = arith.divui [[POINT]], %arg9
// CHECK:       arith.remui [[REST]], %arg8
// CHECK:       vector.store {{.*}} : memref<256x64xbf16>, vector<32xbf16>
// The largest bits of queries and keys but the sign are noted.
// CHECK:       [[OF_QUERIES:%.+]] = scf.for {{.*}} to %c256 step %c1 iter_args
// CHECK-COUNT-2: arith.maxui
// CHECK:       vector.store [[OF_QUERIES]], [[SIZES]]
// A quarter of L2 has room for a block of 21 packed key tiles. Keys of a tile,
// where they are: 16 rows, pairs of columns change places. Nothing is packed if
// the point before has packed the same or more.
// CHECK:       [[UP_TO:%.+]] = memref.load [[PACKED]][%c0]
// CHECK:       [[HAS_MORE:%.+]] = arith.cmpi slt, [[UP_TO]], %c8_i64
// CHECK-COUNT-2: arith.cmpi ne
// CHECK:       [[IS_OTHER:%.+]] = arith.ori
// CHECK:       scf.if [[IS_OTHER]] {
// CHECK:       scf.for
// CHECK:       vector.load %reinterpret_cast{{.*}}, vector<32xbf16>
// CHECK-COUNT-16: arith.maxui
// CHECK:       vector.store {{.*}}, [[SIZES_OF_KEYS]]
// CHECK-COUNT-64: vector.shuffle {{.*}} : vector<16xi32>, vector<16xi32>
// CHECK-COUNT-16: vector.store {{.*}} : memref<4x32x32xbf16, strided<[1024, 32, 1], offset: ?>>, vector<32xbf16>
// Values: two rows side by side, in the order of weights, and negative as they.
// CHECK:       [[IN_FOUR:%.+]] = arith.muli %{{.*}}, %c4
// CHECK:       [[OF_VECTOR:%.+]] = arith.muli %{{.*}}, %c2
// CHECK:       [[PAIR:%.+]] = arith.addi
// CHECK:       [[SIDE_BY_SIDE:%.+]] = vector.interleave {{.*}} : vector<16xbf16> -> vector<32xbf16>
// CHECK:       [[NEGATIVE:%.+]] = arith.negf [[SIDE_BY_SIDE]]
// CHECK:       vector.store [[NEGATIVE]], {{.*}} : memref<8x32x32xbf16, strided<[1024, 32, 1], offset: ?>>, vector<32xbf16>
// CHECK-COUNT-3: memref.store {{.*}}, [[PACKED]]
// CHECK:       [[OF_TILE:%.+]] = vector.load [[SIZES_OF_KEYS]]
// CHECK:       arith.maxui {{.*}}, [[OF_TILE]]
// CHECK:       vector.store {{.*}}, [[SIZES]]
// Strips of 32 of the 256 rows; the carried sums are seen through views. Each
// passes through the key tiles of the block.
// CHECK:       scf.for [[STRIP:%.+]] = %c0 to %{{.*}} step %c32 {
// CHECK:       memref.subview {{.*}}{{\[}}[[STRIP]], 0] [32, 128] [1, 1] : memref<256x128xf32>
// They start at 0 where they are used next, in the only block here.
// CHECK:       vector.store {{.*}} : memref<32x128xf32, strided<[128, 1], offset: ?>>
// CHECK:       [[LARGEST:%.+]] = vector.reduction <maxui>
// CHECK-DAG:   [[ARE_FINITE:%.+]] = arith.cmpi ult, [[LARGEST]], %c22016_i16
// CHECK-DAG:   [[ARE_SMALL:%.+]] = arith.cmpi ult, [[LARGEST]], %c17280_i16
// CHECK:       scf.for %{{.*}} = %{{.*}} to %{{.*}} step %c1 iter_args([[FIRST_WAITING:%.+]] = %c0) -> (index) {
// CHECK:       memref.subview {{.*}} [4, 32, 32] [1, 1, 1] : memref<84x32x32xbf16>
// Scores start at zero and go to f32.
// CHECK-COUNT-4: amx.tile_zero : !amx.tile<16x16xf32>
// CHECK:       scf.for %{{.*}} = %c0 to %c64 step %c32 iter_args
// CHECK-COUNT-2: amx.tile_load {{.*}} into !amx.tile<16x32xbf16>
// CHECK-COUNT-2: amx.tile_load {{.*}} : memref<4x32x32xbf16, {{.*}}> into !amx.tile<16x32xbf16>
// CHECK-COUNT-4: amx.tile_mulf
// CHECK-COUNT-4: amx.tile_store {{.*}} : memref<32x64xf32>, !amx.tile<16x16xf32>
// Weights are tried with the maxima as they are, if all rows have one, and the
// largest exponent says whether a score has outgrown its maximum by 8; else
// scores are compared.
// CHECK:       [[LACK_MAXIMA:%.+]] = vector.reduction <or>
// CHECK:       [[HAVE_MAXIMA:%.+]] = arith.xori [[LACK_MAXIMA]], %true
// CHECK:       [[ARE_TRIED:%.+]] = arith.andi [[ARE_SMALL]], [[HAVE_MAXIMA]]
// CHECK:       [[OUTGROWN:%.+]] = scf.if [[ARE_TRIED]] -> (i1) {
// CHECK:       [[TRIED:%.+]] = llvm.call_intrinsic "llvm.x86.avx512.packusdw.512"
// CHECK:       [[TOP:%.+]] = arith.maxui {{.*}}, [[TRIED]]
// CHECK:       vector.store {{.*}} : memref<32x64xbf16, strided<[256, 1], offset: ?>>
// CHECK:       arith.maxui [[TOP]]
// CHECK:       arith.cmpi ugt
// CHECK:       } else {
// CHECK:       arith.cmpf ogt
// CHECK:       [[ARE_MISSING:%.+]] = arith.xori [[ARE_TRIED]], %true
// CHECK:       [[ARE_NEEDED:%.+]] = arith.ori [[ARE_MISSING]], [[OUTGROWN]]
// Where one has, and only there, maxima move and sums are rescaled, where they
// are, when waiting weights have been added.
// CHECK:       [[FROM:%.+]] = arith.select [[OUTGROWN]], {{.*}}, [[FIRST_WAITING]]
// CHECK:       scf.if [[OUTGROWN]] {
// CHECK:       vector.shuffle
// CHECK:       [[NUMBER:%.+]] = arith.subi {{.*}}, [[FIRST_WAITING]]
// CHECK:       scf.if
// CHECK:       [[DEPTH:%.+]] = arith.muli [[NUMBER]], %c64
// CHECK:       scf.for %{{.*}} = %c0 to [[DEPTH]] step %c32 iter_args
// CHECK-COUNT-2: amx.tile_load [[WAITING]]
// CHECK:       amx.tile_load [[VALUES]]
// CHECK-COUNT-4: amx.tile_store {{.*}} : memref<32x128xf32, strided<[128, 1], offset: ?>>
// At the first key tile sums are 0.
// CHECK:       [[IS_FIRST:%.+]] = arith.cmpi eq
// CHECK:       scf.if [[IS_FIRST]] {
// CHECK-NEXT:  } else {
// CHECK:       vector.store {{.*}} : memref<32x128xf32, strided<[128, 1], offset: ?>>
// Weights: exponents with 8 bits behind the point become words, of which a
// table knows how far 2^f is below 1 + f; two vectors are the 64 bytes of a row
// of a register. There is nothing else to do if all scores are finite.
// CHECK:       arith.constant dense<3.251200e+04>
// CHECK:       arith.subi {{.*}}, [[FROM]]
// CHECK:       [[WEIGHTS:%.+]] = memref.subview [[WAITING]][0, {{.*}}] [32, 64] [1, 1]
// CHECK:       scf.if [[ARE_FINITE]] {
// CHECK:       scf.if [[ARE_NEEDED]] {
// CHECK:       [[ONE:%.+]] = math.fma
// CHECK:       [[OTHER:%.+]] = math.fma
// CHECK-NOT:   math.
// CHECK-DAG:   [[X:%.+]] = llvm.call_intrinsic "llvm.x86.avx512.mask.cvtps2dq.512"([[ONE]],
// CHECK-DAG:   [[Y:%.+]] = llvm.call_intrinsic "llvm.x86.avx512.mask.cvtps2dq.512"([[OTHER]],
// CHECK:       [[WORDS:%.+]] = llvm.call_intrinsic "llvm.x86.avx512.packusdw.512"([[X]], [[Y]])
// CHECK:       arith.shrui [[WORDS]]
// CHECK:       llvm.call_intrinsic "llvm.x86.avx512.permvar.qi.512"([[BELOW]],
// CHECK:       [[LESS:%.+]] = arith.ori {{.*}}, [[UPPER]]
// CHECK:       llvm.call_intrinsic "llvm.x86.avx512.pavg.w.512"([[WORDS]], [[LESS]])
// CHECK:       [[JOINED:%.+]] = vector.bitcast {{.*}} to vector<32xbf16>
// CHECK:       vector.store [[JOINED]], [[WEIGHTS]]
// CHECK-NOT:   fixupimm
// CHECK:       } else {
// NaN and infinite scores make sums NaN, which stay apart by lanes.
// CHECK:       [[FIRST:%.+]] = math.fma
// CHECK:       [[SECOND:%.+]] = math.fma
// CHECK:       [[NOTED:%.+]] = llvm.call_intrinsic "llvm.x86.avx512.mask.fixupimm.ps.512"({{.*}}, [[FIRST]], [[MAKE_NAN]],
// CHECK:       llvm.call_intrinsic "llvm.x86.avx512.mask.fixupimm.ps.512"([[NOTED]], [[SECOND]], [[MAKE_NAN]],
// CHECK:       arith.addf
// CHECK-NOT:   vector.shuffle
// Where the weights of four key tiles are there, or those of the last one, sums
// go on from where they are.
// CHECK:       [[IS_FULL:%.+]] = arith.cmpi eq, {{.*}}, %c3
// CHECK:       [[IS_DUE:%.+]] = arith.ori [[IS_FULL]],
// CHECK:       [[NEXT:%.+]] = scf.if [[IS_DUE]] -> (index) {
// CHECK-COUNT-4: amx.tile_load {{.*}} : memref<32x128xf32, strided<[128, 1], offset: ?>> into !amx.tile<16x16xf32>
// CHECK-COUNT-4: amx.tile_mulf
// CHECK-COUNT-4: amx.tile_store
// Their own sums are products with ones.
// CHECK:       [[OF_LANES:%.+]] = amx.tile_load [[ONES]]
// CHECK-COUNT-2: amx.tile_load {{.*}} : memref<32x16xf32, strided<[16, 1], offset: ?>> into !amx.tile<16x16xf32>
// CHECK:       scf.for
// CHECK:       [[OF_ROWS:%.+]] = amx.tile_load [[WAITING]]
// CHECK-NEXT:  amx.tile_load [[WAITING]]
// CHECK:       amx.tile_mulf [[OF_ROWS]], [[OF_LANES]]
// CHECK:       amx.tile_mulf {{.*}}, [[OF_LANES]]
// CHECK-COUNT-2: amx.tile_store {{.*}} : memref<32x16xf32, strided<[16, 1], offset: ?>>
// CHECK:       scf.yield [[NEXT]]
// The output goes to memory as it is computed, and is rounded once.
// CHECK:       arith.divf
// CHECK:       scf.for
// CHECK:       [[QUOTIENT:%.+]] = arith.mulf
// CHECK-NEXT:  [[ROUNDED:%.+]] = arith.truncf [[QUOTIENT]]
// CHECK-NOT:   memref<256x128xf32>
// CHECK:       vector.store [[ROUNDED]], %reinterpret_cast{{.*}}, vector<16xbf16>
func.func @plain(%q: memref<1x2x512x64xbf16>, %k: memref<1x2x512x64xbf16>, %v: memref<1x2x512x128xbf16>, %o: memref<1x2x512x128xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>, memref<1x2x512x128xbf16>) outs(%o : memref<1x2x512x128xbf16>)
  return
}

// -----

// Strips have the rows of one register where those of a tile are no multiple of
// two; weights wait there, too.
// CHECK-LABEL: func.func private @narrow_kernel0
// CHECK-DAG:   memref.alloca() {{.*}} : memref<16x256xbf16>
// CHECK:       scf.for %{{.*}} = %c0 to %{{.*}} step %c16 {
// CHECK:       scf.for %{{.*}} step %c1 iter_args({{[^,]*}}) -> (index) {
// CHECK-COUNT-2: amx.tile_mulf
// Only where a maximum moved, sums are scaled.
// CHECK:       vector.reduction <or>
// CHECK:       scf.if
// CHECK:       arith.mulf
func.func @narrow(%q: memref<1x2x40x64xbf16>, %k: memref<1x2x512x64xbf16>, %v: memref<1x2x512x64xbf16>, %o: memref<1x2x40x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x40x64xbf16>, memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>) outs(%o : memref<1x2x40x64xbf16>)
  return
}

// -----

// Odd heads are filled up with zeros to whole registers, in copies; an odd
// number of registers leaves a block with one column of them.
// CHECK-LABEL: func.func private @odd_kernel0
// CHECK-DAG:   memref.alloca() {{.*}} : memref<256x64xbf16>
// CHECK-DAG:   memref.alloca() {{.*}} : memref<64x96xbf16>
// CHECK-DAG:   memref.alloca() {{.*}} : memref<{{[0-9]+}}x32x32xbf16>
// CHECK:       amx.tile_mulf
// CHECK:       scf.for %{{.*}} = %c0 to %{{.*}} step %c32 iter_args({{[^,]*, [^,]*}}) -> (!amx.tile<16x16xf32>, !amx.tile<16x16xf32>)
func.func @odd(%q: memref<1x2x512x33xbf16>, %k: memref<1x2x512x33xbf16>, %v: memref<1x2x512x72xbf16>, %o: memref<1x2x512x72xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x33xbf16>, memref<1x2x512x33xbf16>, memref<1x2x512x72xbf16>) outs(%o : memref<1x2x512x72xbf16>)
  return
}

// -----

// The same in strips of one register: a block of two columns of them, and one.
// CHECK-LABEL: func.func private @uneven_kernel0
// CHECK-DAG:   memref.alloca() {{.*}} : memref<{{[0-9]+}}x32x32xbf16>
// CHECK:       scf.for %{{.*}} = %c0 to %{{.*}} step %c16 {
// CHECK:       scf.for %{{.*}} = %c0 to %{{.*}} step %c32 iter_args({{[^,]*, [^,]*}}) -> (!amx.tile<16x16xf32>, !amx.tile<16x16xf32>)
// CHECK:       scf.for %{{.*}} = %c0 to %{{.*}} step %c32 iter_args({{[^,]*}}) -> (!amx.tile<16x16xf32>)
func.func @uneven(%q: memref<1x2x40x33xbf16>, %k: memref<1x2x512x33xbf16>, %v: memref<1x2x512x40xbf16>, %o: memref<1x2x40x40xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x40x33xbf16>, memref<1x2x512x33xbf16>, memref<1x2x512x40xbf16>) outs(%o : memref<1x2x40x40xbf16>)
  return
}

// -----

// At most a vector of rows is bound by what it reads: no tile registers.
// CHECK-LABEL: func.func private @one_kernel0
// CHECK-NOT:   amx.
// CHECK:       return
func.func @one(%q: memref<1x2x1x64xbf16>, %k: memref<1x2x512x64xbf16>, %v: memref<1x2x512x64xbf16>, %o: memref<1x2x1x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x1x64xbf16>, memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>) outs(%o : memref<1x2x1x64xbf16>)
  return
}

// -----

// f16 has no tile registers here, and types that differ no product in them.
// CHECK-LABEL: func.func private @half_kernel0
// CHECK-NOT:   amx.
// CHECK:       return
func.func @half(%q: memref<1x2x512x64xf16>, %k: memref<1x2x512x64xf16>, %v: memref<1x2x512x64xf16>, %o: memref<1x2x512x64xf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x64xf16>, memref<1x2x512x64xf16>, memref<1x2x512x64xf16>) outs(%o : memref<1x2x512x64xf16>)
  return
}

// -----

// Keys of a causal mask end with the row: a strip leaves out the key tiles, and
// of its last one the keys, that none of its rows attends.
// CHECK-LABEL: func.func private @causal_kernel0
// CHECK:       scf.for [[STRIP:%.+]] = %c0 to %{{.*}} step %c32 {
// CHECK:       [[ROW:%.+]] = arith.addi %{{.*}}, [[STRIP]]
// CHECK:       [[END:%.+]] = arith.addi [[ROW]], %c32
// CHECK:       [[TILES:%.+]] = arith.ceildivsi [[END]], %c64
// CHECK:       [[LAST:%.+]] = arith.minsi %{{.*}}, [[TILES]]
// CHECK:       scf.for [[TILE:%.+]] = %{{.*}} to [[LAST]] step %c1 iter_args
// CHECK:       [[KEY:%.+]] = arith.muli [[TILE]], %c64
// CHECK:       [[LEFT:%.+]] = arith.subi [[END]], [[KEY]]
// CHECK:       arith.minsi %{{.*}}, [[LEFT]]
// CHECK:       amx.tile_mulf
func.func @causal(%q: memref<1x2x512x64xbf16>, %k: memref<1x2x512x64xbf16>, %v: memref<1x2x512x64xbf16>, %o: memref<1x2x512x64xbf16>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>) outs(%o : memref<1x2x512x64xbf16>) {causal = #attn.causal<top_left>}
  return
}

// -----

// The log of a sum takes more than 8 bits: exponentials are polynomials, and
// values lie as they did.
// CHECK-LABEL: func.func private @lse_kernel0
// CHECK-DAG:   [[LEADING:%.+]] = arith.constant dense<0.0780245215>
// CHECK:       vector.interleave
// CHECK-NOT:   arith.negf {{.*}} : vector<32xbf16>
// CHECK:       math.fma [[LEADING]],
// CHECK-NOT:   arith.extf
// CHECK:       llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// CHECK-NEXT:  vector.store
func.func @lse(%q: memref<1x2x512x64xbf16>, %k: memref<1x2x512x64xbf16>, %v: memref<1x2x512x64xbf16>, %o: memref<1x2x512x64xbf16>, %lse: memref<1x2x512xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>) outs(%o, %lse : memref<1x2x512x64xbf16>, memref<1x2x512xf32>)
  return
}

// -----

// With results of 32 bits there are two sums: that of the log, and one of what
// products take, two vectors of weights at once.
// CHECK-LABEL: func.func private @wide_lse_kernel0
// CHECK-DAG:   [[FACTORS:%.+]] = arith.constant dense<1.000000e+00> : vector<32xbf16>
// CHECK-NOT:   arith.truncf
// CHECK:       [[ROUNDED:%.+]] = llvm.call_intrinsic "llvm.x86.avx512bf16.cvtne2ps2bf16.512"
// CHECK-NEXT:  vector.store [[ROUNDED]]
// CHECK-NEXT:  llvm.call_intrinsic "llvm.x86.avx512bf16.dpbf16ps.512"(%{{.*}}, [[ROUNDED]], [[FACTORS]])
// CHECK:       amx.tile_mulf
func.func @wide_lse(%q: memref<1x2x512x64xbf16>, %k: memref<1x2x512x64xbf16>, %v: memref<1x2x512x64xbf16>, %o: memref<1x2x512x64xf32>, %lse: memref<1x2x512xf32>) {
  attn.attention ins(%q, %k, %v : memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>, memref<1x2x512x64xbf16>) outs(%o, %lse : memref<1x2x512x64xf32>, memref<1x2x512xf32>)
  return
}
