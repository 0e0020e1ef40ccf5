# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the blocks of a page: everything must do as it is written.

usage: run_page.py PAGE SOURCE_ROOT BUILD_ROOT

  mlir   is valid; where the text before it names a file, later commands find it
  sh     every line exits with 0, in a folder that looks like the source tree
  c      compiles, in a function of snippet.c
  json   is JSON
  python runs after the blocks before it, where the package is built; else it parses

A block behind `<!-- not run: WHY -->` is left out. A page of C is run, too: the
commands are those that its first comment shows.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


def run(command, folder, **more):
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, **more)
    return "" if result.returncode == 0 else (result.stdout + result.stderr).strip() or "fails"


def check_mlir(text, before, folder):
    named = re.findall(r"`(\w+\.mlir)`", before)
    path = os.path.join(folder, named[-1] if named else "block.mlir")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return run(["attn-opt", path], folder)


def check_sh(text, before, folder):
    for line in text.replace("\\\n", "").splitlines():
        if line and (wrong := run(["bash", "-c", line], folder)):
            return f"{line}\n{wrong}"
    return ""


def check_c(text, before, folder):
    with open(os.path.join(folder, "block.h"), "w", encoding="utf-8") as file:
        file.write(text)
    snippet = os.path.join(os.path.dirname(os.path.abspath(__file__)), "snippet.c")
    return run(["clang-22", "-fsyntax-only", "-I.", "-Iruntime/include", snippet], folder)


def check_json(text, before, folder):
    try:
        json.loads(text)
    except json.JSONDecodeError as problem:
        return str(problem)
    return ""


def check_python(text, before, folder):
    path = os.path.join(folder, "page.py")
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)
    python = os.path.join(folder, "venv/bin/python")
    if not os.path.exists(python) or not os.path.exists(os.path.join(folder, "build/python/attn")):
        return run([sys.executable, "-m", "py_compile", path], folder)
    return run([python, path], folder, env={**os.environ, "PYTHONPATH": "build/python"})


CHECKS = {"mlir": check_mlir, "sh": check_sh, "c": check_c, "json": check_json,
          "python": check_python}


def blocks_of(page):
    """Language and text of each block, and the paragraph before it."""
    with open(page, encoding="utf-8") as file:
        text = file.read()
    if page.endswith(".c"):
        comment = re.match(r"/\*(.*?)\*/", text, re.DOTALL)[1]
        commands = re.findall(r"^ \*   (\S.*)$", comment, re.MULTILINE)
        yield "sh", "\n".join(commands), ""
        return
    for match in BLOCK.finditer(text):
        before = text[:match.start()].rstrip().rsplit("\n\n", 1)[-1]
        yield match[2], match[3], before


def main():
    page, source, build = sys.argv[1:4]
    count = failures = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in os.listdir(source):
            if not name.startswith((".", "build")):
                os.symlink(os.path.join(source, name), os.path.join(folder, name))
        os.symlink(build, os.path.join(folder, "build"))
        os.symlink(os.path.join(source, ".venv"), os.path.join(folder, "venv"))
        for language, text, before in blocks_of(page):
            count += 1
            if before.split("\n")[-1].startswith("<!-- not run: "):
                continue
            check = CHECKS.get(language)
            wrong = check(text, before, folder) if check else "nothing runs such a block"
            if wrong:
                failures += 1
                print(f"{page}, {language} block {count}:\n{wrong}")
    print(f"{count} blocks, {failures} wrong")
    return 1 if failures or not count else 0


sys.exit(main())
