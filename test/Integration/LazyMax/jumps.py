# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""jumps.py FOLDER NATS: writes q.npy, k.npy and v.npy for two heads of 128, with
random numbers but for two keys, which every query scores NATS higher than those
that are met before them; the values of the second key are large."""

import array
import os
import random
import sys

QUERIES, KEYS, HEADS, DIM = 130, 300, 2, 128


def save(name, length, rows):
    header = str({"descr": "<f4", "fortran_order": False,
                  "shape": (1, length, HEADS, DIM)})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    with open(name, "wb") as file:
        file.write(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little"))
        file.write(header.encode())
        array.array("f", [x for row in rows for x in row]).tofile(file)


def main():
    folder, nats = sys.argv[1], float(sys.argv[2])
    random.seed(0)
    normal = lambda length: [[random.gauss(0, 1) for _ in range(DIM)]
                             for _ in range(length * HEADS)]
    q, k, v = normal(QUERIES), normal(KEYS), normal(KEYS)
    for row in q:
        row[:4] = [1.0] * 4
    # The tiles are met from the last to the first.
    for key, times in ((130, 1), (0, 2)):
        for head in range(HEADS):
            k[key * HEADS + head][:4] = [times * nats * DIM ** 0.5 / 4] * 4
    for head in range(HEADS):
        v[head] = [1e30 * x for x in v[head]]
    for name, length, rows in (("q", QUERIES, q), ("k", KEYS, k),
                               ("v", KEYS, v)):
        save(os.path.join(folder, name + ".npy"), length, rows)


main()
