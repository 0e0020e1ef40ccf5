# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fills keys and values that no query attends with NaN.

  poison.py CASE.json WINDOW

For a case of attn-test with 16-bit floats, bottom-right causal and a window of
WINDOW keys to the left: the first row attends nothing in front of its window,
and no other row does. A cache may have freed what lies there (rule 7).
"""

import json
import math
import pathlib
import re
import sys


def load(path):
    """Header, shape and bytes of an .npy file of 16-bit elements."""
    data = path.read_bytes()
    start = 10 + int.from_bytes(data[8:10], "little")
    text = data[10:start].decode()
    assert re.search(r"'descr': '<[fu]2'", text) and "'fortran_order': False" in text, path
    shape = re.search(r"'shape': \(([^)]*)\)", text).group(1)
    return data[:start], [int(size) for size in shape.split(",") if size.strip()], data[start:]


def main():
    case, window = pathlib.Path(sys.argv[1]), int(sys.argv[2])
    arguments = json.loads(case.read_text())["arguments"]
    queries, keys, values = (case.parent / name for name in arguments[:3])
    rows = load(queries)[1][-2]
    for path in (keys, values):
        header, shape, body = load(path)
        *outer, length, head = shape
        freed = max(0, length - rows - window)
        row = 2 * head
        # All ones but the sign: NaN as f16 and as bf16.
        poison = b"\xff\x7f" * head
        data = bytearray(body)
        for block in range(math.prod(outer)):
            start = block * length * row
            data[start : start + freed * row] = poison * freed
        path.write_bytes(header + data)


if __name__ == "__main__":
    main()
