#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes how large a shared library with one kernel and the runtime for CPUs is,
and which symbols it needs, for several chips (docs/ahead-of-time.md).

usage: bench/embedding/sizes.py ATTN_COMPILE OUTPUT.json [CHIP...]

For AArch64 ATTN_CC names a compiler that links for it, as attn-compile says.
"""

import datetime
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
import rows  # noqa: E402

GOAL = 300000


def measure(attn_compile, chip):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([attn_compile, ROOT / "examples/plain.mlir", f"--target=cpu:{chip}",
                        "-o", f"{folder}/"], check=True)
        library = pathlib.Path(folder, "libplain.so")
        symbols = subprocess.run(["nm", "-D", "--undefined-only", library], check=True,
                                 capture_output=True, text=True).stdout
        return dict(work=f"libplain.so of examples/plain.mlir for {chip}", metric="bytes",
                    ours=library.stat().st_size, peer=GOAL, peer_name="goal",
                    ratio=round(GOAL / library.stat().st_size, 3), bar=1.0,
                    artifact=pathlib.Path(folder, "plain.attn").stat().st_size,
                    # Weak ones may be missing.
                    symbols=[line.split()[1] for line in symbols.splitlines()
                             if line.split()[0] == "U"],
                    machine=rows.processor(), date=datetime.date.today().isoformat(),
                    command="bench/embedding/sizes.py")


def main():
    attn_compile, output, *chips = sys.argv[1:]
    rows.write_rows(output, [measure(attn_compile, chip)
                             for chip in chips or ["x86-64-v3", "x86-64-v4"]])


main()
