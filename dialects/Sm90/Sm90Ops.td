//===- Sm90Ops.td - Operations of the sm90 dialect ----------*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_SM90_SM90OPS_TD
#define ATTN_SM90_SM90OPS_TD

include "Sm90/Sm90Dialect.td"
include "mlir/Dialect/LLVMIR/LLVMOpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/FunctionInterfaces.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

class Sm90_Op<string mnemonic, list<Trait> traits = []>
    : Op<Sm90_Dialect, mnemonic, traits>;

/// The op demands layouts of its fragments, which are listed once, in
/// `getFixedLayouts`. Fragments without a layout are left to inference.
def Sm90_FixedLayouts : NativeOpTrait<"FixedLayouts"> {
  let cppNamespace = "::mlir::sm90";
}

def Sm90_Fragment : RankedTensorOf<[BF16, F16, F32, I1]>;
def Sm90_Matrix : 2DTensorOf<[BF16, F16, F32]>;
def Sm90_Scores : 2DTensorOf<[F32]>;
def Sm90_RowStats : 1DTensorOf<[F32]>;
def Sm90_Memory : AnyTypeOf<[Sm90_BufferType, Sm90_StageType]>;

//===----------------------------------------------------------------------===//
// Kernels and roles
//===----------------------------------------------------------------------===//

def Sm90_KernelOp : Sm90_Op<"kernel", [
    DeclareOpInterfaceMethods<OpAsmOpInterface, ["getAsmBlockArgumentNames"]>,
    FunctionOpInterface, IsolatedFromAbove, AffineScope, AutomaticAllocationScope]> {
  let summary = "a kernel of one thread block";
  let description = [{
    `tensors` lists what a launch binds, `instances` the counts whose product is
    the number of program instances. An argument is a tensor map or a pointer of
    the tensor that `sm90.tensor` names by its number, or of its axis `sm90.axis`,
    as an index, the size, and, as an i64, the stride. A pointer with `sm90.counter` leads to an i32 that
    is zero at the start of a launch, and has to be at its end.

    The body allocates buffers and barriers and ends in one `sm90.warp_roles`, or
    in one `sm90.warps` where the schedule has no roles. A pointer with
    `sm90.alignment` is a multiple of so many bytes, and so are the strides of its
    tensor but for the innermost one.
    `shared_memory` is assigned by `sm90-assign-shared-memory`.

    | constraint | rule |
    |---|---|
    | C1 | every argument is a tensor map, a `!llvm.ptr<1>`, an index or an i64 |
    | C2 | `sm90.tensor` of every argument that is no counter is a number below the number of tensors; an index and an i64 have `sm90.axis`, below the rank of the tensor |
    | C3 | the body holds exactly one `sm90.warp_roles`, or `sm90.warps` where the schedule has no roles |
    | C4 | there are no results |
    | C5 | every size of an extent is of an axis of a tensor |
    | C6 | where `shared_memory` is given, all that takes shared memory has an offset |
    | C7 | `sm90.alignment` is a power of two, of a pointer to a tensor |
  }];
  let arguments = (ins
    SymbolNameAttr:$sym_name,
    TypeAttrOf<FunctionType>:$function_type,
    Sm90_ScheduleAttr:$schedule,
    TypedArrayAttrBase<Sm90_TensorAttr, "tensors">:$tensors,
    TypedArrayAttrBase<Sm90_ExtentAttr, "extents">:$instances,
    OptionalAttr<I64Attr>:$shared_memory,
    OptionalAttr<DictArrayAttr>:$arg_attrs,
    OptionalAttr<DictArrayAttr>:$res_attrs);
  let regions = (region SizedRegion<1>:$body);
  let hasCustomAssemblyFormat = 1;
  let hasVerifier = 1;
  let hasRegionVerifier = 1;
  let extraClassDeclaration = [{
    ::llvm::ArrayRef<::mlir::Type> getArgumentTypes() {
      return getFunctionType().getInputs();
    }
    ::llvm::ArrayRef<::mlir::Type> getResultTypes() {
      return getFunctionType().getResults();
    }
    ::mlir::Region *getCallableRegion() { return &getBody(); }

    /// The names of the argument attributes of a kernel.
    static ::llvm::StringRef getTensorAttrName() { return "sm90.tensor"; }
    static ::llvm::StringRef getAxisAttrName() { return "sm90.axis"; }
    static ::llvm::StringRef getCounterAttrName() { return "sm90.counter"; }
    static ::llvm::StringRef getAlignmentAttrName() { return "sm90.alignment"; }

    /// The consumers and, where there are roles, the warpgroups in front of them,
    /// in threads.
    int64_t getThreads() {
      if (getSchedule().getSeparateWarps())
        return 32;
      return 128 * (getSchedule().getFirstConsumer() +
                    getSchedule().getConsumerWarpgroups());
    }
  }];
}

