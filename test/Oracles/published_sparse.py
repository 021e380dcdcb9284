# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention to chosen keys, latent keys and small numbers, by the code of those who
introduced it. Modules run without their projections: what these would give is what
the program is given."""

import contextlib
import types

import numpy

import rotary
import selection
from checkouts import (REPOSITORIES, arrays, by_head, double_torch, load, named,
                       narrow_as_double, published, said, stand_ins, tensors,
                       torch_as_it_is)
from files import Random, i32
from published_softmax import (additive_mask, eager, flash_attention, flash_source,
                               masks, model, scale_of, transformers)

PROGRAMS, program = published(rotary, selection)


def in_order(chosen):
    """As sets: ours stand in ascending order, padding last."""
    torch = double_torch()
    last = torch.iinfo(torch.int32).max
    order = torch.where(chosen < 0, last, chosen.int()).sort(-1).values
    return torch.where(order == last, -1, order)


@contextlib.contextmanager
def lower_first():
    """torch.topk does not say which of equal numbers it takes: here the lower one."""
    torch = double_torch()
    kept = torch.Tensor.topk

    def topk(x, k, dim=-1):
        values, indices = x.sort(dim=dim, descending=True, stable=True)
        return torch.return_types.topk((values.narrow(dim, 0, k),
                                        indices.narrow(dim, 0, k)))

    torch.Tensor.topk = topk
    try:
        yield
    finally:
        torch.Tensor.topk = kept


def identity(*xs):
    return xs[0]


def no_turn(length, dim):
    """The cosine and sine of a rotation by nothing."""
    torch = double_torch()
    return torch.ones(1, length, dim), torch.zeros(1, length, dim)


def lightning_indexer(name, indexer, qi, ki, w, top):
    """The tokens that an indexer of transformers chooses: [B, L, 1, top]."""
    torch = double_torch()
    length, heads, dim = qi.shape[1:]
    keys = ki.shape[1]
    self = types.SimpleNamespace(
        n_heads=heads, head_dim=dim, qk_rope_head_dim=dim // 2, index_topk=top,
        softmax_scale=dim ** -0.5, layer_idx=0, wq_b=lambda x: qi.flatten(2),
        wk=lambda x: ki[:, :, 0], k_norm=identity,
        # Divided by the root of the number of heads there.
        weights_proj=Projection(w * heads ** 0.5))
    seen = torch.ones(length, keys, dtype=torch.bool).tril(keys - length)[None]
    with lower_first():
        chosen = getattr(model(name), indexer).forward(
            self, qi.flatten(2), qi, no_turn(1, dim // 2), seen, None)
    visible = torch.gather(seen.expand(len(chosen), -1, -1), 2, chosen.long())
    return torch.where(visible, chosen, -1)[:, :, None]


class Projection:
    """A linear layer of which only the result is known."""

    def __init__(self, result):
        self.result, self.weight = result, result

    def __call__(self, x):
        return self.result


def chosen_mask(chosen, keys):
    """What is added for lists of tokens of one head: [B, 1, L, keys]."""
    torch = double_torch()
    bias = torch.full((*chosen.shape[:2], keys + 1), -torch.inf)
    bias.scatter_(-1, torch.where(chosen < 0, keys, chosen)[:, :, 0].long(), 0.0)
    return bias[:, None, :, :keys]


@program("dsa")
def dsa(q, c, qi, ki, w):
    chosen = in_order(lightning_indexer("deepseek_v32", "DeepseekV32Indexer",
                                        qi, ki, w, 4))
    o = eager("deepseek_v32", q, c, c[..., :32], chosen_mask(chosen, 11), 0.135234)
    return [o, chosen], transformers(
        "deepseek_v32", "DeepseekV32Indexer.forward, its top 4, "
        "the lower of equal ones, without those\nof the future, and "
        "eager_attention_forward; projections, norm and rotation left out")


@program("dsa-packed")
def dsa_packed(q, c, qi, ki, w, cu_q, cu_k):
    torch = double_torch()
    o, tokens = torch.full((8, 4, 32), torch.nan), torch.full((8, 1, 4), -1).int()
    for b in range(4):
        own, keys = (slice(int(cu[b]), int(cu[b + 1])) for cu in (cu_q, cu_k))
        if own.start == own.stop:
            continue
        chosen = lightning_indexer("deepseek_v32", "DeepseekV32Indexer", qi[None, own],
                                   ki[None, keys], w[None, own], 4)
        mask = chosen_mask(chosen, keys.stop - keys.start)
        part = eager("deepseek_v32", q[None, own], c[None, keys],
                     c[None, keys, :, :32], mask, 0.135234)[0]
        # It divides by nothing where nothing is seen.
        o[own] = part.masked_fill((chosen < 0).all(-1)[0][..., None], 0.0)
        chosen = torch.nn.functional.pad(chosen, (0, 4 - chosen.shape[-1]), value=-1)
        tokens[own] = in_order(chosen)[0]
    return [o, tokens], transformers(
        "deepseek_v32", "for each sequence DeepseekV32Indexer.forward, its top 4, the "
        "lower of equal ones, without those\nof the future, and "
        "eager_attention_forward, 0 where that has no keys;\nprojections, norm and "
        "rotation left out")


@program("index-share")
def index_share(q0, c0, q1, c1, qi, ki, w):
    chosen = lightning_indexer("glm_moe_dsa", "GlmMoeDsaIndexer", qi, ki, w, 4)
    mask = chosen_mask(chosen, 11)
    return [eager("glm_moe_dsa", q, c, c[..., :32], mask)
            for q, c in ((q0, c0), (q1, c1))], transformers(
        "glm_moe_dsa", "GlmMoeDsaIndexer.forward, its top 4, "
        "the lower of equal ones, without those\nof the future, for two calls of "
        "eager_attention_forward; projections, norm and rotation left out")


class Rotation:
    """The rotary module of DeepSeek-V4 with given frequencies."""

    def __init__(self, frequencies):
        self.frequencies = frequencies

    def __call__(self, x, position_ids, layer_type=None):
        turns = position_ids[..., None] * self.frequencies
        return turns.cos(), turns.sin()


def deepseek_v4(self, q, k, sinks, positions, compressor, rotation, turned):
    """DeepseekV4Attention.forward; `turned` says whether the output is turned back,
    since queries and keys come turned already."""
    torch = double_torch()
    module = model("deepseek_v4")
    compressed, bias = compressor
    kv = torch.cat([by_head(k)[0], compressed], dim=2)
    window = additive_mask(q, k, masks().sliding_window_causal_mask_function(4))
    mask = torch.cat([window, bias], dim=-1)
    o = eager("deepseek_v4", q, *by_head(kv, kv), mask, fields={"sinks": sinks})
    if not turned:
        return o
    cos, sin = rotation(q, positions)
    return module.apply_rotary_pos_emb(o, cos, -sin, unsqueeze_dim=2)


@program("deepseek-v4-hca")
def deepseek_v4_hca(q, k, c, z, bias, sink, positions, frequencies):
    rotation = Rotation(frequencies)
    self = types.SimpleNamespace(
        compress_rate=4, head_dim=16, rope_layer_type="compress", kv_norm=identity,
        kv_proj=lambda x: c[:, :, 0], gate_proj=lambda x: z[:, :, 0],
        position_bias=bias[:, 0], rotary_emb=rotation)
    compressor = model("deepseek_v4").DeepseekV4HCACompressor.forward(
        self, c[:, :, 0], None, positions, None, 0)
    o = deepseek_v4(self, q, k, sink, positions, compressor, rotation, True)
    return [o], transformers(
        "deepseek_v4", "DeepseekV4HCACompressor.forward, eager_attention_forward with "
        "sinks and\nsliding_window_causal_mask_function(4), apply_rotary_pos_emb by "
        "-sin, as DeepseekV4Attention does;\nprojections and norms left out")


@program("deepseek-v4-csa")
def deepseek_v4_csa(q, k, ca, cb, za, zb, bias, qi, ki, w, sink, positions):
    torch = double_torch()
    module = model("deepseek_v4")
    still = Rotation(torch.zeros(4))
    series = types.SimpleNamespace(
        compress_rate=4, head_dim=16, rope_layer_type="compress", rotary_emb=still,
        kv_norm=identity, kv_proj=lambda x: torch.cat([ca, cb], -1),
        gate_proj=lambda x: torch.cat([za, zb], -1),
        position_bias=torch.cat([bias[:4, 0], bias[4:, 0]], -1))
    scorer = types.SimpleNamespace(
        softmax_scale=16 ** -0.5, weights_scaling=2 ** -0.5,
        weights_proj=lambda x: w * 2 ** 0.5)
    # Its keys are given: what it pools itself is replaced by them.
    indexer = types.SimpleNamespace(
        **{**vars(series), "kv_norm": lambda x: ki[:, :, 0]}, num_heads=2,
        index_topk=2, q_b_proj=lambda x: qi.flatten(2),
        scorer=lambda *xs: module.DeepseekV4IndexerScorer.forward(scorer, *xs))
    picks = []

    def choose(*xs):
        with lower_first():
            picks.append(module.DeepseekV4Indexer.forward(indexer, *xs))
        return picks[0]

    series.indexer = choose
    compressor = module.DeepseekV4CSACompressor.forward(
        series, q[:, :, 0], None, positions, None, 0)
    o = deepseek_v4(series, q, k, sink, positions, compressor, still, False)
    return [o, in_order(picks[0])[:, :, None]], transformers(
        "deepseek_v4", "DeepseekV4CSACompressor.forward with DeepseekV4Indexer and "
        "DeepseekV4IndexerScorer,\neager_attention_forward with sinks and "
        "sliding_window_causal_mask_function(4);\nprojections, norms and rotation "
        "left out")


@program("msa")
def msa(q, k, v, qi, ki):
    torch = double_torch()
    indexer = model("minimax_m3_vl").MiniMaxM3VLIndexer
    self = types.SimpleNamespace(
        head_dim=16, num_heads=2, block_size=4, topk_blocks=3, local_blocks=1,
        q_norm=identity, k_norm=identity, q_proj=lambda x: qi.flatten(2),
        k_proj=lambda x: ki.flatten(2),
        config=types.SimpleNamespace(num_attention_heads=4))
    positions = torch.arange(18)[None]
    with lower_first():
        blocks = indexer.forward(self, qi.flatten(2), no_turn(18, 16), None, positions)
    mask = indexer.build_block_mask(self, blocks, None, 18, torch.float64, "cpu",
                                    positions)
    return [eager("minimax_m3_vl", q, k, v, mask), in_order(by_head(blocks)[0])], (
        transformers("minimax_m3_vl", "MiniMaxM3VLIndexer.forward and "
                     "build_block_mask, eager_attention_forward;\nprojections, norms "
                     "and rotation left out"))


@program("moba")
def moba(q, k, v, positions):
    torch = double_torch()
    function, source = named("moba", "moba/moba_naive.py", "moba_attn_varlen_naive")
    # What it chooses stays inside: it is heard where it is found.
    top, heard = torch.topk, []
    torch.topk = lambda *xs, **options: heard.append(top(*xs, **options)) or heard[-1]
    try:
        o = function(q[0].clone(), k[0], v[0], torch.tensor([0, 14]), 14, 4, 2)
    finally:
        torch.topk = top
    scores, blocks = heard[0]
    blocks = torch.where(scores == -torch.inf, -1, blocks)
    return [o[None], in_order(by_head(blocks[None])[0])], said(
        source, "moba_attn_varlen_naive(q, k, v, [0, 14], 14, 4, 2), and the blocks "
        "that its torch.topk gives")


def nsa_module():
    stand_ins(fla=[], fla__ops=[], fla__ops__utils=["prepare_chunk_offsets"],
              fla__ops__utils__pooling=["mean_pooling"])
    return load("fla", "fla/ops/nsa/naive.py")


def nsa_source(call):
    return said(f"{REPOSITORIES['fla'][1]},\nfla/ops/nsa/naive.py", call)


@program("nsa")
def nsa(q, k, v, g1, g2, g3, positions):
    torch = double_torch()
    module = nsa_module()
    means = [torch.stack([x[:, first: first + 4].mean(1)
                          for first in range(0, 14, 4)], 1) for x in (k, v)]
    o1, _ = module.naive_nsa_compression(q, *means, 4, 0.25)
    blocks = module.naive_nsa_topk(q, means[0], 3, 4, 0.25)
    o2 = module.naive_nsa_selection(q, k, v, blocks, 4, 0.25)
    o3, _ = flash_attention(q, k, v, causal=True, window_size=(5, 0))
    o = o1 * g1[..., None] + o2 * g2[..., None] + o3 * g3[..., None]
    return [o, in_order(blocks)], nsa_source(
        "naive_nsa_compression(q, k_means, v_means, 4, 0.25),\n"
        "naive_nsa_topk(q, k_means, 3, 4, 0.25) and naive_nsa_selection, added with "
        "their gates as naive_nsa does, which\nwants 16 heads to a key head.\nThe "
        "window: " + flash_source("causal=True, window_size=(5, 0)"))


def nsa_selection():
    random = Random("nsa-selection")
    module = nsa_module()
    q = random.f32(2, 18, 4, 16)
    k, v = random.f32(2, 18, 2, 16), random.f32(2, 18, 2, 16)
    means = [numpy.stack([x[:, first: first + 4].mean(1)
                          for first in range(0, 18, 4)], 1) for x in (k, v)]
    arguments = [q, k, v, *means, i32([range(18)] * 2)]
    q, k, v, *means, _ = tensors(*arguments)
    o, lse = module.naive_nsa_compression(q, *means, 4, 0.25)
    blocks = module.naive_nsa_topk(q, means[0], 4, 4, 0.25)
    s = module.naive_nsa_selection(q, k, v, blocks, 4, 0.25)
    results = arrays(o, *by_head(lse), in_order(blocks), s)
    return arguments, results, nsa_source(
        "naive_nsa_compression(q, k_means, v_means, 4, 0.25),\n"
        "naive_nsa_topk(q, k_means, 4, 4, 0.25), sorted,\n"
        "naive_nsa_selection(q, k, v, blocks, 4, 0.25)")


PROGRAMS["nsa-selection"] = nsa_selection


@program("mla-absorbed")
def mla_absorbed(qn, qr, c, wuk, wuv):
    torch = double_torch()
    stand_ins(kernel=["act_quant", "weight_dequant", "fp8_gemm"])
    module = load("deepseek-v3", "inference/model.py")
    # It turns what carries the position; here it comes turned.
    module.apply_rotary_emb = identity
    module.attn_impl = "absorb"
    weight = torch.cat([wuk, wuv.transpose(1, 2)], 1).flatten(0, 1)
    self = types.SimpleNamespace(
        q_lora_rank=0, n_local_heads=4, qk_head_dim=32, qk_nope_head_dim=16,
        qk_rope_head_dim=16, kv_lora_rank=32, v_head_dim=16,
        softmax_scale=scale_of(0.135234), kv_norm=identity, wo=identity,
        wkv_b=types.SimpleNamespace(weight=weight, scale=None),
        kv_cache=torch.zeros(1, 7, 32), pe_cache=torch.zeros(1, 7, 16))
    queries = torch.cat([qn, qr], -1)
    rows = []
    for token in range(7):
        # The first four tokens have no query here, only a row of the cache.
        query = queries[:, max(token - 4, 0)][:, None].flatten(2)
        self.wq = lambda x: query
        self.wkv_a = lambda x: c[:, token: token + 1, 0]
        rows.append(module.MLA.forward(self, query, token, None, None))
    o = torch.cat(rows[4:], 1).view(1, 3, 4, 16)
    source = f"{REPOSITORIES['deepseek-v3'][1]},\ninference/model.py"
    return [o], said(
        source, 'MLA.forward with attn_impl = "absorb", token by token;\nprojections '
        "of queries and latents, norm and rotation left out")


def flash_mla():
    """The files of FlashMLA's tests that run without its kernels."""
    double_torch()
    stand_ins(lib=["TestParam", "Testcase", "TestcaseForDecode", "KVScope"])
    return load("flashmla", "tests/quant.py"), load("flashmla", "tests/ref.py")


