// RUN: attn-opt %s --split-input-file --verify-diagnostics

// One case a diagnostic, in the order of KernelDialect.cpp.

// expected-error @+1 {{a matrix is a, b or accumulator, not c}}
func.func private @f(!kernel.matrix<8x8xf16, c>)

// -----

// expected-error @+1 {{a matrix has rows and columns, at least one of each}}
func.func private @f(!kernel.matrix<8xf16, a>)

// -----

// expected-error @+1 {{a matrix has elements of f16, bf16 or f32, not 'i8'}}
func.func private @f(!kernel.matrix<8x8xi8, a>)

// -----

func.func @f(%m: memref<64xf16>, %i: index) {
  // expected-error @+1 {{moves elements of 'f32', the memory is of 'f16'}}
  %a = kernel.load_matrix %m[%i] stride 8 : memref<64xf16> -> !kernel.matrix<8x8xf32, a>
  return
}

// -----

func.func @f(%m: memref<64xf16>, %i: index, %a: !kernel.matrix<8x8xbf16, a>) {
  // expected-error @+1 {{moves elements of 'bf16', the memory is of 'f16'}}
  kernel.store_matrix %a, %m[%i] stride 8 : !kernel.matrix<8x8xbf16, a>, memref<64xf16>
  return
}

// -----

// Rows that are the same have one place only.
func.func @f(%m: memref<64xf16>, %i: index, %a: !kernel.matrix<8x8xf16, a>) {
  // expected-error @+1 {{'stride' failed to satisfy constraint}}
  kernel.store_matrix %a, %m[%i] stride 0 : !kernel.matrix<8x8xf16, a>, memref<64xf16>
  return
}

// -----

func.func @f(%m: memref<8x8xf16>, %i: index) {
  // expected-error @+1 {{must be 1D memref}}
  %a = kernel.load_matrix %m[%i] stride 8 : memref<8x8xf16> -> !kernel.matrix<8x8xf16, a>
  return
}

// -----

func.func @f(%a: !kernel.matrix<8x8xf16, a>, %b: !kernel.matrix<8x8xf16, b>, %c: !kernel.matrix<8x8xf32, accumulator>) {
  // expected-error @+1 {{multiplies a by b and adds to an accumulator, not}}
  %d = kernel.multiply_matrices %a, %a, %c : !kernel.matrix<8x8xf16, a>, !kernel.matrix<8x8xf16, a> -> !kernel.matrix<8x8xf32, accumulator>
  return
}

// -----

func.func @f(%a: !kernel.matrix<8x8xf16, a>, %b: !kernel.matrix<8x8xbf16, b>, %c: !kernel.matrix<8x8xf32, accumulator>) {
  // expected-error @+1 {{has factors of 'f16' and 'bf16'}}
  %d = kernel.multiply_matrices %a, %b, %c : !kernel.matrix<8x8xf16, a>, !kernel.matrix<8x8xbf16, b> -> !kernel.matrix<8x8xf32, accumulator>
  return
}

// -----

func.func @f(%a: !kernel.matrix<8x16xf16, a>, %b: !kernel.matrix<8x8xf16, b>, %c: !kernel.matrix<8x8xf32, accumulator>) {
  // expected-error @+1 {{has shapes that do not fit}}
  %d = kernel.multiply_matrices %a, %b, %c : !kernel.matrix<8x16xf16, a>, !kernel.matrix<8x8xf16, b> -> !kernel.matrix<8x8xf32, accumulator>
  return
}

// -----

func.func @f(%a: !kernel.matrix<8x8xf32, accumulator>) {
  // expected-error @+1 {{keeps shape and use}}
  %t = kernel.convert_matrix %a : !kernel.matrix<8x8xf32, accumulator> to !kernel.matrix<8x8xf16, a>
  return
}

// -----

func.func @f(%a: !kernel.matrix<8x8xf32, accumulator>) {
  // expected-error @+1 {{asks for element 64 of a lane, all of a subgroup have 64}}
  %x = kernel.extract_element %a[64] : !kernel.matrix<8x8xf32, accumulator>
  return
}

// -----

func.func @f(%a: !kernel.matrix<8x8xf32, accumulator>, %x: f32) {
  // expected-error @+1 {{asks for element 70 of a lane, all of a subgroup have 64}}
  %b = kernel.insert_element %x, %a[70] : !kernel.matrix<8x8xf32, accumulator>
  return
}

// -----

func.func @f(%x: f32) {
  // expected-error @+1 {{has no attribute 'scale'}}
  %a = kernel.fill_matrix %x {scale = 1 : i64} : !kernel.matrix<8x8xf32, accumulator>
  return
}
