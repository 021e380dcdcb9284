# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Softmax attention by the code that its models, kernels or frameworks publish: the
eager attention of transformers, the reference of FlashAttention's tests, and
PyTorch's FlexAttention, which on a CPU is a formula too."""

import types

import numpy

import dense
import gradients
import rotary
import variants
from checkouts import (REPOSITORIES, by_head, double_torch, named, package, published,
                       said)

PROGRAMS, program = published(dense, gradients, rotary, variants)


def model(name):
    """The module of a model in transformers."""
    import importlib

    module = importlib.import_module(f"transformers.models.{name}.modeling_{name}")
    double_torch()
    return module


def transformers(name, call):
    return said(f"{package('transformers')},\nmodels/{name}/modeling_{name}.py", call)


def expanded(q, k, v, dim, value_dim=None):
    """Keys and values that are stored once for all channels."""
    k = k.expand(*k.shape[:3], dim)
    return q, k, v.expand(*v.shape[:3], value_dim or dim)


def scale_of(number):
    """A scale as the program has it, in f32."""
    return float(numpy.float32(number))


def eager(name, q, k, v, mask, scale=None, fields=None, **options):
    """A model's eager attention on [B, L, H, D]."""
    scale = q.shape[-1] ** -0.5 if scale is None else scale_of(scale)
    module = types.SimpleNamespace(
        training=False, num_key_value_groups=q.shape[2] // k.shape[2], **fields or {})
    return model(name).eager_attention_forward(
        module, *by_head(q, k, v), mask, scaling=scale, **options)[0]


def additive_mask(q, k, function):
    """What transformers adds for a function of positions."""
    from transformers import masking_utils

    torch = double_torch()
    keys = k.shape[1]
    return masking_utils.eager_mask(
        q.shape[0], q.shape[1], keys, q_offset=keys - q.shape[1],
        mask_function=function, dtype=torch.float64)


def masks():
    from transformers import masking_utils

    double_torch()
    return masking_utils


def flash_attention(q, k, v, scale=None, **options):
    """The reference of FlashAttention's tests: the output and the lse."""
    attention_ref, _ = named("flash-attention", "flash_attn/cute/testing.py",
                             "attention_ref")
    if scale is not None:
        q = q * (scale_of(scale) * q.shape[-1] ** 0.5)
    o, _, lse = attention_ref(q, k, v, return_lse=True, **options)
    return o, lse


def flash_source(call):
    name = REPOSITORIES["flash-attention"][1]
    return said(f"{name},\nflash_attn/cute/testing.py: attention_ref", call)


@program("sliding-window-mistral")
def sliding_window_mistral(q, k, v):
    q, k, v = expanded(q, k, v, 128)
    mask = additive_mask(q, k, masks().sliding_window_causal_mask_function(4096))
    return [eager("mistral", q, k, v, mask)], transformers(
        "mistral", "eager_attention_forward with eager_mask of masking_utils and "
        "sliding_window_causal_mask_function(4096)")


@program("gemma2-softcap")
def gemma2_softcap(q, k, v):
    q, k, v = expanded(q, k, v, 128)
    mask = additive_mask(q, k, masks().sliding_window_causal_mask_function(4096))
    o = eager("gemma2", q, k, v, mask, 0.0833333358, softcap=50.0)
    _, lse = flash_attention(q, k, v, 0.0833333358, causal=True,
                             window_size=(4095, 0), softcap=50.0)
    return [o, lse], transformers(
        "gemma2", "eager_attention_forward with softcap=50 and "
        "sliding_window_causal_mask_function(4096).\nThe lse: " + flash_source(
            "causal=True, window_size=(4095, 0), softcap=50"))


@program("gemma3-images")
def gemma3_images(q, k, v, ids):
    q, k, v = expanded(q, k, v, 128)
    m = masks()
    either = m.or_masks(m.sliding_window_causal_mask_function(1024),
                        m.blockwise_overlay(ids.long()))
    o = eager("gemma3", q, k, v, additive_mask(q, k, either), 0.0771516785,
              softcap=None)
    return [o], transformers(
        "gemma3", "eager_attention_forward with "
        "or_masks(sliding_window_causal_mask_function(1024), blockwise_overlay(ids))")


@program("gpt-oss")
def gpt_oss(q, k, v, sinks):
    q, k, v = expanded(q, k, v, 64)
    mask = additive_mask(q, k, masks().sliding_window_causal_mask_function(128))
    o = eager("gpt_oss", q, k, v, mask, fields={"sinks": sinks})
    _, lse = flash_attention(q, k, v, causal=True, window_size=(127, 0))
    return [o, lse], transformers(
        "gpt_oss", "eager_attention_forward with sinks and "
        "sliding_window_causal_mask_function(128).\nThe lse, without sinks: "
        + flash_source("causal=True, window_size=(127, 0)"))


@program("mimo-v2")
def mimo_v2(q, k, v, sinks):
    q, k, v = expanded(q, k, v, 192, 128)
    mask = additive_mask(q, k, masks().sliding_window_causal_mask_function(128))
    o = eager("mimo_v2_flash", q, k, v, mask, fields={"sinks": sinks})
    _, lse = flash_attention(q, k, v, causal=True, window_size=(127, 0))
    return [o, lse], transformers(
        "mimo_v2_flash", "eager_attention_forward with sinks and "
        "sliding_window_causal_mask_function(128).\nThe lse, without sinks: "
        + flash_source("causal=True, window_size=(127, 0)"))


@program("chunked-llama4")
def chunked_llama4(q, k, v):
    torch = double_torch()
    q, k, v = expanded(q, k, v, 128)
    function = masks().chunked_causal_mask_function(
        8192, torch.zeros(1, dtype=torch.long))
    o = eager("llama4", q, k, v, additive_mask(q, k, function))
    _, lse = flash_attention(q, k, v, causal=True, attention_chunk=8192)
    return [o, lse], transformers(
        "llama4", "eager_attention_forward with chunked_causal_mask_function(8192)."
        "\nThe lse: " + flash_source("causal=True, attention_chunk=8192"))


@program("cohere2")
def cohere2(q, k, v, k2, v2, positions, frequencies):
    torch = double_torch()
    turns = positions[..., None] * frequencies
    cos, sin = (x.repeat_interleave(2, dim=-1) for x in (turns.cos(), turns.sin()))
    turned = model("cohere2").apply_rotary_pos_emb(q, k, cos, sin, unsqueeze_dim=2)
    mask = additive_mask(q, k, masks().sliding_window_causal_mask_function(4))
    local = eager("cohere2", *turned, v, mask)
    o = eager("cohere2", local, k2, v2,
              additive_mask(q, k, masks().causal_mask_function))
    return [o], transformers(
        "cohere2", "apply_rotary_pos_emb and eager_attention_forward with "
        "sliding_window_causal_mask_function(4),\nthen eager_attention_forward with "
        "causal_mask_function, as Cohere2Attention does")


@program("vit")
def vit(q, k, v):
    return [eager("vit", q, k, v, None)], transformers(
        "vit", "eager_attention_forward without a mask")


@program("local-encoder")
def local_encoder(q, k, v):
    q, k, v = expanded(q, k, v, 128)
    mask = additive_mask(q, k, masks().sliding_window_bidirectional_mask_function(64))
    return [eager("modernbert", q, k, v, mask)], transformers(
        "modernbert", "eager_attention_forward with "
        "sliding_window_bidirectional_mask_function(64)")


@program("t5-bias")
def t5_bias(q, k, v, table):
    q, k, v = expanded(q, k, v, 64)
    attention = model("t5").T5Attention
    self = types.SimpleNamespace(
        relative_attention_bias=lambda buckets: table[buckets], is_decoder=False,
        relative_attention_num_buckets=32, relative_attention_max_distance=128,
        _relative_position_bucket=attention._relative_position_bucket)
    queries, keys = q.shape[1], k.shape[1]
    bias = attention.compute_bias(self, queries, keys, device="cpu",
                                  past_seen_tokens=keys - queries)
    return [eager("t5", q, k, v, None, 1.0, position_bias=bias)], transformers(
        "t5", "eager_attention_forward with T5Attention.compute_bias of 32 buckets "
        "up to 128")


@program("streaming-llm")
def streaming_llm(q, k, v):
    q, k, v = expanded(q, k, v, 128)
    return flash_attention(q, k, v, causal=True, window_size=(1023, 0),
                           sink_token_length=4), flash_source(
        "causal=True, window_size=(1023, 0), sink_token_length=4")


@program("off-by-one")
def off_by_one(q, k, v):
    torch = double_torch()
    o, _ = flash_attention(q, k, v, causal=True, learnable_sink=torch.zeros(4))
    _, lse = flash_attention(q, k, v, causal=True)
    return [o, lse], flash_source(
        "causal=True, learnable_sink=0; the lse without it")


@program("ring-attention")
def ring_attention(q, k0, v0, k1, v1, sink):
    torch = double_torch()
    k, v = torch.cat([k0, k1], 1), torch.cat([v0, v1], 1)
    o, _ = flash_attention(q, k, v, causal=True, learnable_sink=sink)
    _, lse = flash_attention(q, k, v, causal=True)
    return [o, lse], flash_source(
        "causal=True, learnable_sink=sink over the keys of all parts; the lse "
        "without it")


@program("fp8-attention")
def fp8_attention(q, k, v, q_scale, k_scale, v_scale):
    torch = double_torch()
    q, k, v = (x.view(torch.float8_e4m3fn).double() for x in (q, k, v))
    scales = {name: scale[:, 0, :, 0] for name, scale in
              (("q_descale", q_scale), ("k_descale", k_scale), ("v_descale", v_scale))}
    return flash_attention(q, k, v, causal=True, **scales), flash_source(
        "on float8_e4m3fn, causal=True, with q_descale, k_descale and v_descale")


def padded(x, ends, rows):
    """[total, H, D] to [B, rows, H, D], and which rows there are."""
    torch = double_torch()
    lengths = ends.diff()
    mask = torch.arange(rows)[None] < lengths[:, None]
    result = torch.zeros(len(lengths), rows, *x.shape[1:])
    for b, (first, last) in enumerate(zip(ends, ends[1:])):
        result[b, : last - first] = x[first: last]
    return result, mask


def packed(q, k, v, cu_q, cu_k, **options):
    """By padding, and back."""
    torch = double_torch()
    pq, mask_q = padded(q, cu_q, int(cu_q.diff().max()))
    pk, mask_k = padded(k, cu_k, int(cu_k.diff().max()))
    pv, _ = padded(v, cu_k, int(cu_k.diff().max()))
    po, plse = flash_attention(pq, pk, pv, query_padding_mask=mask_q,
                               key_padding_mask=mask_k, **options)
    o = torch.full((*q.shape[:2], v.shape[-1]), torch.nan)
    lse = torch.full((q.shape[1], q.shape[0]), torch.nan)
    for b, (first, last) in enumerate(zip(cu_q, cu_q[1:])):
        o[first: last] = po[b, : last - first]
        lse[:, first: last] = plse[b, :, : last - first]
    return o, lse


@program("packed-varlen")
def packed_varlen(q, k, v, cu):
    return packed(q, k, v, cu, cu), flash_source(
        "query_padding_mask and key_padding_mask of the padded sequences")


@program("chunked-prefill")
def chunked_prefill(q, k, v, cu_q, cu_k):
    return packed(q, k, v, cu_q, cu_k, causal=True), flash_source(
        "causal=True, query_padding_mask and key_padding_mask of the padded sequences")


@program("attention-backward")
def attention_backward(q, k, v, do, dlse, sink, slopes, bias):
    torch = double_torch()
    wanted = [q, k, v, sink, slopes, bias]
    for x in wanted:
        x.requires_grad_()
    p = torch.arange(4)[:, None] - 1
    pair = bias - slopes[:, None, None] * (p - torch.arange(3)).abs()
    options = dict(scale=0.5, softcap=2.0, attn_bias=pair, causal=True)
    o, _ = flash_attention(q, k, v, learnable_sink=sink, **options)
    # The first query has no keys, and a sum of nothing no gradient.
    _, lse = flash_attention(q[:, 1:], k, v,
                             **{**options, "attn_bias": pair[:, :, 1:]})
    loss = (o[:, 1:] * do[:, 1:]).sum() + (lse * dlse[:, :, 1:]).sum()
    return torch.autograd.grad(loss, wanted), flash_source(
        "the gradients by autograd of sum(do * o) + sum(dlse * lse): softcap=2, "
        "causal=True,\nattn_bias of slopes and bias, learnable_sink for o alone, "
        "queries that have keys")


@program("deepseek-v4-backward")
def deepseek_v4_backward(q, k, e, do, sink, positions):
    torch = double_torch()
    wanted = [q, k, e, sink]
    for x in wanted:
        x.requires_grad_()
    window = additive_mask(q, k, masks().sliding_window_causal_mask_function(4))
    whole = torch.arange(2) < (positions[0, :, None] + 1) // 4
    entries = torch.zeros(1, 1, 10, 2).masked_fill(~whole, -torch.inf)
    kv = torch.cat([k, e], 1)
    o = eager("deepseek_v4", q, kv, kv, torch.cat([window, entries], -1),
              fields={"sinks": sink})
    return torch.autograd.grad((o * do).sum(), wanted), transformers(
        "deepseek_v4", "the gradients by autograd of sum(do * o), where o is that of "
        "eager_attention_forward with sinks over\nkeys and entries, with "
        "sliding_window_causal_mask_function(4) and whole blocks")


def flex(q, k, v, score=None, mask=None, scale=None):
    """PyTorch's FlexAttention on [B, L, H, D], and its lse."""
    from torch.nn.attention import flex_attention as module

    double_torch()
    q, k, v = (x.contiguous() for x in by_head(q, k, v))
    block_mask = mask and module.create_block_mask(
        mask, q.shape[0], q.shape[1], q.shape[2], k.shape[2], device="cpu")
    o, lse = module.flex_attention(q, k, v, score_mod=score, block_mask=block_mask,
                                   scale=scale, enable_gqa=True, return_lse=True)
    return by_head(o)[0], lse


def flex_source(call):
    return said("torch.nn.attention.flex_attention: flex_attention", call)


@program("alibi")
def alibi(q, k, v, slopes):
    torch = double_torch()
    theirs = model("bloom").build_alibi_tensor(torch.ones(1, 2), 112, torch.float64)
    # Each is a power of the first there, and rounded once here.
    assert torch.allclose(theirs[:, 0, 1], slopes, rtol=1e-6)
    offset = k.shape[1] - q.shape[1]
    return flex(q, k, v, lambda x, b, h, i, j: x + slopes[h] * (j - i - offset),
                lambda b, h, i, j: j <= i + offset), flex_source(
        "score_mod=x + slopes[h] * (j - p), causal; the slopes are those of "
        f"{package('transformers')},\nmodels/bloom/modeling_bloom.py: "
        "build_alibi_tensor, in f32")


@program("document")
def document(q, k, v, ids):
    offset = k.shape[1] - q.shape[1]
    return flex(q, k, v, mask=lambda b, h, i, j: (j <= i + offset) & (
        ids[b, j] == ids[b, i + offset])), flex_source(
        "mask_mod=(j <= p) & (ids[b, j] == ids[b, p])")


@program("prefix-lm")
def prefix_lm(q, k, v, n):
    return flex(q, k, v, mask=lambda b, h, i, j: (j <= i) | (j < n[b])), flex_source(
        "mask_mod=(j <= i) | (j < n[b])")


@program("relative-bias")
def relative_bias(q, k, v, table):
    torch = double_torch()
    q, k, v = expanded(q, k, v, 128)
    offset = k.shape[1] - q.shape[1]
    o, _ = flex(q, k, v,
                lambda x, b, h, i, j: x + table[h, (i + offset - j).clamp(0, 127)],
                lambda b, h, i, j: j <= i + offset, 1.0)
    return [o], flex_source(
        "scale=1, score_mod=x + table[h, clamp(p - j, 0, 127)], causal")


@program("bit-mask")
def bit_mask(q, k, v, words):
    return flex(q, k, v, mask=lambda b, h, i, j: (
        words[b, i, j // 32] >> (j % 32)) & 1 == 1), flex_source(
        "mask_mod=bit j of words[b, i]")


@program("pair-bias")
def pair_bias(q, k, v, bias):
    return flash_attention(q, k, v, attn_bias=bias), flash_source("attn_bias=bias")


@program("swin")
def swin(q, k, v, regions, bias):
    torch = double_torch()
    # As a mask of Swin, which adds -100 where the regions differ.
    different = regions[:, None, :, None] != regions[:, None, None, :]
    return [eager("swin", q, k, v, bias + different * -100.0)], transformers(
        "swin", "eager_attention_forward with the bias and a mask of -100 between "
        "regions, as SwinSelfAttention has")
