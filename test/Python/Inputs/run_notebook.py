# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the cells of a notebook in their order and compares what they print and
return with the outputs that the notebook holds; --write stores them instead.

usage: run_notebook.py NOTEBOOK [--write]
"""

import ast
import contextlib
import io
import json
import sys


def run(source, names):
    """What a cell prints, and the value of its last expression."""
    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(tree, "<cell>", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), names) if last else None
    return printed.getvalue(), value


def outputs(source, names, count):
    """As nbformat has them."""
    printed, value = run(source, names)
    found = []
    if printed:
        found.append({"name": "stdout", "output_type": "stream",
                      "text": printed.splitlines(keepends=True)})
    if value is not None:
        picture = getattr(value, "_repr_svg_", None)
        data = {"image/svg+xml": [picture()]} if picture else {"text/plain": [repr(value)]}
        found.append({"data": data, "execution_count": count, "metadata": {},
                      "output_type": "execute_result"})
    return found


def main():
    path = sys.argv[1]
    with open(path, encoding="utf-8") as file:
        notebook = json.load(file)
    assert notebook["nbformat"] == 4, notebook["nbformat"]
    names, count = {"__name__": "__main__"}, 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        count += 1
        found = outputs("".join(cell["source"]), names, count)
        if "--write" in sys.argv:
            cell["outputs"], cell["execution_count"] = found, count
        elif cell["outputs"] != found:
            sys.exit(f"cell {count} of {path} has other outputs now:\n{json.dumps(found, indent=1)}")
    if "--write" in sys.argv:
        with open(path, "w", encoding="utf-8") as file:
            json.dump(notebook, file, indent=1, ensure_ascii=False)
            file.write("\n")
    print(f"{count} cells ran")


if __name__ == "__main__":
    main()
