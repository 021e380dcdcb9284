# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the text of a program of the zoo says of how it can be run."""

import re

# Of packed sequences, many enough for some to be empty and some to be long.
SEQUENCES = 5
ARGUMENT = re.compile(
    r"%\w+: tensor<([^,>]*)(?:, #attn\.\w+<\w+>)?>\s*\{attn\.name = \"(\w+)\"\}"
)
REFUSAL = re.compile(r"^// Reference only: (.+)$", re.MULTILINE)


def refusal(text):
    """The words in which the compiler refuses the program `text`, or None where it
    lowers it."""
    words = REFUSAL.search(text)
    return words and words[1]


def shape_options(text, length):
    """Options of attn-run that make the batch of the program `text` 1 and its
    other dynamic sizes `length`; packed sequences have `length` rows in all."""
    is_packed = "attn.kv.varlen" in text or "cu_seqlens(" in text
    for shape, name in ARGUMENT.findall(text):
        sizes = shape.split("x")[:-1]
        if "?" in sizes:
            if name.startswith("cu_seqlens"):
                sizes = [str(SEQUENCES + 1)]
            elif name == "slots":
                sizes = [str(SEQUENCES)]
            elif not is_packed:
                sizes[sizes.index("?")] = "1"
            sizes = [str(length) if size == "?" else size for size in sizes]
            yield f"--shape={name}=" + "x".join(sizes)
