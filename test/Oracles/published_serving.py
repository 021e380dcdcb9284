# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Pages, states and pools as servers have them, by the references that FlashInfer
publishes with its kernels, and by FlexAttention's lists of blocks."""

import math
import sys

import numpy

import dense
import recurrence
import rotary
import variants
from checkouts import (REPOSITORIES, by_head, double_torch, load, named,
                       narrow_as_double, published, said, stand_ins)
from published_softmax import expanded, flash_attention, flash_source, flex, flex_source

PROGRAMS, program = published(dense, recurrence, rotary, variants)


def trace(file):
    """A file of flashinfer/trace/templates, without the package: it asks for a GPU."""
    stand_ins(flashinfer=[], flashinfer__trace=[], flashinfer__trace__templates=[])
    for part in ("template", "templates._init_helpers", f"templates.{file}"):
        path = f"flashinfer.trace.{part}"
        module = sys.modules.get(path) or load(
            "flashinfer", path.replace(".", "/") + ".py", path)
    return module


def flashinfer_source(file, call):
    name = REPOSITORIES["flashinfer"][1]
    return said(f"{name},\nflashinfer/trace/templates/{file}.py", call)


def one_token_pages(pages, indptr, indices, lengths):
    """The lists of tokens that pages of several stand for: its reference wants whole
    pages."""
    torch = double_torch()
    size = pages.shape[1]
    starts, slots = [0], []
    for b, length in enumerate(lengths):
        own = indices[int(indptr[b]): int(indptr[b + 1])]
        slots += [int(own[j // size]) * size + j % size for j in range(length)]
        starts.append(len(slots))
    return torch.tensor(starts), torch.tensor(slots)


def paged_prefill(q, k, v, cu_q, indptr, indices, lengths):
    """The output, and the lse as ours: [Hq, total], natural."""
    starts, slots = one_token_pages(k, indptr, indices, lengths)
    k, v = (x.flatten(0, 1)[:, None] for x in (k, v))
    with narrow_as_double():
        o, lse = trace("attention")._gqa_paged_prefill_reference(
            q, k, v, cu_q, starts, slots, q.shape[-1] ** -0.5)
    return o, lse.T * math.log(2)


@program("flashinfer-paged")
def flashinfer_paged(q, cu_q, k, v, indptr, indices, last):
    lengths = [4 * int(n - 1) + int(m) if n > 0 else 0
               for n, m in zip(indptr.diff(), last)]
    o, lse = paged_prefill(q, *by_head(k, v), cu_q, indptr, indices, lengths)
    return [o, lse], flashinfer_source(
        "attention", "_gqa_paged_prefill_reference on pages of one token, which the "
        "lists of pages stand for; its lse times ln 2")


def as_lists(table, lengths):
    """The pages of 16 tokens that a table names, one sequence after the other."""
    torch = double_torch()
    pages = -(-lengths // 16)
    indptr = torch.cat([torch.zeros(1, dtype=torch.int), pages.cumsum(0)])
    return indptr, torch.cat([row[:n] for row, n in zip(table, pages)])


@program("paged-attention")
def paged_attention(q, k, v, table, lengths):
    torch = double_torch()
    indptr, indices = as_lists(table, lengths)
    o, lse = paged_prefill(q[:, 0], k, v, torch.arange(4), indptr, indices,
                           lengths.tolist())
    return [o[:, None], lse.T[..., None]], flashinfer_source(
        "attention", "_gqa_paged_prefill_reference on pages of one token, which the "
        "table stands for; its lse times ln 2")


@program("fp8-pages")
def fp8_pages(q, k, v, k_scale, v_scales, table, lengths):
    torch = double_torch()
    k, v = (x.view(torch.float8_e4m3fn).double() for x in (k, v))
    indptr, indices = as_lists(table, lengths)
    o, lse = paged_prefill(q.flatten(0, 1), k * k_scale, v * v_scales,
                           torch.arange(0, 7, 2), indptr, indices, lengths.tolist())
    return [o.view(3, 2, 4, 64), lse.view(4, 3, 2).transpose(0, 1)], flashinfer_source(
        "attention", "_gqa_paged_prefill_reference on pages of one token, which the "
        "table stands for, of\nfloat8_e4m3fn times the scales; its lse times ln 2")


@program("kivi")
def kivi(q, k8, sk, zk, v8, sv, zv):
    torch = double_torch()
    # Beside what is called here there are kernels.
    stand_ins(triton=["jit"], triton__language=["constexpr"])
    sys.modules["triton"].jit = lambda function: function
    module = load("kivi", "quant/new_pack.py")
    with narrow_as_double():
        # Values of 2 bits, in 4 as there are too few tokens to pack 16.
        k = module.unpack_and_dequant_kcache(
            module.pack_tensor(by_head(k8)[0].int(), 4, 2),
            by_head(sk)[0][:, :, :, None], by_head(-sk * zk)[0][:, :, :, None], 4, 4)
        v = module.unpack_and_dequant_vcache(
            module.pack_tensor(by_head(v8)[0].int(), 4, 3),
            by_head(sv)[0][..., None], by_head(-sv * zv)[0][..., None], 16, 4)
    o, _ = flash_attention(q, *by_head(k, v), causal=True)
    source = f"{REPOSITORIES['kivi'][1]},\nquant/new_pack.py"
    return [o], said(
        source, "unpack_and_dequant_kcache and unpack_and_dequant_vcache of numbers "
        "that pack_tensor has packed, 4 bits,\ngroups of 4 tokens and of 16 channels, "
        "mn = -zero * scale.\nThe attention: " + flash_source("causal=True"))


def merged(*states):
    """Of outputs [N, H, D] and natural lse [N, H], by a reference in base 2."""
    torch = double_torch()
    outputs = torch.stack([o for o, _ in states], 1)
    logs = torch.stack([lse for _, lse in states], 1) / math.log(2)
    o, lse = trace("cascade")._merge_states_reference(outputs, logs)
    return o, lse * math.log(2)


@program("flashinfer-states")
def flashinfer_states(oa, lsea, ob, lseb, oc, lsec):
    torch = double_torch()
    logs = [lsea * math.log(2), lseb * math.log(2), lsec]
    o, lse = merged(*((part[0], log[0].T) for part, log in zip((oa, ob, oc), logs)))
    # A row without any part is a quotient of nothing there.
    nothing = torch.stack(logs).isinf().all(0)
    o = o.masked_fill(nothing[0].T[..., None], 0.0)
    lse = lse.T[None].masked_fill(nothing, -torch.inf)
    return [o[None], lse], flashinfer_source(
        "cascade", "_merge_states_reference of all three in base 2; it gives NaN where "
        "no part has keys, here 0 and -inf")


@program("shared-prefix")
def shared_prefix(q, cu_q, kp, vp, k, v, cu_k):
    torch = double_torch()
    o, lse = flash_attention(q[None], kp, vp)
    with narrow_as_double():
        own, logs = trace("attention")._gqa_paged_prefill_reference(
            q, k[:, None], v[:, None], cu_q, cu_k, torch.arange(len(k)), 64 ** -0.5)
    o, lse = merged((o[0], lse[0].T), (own, logs * math.log(2)))
    return [o, lse.T], flashinfer_source(
        "cascade", "_merge_states_reference of _gqa_paged_prefill_reference "
        "(attention.py) on the keys of each request and of the prompt's:\n"
        + flash_source("without a mask"))


@program("gated-deltanet-decode")
def gated_deltanet_decode(q, k, v, alpha, beta, pool, slots, cu):
    torch = double_torch()
    function, source = named("fla", "fla/ops/gated_delta_rule/naive.py",
                             "naive_recurrent_gated_delta_rule")
    unit = lambda x: x * (x.pow(2).sum(-1, keepdim=True)
                          + float(numpy.float32(1e-6))).rsqrt()
    q, k = (unit(x).repeat_interleave(2, dim=1) for x in (q, k))
    o, final = torch.full(v.shape, torch.nan), pool.clone()
    for b, slot in enumerate(slots.tolist()):
        own = slice(int(cu[b]), int(cu[b + 1]))
        if slot < 0:
            o[own] = 0
        elif own.start < own.stop:
            rows = [x[None, own] for x in (q, k, v, beta, alpha.log())]
            part, state = function(*rows, None, pool[slot].mT[None], True)
            o[own], final[slot] = part[0], state[0].mT
    return [o, final], said(
        source, "for each request that has tokens and a slot: "
        "naive_recurrent_gated_delta_rule(l2norm(q), l2norm(k), v, beta,\nln(alpha), "
        "None, state, True), states transposed, heads of keys repeated")


def listed(counts, columns, size, keys):
    """Which blocks a list of FlexAttention names: [B, H, rows, columns]."""
    from torch.nn.attention.flex_attention import BlockMask

    torch = double_torch()
    number = -(-keys // size)
    kept = torch.zeros((*counts.shape, number), dtype=torch.int32)
    lengths = torch.zeros_like(counts)
    for at in numpy.ndindex(*counts.shape):
        row = [c for c in columns[at][: max(int(counts[at]), 0)].tolist()
               if 0 <= c < number]
        kept[at][: len(row)] = torch.tensor(row, dtype=torch.int32)
        lengths[at] = len(row)
    return BlockMask.from_kv_blocks(lengths, kept, compute_q_blocks=False).to_dense()


def lists(size, partial, full, mask, queries, keys):
    """A function of pairs that the blocks of lists hold."""
    blocks = [listed(*pair, size, keys) > 0 for pair in (partial, full) if pair]
    # Lists are the same for all heads where there is one.
    at = lambda dense, b, h, i, j: dense[b % dense.shape[0], h % dense.shape[1],
                                         i // size, j // size]

    def seen(b, h, i, j):
        kept = at(blocks[0], b, h, i, j) & mask(i + keys - queries, j)
        return kept | at(blocks[1], b, h, i, j) if full else kept

    return seen


def block_lists(arguments, dim, size, mask):
    q, k, v, *tables = arguments
    q = q.expand(*q.shape[:3], dim)
    q, k, v = expanded(q, k, v, dim)
    full = tables[2:] or None
    return flex(q, k, v, mask=lists(size, tables[:2], full, mask, q.shape[1],
                                    k.shape[1]))


LISTS = ("BlockMask.from_kv_blocks(counts, columns).to_dense() of each list, without "
         "the columns that are none, in mask_mod")


@program("block-sparse")
def block_sparse(*arguments):
    return block_lists(arguments, 128, 128, lambda p, j: j <= p), flex_source(LISTS)


@program("longformer")
def longformer(*arguments):
    return block_lists(arguments, 64, 128, lambda p, j: (
        (p - j).abs() <= 256) | (j == 0) | (p < 1)), flex_source(LISTS)


@program("strided-sparse")
def strided_sparse(*arguments):
    return block_lists(arguments, 64, 128, lambda p, j: (j <= p) & (
        (j // 1024 == p // 1024) | (j % 1024 >= 896))), flex_source(LISTS)


@program("bigbird")
def bigbird(*arguments):
    return block_lists(arguments, 64, 64, lambda p, j: j >= 0), flex_source(LISTS)


@program("speculative-tree")
def speculative_tree(q, k, v, positions, context, ancestors, slopes):
    words = ancestors[..., 0].long() & 255

    def seen(b, h, i, j):
        node = j - context[b]
        bits = words[b, i]
        return (node < 0) | ((node < 5) & ((bits >> node.clamp(0, 7)) & 1 == 1))

    return flex(q, k, v, lambda x, b, h, i, j: x - slopes[h] * (
        positions[b, i] - j).abs(), seen), flex_source(
        "mask_mod=j < context[b] or bit j - context[b] of ancestors[b, i], "
        "score_mod=x - slopes[h] |positions[b, i] - j|")


@program("duo-attention")
def duo_attention(q, k, v, retrieves):
    q, k, v = expanded(q, k, v, 128)
    offset = k.shape[1] - q.shape[1]
    o, _ = flex(q, k, v, mask=lambda b, h, i, j: (j <= i + offset) & (
        retrieves[h] | (j < 64) | (j > i + offset - 256)))
    return [o], flex_source(
        "mask_mod=(j <= p) & (retrieves[h] | (j < 64) | (j > p - 256))")


def sparse_transformer(q, k, v, pattern):
    q, k, v = expanded(q, k, v, 64)
    offset = k.shape[1] - q.shape[1]
    return [flex(q, k, v, mask=lambda b, h, i, j: (j <= i + offset)
                 & pattern(i + offset, j))[0]]


@program("dilated-sparse")
def dilated_sparse(q, k, v):
    return sparse_transformer(q, k, v, lambda p, j: (p - j < 128) | (
        (p - j) % 128 == 0)), flex_source(
        "mask_mod=(j <= p) & ((p - j < 128) | ((p - j) % 128 == 0))")


@program("fixed-sparse")
def fixed_sparse(q, k, v):
    return sparse_transformer(q, k, v, lambda p, j: (p // 128 == j // 128) | (
        j % 128 >= 96)), flex_source(
        "mask_mod=(j <= p) & ((p // 128 == j // 128) | (j % 128 >= 96))")
