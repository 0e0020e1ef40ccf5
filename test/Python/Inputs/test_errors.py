# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Bad input: one exception each, with what was wrong; and where flex_attention may
differ from PyTorch's."""

import copy
import pickle
import threading

import attn
import mods
import numpy as np
import pytest

try:
    import torch
except ImportError:
    torch = None

needs_torch = pytest.mark.skipif(torch is None, reason="PyTorch is not installed")


@pytest.fixture(scope="module")
def plain():
    return attn.compile(heads=4, head_dim=16)


def refused(call, message, *arguments, **named):
    with pytest.raises(attn.Error, match=message) as info:
        call(*arguments, **named)
    return info.value


# -- Options ----------------------------------------------------------------------


@pytest.mark.parametrize("options,message", [
    (dict(target=3), "target is 3; text is needed"),
    (dict(target="tpu"), "unknown target 'tpu'"),
    (dict(chip="znver9"), "unknown chip 'znver9' of the target cpu"),
    (dict(threads=-1), "-1 threads are not in 0"),
    (dict(threads="2"), "threads is '2'; an integer of 32 bits is needed"),
    (dict(threads=1 << 40), "threads is 1099511627776; an integer of 32 bits is needed"),
    (dict(device=3), "there is no device 3"),
    (dict(tile=3), "tile is 3; a pair of integers of 32 bits is needed"),
    (dict(tile=(1 << 70, 0)), "tile is .*; a pair of integers of 32 bits is needed"),
    (dict(tile=(7, 96)), "tile-m = 7 is not a multiple"),
    (dict(window="x"), "window is 'x'; an integer or a pair"),
    (dict(window=(1, 2, 3)), "window is .*; an integer or a pair"),
    (dict(softcap="x"), "softcap is 'x'; a number is needed"),
    (dict(scale=[1]), "scale is .1.; a number is needed"),
    (dict(kv_heads=2.0), "kv_heads is 2.0; a positive integer"),
    (dict(score_mod="x"), "score_mod is a str, not a function"),
    (dict(alibi="heads"), "alibi is 'heads'; True and 'batch' are possible"),
    (dict(entry="f"), "entry names a function of MLIR text"),
])
def test_options(options, message):
    refused(attn.compile, message, heads=4, head_dim=16, **options)


def test_sources():
    refused(attn.compile, "int: MLIR text, a Config or a dict is needed", 3)
    refused(attn.compile, "'heads' is missing")
    refused(attn.compile, "the MLIR text has surrogates", "func.func @f() { \udc80 }")
    refused(attn.compile, "heads: MLIR text says this itself", "func.func @f() { return }", heads=3)


def test_integers_of_numpy():
    arrays = mods.inputs()
    kernel = attn.compile(heads=np.int64(4), head_dim=np.int32(16), window=np.int8(5), softcap=np.float32(2))
    wanted = attn.compile(heads=4, head_dim=16, window=5, softcap=2)
    np.testing.assert_array_equal(kernel(*arrays), wanted(*arrays))


