"""Compiles the cases of cases.py: build.py ATTN_COMPILE OUTPUT_FOLDER"""

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
        subprocess.run(
            [compiler, file, "--target=cuda", "-o", artifact], check=True
        )
        print(artifact)


if __name__ == "__main__":
    main()
