# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a .npy file of random numbers: random_npy.py FILE SHAPE TYPE LOW HIGH.

SHAPE is like 2x4x37; TYPE is f4, i4 or b1. The file's name seeds the numbers.
"""

import os
import random
import struct
import sys

path, shape, kind, low, high = sys.argv[1:]
sizes = [int(size) for size in shape.split("x")]
count = 1
for size in sizes:
    count *= size
source = random.Random(os.path.basename(path))
if kind == "f4":
    values = [source.uniform(float(low), float(high)) for _ in range(count)]
else:
    values = [source.randint(int(low), int(high)) for _ in range(count)]
data = struct.pack("<" + str(count) + {"f4": "f", "i4": "i", "b1": "?"}[kind], *values)
descr = {"f4": "<f4", "i4": "<i4", "b1": "|b1"}[kind]
dims = ", ".join(map(str, sizes)) + ","
header = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': ({dims}), }}"
header += " " * (63 - (len(header) + 10) % 64) + "\n"
with open(path, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + data)
