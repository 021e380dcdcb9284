# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Attention with other weights, scores and positions, and linear attention, by the
code of those who introduced it or of libraries that ship it."""

import math
import types


import dense
import recurrence
import rotary
import variants
from checkouts import (REPOSITORIES, by_head, double_torch, load, named, package,
                       published, said, stand_ins, torch_as_it_is)
from published_softmax import (additive_mask, eager, flash_attention, flash_source,
                               masks, model, scale_of, transformers)

PROGRAMS, program = published(dense, recurrence, rotary, variants)


@program("sigmoid-attention")
def sigmoid_attention(q, k, v):
    torch = double_torch()
    stand_ins(flash_sigmoid=["flash_attn_func", "flash_attn_kvpacked_func",
                             "flash_attn_qkvpacked_func"],
              flash_sigmoid__flash_attn_interface=["_get_block_size_n"])
    # It asks which GPU there is, for tests that are not run here.
    torch.cuda.get_device_capability = lambda device: (0, 0)
    module = load("sigmoid", "flash_sigmoid/tests/test_flash_attn.py")
    o, _ = module.attention_ref(q, k, v, causal=True,
                                sigmoid_bias=scale_of(-7.62461901))
    source = f"{REPOSITORIES['sigmoid'][1]},\nflash_sigmoid/tests/test_flash_attn.py"
    return [o], said(source, "attention_ref(q, k, v, causal=True, "
                     "sigmoid_bias=-7.62461901)")


@program("forgetting")
def forgetting(q, k, v, c):
    torch = double_torch()
    function, source = named("fla", "fla/ops/forgetting_attn/naive.py",
                             "naive_forgetting_attn")
    gates = c.diff(dim=-1, prepend=torch.zeros(1, 16, 1))
    o = function(q, k, v, gates.mT)
    offsets = c[..., :, None] - c[..., None, :]
    _, lse = flash_attention(q, k, v, causal=True, attn_bias=offsets)
    return [o, lse], said(
        source, "naive_forgetting_attn(q, k, v, gates), gates the differences of c."
        "\nThe lse: " + flash_source("causal=True, attn_bias=c_i - c_j"))


@program("differential")
def differential(q1, k1, q2, k2, v, lambdas):
    torch = double_torch()
    # The first half of the heads belongs to the one softmax, the second to the other;
    # values are split, the half of the channels first.
    q, k = torch.cat([q1, q2], 2), torch.cat([k1, k2], 2)
    v = torch.cat(v.chunk(2, dim=-1), 2)
    init = scale_of(0.2)
    self = types.SimpleNamespace(
        head_dim=64, num_key_value_groups=1, scaling=64 ** -0.5, training=False,
        config=types.SimpleNamespace(_attn_implementation="eager"),
        q_proj=lambda x: q.flatten(2), k_proj=lambda x: k.flatten(2),
        v_proj=lambda x: v.flatten(2), o_proj=lambda x: x, lambda_init=init,
        lambda_q1=lambdas[0], lambda_k1=lambdas[1], lambda_q2=lambdas[2],
        lambda_k2=lambdas[3],
        groupnorm=torch.nn.RMSNorm(128, eps=scale_of(1e-5), elementwise_affine=False))
    still = torch.ones(1, 5, 64), torch.zeros(1, 5, 64)
    mask = additive_mask(q, k, masks().causal_mask_function)
    o, _ = model("diffllama").DiffLlamaAttention.forward(
        self, q.flatten(2), still, mask)
    # It takes its last factor from its first; the program has both in f32.
    o = o * (scale_of(0.8) / (1 - init))
    return [o.view(1, 5, 2, 128)], transformers(
        "diffllama", "DiffLlamaAttention.forward of layer 0; projections and rotation "
        "left out, 0.2 and 0.8 in f32")


@program("lightning")
def lightning(q, k, v, state):
    torch = double_torch()
    attention = model("minimax").MiniMaxLightningAttention
    self = types.SimpleNamespace(
        layer_idx=10, head_dim=8, num_attention_heads=4, num_hidden_layers=80,
        block_size=5, act_fn=torch.nn.functional.silu, norm=lambda x: x,
        qkv_proj=lambda x: torch.cat([q, k, v], -1).flatten(2), out_proj=lambda x: x,
        # A gate that is open.
        output_gate=lambda x: torch.full((2, 12, 32), torch.inf))
    # The decays of the program are f32.
    self.slope_rate = attention.get_slope_rate(self).to(torch.single_precision[0])
    self.slope_rate = self.slope_rate.double()
    self.query_decay, self.key_decay, self.diagonal_decay = attention.decay_factors(
        self, self.slope_rate)
    states = [state]
    cache = types.SimpleNamespace(
        get_linear_cache=lambda layer: states[0],
        set_linear_cache=lambda layer, value: states.append(value))
    o, _ = attention.forward(self, q.flatten(2), None, None, cache)
    return [o.view(2, 12, 4, 8), states[1]], transformers(
        "minimax", "MiniMaxLightningAttention.forward of layer 10 of 80 with a state; "
        "projections, norm and gate left out,\nits slopes in f32")


@program("performer")
def performer(q, k, v, w):
    double_torch()
    stand_ins(local_attention=["LocalAttention"],
              axial_positional_embedding=["AxialPositionalEmbedding"])
    import performer_pytorch.performer_pytorch as module

    q, k, v = by_head(q, k, v)
    eps = scale_of(1e-6)
    # The factor of 8^-1/4 is f32 in the program.
    features = [module.softmax_kernel(scale_of(8 ** -0.25) * x, projection_matrix=w,
                                      is_query=x is q, normalize_data=False, eps=eps)
                for x in (q, k)]
    o = module.causal_linear_attention_noncuda(*features, v, chunk_size=4, eps=0.0)
    return by_head(o), said(
        f"{package('performer-pytorch')}, performer_pytorch.py",
        "softmax_kernel(8^-1/4 x, projection_matrix=w, normalize_data=False, "
        "eps=1e-6) and\n"
        "causal_linear_attention_noncuda(q, k, v, eps=0)")


@program("linformer")
def linformer(q, k, v, e, f):
    double_torch()
    import linformer.linformer as module

    self = types.SimpleNamespace(
        dim_head=16, heads=2, k=3, seq_len=8, share_kv=False, proj_k=e.T, proj_v=f.T,
        to_q=lambda x: q.flatten(2), to_k=lambda x: k.flatten(2),
        to_v=lambda x: v.flatten(2), dropout=lambda x: x, to_out=lambda x: x)
    o = module.LinformerSelfAttention.forward(self, q.flatten(2))
    return [o.view(1, 8, 2, 16)], said(
        f"{package('linformer')}, linformer.py",
        "LinformerSelfAttention.forward; projections of channels left out")


def keras():
    double_torch()
    import keras as module

    module.config.set_floatx("float64")
    return module


@program("luong")
def luong(s, h, w):
    layer = keras().layers.Attention(use_scale=False, score_mode="dot")
    keys = h[:, :, 0]
    o = layer([s @ w, keys, keys])
    return [o[:, :, None]], said(
        f"{package('keras')}, layers/attention/attention.py",
        'Attention(score_mode="dot") of s W, h and h')


@program("bahdanau")
def bahdanau(s, hw, h, w):
    layer = keras().layers.AdditiveAttention(use_scale=True)
    values = h[:, :, 0]
    layer.build([s.shape, values.shape, hw.shape])
    layer.scale.assign(w)
    o = layer([s, values, hw])
    return [o[:, :, None]], said(
        f"{package('keras')}, layers/attention/additive_attention.py",
        "AdditiveAttention(use_scale=True) of s, h and h W, its scale w")


def turned(name, q, k, positions, frequencies, factor=1.0, twice=True):
    """Queries and keys at their positions, by a model's rotation."""
    turns = positions[..., None] * frequencies
    cos, sin = (factor * f() for f in (turns.cos, turns.sin))
    if twice:
        cos, sin = (x.repeat(1, 1, 2) for x in (cos, sin))
    return model(name).apply_rotary_pos_emb(q, k, cos, sin, unsqueeze_dim=2)


