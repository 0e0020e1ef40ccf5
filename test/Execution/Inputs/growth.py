# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fails if the kernel of a chain of ten functions has more ops than ten of one.

Reads a module with the functions @once and @chain after attn-to-cpu.
"""

import re
import sys

sizes = {}
for function in sys.stdin.read().split("func.func")[1:]:
    name = re.search(r"@(\w+)", function).group(1)
    sizes[name] = function.count(" = ")
once, chain = sizes["once_kernel0"], sizes["chain_kernel0"]
print(f"{once} ops with one function, {chain} with ten")
sys.exit(chain > 10 * once)
