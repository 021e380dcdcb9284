//===- AttentionRecurrenceOps.td - Recurrences of the attn dialect -*- tablegen -*-===//
//
// Part of the Attn project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef ATTN_ATTENTION_ATTENTIONRECURRENCEOPS_TD
#define ATTN_ATTENTION_ATTENTIONRECURRENCEOPS_TD

include "Attention/AttentionDialect.td"
include "Attention/AttentionRecurrenceAttrs.td"
include "Attention/AttentionRecurrenceInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

/// What says what a recurrence computes.
defvar Attn_RecurrenceArguments = (ins
  Arg<AnyRankedTensor, "the queries, `[B, T, H, K]` or `[total, H, K]`">:$query,
  Arg<AnyRankedTensor,
      "the keys, `[B, T * M, H, K]` or `[total * M, H, K]`">:$key,
  Arg<AnyRankedTensor,
      "the values, `[B, T * M, HV, V]` or `[total * M, HV, V]`">:$value,
  Arg<Optional<AnyRankedTensor>, "what the state is multiplied by, or its "
      "logarithm: per head, per token, or per token and channel">:$decay,
  Arg<Optional<AnyRankedTensor>,
      "how much is erased: per write, or per write and channel of the key">
    :$erase,
  Arg<Optional<AnyRankedTensor>,
      "what is read to be erased, where it is not the key">:$erase_key,
  Arg<Optional<AnyRankedTensor>,
      "along what it is erased, where it is not minus the key">
    :$erase_direction,
  Arg<Optional<AnyRankedTensor>,
      "how much is written: per write, or per write and channel of the value">
    :$write,
  Arg<Optional<AnyRankedTensor>,
      "the weight of the current key, before it is written, `[H, K]`">:$bonus,
  Arg<Optional<AnyRankedTensor>,
      "the states to start with, `[N, HV, K, V]` or `[N, HV, V, K]`">:$state,
  Arg<Optional<AnyRankedTensor>,
      "the sums of keys to start with, `[N, HV, K]`">:$normalizer,
  Arg<Optional<AnyRankedTensor>,
      "which state of a pool each sequence has, `[B]`">:$slots,
  Arg<Optional<AnyRankedTensor>,
      "where each of the packed sequences begins and the last one ends, "
      "`[B + 1]`">:$cu_seqlens,
  OptionalAttr<F32Attr>:$scale,
  OptionalAttr<F32Attr>:$l2_normalize,
  OptionalAttr<F32Attr>:$denominator,
  DefaultValuedAttr<I64Attr, "1">:$micro_steps,
  UnitAttr:$before_decay
);

defvar Attn_RecurrenceFormat = [{
  $query `,` $key `,` $value
  (`decay` `(` $decay^ `:` type($decay) `)`)?
  (`erase` `(` $erase^ `:` type($erase) `)`)?
  (`erase_key` `(` $erase_key^ `:` type($erase_key) `)`)?
  (`erase_direction` `(` $erase_direction^ `:` type($erase_direction) `)`)?
  (`before_decay` $before_decay^)?
  (`write` `(` $write^ `:` type($write) `)`)?
  (`bonus` `(` $bonus^ `:` type($bonus) `)`)?
  (`denominator` `(` $denominator^ `)`)?
  (`state` `(` $state^ `:` type($state) `)`)?
  (`normalizer` `(` $normalizer^ `:` type($normalizer) `)`)?
  (`slots` `(` $slots^ `:` type($slots) `)`)?
  (`cu_seqlens` `(` $cu_seqlens^ `:` type($cu_seqlens) `)`)?
  (`micro_steps` `(` $micro_steps^ `)`)?
  (`scale` `(` $scale^ `)`)?
  (`l2_normalize` `(` $l2_normalize^ `)`)?
}];

class Attn_RecurrenceOp<string mnemonic> : Attn_Op<mnemonic, [
    Pure, AttrSizedOperandSegments, AttrSizedResultSegments,
    RecurrenceOpInterface]> {
  let hasCanonicalizer = 1;
  let hasVerifier = 1;
}

