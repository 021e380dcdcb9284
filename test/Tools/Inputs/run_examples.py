# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs the blocks of a Markdown file that are marked as `sh`, one after the other in one
shell that ends at the first command that fails.

    run_examples.py FILE.md"""

import pathlib
import re
import subprocess
import sys

text = pathlib.Path(sys.argv[1]).read_text()
blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
if not blocks:
    sys.exit(f"expected examples in {sys.argv[1]}, got none")
# A command that is to fail is marked by `!`, which `set -e` does not look at.
script = re.sub(r"(?m)^! (.*)$", r"if \1; then exit 1; fi", "".join(blocks))
sys.exit(subprocess.run(["bash", "-euxc", script]).returncode)
