# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints attention whose region is one long chain: chains.py float|index COUNT.

`float` adds and multiplies scores, `index` doubles the key's index and takes a
remainder of it at the end."""

import sys

kind, count = sys.argv[1], int(sys.argv[2])
tensor = "tensor<1x1x40x16xf32>"
last, lines = "%s" if kind == "float" else "%j", []
for n in range(count):
    if kind == "float":
        lines.append(f"%x{n} = arith.{('addf', 'mulf')[n % 2]} {last}, %s : f32")
    else:
        lines.append(f"%x{n} = arith.addi {last}, {last} : index")
    last = f"%x{n}"
if kind == "float":
    region = "score(%s: f32, %b: index, %h: index, %i: index, %j: index) {"
    lines.append(f"attn.yield {last} : f32 }}")
else:
    region = "mask(%b: index, %h: index, %i: index, %j: index) {"
    lines += ["%c7 = arith.constant 7 : index", f"%r = arith.remui {last}, %c7 : index",
              "%k = arith.cmpi sle, %r, %i : index", "attn.yield %k : i1 }"]
body = "\n".join(lines)
print(f"""
func.func @f(%q: {tensor}, %o: {tensor}) -> {tensor} {{
  %r = attn.attention ins(%q, %q, %q : {tensor}, {tensor}, {tensor}) outs(%o : {tensor}) {region}
{body} -> {tensor}
  return %r : {tensor}
}}""")
