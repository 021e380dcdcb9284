# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Published reference code, as files of checkouts that variables of the environment
name, or as installed packages: torch, transformers, einops, keras (with
KERAS_BACKEND=torch), linformer, performer-pytorch and pytest. It runs on the CPU in double precision: `torch.float`
and `Tensor.float`, to which it converts everything, are made to mean it."""

import contextlib
import importlib
import importlib.metadata
import importlib.util
import os
import pathlib
import sys
import types

import numpy

from files import numbers

# The variable, and what it names.
REPOSITORIES = {
    "fla": ("FLASH_LINEAR_ATTENTION", "fla-org/flash-linear-attention at "
            "bc3b101dcb713ddc5bd8924b66754eb68b5ccf89"),
    "mamba": ("MAMBA",
              "state-spaces/mamba at e9594ce1c732d97440f0332fdc43170a2294dbfa"),
    "flash-attention": ("FLASH_ATTENTION", "Dao-AILab/flash-attention at "
                        "0251105a2fb19d2957484b7f023cd8c115286ced"),
    "flashinfer": ("FLASHINFER", "flashinfer-ai/flashinfer at "
                   "fb28d7242b3506a2348265962041acc1fb56cca4"),
    "flashmla": ("FLASHMLA", "deepseek-ai/FlashMLA at "
                 "9241ae3ef9bac614dd25e45e507e089f888280e0"),
    "deepseek-v3": ("DEEPSEEK_V3", "deepseek-ai/DeepSeek-V3 at "
                    "9b4e9788e4a3a731f7567338ed15d3ec549ce03b"),
    "deepseek-v32": ("DEEPSEEK_V32", "deepseek-ai/DeepSeek-V3.2-Exp at "
                     "3b99a5350d260b7c2a357e82362305509e2d0724"),
    "deepgemm": ("DEEPGEMM", "deepseek-ai/DeepGEMM at "
                 "54e22612409371d6364144b69086735beb54e98b"),
    "msa": ("MSA",
            "MiniMax-AI/MSA at a67238686ca704e1bbe0a1098ed11c9857565f4e"),
    "moba": ("MOBA", "MoonshotAI/MoBA at 61e456bc956c5a25fd9c84e5496b661329cb1b72"),
    "kivi": ("KIVI", "jy-yuan/KIVI at 876b4d2d08e3b1d5f70d0969c299d8c7c42ddfb6"),
    "sigmoid": ("SIGMOID_ATTENTION", "apple/ml-sigmoid-attention at "
                "9273b493f234ccbb184cab1131010dd0e965d8ce"),
}


def double_torch():
    import torch

    if torch.float is not torch.float64:
        single = torch.float32, torch.Tensor.float
        torch.float = torch.float32 = torch.float64
        torch.Tensor.float = torch.Tensor.double
        torch.set_default_dtype(torch.float64)
        torch.single_precision = single
    return torch


@contextlib.contextmanager
def torch_as_it_is():
    """For code that looks at the bytes of numbers."""
    torch = double_torch()
    torch.float32, torch.Tensor.float = torch.single_precision
    torch.float = torch.float32
    try:
        yield torch
    finally:
        torch.float = torch.float32 = torch.float64
        torch.Tensor.float = torch.Tensor.double


@contextlib.contextmanager
def narrow_as_double():
    """For code that rounds its results to bfloat16 or computes in float16."""
    torch = double_torch()
    kept = torch.bfloat16, torch.float16
    torch.bfloat16 = torch.float16 = torch.float64
    try:
        yield torch
    finally:
        torch.bfloat16, torch.float16 = kept


@contextlib.contextmanager
def without_devices():
    """For code that names a GPU where it makes tensors."""
    torch = double_torch()
    names = ("arange", "empty", "zeros")
    kept = [getattr(torch, name) for name in names]

    def on_cpu(make):
        return lambda *sizes, device=None, **options: make(*sizes, **options)

    for name, make in zip(names, kept):
        setattr(torch, name, on_cpu(make))
    try:
        yield torch
    finally:
        for name, make in zip(names, kept):
            setattr(torch, name, make)


def stand_ins(**modules):
    """Modules that published code imports and a CPU has not, and what it takes from
    them. None of it is called."""
    for name, names in modules.items():
        module = types.ModuleType(name.replace("__", "."))
        for attribute in names:
            setattr(module, attribute, None)
        sys.modules.setdefault(module.__name__, module)


def load(repository, path, name="published_code"):
    """The module in a file of a checkout, without what it belongs to."""
    double_torch()
    file = pathlib.Path(os.environ[REPOSITORIES[repository][0]]) / path
    spec = importlib.util.spec_from_file_location(name, file)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def named(repository, path, function):
    """A function of a checkout, and the words that say which."""
    source = f"{REPOSITORIES[repository][1]},\n{path}: {function}"
    return getattr(load(repository, path), function), source


def said(source, call):
    torch = double_torch()
    return (f"{source}, on the CPU in float64 with PyTorch {torch.__version__}:\n"
            f"{call}")


def package(name):
    """The name of an installed package with its version."""
    return f"{name} {importlib.metadata.version(name)}"


def tensors(*arguments):
    torch = double_torch()
    return [torch.from_numpy(numpy.ascontiguousarray(numbers(a))) for a in arguments]


def arrays(*results):
    return [x.detach().contiguous().numpy() for x in results]


def by_head(*xs):
    """[B, T, H, ...] to [B, H, T, ...] and back."""
    return [x.transpose(1, 2) for x in xs]


def agree(name, results, expected):
    """Published code and the formula of our own say the same, or one is wrong."""
    assert len(results) == len(expected), name
    for number, (result, other) in enumerate(zip(results, expected)):
        same = numpy.allclose(result, numpy.broadcast_to(other, result.shape),
                              rtol=1e-9, atol=1e-10, equal_nan=True)
        assert same, f"{name}: result {number} of published code is not the formula's"


def published(*modules):
    """An empty table of programs, and the decorator that enters a function from
    tensors to results and their source. The arguments are those of the formula in one
    of `modules`, with which the results have to agree."""
    table = {}

    def program(name):
        formula = next(m.PROGRAMS[name] for m in modules if name in m.PROGRAMS)

        def register(function):
            def run():
                arguments, expected = formula()
                results, source = function(*tensors(*arguments))
                results = [x if isinstance(x, numpy.ndarray) else arrays(x)[0]
                           for x in results]
                agree(name, results, expected)
                return arguments, results, source

            table[name] = run
            return function

        return register

    return table, program
