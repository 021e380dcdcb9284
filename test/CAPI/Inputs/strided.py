# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls a program on dense tensors and on views with gaps between their rows.

    strided.py EXAMPLE PROGRAM FOLDER

Both give the same bits, and what lies in the gaps stays as it was."""

import importlib.util
import itertools
import math
import random
import sys

from hand_made import BF16, F32, I32, Tensor, to_bf16

BATCH, QUERIES, KEYS, HEADS, DIM = 2, 70, 130, 2, 64
BLOCKS = -(-KEYS // 64)
POISON = {BF16: 0x7FC1, F32: math.nan, I32: -7}


def row_major(shape):
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


class View:
    """A tensor whose elements are `strides` apart, in memory full of poison."""

    def __init__(self, shape, dtype, values, strides):
        span = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides))
        self.places = [
            sum(i * stride for i, stride in zip(index, strides))
            for index in itertools.product(*map(range, shape))
        ]
        self.memory = Tensor([span], dtype, lambda i: POISON[dtype])
        for place, value in zip(self.places, values):
            self.memory.data[place] = value
        self.sizes = (type(self.memory.shape)._type_ * len(shape))(*shape)
        self.strides = type(self.sizes)(*strides)
        tensor = self.memory.tensor
        tensor.ndim, tensor.shape, tensor.strides = len(shape), self.sizes, self.strides
        self.poison = bytes(self.memory.data)

    def __dlpack__(self):
        return self.memory.__dlpack__()

    def elements(self):
        return [self.memory.data[place] for place in self.places]

    def gaps_are_untouched(self):
        word = len(self.poison) // self.memory.count
        used = set(self.places)
        now = bytes(self.memory.data)
        return all(
            now[word * i : word * (i + 1)] == self.poison[word * i : word * (i + 1)]
            for i in range(self.memory.count)
            if i not in used
        )


def make_inputs(generator):
    """The shape, the type, the elements and other strides of each input."""
    row, column = [BATCH, QUERIES, HEADS, DIM], [BATCH, KEYS, HEADS, DIM]

    def floats(shape):
        return [to_bf16(generator.gauss(0, 1)) for _ in range(math.prod(shape))]

    yield row, BF16, floats(row), [HEADS * 96 * 72, 96, 96 * 72, 1]
    for _ in range(2):
        yield column, BF16, floats(column), [KEYS * 3 * 64, 64, KEYS * 64, 1]
    # A bias for all batches.
    bias = [BATCH, HEADS, KEYS, KEYS]
    one = [generator.gauss(0, 1) for _ in range(math.prod(bias[1:]))]
    yield bias, F32, one * BATCH, [0, 133 * 131 + 5, 131, 1]
    ids = [i // 50 for i in range(KEYS)]
    yield [BATCH, KEYS], I32, ids * BATCH, [KEYS + 3, 1]
    yield [HEADS], F32, [0.25, 0.5], [1]
    # Every block of queries sees the last two blocks of keys.
    yield [BATCH, 1, 2], I32, [2] * 2 * BATCH, [7, 5, 1]
    columns = [BLOCKS - 2, BLOCKS - 1, 0] * 2 * BATCH
    yield [BATCH, 1, 2, 3], I32, columns, [40, 1000, 11, 1]


def run(attention, inputs, dense):
    views = [
        View(shape, dtype, values, row_major(shape) if dense else strides)
        for shape, dtype, values, strides in inputs
    ]
    shape, lse_shape = [BATCH, QUERIES, HEADS, DIM], [BATCH, HEADS, QUERIES]
    strides = [80 * HEADS * 72, 72, 80 * 72, 1]
    lse_strides = [500, 91, 1]
    o = View(shape, BF16, [0xFFFF] * math.prod(shape), row_major(shape) if dense else strides)
    lse = View(
        lse_shape, F32, [math.nan] * math.prod(lse_shape),
        row_major(lse_shape) if dense else lse_strides,
    )
    attention(*views, o, lse)
    for view in [o, lse]:
        assert view.gaps_are_untouched()
    return o.elements(), lse.elements()


def main():
    example, program, folder = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("example", example)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with open(program, "rb") as file:
        attention = module.Attention(file.read(), folder)
    inputs = list(make_inputs(random.Random(1)))
    dense, strided = run(attention, inputs, True), run(attention, inputs, False)
    assert dense == strided
    assert all(math.isfinite(value) for value in dense[1])
    print("views give the bits of dense tensors")

    # Elements of a bias that are not adjacent, and slopes that are too few.
    for number, change in [(3, {"strides": [0, 1, 300, 3]}), (5, {"shape": [1]})]:
        changed = list(inputs)
        shape, dtype, values, strides = inputs[number]
        changed[number] = (
            change.get("shape", shape), dtype, values, change.get("strides", strides),
        )
        try:
            run(attention, changed, False)
        except RuntimeError as error:
            print("refused:", error)


if __name__ == "__main__":
    main()
