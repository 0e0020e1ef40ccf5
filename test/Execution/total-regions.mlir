// Rule 8: what is evaluated and not observed never faults, what is observed has
// a defined value; in vectors, in scalar code, in what mask analysis hoists.
// RUN: attn-run %s --entry=guarded_division --backend=cpu --check=reference --random=B=2,Hq=2,Hkv=2,Sq=40,Skv=200 | FileCheck %s
// RUN: attn-run %s --entry=divisions --backend=cpu --check=reference --random=B=2,Hq=3,Hkv=1,Sq=40,Skv=100 | FileCheck %s
// RUN: attn-run %s --entry=divisions --backend=cpu-standard --check=reference --random=B=2,Hq=3,Hkv=1,Sq=40,Skv=100 | FileCheck %s
// RUN: attn-run %s --entry=lowest --backend=cpu --check=reference --random=B=2,Hq=2,Hkv=2,Sq=40,Skv=100 | FileCheck %s
// RUN: attn-run %s --entry=remainders --backend=cpu --check=reference --random=B=1,Hq=2,Hkv=2,Sq=5,Skv=40 | FileCheck %s
// RUN: attn-run %s --entry=remainders --backend=metal-shim --check=reference --random=B=1,Hq=2,Hkv=2,Sq=5,Skv=40 | FileCheck %s
// RUN: %if vulkan-run %{ %vulkan attn-run %s --entry=remainders --backend=vulkan --device=llvmpipe --check=reference --random=B=1,Hq=2,Hkv=2,Sq=5,Skv=40 | FileCheck %s %}
// RUN: attn-run %s --entry=shifts --backend=cpu --check=reference --random=B=2,Hq=2,Hkv=2,Sq=70,Skv=100 | FileCheck %s
// RUN: attn-run %s --entry=conversions --backend=cpu --check=reference --random=B=1,Hq=2,Hkv=2,Sq=40,Skv=100 | FileCheck %s
// RUN: attn-run %s --entry=there_and_back --backend=cpu --check=reference --random=B=2,Hq=4,Hkv=2,Sq=40,Skv=100 | FileCheck %s
// RUN: attn-run %s --entry=there_and_back --backend=metal-shim --check=reference --random=B=2,Hq=4,Hkv=2,Sq=40,Skv=20 | FileCheck %s
// RUN: attn-run %s --entry=ends_that_wrap --backend=cpu --check=reference --random=B=1,Hq=2,Hkv=2,Sq=40,Skv=70 | FileCheck %s
// RUN: attn-run %s --entry=wide --backend=cpu --check=reference --random=B=1,Hq=2,Hkv=2,Sq=5,Skv=40 | FileCheck %s
// RUN: attn-run %s --entry=wide --backend=metal-shim --check=reference --random=B=1,Hq=2,Hkv=2,Sq=5,Skv=40 | FileCheck %s
// RUN: attn-run %s --entry=unsigned_numbers --backend=cpu --check=reference --random=B=1,Hq=2,Hkv=2,Sq=40,Skv=50 | FileCheck %s
// RUN: attn-run %s --entry=guarded_read --backend=cpu --check=reference --random=B=1,Hq=2,Hkv=2,Sq=40,Skv=200 | FileCheck %s
// RUN: attn-run %s --entry=reads --backend=cpu --check=reference --random=B=3,Hq=2,Hkv=2,Sq=40,Skv=200,R=1,L=3 | FileCheck %s
// RUN: attn-run %s --entry=mask_reads --backend=cpu --check=reference --random=B=3,Hq=2,Hkv=2,Sq=40,Skv=200,R=1,L=3 | FileCheck %s

