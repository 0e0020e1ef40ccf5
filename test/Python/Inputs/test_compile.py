# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""attn.compile from MLIR, configs and functions; calls; what is refused."""

import gc
import json
import multiprocessing
import re
import subprocess
import sys
import threading
import weakref

import attn
import mods
import numpy as np
import pytest

PLAIN = """
func.func @plain(%q: tensor<?x4x?x16xf32>, %k: tensor<?x4x?x16xf32>, %v: tensor<?x4x?x16xf32>,
                 %o: tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32> {
  %r = attn.attention ins(%q, %k, %v : tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>)
      outs(%o : tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %r : tensor<?x4x?x16xf32>
}
"""


@pytest.fixture(scope="module")
def plain():
    return attn.compile(heads=4, head_dim=16)


def close(o, wanted, atol=2e-5):
    np.testing.assert_allclose(np.asarray(o, np.float64), wanted, rtol=0, atol=atol)


def test_mlir():
    q, k, v = mods.inputs()
    o = np.full_like(q, np.nan)
    result = attn.compile(PLAIN)(q, k, v, o)
    assert result is o
    close(o, mods.reference(q, k, v)[0])


def test_config_and_dict(plain):
    arrays = mods.inputs(q_length=7, kv_length=33)
    wanted = mods.reference(*arrays)[0]
    close(plain(*arrays), wanted)
    close(attn.compile(attn.Config(heads=4, head_dim=16))(*arrays), wanted)
    close(attn.compile({"heads": 4, "head_dim": 16})(*arrays), wanted)


@pytest.mark.parametrize("function", [np.remainder, np.fmod])
def test_remainders_of_floats_are_exact(function):
    # Quotients just below an integer, which f32 rounds to it.
    step = np.float32(0.1)

    def score(s, b, h, i, j):
        return s + 5 * function((j - i) * 1.0, step)

    q, k, v = mods.inputs(q_length=20, kv_length=60)
    distances = (np.arange(60) - np.arange(20)[:, None]).astype(np.float32)
    logits = np.einsum("bhid,bhjd->bhij", q.astype(float), k.astype(float)) / 4
    weights = np.exp(logits + 5 * function(distances, step))
    weights /= weights.sum(-1, keepdims=True)
    close(attn.flex_attention(q, k, v, score_mod=score), weights @ v.astype(float))


def test_arguments_by_name(plain):
    q, k, v = mods.inputs()
    assert [a["name"] for a in plain.arguments] == ["query", "key", "value"]
    np.testing.assert_array_equal(plain(q, value=v, key=k), plain(q, k, v))
    with pytest.raises(attn.Error, match="no argument 'w' left; it takes query, key, value"):
        plain(q, k, w=v)
    with pytest.raises(attn.Error, match="argument 'value' is missing"):
        plain(q, key=k)


def has_code(kernel):
    return ["code" in launch for launch in json.loads(kernel._program.json)["launches"]]


