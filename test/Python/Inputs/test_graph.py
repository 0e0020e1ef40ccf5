# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""flex_attention and kernels within graphs of torch.compile, none of which may break:
against the same call outside, with other sizes and other contents of captures."""

import attn
import mods
import pytest

torch = pytest.importorskip("torch")
flex = pytest.importorskip("torch.nn.attention.flex_attention")
if not hasattr(torch._higher_order_ops, "dynamo_bypassing_wrapper"):
    pytest.skip("this PyTorch cannot wrap graphs", allow_module_level=True)

CASES = [(kind, name) for kind, registry in (("score", mods.SCORES), ("mask", mods.MASKS))
         for name in registry]


@pytest.fixture(autouse=True)
def fresh():
    """Graphs of one test are not those of the next."""
    torch._dynamo.reset()
    with torch.no_grad():
        yield


def tensors(length=80, batch=2, heads=4, kv_heads=None, depth=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, count, length, depth, generator=generator)
            for count in (heads, kv_heads or heads, kv_heads or heads)]


def compile_counted(function, backend):
    """In a graph; and a list with an entry for each time that it is compiled."""
    counter = []

    def counted(graph, example):
        counter.append(graph)
        return torch._dynamo.lookup_backend(backend)(graph, example)

    return torch.compile(function, backend=counted, fullgraph=True), counter


def agree(function, *calls, backend="aot_eager"):
    """`function` in a graph and outside, on each call's arguments. How often it was
    compiled."""
    compiled, counter = compile_counted(function, backend)
    for arguments in calls:
        torch.testing.assert_close(compiled(*arguments), function(*arguments), rtol=0, atol=2e-5)
    return len(counter)


@pytest.mark.parametrize("kind,name", CASES)
def test_mods(kind, name):
    registry = mods.SCORES if kind == "score" else mods.MASKS
    function = registry[name](mods.torch_namespace("cpu"))
    arrays = [torch.from_numpy(array) for array in mods.inputs()]
    agree(lambda *qkv: attn.flex_attention(*qkv, **{f"{kind}_mod": function}, return_lse=True), arrays)


slopes = 2.0 ** -torch.arange(1, 5).float()
documents = torch.repeat_interleave(torch.arange(8), 16)


def alibi(score, b, h, q_idx, kv_idx):
    return score + slopes[h] * (kv_idx - q_idx)


def same_document(b, h, q_idx, kv_idx):
    return (documents[q_idx] == documents[kv_idx]) & (q_idx - kv_idx < 20)


@pytest.mark.parametrize("backend", ["eager", "aot_eager", "inductor"])
def test_backends(backend):
    def layer(q, k, v):
        o, lse = attn.flex_attention(q * 2, k, v, score_mod=alibi, mask_mod=same_document,
                                     enable_gqa=True, return_lse=True)
        return o + 1, lse * 2

    agree(layer, tensors(kv_heads=2), tensors(96, 3, kv_heads=2), backend=backend)


def test_any_length_and_batch():
    """Sizes that change become open: the third graph takes all others."""
    calls = [tensors(80), tensors(96), tensors(128, batch=3), tensors(33, batch=1), tensors(50, batch=5)]
    assert agree(lambda *qkv: attn.flex_attention(*qkv, score_mod=alibi), *calls) <= 4


def test_functions_of_the_graph():
    """A function within the graph refers to its inputs, to what it computes, and to
    numbers and sizes."""
    def layer(q, k, v, bias, factor):
        table = bias.exp()
        offset = k.shape[2] - q.shape[2]

        def score(s, b, h, q_idx, kv_idx):
            return factor * s + table[b, h][q_idx] * torch.tanh(kv_idx.float() / 10)

        return attn.flex_attention(q, k, v, score_mod=score, enable_gqa=True,
                                   mask_mod=lambda b, h, q_idx, kv_idx: q_idx + offset >= kv_idx)

    def arguments(queries, keys, factor):
        q, k, v = tensors(keys, kv_heads=2)
        return q[:, :, :queries].contiguous(), k, v, torch.randn(2, 4, queries), factor

    calls = [arguments(70, 80, 0.5), arguments(60, 96, 0.5), arguments(61, 97, 0.5),
             arguments(62, 99, 0.5), arguments(62, 99, 0.25)]
    assert agree(layer, *calls) <= 4


@pytest.mark.parametrize("backend", ["aot_eager", "inductor"])
def test_new_contents_of_captures(backend):
    """Written in place, bound anew, and in a module's buffer: each call reads what is
    there, without another compilation."""
    class Layer(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("table", torch.randn(4))

        def forward(self, q, k, v):
            return attn.flex_attention(q, k, v, score_mod=lambda s, b, h, i, j: s * self.table[h]
                                       + slopes[h] * (j - i))

    global slopes
    old, layer, qkv = slopes, Layer(), tensors()
    compiled, counter = compile_counted(layer, backend)
    try:
        seen = []
        for change in (lambda: None, lambda: layer.table.mul_(2), lambda: slopes.mul_(3)):
            change()
            seen.append(compiled(*qkv))
            torch.testing.assert_close(seen[-1], layer(*qkv), rtol=0, atol=2e-5)
        slopes = torch.randn(4)
        layer.table = torch.randn(4)
        seen.append(compiled(*qkv))
        torch.testing.assert_close(seen[-1], layer(*qkv), rtol=0, atol=2e-5)
    finally:
        slopes = old
    assert all((a - b).abs().max() > 1e-3 for a, b in zip(seen, seen[1:]))
    assert len(counter) == 1


def test_block_mask():
    mask = flex.create_block_mask(same_document, None, None, 80, 80, device="cpu")
    qkv = tensors()
    agree(lambda *qkv: attn.flex_attention(*qkv, block_mask=mask), qkv)
    agree(lambda mask, *qkv: attn.flex_attention(*qkv, block_mask=mask), (mask, *qkv))


def test_what_functions_return():
    qkv = tensors()
    agree(lambda *qkv: attn.flex_attention(*qkv, score_mod=lambda s, *_: 0.5,
                                           mask_mod=lambda *_: True), qkv)
    agree(lambda *qkv: attn.flex_attention(
        *qkv, scale=0.25, return_aux=attn.AuxRequest(lse=True))[1].lse, qkv)


def test_one_batch_of_keys():
    q, k, v = tensors(batch=3)
    agree(lambda q, k, v: attn.flex_attention(q, k[:1], v[:1], mask_mod=same_document), (q, k, v))


def test_kernel_with_captures():
    """A kernel of attn.compile, with what its functions captured."""
    kernel = attn.compile(heads=4, head_dim=16, score_mod=alibi, mask_mod=same_document, lse=True)
    q, k, v = tensors()
    assert agree(lambda q, k, v: kernel(q + 1, k, v)[0] * 2, (q, k, v), tensors(96), tensors(97)) <= 2


@pytest.mark.parametrize("refused,call", [
    ("branches on|data-dependent", lambda q, k, v: attn.flex_attention(
        q, k, v, score_mod=lambda s, b, h, i, j: s if i > j else s * 2)),
    ("slice", lambda q, k, v: attn.flex_attention(
        q, k, v, score_mod=lambda s, b, h, i, j: s + slopes[:2].sum() + slopes[h:].sum())),
    ("float", lambda q, k, v: attn.flex_attention(q, k, v, score_mod=lambda s, b, h, i, j: i >= j)),
    ("bool", lambda q, k, v: attn.flex_attention(q, k, v, mask_mod=lambda b, h, i, j: i)),
    ("enable_gqa", lambda q, k, v: attn.flex_attention(q, k[:, :2], v[:, :2])),
    ("out=", lambda q, k, v: attn.flex_attention(q, k, v, out=q)),
    ("requires gradients", lambda q, k, v: attn.flex_attention(q, k, v.requires_grad_())),
])
def test_refused(refused, call):
    with torch.enable_grad(), pytest.raises(Exception, match=refused):
        torch.compile(call, backend="aot_eager", fullgraph=True)(*tensors())
