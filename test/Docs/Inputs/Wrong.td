// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Examples that are wrong: one shows what its pass does not make, one shows
// nothing.

include "mlir/Pass/PassBase.td"

def CPUExpandExp2 : Pass<"cpu-expand-exp2"> {
  let description = [{
    ```mlir
    func.func @f(%x: f32) -> f32 {
      return %x : f32
    }
    ```
    becomes
    ```mlir
    func.func @f(%x: f32) -> f32 {
      %y = arith.negf %x : f32
    ```
  }];
}

def ExpandMath : Pass<"tile-expand-math"> {
  let description = [{
    ```mlir
    func.func @f(%x: f32) -> f32 {
      return %x : f32
    }
    ```
  }];
}
