# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compiles what gpu.mjs times on a GPU: the works that ONNX Runtime Web has been
timed with, and variants of them.

  gpu.py ATTN_COMPILE FOLDER [--chips NAME,NAME] [--tiles MxN,MxN] [--works TEXT] [--types f32,f16]

Each work is compiled for each chip and each tile; 0x0 is the tile that the
compiler chooses."""

import argparse
import itertools
import json
import pathlib
import subprocess
import sys

CAUSAL = "causal = #attn.causal<bottom_right>"


def work(q, k, options="", **more):
    return dict(q=q, k=k, options=options, causal=options.startswith(CAUSAL), **more)


D128, D64 = [1, 16, 4096, 128], [1, 32, 4096, 64]
D256 = [1, 8, 4096, 256]
WINDOW_PAIRS = 16 * (4096 * 1024 - 1024 * 1023 // 2)
WORKS = {
    "d128": work(D128, D128),
    "d64": work(D64, D64),
    "d256": work(D256, D256),
    "d256 causal": work(D256, D256, CAUSAL),
    "d128 causal": work(D128, D128, CAUSAL),
    "d64 causal": work(D64, D64, CAUSAL),
    "d128 causal softcap": work(D128, D128, f"{CAUSAL}, softcap = 30.0 : f32", unknown=True),
    "d128 causal alibi": work(D128, D128, CAUSAL, operand="alibi", extra=[[16]], unknown=True),
    "d128 causal window sinks": work(D128, D128, f"{CAUSAL}, window = #attn.window<left = 1023>", operand="sink",
                                     extra=[[16]], unknown=True, pairs=WINDOW_PAIRS),
    "decode 8192": work([1, 32, 1, 128], [1, 8, 8192, 128], sets=4),
    "decode 8192 batch 16": work([16, 32, 1, 128], [16, 8, 8192, 128]),
    "verify 8 of 8192": work([1, 32, 8, 128], [1, 8, 8192, 128], sets=4),
}


def program(q, k, element, options, operand=None, extra=()):
    """Attention on operands of these shapes."""
    q, k = ("tensor<" + "x".join(map(str, shape)) + f"x{element}>" for shape in (q, k))
    attributes = f" {{{options}}}" if options else ""
    captured = "".join(f"%c: tensor<{shape[0]}xf32>, " for shape in extra)
    given = f" {operand}(%c : tensor<{extra[0][0]}xf32>)" if operand else ""
    return f"""func.func @f(%q: {q}, %k: {k}, %v: {k}, {captured}%o: {q}) -> {q} {{
  %r = attn.attention ins(%q, %k, %v : {q}, {k}, {k}){given} outs(%o : {q}){attributes} -> {q}
  return %r : {q}
}}
"""


def tiles(arguments, rows, columns):
    """Flags for a tile and, where asked for, a number of threads."""
    if not arguments.threads:
        return [f"--tile-m={rows}", f"--tile-n={columns}"]
    schedule = arguments.folder / "schedule.mlir"
    schedule.write_text(f"#attn.schedule<tile_m = {rows}, tile_n = {columns}, threads = {arguments.threads}>\n",
                        encoding="utf-8")
    return [f"--schedule={schedule}"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("compiler")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--chips", default="webgpu")
    parser.add_argument("--tiles", default="0x0")
    parser.add_argument("--works", default=",".join(WORKS))
    parser.add_argument("--types", default="f32,f16")
    parser.add_argument("--prefix", default="")
    parser.add_argument("--threads", default=0, type=int)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    listing = arguments.folder / "cases.json"
    cases = json.loads(listing.read_text(encoding="utf-8")) if listing.exists() else []
    for name, element, chip, tile in itertools.product(
            arguments.works.split(","), arguments.types.split(","), arguments.chips.split(","), arguments.tiles.split(",")):
        case = dict(WORKS[name])
        rows, columns = tile.split("x")
        label = f"{arguments.prefix}{element} {name} {chip} {tile}" + (f" {arguments.threads}" if arguments.threads else "")
        source = arguments.folder / "f.mlir"
        artifact = label.replace(" ", "-") + ".attn"
        source.write_text(program(case["q"], case["k"], element, case.pop("options"), case.pop("operand", None),
                                  case.get("extra", ())), encoding="utf-8")
        run = subprocess.run([arguments.compiler, source, f"--target=wgsl:{chip}", *tiles(arguments, rows, columns), "-o", arguments.folder / artifact],
                             capture_output=True, text=True, check=False)
        if run.returncode:
            print(f"{label}: {run.stderr.splitlines()[0]}", file=sys.stderr)
            continue
        if "remark" in run.stderr:
            print(f"{label}: {run.stderr.splitlines()[0]}", file=sys.stderr)
        cases.append(dict(case, name=label, dtype=element, artifact=artifact))
        source.unlink()
    listing.write_text("[\n" + ",\n".join(map(json.dumps, cases)) + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
