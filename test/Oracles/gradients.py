# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Gradients of attention, by differences of the forward formula. Central differences of
three steps are combined so that what is left is of the sixth order."""

import numpy

from files import Random, i32, numbers
from softmax import attention, causal

PROGRAMS = {}
STEP = 2.0 ** -9


def differences(loss, arguments, number):
    """The gradient of `loss(arguments)` by one of the arguments."""
    gradient = numpy.zeros_like(arguments[number])

    def at(place, offset):
        moved = [argument.copy() for argument in arguments]
        moved[number][place] += offset
        return loss(moved)

    for place in numpy.ndindex(gradient.shape):
        near, far, farther = ((at(place, n * STEP) - at(place, -n * STEP))
                              / (2 * n * STEP) for n in (1, 2, 3))
        gradient[place] = 1.5 * near - 0.6 * far + 0.1 * farther
    return gradient


def attention_backward():
    random = Random("attention-backward")
    # More queries than keys in front: the first query sees nothing.
    q, k, v = random.f32(2, 4, 4, 8), random.f32(2, 3, 2, 8), random.f32(2, 3, 2, 8)
    sink, slopes = random.f32(4), numpy.abs(random.f32(4))
    bias, do, dlse = random.f32(1, 4, 4, 3), random.f32(2, 4, 4, 8), random.f32(2, 4, 4)

    def forward(values):
        q, k, v, sink, slopes, bias = values
        m = slopes.reshape(1, -1, 1, 1)
        return attention(
            q, k, v, scale=0.5, seen=causal, sink=sink,
            score=lambda x, b, h, p, j: 2 * numpy.tanh(x / 2) - m * abs(p - j) + bias)

    def loss(values):
        o, lse = forward(values)
        kept = numpy.where(numpy.isfinite(lse), lse, 0.0)
        return (o * numbers(do)).sum() + (kept * numbers(dlse)).sum()

    values = [numbers(a) for a in (q, k, v, sink, slopes, bias)]
    results = [differences(loss, values, n) for n in range(6)]
    return [q, k, v, do, dlse, sink, slopes, bias], results


PROGRAMS["attention-backward"] = attention_backward


def deepseek_v4_backward():
    random = Random("deepseek-v4-backward")
    q, k, e = random.f32(1, 10, 2, 16), random.f32(1, 10, 1, 16), random.f32(1, 2, 1, 16)
    do, sink = random.f32(1, 10, 2, 16), random.f32(2)
    i, j = numpy.arange(10)[:, None], numpy.arange(10)
    window = (i - 4 < j) & (j <= i)
    keep = numpy.hstack([window, numpy.arange(2) < (i + 1) // 4])

    def loss(values):
        q, k, e, sink = values
        keys = numpy.concatenate([k, e], 1)
        o, _ = attention(q, keys, keys, seen=lambda b, h, p, j: keep, sink=sink)
        return (o * numbers(do)).sum()

    values = [numbers(a) for a in (q, k, e, sink)]
    results = [differences(loss, values, n) for n in range(4)]
    return [q, k, e, do, sink, i32([range(10)])], results


PROGRAMS["deepseek-v4-backward"] = deepseek_v4_backward
