# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Validates the shaders of all artifacts in a folder.

Arguments: the folder, then validators: naga, tint."""

import pathlib
import struct
import subprocess
import sys
import tempfile


def sections(data):
    """Names and bytes of the sections of an artifact (docs/artifact.md)."""
    for number in range(struct.unpack_from("<I", data, 40)[0]):
        name, offset, size = struct.unpack_from("<48sQQ", data, 48 + 64 * number)
        yield name.rstrip(b"\0").decode(), data[offset : offset + size]


def shaders(path):
    return [code for name, code in sections(path.read_bytes()) if name.startswith("code/")]


def validate(validator, code, path):
    if validator == "naga":
        # It has the functions, and no directive for them.
        code = code.replace(b"enable subgroups;\n", b"")
    path.write_bytes(code)
    options = ["--format", "wgsl", "-o", path.with_suffix(".out")] if validator == "tint" else []
    return subprocess.run([validator, *options, path], capture_output=True, text=True)


def invalid_shaders(path, validator):
    """What the validator says of the shaders of an artifact."""
    with tempfile.TemporaryDirectory() as scratch:
        results = [validate(validator, code, pathlib.Path(scratch) / "shader.wgsl") for code in shaders(path)]
    return [result.stdout + result.stderr for result in results if result.returncode]


def main():
    folder, *validators = sys.argv[1:]
    count = invalid = 0
    for path in sorted(pathlib.Path(folder).rglob("*.attn")):
        count += len(shaders(path))
        for validator in validators:
            for message in invalid_shaders(path, validator):
                invalid += 1
                print(f"{path.name}, {validator}: {message}")
    print(f"{count} shaders, {invalid} invalid")


if __name__ == "__main__":
    main()
