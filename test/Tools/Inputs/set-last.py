# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""set-last.py FILE VALUE: sets the last element of an .npy file of floats."""

import struct
import sys

path, value = sys.argv[1], float(sys.argv[2])
data = bytearray(open(path, "rb").read())
(kind,) = [k for k in ("f4", "f8") if f"'<{k}'".encode() in data[:128]]
text = "<" + {"f4": "f", "f8": "d"}[kind]
data[-struct.calcsize(text) :] = struct.pack(text, value)
open(path, "wb").write(data)
