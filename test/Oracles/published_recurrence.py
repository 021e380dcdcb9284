# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Recurrences by the reference implementations of fla-org/flash-linear-attention and
of state-spaces/mamba."""

import sys
import types

import numpy

from checkouts import REPOSITORIES, arrays, by_head, load, named, said, tensors
from files import Random


def fla(mechanism, function):
    """A function of fla/ops, and the words that say which."""
    return named("fla", f"fla/ops/{mechanism}", function)


def unit(x):
    """As l2norm of fla/modules, with the 1e-6 of the program."""
    return x * (x.pow(2).sum(-1, keepdim=True)
                + float(numpy.float32(1e-6))).rsqrt()


class Arguments:
    """Random operands of a recurrence of 20 tokens."""

    def __init__(self, name, batch=1, tokens=20, heads=2, value_heads=2):
        self.random = Random(name)
        self.batch, self.tokens = batch, tokens
        self.heads, self.value_heads = heads, value_heads

    def keys(self, writes=1, scale=0.5):
        return self.random.bf16(self.batch, self.tokens * writes, self.heads, 8,
                                scale=scale)

    def values(self, writes=1, channels=6):
        return self.random.bf16(self.batch, self.tokens * writes,
                                self.value_heads, channels)

    def log_gate(self, *channels):
        shape = self.batch, self.tokens, self.value_heads, *channels
        return -abs(self.random.f32(*shape, scale=0.5))

    def gate(self, high, *channels, writes=1):
        shape = self.batch, self.tokens * writes, self.value_heads, *channels
        return self.random.generator.uniform(0, high, shape).astype("f")

    def state(self):
        return self.random.f32(self.batch, self.value_heads, 8, 6)


def linear_attention():
    import torch

    function, source = fla("linear_attn/naive.py", "naive_recurrent_linear_attn")
    random = Random("linear-attention")
    arguments = [random.f32(2, 9, 4, 8), random.f32(2, 9, 4, 8),
                 random.f32(2, 9, 4, 6)]
    q, k, v = tensors(*arguments)
    q, k = (torch.nn.functional.elu(x) + 1 for x in (q, k))
    o, (state, normalizer) = function(q, k, v, initial_state=(None, None),
                                      output_final_state=True, normalize=True)
    return arguments, arrays(o, state, normalizer[:, 0]), said(
        source, "naive_recurrent_linear_attn(elu(q) + 1, elu(k) + 1, v, "
        "normalize=True)")


def retnet():
    function, source = fla("retention/naive.py", "naive_retention")
    random = Random("retnet")
    arguments = [random.bf16(1, 20, 4, 8), random.bf16(1, 20, 4, 8),
                 random.bf16(1, 20, 4, 12)]
    o = function(*by_head(*tensors(*arguments)))
    return arguments, arrays(*by_head(o)), said(source, "naive_retention(q, k, v)")


def mamba2():
    import torch

    # What it is compared with in its own test is not there on a CPU.
    for name in ("mamba_ssm", "mamba_ssm.ops", "mamba_ssm.ops.triton",
                 "mamba_ssm.ops.triton.ssd_combined"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["mamba_ssm.ops.triton.ssd_combined"].mamba_chunk_scan_combined = None
    module = load("mamba", "mamba_ssm/modules/ssd_minimal.py")
    random = Random("mamba2")
    arguments = [random.f32(1, 20, 4, 6), random.f32(1, 20, 1, 8, scale=0.5),
                 random.f32(1, 20, 1, 8), random.f32(1, 20, 4),
                 random.f32(4), random.f32(4, scale=0.5), random.f32(4),
                 random.f32(1, 4, 6, 8)]
    x, b, c, raw, bias, a_log, d, state = tensors(*arguments)
    dt = torch.nn.functional.softplus(raw + bias)
    b, c = (y.repeat_interleave(4, dim=2) for y in (b, c))
    o, final = module.ssd_minimal_discrete(
        x * dt[..., None], -torch.exp(a_log) * dt, b, c, 5, state[:, None])
    source = (f"{REPOSITORIES['mamba'][1]},\n"
              "mamba_ssm/modules/ssd_minimal.py: ssd_minimal_discrete")
    return arguments, arrays(o + d[:, None] * x, final), said(
        source, "ssd_minimal_discrete(x * dt, -exp(a_log) * dt, b, c, 5, state) "
        "+ d * x,\ndt = softplus(dt_raw + dt_bias)")


def gla():
    function, source = fla("gla/naive.py", "naive_recurrent_gla")
    make = Arguments("gla")
    arguments = [make.keys(scale=1), make.keys(), make.values(),
                 make.log_gate(8), make.state()]
    q, k, v, g, state = tensors(*arguments)
    return arguments, arrays(*function(q, k, v, g, state, True)), said(
        source, "naive_recurrent_gla(q, k, v, g, state, True)")


def hgrn2():
    import torch

    function, source = fla("gla/naive.py", "naive_recurrent_gla")
    random = Random("hgrn2")
    arguments = [random.f32(1, 20, 2, 8), random.f32(1, 20, 2, 8),
                 random.f32(1, 20, 2, 6), random.f32(1, 2, 8, 6)]
    q, forget, i, state = tensors(*arguments)
    g = torch.nn.functional.logsigmoid(forget)
    results = function(q, 1 - g.exp(), i, g, state, True)
    return arguments, arrays(*results), said(
        source, "naive_recurrent_gla(q, 1 - exp(g), i, g, state, True), "
        "g = logsigmoid(forget), as fla/layers/hgrn2.py does")


def rwkv6():
    function, source = fla("rwkv6/recurrent_naive.py", "naive_recurrent_rwkv6")
    make = Arguments("rwkv6")
    arguments = [make.keys(scale=1), make.keys(), make.values(),
                 make.log_gate(8), make.random.f32(2, 8), make.state()]
    q, k, v, w, u, state = tensors(*arguments)
    o, final = function(*by_head(q, k, v, w), u, 1.0, state, True)
    return arguments, arrays(*by_head(o), final), said(
        source, "naive_recurrent_rwkv6(r, k, v, w, u, 1.0, state, True)")


def rwkv7():
    function, source = fla("generalized_delta_rule/dplr/naive.py", "dplr_recurrence")
    make = Arguments("rwkv7")
    arguments = [make.keys(scale=1), make.keys(), make.values(),
                 make.keys(), make.keys(), make.log_gate(8), make.state()]
    q, k, v, a, b, w, state = tensors(*arguments)
    # It scales queries, which this mechanism does not.
    o, final = function(*by_head(q * 8 ** 0.5, k, v, a, b, w), state)
    return arguments, arrays(*by_head(o), final), said(
        source, "dplr_recurrence(8^(1/2) r, k, v, a, b, w, state)")


def deltanet():
    function, source = fla("delta_rule/naive.py", "delta_rule_recurrence")
    make = Arguments("deltanet")
    arguments = [make.keys(scale=1), make.keys(scale=0.3), make.values(),
                 make.gate(1), make.state()]
    q, k, v, beta, state = tensors(*arguments)
    o, final = function(*by_head(q, k, v, beta), state)
    return arguments, arrays(*by_head(o), final), said(
        source, "delta_rule_recurrence(q, k, v, beta, state)")


def deltaproduct():
    function, source = fla("gated_delta_product/naive.py",
                           "naive_recurrent_gated_delta_product")
    make = Arguments("deltaproduct", tokens=8)
    arguments = [make.keys(scale=1), make.keys(writes=3, scale=0.3),
                 make.values(writes=3), make.log_gate(),
                 make.gate(2, writes=3), make.state()]
    q, k, v, g, beta, state = tensors(*arguments)
    # It takes queries as they are.
    results = function(q * 8 ** -0.5, k, v, g, beta, None, None, state, True, 3)
    return arguments, arrays(*results), said(
        source, "naive_recurrent_gated_delta_product(8^(-1/2) q, k, v, g, beta, "
        "None,\nNone, state, True, 3)")


def gated(q, k, v, g, beta, state):
    """The reference has as many heads of keys as of values."""
    function, source = fla("gated_delta_rule/naive.py",
                           "naive_recurrent_gated_delta_rule")
    q, k = (unit(x).repeat_interleave(2, dim=2) for x in (q, k))
    return function(q, k, v, beta, g, None, state, True), source


def gated_deltanet():
    import torch

    make = Arguments("gated-deltanet", value_heads=4)
    random = make.random
    arguments = [make.keys(), make.keys(), make.values(), random.f32(1, 20, 4),
                 random.f32(1, 20, 4), random.f32(4, scale=0.5), random.f32(4),
                 make.state()]
    q, k, v, a, b, a_log, dt_bias, state = tensors(*arguments)
    g = -a_log.exp() * torch.nn.functional.softplus(a + dt_bias)
    results, source = gated(q, k, v, g, b.sigmoid(), state)
    return arguments, arrays(*results), said(
        source, "naive_recurrent_gated_delta_rule(l2norm(q), l2norm(k), v, "
        "sigmoid(b), g,\nNone, state, True), g = -exp(a_log) softplus(a + dt_bias), "
        "heads of keys repeated")


def gated_deltanet_backward():
    make = Arguments("gated-deltanet-backward", tokens=10, value_heads=4)
    random = make.random
    arguments = [random.f32(1, 10, 2, 8), random.f32(1, 10, 2, 8),
                 random.f32(1, 10, 4, 6), make.log_gate(), make.gate(1),
                 make.state(), random.f32(1, 10, 4, 6), random.f32(1, 4, 8, 6)]
    *operands, grad_o, grad_state = tensors(*arguments)
    for operand in operands:
        operand.requires_grad_()
    (o, final), source = gated(*operands)
    ((o * grad_o).sum() + (final * grad_state).sum()).backward()
    return arguments, arrays(*(x.grad for x in operands)), said(
        source, "the gradients by autograd of sum(grad_o * o) + sum(grad_final_state "
        "* state),\no and state of naive_recurrent_gated_delta_rule(l2norm(q), "
        "l2norm(k), v, beta, g,\nNone, state, True), heads of keys repeated")


def kda():
    function, source = fla("kda/naive.py", "naive_recurrent_kda")
    make = Arguments("kda", value_heads=4)
    arguments = [make.keys(), make.keys(), make.values(), make.log_gate(8),
                 make.gate(1), make.state()]
    q, k, v, g, beta, state = tensors(*arguments)
    results = function(unit(q), unit(k), v, g, beta, None, state, True)
    return arguments, arrays(*results), said(
        source, "naive_recurrent_kda(l2norm(q), l2norm(k), v, g, beta, None, state, "
        "True)")


def gdn2():
    function, source = fla("gdn2/naive.py", "naive_recurrent_gdn2")
    make = Arguments("gdn2")
    arguments = [make.keys(scale=1), make.keys(scale=0.3), make.values(),
                 make.log_gate(8), make.gate(2, 8), make.gate(1, 6), make.state()]
    q, k, v, g, b, w, state = tensors(*arguments)
    results = function(q, k, v, g, b, w, None, state, True)
    return arguments, arrays(*results), said(
        source, "naive_recurrent_gdn2(q, k, v, g, b, w, None, state, True)")


def comba():
    function, source = fla("comba/naive.py", "naive_recurrent_comba")
    make = Arguments("comba")
    arguments = [make.keys(scale=1), make.keys(scale=0.3), make.values(),
                 make.keys(scale=0.3), make.log_gate(), make.gate(1), make.state()]
    q, k, v, p, g, beta, state = tensors(*arguments)
    results = function(q, k, v, p, beta, g, None, state, True)
    return arguments, arrays(*results), said(
        source, "naive_recurrent_comba(q, k, v, p, beta, g, None, state, True)")


PROGRAMS = {
    "linear-attention": linear_attention,
    "retnet": retnet,
    "mamba2": mamba2,
    "gla": gla,
    "hgrn2": hgrn2,
    "rwkv6": rwkv6,
    "rwkv7": rwkv7,
    "deltanet": deltanet,
    "deltaproduct": deltaproduct,
    "gated-deltanet": gated_deltanet,
    "gated-deltanet-backward": gated_deltanet_backward,
    "kda": kda,
    "gdn2": gdn2,
    "comba": comba,
}
