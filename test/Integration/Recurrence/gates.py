# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""gates.py FOLDER TOKENS: writes k.npy, keys of length 1 of one head, and for two value
heads g.npy, logarithms of the decays of their channels, a.npy, those of the heads
themselves, b.npy, strengths of 2, and e.npy and w.npy, gates of channels between 0 and 2;
of 64 channels, of sequences that are packed."""

import random
import sys

sys.dont_write_bytecode = True
from segments import save

HEADS, DIM = 2, 64


def main():
    folder, tokens = sys.argv[1], int(sys.argv[2])
    random.seed(0)
    keys = []
    for _ in range(tokens):
        row = [random.gauss(0, 1) for _ in range(DIM)]
        length = sum(x * x for x in row) ** 0.5
        keys += [x / length for x in row]
    save(folder, "k", (tokens, 1, DIM), keys)
    save(folder, "a", (tokens, HEADS), [-random.random() for _ in range(tokens * HEADS)])
    save(folder, "b", (tokens, HEADS), [2.0] * (tokens * HEADS))
    count = tokens * HEADS * DIM
    save(folder, "g", (tokens, HEADS, DIM), [-random.random() for _ in range(count)])
    for name in ("e", "w"):
        save(folder, name, (tokens, HEADS, DIM),
             [2 * random.random() for _ in range(count)])


if __name__ == "__main__":
    main()