@pytest.mark.parametrize("kv_heads", [4, 2])
def test_versions_are_compiled_when_needed(kv_heads):
    """With the same bits, whether compiled at once or in two parts."""
    bias = np.linspace(0, 1, 300, dtype=np.float32)
    config = dict(heads=4, kv_heads=kv_heads, head_dim=16, score_mod=lambda s, b, h, i, j: s + bias[j])
    whole, lazy = attn.compile(explain=True, **config), attn.compile(**config)
    other = lazy.with_captures([bias[::-1].copy()])
    long, short = (mods.inputs(kv_heads=kv_heads, q_length=n, kv_length=300) for n in (70, 1))
    assert all(has_code(whole)) and has_code(lazy).count(False) >= 2
    np.testing.assert_array_equal(lazy(*long), whole(*long))
    assert not all(has_code(lazy))

    results = [None] * 4
    kernels = [lazy, other, lazy, other]
    threads = [threading.Thread(target=lambda i=i: results.__setitem__(i, kernels[i](*short)))
               for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    np.testing.assert_array_equal(results[0], whole(*short))
    np.testing.assert_array_equal(results[2], whole(*short))
    np.testing.assert_array_equal(results[1], whole.with_captures(other.captures)(*short))
    assert all(has_code(lazy)) and lazy.artifact is other.artifact
    np.testing.assert_array_equal(lazy(*long), whole(*long))


def test_what_does_not_complete_an_artifact(plain):
    for given, message in ((b"x", "not an attention artifact"), (plain.artifact, "of another module")):
        outcome = attn._attn.compile(plain.mlir, completes=given)
        assert not outcome["succeeded"]
        assert re.search(f"cannot complete an artifact: .*{message}", outcome["diagnostics"][0][1])
    general = attn._attn.compile(plain.mlir, general=True)["artifact"]
    one = attn._attn.compile(PLAIN.replace("?x4x?x16", "2x4x90x16"), completes=general)
    assert "it has other launches" in one["diagnostics"][0][1]


def test_views_are_not_copied(plain):
    q, k, v = mods.inputs()
    # [B, S, H, D] in memory, sliced and reversed.
    q_view = np.ascontiguousarray(q.transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3)
    k_view = np.repeat(k, 2, axis=2)[:, :, ::2]
    v_view = np.ascontiguousarray(v[:, :, ::-1])[:, :, ::-1]
    v_view.flags.writeable = False
    out = np.empty(q.shape, np.float32)
    assert plain(q_view, k_view, v_view, out=out) is out
    close(out, mods.reference(q, k, v)[0])


SUGAR = {
    "causal": (dict(causal=True), None, lambda b, h, i, j: j <= i),
    "bottom_right": (dict(causal="bottom_right"), None, lambda b, h, i, j: j <= i + 13),
    "window": (dict(window=(5, 2)), None, lambda b, h, i, j: (j >= i - 5) & (j <= i + 2)),
    "left_window": (dict(window=5, causal=True), None, lambda b, h, i, j: (j >= i - 5) & (j <= i)),
    "softcap": (dict(softcap=2.0), lambda s, b, h, i, j: 2 * np.tanh(s / 2), None),
}


@pytest.mark.parametrize("name", SUGAR)
def test_sugar(name):
    config, score, mask = SUGAR[name]
    arrays = mods.inputs(kv_heads=2, q_length=20, kv_length=33)
    kernel = attn.compile(heads=4, kv_heads=2, head_dim=16, lse=True, **config)
    o, lse = kernel(*arrays)
    wanted, wanted_lse = mods.reference(*arrays, score=score, mask=mask)
    close(o, wanted)
    np.testing.assert_allclose(lse, wanted_lse, rtol=1e-5, atol=1e-5)


def test_operands():
    q, k, v = mods.inputs(q_length=20, kv_length=33)
    random = np.random.default_rng(3)
    slopes = np.array([0.5, 0.25, 0.1, 0.05], np.float32)
    bias = random.standard_normal((4, 20, 33)).astype(np.float32)
    keep = random.random((2, 1, 1, 33)) < 0.8
    lengths = np.array([33, 17], np.int32)
    kernel = attn.compile(heads=4, head_dim=16, scale="argument", alibi=True, bias="hqk",
                          mask_tensor="b11k", kv_len=True)
    o = kernel(q, k, v, 0.3, slopes, bias, keep, lengths)
    wanted = mods.reference(
        q, k, v, scale=0.3,
        score=lambda s, b, h, i, j: s - slopes[h] * abs(i - j) + bias[h, i, j],
        mask=lambda b, h, i, j: keep[b, 0, 0, j] & (j < lengths[b]))[0]
    close(o, wanted)
    with pytest.raises(attn.Error, match="rule 11") as info:
        kernel(q, k, v, 0.3, slopes, bias, keep, np.array([34, 17], np.int32))
    assert info.value.rule == 11 and info.value.code == "ATTN_ERROR_INVALID_ARGUMENT"


def test_sink():
    q, k, v = mods.inputs()
    sink = np.array([0.5, -1, 2, 0], np.float32)
    o, lse = attn.compile(heads=4, head_dim=16, sink=True, lse=True)(q, k, v, sink)
    plain_o, plain_lse = mods.reference(q, k, v)
    total = np.logaddexp(plain_lse, sink[:, None])
    np.testing.assert_allclose(lse, total, rtol=1e-5, atol=1e-5)
    close(o, plain_o * np.exp(plain_lse - total)[..., None])


def test_segments_prefix_and_offset():
    arrays = mods.inputs(q_length=20, kv_length=33)
    random = np.random.default_rng(5)
    q_ids, kv_ids = (random.integers(0, 3, (2, n)).astype(np.int64) for n in (20, 33))
    o = attn.compile(heads=4, head_dim=16, segments=True, index_dtype=np.int64)(*arrays, q_ids, kv_ids)
    close(o, mods.reference(*arrays, mask=lambda b, h, i, j: q_ids[b, i] == kv_ids[b, j])[0])
    prefix, offset = np.array([5, 0], np.int32), np.array([13, 2], np.int32)
    o = attn.compile(heads=4, head_dim=16, causal=True, prefix=True, q_offset=True)(
        *arrays, prefix, offset)
    close(o, mods.reference(
        *arrays, mask=lambda b, h, i, j: (j < prefix[b]) | (j <= i + offset[b]))[0])


def test_pages():
    q, k, v = mods.inputs(q_length=3, kv_length=32)
    table = np.array([[3, 0], [1, 2]], np.int32)
    lengths = np.array([20, 32], np.int32)

    def paged(array):
        pool = np.empty((4, 4, 16, 16), np.float32)
        pool[table.ravel()] = array.reshape(2, 4, 2, 16, 16).transpose(0, 2, 1, 3, 4).reshape(
            4, 4, 16, 16)
        return pool

    kernel = attn.compile(heads=4, head_dim=16, page_size=16, kv_len=True)
    o = kernel(q, paged(k), paged(v), lengths, table)
    close(o, mods.reference(q, k, v, mask=lambda b, h, i, j: j < lengths[b])[0])
    with pytest.raises(attn.Error, match="rule 11"):
        kernel(q, paged(k), paged(v), lengths, table + 1)


def test_layout_and_head_sizes():
    q, k, v = mods.inputs()
    v = v[..., :8]
    kernel = attn.compile(heads=4, head_dim=16, v_head_dim=8, layout="bshd")
    o = kernel(*(np.ascontiguousarray(a.transpose(0, 2, 1, 3)) for a in (q, k, v)))
    close(o.transpose(0, 2, 1, 3), mods.reference(q, k, v)[0])


def test_packed_sequences():
    random = np.random.default_rng(4)
    q, k, v = (random.standard_normal((4, 30, 16)).astype(np.float32) for _ in range(3))
    cu = np.array([0, 10, 30], np.int32)
    o = attn.compile(heads=4, head_dim=16, cu_seqlens=True)(q, k, v, cu, cu)
    for begin, end in ((0, 10), (10, 30)):
        part = [a[None, :, begin:end] for a in (q, k, v)]
        close(o[None, :, begin:end], mods.reference(*part)[0])


def test_f16():
    arrays = mods.inputs(dtype=np.float16)
    o = attn.compile(heads=4, head_dim=16, dtype=np.float16)(*arrays)
    assert o.dtype == np.float16
    close(o, mods.reference(*arrays)[0], atol=2e-3)


def test_dlpack():
    class Wrapped:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    q, k, v = mods.inputs()
    close(attn.compile(heads=4, head_dim=16)(*map(Wrapped, (q, k, v))), mods.reference(q, k, v)[0])


def test_functions_and_captures():
    arrays = mods.inputs()
    bias = np.zeros(mods.S, np.float32)
    kernel = attn.compile(heads=4, head_dim=16, score_mod=lambda s, b, h, i, j: s + bias[j])
    close(kernel(*arrays), mods.reference(*arrays)[0])
    bias[:] = np.arange(mods.S) / 10  # captures are read where they lie
    wanted = mods.reference(*arrays, score=lambda s, b, h, i, j: s + bias[j])[0]
    close(kernel(*arrays), wanted)
    other = np.linspace(3, 0, mods.S, dtype=np.float32)
    wanted = mods.reference(*arrays, score=lambda s, b, h, i, j: s + other[j])[0]
    close(kernel.with_captures([other])(*arrays), wanted)


def test_flex_attention_recompiles_only_what_changed():
    arrays, slope = mods.inputs(), 0.5

    def function(s, b, h, i, j):
        return s + slope * (j - i)

    def run():
        wanted = mods.reference(*arrays, score=lambda s, b, h, i, j: s + slope * (j - i))[0]
        close(attn.flex_attention(*arrays, score_mod=function), wanted)

    run()
    slope = 0.25
    run()


def test_flex_attention_takes_any_number_of_queries():
    def function(s, b, h, i, j):
        return s + 0.25 * (j - i)

    for q_length, kv_length in ((20, 33), (33, 20), (1, 50), (20, 7)):
        arrays = mods.inputs(q_length=q_length, kv_length=kv_length)
        close(attn.flex_attention(*arrays, score_mod=function), mods.reference(*arrays, score=function)[0])
    from attn import _flex
    # The first one, and one for any.
    assert len(_flex._by_functions[function]) == 2


def test_rebinding(plain):
    """What is bound already is not bound again; everything else is."""
    arrays = mods.inputs()
    out = np.empty_like(arrays[0])
    for change in (0, 1, 2, None, 2):
        if change is not None:
            arrays[change] = arrays[change][::-1].copy()
        close(plain(*arrays, out=out), mods.reference(*arrays)[0])
        close(plain(*arrays), mods.reference(*arrays)[0])
    arrays[1][:] = 0  # the same memory holds something else
    close(plain(*arrays, out=out), mods.reference(*arrays)[0])
    shorter = [array[:, :, :30] for array in arrays]
    close(plain(*shorter), mods.reference(*shorter)[0])


def test_flex_attention_takes_what_can_be_called():
    class Slope:  # has no hash
        __eq__ = lambda self, other: False
        table = np.array([0.5, 0.25, 0.1, 0.05], np.float32)

        def __call__(self, s, b, h, i, j):
            return s + self.table[h] * (j - i)

    slope, arrays = Slope(), mods.inputs()
    for function in (slope, slope.__call__):
        close(attn.flex_attention(*arrays, score_mod=function), mods.reference(*arrays, score=slope)[0])
    with pytest.raises(attn.TraceError, match="score_mod is a str, not a function"):
        attn.flex_attention(*arrays, score_mod="causal")


def test_powers():
    arrays = mods.inputs()

    def function(s, b, h, i, j):
        return s**2 - abs(s) ** 1.5 + abs(s) ** 0.5 + 2 ** (-1.0 * h) + abs(s) ** s

    close(attn.flex_attention(*arrays, score_mod=function), mods.reference(*arrays, score=function)[0])


def test_grouped_heads_are_asked_for():
    q, k, v = mods.inputs(kv_heads=2)
    with pytest.raises(attn.Error, match="enable_gqa=True"):
        attn.flex_attention(q, k, v)
    close(attn.flex_attention(q, k, v, enable_gqa=True), mods.reference(q, k, v)[0])
    close(attn.flex_attention(q, k, v, enable_gqa=True, scale=0.5),
          mods.reference(q, k, v, scale=0.5)[0])


def test_threads(plain):
    arrays = [mods.inputs(seed=seed, q_length=20 + seed) for seed in range(4)]
    wanted = [mods.reference(*each)[0] for each in arrays]
    wrong = []

    def work(number):
        for _ in range(50):
            if np.abs(plain(*arrays[number]) - wanted[number]).max() > 2e-5:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _in_child(kernel, arrays, queue):
    queue.put((kernel(*arrays), attn.flex_attention(*arrays)))


def test_fork(plain):
    arrays = mods.inputs()
    attn.flex_attention(*arrays)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=_in_child, args=(plain, arrays, queue))
    child.start()
    for o in queue.get(timeout=60):
        close(o, mods.reference(*arrays)[0])
    child.join()
    assert child.exitcode == 0


