# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The programs of one attention over dense or packed sequences."""

import numpy

from files import i32, numbers, programs
from softmax import attention, causal, listed, packed

PROGRAMS, program = programs()


def whole(stored, heads, dim):
    """[B, L, 1, D] or [B, L, H, 1] to [B, L, H, D]: what is stored once."""
    shape = stored.shape[:2] + (heads, dim)
    return numpy.broadcast_to(stored, shape)


def qkv(random, batch, queries, keys, heads, key_heads, dim, value_dim=None):
    """Queries, keys and values as arguments."""
    return [random.bf16(batch, queries, heads, dim),
            random.bf16(batch, keys, key_heads, dim),
            random.bf16(batch, keys, key_heads, value_dim or dim)]


def long_qkv(random, queries, keys, heads, key_heads, dim):
    """Many keys, each of which has one number per head for all channels."""
    return [random.bf16(1, queries, heads, dim, scale=0.5),
            random.bf16(1, keys, key_heads, 1, scale=0.5),
            random.bf16(1, keys, key_heads, 1)]


def long_attention(arguments, dim, **options):
    q, k, v = map(numbers, arguments)
    k, v = whole(k, k.shape[2], dim), whole(v, v.shape[2], dim)
    return attention(q, k, v, **options)


@program("alibi")
def alibi(random):
    arguments = qkv(random, 1, 3, 5, 112, 112, 128)
    # As published: 64 slopes of a geometric series, then of the next one.
    near = [2 ** (-8 * (h + 1) / 64) for h in range(64)]
    next_ = [2 ** (-8 * (h + 1) / 128) for h in range(128)]
    slopes = numpy.array(near + next_[0::2][: 112 - 64], numpy.float32)
    m = slopes.astype(numpy.float64).reshape(1, -1, 1, 1)
    result = attention(*map(numbers, arguments), seen=causal,
                       score=lambda x, b, h, p, j: x - m * abs(p - j))
    return arguments + [slopes], result


def block_lists(random, heads, rows, columns, entries):
    """Random lists with padding, and columns that are none."""
    indices = numpy.full((1, heads, rows, entries), -1, numpy.int32)
    for at in numpy.ndindex(1, heads, rows):
        order = random.generator.permutation(columns)
        indices[at][: min(columns, entries)] = order[:entries]
    counts = random.integers(0, entries + 1, 1, heads, rows)
    return counts, indices


@program("bigbird")
def bigbird(random):
    arguments = long_qkv(random, 130, 200, 12, 12, 64)
    arguments[0] = random.bf16(1, 130, 12, 1, scale=0.5)
    counts, indices = block_lists(random, 12, 3, 4, 5)
    q, k, v = (whole(numbers(a), 12, 64) for a in arguments)
    result = attention(q, k, v, seen=listed(counts, indices, 64, 64, 130))
    return arguments + [counts, indices], result


