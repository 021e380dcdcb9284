# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Calls the example of the documents on tensors that are made by hand.

    hand_made.py EXAMPLE PROGRAM PACKED_PROGRAM FOLDER

All queries are 0, so that each row is the mean of the values that it sees."""

import ctypes as c
import importlib.util
import math
import struct
import sys

BF16, F32, I32 = (4, 16, 1), (2, 32, 1), (0, 32, 1)
WORDS = {BF16: c.c_uint16, F32: c.c_float, I32: c.c_int32}


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
        self.data = (WORDS[dtype] * self.count)(*(value(i) for i in range(self.count)))
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


def run_packed(attention):
    """Three sequences, the second one without queries and the third without keys."""
    query_ends, key_ends = [0, 3, 3, 5], [0, 4, 9, 9]
    q = Tensor([6, 2, 128], BF16, lambda i: 0)
    k = Tensor([9, 2, 128], BF16, lambda i: to_bf16(1.0))
    v = Tensor([9, 2, 128], BF16, lambda i: to_bf16(float(i // 256)))
    cu_q = Tensor([4], I32, lambda i: query_ends[i])
    cu_k = Tensor([4], I32, lambda i: key_ends[i])
    o = Tensor([6, 2, 128], BF16, lambda i: 0xFFFF)
    lse = Tensor([2, 6], F32, lambda i: 7.0)
    attention(q, k, v, cu_q, cu_k, o, lse)
    # The last row belongs to no sequence.
    for row, (mean, expected) in enumerate([(1.5, math.log(4))] * 3 + [(0, -math.inf)] * 2):
        assert all(from_bf16(o.data[256 * row + i]) == mean for i in range(256)), row
        for head in range(2):
            got = lse.data[6 * head + row]
            assert got == expected or abs(got - expected) < 1e-5, row
    assert all(o.data[256 * 5 + i] == 0xFFFF for i in range(256))
    assert lse.data[5] == lse.data[11] == 7
    print("packed rows are right")
    try:
        attention(q, k, v, Tensor([3], I32, lambda i: 0), cu_k, o, lse)
    except RuntimeError as error:
        print("refused:", error)


def main():
    example, program, packed, folder = sys.argv[1:]
    spec = importlib.util.spec_from_file_location("example", example)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with open(packed, "rb") as file:
        run_packed(module.Attention(file.read(), folder))
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
