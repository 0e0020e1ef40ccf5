// RUN: attn-opt %s --split-input-file --verify-diagnostics

func.func @result(%i: i32) -> f32 {
  // expected-error @+1 {{gives 'f32', which its first operand has to be: an unfilled hole yields it}}
  %x = attn.hole "f"(%i) ["i"] : (i32) -> f32
  return %x : f32
}

// -----

func.func @none() -> f32 {
  // expected-error @+1 {{gives 'f32', which its first operand has to be}}
  %x = attn.hole "f"() [] : () -> f32
  return %x : f32
}

// -----

func.func @parameters(%s: f32, %i: i32) -> f32 {
  // expected-error @+1 {{names 1 parameters, but has 2 operands}}
  %x = attn.hole "f"(%s, %i) ["s"] : (f32, i32) -> f32
  return %x : f32
}

// -----

func.func @twice(%s: f32) -> f32 {
  // expected-error @+1 {{has two parameters called 's'}}
  %x = attn.hole "f"(%s, %s) ["s", "s"] : (f32, f32) -> f32
  return %x : f32
}

// -----

func.func @name(%s: f32) -> f32 {
  // expected-error @+1 {{calls a function '1f'; names are letters, digits and underscores, a letter first}}
  %x = attn.hole "1f"(%s) ["s"] : (f32) -> f32
  return %x : f32
}

// -----

func.func @parameter(%s: f32) -> f32 {
  // expected-error @+1 {{has a parameter 'a b'; names are letters, digits and underscores, a letter first}}
  %x = attn.hole "f"(%s) ["a b"] : (f32) -> f32
  return %x : f32
}

// -----

func.func @test(%s: f32) -> f32 {
  // expected-error @+1 {{has a tile_test, but is no mask: it gives 'f32'}}
  %x = attn.hole "f"(%s) ["s"] tile_test "t" : (f32) -> f32
  return %x : f32
}

// -----

func.func @type(%i: index) -> i1 {
  // expected-error @+1 {{operand #0 must be variadic of 32-bit float or 32-bit signless integer or 1-bit signless integer, but got 'index'}}
  %x = attn.hole "f"(%i) ["i"] : (index) -> i1
  return %x : i1
}
