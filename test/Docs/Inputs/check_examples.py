# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the examples of passes and ops.

A pass (Passes.td): the first block of its description is the input, which it
must accept. Where it needs what other passes make, a comment in the block gives
their pipeline: `// Prepared by: <pipeline of builtin.module>`; options of the
pass itself follow `// Options:`. The second block is what the pass makes, or
prints, of the input.

An op (the other .td files): each block must stand, line by line, in the .mlir
file that is given with it, which attn-opt must accept.

What a pass makes is compared by FileCheck, line by line: values may have any
names, `...` in a line stands for anything, a line of `...` for any number of
lines.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

NAME = re.compile(r"%([A-Za-z0-9_]+)")
# Followed by this, a name is defined: an argument, or a result.
DEFINES = re.compile(r": |(:\d+)?(, %\w+(:\d+)?)*\)? (=|in) ")


def blocks_of(text):
    return re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)


def run(command, text):
    """What a command prints for `text`, or None and its diagnostics."""
    result = subprocess.run(command, input=text, capture_output=True, text=True)
    return (result.stdout if result.returncode == 0 else None), result.stderr


def attn_opt(text, *flags):
    return run(["attn-opt", *flags], text)


def patterns_of(block):
    """The lines of a block as directives of FileCheck."""
    known, directives, follows = set(), [], False
    for line in block.strip("\n").split("\n"):
        line = line.split(" //")[0].strip()
        if line == "..." or not line:
            follows = follows and not line
            continue
        pattern, end = "", 0
        for match in NAME.finditer(line):
            name = match[1]
            defined = name not in known or DEFINES.match(line, match.end())
            known.add(name)
            pattern += literal(line[end:match.start()])
            pattern += f"%[[v_{name}{':[A-Za-z0-9_]+' if defined else ''}]]"
            end = match.end()
        pattern += literal(line[end:])
        directives.append(f"CHECK{'-NEXT' if follows else ''}: {pattern}")
        follows = True
    return "\n".join(directives) + "\n"


def literal(text):
    """Text that is no pattern, but for `...`."""
    return text.replace("[[", "{{\\[\\[}}").replace("...", "{{.*}}")


def compare(block, made):
    """What is wrong with a block that is to show what was made, or ""."""
    with tempfile.NamedTemporaryFile("w", suffix=".check") as file:
        file.write(patterns_of(block))
        file.flush()
        found, diagnostics = run(["FileCheck", file.name, "--dump-input=never"], made)
    return "" if found is not None else f"{diagnostics}{made}"


def records_of(path):
    """All records of a .td file."""
    tblgen = shutil.which("llvm-tblgen")
    include = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(tblgen))), "include")
    root = os.path.dirname(path)
    while not os.path.exists(os.path.join(root, "LICENSE")):
        root = os.path.dirname(root)
    dump = subprocess.run([tblgen, "--dump-json", "-I", include, "-I", os.path.join(root, "include"), "-I",
                           os.path.dirname(path), path],
                          check=True, capture_output=True, text=True)
    return json.loads(dump.stdout)


def check_pass(argument, description):
    """What is wrong with the example of a pass, or ""."""
    blocks = blocks_of(description)
    if len(blocks) != 2:
        return f"has {len(blocks)} blocks, not an input and an output"
    source = blocks[0]
    prepared = re.search(r"// Prepared by: (.*)", source)
    options = re.search(r"// Options: (.*)", source)
    if prepared:
        source, diagnostics = attn_opt(source, f"--pass-pipeline=builtin.module({prepared[1]})")
        if source is None:
            return "has an example that cannot be prepared:\n" + diagnostics
    made, diagnostics = attn_opt(source, f"--{argument}" + (f"={options[1]}" if options else ""))
    if made is None:
        return "does not accept its example:\n" + diagnostics
    return compare(blocks[1], diagnostics + made)


def check_passes(path):
    records = records_of(path)
    for name in records["!instanceof"]["PassBase"]:
        yield records[name]["argument"], check_pass(records[name]["argument"],
                                                    records[name]["description"])


def check_ops(path, examples):
    with open(examples, encoding="utf-8") as file:
        text = file.read()
    made, diagnostics = attn_opt(text, "--verify-roundtrip")
    yield examples, "" if made else "is not valid:\n" + diagnostics
    lines = "\n".join(line.strip() for line in text.split("\n"))
    records = records_of(path)
    for name in records["!instanceof"]["Op"]:
        blocks = blocks_of(records[name]["description"])
        if not blocks:
            yield name, "has no example"
        for block in blocks:
            shown = "\n".join(line.strip() for line in block.strip().split("\n"))
            yield name, "" if shown in lines else f"shows what is not in {examples}:\n{block}"


def main():
    path = os.path.abspath(sys.argv[1])
    checks = check_ops(path, sys.argv[2]) if len(sys.argv) > 2 else check_passes(path)
    count = failures = 0
    for name, wrong in checks:
        count += 1
        if wrong:
            failures += 1
            print(f"{name}: {wrong}")
    print(f"{count} examples, {failures} wrong")
    return 1 if failures or not count else 0


sys.exit(main())
