# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs that choose keys, and those that pool them."""

import numpy

from files import i32, numbers, programs
from rotary import rotate
from softmax import attention, normalise, scores

PROGRAMS, program = programs()


def best(candidates, k):
    """The numbers of the k largest, the lower one first where two are equal, without
    those of -inf: as a set."""
    order = sorted(range(len(candidates)), key=lambda c: (-candidates[c], c))
    return sorted(c for c in order[:k] if candidates[c] > -numpy.inf)


def padded(chosen, k):
    return chosen + [-1] * (k - len(chosen))


def choose(table, k):
    """[B, L, H, candidates] to [B, L, H, k]."""
    result = numpy.zeros(table.shape[:-1] + (k,), numpy.int32)
    for at in numpy.ndindex(table.shape[:-1]):
        result[at] = padded(best(table[at], k), k)
    return result


def in_blocks(chosen, heads, size, keys):
    """A mask [B, H, L, keys] of the tokens of the chosen blocks."""
    batch, queries, lists, _ = chosen.shape
    keep = numpy.zeros((batch, heads, queries, keys), bool)
    for b, h, i in numpy.ndindex(batch, heads, queries):
        for block in chosen[b, i, h // (heads // lists)]:
            if block >= 0:
                keep[b, h, i, block * size: (block + 1) * size] = True
    return lambda b, h, p, j: (j <= p) & keep


def block_means(x, size):
    blocks = [x[:, first: first + size].mean(1) for first in range(0, x.shape[1], size)]
    return numpy.stack(blocks, 1)


@program("moba")
def moba(random):
    q, k, v = (random.f32(1, 14, 4, 16) for _ in range(3))
    positions = i32([range(14)])
    nq, nk, nv = map(numbers, (q, k, v))
    table = numpy.einsum("bihd,bjhd->bihj", nq, block_means(nk, 4))
    own = numpy.arange(14) // 4
    for i in range(14):
        table[:, i, :, own[i] + 1:] = -numpy.inf
        table[:, i, :, own[i]] = numpy.inf
    chosen = choose(table, 2)
    o, _ = attention(nq, nk, nv, seen=in_blocks(chosen, 4, 4, 14))
    return [q, k, v, positions], [o, chosen]


@program("nsa")
def nsa(random):
    q, k, v = random.f32(1, 14, 4, 16), random.f32(1, 14, 2, 16), random.f32(1, 14, 2, 16)
    gates = [numpy.abs(random.f32(1, 14, 4)) for _ in range(3)]
    positions = i32([range(14)])
    nq, nk, nv = map(numbers, (q, k, v))
    mk, mv = block_means(nk, 4), block_means(nv, 4)
    whole = lambda b, h, p, j: (j + 1) * 4 - 1 <= numpy.arange(14).reshape(1, 1, -1, 1)
    x = scores(nq, mk, seen=whole)
    o1, _ = normalise(x, mv, 4)
    with numpy.errstate(invalid="ignore"):
        p = numpy.exp(x - x.max(-1, keepdims=True))
        p = numpy.nan_to_num(p / p.sum(-1, keepdims=True))
    # Mean over the heads of a key head; what is not whole is none.
    table = p.reshape(1, 2, 2, 14, 4).mean(2).transpose(0, 2, 1, 3)
    for t in range(14):
        for c in range(4):
            if (c + 1) * 4 - 1 > t:
                table[:, t, :, c] = -numpy.inf
        for forced in {0, t // 4, t // 4 - 1}:
            if forced >= 0:
                table[:, t, :, forced] = 2.0
    chosen = choose(table, 3)
    o2, _ = attention(nq, nk, nv, seen=in_blocks(chosen, 4, 4, 14))
    o3, _ = attention(nq, nk, nv, seen=lambda b, h, p, j: (j <= p) & (j > p - 6))
    o = sum(numbers(g)[..., None] * part for g, part in zip(gates, (o1, o2, o3)))
    return [q, k, v] + gates + [positions], [o, chosen]


@program("msa")
def msa(random):
    q = random.f32(1, 18, 4, 16)
    k, v, qi = (random.f32(1, 18, 2, 16) for _ in range(3))
    ki = random.f32(1, 18, 1, 16)
    # Equal keys give equal blocks: the lower one is taken.
    ki[:, 4:8] = ki[:, 8:12]
    nq, nk, nv, nqi, nki = map(numbers, (q, k, v, qi, ki))
    s = numpy.einsum("bihd,bjd->bihj", nqi, nki[:, :, 0])
    table = numpy.full((1, 18, 2, 5), -numpy.inf)
    for i, g in numpy.ndindex(18, 2):
        for c in range(i // 4 + 1):
            tokens = range(4 * c, min(4 * c + 4, i + 1))
            table[0, i, g, c] = max(s[0, i, g, j] for j in tokens)
        table[0, i, g, i // 4] = numpy.inf
    chosen = choose(table, 3)
    o, _ = attention(nq, nk, nv, seen=in_blocks(chosen, 4, 4, 18))
    return [q, k, v, qi, ki], [o, chosen]


def indexer(qi, ki, w, seen):
    """The lightning indexer: [B, L, 1, keys]."""
    x = numpy.maximum(numpy.einsum("bihd,bjd->bihj", qi, ki[:, :, 0]) * 0.25, 0)
    total = numpy.einsum("bih,bihj->bij", w, x)[:, :, None]
    return numpy.where(seen[None, :, None, :], total, -numpy.inf)


def token_mask(chosen, heads, keys):
    return in_blocks(chosen, heads, 1, keys)


@program("dsa")
def dsa(random):
    q, c = random.f32(1, 11, 4, 48), random.f32(1, 11, 1, 48)
    qi, ki, w = random.f32(1, 11, 2, 16), random.f32(1, 11, 1, 16), random.f32(1, 11, 2)
    nq, nc, nqi, nki, nw = map(numbers, (q, c, qi, ki, w))
    table = indexer(nqi, nki, nw, numpy.tri(11, dtype=bool))
    chosen = choose(table, 4)
    o, _ = attention(nq, nc, nc[..., :32], scale=0.135234,
                     seen=token_mask(chosen, 4, 11))
    return [q, c, qi, ki, w], [o, chosen]


@program("dsa-packed")
def dsa_packed(random):
    # One request decodes, one has no new tokens, one more queries than keys, one
    # chooses among more keys than it takes, and a row at the end belongs to none.
    cu_q, cu_k = i32([0, 1, 1, 4, 7]), i32([0, 5, 8, 9, 17])
    arguments = [random.f32(8, 4, 48), random.f32(17, 1, 48), random.f32(8, 2, 16),
                 random.f32(17, 1, 16), random.f32(8, 2), cu_q, cu_k]
    q, c, qi, ki, w = map(numbers, arguments[:5])
    o = numpy.full((8, 4, 32), numpy.nan)
    chosen = numpy.full((8, 1, 4), -1, numpy.int32)
    for b in range(4):
        own, keys = slice(cu_q[b], cu_q[b + 1]), slice(cu_k[b], cu_k[b + 1])
        queries, length = own.stop - own.start, keys.stop - keys.start
        seen = numpy.tri(queries, length, length - queries, dtype=bool)
        part = choose(indexer(qi[None, own], ki[None, keys], w[None, own], seen), 4)
        chosen[own] = part[0]
        o[own] = attention(q[None, own], c[None, keys], c[None, keys, :, :32],
                           scale=0.135234, seen=token_mask(part, 4, length))[0][0]
    return arguments, [o, chosen]


@program("index-share")
def index_share(random):
    q0, c0 = random.f32(1, 11, 4, 48), random.f32(1, 11, 1, 48)
    q1, c1 = random.f32(1, 11, 4, 48), random.f32(1, 11, 1, 48)
    qi, ki, w = random.f32(1, 11, 2, 16), random.f32(1, 11, 1, 16), random.f32(1, 11, 2)
    nqi, nki, nw = map(numbers, (qi, ki, w))
    chosen = choose(indexer(nqi, nki, nw, numpy.tri(11, dtype=bool)), 4)
    mask = token_mask(chosen, 4, 11)
    outputs = [attention(numbers(q), numbers(c), numbers(c)[..., :32], seen=mask)[0]
               for q, c in ((q0, c0), (q1, c1))]
    return [q0, c0, q1, c1, qi, ki, w], outputs


def gated(c, z, bias):
    """The softmax over places, per channel: [places, D] each."""
    e = numpy.exp(z + bias)
    return (e * c).sum(0) / e.sum(0)


@program("deepseek-v4-hca")
def deepseek_v4_hca(random):
    q = random.f32(1, 10, 2, 16)
    k, c, z = (random.f32(1, 10, 1, 16) for _ in range(3))
    bias, sink = random.f32(4, 1, 16), random.f32(2)
    positions = i32([range(10)])
    frequencies = (10000.0 ** (-numpy.arange(4) / 4)).astype(numpy.float32)
    nq, nk, nc, nz, nb, ns = map(numbers, (q, k, c, z, bias, sink))
    f = numbers(frequencies)
    entries = numpy.stack([gated(nc[0, 4 * w: 4 * w + 4, 0], nz[0, 4 * w: 4 * w + 4, 0],
                                 nb[:, 0]) for w in range(2)])[None, :, None]
    entries = rotate(entries, i32([[0, 4]]), f, True, 8)
    both = numpy.concatenate([nk, entries], 1)
    p = numpy.arange(10).reshape(1, 1, -1, 1)

    def seen(b, h, _, j):
        return numpy.where(j < 10, (j <= p) & (j > p - 4), j - 10 < (p + 1) // 4)

    x = scores(nq, both, seen=seen)
    o, _ = normalise(x, both, 2, sink=ns)
    o = rotate(o, positions, -f, True, 8)
    return [q, k, c, z, bias, sink, positions, frequencies], [o]


@program("deepseek-v4-csa")
def deepseek_v4_csa(random):
    q, k = random.f32(1, 14, 2, 16), random.f32(1, 14, 1, 16)
    ca, cb, za, zb = (random.f32(1, 12, 16) for _ in range(4))
    bias = random.f32(8, 1, 16)
    qi, ki, w = random.f32(1, 14, 2, 16), random.f32(1, 3, 1, 16), random.f32(1, 14, 2)
    sink, positions = random.f32(2), i32([range(14)])
    nq, nk, nca, ncb, nza, nzb, nb, nqi, nki, nw, ns = map(
        numbers, (q, k, ca, cb, za, zb, bias, qi, ki, w, sink))
    entries = []
    for e in range(3):
        own = slice(4 * e, 4 * e + 4)
        c, z, b = ncb[0, own], nzb[0, own], nb[4:, 0]
        if e > 0:
            before = slice(4 * e - 4, 4 * e)
            c = numpy.concatenate([nca[0, before], c])
            z = numpy.concatenate([nza[0, before], z])
            b = nb[:, 0]
        entries.append(gated(c, z, b))
    entries = numpy.array(entries)[None, :, None]
    t = numpy.arange(14)
    whole = numpy.arange(3)[None] < (t[:, None] + 1) // 4
    chosen = choose(indexer(nqi, nki, nw, whole), 2)
    is_chosen = numpy.zeros((14, 3), bool)
    for i in range(14):
        for e in chosen[0, i, 0]:
            if e >= 0:
                is_chosen[i, e] = True
    p = t[:, None]
    window = (t[None] <= p) & (t[None] > p - 4)
    keep = numpy.concatenate([window, is_chosen], 1)[None, None]
    both = numpy.concatenate([nk, entries], 1)
    o, _ = normalise(scores(nq, both, seen=lambda *at: keep), both, 2, sink=ns)
    return [q, k, ca, cb, za, zb, bias, qi, ki, w, sink, positions], [o, chosen]
