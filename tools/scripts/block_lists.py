#!/usr/bin/env python3
# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the lists of blocks of a pattern, as .npy files for attn-run.

    block_lists.py PATTERN --length=N [--heads=H] [--seed=S] --out=FOLDER

PATTERN is longformer, bigbird or strided: those of the programs in docs/zoo. N
queries meet N keys. Writes counts.npy, columns.npy, full_counts.npy and
full_columns.npy where the pattern has such blocks, and prints the options that hand
them to attn-run. H is the number of heads that have random blocks of their own.
"""

import argparse
import os
import random
import struct
import sys

BLOCK = {"longformer": 128, "bigbird": 64, "strided": 128}


def longformer(p, j):
    return abs(p - j) <= 256 or j == 0 or p == 0


def strided(p, j):
    return j <= p and (j // 1024 == p // 1024 or j % 1024 >= 896)


def classify(keep, length, block):
    """The partial and the full blocks of each row of blocks."""
    edges = range(0, length, block)
    for row in edges:
        partial, full = [], []
        for column in edges:
            kept = [
                keep(p, j)
                for p in range(row, min(row + block, length))
                for j in range(column, min(column + block, length))
            ]
            if all(kept):
                full.append(column // block)
            elif any(kept):
                partial.append(column // block)
        yield partial, full


def bigbird(length, block, generator):
    """The blocks of each row, for one head."""
    blocks = -(-length // block)
    for row in range(blocks):
        if row in (0, blocks - 1):
            yield list(range(blocks))
            continue
        seen = {0, blocks - 1, row - 1, row, row + 1}
        others = [column for column in range(blocks) if column not in seen]
        yield sorted(seen) + generator.sample(others, min(3, len(others)))


def write_npy(path, shape, values):
    """Writes a tensor of i32."""
    text = f"{{'descr': '<i4', 'fortran_order': False, 'shape': {tuple(shape)}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    with open(path, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)))
        file.write(text.encode() + struct.pack(f"<{len(values)}i", *values))


def write_lists(folder, prefix, heads):
    """Writes the lists of each row of each head, filled up with -1, and returns
    the options of attn-run."""
    rows = len(heads[0])
    room = max(1, *(len(columns) for head in heads for columns in head))
    counts = [len(columns) for head in heads for columns in head]
    padded = [
        number
        for head in heads
        for columns in head
        for number in columns + [-1] * (room - len(columns))
    ]
    tensors = {"counts": ((1, len(heads), rows), counts),
               "columns": ((1, len(heads), rows, room), padded)}
    for name, (shape, values) in tensors.items():
        path = os.path.join(folder, f"{prefix}{name}.npy")
        write_npy(path, shape, values)
        yield f"--input={prefix}{name}={path}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", choices=BLOCK)
    parser.add_argument("--length", type=int, required=True)
    parser.add_argument("--heads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()

    os.makedirs(arguments.out, exist_ok=True)
    block = BLOCK[arguments.pattern]
    options = []
    if arguments.pattern == "bigbird":
        generator = random.Random(arguments.seed)
        heads = [list(bigbird(arguments.length, block, generator))
                 for _ in range(arguments.heads)]
        options += write_lists(arguments.out, "full_", heads)
    else:
        keep = longformer if arguments.pattern == "longformer" else strided
        rows = list(classify(keep, arguments.length, block))
        for prefix, kind in (("", 0), ("full_", 1)):
            options += write_lists(arguments.out, prefix, [[row[kind] for row in rows]])
    print(*options)
    return 0


if __name__ == "__main__":
    sys.exit(main())
