# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""gates.py FOLDER TOKENS: writes k.npy, keys of length 1 of one head, alike.npy, such that
have most in common, and for two value heads g.npy, logarithms of the decays of their
channels, zeros.npy, those of channels that do not decay, a.npy, those of the heads
themselves, b.npy, strengths of 2, and e.npy and w.npy, gates of channels between 0 and 2;
of 64 channels, of sequences that are packed."""

import random
import sys

sys.dont_write_bytecode = True
from segments import save

HEADS, DIM = 2, 64


def make_keys(tokens, common):
    """Keys which have `common` in common, beside what is normally distributed."""
    keys = []
    for _ in range(tokens):
        row = [x + random.gauss(0, 1) for x in common]
        length = sum(x * x for x in row) ** 0.5
        keys += [x / length for x in row]
    return keys


def main():
    folder, tokens = sys.argv[1], int(sys.argv[2])
    random.seed(0)
    save(folder, "k", (tokens, 1, DIM), make_keys(tokens, [0] * DIM))
    save(folder, "a", (tokens, HEADS), [-random.random() for _ in range(tokens * HEADS)])
    save(folder, "b", (tokens, HEADS), [2.0] * (tokens * HEADS))
    count = tokens * HEADS * DIM
    save(folder, "g", (tokens, HEADS, DIM), [-random.random() for _ in range(count)])
    for name in ("e", "w"):
        save(folder, name, (tokens, HEADS, DIM),
             [2 * random.random() for _ in range(count)])
    common = [random.gauss(0, 7 / 3) for _ in range(DIM)]
    save(folder, "alike", (tokens, 1, DIM), make_keys(tokens, common))
    save(folder, "zeros", (tokens, HEADS, DIM), [0.0] * count)


if __name__ == "__main__":
    main()
