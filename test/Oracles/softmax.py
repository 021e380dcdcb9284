# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Softmax attention by its formula, on whole matrices of scores, in fp64."""

import numpy


def positions(batch, heads, queries, keys):
    """b, h, p and j as arrays that broadcast to [B, H, Lq, Lk]; the last query
    stands at the last key."""
    b = numpy.arange(batch).reshape(-1, 1, 1, 1)
    h = numpy.arange(heads).reshape(1, -1, 1, 1)
    p = numpy.arange(queries).reshape(1, 1, -1, 1) + keys - queries
    j = numpy.arange(keys).reshape(1, 1, 1, -1)
    return b, h, p, j


def repeat_heads(x, heads):
    """[B, L, Hk, D] to [B, L, Hq, D]: head h reads head h // (Hq / Hk)."""
    return numpy.repeat(x, heads // x.shape[2], axis=2)


def logsumexp(x):
    """Along the last axis; -inf where there is nothing."""
    with numpy.errstate(divide="ignore"):
        largest = numpy.max(x, axis=-1, keepdims=True, initial=-numpy.inf)
        shift = numpy.where(numpy.isfinite(largest), largest, 0.0)
        return numpy.log(numpy.exp(x - shift).sum(-1)) + shift[..., 0]


def scores(q, k, scale=None, seen=None, score=None):
    """x[b, h, i, j], -inf where j is not seen."""
    scale = q.shape[-1] ** -0.5 if scale is None else float(numpy.float32(scale))
    k = repeat_heads(k, q.shape[2])
    x = scale * numpy.einsum("bihd,bjhd->bhij", q, k)
    where = positions(q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    if score is not None:
        x = score(x, *where)
    if seen is not None:
        x = numpy.where(seen(*where), x, -numpy.inf)
    return x


def normalise(x, v, heads, sink=None):
    """The output [B, Lq, Hq, Dv] and the lse [B, Hq, Lq] of scores."""
    lse = logsumexp(x)
    total = lse
    if sink is not None:
        total = numpy.logaddexp(lse, sink.reshape(1, -1, 1))
    finite = numpy.where(numpy.isfinite(total), total, 0.0)
    p = numpy.exp(x - finite[..., None])
    # A query that sees nothing has no weights, whatever the sink.
    p = numpy.where(numpy.isfinite(lse)[..., None], p, 0.0)
    return numpy.einsum("bhij,bjhd->bihd", p, repeat_heads(v, heads)), lse


def attention(q, k, v, scale=None, seen=None, score=None, sink=None):
    """`seen(b, h, p, j)` is the mask, `score(x, b, h, p, j)` the modifier."""
    x = scores(q, k, scale, seen, score)
    return normalise(x, v, q.shape[2], sink)


def packed(q, k, v, cu_q, cu_k, **options):
    """Sequences one after the other: [total, H, D] with cumulative lengths."""
    o = numpy.full(q.shape[:2] + v.shape[2:], numpy.nan)
    lse = numpy.full((q.shape[1], q.shape[0]), numpy.nan)
    for b in range(len(cu_q) - 1):
        own = slice(cu_q[b], cu_q[b + 1])
        keys = slice(cu_k[b], cu_k[b + 1])
        part, log = attention(q[None, own], k[None, keys], v[None, keys], **options)
        o[own] = part[0]
        lse[:, own] = log[0]
    return o, lse


def causal(b, h, p, j):
    return j <= p


def listed(counts, indices, block_q, block_k, queries):
    """Which pairs the blocks of a list hold: a mask of [B, H, Lq, Lk]."""

    def seen(b, h, p, j):
        keys = j.shape[-1]
        rows = counts.shape[2]
        columns = -(-keys // block_k)
        blocks = numpy.zeros(counts.shape + (columns,), bool)
        for at in numpy.ndindex(counts.shape):
            for column in indices[at][: max(counts[at], 0)]:
                if 0 <= column < columns:
                    blocks[at][column] = True
        whole = numpy.repeat(numpy.repeat(blocks, block_q, 2), block_k, 3)
        assert rows * block_q >= queries
        return whole[:, :, :queries, :keys]

    return seen
