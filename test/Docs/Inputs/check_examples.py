"""Runs the mlir examples of pass descriptions (.td) and of pages (.md).

A pass: the first block of its description is the input, which it must accept.
Where it needs what other passes make, a comment in the block gives their
pipeline: `// Prepared by: <pipeline of builtin.module>`. The second block is
the output: it must be what the pass makes of the input.

A page: every block must be valid.

An ellipsis (...) marks a block as an excerpt, which is not run; inputs of
passes must not be excerpts.
"""

import difflib
import json
import os
import re
import shutil
import subprocess
import sys


def blocks_of(text):
    return re.findall(r"^ *```mlir\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)


def run(text, *flags):
    """attn-opt's output for `text`, or None and its diagnostics."""
    result = subprocess.run(["attn-opt", *flags], input=text, capture_output=True, text=True)
    return (result.stdout if result.returncode == 0 else None), result.stderr


def passes(path):
    """The passes of a Passes.td, as pairs of argument and description."""
    tblgen = shutil.which("llvm-tblgen")
    include = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(tblgen))), "include")
    dump = subprocess.run([tblgen, "--dump-json", "-I", include, path],
                          check=True, capture_output=True, text=True)
    records = json.loads(dump.stdout)
    for name in records["!instanceof"]["PassBase"]:
        yield records[name]["argument"], records[name]["description"]


def check_pass(argument, description):
    """What is wrong with the example of a pass, or an empty string."""
    blocks = blocks_of(description)
    if not blocks:
        return "has no example"
    source = blocks[0]
    prepared = re.search(r"// Prepared by: (.*)", source)
    if prepared:
        source, diagnostics = run(source, f"--pass-pipeline=builtin.module({prepared[1]})")
        if source is None:
            return "has an example that cannot be prepared:\n" + diagnostics
    made, diagnostics = run(source, "--" + argument)
    if made is None:
        return "does not accept its example:\n" + diagnostics
    if len(blocks) < 2 or "..." in blocks[1]:
        return ""
    shown, diagnostics = run(blocks[1])
    if shown is None:
        return "shows an output that is not valid:\n" + diagnostics
    return "\n".join(difflib.unified_diff(shown.splitlines(), made.splitlines(),
                                          "shown", "made", lineterm=""))


def checks(path):
    """Pairs of what is checked and what is wrong with it."""
    if path.endswith(".td"):
        for argument, description in passes(path):
            yield argument, check_pass(argument, description)
        return
    with open(path, encoding="utf-8") as page:
        for number, block in enumerate(blocks_of(page.read()), 1):
            if "..." not in block:
                made, diagnostics = run(block)
                yield f"{path}, block {number}", "" if made else "is not valid:\n" + diagnostics


def main():
    count = failures = 0
    for path in sys.argv[1:]:
        for name, wrong in checks(path):
            count += 1
            if wrong:
                failures += 1
                print(f"{name}: {wrong}")
    print(f"{count} examples, {failures} wrong")
    return 1 if failures or not count else 0


sys.exit(main())
