// UNSUPPORTED: sm90
// Without a GPU, --device=cuda fails and --device=auto says what it does.

// RUN: not attn-run %s --device=cuda 2>&1 | FileCheck %s --check-prefix=CUDA
// RUN: attn-run %s 2>&1 | FileCheck %s --check-prefix=AUTO

// CUDA: attn-run: no CUDA driver: libcuda.so.1
// AUTO: attn-run: no GPU is used: no CUDA driver: libcuda.so.1
// AUTO: device: the CPU, by the reference interpreter in double precision

func.func @attention(%x: tensor<1x2x1x4xf32>) -> tensor<1x2x1x4xf32> {
  %kv = attn.kv.dense %x, %x : tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>
  %o = attn.attention %x, %kv
      : tensor<1x2x1x4xf32>,
        !attn.kv<tensor<1x2x1x4xf32>, tensor<1x2x1x4xf32>>
      -> tensor<1x2x1x4xf32>
  return %o : tensor<1x2x1x4xf32>
}