@pytest.mark.parametrize("batch,q_length,kv_length", [(0, 5, 7), (2, 0, 7), (2, 5, 0)])
def test_empty(plain, batch, q_length, kv_length):
    arrays = mods.inputs(batch=batch, q_length=q_length, kv_length=kv_length)
    for o in (plain(*arrays), attn.flex_attention(*arrays)):
        assert o.shape == arrays[0].shape and not o.any()


def test_captures_are_not_kept():
    arrays = mods.inputs()

    def run():
        bias = np.zeros(mods.S, np.float32)
        close(attn.flex_attention(*arrays, score_mod=lambda s, b, h, i, j: s + bias[j]),
              mods.reference(*arrays)[0])
        return weakref.ref(bias)

    refs = [run() for _ in range(3)]
    gc.collect()
    assert not any(ref() is not None for ref in refs)


def test_errors_of_the_compiler():
    with pytest.raises(attn.Error, match="error: ") as info:
        attn.compile("func.func @f() {\n  oops\n}")
    assert info.value.location.line == 2 and info.value.diagnostics[0].severity == "error"
    with pytest.raises(attn.Error, match="rule 1") as info:
        attn.compile(PLAIN.replace("%k: tensor<?x4x", "%k: tensor<?x3x").replace(
            "tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>)",
            "tensor<?x4x?x16xf32>, tensor<?x3x?x16xf32>, tensor<?x4x?x16xf32>)"))
    assert info.value.rule == 1
    assert "see current operation" not in str(info.value)
    with pytest.raises(attn.Error, match="unknown target 'tpu'"):
        attn.compile(PLAIN, target="tpu")
    with pytest.raises(attn.Error, match="has no function 'g'"):
        attn.compile(PLAIN, entry="g")


