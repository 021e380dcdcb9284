# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs with rotary positions, caches and small numbers."""

import numpy

from files import i32, numbers, programs
from softmax import attention, causal, packed

PROGRAMS, program = programs()


def rotate(x, positions, frequencies, interleaved=False, first=0, factor=1.0):
    """Turns pairs of channels as complex numbers; x is [B, L, H, D]."""
    n = len(frequencies)
    turn = factor * numpy.exp(1j * positions[..., None, None] * frequencies)
    result = x.copy()
    part = x[..., first: first + 2 * n]
    if interleaved:
        turned = (part[..., 0::2] + 1j * part[..., 1::2]) * turn
        result[..., first: first + 2 * n: 2] = turned.real
        result[..., first + 1: first + 2 * n: 2] = turned.imag
    else:
        turned = (part[..., :n] + 1j * part[..., n:]) * turn
        result[..., first: first + n] = turned.real
        result[..., first + n: first + 2 * n] = turned.imag
    return result


@program("rope")
def rope(random):
    q, k, v = (random.f32(1, 5, 2, 32) for _ in range(3))
    positions = i32([[3, 4, 5, 6, 7]])
    frequencies = 10000.0 ** (-numpy.arange(8) / 8)
    nq, nk, nv = map(numbers, (q, k, v))
    return [q, k, v, positions], attention(
        rotate(nq, positions, frequencies), rotate(nk, positions, frequencies), nv,
        seen=causal)[:1]


@program("streaming-llm-cache")
def streaming_llm_cache(random):
    q, k, v = random.f32(1, 1, 4, 16), random.f32(1, 12, 2, 16), random.f32(1, 12, 2, 16)
    # The ring behind the first four has come round: slot 9 is the oldest one in it.
    last, places = i32([[11]]), i32([[0, 1, 2, 3, 7, 8, 9, 10, 11, 4, 5, 6]])
    frequencies = (10000.0 ** (-numpy.arange(8) / 8)).astype(numpy.float32)
    nq, nk, nv, f = map(numbers, (q, k, v, frequencies))
    return [q, k, v, last, places, frequencies], attention(
        rotate(nq, last, f), rotate(nk, places, f), nv)[:1]


@program("yarn")
def yarn(random):
    q, k, v = (random.f32(1, 5, 2, 64) for _ in range(3))
    positions = i32([[0, 1, 20, 4000, 90000]])
    pair = numpy.arange(32)
    fast = 150000.0 ** (-pair / 32)
    # The turns at either end as the program has them, in single precision.
    low, high = (32 * numpy.log(float(numpy.float32(turns))) / numpy.log(150000.0)
                 for turns in (20.3718327, 651.898647))
    assert abs(low - 32 * numpy.log(4096 / (2 * numpy.pi * 32))
               / numpy.log(150000.0)) < 1e-6
    ramp = numpy.clip((pair - low) / (high - low), 0, 1)
    frequencies = fast * (1 - ramp) + fast / 32 * ramp
    factor = float(numpy.float32(1.34657359))
    assert abs(factor - (0.1 * numpy.log(32) + 1)) < 1e-7
    nq, nk, nv = map(numbers, (q, k, v))
    return [q, k, v, positions], attention(
        rotate(nq, positions, frequencies, factor=factor),
        rotate(nk, positions, frequencies, factor=factor), nv, seen=causal)[:1]


@program("cohere2")
def cohere2(random):
    q = random.f32(1, 7, 4, 16)
    k, v, k2, v2 = (random.f32(1, 7, 2, 16) for _ in range(4))
    positions = i32([range(7)])
    frequencies = (50000.0 ** (-numpy.arange(8) / 8)).astype(numpy.float32)
    nq, nk, nv, nk2, nv2 = map(numbers, (q, k, v, k2, v2))
    f = numbers(frequencies)
    local, _ = attention(rotate(nq, positions, f, True), rotate(nk, positions, f, True),
                         nv, seen=lambda b, h, p, j: (j <= p) & (j > p - 4))
    return ([q, k, v, k2, v2, positions, frequencies],
            attention(local, nk2, nv2, seen=causal)[:1])


