# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Uses of the package for a checker of types: the last lines are wrong."""

from typing import List

import attn

kernel: attn.Kernel = attn.compile(heads=8, head_dim=64, causal=True)
other: attn.Kernel = attn.load("file.attn", threads=2)
chip: str = kernel.chip
kinds: List[List[str]] = attn.draw_mask(lambda b, h, i, j: i >= j, 64).tiles()
saved: bytes = attn.compile({"heads": 8, "head_dim": 64}).artifact
config = attn.Config(heads=8, head_dim=64, window=(128, None))
try:
    attn.flex_attention(1, 2, 3, return_aux=attn.AuxRequest(lse=True))
except attn.Error as error:
    rule: object = error.rule
    code: str = error.code

attn.compile(3)
attn.load("file.attn", threads="2")
wrong: int = kernel.artifact
