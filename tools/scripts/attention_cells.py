# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The features of dense attention, and programs that combine them.

A cell is a choice for each of AXES. `covering_cells` gives cells in which every
pair of choices of two axes occurs; `program` and `shapes` make a cell something
that attn-run runs."""

import itertools
import random

MASKS = {
    "none": "",
    "causal": "mask(causal)",
    "window": "mask(window<99, 30>)",
    "causal window": "mask(causal and window<99, 0>)",
    "first": "mask(first<70>)",
    "prefix": "mask(causal or prefix(%lengths : tensor<?xi32>))",
    "document": "mask(causal and document(%ids : tensor<{ids}>))",
    "chunk": "mask(causal and chunk<96>)",
    "streaming": "mask(causal and (first<4> or window<63, 0>))",
    "not": "mask(causal and not window<31, 0>)",
    # The first two heads see all of the past, the others the recent one.
    "heads": """mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %two = arith.constant 2 : index
    %past = attn.causal %p, %j
    %near = attn.window<40, 0> %p, %j
    %wide = arith.cmpi slt, %h, %two : index
    %seen = arith.ori %wide, %near : i1
    %keep = arith.andi %past, %seen : i1
    attn.yield %keep : i1
  }""",
    # Every third key.
    "region": """mask {
  ^bb0(%b: index, %h: index, %p: index, %j: index):
    %zero = arith.constant 0 : index
    %three = arith.constant 3 : index
    %distance = arith.subi %p, %j : index
    %rest = arith.remsi %distance, %three : index
    %keep = arith.cmpi eq, %rest, %zero : index
    attn.yield %keep : i1
  }""",
}
# Lists of blocks, and the masks of their partial ones.
MASKS["blocks"] = "mask(causal or window<inf, 20>)"
MASKS["partial blocks"] = "mask(causal and window<99, 0>)"
MASKS["full blocks"] = ""
LISTS = {
    "blocks": """blocks<128, 64>
      partial(%counts, %columns : tensor<?x{heads}x?xi32>, tensor<?x{heads}x?x?xi32>)
      full(%whole_counts, %whole_columns : tensor<1x1x?xi32>, tensor<1x1x?x?xi32>)""",
    "partial blocks": """blocks<64, 128>
      partial(%counts, %columns : tensor<1x{heads}x?xi32>, tensor<1x{heads}x?x?xi32>)""",
    "full blocks": """blocks<256, 32>
      full(%whole_counts, %whole_columns : tensor<?x1x?xi32>, tensor<?x1x?x?xi32>)""",
}
MASK_INPUTS = {
    "prefix": [("lengths", "?xi32")],
    "document": [("ids", "{ids}")],
    "blocks": [
        ("counts", "?x{heads}x?xi32"),
        ("columns", "?x{heads}x?x?xi32"),
        ("whole_counts", "1x1x?xi32"),
        ("whole_columns", "1x1x?x?xi32"),
    ],
    "partial blocks": [("counts", "1x{heads}x?xi32"), ("columns", "1x{heads}x?x?xi32")],
    "full blocks": [("whole_counts", "?x1x?xi32"), ("whole_columns", "?x1x?x?xi32")],
}

LIST_NAMES = ["counts", "columns", "whole_counts", "whole_columns"]

SCORES = {
    "none": "",
    "softcap": "score(softcap<20.0>)",
    "alibi": "score(alibi(%slopes : tensor<{heads}xf32>))",
    "relative": """score {{
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %zero = arith.constant 0 : index
    %last = arith.constant 31 : index
    %distance = arith.subi %p, %j : index
    %past = arith.maxsi %distance, %zero : index
    %bucket = arith.minsi %past, %last : index
    %bias = attn.read %table[%h, %bucket] : tensor<{heads}x32xf32>
    %y = arith.addf %x, %bias : f32
    attn.yield %y : f32
  }}""",
    "bias": """score {{
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %narrow = attn.read %bias[%h, %p, %j] : tensor<{heads}x?x?xbf16>
    %wide = arith.extf %narrow : bf16 to f32
    %y = arith.addf %x, %wide : f32
    attn.yield %y : f32
  }}""",
    "region": """score {{
  ^bb0(%x: f32, %b: index, %h: index, %p: index, %j: index):
    %tenth = arith.constant 0.1 : f32
    %size = math.absf %x : f32
    %less = arith.mulf %size, %tenth : f32
    %y = arith.subf %x, %less : f32
    attn.yield %y : f32
  }}""",
}
SCORE_INPUTS = {
    "alibi": ("slopes", "{heads}xf32"),
    "relative": ("table", "{heads}x32xf32"),
    "bias": ("bias", "{heads}x?x?xbf16"),
}

AXES = {
    "element": ["bf16", "f16"],
    # Of queries and keys, and of values.
    "dims": [(64, 64), (96, 96), (128, 128), (192, 192), (256, 256), (192, 128)],
    "mask": list(MASKS),
    "score": list(SCORES),
    "sink": [False, True],
    # Query heads and key heads.
    "heads": [(4, 4), (8, 2), (4, 1)],
    # Queries and keys.
    "lengths": [(1, 1), (130, 130), (1, 300), (64, 257), (300, 100), (129, 64)],
    # A batch of sequences of these lengths, or packed ones with them among others.
    "sequences": ["dense", "varlen"],
}
BATCH = 2
# The lengths of the other packed sequences, of queries and keys: none of one or both, a
# single query, whole tiles.
OTHERS = [(0, 5), (1, 40), (7, 0), (128, 128), (0, 0), (33, 161)]


def is_allowed(cell):
    """Lists of blocks and packed sequences exclude each other."""
    return cell.get("sequences") != "varlen" or cell.get("mask") not in LISTS


def covering_cells(seed=0):
    """Cells that have every pair of choices, found greedily."""
    generator = random.Random(seed)
    names = list(AXES)

    def chosen(cell):
        return {name: AXES[name][x] for name, x in cell.items()}

    missing = {
        (a, x, b, y)
        for a, b in itertools.combinations(names, 2)
        for x in range(len(AXES[a]))
        for y in range(len(AXES[b]))
        if is_allowed(chosen({a: x, b: y}))
    }

    def pairs(cell):
        return {
            (a, cell[a], b, cell[b])
            for a, b in itertools.combinations(names, 2)
            if a in cell and b in cell
        }

    while missing:
        a, x, b, y = min(missing)
        cell = {a: x, b: y}
        rest = [name for name in names if name not in cell]
        generator.shuffle(rest)
        for name in rest:
            choices = [
                x
                for x in range(len(AXES[name]))
                if is_allowed(chosen({**cell, name: x}))
            ]
            generator.shuffle(choices)
            cell[name] = max(
                choices, key=lambda i: len(pairs({**cell, name: i}) & missing)
            )
        missing -= pairs(cell)
        yield {name: AXES[name][cell[name]] for name in names}


def name(cell):
    """A cell in a few words."""
    return ", ".join(
        f"{axis} {'x'.join(map(str, choice)) if isinstance(choice, tuple) else choice}"
        for axis, choice in cell.items()
    )


def is_packed(cell):
    return cell["sequences"] == "varlen"


def ids_type(cell):
    """Ids are as the keys are."""
    return "?xi32" if is_packed(cell) else "?x?xi32"


def packed_lengths(cell):
    """The lengths of queries and keys of the packed sequences of a cell."""
    return [cell["lengths"], *OTHERS[:3], cell["lengths"], *OTHERS[3:]]


def cumulative(lengths):
    return [0, *itertools.accumulate(lengths)]


def extra_inputs(cell):
    """The names and types of the tensors that mask, score and sink capture, and of
    cumulative lengths."""
    heads = cell["heads"][0]
    if is_packed(cell):
        yield from (("cu_q", "?xi32"), ("cu_k", "?xi32"))
    for name, shape in MASK_INPUTS.get(cell["mask"], []):
        yield name, shape.format(heads=heads, ids=ids_type(cell))
    if cell["score"] in SCORE_INPUTS:
        name, shape = SCORE_INPUTS[cell["score"]]
        yield name, shape.format(heads=heads)
    if cell["sink"]:
        yield "sinks", f"{heads}xf32"


def program(cell):
    """The text of a program of one function."""
    query_heads, key_heads = cell["heads"]
    key_dim, value_dim = cell["dims"]
    element = cell["element"]
    rows = "?" if is_packed(cell) else "?x?"
    query = f"tensor<{rows}x{query_heads}x{key_dim}x{element}>"
    key = f"tensor<{rows}x{key_heads}x{key_dim}x{element}>"
    value = f"tensor<{rows}x{key_heads}x{value_dim}x{element}>"
    output = f"tensor<{rows}x{query_heads}x{value_dim}x{element}>"
    lse = f"tensor<?x{query_heads}x?xf32>"
    constructor = f"attn.kv.dense %k, %v : {key}, {value}"
    modifiers = ""
    if is_packed(cell):
        lse = f"tensor<{query_heads}x?xf32>"
        constructor = f"attn.kv.varlen %k, %v, %cu_k : {key}, {value}, tensor<?xi32>"
        modifiers = "cu_seqlens(%cu_q : tensor<?xi32>) "
    inputs = [("q", query), ("k", key), ("v", value)]
    inputs += [(name, f"tensor<{shape}>") for name, shape in extra_inputs(cell)]
    arguments = ",\n    ".join(
        f'%{name}: {type} {{attn.name = "{name}"}}' for name, type in inputs
    )
    modifiers += MASKS[cell["mask"]].replace("{ids}", ids_type(cell))
    modifiers += " " + SCORES[cell["score"]].format(heads=query_heads)
    if cell["sink"]:
        modifiers += f" sink(%sinks : tensor<{query_heads}xf32>)"
    modifiers += " " + LISTS.get(cell["mask"], "").format(heads=query_heads)
    return f"""func.func @attention(
    {arguments})
    -> ({output} {{attn.name = "o"}}, {lse} {{attn.name = "lse"}}) {{
  %kv = {constructor}
  %o, %lse = attn.attention %q, %kv {modifiers}
      : {query}, !attn.kv<{key}, {value}> -> {output}, {lse}
  return %o, %lse : {output}, {lse}
}}
"""


def bias_columns(cell, keys):
    """Half of the biases have rows that copies can read, where there are several."""
    aligned = cell["element"] == "bf16" and cell["lengths"][0] > 1
    return -(-keys // 8) * 8 if aligned else keys


def shapes(cell):
    """Options of attn-run that give every dynamic size of a cell."""
    queries, keys = cell["lengths"]
    query_heads, key_heads = cell["heads"]
    key_dim, value_dim = cell["dims"]
    batch, query_rows, key_rows = BATCH, (BATCH, queries), (BATCH, keys)
    values = {}
    if is_packed(cell):
        cu_q, cu_k = (cumulative(own) for own in zip(*packed_lengths(cell)))
        batch, query_rows, key_rows = len(cu_q) - 1, (cu_q[-1],), (cu_k[-1],)
        keys = max(own for _, own in packed_lengths(cell))
        values = {"cu_q": cu_q, "cu_k": cu_k}
    sizes = {
        "q": (*query_rows, query_heads, key_dim),
        "k": (*key_rows, key_heads, key_dim),
        "v": (*key_rows, key_heads, value_dim),
        "cu_q": (batch + 1,),
        "cu_k": (batch + 1,),
        "lengths": (batch,),
        "ids": key_rows,
        "bias": (query_heads, keys, bias_columns(cell, keys)),
    }
    # Rows for all queries, and room for most of their blocks.
    sizes["counts"] = sizes["whole_counts"] = (BATCH, query_heads, queries // 64 + 1)
    sizes["columns"] = sizes["whole_columns"] = (*sizes["counts"], keys // 50 + 1)
    types = dict(extra_inputs(cell))
    for name in types.keys() & set(LIST_NAMES):
        given = types[name].split("x")
        sizes[name] = tuple(
            size if known == "?" else int(known)
            for known, size in zip(given, sizes[name])
        )
    names = ["q", "k", "v", *types]
    return [
        f"--shape={name}={'x'.join(map(str, sizes[name]))}"
        for name in names
        if name in sizes
    ] + [f"--values={name}={','.join(map(str, own))}" for name, own in values.items()]