def RecurrenceOp : Attn_RecurrenceOp<"recurrence"> {
  let summary = "a state that tokens decay, erase from, write to and read";
  let description = [{
    Every sequence `b` and value head `n` has a state `S` of `K x V`, f32, which
    starts as zero or as `state`. Head `h = n / (HV / H)` is that of its queries
    and keys. Token `t` changes the state by up to `M` writes (`micro_steps`, 1
    where it is not given), whose rows of key, value and gates are
    `t * M + m`, and then reads it:

        q = scale * query[b, t, h, :]
        S = diag(alpha) S
        for each write:
          k = key[b, t * M + m, h, :]
          y = write * value[b, t * M + m, n, :]
          r = S^T e                                          (R^V)
          S = S + d r^T + k y^T
        output[b, t, n, :] = S^T q

    What is not given is not there, and which operands there are decides what is
    computed:

    - `decay` gives alpha: per value head (`[HV]`), per token (`[B, T, HV]`), or
      per token and channel (`[B, T, HV, K]`). Its encoding says whether it holds
      factors (`#attn.gate<linear>`) or their natural logarithms
      (`#attn.gate<log>`). Without it alpha is 1.
    - `erase` and `erase_key` give `e = erase * erase_key`, elementwise, where
      erase is 1 or erase_key the key if it is not given. Without both nothing is
      read or erased: `r` is 0.
    - `d` is `erase_direction`, or minus the key: `S = S + k (y - r)^T`, the delta
      rule.
    - `before_decay`: the first write of a token reads `r` from the state in front
      of the decay.
    - `write` is 1 where it is not given. A delta rule of strength `beta` is
      `erase(%beta) write(%beta)`.
    - `bonus`: the output is read from the state in front of the token's decay and
      write, and the token's own write is added to it with a weight per channel:
      `S^T q + (sum_i q_i bonus_i k_i) y`.
    - `denominator(eps)`: there is a second state `z` of `K`, which starts as zero
      or as `normalizer`, decays as `S` does and to which each write adds its key.
      The output is divided by `<q, z> + eps`.
    - `l2_normalize(eps)`: queries, before they are scaled, and keys are
      multiplied by `(sum_i x_i^2 + eps)^-1/2`.
    - `scale` is `K ^ -1/2` where it is not given.
    - `allow_neg_eigval` says that strengths of erasing may be above 1, up to 2: a
      token may turn what the state holds along its key around, and what has been
      rounded away before is not erased with the rest. It changes no result but
      by what is rounded: what computes in fewer bits than f32 takes more.

    The final state is a result where it is asked for. Its encoding, as that of
    the initial one, says which axis is the key's (`#attn.state<key_value>` or
    `#attn.state<value_key>`); the two may differ. A sequence without tokens ends
    with the state that it starts with.

    With `slots`, `state` is a pool: sequence `b` has the state `slots[b]`, and
    the final states are the pool in which those of the sequences are replaced.
    A sequence whose slot is -1 is padding: its output is 0, and no state belongs
    to it. No two sequences have the same slot.

    With `cu_seqlens`, sequences of varying length are packed: token `t` of
    sequence `b` is row `cu_seqlens[b] + t` of query and output, and its writes
    are rows `(cu_seqlens[b] + t) * M + m` of the others. Rows outside of all
    sequences are left as they are.

    With `keep_every(n)`, the states behind each n-th token of a sequence are a
    result as well: `kept_states[b, i]` is the one behind token `(i + 1) n - 1`, or
    of packed sequences that of row `cu_seqlens[b] / n + i`, rounded down, which no
    two sequences share. With n = 1 each token leaves its state, to return to when
    the drafts behind it are rejected. What no token leaves is left as it is; so is
    what belongs to padding.

    Numerics:

    - The state is f32 or better, however it is stored; a log decay of -inf, or a
      linear one of 0, clears it.
    - Decays are applied a step at a time, never as a quotient of products: strong
      decay underflows to 0 and nothing overflows.
    - An erase of 2 is a reflection, of 1 with a unit key an exact replacement.
    - With l2_normalize a row of zeros is a row of zeros, if its eps is not 0.

    Source: GLA, arXiv 2312.06635; DeltaNet 2406.06484; Gated DeltaNet 2412.06464;
    KDA 2510.26692; RWKV-7 2503.14456; Mamba-2 2405.21060; Lightning 2501.08313;
    linear attention 2006.16236.

    - (C1) query is `[B, T, H, K]`, or `[total, H, K]` with `cu_seqlens`, of bf16,
      f16 or f32; heads and channels are static and positive.
    - (C2) key is as query, but for `M` times as many rows.
    - (C3) value has the rows and the element type of key; its heads are a
      multiple of those of key; heads and channels are static and positive.
    - (C4) output is `[B, T, HV, V]`, or `[total, HV, V]`, of the same element
      type.
    - (C5) decay is `[HV]`, `[B, T, HV]` or `[B, T, HV, K]` (packed `[HV]`,
      `[total, HV]` or `[total, HV, K]`) of f32 with the encoding `#attn.gate`.
    - (C6) erase has the rows of key and `[HV]` or `[HV, K]` after them; write has
      `[HV]` or `[HV, V]`; both are f32, or of channels and the type of key.
    - (C7) erase_key and erase_direction are as key, with `H` or `HV` heads.
    - (C8) erase_direction and `before_decay` come with erase or erase_key.
    - (C9) bonus is `[H, K]` of f32, and comes with a single write that erases
      nothing.
    - (C10) `denominator` is finite and not negative, and comes without erase,
      erase_key, write and bonus; normalizer comes with it.
    - (C11) state is `[N, HV, K, V]` or `[N, HV, V, K]`, as its encoding
      `#attn.state` says, of bf16, f16 or f32; normalizer is `[N, HV, K]` of f32.
      `N` is `B`, or any number with slots.
    - (C12) the final state is as (C11) says, and with slots of the type of state;
      the final normalizer is as normalizer, and comes with `denominator`.
    - (C13) slots is `[B]` of i32, and comes with state; with `denominator`, with
      normalizer too.
    - (C14) `cu_seqlens` is `[B + 1]` of i32.
    - (C15) scale is finite, `l2_normalize` finite and not negative, and there is
      at least one micro-step.
    - (C16) no operand but decay and state has an encoding.
    - (C17) the kept states are `[B, T / n, HV, K, V]` or `[B, T / n, HV, V, K]`,
      or `[total / n, ...]` with `cu_seqlens`, rounded down, otherwise as (C11)
      says; they come with `keep_every`, which is positive, and without
      `denominator`.
    - (C18) `allow_neg_eigval` comes with erase, and without erase_direction.

    Examples:

    ```mlir
    // Gated DeltaNet: a decay and a delta rule per token.
    %o, %s = attn.recurrence %q, %k, %v
        decay(%g : tensor<?x?x32xf32, #attn.gate<log>>)
        erase(%beta : tensor<?x?x32xf32>) write(%beta : tensor<?x?x32xf32>)
        state(%s0 : tensor<?x32x128x128xf32, #attn.state<key_value>>)
        l2_normalize(1.0e-06)
        : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>,
          tensor<?x?x32x128xbf16>
        -> tensor<?x?x32x128xbf16>
           state(tensor<?x32x128x128xf32, #attn.state<key_value>>)

    // Four drafts, any of which may be the last one that is accepted.
    %d, %states = attn.recurrence %qd, %kd, %vd
        decay(%gd : tensor<?x4x32xf32, #attn.gate<log>>)
        state(%s0 : tensor<?x32x128x128xf32, #attn.state<key_value>>)
        keep_every(1)
        : tensor<?x4x16x128xbf16>, tensor<?x4x16x128xbf16>,
          tensor<?x4x32x128xbf16>
        -> tensor<?x4x32x128xbf16>
           kept(tensor<?x4x32x128x128xf32, #attn.state<key_value>>)

    // Linear attention with a denominator.
    %y = attn.recurrence %q, %k, %v denominator(1.0e-10)
        : tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>, tensor<?x?x8x64xf32>
        -> tensor<?x?x8x64xf32>
    ```
  }];
  let arguments = !con(Attn_RecurrenceArguments, (ins
    OptionalAttr<I64Attr>:$keep_every,
    UnitAttr:$allow_neg_eigval
  ));
  let results = (outs
    Res<AnyRankedTensor,
        "what the tokens read, `[B, T, HV, V]` or `[total, HV, V]`">:$output,
    Res<Optional<AnyRankedTensor>, "the states at the end">:$final_state,
    Res<Optional<AnyRankedTensor>, "the sums of keys at the end">
      :$final_normalizer,
    Res<Optional<AnyRankedTensor>,
        "the states behind every n-th token, `[B, T / n, HV, K, V]`">
      :$kept_states
  );
  let assemblyFormat = Attn_RecurrenceFormat # [{
    (`keep_every` `(` $keep_every^ `)`)?
    (`allow_neg_eigval` $allow_neg_eigval^)?
    attr-dict `:` type($query) `,` type($key) `,` type($value)
    `->` type($output) (`state` `(` type($final_state)^ `)`)?
    (`normalizer` `(` type($final_normalizer)^ `)`)?
    (`kept` `(` type($kept_states)^ `)`)?
  }];
}

