"""A test format: every program of docs/zoo at every level.

A new program is tested, and has its line in docs/status.md, from the day that
its file is there. One that does not reach a level yet is listed in lit.local.cfg with
the words that refuse it. It then counts as expectedly failed; to be refused in
other words, or to reach the level after all, is a failure."""

import pathlib

import lit.formats
import lit.Test
import lit.util
from zoo_shapes import shape_options

LEVELS = ["reference", "tile", "ptx", "emulator", "gpu"]
# What attn-run runs a program on. Above the reference, the result is compared
# with it.
RUNS = {
    "reference": ["reference"],
    "tile": ["tile", "--check"],
    "emulator": ["emulator", "--check", "--hazards"],
    "gpu": ["cuda", "--check"],
}
# At which lengths, in turn with the seeds: most cross the edges of tiles.
LENGTHS = {"reference": [33], "tile": [130], "emulator": [130, 33, 257], "gpu": [1000]}
# The seeds of the emulator's order, and with the feature `full`.
SEEDS, SEEDS_FULL = 3, 10
# The feature of lit.cfg.py without which a level is not tested.
REQUIRES = {"ptx": "ptxas", "gpu": "sm90"}


class ZooFormat(lit.formats.TestFormat):
    def __init__(self, zoo, refused):
        self.programs = {path.stem: path for path in pathlib.Path(zoo).glob("*.mlir")}
        self.refused = refused

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
        return self.run(test, commands, self.refused.get((name, level)))

    def commands(self, name, level, output, full):
        """The commands that take a program to a level, one after the other."""
        program = str(self.programs[name])
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

    def run(self, test, commands, refusal):
        log = ""
        for command in commands:
            out, err, code = lit.util.executeCommand(
                command, env=test.config.environment
            )
            log += " ".join(command) + "\n" + out + err
            if code != 0:
                break
        if refusal is None:
            return (lit.Test.PASS if code == 0 else lit.Test.FAIL), log
        if code != 0 and refusal in log:
            return lit.Test.XFAIL, log
        return lit.Test.FAIL, f"expected the refusal: {refusal}\n{log}"
