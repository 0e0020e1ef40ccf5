# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the registers that a listing of machine code says with those that
ptxas says when it assembles the same PTX.

usage: registers.py PTXAS LISTING CHIP ARTIFACT_OF_PTX
"""

import os
import re
import struct
import subprocess
import sys
import tempfile


def sections(artifact):
    """The sections of an artifact for one chip (docs/artifact.md)."""
    (count,) = struct.unpack_from("<I", artifact, 40)
    for entry in range(48, 48 + 64 * count, 64):
        offset, size = struct.unpack_from("<QQ", artifact, entry + 48)
        yield artifact[entry:entry + 48].rstrip(b"\0"), artifact[offset:offset + size]


def main():
    ptxas, listing, chip, path = sys.argv[1:]
    with open(listing, encoding="utf-8") as file:
        listed = dict(re.findall(r"(\w+): \d+ bytes, (\d+) registers", file.read()))
    with open(path, "rb") as file:
        artifact = file.read()
    told = {}
    for name, text in sections(artifact):
        if not name.startswith(b"code/"):
            continue
        with tempfile.NamedTemporaryFile(suffix=".ptx") as ptx:
            ptx.write(text.rstrip(b"\0"))
            ptx.flush()
            log = subprocess.run([ptxas, f"-arch={chip}", "-v", ptx.name, "-o", os.devnull],
                                 capture_output=True, text=True, check=True).stderr
        told |= re.findall(r"entry function '(\w+)'.*?Used (\d+) registers", log, re.DOTALL)
    print(listed, told)
    sys.exit(not told or listed != told)


main()
