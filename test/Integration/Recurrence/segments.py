# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""segments.py FOLDER TOKENS GATES: writes k.npy, g.npy and beta.npy of two value heads
that share the keys of one head of 128 channels. GATES is the logarithm of the decay of
each token; `mixed`, strong ones but for a stretch without decay in the middle, of the
first head alone; or `growing`: every other key is longer, so that strengths of 2 may let
a state grow, by more than the gates of the first head take away. `channels` are decays of
each channel, from weak to strong ones, of which at each token some are 0, and one channel
of the first head keeps everything in the middle; `turns`, two channels that keep
everything in turn, and keys and strengths that swap them in between. Values of which the
first token's are no numbers tell where a segment has not started with the sequence; e.npy
has strengths of channels; b.npy, beside decays of channels, what directions have to be so
that erasing along them in front of the decay is erasing along the keys there."""

import array
import math
import os
import random
import sys

HEADS, DIM = 2, 128


def save(folder, name, shape, values):
    header = str({"descr": "<f4", "fortran_order": False, "shape": shape})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(os.path.join(folder, name + ".npy"), "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little"))
        file.write(header.encode())
        array.array("f", values).tofile(file)


def gates_of_channels(tokens):
    rates = [math.exp(random.uniform(-2, 1)) for _ in range(HEADS * DIM)]
    gates = [-rate * random.choice((0, 1, 2)) for _ in range(tokens) for rate in rates]
    for t in range(tokens * 2 // 5, tokens * 3 // 5):
        gates[t * HEADS * DIM + 77] = 0.0
    return gates


def gates_in_turns(tokens):
    return [0.0 if c == t % 2 else -1.0 for t in range(tokens) for _ in range(HEADS)
            for c in range(DIM)]


def gates_of(kind, tokens):
    if kind == "growing":
        return [-0.3, -1.5] * tokens
    if kind != "mixed":
        return [float(kind)] * (tokens * HEADS)
    gates = [-1 - random.random() for _ in range(tokens * HEADS)]
    for t in range(tokens * 2 // 5, tokens * 3 // 5):
        gates[t * HEADS] = 0.0
    return gates


def main():
    folder, tokens, kind = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    random.seed(0)
    keys = []
    for t in range(tokens):
        row = [random.gauss(0, 1) for _ in range(DIM)]
        if kind == "turns":
            row = [1.0, -1.0] + [0.0] * (DIM - 2)
        length = sum(x * x for x in row) ** 0.5
        if kind == "growing" and t % 2:
            length /= 1.25
        keys += [x / length for x in row]
    strengths = [2.0 if kind in ("growing", "turns") else random.random()
                 for _ in range(tokens * HEADS)]
    save(folder, "k", (1, tokens, 1, DIM), keys)
    of_channels = {"channels": gates_of_channels, "turns": gates_in_turns}.get(kind)
    if of_channels:
        gates, shape = of_channels(tokens), (1, tokens, HEADS, DIM)
        save(folder, "g", shape, gates)
        save(folder, "b", shape,
             [-math.exp(gate) * strengths[i // DIM] * keys[i // (HEADS * DIM) * DIM + i % DIM]
              for i, gate in enumerate(gates)])
    else:
        save(folder, "g", (1, tokens, HEADS), gates_of(kind, tokens))
    save(folder, "beta", (1, tokens, HEADS), strengths)
    values = [math.nan if i < HEADS * DIM else random.gauss(0, 1)
              for i in range(tokens * HEADS * DIM)]
    save(folder, "v", (1, tokens, HEADS, DIM), values)
    save(folder, "e", (1, tokens, HEADS, DIM),
         [2.0 if kind == "turns" else random.random() for _ in values])


if __name__ == "__main__":
    main()
