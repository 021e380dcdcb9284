# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Recurrences by formulas in which nothing recurs: sums over all tokens before, or
products of whole transitions."""

import numpy

from files import i32, numbers, programs

PROGRAMS, program = programs()


def features(x, w, axes):
    """Positive random features; the largest exponent along `axes` is left out."""
    # The constants of the program are f32.
    root, eps = (float(numpy.float32(c)) for c in (x.shape[-1] ** -0.25, 1e-6))
    x = root * x
    product = numpy.einsum("bthd,md->bthm", x, w)
    exponent = product - (x * x).sum(-1, keepdims=True) / 2
    largest = product.max(axis=axes, keepdims=True)
    return w.shape[0] ** -0.5 * (numpy.exp(exponent - largest) + eps)


@program("performer")
def performer(random):
    q, k = random.f32(1, 20, 2, 8), random.f32(1, 20, 2, 8)
    v = random.f32(1, 20, 2, 6)
    # Blocks of orthogonal rows that are as long as Gaussian ones.
    blocks = [numpy.linalg.qr(random.generator.standard_normal((8, 8)))[0]
              for _ in range(2)]
    lengths = numpy.linalg.norm(random.generator.standard_normal((16, 8)), axis=1)
    w = (lengths[:, None] * numpy.concatenate(blocks)).astype(numpy.float32)
    arguments = [q, k, v, w]
    q, k, v, w = map(numbers, arguments)
    phi_q, phi_k = features(q, w, (3,)), features(k, w, (1, 3))
    weights = numpy.einsum("bihm,bjhm->bhij", phi_q, phi_k)
    weights = numpy.tril(weights)
    weights = weights / weights.sum(-1, keepdims=True)
    return arguments, [numpy.einsum("bhij,bjhd->bihd", weights, v)]


@program("lightning")
def lightning(random):
    arguments = [random.f32(2, 12, 4, 8) for _ in range(3)]
    arguments.append(random.f32(2, 4, 8, 8))
    q, k, v, s0 = map(numbers, arguments)
    q, k, v = (x / (1 + numpy.exp(-x)) for x in (q, k, v))
    layer, layers, heads = 10, 80, 4
    h = numpy.arange(heads)
    g = -2.0 ** (-8 * (h + 1) / heads) * (1 - layer / (layers - 1 + 1e-5) + 1e-5)
    g = g.astype(numpy.float32).astype(numpy.float64)
    t = numpy.arange(q.shape[1])
    since = t[:, None] - t
    decay = numpy.where(since >= 0, numpy.exp(g[:, None, None] * since), 0.0)
    scores = numpy.einsum("bihd,bjhd->bhij", q, k) * decay
    o = numpy.einsum("bhij,bjhd->bihd", scores, v)
    from_start = numpy.exp(g * (t[:, None] + 1))
    o = o + numpy.einsum("bihd,ih,bhdv->bihv", q, from_start, s0)
    to_end = numpy.exp(g * (len(t) - 1 - t[:, None]))
    s = numpy.einsum("bjhd,jh,bjhv->bhdv", k, to_end, v)
    return arguments, [o, s + numpy.exp(g * len(t))[:, None, None] * s0]


def unit(x):
    """Normalised with 1e-6 below the root."""
    return x / numpy.sqrt((x * x).sum(-1, keepdims=True)
                          + float(numpy.float32(1e-6)))


@program("gated-deltanet-decode")
def gated_deltanet_decode(random):
    # Prefill, nothing, padding, and two that decode one token each.
    cu, slots = i32([0, 7, 7, 9, 10, 11]), i32([4, 0, -1, 2, 1])
    rows, heads = 12, 4
    arguments = [random.bf16(rows, 2, 8), random.bf16(rows, 2, 8),
                 random.bf16(rows, heads, 6),
                 random.generator.uniform(0, 1, (rows, heads)).astype("f"),
                 random.generator.uniform(0, 2, (rows, heads)).astype("f"),
                 random.f32(6, heads, 6, 8), slots, cu]
    q, k, v, alpha, beta, pool = map(numbers, arguments[:6])
    q, k = (numpy.repeat(unit(x), 2, axis=1) for x in (q, k))
    o = numpy.full(v.shape, numpy.nan)
    final = pool.copy()
    for b, slot in enumerate(slots):
        for t in range(cu[b], cu[b + 1]):
            for n in range(heads):
                if slot < 0:
                    o[t, n] = 0
                    continue
                # S^T = S^T alpha (I - beta k k^T) + beta v k^T
                key = k[t, n]
                keep = alpha[t, n] * (numpy.eye(8)
                                      - beta[t, n] * numpy.outer(key, key))
                final[slot, n] = (final[slot, n] @ keep
                                  + beta[t, n] * numpy.outer(v[t, n], key))
                o[t, n] = final[slot, n] @ q[t, n] * 8 ** -0.5
    return arguments, [o, final]
