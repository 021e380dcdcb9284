# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The labelled constraints of the dialects, and the tests that break them.

A constraint is a line `- (C1) ...` in the description of an op or a type. A test
is a function of an invalid*.mlir or *-invalid.mlir whose name says what it breaks:
@kv_paged_slice_C2 breaks (C2) of attn.kv.paged."""

import collections
import re

LABEL = re.compile(r"^\s*- \((C\d+)\)", re.MULTILINE)
COMMENT = re.compile(r"//[^\n]*?\b(C\d+(?:,? (?:to |and )?C\d+)*)")
FUNCTION = re.compile(r"^func\.func (?:private )?@(\w+)", re.MULTILINE)
MESSAGE = re.compile(r"expected-error[^{]*\{\{(?:'[\w.]+' op )?(.*)\}\}$", re.MULTILINE)
SEPARATOR = "// -----"

Test = collections.namedtuple("Test", "path name labels messages")


def labels_in(text):
    """The labels in comments; `C13 to C16` are four."""
    found = set()
    for group in COMMENT.findall(text):
        numbers = [int(number) for number in re.findall(r"\d+", group)]
        if " to " in group:
            numbers = range(numbers[0], numbers[-1] + 1)
        found.update(f"C{number}" for number in numbers)
    return found


def tests_in(folder):
    """The tests of a folder whose names have labels."""
    found = []
    for path in sorted(folder.glob("*invalid*.mlir")):
        for text in path.read_text().split(SEPARATOR):
            for name in FUNCTION.findall(text):
                labels = [word for word in name.split("_") if re.match(r"C\d+$", word)]
                if labels:
                    messages = tuple(MESSAGE.findall(text))
                    found.append(Test(path, name, tuple(labels), messages))
    return found


def owner(test, names):
    """The op or type of `names` that the test is named after, or None."""

    def start(name):
        return name.partition(".")[2].replace(".", "_") + "_"

    fitting = [name for name in names if test.name.startswith(start(name))]
    return max(fitting, key=len, default=None)
