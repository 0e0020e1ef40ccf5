# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes seeds for the fuzzers, one file an input: of a folder of cases that
attn-test wrote its artifacts, their descriptions and its smaller arrays; else
the inputs of the lit tests and the examples, for attn-dialect-fuzz.

usage: seeds.py CORPUS [CASES]
"""

import hashlib
import os
import re
import struct
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 8192
ARTIFACT_LIMIT = 32768


def inputs():
    """The parts of all tests and examples."""
    for folder in ("test", "examples"):
        for path, _, names in os.walk(os.path.join(ROOT, folder)):
            for name in names:
                if not name.endswith(".mlir"):
                    continue
                with open(os.path.join(path, name), encoding="utf-8") as file:
                    text = file.read()
                for part in re.split(r"^// -----.*\n|^//--- .*\n", text, flags=re.MULTILINE):
                    part = re.sub(r"^\s*//.*\n", "", part, flags=re.MULTILINE).strip()
                    if part and len(part) < LIMIT:
                        yield part.encode() + b"\n"


def description(artifact):
    """The section `json` of an artifact (docs/artifact.md)."""
    offset, size = struct.unpack_from("<QQ", artifact, 48 + 48)
    return artifact[offset:offset + size]


def cases(folder):
    """What the runtime reads of the cases in a folder."""
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            content = file.read()
        if name.endswith(".npy") and len(content) < LIMIT:
            yield content
        elif name.endswith(".attn"):
            yield description(content)
            if len(content) < ARTIFACT_LIMIT:
                yield content


def main():
    corpus = sys.argv[1]
    os.makedirs(corpus, exist_ok=True)
    for seed in cases(sys.argv[2]) if len(sys.argv) > 2 else inputs():
        digest = hashlib.sha1(seed).hexdigest()
        with open(os.path.join(corpus, digest), "wb") as file:
            file.write(seed)


main()
