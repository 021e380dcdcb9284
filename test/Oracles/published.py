# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The programs whose numbers come from published code."""

import importlib.util
import pathlib
import sys
import types

from files import Random, i32, numbers


def torch_source(call):
    import torch

    return (f"PyTorch {torch.__version__} on the CPU in float64:\n{call}\n"
            "on [B, H, L, D]; heads of keys repeated by repeat_interleave where there"
            "\nare fewer of them.")


def flash_attention_for_cpu(arguments, is_causal):
    """The output and the lse of PyTorch's own kernel."""
    import torch

    q, k, v = (torch.from_numpy(numbers(a)).transpose(1, 2) for a in arguments)
    k, v = (x.repeat_interleave(q.shape[1] // x.shape[1], dim=1) for x in (k, v))
    o, lse = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        q, k, v, 0.0, is_causal)
    call = ("torch.ops.aten._scaled_dot_product_flash_attention_for_cpu("
            f"q, k, v, 0.0, {is_causal})")
    return (o.transpose(1, 2).contiguous().numpy(), lse.numpy()), torch_source(call)


def qkv(random, queries, keys, heads, key_heads, dim):
    return [random.bf16(1, queries, heads, dim),
            random.bf16(1, keys, key_heads, dim),
            random.bf16(1, keys, key_heads, dim)]


def mha():
    arguments = qkv(Random("mha"), 5, 7, 16, 16, 128)
    return arguments, *flash_attention_for_cpu(arguments, False)


def llama3_70b_prefill():
    arguments = qkv(Random("llama3-70b-prefill"), 4, 4, 64, 8, 128)
    return arguments, *flash_attention_for_cpu(arguments, True)


def mqa():
    arguments = qkv(Random("mqa"), 5, 5, 48, 1, 128)
    return arguments, *flash_attention_for_cpu(arguments, True)


def cross_attention():
    import torch

    arguments = qkv(Random("cross-attention"), 3, 6, 32, 8, 128)
    q, k, v = (torch.from_numpy(numbers(a)).transpose(1, 2) for a in arguments)
    o = torch.nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    call = ("torch.nn.functional.scaled_dot_product_attention(q, k, v, "
            "enable_gqa=True)")
    return arguments, [o.transpose(1, 2).contiguous().numpy()], torch_source(call)


def load_fla(path):
    """A file of flash-linear-attention by itself: the package asks for a GPU."""
    for name in ("fla", "fla.ops", "fla.ops.utils", "fla.ops.utils.pooling"):
        sys.modules.setdefault(name, types.ModuleType(name))
    sys.modules["fla.ops.utils"].prepare_chunk_offsets = None
    sys.modules["fla.ops.utils.pooling"].mean_pooling = None
    file = next(pathlib.Path(root, "fla", path) for root in sys.path
                if pathlib.Path(root, "fla", path).exists())
    spec = importlib.util.spec_from_file_location(file.stem, file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    root = file.parents[len(pathlib.Path(path).parts)]
    version = next(root.glob("fla_core-*.dist-info"))
    return module, version.name.removesuffix(".dist-info").split("-")[1]


def nsa_selection():
    import numpy
    import torch

    random = Random("nsa-selection")
    naive, version = load_fla("ops/nsa/naive.py")
    q = random.f32(2, 18, 4, 16)
    k, v = random.f32(2, 18, 2, 16), random.f32(2, 18, 2, 16)
    means = [numpy.stack([x[:, first: first + 4].mean(1)
                          for first in range(0, 18, 4)], 1) for x in (k, v)]
    positions = i32([range(18)] * 2)
    tq, tk, tv, tmk, tmv = map(torch.from_numpy, (q, k, v, *means))
    o, lse = naive.naive_nsa_compression(tq, tmk, tmv, 4, 0.25)
    blocks = naive.naive_nsa_topk(tq, tmk, 4, 4, 0.25)
    s = naive.naive_nsa_selection(tq, tk, tv, blocks, 4, 0.25)
    # As sets: ours stand in ascending order, padding last.
    order = torch.where(blocks < 0, 99, blocks).sort(-1).values
    order = torch.where(order == 99, -1, order)
    results = [o.numpy(), lse.transpose(1, 2).contiguous().numpy(),
               order.numpy().astype(numpy.int32), s.numpy()]
    source = (f"flash-linear-attention {version}, fla/ops/nsa/naive.py, in float32:\n"
              "naive_nsa_compression(q, k_means, v_means, 4, 0.25),\n"
              "naive_nsa_topk(q, k_means, 4, 4, 0.25), sorted,\n"
              "naive_nsa_selection(q, k, v, blocks, 4, 0.25)")
    return [q, k, v, *means, positions], results, source


PROGRAMS = {
    "nsa-selection": nsa_selection,
    "mha": mha,
    "llama3-70b-prefill": llama3_70b_prefill,
    "mqa": mqa,
    "cross-attention": cross_attention,
}
