"""A test format: every program of docs/zoo at every level.

A new program is tested, and has its line in docs/status.md, from the day that
its file is there. The reference has to agree with the program's oracle. One that is
not lowered says in its header in which words it is refused: `// Reference only: WORDS`.
It then counts as expectedly failed; to be refused in other words, or to be lowered
after all, is a failure."""

import pathlib

import lit.formats
import lit.Test
import lit.util
from zoo_shapes import refusal, shape_options

LEVELS = ["reference", "tile", "ptx", "emulator", "gpu"]
# What attn-run runs a program on.
RUNS = {
    "tile": ["tile", "--check"],
    "emulator": ["emulator", "--check", "--hazards"],
    "gpu": ["cuda", "--check"],
}
# At which lengths, in turn with the seeds: most cross the edges of tiles.
LENGTHS = {"tile": [130], "emulator": [130, 33, 257], "gpu": [1000]}
# The seeds of the emulator's order, and with the feature `full`.
SEEDS, SEEDS_FULL = 3, 10
# The feature of lit.cfg.py without which a level is not tested.
REQUIRES = {"ptx": "ptxas", "gpu": "sm90"}


class ZooFormat(lit.formats.TestFormat):
    def __init__(self, zoo):
        self.programs = {path.stem: path for path in pathlib.Path(zoo).glob("*.mlir")}

    def getTestsInDirectory(self, suite, path_in_suite, lit_config, config):
        for name in sorted(self.programs):
            for level in LEVELS:
                yield lit.Test.Test(suite, path_in_suite + (name, level), config)

    def execute(self, test, lit_config):
        name, level = test.path_in_suite[-2:]
        feature = REQUIRES.get(level)
        if feature and feature not in test.config.available_features:
            return lit.Test.UNSUPPORTED, f"Test requires {feature}"
        output = pathlib.Path(test.getExecPath())
        output.parent.mkdir(parents=True, exist_ok=True)
        output.unlink(missing_ok=True)
        full = "full" in test.config.available_features
        commands = self.commands(name, level, str(output), full)
        words = None
        if level != "reference":
            words = refusal(self.programs[name].read_text())
        return self.run(test, commands, words)

    def commands(self, name, level, output, full):
        """The commands that take a program to a level, one after the other."""
        program = str(self.programs[name])
        if level == "reference":
            return [["attn-run", program, "--device=reference", "--check"]]
        if level == "ptx":
            lower = ["attn-opt", program, "--target=sm_90a", "--emit=ptx"]
            return [lower + ["-o", output], ["ptx-lint", "--assemble", output]]
        text = self.programs[name].read_text()
        device, *flags = RUNS[level]
        seeds = 1
        if level == "emulator":
            seeds = SEEDS_FULL if full else SEEDS
        lengths = LENGTHS[level]
        return [
            ["attn-run", program, f"--device={device}", f"--seed={seed}", *flags]
            + list(shape_options(text, lengths[seed % len(lengths)]))
            for seed in range(seeds)
        ]

    def run(self, test, commands, words):
        log = ""
        for command in commands:
            out, err, code = lit.util.executeCommand(
                command, env=test.config.environment
            )
            log += " ".join(command) + "\n" + out + err
            if code != 0:
                break
        if words is None:
            return (lit.Test.PASS if code == 0 else lit.Test.FAIL), log
        if code != 0 and words in log:
            return lit.Test.XFAIL, log
        return lit.Test.FAIL, f"expected the refusal: {words}\n{log}"
