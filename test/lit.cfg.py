# Configuration of the regression tests. `lit test` is started by the target
# check-attn through lit.site.cfg.py, which the build fills in.

import os
import re
import shutil
import subprocess
import sys

import lit.formats

config.name = "Attn"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".ptx", ".test"]
config.excludes = ["Inputs", "Unit"]
config.test_source_root = os.path.dirname(__file__)

tools = [config.attn_tools_dir, config.llvm_tools_dir]
config.environment["PATH"] = os.pathsep.join(tools + [os.environ["PATH"]])

config.repository = os.path.dirname(config.test_source_root)
config.substitutions += [
    ("%bin", config.attn_tools_dir),
    ("%build", config.attn_build_dir),
    ("%libraries", config.attn_library_dir),
    ("%python", sys.executable),
    ("%fakes", os.path.join(config.test_exec_root, "Unit", "Runtime", "fakes")),
    ("%zoo", os.path.join(config.repository, "docs", "zoo")),
    ("%scripts", os.path.join(config.repository, "tools", "scripts")),
    ("%repository", config.repository),
]


def first_line_matching(command, pattern):
    """The first match of `pattern` in what `command` prints, or None."""
    if not shutil.which(command[0]):
        return None
    result = subprocess.run(command, capture_output=True, text=True)
    return re.search(pattern, result.stdout)


# The assembler that the compiler accepts: 13.0 or newer.
release = first_line_matching(["ptxas", "--version"], r"release (\d+)\.")
if release and int(release.group(1)) >= 13:
    config.available_features.add("ptxas")

# The compiler of CUDA C++, in the release that the assembler has.
release = first_line_matching(["nvcc", "--version"], r"release (\d+)\.")
if release and int(release.group(1)) >= 13:
    config.available_features.add("nvcc")

# A Hopper GPU that the driver can reach. Tests that launch a kernel require
# it, so that without one they are reported as unsupported, never as passed.
query = ["nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader"]
if first_line_matching(query, r"(?m)^9\.0$"):
    config.available_features.add("sm90")

# Longer sweeps: `lit -D full`, which `tools/scripts/check --full` asks for.
if "full" in lit_config.params:
    config.available_features.add("full")