@program("rope")
def rope(q, k, v, positions):
    torch = double_torch()
    frequencies = model("qwen3_next").Qwen3NextRotaryEmbedding
    config = types.SimpleNamespace(
        head_dim=32, hidden_size=64, num_attention_heads=2,
        rope_parameters={"rope_theta": 10000.0, "partial_rotary_factor": 0.5})
    inverse, factor = frequencies.compute_default_rope_parameters(config)
    q, k = turned("qwen3_next", q, k, positions, inverse, factor)
    o = eager("qwen3_next", q, k, v,
              additive_mask(q, k, masks().causal_mask_function))
    return [o], transformers(
        "qwen3_next", "compute_default_rope_parameters for half of the channels, "
        "apply_rotary_pos_emb, eager_attention_forward, causal")


@program("streaming-llm-cache")
def streaming_llm_cache(q, k, v, last, places, frequencies):
    q, _ = turned("llama", q, q, last, frequencies)
    k, _ = turned("llama", k, k, places, frequencies)
    return [eager("llama", q, k, v, None)], transformers(
        "llama", "apply_rotary_pos_emb of keys at their places and of the query at "
        "the last one, eager_attention_forward")


@program("yarn")
def yarn(q, k, v, positions):
    torch = double_torch()
    from transformers import modeling_rope_utils

    # The ends of the ramp and the factor are f32 in the program.
    trained = scale_of(20.3718327) * 2 * math.pi * 32
    slow = trained / (2 * math.pi * scale_of(651.898647))
    assert abs(trained - 4096) < 1e-3 and abs(slow - 1) < 1e-6
    config = types.SimpleNamespace(
        head_dim=64, hidden_size=128, num_attention_heads=2, max_position_embeddings=1,
        standardize_rope_params=lambda: None, per_layer_config={},
        rope_parameters={"rope_theta": 150000.0, "factor": 32.0, "truncate": False,
                         "beta_fast": 32.0, "beta_slow": slow,
                         "attention_factor": scale_of(1.34657359),
                         "original_max_position_embeddings": trained})
    inverse, factor = modeling_rope_utils._compute_yarn_parameters(config, "cpu")
    q, k = turned("gpt_oss", q, k, positions, inverse, factor, False)
    sinks = torch.full((2,), -torch.inf)
    o = eager("gpt_oss", q, k, v, additive_mask(q, k, masks().causal_mask_function),
              fields={"sinks": sinks})
    return [o], transformers(
        "gpt_oss", "apply_rotary_pos_emb by _compute_yarn_parameters of "
        "modeling_rope_utils.py with the configuration of gpt-oss\n"
        "(the ends of its ramp and its factor in f32), "
        "eager_attention_forward, causal, sinks of -inf")


