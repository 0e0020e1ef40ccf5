# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the inputs of the lit tests and the examples as seeds for
attn-dialect-fuzz, one file an input.

usage: seeds.py CORPUS
"""

import hashlib
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LIMIT = 8192


def main():
    corpus = sys.argv[1]
    os.makedirs(corpus, exist_ok=True)
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
                        digest = hashlib.sha1(part.encode()).hexdigest()
                        with open(os.path.join(corpus, digest), "w", encoding="utf-8") as seed:
                            seed.write(part + "\n")


main()