def RecurrenceBackwardOp : Attn_RecurrenceOp<"recurrence_backward"> {
  let summary = "the gradients of a recurrence";
  let description = [{
    Of the `attn.recurrence` with the same operands and attributes: the derivative
    of

        sum(output_gradient * output) + sum(state_gradient * final state)
            + sum(normalizer_gradient * final normalizer)

    with respect to each operand for which a result is asked. Gradients that are
    not given are zero. Of a single write without denominator and bonus, from the
    last token to the first, with `G` the gradient of the state:

        grad q = S go                  G = G + q go^T
        grad y = G^T k                 grad k = G y
        grad d = G r                   grad r = G^T d
        grad e = S' grad r             G = G + e (grad r)^T
        grad alpha_i = sum_v G_iv S_iv     G = diag(alpha) G

    where `S'` is the state that `e` read and the last `S` the one before the
    decay. Where `d` is minus the key, `grad k` has `- grad d` as well. An operand
    that is used more than once, a key of several value heads or a decay of all
    tokens, gets the sum.

    The gradient of a decay with `#attn.gate<log>` is the derivative with respect
    to the logarithm. With slots, states of the pool that belong to no sequence end as
    they began, and so do their gradients.

    Numerics:

    - Nothing is divided by a decay: states are kept or computed again from the
      first token.
    - The gradient of a query or key with l2_normalize is that of the row before it
      is normalised.

    Source: the adjoint of the recurrence, token by token; finite differences agree.

    - (C1) the operands and attributes that it shares with `attn.recurrence` are
      as (C1) to (C16) of that say.
    - (C2) output_gradient has the type of the output.
    - (C3) state_gradient and normalizer_gradient are as (C12) of
      `attn.recurrence` says of the final state and the final normalizer.
    - (C4) each result has the type of its operand, and there is none without one.

    Example:

    ```mlir
    %dq, %dk, %dv, %dg, %de, %dw = attn.recurrence_backward %q, %k, %v
        decay(%g : tensor<?x?x32xf32, #attn.gate<log>>)
        erase(%beta : tensor<?x?x32xf32>) write(%beta : tensor<?x?x32xf32>)
        gradient(%do : tensor<?x?x32x128xbf16>)
        : tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>,
          tensor<?x?x32x128xbf16>
        -> tensor<?x?x16x128xbf16>, tensor<?x?x16x128xbf16>,
           tensor<?x?x32x128xbf16>
           decay(tensor<?x?x32xf32, #attn.gate<log>>)
           erase(tensor<?x?x32xf32>) write(tensor<?x?x32xf32>)
    ```
  }];
  let arguments = !con(Attn_RecurrenceArguments, (ins
    Arg<AnyRankedTensor, "the gradient of the output">:$output_gradient,
    Arg<Optional<AnyRankedTensor>, "the gradient of the final state">
      :$state_gradient,
    Arg<Optional<AnyRankedTensor>, "the gradient of the final normalizer">
      :$normalizer_gradient
  ));
  let results = (outs
    Res<AnyRankedTensor, "the gradient of query">:$grad_query,
    Res<AnyRankedTensor, "the gradient of key">:$grad_key,
    Res<AnyRankedTensor, "the gradient of value">:$grad_value,
    Res<Optional<AnyRankedTensor>, "the gradient of decay">:$grad_decay,
    Res<Optional<AnyRankedTensor>, "the gradient of erase">:$grad_erase,
    Res<Optional<AnyRankedTensor>, "the gradient of erase_key">
      :$grad_erase_key,
    Res<Optional<AnyRankedTensor>, "the gradient of erase_direction">
      :$grad_erase_direction,
    Res<Optional<AnyRankedTensor>, "the gradient of write">:$grad_write,
    Res<Optional<AnyRankedTensor>, "the gradient of bonus">:$grad_bonus,
    Res<Optional<AnyRankedTensor>, "the gradient of state">:$grad_state,
    Res<Optional<AnyRankedTensor>, "the gradient of normalizer">
      :$grad_normalizer
  );
  let assemblyFormat = Attn_RecurrenceFormat # [{
    `gradient` `(` $output_gradient `:` type($output_gradient) `)`
    (`state_gradient` `(` $state_gradient^ `:` type($state_gradient) `)`)?
    (`normalizer_gradient` `(` $normalizer_gradient^ `:`
     type($normalizer_gradient) `)`)?
    attr-dict `:` type($query) `,` type($key) `,` type($value)
    `->` type($grad_query) `,` type($grad_key) `,` type($grad_value)
    (`decay` `(` type($grad_decay)^ `)`)?
    (`erase` `(` type($grad_erase)^ `)`)?
    (`erase_key` `(` type($grad_erase_key)^ `)`)?
    (`erase_direction` `(` type($grad_erase_direction)^ `)`)?
    (`write` `(` type($grad_write)^ `)`)?
    (`bonus` `(` type($grad_bonus)^ `)`)?
    (`state` `(` type($grad_state)^ `)`)?
    (`normalizer` `(` type($grad_normalizer)^ `)`)?
  }];
}

#endif // ATTN_ATTENTION_ATTENTIONRECURRENCEOPS_TD
