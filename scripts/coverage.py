# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes which variants of attention ran where into docs/coverage.md.

  coverage.py RESULTS [--commit=HASH]   takes RESULTS/TARGET.tsv of attn-test
                                        --results; other columns stay
  coverage.py --variants                prints the variants of the table

A row is a score or mask function, a feature of the op, or a suite of random
cases; a cell counts the cases that ran and passed there, and names failures.
Nothing stands for a case that did not run.
"""

import argparse
import collections
import pathlib
import re
import sys

PAGE = pathlib.Path(__file__).parent.parent / "docs/coverage.md"

SUITES = {
    "mods": "Score and mask functions (test/Execution/mods)",
    "matrix": "Features of the op",
    "empty": "Without queries, keys, batches or heads",
    "random": "Random",
}

INTRODUCTION = """# What ran where

Written by `./test.sh --coverage` (a case of each variant, with heads of up to
32 columns where it has such, and random ones) or `./test.sh --full`; each cell
counts cases that ran there and agreed with the float64 reference by rule 20. An
empty cell: nothing ran.

Columns of GPUs are those of a machine without the compiler: `attn-test --each
--small --count=1 --emit=CASES` with the target's `--backend` and `--chip` here,
`attn-check --results=RESULTS/COLUMN.tsv CASES` there, and
`scripts/coverage.py RESULTS` here.
"""


def variant(name):
    """Suite and row of a case."""
    suite, rest = name.split("/", 1)
    if suite in ("mods", "matrix", "empty"):
        return suite, rest.split("/", 1)[0]
    return "random", suite


def read_results(path):
    """Cell by suite and row. Of a case that ran again, the last line counts."""
    passed = collections.Counter()
    failed = collections.Counter()
    lines = path.read_text(encoding="utf-8").splitlines()
    for name, status in dict(line.split("\t") for line in lines).items():
        (passed if status == "passed" else failed)[variant(name)] += 1
    cells = {}
    for row in passed | failed:
        cells[row] = str(passed[row])
        if failed[row]:
            cells[row] += f", **{failed[row]} failed**"
    return cells


def read_page(text):
    """Columns of a page that this program wrote: column -> (origin, cells)."""
    columns = {}
    for name, origin in re.findall(r"^- \*\*(\S+)\*\*: (.*)$", text, re.MULTILINE):
        columns[name] = (origin, {})
    titles = {title: suite for suite, title in SUITES.items()}
    suite, names = None, []
    for line in text.splitlines():
        if line.startswith("## "):
            suite = titles.get(line[3:])
        elif line.startswith("| ") and suite:
            first, *cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not first:
                names = cells
                continue
            for name, cell in zip(names, cells):
                if cell:
                    columns[name][1][suite, first.strip("`")] = cell
    return columns


def write_page(columns):
    lines = [INTRODUCTION]
    names = sorted(columns)
    lines += [f"- **{name}**: {columns[name][0]}" for name in names]
    for suite, title in SUITES.items():
        rows = sorted({row for _, cells in columns.values() for row in cells if row[0] == suite})
        lines += ["", f"## {title}", "", "| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
        for row in rows:
            cells = [columns[name][1].get(row, "") for name in names]
            lines.append(f"| `{row[1]}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", nargs="?", type=pathlib.Path)
    parser.add_argument("--commit", default="an unnamed commit")
    parser.add_argument("--page", type=pathlib.Path, default=PAGE)
    parser.add_argument("--variants", action="store_true")
    arguments = parser.parse_args()
    text = arguments.page.read_text(encoding="utf-8") if arguments.page.exists() else ""
    columns = read_page(text)
    if arguments.variants:
        rows = {row for _, cells in columns.values() for row in cells}
        print("\n".join(sorted("/".join(row) for row in rows)))
        return 0
    if not arguments.results:
        parser.error("a folder of results is missing")
    for path in sorted(arguments.results.glob("*.tsv")):
        cells = read_results(path)
        cases = sum(int(re.match(r"\d+", cell)[0]) for cell in cells.values())
        columns[path.stem] = (f"{cases} cases passed at {arguments.commit}", cells)
    arguments.page.write_text(write_page(columns), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
