# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The numbers of the operations in the SPIR-V modules of an artifact, once each,
in increasing order, one a line."""

import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[4] / "bench" / "gpu"))
from artifact import Artifact  # noqa: E402

operations = set()
for code in Artifact(sys.argv[1]).code().values():
    words = struct.unpack(f"<{len(code) // 4}I", code)
    assert words[0] == 0x07230203, "not SPIR-V"
    at = 5
    while at < len(words):
        operations.add(words[at] & 0xFFFF)
        at += words[at] >> 16
print("\n".join(map(str, sorted(operations))))
