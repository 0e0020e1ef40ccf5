# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors of PyTorch: against its SDPA, under torch.compile, in bf16."""

import attn
import mods
import pytest

torch = pytest.importorskip("torch")
sdpa = torch.nn.functional.scaled_dot_product_attention


def tensors(**options):
    return [torch.from_numpy(array) for array in mods.inputs(**options)]


@pytest.fixture(scope="module")
def causal():
    return attn.compile(heads=4, kv_heads=2, head_dim=16, causal=True)


def test_sdpa(causal):
    q, k, v = tensors(kv_heads=2)
    wanted = sdpa(q, k, v, is_causal=True, enable_gqa=True)
    torch.testing.assert_close(causal(q, k, v), wanted, rtol=0, atol=2e-5)
    keep = torch.rand(2, 1, 80, 80) < 0.5
    o = attn.compile(heads=4, kv_heads=2, head_dim=16, mask_tensor="b1qk")(q, k, v, keep)
    torch.testing.assert_close(o, sdpa(q, k, v, attn_mask=keep, enable_gqa=True), rtol=0, atol=2e-5)


def test_bf16():
    q, k, v = (tensor.to(torch.bfloat16) for tensor in tensors())
    o = attn.flex_attention(q, k, v)
    assert o.dtype == torch.bfloat16
    wanted = sdpa(q.double(), k.double(), v.double())
    torch.testing.assert_close(o.double(), wanted, rtol=0, atol=2e-2)


def test_views_and_out(causal):
    q, k, v = tensors(kv_heads=2)
    q = q.transpose(1, 2).contiguous().transpose(1, 2)
    out = torch.empty(q.shape)
    assert causal(q, k, v, out=out) is out
    torch.testing.assert_close(out, sdpa(q, k, v, is_causal=True, enable_gqa=True), rtol=0, atol=2e-5)


def test_block_mask_and_lse():
    from torch.nn.attention.flex_attention import and_masks, create_block_mask

    def window(b, h, i, j):
        return i - j < 20

    q, k, v = tensors()
    mask = and_masks(lambda b, h, i, j: i >= j, window)
    block_mask = create_block_mask(mask, None, None, mods.S, mods.S, device="cpu")
    o, lse = attn.flex_attention(q, k, v, block_mask=block_mask, return_lse=True)
    wanted, wanted_lse = mods.reference(q, k, v, mask=lambda b, h, i, j: (i >= j) & (i - j < 20))
    torch.testing.assert_close(o.double(), torch.from_numpy(wanted), rtol=0, atol=2e-5)
    torch.testing.assert_close(lse.double(), torch.from_numpy(wanted_lse), rtol=1e-5, atol=1e-5)
    with pytest.raises(attn.Error, match="not both"):
        attn.flex_attention(q, k, v, block_mask=block_mask, mask_mod=window)


def test_torch_compile_keeps_the_kernel(causal):
    graphs = []

    def backend(graph, example):
        graphs.append(graph)
        return graph.forward

    @torch.compile(backend=backend, fullgraph=True, dynamic=True)
    def layer(q, k, v):
        return causal(q * 2, k, v) + 1

    q, k, v = tensors(kv_heads=2)
    torch.testing.assert_close(layer(q, k, v), causal(q * 2, k, v) + 1)
    targets = [str(node.target) for graph in graphs for node in graph.graph.nodes]
    assert any("attn.launch" in target for target in targets), targets


def test_operator(causal):
    import attn._torch  # makes the operator

    torch.library.opcheck(torch.ops.attn.launch.default, (causal.name, tensors(kv_heads=2)))


def test_no_backward(causal):
    q, k, v = tensors(kv_heads=2)
    q.requires_grad_()
    with pytest.raises(attn.Error, match="there is no backward pass"):
        causal(q, k, v)
    with torch.no_grad():
        causal(q, k, v)


def test_refused(causal):
    q, k, v = tensors(kv_heads=2)
    with pytest.raises(attn.Error, match="'query'.*is on meta"):
        causal(q.to("meta"), k, v)
    with pytest.raises(attn.Error, match="torch.complex64"):
        causal(q.to(torch.complex64), k, v)
