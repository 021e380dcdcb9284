# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Random numbers of narrow types, and the files of an oracle."""

import pathlib
import shutil
import zlib

import numpy

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "docs" / "zoo" / "oracles"


class Bits:
    """An argument of bfloat16: its numbers, all of which bfloat16 has."""

    def __init__(self, values):
        self.values = values


def bf16(values):
    """The nearest numbers that bfloat16 has, ties to even."""
    bits = numpy.asarray(values, numpy.float32).view(numpy.uint32)
    bits = bits + 0x7FFF + (bits >> 16 & 1) & 0xFFFF0000
    return bits.astype(numpy.uint32).view(numpy.float32).astype(numpy.float64)


class Random:
    """Numbers that depend on the name of a program alone."""

    def __init__(self, name):
        self.generator = numpy.random.Generator(
            numpy.random.PCG64(zlib.crc32(name.encode())))

    def bf16(self, *shape, scale=1.0):
        return Bits(bf16(scale * self.generator.standard_normal(shape)))

    def f32(self, *shape, scale=1.0):
        values = scale * self.generator.standard_normal(shape)
        return values.astype(numpy.float32)

    def integers(self, low, high, *shape):
        return self.generator.integers(low, high, shape, numpy.int32)


def programs():
    """An empty table of programs, and the decorator that enters a function from
    random numbers to arguments and results."""
    table = {}

    def program(name):
        def register(function):
            table[name] = lambda: function(Random(name))
            return function

        return register

    return table, program


def i32(values):
    return numpy.asarray(values, numpy.int32)


def numbers(argument):
    """What an argument stands for, in double precision or as integers."""
    if isinstance(argument, Bits):
        return argument.values
    if argument.dtype.kind == "f":
        return argument.astype(numpy.float64)
    return argument


def encode(argument):
    """The array to store: bfloat16 as its bits."""
    if not isinstance(argument, Bits):
        return argument
    bits = argument.values.astype(numpy.float32).view(numpy.uint32)
    return (bits >> 16).astype(numpy.uint16)


def write(name, arguments, results, source):
    """Writes the folder of the program `name`."""
    folder = FOLDER / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for number, argument in enumerate(arguments):
        numpy.save(folder / f"{number}.npy", encode(argument))
    for number, result in enumerate(results):
        # What is the same for all channels is stored once.
        if result.size and (result == result[..., :1]).all():
            result = result[..., :1]
        numpy.save(folder / f"result{number}.npy", numpy.ascontiguousarray(result))
    (folder / "SOURCE").write_text(source.strip() + "\n")