def listed_arguments(random, queries, keys, heads, key_heads):
    """Arguments with lists of 128 x 128 blocks: the even columns that a random
    list has are full, the odd ones partial."""
    arguments = long_qkv(random, queries, keys, heads, key_heads, 1)
    arguments[0] = random.bf16(1, queries, heads, 1, scale=0.5)
    rows, columns = -(-queries // 128), -(-keys // 128)
    lists = []
    for parity in (1, 0):
        own = numpy.arange(parity, columns, 2)
        indices = numpy.full((1, 1, rows, len(own) + 1), -1, numpy.int32)
        for row in range(rows):
            indices[0, 0, row, : len(own)] = random.generator.permutation(own)
        lists += [random.integers(1, len(own) + 2, 1, 1, rows), indices]
    return arguments + lists


def listed_attention(arguments, heads, key_heads, dim, mask):
    q, k, v, counts, columns, full_counts, full_columns = map(numbers, arguments)
    queries = q.shape[1]
    partial = listed(counts, columns, 128, 128, queries)
    full = listed(full_counts, full_columns, 128, 128, queries)
    return attention(
        whole(q, heads, dim), whole(k, key_heads, dim), whole(v, key_heads, dim),
        seen=lambda *at: full(*at) | (partial(*at) & mask(*at)))


@program("block-sparse")
def block_sparse(random):
    arguments = listed_arguments(random, 140, 300, 32, 8)
    return arguments, listed_attention(arguments, 32, 8, 128, causal)


@program("longformer")
def longformer(random):
    arguments = listed_arguments(random, 5, 400, 12, 12)
    return arguments, listed_attention(
        arguments, 12, 12, 64,
        lambda b, h, p, j: (abs(p - j) <= 256) | (j == 0) | (p < 1))


@program("strided-sparse")
def strided_sparse(random):
    arguments = listed_arguments(random, 5, 1100, 16, 16)
    return arguments, listed_attention(
        arguments, 16, 16, 64,
        lambda b, h, p, j: (j <= p) & ((j // 1024 == p // 1024)
                                       | (j % 1024 >= 896)))


@program("chunked-llama4")
def chunked_llama4(random):
    arguments = long_qkv(random, 3, 8194, 40, 8, 128)
    return arguments, long_attention(
        arguments, 128,
        seen=lambda b, h, p, j: (j <= p) & (j // 8192 == p // 8192))


@program("chunked-prefill")
def chunked_prefill(random):
    # One request decodes, one has no new tokens, one more queries than keys,
    # and a row at the end belongs to none.
    cu_q, cu_k = i32([0, 1, 1, 4, 6]), i32([0, 5, 8, 9, 13])
    arguments = [random.bf16(7, 64, 128), random.bf16(13, 8, 128),
                 random.bf16(13, 8, 128), cu_q, cu_k]
    q, k, v = map(numbers, arguments[:3])
    return arguments, packed(q, k, v, cu_q, cu_k, seen=causal)


@program("packed-varlen")
def packed_varlen(random):
    cu = i32([0, 4, 4, 9, 10])
    arguments = [random.bf16(10, 16, 64), random.bf16(10, 16, 64),
                 random.bf16(10, 16, 64), cu]
    q, k, v = map(numbers, arguments[:3])
    return arguments, packed(q, k, v, cu, cu)


@program("document")
def document(random):
    arguments = qkv(random, 2, 4, 6, 32, 8, 128)
    ids = i32([[0, 0, 0, 1, 1, 2], [3, 3, 5, 5, 5, 5]])
    return arguments + [ids], attention(
        *map(numbers, arguments),
        seen=lambda b, h, p, j: (j <= p) & (ids[b, j] == ids[b, p]))


@program("gemma2-softcap")
def gemma2_softcap(random):
    arguments = long_qkv(random, 2, 4099, 32, 16, 128)
    return arguments, long_attention(
        arguments, 128, scale=0.0833333358,
        seen=lambda b, h, p, j: (j <= p) & (j > p - 4096),
        score=lambda x, b, h, p, j: 50 * numpy.tanh(x / 50))


@program("gpt-oss")
def gpt_oss(random):
    arguments = long_qkv(random, 3, 140, 64, 8, 64)
    sinks = random.f32(64)
    return arguments + [sinks], long_attention(
        arguments, 64, sink=numbers(sinks),
        seen=lambda b, h, p, j: (j <= p) & (j > p - 128))


@program("local-encoder")
def local_encoder(random):
    arguments = long_qkv(random, 3, 140, 12, 12, 128)
    return arguments, long_attention(
        arguments, 128, seen=lambda b, h, p, j: abs(p - j) <= 64)[:1]


@program("mla-expanded")
def mla_expanded(random):
    arguments = qkv(random, 1, 2, 3, 128, 128, 192, 128)
    return arguments, attention(*map(numbers, arguments), scale=0.135234,
                                seen=causal)


@program("prefix-lm")
def prefix_lm(random):
    arguments = qkv(random, 3, 5, 5, 8, 1, 256)
    n = i32([0, 2, 5])
    return arguments + [n], attention(
        *map(numbers, arguments),
        seen=lambda b, h, p, j: (j <= p) | (j < n[b]))


@program("relative-bias")
def relative_bias(random):
    arguments = long_qkv(random, 3, 140, 32, 32, 128)
    arguments[0] = random.bf16(1, 3, 32, 128, scale=0.05)
    table = random.f32(32, 128)
    bias = numbers(table)
    return arguments + [table], long_attention(
        arguments, 128, scale=1.0, seen=causal,
        score=lambda x, b, h, p, j: x + bias[h, numpy.clip(p - j, 0, 127)])[:1]


@program("sliding-window-mistral")
def sliding_window_mistral(random):
    arguments = long_qkv(random, 2, 4099, 32, 8, 128)
    return arguments, long_attention(
        arguments, 128, seen=lambda b, h, p, j: (j <= p) & (j > p - 4096))[:1]


@program("streaming-llm")
def streaming_llm(random):
    arguments = long_qkv(random, 2, 1031, 32, 8, 128)
    return arguments, long_attention(
        arguments, 128,
        seen=lambda b, h, p, j: (j <= p) & ((j < 4) | (j > p - 1024)))