// Empty in one dimension, in the other, in both: 0 is read.
// RUN: attn-run %s --entry=reads --backend=cpu --check=reference --random=B=3,Hq=2,Hkv=2,Sq=40,Skv=200,R=0,L=3 | FileCheck %s
// RUN: attn-run %s --entry=reads --backend=cpu --check=reference --random=B=3,Hq=2,Hkv=2,Sq=40,Skv=200,R=1000000,L=0 | FileCheck %s
// RUN: attn-run %s --entry=mask_reads --backend=cpu --check=reference --random=B=3,Hq=2,Hkv=2,Sq=40,Skv=200,R=0,L=0 | FileCheck %s
// RUN: attn-run %s --entry=mask_reads --backend=cpu-standard --check=reference --random=B=3,Hq=2,Hkv=2,Sq=40,Skv=200,R=1000000,L=0 | FileCheck %s
// CHECK: output 0 {{.*}} matches the reference

!t = tensor<?x?x?x8xf32>

// The keys of a row end with it, but for the last rows, of which the sums wrap.
func.func @ends_that_wrap(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %far = arith.constant 9223372036854775802 : index
        %end = arith.addi %i, %far : index
        %keep = arith.cmpi sle, %j, %end : index
        attn.yield %keep : i1
      } -> !t
  return %r : !t
}

func.func @guarded_division(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %zero = arith.constant 0 : index
        %hundred = arith.constant 100 : index
        %ok = arith.cmpi ne, %b, %zero : index
        %x = scf.if %ok -> index {
          %quotient = arith.divsi %hundred, %b : index
          scf.yield %quotient : index
        } else {
          scf.yield %zero : index
        }
        %m = arith.cmpi sle, %x, %j : index
        attn.yield %m : i1
      } -> !t
  return %r : !t
}

// By the head, by a row, by a difference that is 0 and -1; unsigned, too.
func.func @divisions(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %d = arith.subi %h, %i : index
        %x = arith.divsi %j, %h : index
        %y = arith.remsi %j, %d : index
        %z = arith.floordivsi %i, %d : index
        %w = arith.ceildivsi %j, %b : index
        %u = arith.divui %j, %h : index
        %v_ = arith.ceildivui %j, %i : index
        %m = arith.remui %i, %b : index
        %xy = arith.addi %x, %y : index
        %zw = arith.addi %z, %w : index
        %uv = arith.addi %u, %v_ : index
        %left = arith.addi %xy, %zw : index
        %right = arith.addi %uv, %m : index
        %keep = arith.cmpi sle, %left, %right : index
        attn.yield %keep : i1
      } -> !t
  return %r : !t
}

// INT_MIN / -1 in 32 and in 64 bits, where h = 1.
func.func @lowest(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %zero = arith.constant 0 : index
        %lowest = arith.constant -2147483648 : i32
        %lowest64 = arith.constant -9223372036854775808 : index
        %minus = arith.subi %zero, %h : index
        %minus32 = arith.index_cast %minus : index to i32
        %j32 = arith.index_cast %j : index to i32
        %high = arith.addi %lowest, %j32 : i32
        %x = arith.divsi %high, %minus32 : i32
        %y = arith.remsi %lowest64, %minus : index
        %z = arith.floordivsi %lowest64, %minus : index
        %y32 = arith.index_cast %y : index to i32
        %z32 = arith.index_cast %z : index to i32
        %xy = arith.addi %x, %y32 : i32
        %xyz = arith.addi %xy, %z32 : i32
        %f = arith.sitofp %xyz : i32 to f32
        %scale = arith.constant 1.0e-9 : f32
        %g = arith.mulf %f, %scale : f32
        %t = arith.addf %s, %g : f32
        attn.yield %t : f32
      } -> !t
  return %r : !t
}

// What INT_MIN leaves, and the next numbers, by what is negative, too.
func.func @remainders(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %lowest = arith.constant -2147483648 : i32
        %five = arith.constant 5 : i32
        %h32 = arith.index_cast %h : index to i32
        %j32 = arith.index_cast %j : index to i32
        %x = arith.addi %lowest, %h32 : i32
        %y = arith.subi %five, %j32 : i32
        %rest = arith.remsi %x, %y : i32
        %f = arith.sitofp %rest : i32 to f32
        %scale = arith.constant 0.0625 : f32
        %g = arith.mulf %f, %scale : f32
        %t = arith.addf %s, %g : f32
        attn.yield %t : f32
      } -> !t
  return %r : !t
}

