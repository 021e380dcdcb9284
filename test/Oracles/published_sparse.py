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
                       torch_as_it_is, without_devices)
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


def fp8_index(q, weights, k, k_scale):
    """The scores that the kernel of DeepSeek-V3.2's indexer computes on a GPU, by the
    reference of the same firm's next kernel for them: [B, L, keys]."""
    module = load_deepgemm_test()
    scores = []
    with without_devices() as torch:
        for own, w, keys, scale in zip(q, weights, k, k_scale):
            ends = torch.full((len(own),), len(keys))
            scores.append(module.ref_fp8_mqa_logits(
                own, keys * scale, w[..., 0], torch.zeros_like(ends), ends)[0])
    return torch.stack(scores)


def load_deepgemm_test():
    stand_ins(deep_gemm=[], deep_gemm__testing=[
        "bench_kineto", "assert_bitwise_equal", "calc_diff", "count_bytes", "ignore_env",
        "get_arch_major", "test_filter"], deep_gemm__utils=[
        "ceil_div", "per_custom_dims_cast_to_fp8", "per_token_cast_to_fp4",
        "cast_back_from_fp4"], generators=[
        "get_arch_major", "generate_normal", "get_ue8m0_usage", "get_kernel_types",
        "reset_seed", "MajorTypeAB"])
    return load("deepgemm", "tests/test_attention.py", "published_test")


def indexer_of_deepseek(qi, ki, w, top):
    """The tokens that Indexer.forward of DeepSeek-V3.2 chooses: [B, L, 1, top]. The
    queries are those of the last keys; those of the others are in its cache."""
    torch = double_torch()
    stand_ins(kernel=["act_quant", "weight_dequant", "fp8_gemm", "fp8_index"])
    module = load("deepseek-v32", "inference/model.py")
    (batch, length, heads, dim), keys = qi.shape, ki.shape[1]
    assert length <= keys
    # Numbers stay as they are, and a rotation of both changes no product.
    module.act_quant = lambda x, *_: (x, torch.ones(*x.shape[:-1], 1))
    module.apply_rotary_emb = module.rotate_activation = identity
    module.fp8_index = fp8_index
    module.dist = types.SimpleNamespace(broadcast=lambda *_, **__: None)
    self = types.SimpleNamespace(
        n_heads=heads, head_dim=dim, rope_head_dim=dim // 2, index_topk=top,
        scale_fmt=None, softmax_scale=dim ** -0.5, wq_b=lambda x: qi.flatten(2),
        wk=lambda x: ki[:, keys - length:, 0], k_norm=identity,
        weights_proj=lambda x: w * heads ** 0.5, k_cache=ki[:, :, 0].clone(),
        k_scale_cache=torch.ones(batch, keys, 1))
    seen = torch.ones(length, keys, dtype=torch.bool).tril(keys - length)
    mask = torch.zeros(length, keys).masked_fill(~seen, -torch.inf)
    with lower_first():
        chosen = module.Indexer.forward(self, w, qi, keys - length, None, mask)
    chosen = torch.where(seen.expand(batch, -1, -1).gather(2, chosen), chosen, -1)
    chosen = torch.nn.functional.pad(chosen, (0, top - chosen.shape[-1]), value=-1)
    return chosen[:, :, None].int()


def sparse_prefill(q, c, chosen):
    """Attention to chosen tokens by the reference of FlashMLA's kernel: [L, H, 32]."""
    _, ref = flash_mla()
    p = types.SimpleNamespace(topk=chosen.shape[-1], s_q=q.shape[0], h_q=q.shape[1],
                              s_kv=len(c), d_qk=q.shape[2], d_v=32)
    t = types.SimpleNamespace(indices=chosen, topk_length=None, q=q, kv=c[:, 0],
                              sm_scale=scale_of(0.135234), attn_sink=None)
    with narrow_as_double():
        return ref.ref_sparse_attn_fwd(p, t)[1]


def deepseek_source(rest=""):
    return said(
        f"{REPOSITORIES['deepseek-v32'][1]},\n"
        f"{REPOSITORIES['deepgemm'][1]} and\n{REPOSITORIES['flashmla'][1]}",
        "Indexer.forward of inference/model.py, its top 4, the lower of equal ones, "
        "without those of the\nfuture. inference/kernel.py is TileLang for a GPU, which "
        "no CPU runs: its fp8_index is\nref_fp8_mqa_logits of DeepGEMM's "
        "tests/test_attention.py, and numbers stay as they are instead of\n"
        "going through act_quant. ref_sparse_attn_fwd of FlashMLA's tests/ref.py; "
        "projections, norm and\nrotations left out" + rest)


@program("dsa")
def dsa(q, c, qi, ki, w):
    chosen = in_order(indexer_of_deepseek(qi, ki, w, 4))
    return [sparse_prefill(q[0], c[0], chosen[0])[None], chosen], deepseek_source()


@program("dsa-packed")
def dsa_packed(q, c, qi, ki, w, cu_q, cu_k):
    torch = double_torch()
    o, tokens = torch.full((8, 4, 32), torch.nan), torch.full((8, 1, 4), -1).int()
    for b in range(4):
        first, end, begin, last = map(int, (*cu_q[b: b + 2], *cu_k[b: b + 2]))
        # Queries in front of the first key see nothing.
        lonely = max(first, end - (last - begin))
        o[first: lonely] = 0.0
        if lonely == end:
            continue
        chosen = indexer_of_deepseek(qi[None, lonely: end], ki[None, begin: last],
                                     w[None, lonely: end], 4)
        tokens[lonely: end] = in_order(chosen)[0]
        o[lonely: end] = sparse_prefill(q[lonely: end], c[begin: last], chosen[0])
    return [o, tokens], deepseek_source(
        ".\nOne sequence after the other; queries in front of the first key left out")


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
    stand_ins(datas=[], datas__training=[], datas__training__cases=[
        "CpRankCase", "make_torch_metadata", "make_torch_topk"], tests=[],
        tests__training=[], tests__training__msa_v1=[], tests__training__msa_v1__cute=[],
        tests__training__msa_v1__cute__cases=["MsaTestCase"])
    path = "tests/training/msa_v1/cute/testing.py"
    module = load("msa", path)
    sizes = {"HEAD_DIM": 16, "Q_HEADS": 4, "KV_HEADS": 2, "INDEX_HEADS": 2,
             "BLOCK_SIZE": 4, "TOPK": 3}
    vars(module).update(sizes)
    blocks, _ = module.causal_indexer_reference(qi[0], ki[0])
    o, _ = module.packed_attention_reference(q[0], k[0], v[0], blocks, (18,), (18,))
    return [o[None], in_order(blocks.transpose(0, 1))[None]], said(
        f"{REPOSITORIES['msa'][1]},\n{path}",
        "causal_indexer_reference(q_index, k_index) and packed_attention_reference of "
        "its blocks, with\n" + ", ".join(f"{n} = {x}" for n, x in sizes.items()))


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