@program("mla-expanded")
def mla_expanded(q, k, v):
    mask = additive_mask(q, k, masks().causal_mask_function)
    o = eager("deepseek_v3", q, k, v, mask, 0.135234)
    _, lse = flash_attention(q, k, v, 0.135234, causal=True)
    return [o, lse], transformers(
        "deepseek_v3", "eager_attention_forward, causal.\nThe lse: "
        + flash_source("causal=True"))


@program("cache-write")
def cache_write(k, positions, frequencies, slots, cache, scales):
    torch = double_torch()
    turned_k, _ = turned("llama", k[None], k[None], positions[None], frequencies)
    module = load("deepgemm", "deep_gemm/utils/math.py")
    with torch_as_it_is():
        rows = turned_k.to(torch.float32).view(8, 64)
        data, scale = module.per_token_cast_to_fp8(rows, True, 32)
    kept = slots >= 0
    where = slots[kept].long()
    cache, scales = cache.clone(), scales.clone()
    cache.flatten(0, 1)[where] = data.view(torch.int8).view(4, 2, 64)[kept]
    scales.flatten(0, 1)[where] = scale.double().view(4, 2, 2)[kept]
    source = f"{REPOSITORIES['deepgemm'][1]},\ndeep_gemm/utils/math.py"
    return [cache, scales], said(
        source, "per_token_cast_to_fp8(k, True, 32) in float32 of the keys that "
        f"apply_rotary_pos_emb of {package('transformers')}\n"
        "(models/llama/modeling_llama.py) has turned; the rows of slots replaced")