// Amounts of the width and more, in 32 and 64 bits.
func.func @shifts(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %one = arith.constant 1 : index
        %forty = arith.constant 40 : index
        %i32 = arith.index_cast %i : index to i32
        %j32 = arith.index_cast %j : index to i32
        %x = arith.shli %j32, %i32 : i32
        %minus = arith.subi %i, %forty : index
        %y = arith.shrsi %minus, %j : index
        %z = arith.shli %one, %i : index
        %w = arith.shrsi %j, %forty : index
        %u = arith.shrui %j32, %i32 : i32
        %xu = arith.xori %x, %u : i32
        %n = math.ctpop %xu : i32
        %n64 = arith.index_cast %n : i32 to index
        %yz = arith.xori %y, %z : index
        %nw = arith.subi %n64, %w : index
        %keep = arith.cmpi sge, %yz, %nw : index
        attn.yield %keep : i1
      } -> !t
  return %r : !t
}

// Floats far out of range, and NaN, as integers.
func.func @conversions(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %j32 = arith.index_cast %j : index to i32
        %f = arith.sitofp %j32 : i32 to f32
        %fifty = arith.constant 50.0 : f32
        %large = arith.constant 1.0e9 : f32
        %d = arith.subf %f, %fifty : f32
        %x = arith.mulf %d, %large : f32
        %n = arith.fptosi %x : f32 to i32
        %inverse = arith.divf %x, %d : f32
        %u = arith.fptoui %x : f32 to i8
        %w = arith.fptosi %inverse : f32 to i64
        %u32 = arith.extui %u : i8 to i32
        %w32 = arith.trunci %w : i64 to i32
        %nu = arith.xori %n, %u32 : i32
        %nuw = arith.xori %nu, %w32 : i32
        %y = arith.sitofp %nuw : i32 to f32
        %scale = arith.constant 1.0e-9 : f32
        %z = arith.mulf %y, %scale : f32
        %t = arith.addf %s, %z : f32
        attn.yield %t : f32
      } -> !t
  return %r : !t
}

// An index loses bits on its way to fewer of them and back, whatever its sign.
func.func @there_and_back(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index) {
        %zero = arith.constant 0 : index
        %far = arith.constant 134217728 : index
        %near = arith.constant 4294967290 : index
        %byte = arith.constant 250 : index
        %d = arith.subi %i, %j : index
        %large = arith.muli %d, %far : index
        %large32 = arith.index_cast %large : index to i32
        %wrapped = arith.index_cast %large32 : i32 to index
        %a = arith.cmpi sge, %wrapped, %zero : index
        %d32 = arith.index_castui %d : index to i32
        %word = arith.index_castui %d32 : i32 to index
        %e = arith.cmpi sle, %word, %near : index
        %d8 = arith.index_castui %d : index to i8
        %d16 = arith.extui %d8 : i8 to i16
        %low = arith.index_castui %d16 : i16 to index
        %f = arith.cmpi sle, %low, %byte : index
        %bh = arith.subi %b, %h : index
        %odd = arith.index_cast %bh : index to i1
        %odd8 = arith.extsi %odd : i1 to i8
        %zero8 = arith.constant 0 : i8
        %g = arith.cmpi sge, %odd8, %zero8 : i8
        %ae = arith.andi %a, %e : i1
        %fg = arith.xori %f, %g : i1
        %keep = arith.ori %ae, %fg : i1
        attn.yield %keep : i1
      } -> !t
  return %r : !t
}

