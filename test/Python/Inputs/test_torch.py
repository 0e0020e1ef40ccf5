# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tensors of PyTorch, on every device: against its SDPA, under torch.compile, in bf16."""

import attn
import mods
import pytest

torch = pytest.importorskip("torch")
sdpa = torch.nn.functional.scaled_dot_product_attention


@pytest.fixture(scope="module", params=["cpu"] + ["cuda"] * torch.cuda.is_available())
def device(request):
    return request.param


def tensors(device="cpu", **options):
    return [torch.from_numpy(array).to(device) for array in mods.inputs(**options)]


@pytest.fixture(scope="module")
def causal(device):
    return attn.compile(heads=4, kv_heads=2, head_dim=16, causal=True, target=device)


def test_sdpa(causal, device):
    q, k, v = tensors(device, kv_heads=2)
    wanted = sdpa(q, k, v, is_causal=True, enable_gqa=True)
    torch.testing.assert_close(causal(q, k, v), wanted, rtol=0, atol=2e-5)
    keep = torch.rand(2, 1, 80, 80, device=device) < 0.5
    masked = attn.compile(heads=4, kv_heads=2, head_dim=16, mask_tensor="b1qk", target=device)
    o = masked(q, k, v, keep)
    torch.testing.assert_close(o, sdpa(q, k, v, attn_mask=keep, enable_gqa=True), rtol=0, atol=2e-5)


def test_bf16(device):
    q, k, v = (tensor.to(torch.bfloat16) for tensor in tensors(device))
    o = attn.flex_attention(q, k, v)
    assert o.dtype == torch.bfloat16
    wanted = sdpa(q.double(), k.double(), v.double())
    torch.testing.assert_close(o.double(), wanted, rtol=0, atol=2e-2)


def test_views_and_out(causal, device):
    q, k, v = tensors(device, kv_heads=2)
    q = q.transpose(1, 2).contiguous().transpose(1, 2)
    out = torch.empty(q.shape, device=device)
    assert causal(q, k, v, out=out) is out
    torch.testing.assert_close(out, sdpa(q, k, v, is_causal=True, enable_gqa=True), rtol=0, atol=2e-5)


def test_block_mask_and_lse(device):
    from torch.nn.attention.flex_attention import and_masks, create_block_mask

    def window(b, h, i, j):
        return i - j < 20

    q, k, v = tensors(device)
    mask = and_masks(lambda b, h, i, j: i >= j, window)
    block_mask = create_block_mask(mask, None, None, mods.S, mods.S, device=device)
    o, lse = attn.flex_attention(q, k, v, block_mask=block_mask, return_lse=True)
    wanted, wanted_lse = mods.reference(*mods.inputs(),
                                        mask=lambda b, h, i, j: (i >= j) & (i - j < 20))
    torch.testing.assert_close(o.cpu().double(), torch.from_numpy(wanted), rtol=0, atol=2e-5)
    torch.testing.assert_close(lse.cpu().double(), torch.from_numpy(wanted_lse), rtol=1e-5, atol=1e-5)
    with pytest.raises(attn.Error, match="not both"):
        attn.flex_attention(q, k, v, block_mask=block_mask, mask_mod=window)


def test_torch_compile_keeps_the_kernel(causal, device):
    graphs = []

    def backend(graph, example):
        graphs.append(graph)
        return graph.forward

    @torch.compile(backend=backend, fullgraph=True, dynamic=True)
    def layer(q, k, v):
        return causal(q * 2, k, v) + 1

    q, k, v = tensors(device, kv_heads=2)
    torch.testing.assert_close(layer(q, k, v), causal(q * 2, k, v) + 1)
    targets = [str(node.target) for graph in graphs for node in graph.graph.nodes]
    assert any("attn.launch" in target for target in targets), targets


def test_operator(causal, device):
    import attn._torch  # makes the operator

    torch.library.opcheck(torch.ops.attn.launch.default, (causal.name, tensors(device, kv_heads=2)))


def test_no_backward(causal, device):
    q, k, v = tensors(device, kv_heads=2)
    q.requires_grad_()
    with pytest.raises(attn.Error, match="there is no backward pass"):
        causal(q, k, v)
    with torch.no_grad():
        causal(q, k, v)


def test_refused(causal, device):
    q, k, v = tensors(device, kv_heads=2)
    with pytest.raises(attn.Error, match="'query'.*is on meta"):
        causal(q.to("meta"), k, v)
    with pytest.raises(attn.Error, match="torch.complex64"):
        causal(q.to(torch.complex64), k, v)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_wrong_device(causal, device):
    q, k, v = tensors("cpu" if device == "cuda" else "cuda", kv_heads=2)
    with pytest.raises(attn.Error, match=f"compiled for {device}"):
        causal(q, k, v)
    with pytest.raises(attn.Error, match="'key' is on"):
        causal(q.to(device), k, v)