@pytest.mark.parametrize("config,message", [
    (dict(heads=4), "'head_dim' is missing"),
    (dict(heads=4, head_dim=16, causall=True), "did you mean 'causal'"),
    (dict(heads=4, head_dim=16, kv_heads=3), "rule 2: heads = 4 is not a multiple of kv_heads = 3"),
    (dict(heads=0, head_dim=16), "heads is 0"),
    (dict(heads=4, head_dim=16, dtype="f64"), "f32, f16 and bf16 are possible"),
    (dict(heads=4, head_dim=16, layout="hbsd"), "layout is 'hbsd'"),
    (dict(heads=4, head_dim=16, bias="kq"), "bias is 'kq'"),
    (dict(heads=4, head_dim=16, causal="left"), "causal is 'left'"),
])
def test_errors_of_configs(config, message):
    with pytest.raises(attn.Error, match=message):
        attn.compile(**config)


def test_errors_of_calls(plain):
    q, k, v = mods.inputs()
    with pytest.raises(attn.Error, match="takes 3 arguments .query, key, value., not 2"):
        plain(q, k)
    with pytest.raises(attn.Error, match="f32"):
        plain(q.astype(np.float64), k, v)
    with pytest.raises(attn.Error, match="'query'"):
        plain(q[:, :3], k, v)
    with pytest.raises(attn.Error, match="rule 1"):
        plain(q, k[:, :, :5], v)
    with pytest.raises(attn.Error, match="a list; an array"):
        plain(q.tolist(), k, v)
    with pytest.raises(attn.Error, match="format"):
        plain(q.astype(np.complex64), k, v)
    out = np.empty_like(q)
    out.flags.writeable = False
    with pytest.raises(attn.Error, match="result 0 cannot be written"):
        plain(q, k, v, out=out)
    with pytest.raises(attn.Error, match="out must name 1 arrays"):
        plain(q, k, v, out=(out, out))
    with pytest.raises(attn.Error):
        plain(q, k, v, out=q)  # what is written may not be read
    close(plain(q, k, v), mods.reference(q, k, v)[0])


