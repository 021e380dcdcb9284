# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs with other normalisers, masks, scores and merges."""

import numpy

from dense import qkv, long_qkv, long_attention
from files import i32, numbers, programs
from softmax import attention, causal, logsumexp, normalise, repeat_heads, scores

PROGRAMS, program = programs()


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


@program("sigmoid-attention")
def sigmoid_attention(random):
    arguments = qkv(random, 2, 5, 5, 4, 4, 64)
    q, k, v = map(numbers, arguments)
    bias = float(numpy.float32(-7.62461901))
    x = scores(q, k, seen=causal, score=lambda x, *at: x + bias)
    return arguments, [numpy.einsum("bhij,bjhd->bihd", sigmoid(x), v)]


@program("off-by-one")
def off_by_one(random):
    # More queries than keys: the first see nothing.
    arguments = qkv(random, 1, 6, 4, 4, 2, 64)
    q, k, v = map(numbers, arguments)
    x = scores(q, k, seen=causal)
    w = numpy.exp(x) / (1 + numpy.exp(x).sum(-1, keepdims=True))
    return arguments, [numpy.einsum("bhij,bjhd->bihd", w, repeat_heads(v, 4)),
                       logsumexp(x)]


@program("ring-attention")
def ring_attention(random):
    q, k0, v0 = qkv(random, 1, 4, 5, 4, 2, 64)
    _, k1, v1 = qkv(random, 1, 4, 4, 4, 2, 64)
    sink = random.f32(4)
    arguments = [q, k0, v0, k1, v1, sink]
    nq, nk0, nv0, nk1, nv1, ns = map(numbers, arguments)
    # One softmax over all keys, which the parts must agree with.
    return arguments, attention(nq, numpy.concatenate([nk0, nk1], 1),
                                numpy.concatenate([nv0, nv1], 1), seen=causal, sink=ns)


@program("shared-prefix")
def shared_prefix(random):
    cu_q, cu_k = i32([0, 1, 3, 3]), i32([0, 2, 5, 6])
    arguments = [random.bf16(3, 4, 64), cu_q, random.bf16(1, 7, 2, 64),
                 random.bf16(1, 7, 2, 64), random.bf16(6, 2, 64),
                 random.bf16(6, 2, 64), cu_k]
    q, _, kp, vp, k, v, _ = map(numbers, arguments)
    o, lse = numpy.zeros((3, 4, 64)), numpy.zeros((4, 3))
    for b in range(3):
        own, keys = slice(cu_q[b], cu_q[b + 1]), slice(cu_k[b], cu_k[b + 1])
        part, log = attention(q[None, own], numpy.concatenate([kp, k[None, keys]], 1),
                              numpy.concatenate([vp, v[None, keys]], 1), seen=causal)
        o[own], lse[:, own] = part[0], log[0]
    return arguments, [o, lse]


@program("flashinfer-states")
def flashinfer_states(random):
    o = [random.f32(1, 3, 4, 64) for _ in range(3)]
    lse = [random.f32(1, 4, 3, scale=3.0) for _ in range(3)]
    # A part without keys, a row without any, and a part with no weight to speak of.
    lse[0][0, 0, 0] = -numpy.inf
    for part in range(3):
        lse[part][0, 1, 2] = -numpy.inf
    lse[2][0, 2, 1] = -800
    arguments = [o[0], lse[0], o[1], lse[1], o[2], lse[2]]
    natural = numpy.stack([numbers(lse[0]) * numpy.log(2), numbers(lse[1]) * numpy.log(2),
                           numbers(lse[2])], -1)
    total = logsumexp(natural)
    finite = numpy.where(numpy.isfinite(total), total, 0.0)
    w = numpy.exp(natural - finite[..., None])
    result = sum(numbers(part) * w[..., n].transpose(0, 2, 1)[..., None]
                 for n, part in enumerate(o))
    return arguments, [result, total]


@program("differential")
def differential(random):
    q1, k1, _ = qkv(random, 1, 5, 5, 2, 2, 64)
    q2, k2, v = qkv(random, 1, 5, 5, 2, 2, 64, 128)
    lambdas = random.f32(4, 64, scale=0.1)
    arguments = [q1, k1, q2, k2, v, lambdas]
    nq1, nk1, nq2, nk2, nv, n = map(numbers, arguments)
    lam = numpy.exp(n[0] @ n[1]) - numpy.exp(n[2] @ n[3]) + float(numpy.float32(0.2))
    x = (attention(nq1, nk1, nv, seen=causal)[0]
         - lam * attention(nq2, nk2, nv, seen=causal)[0])
    mean = (x * x).mean(-1, keepdims=True) + float(numpy.float32(1e-5))
    return arguments, [float(numpy.float32(0.8)) * x / numpy.sqrt(mean)]


