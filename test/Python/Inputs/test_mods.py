# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every function of mods.py, traced, against NumPy in float64; where PyTorch is
installed, written with its functions, and against its FlexAttention."""

import attn
import mods
import numpy as np
import pytest

try:
    import torch
    from torch.nn.attention import flex_attention as flex
except ImportError:
    torch = None

CASES = [(kind, name) for kind, registry in (("score", mods.SCORES), ("mask", mods.MASKS))
         for name in registry]


def make(kind, name, namespace):
    registry = mods.SCORES if kind == "score" else mods.MASKS
    return registry[name](namespace)


def expected(kind, name, arrays):
    return mods.reference(*arrays, **{kind: make(kind, name, mods.REFERENCE)})


def compare(o, lse, kind, name, arrays):
    wanted, wanted_lse = expected(kind, name, arrays)
    np.testing.assert_allclose(o, wanted, rtol=0, atol=2e-5)
    np.testing.assert_allclose(lse, wanted_lse, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind,name", CASES)
def test_numpy(kind, name):
    arrays = mods.inputs()
    function = make(kind, name, mods.numpy_namespace())
    o, lse = attn.flex_attention(*arrays, **{f"{kind}_mod": function}, return_lse=True)
    compare(o, lse, kind, name, arrays)


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("kind,name", CASES)
def test_torch(kind, name):
    arrays = mods.inputs()
    tensors = [torch.from_numpy(array) for array in arrays]
    function = make(kind, name, mods.torch_namespace())
    o, lse = attn.flex_attention(*tensors, **{f"{kind}_mod": function}, return_lse=True)
    compare(o, lse, kind, name, arrays)
    if kind == "mask":
        block_mask = flex.create_block_mask(function, mods.B, mods.H, mods.S, mods.S, device="cpu")
        theirs = flex.flex_attention(*tensors, block_mask=block_mask)
    else:
        theirs = flex.flex_attention(*tensors, score_mod=function)
    torch.testing.assert_close(o, theirs, rtol=0, atol=2e-5)