def clean(indices, table, lengths, queries):
    """Positions without those that are too large, come twice or are of the future:
    that code counts what it is given."""
    for b in range(len(indices)):
        for i in range(queries):
            row, seen = indices[b, i, 0], set()
            last = int(lengths[b]) - queries + i
            for n, j in enumerate(row.tolist()):
                if not 0 <= j <= last or j in seen:
                    row[n] = -1
                seen.add(j)
    return indices[:, :, 0]


@program("deepseek-v32-decode")
def deepseek_v32_decode(q, cache, table, lengths, indices):
    torch = double_torch()
    quant, ref = flash_mla()
    data = cache.contiguous().view(torch.float8_e4m3fn)
    with torch_as_it_is():
        pages = quant.dequantize_k_cache(data, quant.FP8KVCacheLayout.V32_FP8Sparse)
    chosen = clean(indices.clone(), table, lengths, 2)
    slots = quant.abs_indices2indices_in_kvcache(chosen, table.long(), 4)
    scope = types.SimpleNamespace(indices_in_kvcache=slots, topk_length=None,
                                  blocked_k=pages.double())
    p = types.SimpleNamespace(h_kv=1, s_q=2, h_q=2, d_qk=576, d_v=512,
                              decode=types.SimpleNamespace(b=2))
    t = types.SimpleNamespace(q=q, kv_scope=scope, extra_kv_scope=None,
                              attn_sink=None, sm_scale=scale_of(0.135234))
    with narrow_as_double():
        o, lse = ref.ref_sparse_attn_decode(p, t)
    source = f"{REPOSITORIES['flashmla'][1]},\ntests/quant.py and tests/ref.py"
    return [o, torch.where(lse == torch.inf, -torch.inf, lse)], said(
        source, "dequantize_k_cache of V32_FP8Sparse, abs_indices2indices_in_kvcache "
        "and ref_sparse_attn_decode.\nIt counts what it is given, so positions that "
        "are too large, repeated or of the future are -1;\nits lse of nothing is +inf")
