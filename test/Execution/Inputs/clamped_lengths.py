# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Lengths, bounds and pages that a host does not see and that are out of range
give what clamped ones do (rule 11).

usage: clamped_lengths.py BACKEND FOLDER [--FLAG...]: flags for attn-run. Each
case runs with numbers out of range, and with the clamped ones, which are
compared with the reference: the same bits. Prints a line a case; exits with 1 if
one fails.
"""

import os
import random
import subprocess
import sys

from edge_cases import save

LOWEST, HIGHEST = -(2**31), 2**31 - 1
PAGE, PAGES, SLOTS, KEYS, ROWS = 4, 5, 3, 9, 14


def program(dense, paged, operands):
    """Two problems; operands: clause, names, shapes."""
    q = "2x2x7x16xf32" if dense else f"2x{ROWS}x16xf32"
    k = f"{PAGES}x1x{PAGE}x16xf32" if paged else f"2x1x{KEYS}x16xf32" if dense else f"1x{2 * KEYS}x16xf32"
    arguments, clauses = "", ""
    for clause, names, size in operands:
        types = ", ".join(f"tensor<{size}xi32>" for _ in names)
        arguments += "".join(f", %{name}: tensor<{size}xi32>" for name in names)
        clauses += f" {clause}({', '.join('%' + name for name in names)} : {types})"
    layouts = " {k_layout = #attn.layout<bhsd>, v_layout = #attn.layout<bhsd>}" if paged and not dense else ""
    return f"""
func.func @f(%q: tensor<{q}>, %k: tensor<{k}>{arguments}, %o: tensor<{q}>) -> tensor<{q}> {{
  %r = attn.attention ins(%q, %k, %k : tensor<{q}>, tensor<{k}>, tensor<{k}>){clauses} outs(%o : tensor<{q}>){layouts} -> tensor<{q}>
  return %r : tensor<{q}>
}}""", [tuple(map(int, shape.split("x")[:-1])) for shape in (q, k)]


LENGTHS = ("kv_len", ("n",), 2)
BOUNDS = ("cu_seqlens", ("cuq", "cuk"), 3)
TABLE = ("page_table", ("t",), f"2x{SLOTS}")
# name, dense, paged, operands, numbers out of range, clamped numbers
CASES = [
    ("lengths", True, False, [LENGTHS], [[-3, KEYS + 1]], [[0, KEYS]]),
    ("extreme lengths", True, False, [LENGTHS], [[HIGHEST, LOWEST]], [[KEYS, 0]]),
    ("bounds", False, False, [BOUNDS], [[-1, 5, 99], [LOWEST, 4, HIGHEST]],
     [[0, 5, ROWS], [0, 4, 2 * KEYS]]),
    ("bounds that fall", False, False, [BOUNDS], [[0, 7, ROWS], [0, 9, 5]],
     [[0, 7, ROWS], [0, 9, 9]]),
    ("lengths of sequences", False, False, [LENGTHS, BOUNDS],
     [[7, -2], [0, 7, ROWS], [0, 5, 10]], [[5, 0], [0, 7, ROWS], [0, 5, 10]]),
    ("pages", True, True, [TABLE], [[PAGES, 1, -1, HIGHEST, 2, LOWEST]],
     [[PAGES - 1, 1, 0, PAGES - 1, 2, 0]]),
    ("lengths of pages", True, True, [LENGTHS, TABLE],
     [[PAGE * SLOTS + 1, -1], [0, 3, 2, 1, 1, 4]],
     [[PAGE * SLOTS, 0], [0, 3, 2, 1, 1, 4]]),
    ("sequences in pages", False, True, [BOUNDS, TABLE],
     [[0, 7, ROWS], [0, 5, 50], [0, 3, 2, 1, 1, 4]],
     [[0, 7, ROWS], [0, 5, 5 + PAGE * SLOTS], [0, 3, 2, 1, 1, 4]]),
    ("lengths of sequences in pages", False, True, [LENGTHS, BOUNDS, TABLE],
     [[9, HIGHEST], [0, 7, ROWS], [0, 5, 11], [0, 3, 2, 1, 1, 4]],
     [[5, 6], [0, 7, ROWS], [0, 5, 11], [0, 3, 2, 1, 1, 4]]),
]


def run(backend, folder, flags, name, dense, paged, operands, numbers, check):
    text, shapes = program(dense, paged, operands)
    file = os.path.join(folder, "f.mlir")
    with open(file, "w") as out:
        out.write(text)
    generator = random.Random(1)
    inputs, sizes = [], [(argument, size) for _, names, size in operands for argument in names]
    for label, shape in zip("qk", shapes):
        count = 1
        for size in shape:
            count *= size
        inputs.append(os.path.join(folder, label + ".npy"))
        save(inputs[-1], "f", shape, [generator.gauss(0, 1) for _ in range(count)])
    for (label, size), values in zip(sizes, numbers):
        inputs.append(os.path.join(folder, label + ".npy"))
        save(inputs[-1], "i", tuple(map(int, str(size).split("x"))), values)
    output = os.path.join(folder, "o.npy")
    command = ["attn-run", file, f"--backend={backend}", f"--output={output}", *flags]
    command += [f"--input={path}" for path in inputs] + ["--check=reference"] * check
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        return result.stdout + result.stderr
    with open(output, "rb") as written:
        return written.read()


def main():
    backend, folder, *flags = sys.argv[1:]
    os.makedirs(folder, exist_ok=True)
    failed = False
    for name, dense, paged, operands, wild, clamped in CASES:
        results = [run(backend, folder, flags, name, dense, paged, operands, numbers, check)
                   for numbers, check in ((wild, False), (clamped, True))]
        fault = next((r for r in results if isinstance(r, str)), None)
        good = fault is None and results[0] == results[1]
        failed |= not good
        print(f"{name}: {'ok' if good else 'FAILED ' + (fault or 'the bits differ')}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
