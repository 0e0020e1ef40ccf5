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


DEVICES = ["cpu"] + ["cuda"] * bool(torch and torch.cuda.is_available())


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind,name", CASES)
def test_torch(kind, name, device):
    arrays = mods.inputs()
    tensors = [torch.from_numpy(array).to(device) for array in arrays]
    function = make(kind, name, mods.torch_namespace(device))
    o, lse = attn.flex_attention(*tensors, **{f"{kind}_mod": function}, return_lse=True)
    assert o.device == lse.device == tensors[0].device
    compare(o.cpu(), lse.cpu(), kind, name, arrays)
    if kind == "mask":
        block_mask = flex.create_block_mask(function, mods.B, mods.H, mods.S, mods.S, device=device)
        theirs = flex.flex_attention(*tensors, block_mask=block_mask)
    else:
        theirs = flex.flex_attention(*tensors, score_mod=function)
    torch.testing.assert_close(o, theirs, rtol=0, atol=2e-5)


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("kind,name", CASES)
def test_bf16(kind, name, device):
    """Where a device has matrix units, these compute; what is stored has 8 bits."""
    tensors = [torch.from_numpy(array).to(device, torch.bfloat16) for array in mods.inputs(depth=64)]
    function = make(kind, name, mods.torch_namespace(device))
    o, lse = attn.flex_attention(*tensors, **{f"{kind}_mod": function}, return_lse=True)
    wanted, wanted_lse = expected(kind, name, [tensor.double().cpu() for tensor in tensors])
    np.testing.assert_allclose(o.double().cpu(), wanted, rtol=2**-8, atol=2**-7)
    np.testing.assert_allclose(lse.cpu(), wanted_lse, rtol=1e-4, atol=1e-4)
