# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What bench.py measures: attention functions as MLIR, and their meaning."""

import math


def tensor_type(head, length="?", strides="?, ?, ?, 1"):
    return f"memref<?x?x{length}x{head}xbf16, strided<[{strides}]>>"


def function(head, attributes="", operands="", arguments="", regions="", query="", key="", value=""):
    """MLIR of f(q, k, v, o, lse, extra...) in bf16, with any strides if not said otherwise."""
    q, k, v = query or tensor_type(head), key or tensor_type(head), value or tensor_type(head)
    return f"""func.func @f(%q: {q}, %k: {k}, %v: {v}, %o: {q}, %lse: memref<?x?x?xf32>{arguments}) {{
  attn.attention ins(%q, %k, %v : {q}, {k}, {v}) {operands}
      outs(%o, %lse : {q}, memref<?x?x?xf32>) {{{attributes}}} {regions}
  return
}}
"""


def dense_rows(head):
    """Rows follow each other without a gap: strides that TMA may not take."""
    t = tensor_type(head, strides=f"?, ?, {head}, 1")
    return function(head, CAUSAL, query=t, key=t, value=t)


def paged(page="?"):
    """Keys in pages, of any size or of a known one."""
    t = tensor_type(128, page)
    return function(
        128,
        operands="kv_len(%n : memref<?xi32>) page_table(%table : memref<?x?xi32>)",
        arguments=", %n: memref<?xi32>, %table: memref<?x?xi32>",
        key=t,
        value=t,
    )


CAUSAL = "causal = #attn.causal<top_left>"
SOFTCAP = 30.0
WINDOW = 1024
DISTANCE = 1024

RELATIVE = """
  score(%s: f32, %b: index, %h: index, %i: index, %j: index, %t: memref<?x?xf32>) {
    %low = arith.constant 0 : index
    %mid = arith.constant 1024 : index
    %high = arith.constant 2048 : index
    %d = arith.subi %j, %i : index
    %e = arith.addi %d, %mid : index
    %f = arith.maxsi %e, %low : index
    %g = arith.minsi %f, %high : index
    %bias = memref.load %t[%h, %g] : memref<?x?xf32>
    %r = arith.addf %s, %bias : f32
    attn.yield %r : f32
  }"""

SEGMENTS = (
    "segments(%qs, %ks : memref<?x?xi32>, memref<?x?xi32>)",
    ", %qs: memref<?x?xi32>, %ks: memref<?x?xi32>",
)

# name -> MLIR
SOURCES = {f"d{d}": function(d) for d in (64, 128, 256)}
SOURCES |= {f"d{d}-causal": function(d, CAUSAL) for d in (64, 128, 256)}
SOURCES |= {
    "softcap": function(128, f"{CAUSAL}, softcap = {SOFTCAP} : f32"),
    "window": function(128, f"{CAUSAL}, window = #attn.window<left = {WINDOW}>"),
    "alibi": function(
        128, CAUSAL, "alibi(%slopes : memref<?xf32>)", ", %slopes: memref<?xf32>"
    ),
    "prefix": function(128, CAUSAL, "prefix(%n : memref<?xi32>)", ", %n: memref<?xi32>"),
    "relative": function(
        128,
        operands="captures(%table : memref<?x?xf32>)",
        arguments=", %table: memref<?x?xf32>",
        regions=RELATIVE,
    ),
    "documents": function(128, CAUSAL, *SEGMENTS),
}
SOURCES |= {"segments": function(128, "", *SEGMENTS)}
SOURCES |= {"kvlen": function(128, operands="kv_len(%n : memref<?xi32>)", arguments=", %n: memref<?xi32>")}
SOURCES |= {f"d{d}": function(d) for d in (40, 96, 192)}
# What TMA cannot bring. Names end in the page size of a run.
PAGES = (1, 16, 64, 128)
SOURCES |= {f"paged-{p}": paged(p) for p in PAGES} | {"paged-any-24": paged()}
SOURCES |= {f"d{d}-dense": dense_rows(d) for d in (33, 36, 100, 130)}
SOURCES |= {"d64-transposed": function(64, key=tensor_type(64, strides="?, ?, 1, ?"))}
# bench.py times these; check.py runs everything at odd shapes.
VARIANTS = ("softcap", "window", "alibi", "prefix", "relative", "documents")
# Batch, query heads, key heads, keys, head size; one query each. The plain
# functions serve: a launch finds out that it decodes.
DECODE_SHAPES = (
    (1, 32, 8, 8192, 128),
    (16, 32, 8, 8192, 128),
    (64, 32, 8, 4096, 128),
    (1, 32, 8, 131072, 128),
    (64, 64, 8, 8192, 64),
)


