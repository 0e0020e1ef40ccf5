// The examples in the descriptions of KernelOps.td, which are lines of this
// file (test/Docs/examples.test).
// RUN: attn-opt %s --verify-roundtrip

func.func @load(%tile: memref<8704xbf16, #gpu.address_space<workgroup>>, %at: index) {
  %k = kernel.load_matrix %tile[%at] stride 136 transposed
      : memref<8704xbf16, #gpu.address_space<workgroup>> -> !kernel.matrix<16x16xbf16, b>
  return
}

func.func @store(%tile: memref<256xf32, #gpu.address_space<workgroup>>, %at: index, %sum: !kernel.matrix<16x16xf32, accumulator>) {
  kernel.store_matrix %sum, %tile[%at] stride 16
      : !kernel.matrix<16x16xf32, accumulator>, memref<256xf32, #gpu.address_space<workgroup>>
  return
}

func.func @fill(%zero: f32) {
  %zeros = kernel.fill_matrix %zero : !kernel.matrix<16x16xf32, accumulator>
  return
}

func.func @multiply(%q: !kernel.matrix<16x16xbf16, a>, %k: !kernel.matrix<16x16xbf16, b>, %sum: !kernel.matrix<16x16xf32, accumulator>) {
  %next = kernel.multiply_matrices %q, %k, %sum
      : !kernel.matrix<16x16xbf16, a>, !kernel.matrix<16x16xbf16, b> -> !kernel.matrix<16x16xf32, accumulator>
  return
}

func.func @convert(%p: !kernel.matrix<16x16xf32, accumulator>) {
  %h = kernel.convert_matrix %p : !kernel.matrix<16x16xf32, accumulator> to !kernel.matrix<16x16xf16, accumulator>
  return
}

func.func @elements(%sum: !kernel.matrix<16x16xf32, accumulator>, %y: f32) {
  %x = kernel.extract_element %sum[3] : !kernel.matrix<16x16xf32, accumulator>
  %scaled = kernel.insert_element %y, %sum[3] : !kernel.matrix<16x16xf32, accumulator>
  return
}

func.func @arrive(%counters: memref<8xi32>, %group: index, %count: index, %told: memref<4xf32, #gpu.address_space<workgroup>>) {
  %last = kernel.arrive %counters[%group] of %count, %told : memref<8xi32>, memref<4xf32, #gpu.address_space<workgroup>>
  return
}

func.func @uniform(%votes: memref<4xi32, #gpu.address_space<workgroup>>, %zero: index) {
  %moved = kernel.uniform_load %votes[%zero] : memref<4xi32, #gpu.address_space<workgroup>>
  return
}
