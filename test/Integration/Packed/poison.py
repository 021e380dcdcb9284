"""Writes random rows, of which those from BEGIN to before END are NaN.

    poison.py FILE.npy ROWS HEADS CHANNELS BEGIN END"""

import random
import struct
import sys

path = sys.argv[1]
rows, heads, channels, begin, end = map(int, sys.argv[2:])
generator = random.Random(0)
header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {heads}, {channels})}}"
header += " " * (-(10 + len(header) + 1) % 64) + "\n"
with open(path, "wb") as file:
    file.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode())
    for row in range(rows):
        for _ in range(heads * channels):
            value = float("nan") if begin <= row < end else generator.gauss(0, 1)
            file.write(struct.pack("<f", value))
