//===- TileInterpreter.h - Runs the tile level on the CPU -------*- C++ -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// An interpreter of the tile dialect, written to be read. It computes in the
// precision that the ops name, so that the tile level is compared with the
// reference without a GPU.
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_REFERENCE_TILEINTERPRETER_H
#define ATTN_REFERENCE_TILEINTERPRETER_H

#include "Tile/Tile.h"
#include "attn/Reference/Reference.h"

namespace mlir::attn::reference {

/// Runs all instances of `kernel`. `inputs` are the arguments without
/// `tile.output`, in order, and hold values of their element type; the others
/// are returned, in order. Their dynamic sizes are those of the inputs with the
/// same number in `tile.symbols`. An element that the kernel does not write is
/// NaN, or that of the input which the output updates. `threads` = 0 takes
/// every core of the host. Emits a diagnostic where the inputs do not fit or
/// where an op does not keep its contract.
FailureOr<std::vector<Tensor>>
runTile(tile::KernelOp kernel, ArrayRef<Tensor> inputs, unsigned threads = 0);

/// Runs several kernels in order. `inputs` and results are those of the last
/// one; the others have tensors of the same names, or write workspaces.
FailureOr<std::vector<Tensor>> runTile(ArrayRef<tile::KernelOp> kernels,
                                       ArrayRef<Tensor> inputs,
                                       unsigned threads = 0);

} // namespace mlir::attn::reference

#endif // ATTN_REFERENCE_TILEINTERPRETER_H
