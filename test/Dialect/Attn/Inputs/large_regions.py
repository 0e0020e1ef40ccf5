# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints attention with a mask region: large_regions.py chain|nest|divide COUNT.

chain: COUNT additions, each of the result before; divide: divisions likewise;
nest: COUNT branches, each in the one before.
"""

import sys

kind, count = sys.argv[1], int(sys.argv[2])
lines = []
if kind == "nest":
    result = "%x0"
    for n in range(count):
        lines.append(f"%x{n} = scf.if %p -> index {{")
    lines.append("scf.yield %i : index")
    for n in reversed(range(count)):
        lines.append("} else { scf.yield %j : index }")
        if n:
            lines.append(f"scf.yield %x{n} : index")
else:
    op = "addi" if kind == "chain" else "divsi"
    result = "%i"
    for n in range(count):
        lines.append(f"%x{n} = arith.{op} {result}, %h : index")
        result = f"%x{n}"
body = "\n".join(lines)
print(f"""!t = tensor<?x?x?x8xf32>
func.func @f(%q: !t, %k: !t, %v: !t, %o: !t) -> !t {{
  %r = attn.attention ins(%q, %k, %v : !t, !t, !t) outs(%o : !t)
      mask(%b: index, %h: index, %i: index, %j: index) {{
%p = arith.cmpi sle, %j, %i : index
{body}
%m = arith.cmpi sle, {result}, %j : index
attn.yield %m : i1
}} -> !t
  return %r : !t
}}""")
