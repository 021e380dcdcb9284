# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Programs of one recurrence: the mechanisms, which differ in their operands, over
layouts and element types of states, channels, heads and numbers of tokens. A cell may
also be without `initial` state, have queries and keys that are `normalized`, strengths
up to 2, which are `reflecting`, and strengths of channels that are `narrow`, of the type
of rows. Those of many tokens go in chunks."""

import itertools
import math

NORMALIZE = " l2_normalize(1.0e-06)"
# Clauses of attn.recurrence, and the inputs that they name.
MECHANISMS = {
    "linear": ("", []),
    "retnet": ("decay(%g : {head_decay})", ["head_decay"]),
    "mamba2": ("decay(%g : {decay}) write(%beta : {gate}) scale(1.0)", ["decay", "gate"]),
    "simple_gla": ("decay(%g : {decay})", ["decay"]),
    "gla": ("decay(%g : {channel_decay})", ["channel_decay"]),
    "deltanet": (
        "erase(%beta : {gate}) write(%beta : {gate}) l2_normalize(1.0e-06)",
        ["gate"],
    ),
    "gdn": (
        "decay(%g : {decay}) erase(%beta : {gate}) write(%beta : {gate})"
        " l2_normalize(1.0e-06)",
        ["decay", "gate"],
    ),
    "kda": (
        "decay(%g : {channel_decay}) erase(%beta : {gate}) write(%beta : {gate})"
        " l2_normalize(1.0e-06)",
        ["channel_decay", "gate"],
    ),
    "gdn2": (
        "decay(%g : {channel_decay}) erase(%e : {key_gate}) write(%w : {value_gate})"
        " l2_normalize(1.0e-06)",
        ["channel_decay", "key_gate", "value_gate"],
    ),
    "rwkv6": (
        "decay(%g : {channel_decay}) bonus(%u : {bonus}) scale(1.0)",
        ["channel_decay", "bonus"],
    ),
    "rwkv7": (
        "decay(%g : {channel_decay}) erase_key(%a : {rows}) erase_direction(%b : {rows})"
        " before_decay scale(1.0)",
        ["channel_decay", "erase_key", "direction"],
    ),
    "denominator": (
        "decay(%g : {decay}) denominator(1.0) normalizer(%z : {normalizer})",
        ["decay", "normalizer"],
    ),
}
NAMES = {
    "head_decay": "g",
    "decay": "g",
    "channel_decay": "g",
    "gate": "beta",
    "key_gate": "e",
    "value_gate": "w",
    "bonus": "u",
    "erase_key": "a",
    "direction": "b",
    "normalizer": "z",
    "rows": "a",
}

AXES = {
    "mechanism": list(MECHANISMS),
    "layout": ["key_value", "value_key"],
    "state": ["f32", "bf16", "f16"],
    "element": ["bf16", "f16", "f32"],
    # Channels of keys and of values.
    "dims": [(128, 128), (64, 64), (64, 128), (128, 64), (256, 64), (40, 100)],
    # Heads of keys and of values.
    "heads": [(2, 2), (1, 3)],
    "tokens": [1, 2, 4, 16],
    "pool": [False, True],
    # Every which state is kept, or 0 for none.
    "keep": [0, 0, 1, 2],
    "narrow": [False, True],
    # Which of queries, keys and values are one tensor.
    "same": ["", "", "", "qk", "kv", "qv", "qkv"],
}
BATCH, POOL = 3, 5

# What goes in chunks.
CHUNK_AXES = {
    "mechanism": ["linear", "retnet", "mamba2", "simple_gla", "gla", "deltanet", "gdn",
                  "kda", "gdn2", "rwkv6", "rwkv7", "denominator"],
    "layout": ["key_value", "value_key"],
    "state": ["f32"],
    "initial": [True, False],
    "normalized": [True, False],
    "element": ["bf16", "f16"],
    "dims": [(128, 128), (64, 64), (64, 128), (128, 64)],
    "heads": [(2, 2), (1, 3)],
    "tokens": [17, 63, 64, 65, 130, 200],
    "keep": [0, 0, 64, 128],
    "pool": [False, True],
    # The natural logarithms of decays are below 0 and above this.
    "strongest": [0.0, -0.01, -1.0, -5.0, -20.0],
    "reflecting": [False, True],
    "narrow": [False, True],
    "same": ["", "", "", "qk", "kv", "qv", "qkv"],
}
# What may turn around what the state holds.
REFLECTING = ("deltanet", "gdn", "kda", "gdn2")


def types(cell, batch="?", pool="?"):
    """The types of the tensors that a program may have. What goes in chunks has any
    number of tokens, where their number is not asked for."""
    (keys, values), (heads, own) = cell["dims"], cell["heads"]
    tokens, element = cell["tokens"], cell["element"]
    length = tokens
    if is_chunked(cell) and batch == "?":
        tokens = "?"
    states = pool if cell["pool"] else batch
    sides = (keys, values) if cell["layout"] == "key_value" else (values, keys)
    rows = f"tensor<{batch}x{tokens}x"
    log = ", #attn.gate<log>>"
    gate = element if cell.get("narrow") else "f32"
    keep = cell.get("keep", 0)
    kept = length // keep if keep else 0
    return {
        "rows": f"{rows}{heads}x{keys}x{element}>",
        "values": f"{rows}{own}x{values}x{element}>",
        "head_decay": f"tensor<{own}xf32" + log,
        "decay": f"{rows}{own}xf32" + log,
        "channel_decay": f"{rows}{own}x{keys}xf32" + log,
        "gate": f"{rows}{own}xf32>",
        "key_gate": f"{rows}{own}x{keys}x{gate}>",
        "value_gate": f"{rows}{own}x{values}x{gate}>",
        "bonus": f"tensor<{heads}x{keys}xf32>",
        "erase_key": f"{rows}{heads}x{keys}x{element}>",
        "direction": f"{rows}{heads}x{keys}x{element}>",
        "normalizer": f"tensor<{states}x{own}x{keys}xf32>",
        "state": f"tensor<{states}x{own}x{sides[0]}x{sides[1]}x{cell['state']},"
        f" #attn.state<{cell['layout']}>>",
        "kept": f"tensor<{batch}x{kept}x{own}x{sides[0]}"
        f"x{sides[1]}x{cell['state']}, #attn.state<{cell['layout']}>>",
        "slots": f"tensor<{batch}xi32>",
    }


def tensor(cell, name):
    """The name of the tensor that an operand is."""
    same = cell.get("same", "")
    return same[0] if name in same else name


def inputs(cell):
    """The names and kinds of the tensors of a program, in order."""
    for name, kind in (("q", "rows"), ("k", "rows"), ("v", "values")):
        if tensor(cell, name) == name:
            yield name, kind
    for kind in MECHANISMS[cell["mechanism"]][1]:
        yield NAMES[kind], kind
    if cell.get("initial", True):
        yield "state", "state"
    if cell["pool"]:
        yield "slots", "slots"


def is_chunked(cell):
    return "strongest" in cell


def program(cell):
    known = types(cell)
    clauses = MECHANISMS[cell["mechanism"]][0].format(**known)
    if cell.get("normalized"):
        clauses = clauses.replace(NORMALIZE, "")
    keep = cell.get("keep", 0)
    # The order of the clauses is fixed: scale, l2_normalize and keep_every come last.
    ends = [clauses.find(word) for word in ("normalizer(", "scale(", "l2_normalize(")]
    end = min([end for end in ends if end >= 0], default=len(clauses))
    state = f" state(%state : {known['state']}) " if cell.get("initial", True) else " "
    slots = f"slots(%slots : {known['slots']}) " if cell["pool"] else ""
    tail = clauses[end:]
    if tail.startswith("normalizer("):
        middle = state + tail + " " + slots
    else:
        middle = state + slots + tail
    if keep:
        middle += f" keep_every({keep})"
    if reflects(cell):
        middle += " allow_neg_eigval"
    arguments = ",\n    ".join(
        f'%{name}: {known[kind]} {{attn.name = "{name}"}}' for name, kind in inputs(cell)
    )
    output, final = known["values"], known["state"]
    results = f'{output} {{attn.name = "o"}}, {final} {{attn.name = "final"}}'
    names, returned, given = "%o, %s", f"{output}, {final}", f"state({final})"
    if "normalizer(" in tail:
        results += f', {known["normalizer"]} {{attn.name = "final_z"}}'
        names, returned = "%o, %s, %z1", returned + ", " + known["normalizer"]
        given += f" normalizer({known['normalizer']})"
    if keep:
        results += f', {known["kept"]} {{attn.name = "kept"}}'
        names, returned = names + ", %kept", f"{returned}, {known['kept']}"
        given += f" kept({known['kept']})"
    rows = ", ".join("%" + tensor(cell, operand) for operand in "qkv")
    return f"""func.func @recurrence(
    {arguments})
    -> ({results}) {{
  {names} = attn.recurrence {rows} {clauses[:end]}{middle}
      : {known["rows"]}, {known["rows"]}, {output} -> {output} {given}
  return {names} : {returned}
}}
"""


def shapes(cell):
    """Options of attn-run that give every dynamic size of a cell."""
    known = types(cell, BATCH, POOL)
    for name, kind in inputs(cell):
        sizes = known[kind][len("tensor<") :].split(",")[0].split("x")[:-1]
        if kind not in ("head_decay", "bonus"):
            yield f"--shape={name}=" + "x".join(sizes)


def numbers(cell, generator):
    """Names, shapes and numbers of inputs that a cell of many tokens bounds."""
    known = types(cell, BATCH, POOL)
    given = {}
    for name, kind in inputs(cell):
        shape = [int(size) for size in
                 known[kind][len("tensor<") :].split(",")[0].split("x")[:-1]]
        count = math.prod(shape)
        if kind in ("rows", "erase_key"):
            values = [generator.gauss(0, 1) for _ in range(count)]
            for first in range(0, count, shape[-1]):
                row = values[first : first + shape[-1]]
                length = math.hypot(*row)
                # Rows that the program normalises are of any length.
                clauses = MECHANISMS[cell["mechanism"]][0]
                if not cell["normalized"] and NORMALIZE in clauses:
                    length /= generator.choice((0.1, 1, 4, 30))
                # Features are positive where what is read is divided by their sum.
                if cell["mechanism"] == "denominator":
                    row = [abs(x) for x in row]
                values[first : first + shape[-1]] = [x / length for x in row]
        elif kind in ("gate", "key_gate", "value_gate"):
            largest = 2 if reflects(cell) and kind != "value_gate" else 1
            values = [largest * generator.random() for _ in range(count)]
        elif kind == "direction":
            # A share of what is read is taken out along where it is read.
            shares = [-generator.random() for _ in range(count // shape[-1])]
            values = [shares[number // shape[-1]] * x
                      for number, x in enumerate(given["erase_key"])]
        elif kind == "normalizer":
            values = [generator.random() for _ in range(count)]
        elif kind.endswith("decay"):
            values = [cell["strongest"] * generator.random() for _ in range(count)]
        else:
            continue
        given[kind] = values
        yield name, shape, values


def reflects(cell):
    return cell.get("reflecting", False) and cell["mechanism"] in REFLECTING


def is_allowed(cell):
    """A pool has states to start with, one of normalizers has values of one block,
    nothing keeps normalizers, and what is one tensor has one type."""
    keep = cell.get("keep", 0)
    if keep and keep > cell["tokens"]:
        return False
    if cell["pool"] and not cell.get("initial", True):
        return False
    (keys, values), (heads, own) = cell["dims"], cell["heads"]
    if "v" in cell.get("same", "") and (keys, heads) != (values, own):
        return False
    if cell["mechanism"] == "denominator":
        return not keep and not (cell["pool"] and cell["dims"][1] > 64)
    return True


def name(cell):
    """A cell in a few words."""
    return ", ".join(f"{axis} {choice}" for axis, choice in cell.items())


def some_cells(generator, count, axes=None):
    """Cells at random, in which each choice occurs about equally often."""
    axes = axes or AXES
    chosen = 0
    for number in itertools.count():
        if chosen == count:
            return
        cell = {
            axis: choices[number % len(choices)]
            if axis == "mechanism"
            else generator.choice(choices)
            for axis, choices in axes.items()
        }
        if is_allowed(cell):
            chosen += 1
            yield cell