@program("vit")
def vit(random):
    arguments = qkv(random, 1, 5, 9, 16, 16, 64)
    return arguments, attention(*map(numbers, arguments))[:1]


@program("gemma3-images")
def gemma3_images(random):
    arguments = long_qkv(random, 4, 1030, 32, 16, 128)
    ids = numpy.full((1, 1030), -1, numpy.int32)
    ids[0, 1:4] = 0
    ids[0, 1026:1029] = 1
    ids[0, 1029] = 0  # the image before, continued
    return arguments + [ids], long_attention(
        arguments, 128, scale=0.0771516785,
        seen=lambda b, h, p, j: ((j <= p) & (j > p - 1024))
        | ((ids[b, j] == ids[b, p]) & (ids[b, p] >= 0)))[:1]


@program("mimo-v2")
def mimo_v2(random):
    arguments = [random.bf16(1, 2, 64, 192, scale=0.5), random.bf16(1, 131, 8, 1, scale=0.5),
                 random.bf16(1, 131, 8, 1), random.f32(64)]
    q, k, v, sinks = map(numbers, arguments)
    k = numpy.broadcast_to(k, (1, 131, 8, 192))
    v = numpy.broadcast_to(v, (1, 131, 8, 128))
    return arguments, attention(q, k, v, sink=sinks,
                                seen=lambda b, h, p, j: (j <= p) & (j > p - 128))


@program("duo-attention")
def duo_attention(random):
    arguments = long_qkv(random, 2, 340, 32, 8, 128)
    retrieves = numpy.arange(32) % 8 < 3
    return arguments + [retrieves], long_attention(
        arguments, 128,
        seen=lambda b, h, p, j: (j <= p) & (retrieves[h] | (j < 64) | (j > p - 256)))[:1]


@program("forgetting")
def forgetting(random):
    arguments = qkv(random, 1, 6, 6, 16, 16, 64)
    gates = sigmoid(random.generator.standard_normal((1, 16, 6)))
    c = numpy.cumsum(numpy.log(gates), -1).astype(numpy.float32)
    n = numbers(c)
    return arguments + [c], attention(
        *map(numbers, arguments), seen=causal,
        score=lambda x, b, h, p, j: x + n[b, h, p] - n[b, h, j])


def t5_bucket(relative):
    """As published: half of the buckets for each side, half of those exact."""
    bucket = numpy.where(relative > 0, 16, 0)
    distance = abs(relative)
    far = 8 + (numpy.log(numpy.maximum(distance, 1) / 8) / numpy.log(128 / 8)
               * 8).astype(int)
    return bucket + numpy.where(distance < 8, distance, numpy.minimum(far, 15))


@program("t5-bias")
def t5_bias(random):
    arguments = long_qkv(random, 3, 150, 12, 12, 64)
    table = random.f32(32, 12)
    n = numbers(table)
    return arguments + [table], long_attention(
        arguments, 64, scale=1.0,
        score=lambda x, b, h, p, j: x + n[t5_bucket(j - p), h])[:1]


@program("dilated-sparse")
def dilated_sparse(random):
    arguments = long_qkv(random, 3, 400, 16, 16, 64)
    return arguments, long_attention(
        arguments, 64,
        seen=lambda b, h, p, j: (j <= p) & ((p - j < 128) | ((p - j) % 128 == 0)))[:1]