@pytest.mark.skipif(torch is not None and torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu():
    error = refused(attn.compile, "the cuda backend needs NVIDIA's driver", heads=4, head_dim=16, target="cuda")
    assert error.code == "ATTN_ERROR_NOT_FOUND"


# -- Artifacts --------------------------------------------------------------------


def test_load(plain, tmp_path):
    arrays = mods.inputs(q_length=3)
    plain.save(tmp_path / "plain.attn")
    for source in (tmp_path / "plain.attn", str(tmp_path / "plain.attn"), plain.artifact):
        np.testing.assert_array_equal(attn.load(source)(*arrays), plain(*arrays))


def test_bad_artifacts(plain, tmp_path):
    assert refused(attn.load, "not an attention artifact", b"x" * 100).code == (
        "ATTN_ERROR_MALFORMED_ARTIFACT")
    changed = bytearray(plain.artifact)
    changed[-1] ^= 1
    assert refused(attn.load, "its hash does not match", bytes(changed)).code == (
        "ATTN_ERROR_CORRUPTED_ARTIFACT")
    refused(attn.load, "the artifact is truncated", plain.artifact[:-64])
    with pytest.raises(FileNotFoundError):
        attn.load(tmp_path / "none.attn")
    with open(tmp_path / "open", "wb") as file:
        refused(attn.load, "int: a path or the bytes of an artifact", file.fileno())
        file.write(b"it is not closed")
    refused(attn.load, "target is 3", plain.artifact, target=3)
    refused(attn.load, "no backend runs the target 'tpu'", plain.artifact, target="tpu")
    refused(attn.load, "the backend 'vulkan' works on memory of its own", plain.artifact, target="vulkan")


def test_other_chips(plain):
    """Code for a GPU, and a kernel that lacks what these sizes need."""
    text = plain.mlir
    code = attn._attn.compile(text, target="cuda", chip="sm_80")["artifact"]
    error = refused(attn.load, "compiled for cuda:sm_80; this context runs 'cpu'", code)
    assert error.code == "ATTN_ERROR_UNSUPPORTED_DEVICE"
    part = attn.load(attn._attn.compile(text, general=True)["artifact"])
    part(*mods.inputs())
    assert refused(part, "no code of the kernel", *mods.inputs(q_length=1)).code == (
        "ATTN_ERROR_NOT_FOUND")


def test_copies(plain):
    """A model that holds a kernel can be copied, and sent to another process."""
    arrays = mods.inputs(q_length=5)
    slopes = np.array([0.5, 0.25, 0.1, 0.05], np.float32)
    biased = attn.compile(heads=4, head_dim=16, score_mod=lambda s, b, h, i, j: s + slopes[h] * j)
    for kernel in (plain, biased, attn.load(plain.artifact)):
        for other in (copy.deepcopy(kernel), copy.copy(kernel), pickle.loads(pickle.dumps(kernel))):
            np.testing.assert_array_equal(other(*arrays), kernel(*arrays))


# -- Arrays -----------------------------------------------------------------------


def test_arrays(plain):
    q, k, v = mods.inputs()
    out = np.full_like(q, 7)
    bytes_ = bytearray(q.nbytes + 1)
    odd = np.frombuffer(bytes_, np.float32, q.size, offset=1).reshape(q.shape)
    record = np.zeros(q.shape, [("a", np.float32), ("b", np.int8)])["a"]
    for query, message in (
            (None, "'query' is a NoneType; an array"), (3, "'query' is a int; an array"),
            (odd, "'query': the data pointer is not aligned to the 4 bytes of f32"),
            (record, "'query': its stride of 5 bytes is no multiple"),
            (q.astype(">f4"), "'query' has elements of format '>f'"),
            (q.astype(np.float16), "'query': dtype f16, expected f32"),
            (q.astype(object), "'query' has elements of format 'O'"),
            (q[0], "'query'"), (q[:, :, :, :8], "'query': dimension 3 is 8, expected 16"),
            (q[None], "'query'"), (np.zeros((1,) * 9, np.float32), "'query' has 9 dimensions"),
            (memoryview(q.tobytes()), "'query' has|'query':")):
        refused(plain, message, query, k, v, out=out)
    assert (out == 7).all()


def test_scalars():
    kernel = attn.compile(heads=4, head_dim=16, scale="argument")
    arrays = mods.inputs()
    for scale in (1e300, -(10 ** 39)):
        refused(kernel, "'scale' = .* is beyond the numbers of f32", *arrays, scale)
    refused(kernel, "'scale' must be a number", *arrays, "1")
    kernel(*arrays, float("inf"))


def test_results(plain):
    arrays = mods.inputs()
    for out, message in (
            (np.empty((2, 4, 79, 16), np.float32), "result 0 'result0': dimension 2 is 79, expected 80"),
            (np.empty((2, 4, 80, 16), np.float64), "result 0 'result0': dtype f64"),
            ("x", "result 0 is a str"), ((), "out must name 1 arrays, not 0"),
            (np.broadcast_to(np.float32(0), arrays[0].shape), "result 0 cannot be written")):
        refused(plain, message, *arrays, out=out)
    wide = np.lib.stride_tricks.as_strided(np.empty(100, np.float32), arrays[0].shape, (0, 0, 0, 4))
    refused(plain, "dimension 0 of size 2 has stride 0, but the tensor is written", *arrays, out=wide)


def test_errors_in_threads(plain):
    """What is refused in one thread does not touch calls in others."""
    good, bad = mods.inputs(), mods.inputs(kv_length=10)
    bad[1] = bad[1][:, :, :5]
    wanted, failures = plain(*good), []

    def work(number):
        for _ in range(100):
            try:
                o = plain(*(bad if number % 2 else good))
                if number % 2 or not np.array_equal(o, wanted):
                    failures.append(number)
            except attn.Error as error:
                if number % 2 == 0 or error.rule != 1:
                    failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_masked_arrays(plain):
    q, k, v = mods.inputs()
    hidden = np.ma.masked_array(k, mask=k > 0)
    for call in (lambda: plain(q, hidden, v), lambda: attn.flex_attention(q, hidden, v),
                 lambda: plain(q, k, v, out=np.ma.masked_array(q))):
        with pytest.raises(attn.Error, match="is a masked array, and kernels read no mask"):
            call()
    for table in (np.ma.masked_array(np.ones(80, np.float32), mask=True), np.ma.masked):
        with pytest.raises(attn.TraceError, match="is a masked array"):
            attn.flex_attention(q, k, v, score_mod=lambda s, b, h, i, j, t=table: s + (
                t[j] if t.shape else t))


@needs_torch
def test_tensors(plain):
    q, k, v = map(torch.from_numpy, mods.inputs())
    z = torch.complex(q, q).conj()
    for query, message in (
            (q.to_sparse(), "'query' cannot be read"), (q.to("meta"), "'query' is on meta"),
            (torch.imag(z), "'query' is a view that negates; call resolve_neg"),
            (q.to(torch.float8_e4m3fn), "torch.float8_e4m3fn, which no kernel takes"),
            (torch.quantize_per_tensor(q, 0.1, 0, torch.qint8), "torch.qint8, which no kernel takes")):
        refused(plain, message, query, k, v)
    torch.testing.assert_close(plain(torch.real(z), k, v), plain(q, k, v), rtol=0, atol=0)
    with pytest.raises(attn.Error, match="'query' cannot be read"):
        torch.func.vmap(lambda query: plain(query[None], k[:1], v[:1]))(q)


# -- Functions --------------------------------------------------------------------


def test_pictures():
    def causal(b, h, i, j):
        return i >= j

    refused(attn.draw_mask, "mask_mod is a str", "x", 4)
    refused(attn.draw_mask, "positive", causal, 0)
    refused(attn.draw_mask, "lengths of a picture are integers", causal, 4.5)
    refused(attn.draw_mask, "its tile two of them", causal, 4, tile=3)
    assert attn.draw_mask(causal, 5, 3).mask.shape == (5, 3)


@pytest.mark.parametrize("function,message", [
    (lambda s, b, h, i: s, "takes 4 positional arguments but 5 were given"),
    (lambda s, b, h, i, j: s if i > j else 0.0, "branches on a value"),
    (lambda s, b, h, i, j: i > j, "type i1; a score function returns a float"),
    (lambda s, b, h, i, j: None, "returns a NoneType; a score function"),
    (lambda s, b, h, i, j: (s, s), "returns a tuple; a score function"),
])
def test_functions(function, message):
    arrays = mods.inputs()
    with pytest.raises(attn.TraceError, match=message):
        attn.flex_attention(*arrays, score_mod=function)
    with pytest.raises(attn.TraceError, match=message):
        attn.compile(heads=4, head_dim=16, score_mod=function)


def test_captures():
    arrays, table = mods.inputs(), np.zeros((80, 2), np.float32)
    for captured, message in ((table[:, 0], "is not contiguous .strides"),
                              (table.astype(np.complex64)[:, 0].copy(), "complex64"),
                              (table, "is used as a number")):
        with pytest.raises(attn.TraceError, match=message):
            attn.flex_attention(*arrays, score_mod=lambda s, b, h, i, j: s + captured[j])
    # Contents, and the sizes of another array in its place, are those of each call.
    values = np.zeros(80, np.float32)
    kernel = attn.compile(heads=4, head_dim=16, score_mod=lambda s, b, h, i, j: s + values[j])
    before = kernel(*arrays)
    values[:] = np.linspace(0, 5, 80)
    assert not np.array_equal(before, kernel(*arrays))
    refused(kernel.with_captures([np.zeros(79, np.float32)]), "dimension 0 is 79, expected 80", *arrays)
    refused(kernel.with_captures, "1 captures, not 2", [values, values])


@needs_torch
def test_captures_of_torch():
    q, k, v = map(torch.from_numpy, mods.inputs())
    learned = torch.zeros(80, requires_grad=True)
    refused(attn.flex_attention, "'capture0' requires gradients", q, k, v,
            score_mod=lambda s, b, h, i, j: s + learned[j])
    elsewhere = torch.zeros(80, device="meta")
    refused(attn.flex_attention, "'capture0' is on meta", q, k, v,
            score_mod=lambda s, b, h, i, j: s + elsewhere[j])


# -- flex_attention beside PyTorch's ----------------------------------------------


def test_arguments_of_flex_attention():
    q, k, v = mods.inputs(kv_heads=2)
    flex = attn.flex_attention
    for query, message in ((None, "query is a NoneType without a shape"),
                           ([1.0], "query is a list without a shape"),
                           (q[0], r"rule 1: query has shape \(4, 80, 16\)"),
                           (q.astype(np.float64), "query has element type float64"),
                           (q.astype(np.int32), "query has element type int32")):
        refused(flex, message, query, k, v, enable_gqa=True)
    refused(flex, "grouped heads need enable_gqa", q, k, v)
    refused(flex, "rule 2: heads = 4 is not a multiple of kv_heads = 3", q, np.repeat(k, 2, 1)[:, :3],
            np.repeat(v, 2, 1)[:, :3], enable_gqa=True)
    refused(flex, "'value': dimension 1", q, k, v[:, :1], enable_gqa=True)
    refused(flex, "the head size of query is 16, of key 8", q, k[..., :8], v, enable_gqa=True)
    refused(flex, "rule 1: Skv of value", q, k[:, :, :9], v, enable_gqa=True)
    refused(flex, "rule 1: B of key", q, np.concatenate([k, k]), v, enable_gqa=True)
    refused(flex, "'key': dtype f16, expected f32", q, k.astype(np.float16), v, enable_gqa=True)
    refused(flex, "scale is 'x'; a number is needed", q, k, v, enable_gqa=True, scale="x")
    refused(flex, "rule 5", q, k, v, enable_gqa=True, scale=float("nan"))
    refused(flex, "block_mask is a int", q, k, v, enable_gqa=True, block_mask=3)


def test_outputs_of_flex_attention():
    arrays = mods.inputs()
    wanted, wanted_lse = mods.reference(*arrays)
    o, aux = attn.flex_attention(*arrays, return_aux=attn.AuxRequest(lse=True))
    np.testing.assert_allclose(o, wanted, rtol=0, atol=2e-5)
    np.testing.assert_allclose(aux.lse, wanted_lse, rtol=1e-5)  # natural, not to base 2
    assert aux.max_scores is None
    assert attn.flex_attention(*arrays, return_aux=attn.AuxRequest())[1] == (None, None)
    refused(attn.flex_attention, "max_scores", *arrays, return_aux=attn.AuxRequest(max_scores=True))
    refused(attn.flex_attention, "not both", *arrays, return_lse=True, return_aux=attn.AuxRequest())
    with pytest.warns(UserWarning, match="kernel_options are ignored"):
        np.testing.assert_array_equal(
            attn.flex_attention(*arrays, kernel_options={"BLOCK_M": 32}), attn.flex_attention(*arrays))


def test_one_batch_of_keys_serves_all():
    q, k, v = mods.inputs()
    o = attn.flex_attention(q, k[:1], v[:1])
    wanted = mods.reference(q, np.repeat(k[:1], 2, 0), np.repeat(v[:1], 2, 0))[0]
    np.testing.assert_allclose(o, wanted, rtol=0, atol=2e-5)
    if torch is not None:
        tensors = map(torch.from_numpy, (q, k[:1], v[:1]))
        np.testing.assert_array_equal(attn.flex_attention(*tensors).numpy(), o)


@needs_torch
def test_block_masks_are_made_for_sizes():
    from torch.nn.attention.flex_attention import create_block_mask

    q, k, v = map(torch.from_numpy, mods.inputs())

    def causal(b, h, i, j):
        return i >= j

    def make(*sizes):
        return create_block_mask(causal, *sizes, device="cpu")

    for sizes in ((None, None, 40, 80), (None, None, 80, 256), (3, None, 80, 80), (None, 2, 80, 80)):
        refused(attn.flex_attention, "block_mask was made for the sizes", q, k, v,
                block_mask=make(*sizes))
    wanted = attn.flex_attention(q, k, v, mask_mod=causal)
    for sizes in ((None, None, 80, 80), (2, 4, 80, 80)):
        assert torch.equal(attn.flex_attention(q, k, v, block_mask=make(*sizes)), wanted)
    refused(attn.flex_attention, "sliced BlockMask", q, k, v, block_mask=make(2, 4, 80, 80)[:, :, :1])


@needs_torch
def test_gradients_are_refused_not_dropped():
    q, k, v = map(torch.from_numpy, mods.inputs())
    q.requires_grad_()
    refused(attn.flex_attention, "there is no backward pass", q, k, v)
    with torch.no_grad():
        attn.flex_attention(q, k, v)
    kernel = attn.compile(heads=4, head_dim=16)
    layer = torch.compile(lambda query: kernel(query, k, v).sum(), backend="eager")
    with pytest.raises(Exception, match="autograd|no backward pass"):
        layer(q).backward()


@needs_torch
def test_flex_attention_below_torch_compile():
    q, k, v = map(torch.from_numpy, mods.inputs())

    def layer(q, k, v):
        return attn.flex_attention(q * 2, k, v, score_mod=lambda s, b, h, i, j: s + i - j) + 1

    compiled = torch.compile(layer, backend="eager")
    torch.testing.assert_close(compiled(q, k, v), layer(q, k, v), rtol=0, atol=0)
