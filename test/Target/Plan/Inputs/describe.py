# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Prints a description (docs/artifact.md), an entry a line: that of an artifact,
or JSON itself from standard input.

usage: describe.py FILE.attn | -
"""

import json
import struct
import sys


def description_of(path):
    if path == "-":
        return json.load(sys.stdin)
    with open(path, "rb") as file:
        artifact = file.read()
    count, = struct.unpack_from("<I", artifact, 40)
    for n in range(count):
        name, offset, size = struct.unpack_from("<48sQQ", artifact, 48 + 64 * n)
        if name.rstrip(b"\0") == b"json":
            return json.loads(artifact[offset:offset + size])
    sys.exit("no description")


for field, value in description_of(sys.argv[1]).items():
    entries = value if isinstance(value, list) else [value]
    for entry in entries:
        print(f"{field}: {json.dumps(entry, separators=(',', ':'))}")
