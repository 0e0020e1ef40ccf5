# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fails if a source file does not name its license in its first two lines.

usage: check_license.py ROOT
"""

import os
import sys

FOLDERS = ["bench", "cmake", "docs", "examples", "include", "lib", "python",
           "runtime", "scripts", "test", "tools"]
ENDINGS = (".h", ".cpp", ".c", ".td", ".py", ".sh", ".cmake", "CMakeLists.txt")
LINE = "SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception"


def lacks_license(path):
    with open(path, encoding="utf-8") as file:
        return LINE not in file.readline() + file.readline()


def main():
    root = sys.argv[1]
    paths = [os.path.join(directory, name)
             for folder in FOLDERS
             for directory, _, names in os.walk(os.path.join(root, folder))
             for name in names if name.endswith(ENDINGS)]
    if len(paths) < 100:
        sys.exit(f"only {len(paths)} source files below {root}")
    lacking = [path for path in paths if lacks_license(path)]
    for path in lacking:
        print(f"{path}: no SPDX line")
    sys.exit(bool(lacking))


main()
