// Functions of models as score functions: compile time stays small however they
// are chained (LLVM's search for loop idioms takes exponential time in such
// chains: ten of them would not end), and every function is as exact as
// docs/regions.md says.
// RUN: attn-run %s --entry=chain --backend=cpu --check=reference --random=B=1,Hq=2,Hkv=2,Sq=40,Skv=200 | FileCheck %s
// RUN: attn-run %s --entry=mish --backend=cpu --check=reference --random=B=1,Hq=2,Hkv=2,Sq=40,Skv=200 | FileCheck %s
// RUN: attn-run %s --entry=functions --backend=cpu --check=reference --random=B=1,Hq=2,Hkv=2,Sq=40,Skv=200 | FileCheck %s
// RUN: attn-run %s --entry=loops --backend=cpu --check=reference --random=B=2,Hq=2,Hkv=2,Sq=40,Skv=200 | FileCheck %s
// CHECK: output 0 {{.*}} matches the reference

// The code of ten is not larger than ten times that of one.
// RUN: attn-opt %s --attn-to-cpu=chip=x86-64-v3 | %python %S/Inputs/growth.py

!t = tensor<?x?x?x8xf32>

func.func @once(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %x = math.tanh %s : f32
        attn.yield %x : f32
      } -> !t
  return %r : !t
}

func.func @chain(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c10 = arith.constant 10 : index
        %x = scf.for %n = %c0 to %c10 step %c1 iter_args(%y = %s) -> f32 {
          %z = math.tanh %y : f32
          scf.yield %z : f32
        }
        attn.yield %x : f32
      } -> !t
  return %r : !t
}

func.func @mish(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t) {softcap = 30.0 : f32}
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %one = arith.constant 1.0 : f32
        %e = math.exp %s : f32
        %p = arith.addf %one, %e : f32
        %l = math.log %p : f32
        %x = math.tanh %l : f32
        %y = arith.mulf %s, %x : f32
        attn.yield %y : f32
      } -> !t
  return %r : !t
}

func.func @functions(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %quarter = arith.constant 0.25 : f32
        %low = arith.constant -3.0 : f32
        %high = arith.constant 2.5 : f32
        %j32 = arith.index_cast %j : index to i32
        %f = arith.sitofp %j32 : i32 to f32
        %g = arith.mulf %f, %quarter : f32
        %floor = math.floor %g : f32
        %ceil = math.ceil %g : f32
        %round = math.round %g : f32
        %even = math.roundeven %g : f32
        %trunc = math.trunc %g : f32
        %fc = arith.subf %floor, %ceil : f32
        %re = arith.subf %round, %even : f32
        %fcre = arith.addf %fc, %re : f32
        %rest = arith.subf %g, %trunc : f32
        %terms = math.fma %rest, %quarter, %fcre : f32
        %a = math.absf %s : f32
        %power = math.powf %a, %rest : f32
        %log = math.log1p %a : f32
        %log2 = math.log2 %power : f32
        %erf = math.erf %s : f32
        %inside = math.clampf %s to [%low, %high] : f32
        %x = arith.addf %inside, %terms : f32
        %y = arith.addf %erf, %log : f32
        %z = arith.addf %log2, %power : f32
        %xy = arith.addf %x, %y : f32
        %sum = arith.addf %xy, %z : f32
        %isnan = math.isnan %sum : f32
        %t = arith.select %isnan, %a, %sum : f32
        attn.yield %t : f32
      } -> !t
  return %r : !t
}

// A sum over a table and a count of neighbours, with carried values of two
// types; one loop runs downwards of its start, so never.
func.func @loops(%q: !t, %k: !t, %v: !t, %table: tensor<5xf32>, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%table : tensor<5xf32>) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: tensor<5xf32>) {
        %c0 = arith.constant 0 : index
        %c2 = arith.constant 2 : index
        %c7 = arith.constant 7 : index
        %minus = arith.constant -3 : index
        %sum:2 = scf.for %n = %minus to %c7 step %c2 iter_args(%x = %s, %count = %c0) -> (f32, index) {
          %at = arith.addi %n, %j : index
          %same = arith.cmpi eq, %at, %i : index
          %inner:2 = scf.for %m = %c0 to %c7 step %c7 iter_args(%u = %x, %w = %count) -> (f32, index) {
            %entry = tensor.extract %t[%n] : tensor<5xf32>
            %next = arith.addf %u, %entry : f32
            %one = arith.extui %same : i1 to i32
            %bit = arith.index_cast %one : i32 to index
            %more = arith.addi %w, %bit : index
            scf.yield %next, %more : f32, index
          }
          scf.yield %inner#0, %inner#1 : f32, index
        }
        %never = scf.for %n = %c7 to %c0 step %c2 iter_args(%x = %sum#0) -> f32 {
          %nothing = arith.subf %x, %x : f32
          scf.yield %nothing : f32
        }
        %count32 = arith.index_cast %sum#1 : index to i32
        %bonus = arith.sitofp %count32 : i32 to f32
        %y = arith.addf %never, %bonus : f32
        attn.yield %y : f32
      } -> !t
  return %r : !t
}
