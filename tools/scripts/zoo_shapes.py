# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Shapes with which a program of the zoo can be run."""

import re

ARGUMENT = re.compile(r"%\w+: tensor<([^>]*)>\s*\{attn\.name = \"(\w+)\"\}")


def shape_options(text, length):
    """Options of attn-run that make the batch of the program `text` 1 and its
    other dynamic sizes `length`."""
    for shape, name in ARGUMENT.findall(text):
        sizes = shape.split("x")[:-1]
        if "?" in sizes:
            sizes[sizes.index("?")] = "1"
            sizes = [str(length) if size == "?" else size for size in sizes]
            yield f"--shape={name}=" + "x".join(sizes)