@program("fixed-sparse")
def fixed_sparse(random):
    arguments = long_qkv(random, 3, 400, 16, 16, 64)
    return arguments, long_attention(
        arguments, 64,
        seen=lambda b, h, p, j: (j <= p) & ((p // 128 == j // 128)
                                            | (j % 128 >= 96)))[:1]


@program("swin")
def swin(random):
    arguments = qkv(random, 2, 49, 49, 3, 3, 32)
    regions = numpy.zeros((2, 7, 7), numpy.int32)
    regions[1, 4:, :] += 1
    regions[1, :, 4:] += 2
    regions = regions.reshape(2, 49)
    table = random.f32(3, 13, 13)
    row, column = numpy.divmod(numpy.arange(49), 7)
    bias = table[:, row[:, None] - row + 6, column[:, None] - column + 6][None]
    n = numbers(bias)
    return arguments + [regions, bias], attention(
        *map(numbers, arguments), score=lambda x, *at: x + n,
        seen=lambda b, h, p, j: regions[b, p] == regions[b, j])[:1]


@program("pair-bias")
def pair_bias(random):
    arguments = qkv(random, 2, 5, 6, 8, 8, 32)
    bias = random.f32(1, 8, 5, 6)
    n = numbers(bias)
    return arguments + [bias], attention(*map(numbers, arguments),
                                         score=lambda x, *at: x + n)


@program("speculative-tree")
def speculative_tree(random):
    arguments = qkv(random, 2, 5, 12, 4, 2, 64)
    context = i32([7, 4])
    # Node 0 has the children 1 and 2, node 1 the child 3, node 2 the child 4.
    parents, depth = [-1, 0, 0, 1, 2], i32([0, 1, 1, 2, 2])
    bits = []
    for node in range(5):
        own, at = 0, node
        while at >= 0:
            own |= 1 << at
            at = parents[at]
        bits.append(own)
    ancestors = numpy.array(bits, numpy.int8).reshape(1, 5, 1).repeat(2, 0)
    where = context[:, None] + depth
    slopes = numpy.array([0.5, 0.25, 0.125, 0.0625], numpy.float32)
    m = numbers(slopes).reshape(1, -1, 1, 1)

    def seen(b, h, p, j):
        node = j - context[b]
        i = numpy.arange(5).reshape(1, 1, -1, 1)
        is_ancestor = (ancestors[b, i, 0] >> numpy.clip(node, 0, 7)) & 1
        return (node < 0) | ((node < 5) & (is_ancestor == 1))

    q, k, v = map(numbers, arguments)
    x = scores(q, k, seen=seen,
               score=lambda x, b, h, p, j: x - m * abs(where[:, None, :, None] - j))
    return (arguments + [where.astype(numpy.int32), context, ancestors, slopes],
            normalise(x, v, 4))


@program("bit-mask")
def bit_mask(random):
    arguments = qkv(random, 2, 4, 40, 4, 4, 64)
    keep = random.generator.random((2, 4, 64)) < 0.3
    keep[1, 2] = False
    words = numpy.packbits(keep, axis=-1, bitorder="little").view("<i4")
    return arguments + [words.astype(numpy.int32)], attention(
        *map(numbers, arguments),
        seen=lambda b, h, p, j: numpy.broadcast_to(
            keep[:, None, :, :40], (2, 4, 4, 40)))


@program("luong")
def luong(random):
    s, h, w = random.f32(2, 3, 16), random.f32(2, 5, 1, 16), random.f32(16, 16, scale=0.3)
    ns, nh, nw = map(numbers, (s, h, w))
    x = numpy.einsum("bid,de,bje->bij", ns, nw, nh[:, :, 0])
    p = numpy.exp(x) / numpy.exp(x).sum(-1, keepdims=True)
    return [s, h, w], [numpy.einsum("bij,bjd->bid", p, nh[:, :, 0])[:, :, None]]


@program("bahdanau")
def bahdanau(random):
    s, hw = random.f32(2, 3, 16), random.f32(2, 5, 16)
    h, w = random.f32(2, 5, 1, 16), random.f32(16)
    ns, nhw, nh, nw = map(numbers, (s, hw, h, w))
    x = numpy.tanh(ns[:, :, None] + nhw[:, None]) @ nw
    p = numpy.exp(x) / numpy.exp(x).sum(-1, keepdims=True)
    return [s, hw, h, w], [numpy.einsum("bij,bjd->bid", p, nh[:, :, 0])[:, :, None]]


@program("linformer")
def linformer(random):
    q, k, v = (random.f32(1, 8, 2, 16) for _ in range(3))
    e, f = random.f32(3, 8), random.f32(3, 8)
    nq, nk, nv, ne, nf = map(numbers, (q, k, v, e, f))
    ek = numpy.einsum("rj,bjhd->brhd", ne, nk)
    fv = numpy.einsum("rj,bjhd->brhd", nf, nv)
    return [q, k, v, e, f], attention(nq, ek, fv)[:1]
