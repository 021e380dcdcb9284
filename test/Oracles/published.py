# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dense attention by PyTorch's own kernels."""

from files import Random, numbers


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


PROGRAMS = {
    "mha": mha,
    "llama3-70b-prefill": llama3_70b_prefill,
    "mqa": mqa,
    "cross-attention": cross_attention,
}
