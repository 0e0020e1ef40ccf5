# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Fused attention, compiled for the machine at hand.

    kernel = attn.compile(heads=8, head_dim=64, causal=True)
    o = kernel(q, k, v)                                    # NumPy or PyTorch
    o = attn.flex_attention(q, k, v, score_mod=lambda s, b, h, i, j: s + 0.1 * (j - i))
"""

from ._config import Config
from ._errors import Diagnostic, Error, Location, TraceError
from ._flex import AuxOutput, AuxRequest, flex_attention
from ._kernel import Kernel, compile, load
from ._picture import MaskPicture, draw_mask
from ._trace import (clamp, cos, erf, exp, exp2, floor, log, log2, maximum, minimum, sigmoid, sin,
                     sqrt, tanh, where)

__version__ = "0.1.0"
