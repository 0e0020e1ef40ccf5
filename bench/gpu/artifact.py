# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reads artifacts (docs/artifact.md) without the runtime."""

import json
import pathlib
import struct


class Artifact:
    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        assert data[:8] == b"\x89ATTN\r\n\x1a", f"{path} is not an artifact"
        (count,) = struct.unpack_from("<I", data, 40)
        self.sections = {}
        for n in range(count):
            name, offset, size = struct.unpack_from("<48sQQ", data, 48 + 64 * n)
            self.sections[name.rstrip(b"\0").decode()] = data[offset : offset + size]
        self.description = json.loads(self.sections["json"])

    def code(self):
        """Name and bytes of each code section."""
        return {
            name.removeprefix("code/"): section
            for name, section in self.sections.items()
            if name.startswith("code/")
        }