@program("paged-attention")
def paged_attention(random):
    table = i32([[4, 1, -1], [1, 5, 3], [0, -1, -1]])
    lengths = i32([20, 48, 0])
    arguments = [random.bf16(3, 1, 4, 64), random.bf16(6, 16, 2, 64),
                 random.bf16(6, 16, 2, 64), table, lengths]
    q, kp, vp = map(numbers, arguments[:3])
    o, lse = numpy.zeros((3, 1, 4, 64)), numpy.zeros((3, 4, 1))
    for b in range(3):
        slots = [(table[b, j // 16], j % 16) for j in range(lengths[b])]
        k = numpy.array([kp[at] for at in slots]).reshape(1, -1, 2, 64)
        v = numpy.array([vp[at] for at in slots]).reshape(1, -1, 2, 64)
        o[b: b + 1], lse[b: b + 1] = attention(q[b: b + 1], k, v, seen=causal)
    return arguments, [o, lse]


@program("flashinfer-paged")
def flashinfer_paged(random):
    cu, indptr = i32([0, 3, 4, 4]), i32([0, 2, 5, 5])
    indices, last = i32([3, 0, 1, 3, 5]), i32([1, 4, 1])
    arguments = [random.bf16(4, 4, 64), cu, random.bf16(6, 2, 4, 64),
                 random.bf16(6, 2, 4, 64), indptr, indices, last]
    q, kp, vp = numbers(arguments[0]), numbers(arguments[2]), numbers(arguments[3])
    k, v, ends = [], [], [0]
    for b in range(3):
        pages = indices[indptr[b]: indptr[b + 1]]
        length = 4 * (len(pages) - 1) + last[b] if len(pages) else 0
        for j in range(length):
            k.append(kp[pages[j // 4], :, j % 4])
            v.append(vp[pages[j // 4], :, j % 4])
        ends.append(len(k))
    return arguments, packed(q, numpy.array(k), numpy.array(v), cu, ends, seen=causal)


@program("mla-absorbed")
def mla_absorbed(random):
    qn, qr = random.bf16(1, 3, 4, 16), random.bf16(1, 3, 4, 16)
    c = random.bf16(1, 7, 1, 48)
    wuk, wuv = random.bf16(4, 16, 32, scale=0.2), random.bf16(4, 32, 16, scale=0.2)
    arguments = [qn, qr, c, wuk, wuv]
    nqn, nqr, nc, nuk, nuv = map(numbers, arguments)
    # Expanded: keys and values of every head.
    latent, rope = nc[:, :, 0, :32], nc[:, :, 0, 32:]
    k = numpy.einsum("hdc,bjc->bjhd", nuk, latent)
    k = numpy.concatenate([k, numpy.broadcast_to(rope[:, :, None], (1, 7, 4, 16))], -1)
    v = numpy.einsum("bjc,hcd->bjhd", latent, nuv)
    q = numpy.concatenate([nqn, nqr], -1)
    return arguments, attention(q, k, v, scale=0.135234, seen=causal)[:1]


def e4m3(bits):
    """What bytes of e4m3 stand for."""
    bits = numpy.asarray(bits).astype(numpy.uint8).astype(int)
    sign = numpy.where(bits >> 7, -1.0, 1.0)
    exponent, fraction = bits >> 3 & 15, bits & 7
    return sign * numpy.where(exponent == 0, fraction * 2.0 ** -9,
                              (8 + fraction) * 2.0 ** (exponent - 10.0))


def random_e4m3(random, *shape):
    """Bytes of moderate numbers."""
    return random.integers(0x20, 0x40, *shape).astype(numpy.uint8) | (
        random.integers(0, 2, *shape).astype(numpy.uint8) << 7)


def to_e4m3(x):
    """The nearest of the numbers of e4m3, ties to the even byte."""
    table = e4m3(numpy.arange(127))
    magnitude = numpy.abs(x)
    above = numpy.clip(numpy.searchsorted(table, magnitude), 1, 126)
    below = above - 1
    gap = (table[above] - magnitude) - (magnitude - table[below])
    takes_above = (gap < 0) | ((gap == 0) & (above % 2 == 0))
    bits = numpy.where(takes_above, above, below)
    return (bits | numpy.where(numpy.signbit(x), 128, 0)).astype(numpy.uint8)


def signed(bits):
    return numpy.asarray(bits, numpy.uint8).view(numpy.int8)


@program("fp8-attention")
def fp8_attention(random):
    q8, k8, v8 = (random_e4m3(random, 2, 5, heads, 64) for heads in (4, 2, 2))
    scales = [numpy.abs(random.f32(2, 1, 2, 1)) for _ in range(3)]
    q = e4m3(q8) * numpy.repeat(numbers(scales[0]), 2, 2)
    k, v = e4m3(k8) * numbers(scales[1]), e4m3(v8) * numbers(scales[2])
    return ([signed(q8), signed(k8), signed(v8)] + scales,
            attention(q, k, v, seen=causal))


@program("fp8-pages")
def fp8_pages(random):
    table, lengths = i32([[4, 1, -1], [1, 5, 3], [0, -1, -1]]), i32([20, 48, 0])
    k8, v8 = random_e4m3(random, 6, 16, 2, 64), random_e4m3(random, 6, 16, 2, 64)
    sk = numpy.abs(random.f32(1, 1, 1, 1))
    sv = numpy.abs(random.f32(6, 16, 2, 1))
    arguments = [random.bf16(3, 2, 4, 64), signed(k8), signed(v8), sk, sv, table,
                 lengths]
    q, kp, vp = numbers(arguments[0]), e4m3(k8) * numbers(sk), e4m3(v8) * numbers(sv)
    o, lse = numpy.zeros((3, 2, 4, 64)), numpy.zeros((3, 4, 2))
    for b in range(3):
        slots = [(table[b, j // 16], j % 16) for j in range(lengths[b])]
        k = numpy.array([kp[at] for at in slots]).reshape(1, -1, 2, 64)
        v = numpy.array([vp[at] for at in slots]).reshape(1, -1, 2, 64)
        o[b: b + 1], lse[b: b + 1] = attention(q[b: b + 1], k, v, seen=causal)
    return arguments, [o, lse]


@program("kivi")
def kivi(random):
    q = random.f32(1, 2, 4, 64)
    k8 = random.integers(0, 4, 1, 8, 2, 64).astype(numpy.int8)
    v8 = random.integers(0, 4, 1, 8, 2, 64).astype(numpy.int8)
    sk, zk = numpy.abs(random.f32(1, 2, 2, 64)), random.f32(1, 2, 2, 64)
    sv, zv = numpy.abs(random.f32(1, 8, 2, 4)), random.f32(1, 8, 2, 4)
    tokens = lambda x: numpy.repeat(numbers(x), 4, 1)
    channels = lambda x: numpy.repeat(numbers(x), 16, 3)
    k = tokens(sk) * (k8 - tokens(zk))
    v = channels(sv) * (v8 - channels(zv))
    return ([q, k8, sk, zk, v8, sv, zv],
            attention(numbers(q), k, v, seen=causal)[:1])


@program("deepseek-v32-decode")
def deepseek_v32_decode(random):
    table, lengths = i32([[2, 0], [1, -1]]), i32([7, 3])
    quantised = random_e4m3(random, 3, 4, 512)
    scale = (2.0 ** random.integers(-2, 2, 3, 4, 4)).astype(numpy.float32)
    rope = random.bf16(3, 4, 64)
    rope_bits = (rope.values.astype(numpy.float32).view(numpy.uint32) >> 16)
    cache = numpy.concatenate(
        [quantised, scale.view(numpy.uint8).reshape(3, 4, 16),
         rope_bits.astype("<u2").view(numpy.uint8).reshape(3, 4, 128)], -1)
    indices = numpy.array([[[[0, 3, 3, 6, -1, 9]], [[5, 1, -1, 6, 2, 0]]],
                           [[[2, 7, 0, -1, -1, -1]], [[-1] * 6]]], numpy.int32)
    q = random.bf16(2, 2, 2, 576, scale=0.3)
    c = numpy.concatenate([e4m3(quantised) * numpy.repeat(numbers(scale), 128, -1),
                           rope.values], -1)
    o, lse = numpy.zeros((2, 2, 2, 512)), numpy.zeros((2, 2, 2))
    for b in range(2):
        rows = numpy.array([c[table[b, j // 4], j % 4] for j in range(lengths[b])])
        rows = rows.reshape(1, -1, 1, 576)
        chosen = numpy.zeros((2, lengths[b]), bool)
        for i in range(2):
            for j in indices[b, i, 0]:
                if 0 <= j < lengths[b]:
                    chosen[i, j] = True
        o[b: b + 1], lse[b: b + 1] = attention(
            numbers(q)[b: b + 1], rows, rows[..., :512], scale=0.135234,
            seen=lambda _, h, p, j: (j <= p) & chosen[None, None])
    return [q, signed(cache)[:, :, None], table, lengths, indices], [o, lse]


@program("cache-write")
def cache_write(random):
    k = random.f32(4, 2, 64, scale=3.0)
    k[2, 1, 32:] = 0
    positions, slots = i32([3, 4, 9, 0]), i32([6, 1, 3, -1])
    frequencies = (10000.0 ** (-numpy.arange(32) / 32)).astype(numpy.float32)
    cache = random_e4m3(random, 2, 4, 2, 64)
    scales = numpy.abs(random.f32(2, 4, 2, 2))
    turned = rotate(numbers(k)[None], positions[None], numbers(frequencies))[0]
    groups = turned.reshape(4, 2, 2, 32)
    largest = numpy.maximum(abs(groups).max(-1), float(numpy.float32(1e-4)))
    scale = 2.0 ** numpy.ceil(numpy.log2(largest / 448))
    data = to_e4m3(groups / scale[..., None]).reshape(4, 2, 64)
    new_cache, new_scales = cache.copy(), numbers(scales)
    for row, slot in enumerate(slots):
        if slot >= 0:
            new_cache[slot // 4, slot % 4] = data[row]
            new_scales[slot // 4, slot % 4] = scale[row]
    return ([k, positions, frequencies, slots, signed(cache), scales],
            [signed(new_cache), new_scales])
