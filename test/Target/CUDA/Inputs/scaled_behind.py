# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""scaled_behind.py ARTIFACT: between each two products of a Hopper kernel, how
many of the multiplications stand behind the last exponential, in machine code.

Instructions have 16 bytes, and the operation is in the lowest 12 bits.
"""

import re
import struct
import sys

INSTRUCTION = 16
OPERATIONS = {0x220: "multiply", 0x820: "multiply", 0x308: "exponential", 0xDF0: "product"}


def find_code(elf):
    """The sections of kernels of an ELF file of 64 bits."""
    first = struct.unpack_from("<Q", elf, 40)[0]
    number, names = struct.unpack_from("<HH", elf, 60)
    sections = [struct.unpack_from("<IIQQQQ", elf, first + 64 * k) for k in range(number)]
    for name, _, _, _, offset, size in sections:
        if elf.startswith(b".text.", sections[names][4] + name):
            yield elf[offset : offset + size]


def find_operations(code):
    for at in range(0, len(code), INSTRUCTION):
        operation = struct.unpack_from("<H", code, at)[0] & 0xFFF
        if operation in OPERATIONS:
            yield OPERATIONS[operation]


artifact = open(sys.argv[1], "rb").read()
for code in find_code(artifact[artifact.index(b"\x7fELF") :]):
    operations = " ".join(find_operations(code))
    steps = re.findall(r"(?<=product )(?:(?!product).)+(?= product)", operations)
    for step in steps:
        print(step.count("multiply"), "multiplications,",
              step[step.rindex("exponential") :].count("multiply"), "behind")