class Variant:
    """A case with its captures on the device, for B, H and S of one run."""

    def __init__(self, name, batch, heads, queries, keys=None):
        import torch

        keys = keys or queries
        length = max(queries, keys)
        self.name = name
        self.head = int(name[1:].split("-")[0]) if name[0] == "d" and name[1].isdigit() else 128
        self.causal = (
            name.endswith(("causal", "-dense")) or name in VARIANTS and name != "relative"
        )
        self.layout = "bhsd" if name.endswith("-dense") else None  # None: any
        self.page = int(name.split("-")[-1]) if name.startswith("paged") else None
        self.lengths = None  # of the keys, where a batch entry has its own
        self.score = None  # (s, b, h, i, j) -> s
        self.extra = ()
        causal = lambda b, h, i, j: j <= i
        self.mask = causal if self.causal else None
        ints = dict(dtype=torch.int32, device="cuda")
        if name == "softcap":
            self.score = lambda s, b, h, i, j: SOFTCAP * torch.tanh(s / SOFTCAP)
        elif name == "window":
            self.mask = lambda b, h, i, j: (j <= i) & (j >= i - WINDOW)
        elif name == "alibi":
            slopes = torch.tensor(
                [2.0 ** (-8 * (h + 1) / heads) for h in range(heads)], device="cuda"
            )
            self.extra = (slopes,)
            self.score = lambda s, b, h, i, j: s + slopes[h] * (j - i)
        elif name == "prefix":
            prefix = torch.full((batch,), length // 4, **ints)
            self.extra = (prefix,)
            self.mask = lambda b, h, i, j: (j <= i) | (j < prefix[b])
        elif name == "relative":
            table = torch.randn(heads, 2 * DISTANCE + 1, device="cuda")
            self.extra = (table,)
            self.score = (
                lambda s, b, h, i, j: s
                + table[h, (j - i + DISTANCE).clamp(0, 2 * DISTANCE)]
            )
        elif name == "kvlen" or self.page:
            # One batch entry has no key at all (rule 13).
            self.lengths = torch.arange(batch, **ints) * 37 % (keys + 1)
            if self.page and batch > 1:
                self.lengths[-1] = keys
            self.extra = (self.lengths,)
            self.mask = lambda b, h, i, j: (j < self.lengths[b]).expand(i.shape[0], -1)
        elif name == "segments":
            # Five interleaved ones: key tiles to visit have others in between.
            ids = (torch.arange(length, **ints) // 96 % 5).repeat(batch, 1).contiguous()
            self.extra = (ids[:, :queries], ids[:, :keys])
            self.mask = lambda b, h, i, j: ids[b, i] == ids[b, j]
        elif name == "documents":
            # Twelve documents of uneven length.
            cuts = torch.sort(torch.randperm(length - 1, device="cuda")[:11] + 1).values
            ids = torch.bucketize(torch.arange(length, device="cuda"), cuts, right=True)
            ids = ids.int().repeat(batch, 1).contiguous()
            self.extra = (ids[:, :queries], ids[:, :keys])
            self.mask = lambda b, h, i, j: (j <= i) & (ids[b, i] == ids[b, j])

    def store(self, k, v):
        """k and v as the function wants them; pages make it take a table, too."""
        import torch

        if self.name.endswith("transposed"):
            return k.mT.contiguous().mT, v
        if not self.page:
            return k, v
        batch, heads, length, head = k.shape
        pages = -(-length // self.page)
        table = torch.randperm(batch * pages, device="cuda").int().reshape(batch, pages)
        # What nobody may read is poison: rows past a length, pages past it.
        pools = []
        for x in (k, v):
            padded = torch.full((batch, heads, pages * self.page, head), math.nan, device="cuda")
            padded = padded.to(x.dtype)
            for b in range(batch):
                padded[b, :, : self.lengths[b]] = x[b, :, : self.lengths[b]]
            split = padded.reshape(batch, heads, pages, self.page, head).transpose(1, 2)
            pool = torch.empty_like(split.flatten(0, 1))
            pool[table.flatten().long()] = split.flatten(0, 1)
            pools.append(pool)
        starts = torch.arange(pages, device="cuda")[None] * self.page
        self.extra = (self.lengths, table.masked_fill(starts >= self.lengths[:, None], 1 << 30))
        return pools

    def visible(self, length):
        """Share of the score matrix that is attended, counted for speeds."""
        return 0.5 if self.causal else 1.0


def scale(head):
    return 1 / math.sqrt(head)
