# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Validates the SPIR-V of all artifacts in a folder.

Arguments: the folder, then the validator and its options."""

import pathlib
import struct
import subprocess
import sys

folder, *validator = sys.argv[1:]


def sections(data):
    """Names and bytes of the sections of an artifact (docs/artifact.md)."""
    for number in range(struct.unpack_from("<I", data, 40)[0]):
        name, offset, size = struct.unpack_from("<48sQQ", data, 48 + 64 * number)
        yield name.rstrip(b"\0").decode(), data[offset : offset + size]


count = invalid = 0
for path in sorted(pathlib.Path(folder).rglob("*.attn")):
    for name, code in sections(path.read_bytes()):
        if not name.startswith("code/"):
            continue
        count += 1
        result = subprocess.run([*validator, "-"], input=code, capture_output=True)
        if result.returncode:
            invalid += 1
            print(f"{path.name}: {(result.stdout + result.stderr).decode()}")
print(f"{count} modules, {invalid} invalid")
