# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls the example of the documents on tensors that are made by hand.

    hand_made.py EXAMPLE PROGRAM FOLDER

All queries are 0, so that each row is the mean of the values that it sees."""

import ctypes as c
import importlib.util
import math
import struct
import sys

BF16, F32 = (4, 16, 1), (2, 32, 1)


class DLTensor(c.Structure):
    _fields_ = [
        ("data", c.c_void_p),
        ("device_type", c.c_int32),
        ("device_id", c.c_int32),
        ("ndim", c.c_int32),
        ("code", c.c_uint8),
        ("bits", c.c_uint8),
        ("lanes", c.c_uint16),
        ("shape", c.POINTER(c.c_int64)),
        ("strides", c.POINTER(c.c_int64)),
        ("byte_offset", c.c_uint64),
    ]


class Tensor:
    """A tensor with the method that makes it one."""

    def __init__(self, shape, dtype, value):
        self.count = math.prod(shape)
        self.words = c.c_uint16 if dtype == BF16 else c.c_float
        self.data = (self.words * self.count)(*(value(i) for i in range(self.count)))
        self.shape = (c.c_int64 * len(shape))(*shape)
        self.tensor = DLTensor(
            c.addressof(self.data), 1, 0, len(shape), *dtype, self.shape, None, 0
        )

    def __dlpack__(self):
        make = c.pythonapi.PyCapsule_New
        make.restype = c.py_object
        make.argtypes = [c.c_void_p, c.c_char_p, c.c_void_p]
        return make(c.addressof(self.tensor), b"dltensor", None)


def to_bf16(value):
    return struct.unpack("<I", struct.pack("<f", value))[0] >> 16


def from_bf16(bits):
    return struct.unpack("<f", struct.pack("<I", bits << 16))[0]


def main():
    example, program, folder = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("example", example)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with open(program, "rb") as file:
        attention = module.Attention(file.read(), folder)

    # The value of key j is j in each of its 2 x 128 elements.
    queries, keys = 5, 9
    q = Tensor([1, queries, 2, 128], BF16, lambda i: 0)
    k = Tensor([1, keys, 2, 128], BF16, lambda i: to_bf16(1.0))
    v = Tensor([1, keys, 2, 128], BF16, lambda i: to_bf16(float(i // 256)))
    o = Tensor([1, queries, 2, 128], BF16, lambda i: 0xFFFF)
    lse = Tensor([1, 2, queries], F32, lambda i: math.nan)
    attention(q, k, v, o, lse)
    for query in range(queries):
        seen = query + keys - queries + 1
        row = o.data[query * 256 : (query + 1) * 256]
        assert all(from_bf16(bits) == (seen - 1) / 2 for bits in row), query
        for head in range(2):
            assert abs(lse.data[head * queries + query] - math.log(seen)) < 1e-5
    print("rows are right")

    try:
        attention(q, k, v, o)
    except RuntimeError as error:
        print("refused:", error)
    try:
        module.Attention(b"func.fun", folder)
    except ValueError as error:
        print("refused:", error)


if __name__ == "__main__":
    main()