def test_strides(plain):
    q, k, v = mods.inputs()
    expected = mods.reference(q, k, v)[0]
    out = np.empty((mods.B, mods.S, 4, 16), np.float32).transpose(0, 2, 1, 3)
    plain(q, k, v, out=out)
    close(out, expected)
    close(plain(q, np.asfortranarray(k), v[..., ::-1].copy()[..., ::-1]), expected)


def test_import_needs_neither_numpy_nor_torch():
    script = ("import sys, attn; "
              "sys.exit('numpy' in sys.modules or 'torch' in sys.modules)")
    subprocess.run([sys.executable, "-c", script], check=True)


def test_saved_artifacts(tmp_path):
    plain = attn.compile(PLAIN)
    plain.save(tmp_path / "plain.attn")
    assert all(has_code(plain))
    assert (tmp_path / "plain.attn").read_bytes()[1:5] == b"ATTN"


def test_picture():
    def causal(b, h, i, j):
        return i >= j

    picture = attn.draw_mask(causal, 64, tile=(16, 16))
    assert picture.tiles()[1] == ["full", "partial", "empty", "empty"]
    svg = picture._repr_svg_()
    assert svg.startswith("<svg") and "6 full, 4 partial, 6 skipped" in svg
    for name, make in mods.MASKS.items():
        mask = attn.draw_mask(make(mods.numpy_namespace()), mods.S, b=1, h=2).mask
        b, h, i, j = np.int64(1), np.int64(2), *np.ogrid[:mods.S, :mods.S]
        wanted = np.broadcast_to(make(mods.REFERENCE)(b, h, i, j), mask.shape)
        np.testing.assert_array_equal(mask, wanted, err_msg=name)
