# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares masks that compare data of queries and keys with the reference.

    patterns.py PATH/TO/attn-run --device=DEVICE [--seeds=N] [--all] FOLDER

Numbers of many patterns, sorted or not, are given to masks of many forms. Without
--all, each mask gets a pattern, and each pattern a mask, chosen by the seed."""

import argparse
import pathlib
import random
import struct
import subprocess
import sys

MASKS = {
    "document": "mask(document(%ids : IDS))",
    "causal": "mask(causal and document(%ids : IDS))",
    "window": "mask(window<150, 20> and document(%ids : IDS))",
    "either": "mask(causal and (document(%ids : IDS) or window<30, 0>))",
    "first": "mask(causal and (document(%ids : IDS) or first<9>))",
    "excluded": "mask(causal and not document(%ids : IDS))",
}
for predicate in ("eq", "ne", "slt", "sle", "sgt", "sge"):
    for sides in ("%x, %y", "%y, %x"):
        MASKS[f"{predicate} {sides}"] = f"""mask {{
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %past = attn.causal %p, %j
    %x = attn.read %ids[%b, %p] covers : IDS
    %y = attn.read %ids[%b, %j] covers : IDS
    %related = arith.cmpi {predicate}, {sides} : i32
    %keep = arith.andi %past, %related : i1
    attn.yield %keep : i1 }}"""
# Batch, queries and keys: one block, tiles that end within one, queries before the
# first key, and documents that are several blocks long.
LENGTHS = [(2, 130, 450), (1, 300, 200), (1, 129, 1500), (1, 700, 700)]


def patterns(count, random):
    yield "sorted", sorted(random.randrange(count // 200 + 2) for _ in range(count))
    yield "equal", [7] * count
    yield "different", list(range(count))
    yield "falling", list(range(count, 0, -1))
    yield "random", [random.randrange(5) for _ in range(count)]
    yield "wide", [random.randrange(-(2**31), 2**31) for _ in range(count)]
    yield "alternating", [i // 64 % 2 for i in range(count)]
    yield "extremes", [2**31 - 1 if 2 * i < count else -(2**31) for i in range(count)]
    yield "outlier", [-1 if i == count // 3 else 0 for i in range(count)]


def program(mask):
    query, key, ids = "tensor<?x?x2x64xbf16>", "tensor<?x?x1x64xbf16>", "tensor<?x?xi32>"
    return f"""func.func @f(
    %q: {query} {{attn.name = "q"}}, %k: {key} {{attn.name = "k"}},
    %v: {key} {{attn.name = "v"}}, %ids: {ids} {{attn.name = "ids"}})
    -> ({query} {{attn.name = "o"}}, tensor<?x2x?xf32> {{attn.name = "lse"}}) {{
  %kv = attn.kv.dense %k, %v : {key}, {key}
  %o, %lse = attn.attention %q, %kv {mask.replace("IDS", ids)}
      : {query}, !attn.kv<{key}, {key}> -> {query}, tensor<?x2x?xf32>
  return %o, %lse : {query}, tensor<?x2x?xf32>
}}
"""


def save(path, rows):
    header = str({"descr": "<i4", "fortran_order": False,
                  "shape": (len(rows), len(rows[0]))})
    header += " " * (-(len(header) + 11) % 64) + "\n"
    numbers = [number for row in rows for number in row]
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
                     + header.encode() + struct.pack(f"<{len(numbers)}i", *numbers))


def run(arguments, mask, pattern, lengths, seed):
    """What attn-run says, or nothing where all is well."""
    batch, queries, keys = lengths
    generator = random.Random(seed)
    rows = [dict(patterns(keys, generator))[pattern] for _ in range(batch)]
    source, ids = arguments.folder / "program.mlir", arguments.folder / "ids.npy"
    source.write_text(program(MASKS[mask]))
    save(ids, rows)
    command = [
        arguments.attn_run, source, f"--device={arguments.device}", "--check",
        f"--seed={seed}", f"--input=ids={ids}", f"--shape=q={batch}x{queries}x2x64",
        f"--shape=k={batch}x{keys}x1x64", f"--shape=v={batch}x{keys}x1x64",
    ]
    if arguments.device == "emulator":
        command.append("--hazards")
    done = subprocess.run(command, capture_output=True, text=True)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def cases(all_cases, seed):
    names = [name for name, _ in patterns(1, random.Random(0))]
    everything = [(mask, pattern, lengths) for mask in MASKS for pattern in names
                  for lengths in LENGTHS]
    if all_cases:
        return everything
    generator = random.Random(seed)
    generator.shuffle(everything)
    chosen, masks, left = [], set(MASKS), set(names)
    for case in everything:
        if case[0] in masks or case[1] in left:
            chosen.append(case)
            masks.discard(case[0])
            left.discard(case[1])
    return chosen


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("attn_run")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--device", default="emulator")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    count = wrong = 0
    for seed in range(arguments.seeds):
        for mask, pattern, lengths in cases(arguments.all, seed):
            said = run(arguments, mask, pattern, lengths, seed)
            count += 1
            if said:
                wrong += 1
                print(f"wrong: {mask}, {pattern}, {lengths}, seed {seed}\n{said}")
    print(f"{count} runs on {arguments.device}, {wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
