# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the pages of ops and passes in docs/generated from their .td files.

usage: generate_docs.py MLIR_TBLGEN LLVM_INCLUDE [--check]
With --check nothing is written; pages that are out of date are an error.
"""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUTPUT = os.path.join(ROOT, "docs", "generated")

# Page, source and generator of mlir-tblgen.
PAGES = [
    ("attn-dialect.md", "include/attn/Dialect/Attn/AttnOps.td", ["-gen-dialect-doc", "-dialect=attn"]),
    ("attn-hole.md", "include/attn/Dialect/Attn/AttnHole.td", ["-gen-op-doc", "-dialect=attn"]),
    ("kernel-dialect.md", "include/attn/Dialect/Kernel/KernelOps.td", ["-gen-dialect-doc", "-dialect=kernel"]),
    ("tile-dialect.md", "include/attn/Dialect/Tile/TileOps.td", ["-gen-dialect-doc", "-dialect=tile"]),
    ("analysis-passes.md", "include/attn/Analysis/Passes.td", ["-gen-pass-doc"]),
    ("transform-passes.md", "include/attn/Transforms/Passes.td", ["-gen-pass-doc"]),
    ("conversion-passes.md", "include/attn/Conversion/Passes.td", ["-gen-pass-doc"]),
    ("target-passes.md", "include/attn/Target/Passes.td", ["-gen-pass-doc"]),
]


def generate(tblgen, include, source, flags):
    path = os.path.join(ROOT, source)
    text = subprocess.run(
        [tblgen, *flags, "-I", include, "-I", os.path.join(ROOT, "include"), "-I", os.path.dirname(path), path],
        check=True, capture_output=True, text=True).stdout
    # Generators leave blanks at line ends; they say where the source was found.
    text = "\n".join(line.rstrip() for line in text.replace(ROOT + "/", "").split("\n"))
    return f"<!-- Made from {source} by the target attn-docs. -->\n" + text.strip("\n") + "\n"


def main():
    tblgen, include = sys.argv[1:3]
    check = "--check" in sys.argv[3:]
    stale = []
    for page, source, flags in PAGES:
        text = generate(tblgen, include, source, flags)
        path = os.path.join(OUTPUT, page)
        if check:
            current = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
            if current != text:
                stale.append(page)
        else:
            os.makedirs(OUTPUT, exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    if stale:
        print(f"docs/generated: {', '.join(stale)} out of date; run `ninja -C build attn-docs`")
    return 1 if stale else 0


sys.exit(main())
