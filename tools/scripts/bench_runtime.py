# Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the benchmarks share: launches of bundles on PyTorch's tensors, and fair
timing."""

import ctypes as c
import statistics
import time

ROUNDS = 5


class Runtime:
    """The C interface of the runtime, as far as it is needed here."""

    def __init__(self, path):
        pointer, size = c.c_void_p, c.c_size_t
        self.library = c.CDLL(path)
        for name, result, *arguments in (
                ("attnDeviceCreateCuda", pointer, c.c_int, pointer),
                ("attnErrorBorrowMessage", c.c_char_p, pointer),
                ("attnExecutableCreate", pointer, pointer, pointer, size,
                 pointer),
                ("attnExecutableGetWorkspaceSize", pointer, pointer, pointer, size,
                 pointer),
                ("attnExecutableLaunch", pointer, pointer, pointer, size,
                 pointer, pointer, size)):
            function = getattr(self.library, name)
            function.restype, function.argtypes = result, arguments
        self.device = pointer()
        self.check(self.library.attnDeviceCreateCuda(0, c.byref(self.device)))

    def check(self, error):
        if error:
            raise RuntimeError(
                self.library.attnErrorBorrowMessage(error).decode())

    def load(self, bundle):
        """A function that launches the bundle on the current stream."""
        import torch
        executable = c.c_void_p()
        self.check(self.library.attnExecutableCreate(
            self.device, bundle, len(bundle), c.byref(executable)))
        get = c.pythonapi.PyCapsule_GetPointer
        get.restype, get.argtypes = c.c_void_p, [c.py_object, c.c_char_p]

        def prepare(*tensors):
            capsules = [tensor.__dlpack__() for tensor in tensors]
            pointers = (c.c_void_p * len(capsules))(
                *(get(capsule, b"dltensor") for capsule in capsules))
            needed = c.c_size_t()
            self.check(self.library.attnExecutableGetWorkspaceSize(
                executable, pointers, len(capsules), c.byref(needed)))
            workspace = torch.empty(needed.value, dtype=torch.uint8, device="cuda")

            def launch():
                assert capsules
                self.check(self.library.attnExecutableLaunch(
                    executable, pointers, len(capsules),
                    torch.cuda.current_stream().cuda_stream,
                    workspace.data_ptr() if needed.value else None, needed.value))
            return launch
        return prepare


class Contest:
    """Contestants that take turns, each a graph of some milliseconds."""

    def __init__(self, milliseconds=20, rounds=ROUNDS):
        self.graphs = {}
        self.seconds, self.rounds = milliseconds / 1000, rounds

    def add(self, name, launch):
        import torch
        for _ in range(3):
            launch()
        torch.cuda.synchronize()
        start = time.perf_counter()
        for _ in range(5):
            launch()
        torch.cuda.synchronize()
        count = max(1, int(self.seconds * 5 / (time.perf_counter() - start)))
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            for _ in range(count):
                launch()
        # What the graph reads and writes lives as long as the launch.
        self.graphs[name] = graph, count, launch

    def run(self, pause):
        """The median milliseconds of each contestant."""
        import torch
        times = {name: [] for name in self.graphs}
        for _ in range(self.rounds):
            for name, (graph, count, _) in self.graphs.items():
                begin, end = (torch.cuda.Event(enable_timing=True)
                              for _ in range(2))
                torch.cuda.synchronize()
                time.sleep(pause)
                begin.record()
                graph.replay()
                end.record()
                end.synchronize()
                times[name].append(begin.elapsed_time(end) / count)
        return {name: statistics.median(t) for name, t in times.items()}
