# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles the cases of cases.py.

  build.py ATTN_COMPILE OUTPUT_FOLDER [options of attn-compile, as --chip=sm_80]
"""

import pathlib
import subprocess
import sys

from cases import SOURCES


def main():
    compiler, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in SOURCES.items():
        file = folder / f"{name}.mlir"
        file.write_text(source)
        artifact = folder / f"{name}.attn"
        command = [compiler, file, "--target=cuda", *sys.argv[3:], "-o", artifact]
        subprocess.run(command, check=True)
        print(artifact)


if __name__ == "__main__":
    main()