// Numbers of 64 bits, where kernels have 32, too: the lowest divided, one that
// is shifted by 0, a condition that fills all bits.
func.func @wide(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %low = arith.constant -9223372036854775808 : i64
        %minus = arith.constant -3 : i64
        %n = arith.index_cast %j : index to i64
        %most = arith.constant 9223372036854775807 : i64
        %five = arith.constant 5 : i64
        %below = arith.subi %five, %n : i64
        %negative = arith.divsi %most, %below : i64
        %lowest = arith.floordivsi %low, %n : i64
        %x = arith.xori %negative, %lowest : i64
        %y = arith.shrui %minus, %n : i64
        %near = arith.cmpi sle, %j, %i : index
        %bits = arith.index_cast %near : i1 to index
        %z = arith.index_cast %bits : index to i64
        %last = arith.constant 63 : i64
        %sign = arith.shrui %z, %last : i64
        %xy = arith.addi %x, %y : i64
        %zs = arith.xori %z, %sign : i64
        %sum = arith.addi %xy, %zs : i64
        %c61 = arith.constant 61 : i64
        %rest = arith.remui %sum, %c61 : i64
        %small = arith.trunci %rest : i64 to i32
        %f = arith.sitofp %small : i32 to f32
        %scale = arith.constant 0.0625 : f32
        %g = arith.mulf %f, %scale : f32
        %t = arith.addf %s, %g : f32
        attn.yield %t : f32
      } -> !t
  return %r : !t
}

// A negative number without a sign is a large one of all its bits.
func.func @unsigned_numbers(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index) {
        %d = arith.subi %i, %j : index
        %d64 = arith.index_cast %d : index to i64
        %x = arith.uitofp %d64 : i64 to f32
        %scale = arith.constant 1.0e-19 : f32
        %y = arith.mulf %x, %scale : f32
        %z = arith.addf %s, %y : f32
        attn.yield %z : f32
      } -> !t
  return %r : !t
}

func.func @guarded_read(%q: !t, %k: !t, %v: !t, %table: tensor<?xi32> {attn.dims = ["Skv"]}, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%table : tensor<?xi32>) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index, %t: tensor<?xi32>) {
        %far = arith.constant 1000000000 : index
        %zero = arith.constant 0 : index
        %none = arith.constant 0 : i32
        %never = arith.cmpi sgt, %zero, %h : index
        %a = scf.if %never -> i32 {
          %x = tensor.extract %t[%far] : tensor<?xi32>
          scf.yield %x : i32
        } else {
          scf.yield %none : i32
        }
        %m = arith.cmpi sge, %a, %none : i32
        attn.yield %m : i1
      } -> !t
  return %r : !t
}

// By batch, head, constants and what they compute.
func.func @reads(%q: !t, %k: !t, %v: !t, %table: tensor<?x?xf32> {attn.dims = ["R", "L"]}, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%table : tensor<?x?xf32>) outs(%o : !t)
      score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: tensor<?x?xf32>) {
        %far = arith.constant 1000000000 : index
        %minus = arith.subi %h, %far : index
        %x = tensor.extract %t[%b, %h] : tensor<?x?xf32>
        %y = tensor.extract %t[%far, %minus] : tensor<?x?xf32>
        %z = tensor.extract %t[%b, %j] : tensor<?x?xf32>
        %w = tensor.extract %t[%i, %far] : tensor<?x?xf32>
        %xy = arith.addf %x, %y : f32
        %zw = arith.addf %z, %w : f32
        %sum = arith.addf %xy, %zw : f32
        %u = arith.addf %s, %sum : f32
        attn.yield %u : f32
      } -> !t
  return %r : !t
}

func.func @mask_reads(%q: !t, %k: !t, %v: !t, %table: tensor<?x?xi32> {attn.dims = ["R", "L"], attn.values = array<i64: -5, 5>}, %o: !t) -> !t {
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) captures(%table : tensor<?x?xi32>) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index, %t: tensor<?x?xi32>) {
        %zero = arith.constant 0 : i32
        %far = arith.constant 1000000000 : index
        %x = tensor.extract %t[%b, %far] : tensor<?x?xi32>
        %y = tensor.extract %t[%far, %j] : tensor<?x?xi32>
        %z = tensor.extract %t[%i, %h] : tensor<?x?xi32>
        %xy = arith.addi %x, %y : i32
        %keep = arith.cmpi sge, %xy, %z : i32
        attn.yield %keep : i1
      } -> !t
  return %r : !t
}
