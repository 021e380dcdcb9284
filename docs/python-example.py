"""Attention for PyTorch: python3 python-example.py PROGRAM.mlir LIBRARY_FOLDER

Whatever implements __dlpack__ will do; nothing is copied on a GPU."""

import ctypes as c
import sys


def load_library(path, functions):
    library = c.CDLL(path)
    for name, result, *arguments in functions:
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library


P, Z, S = c.c_void_p, c.c_size_t, c.c_char_p
HEAR = c.CFUNCTYPE(None, c.c_int, S, P)
COMPILER = [("attnContextCreate", P, HEAR, P), ("attnProgramCreateParsed", P, P, S, Z, S),
            ("attnProgramCreateBundle", P, P, P), ("attnBytesBorrowData", P, P), ("attnBytesGetSize", Z, P)]
RUNTIME = [("attnDeviceCreateCuda", P, c.c_int, P), ("attnDeviceCreateEmulator", P, c.c_uint64, c.c_bool, P),
           ("attnErrorBorrowMessage", S, P), ("attnExecutableCreate", P, P, P, Z, P),
           ("attnExecutableLaunch", P, P, P, Z, P, P, Z)]
GET = c.pythonapi.PyCapsule_GetPointer
GET.restype, GET.argtypes = P, [c.py_object, S]


class Attention:
    def __init__(self, program, folder, gpu=None):
        compiler = load_library(f"{folder}/libattn-compiler.so.1", COMPILER)
        self.runtime = load_library(f"{folder}/libattn-runtime.so.1", RUNTIME)
        self.hear = HEAR(lambda severity, message, _: print(message.decode(), file=sys.stderr))
        context = compiler.attnContextCreate(self.hear, None)
        parsed = compiler.attnProgramCreateParsed(context, program, len(program), b"program")
        bundle = parsed and compiler.attnProgramCreateBundle(parsed, None)
        if not bundle:
            raise ValueError("the program does not compile")
        device, self.executable = P(), P()
        self.check(self.runtime.attnDeviceCreateEmulator(0, False, c.byref(device)) if gpu is None
                   else self.runtime.attnDeviceCreateCuda(gpu, c.byref(device)))
        self.check(self.runtime.attnExecutableCreate(device, compiler.attnBytesBorrowData(bundle),
                                                     compiler.attnBytesGetSize(bundle), c.byref(self.executable)))

    def check(self, error):
        if error:
            raise RuntimeError(self.runtime.attnErrorBorrowMessage(error).decode())

    def __call__(self, *tensors, stream=None):
        """Runs the program on its inputs and outputs, in this order."""
        capsules = [tensor.__dlpack__() for tensor in tensors]
        pointers = (P * len(capsules))(*(GET(capsule, b"dltensor") for capsule in capsules))
        self.check(self.runtime.attnExecutableLaunch(self.executable, pointers, len(capsules), stream, None, 0))


if __name__ == "__main__":
    import torch
    gpu = torch.cuda.current_device() if torch.cuda.is_available() else None
    attention = Attention(open(sys.argv[1], "rb").read(), sys.argv[2], gpu)
    with torch.device("cpu" if gpu is None else f"cuda:{gpu}"):
        q, k, v = (torch.randn(1, n, 2, 128, dtype=torch.bfloat16) for n in (70, 130, 130))
        o, lse = torch.empty_like(q), torch.empty(1, 2, 70)
    attention(q, k, v, o, lse, stream=None if gpu is None else torch.cuda.current_stream().cuda_stream)
    print(o.float().norm(), lse.mean())
