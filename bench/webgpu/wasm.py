# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention of one thread in WebAssembly, beside ONNX Runtime Web's, in one
process of Node.

  wasm.py ATTN_COMPILE [--rounds N]

npm brings the peer, of a pinned version, to .cache/ort-web. Its models are
written here: MultiHeadAttention of com.microsoft and Attention of ONNX, of which
the faster one counts. Rows go to bench/results/webgpu.json."""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))
from compile_time import program  # noqa: E402
from rows import load_average, processor, replace_rows, time_row  # noqa: E402

VERSION = "1.30.0"
SHAPE = [1, 8, 1024, 64]
CHIPS = ("wasm32", "wasm32-relaxed")


def field(number, value):
    """A field of a protocol buffer: a number, text, or a message of fields."""
    def varint(n):
        some = b""
        while n >= 128:
            some, n = some + bytes([n & 127 | 128]), n >> 7
        return some + bytes([n])
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def model(op, domain, rank, attributes):
    """An ONNX model of one node on `query`, `key` and `value` of f32."""
    opset = field(8, field(1, "") + field(2, 23)) + field(8, field(1, "com.microsoft") + field(2, 1))
    shape = b"".join(field(1, field(2, f"d{k}")) for k in range(rank))
    tensor = field(1, field(1, 1) + field(2, shape))
    inputs = ("query", "key", "value")
    node = b"".join(field(1, name) for name in inputs) + field(2, "output") + field(4, op)
    for name, value in attributes.items():
        node += field(5, field(1, name) + field(3, value) + field(20, 2))
    node += field(7, domain)
    graph = field(1, node) + field(2, "graph")
    graph += b"".join(field(11, field(1, name) + field(2, tensor)) for name in inputs)
    graph += field(12, field(1, "output") + field(2, tensor))
    return field(1, 10) + field(7, graph) + opset


def install():
    folder = ROOT / ".cache/ort-web"
    package = folder / "node_modules/onnxruntime-web/package.json"
    if not package.exists() or json.loads(package.read_text(encoding="utf-8"))["version"] != VERSION:
        subprocess.run(["npm", "install", "--silent", "--no-save", "--prefix", folder, f"onnxruntime-web@{VERSION}"], check=True)
    return folder / "node_modules"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("compiler")
    parser.add_argument("--rounds", type=int, default=15)
    arguments = parser.parse_args()
    modules = install()
    heads = SHAPE[1]
    models = {"MultiHeadAttention": model("MultiHeadAttention", "com.microsoft", 3, {"num_heads": heads}),
              "Attention": model("Attention", "", 4, {})}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        source = folder / "f.mlir"
        source.write_text(program("tensor<" + "x".join(map(str, SHAPE)) + "xf32>"), encoding="utf-8")
        files = []
        for chip in CHIPS:
            files.append(folder / f"{chip}.attn")
            subprocess.run([arguments.compiler, source, f"--target=cpu:{chip}", "-o", files[-1]], check=True)
        for name, data in models.items():
            files.append(folder / f"{name}.onnx")
            files[-1].write_bytes(data)
        # Node 20 has relaxed SIMD behind a flag; browsers have it.
        command = ["node", "--experimental-wasm-relaxed-simd", ROOT / "bench/webgpu/wasm.mjs", modules, str(arguments.rounds), json.dumps(SHAPE), *files]
        results = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    for file, result in zip(files, results):
        print(f"{file.name}: {result['ms']:.1f} ms, {result['distance']:.1e} from the first")
    peer, peer_name = min((result["ms"], name) for result, name in zip(results[len(CHIPS):], models))
    note = f"bench/webgpu/wasm.py ATTN_COMPILE --rounds {arguments.rounds}, {load_average()}"
    replace_rows(ROOT / "bench/results/webgpu.json",
                 [time_row(f"f32 {'x'.join(map(str, SHAPE))}, {chip}, one thread", "ms in Node", round(result["ms"], 1),
                           round(peer, 1), f"ONNX Runtime Web {VERSION}, {peer_name}", 1.3, processor(), note)
                  for chip, result in zip(CHIPS, results)])


if __name__ == "__main__":
    main()