def Sm90_ReturnOp : Sm90_Op<"return", [Pure, Terminator, ReturnLike, HasParent<"KernelOp">]> {
  let summary = "ends a kernel";
  let assemblyFormat = "attr-dict";
}

def Sm90_WarpRolesOp : Sm90_Op<"warp_roles", [
    HasParent<"KernelOp">, SingleBlockImplicitTerminator<"YieldOp">, NoRegionArguments]> {
  let summary = "what the warpgroups of a block do";
  let description = [{
    Barriers are ready for all threads when the roles begin. One thread runs the
    `producer`; every consumer warpgroup runs the `consumer`, and
    `sm90.warpgroup_id` numbers them from 0. Where there are such, another warp of
    the producer's warpgroup runs `numbers`, its last two warps `gates`, and a
    warpgroup of its own, for which the schedule has `auxiliary_registers`, runs the
    `auxiliary`: they fill stages for the others with what they compute ahead.

    ```mlir
    sm90.warp_roles producer {
      ...
    } consumer {
      ...
    }
    ```
    | constraint | rule |
    |---|---|
    | C1 | there is an auxiliary where the schedule has auxiliary_registers, and only there |
  }];
  let regions = (region SizedRegion<1>:$producer, AnyRegion:$numbers,
                        AnyRegion:$gates, AnyRegion:$auxiliary,
                        SizedRegion<1>:$consumer);
  let assemblyFormat = [{
    `producer` $producer (`numbers` $numbers^)? (`gates` $gates^)?
    (`auxiliary` $auxiliary^)?
    `consumer` $consumer attr-dict
  }];
  let hasRegionVerifier = 1;
}

def Sm90_WarpsOp : Sm90_Op<"warps", [
    HasParent<"KernelOp">, SingleBlockImplicitTerminator<"YieldOp">, NoRegionArguments]> {
  let summary = "what all warps of a block do";
  let description = [{
    In a kernel without roles.

    ```mlir
    sm90.warps {
      ...
    }
    ```
  }];
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$body attr-dict";
}

def Sm90_YieldOp : Sm90_Op<"yield", [
    Pure, Terminator, ReturnLike,
    ParentOneOf<["WarpRolesOp", "WarpsOp", "MaskOp", "EvaluateMaskOp", "ScoreOp",
                 "FindExtremesOp", "FindReachOp"]>]> {
  let summary = "ends a region";
  let arguments = (ins Variadic<AnyType>:$values);
  let builders = [OpBuilder<(ins), [{ /* no operands */ }]>];
  let assemblyFormat = "($values^ `:` type($values))? attr-dict";
}

def Sm90_BlockIdOp : Sm90_Op<"block_id", [Pure]> {
  let summary = "the number of the block in the grid";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Sm90_GridSizeOp : Sm90_Op<"grid_size", [Pure]> {
  let summary = "the number of blocks of the grid";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

def Sm90_WarpgroupIdOp : Sm90_Op<"warpgroup_id", [Pure]> {
  let summary = "the number of the consumer warpgroup in the block";
  let results = (outs Index:$result);
  let assemblyFormat = "attr-dict";
}

include "Sm90/Sm90StageOps.td"
include "Sm90/Sm90AccessOps.td"
include "Sm90/Sm90FragmentOps.td"
include "Sm90/Sm90RecurrenceOps.td"

#endif // ATTN_SM90_SM90OPS_TD
