"""What a loop can be asked besides: each option takes a loop and gives a loop of its signature.

They compose, and work with every driver: the driver sees only another step and more sequences.

    loop = masked(backwards(truncated(scanned, 20)), mask)

Options read from the inside out. `masked` and `truncated` add a sequence of their own, which an
option inside of them treats like any other: here the mask is read backwards too, and the gradient
is cut every 20 steps of the reversed sequence.
"""

from collections.abc import Sequence
from typing import Any

from graphrnn.errors import ShapeError, UserError
from graphrnn.loops import Loop, scanned
from graphrnn.shapes import Step, Tensor, label, shape_of, show, static, with_shape
from graphrnn.steps import common_time, known, outputs_of

import aesara.tensor as at
import numpy as np
from aesara.gradient import zero_grad

Direction = tuple[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]]
"""Sequences, states and constants of one direction."""


def last(loop: Loop) -> Loop:
    """Give only the last value of each output: `(…)` where the loop gives `(T, …)`.

    Example:
        >>> from graphrnn.shapes import tensor
        >>> x, total = tensor("x", "float32", (4, 2)), at.zeros(2, dtype="float32")
        >>> (sum_,) = last(scanned)(lambda x_t, total_tm1: total_tm1 + x_t, [x], [total])
        >>> sum_.type.shape
        (2,)
    """

    def looped(step: Step, sequences: Any, states: Any, constants: Any = ()) -> list[Tensor]:
        results = loop(step, sequences, states, constants)
        return [with_shape(result[-1], tuple(result.type.shape[1:])) for result in results]

    return looped


def backwards(loop: Loop) -> Loop:
    """Go from the end to the beginning; results stand at the time of what was read there.

    states_t = step(sequences_t, states_{t+1})        t = T-1 … 0

    The last in time of a result is then that after one step, the first that after all of them.
    """

    def looped(step: Step, sequences: Any, states: Any, constants: Any = ()) -> list[Tensor]:
        reversed_ = [_reversed(v) for v in known(sequences)]
        return [_reversed(result) for result in loop(step, reversed_, states, constants)]

    return looped


def _reversed(sequence: Tensor) -> Tensor:
    """Turn a sequence round, its name and shape kept."""
    turned = with_shape(sequence[::-1], tuple(sequence.type.shape))
    turned.name = sequence.name
    return turned


def masked(loop: Loop, mask: Tensor) -> Loop:
    """Let the states stand still where the mask is 0: for sequences of unequal length.

    s_t = step(x_t, s_tm1) where mask[t, b] ≠ 0, else s_tm1

    Shapes: mask `(T, B)`, of any dtype; states `(B, …)`. Extra outputs are what the step computed.

    Raises:
        ShapeError: when the loop is built, the mask does not fit sequences and states.
    """

    def looped(step: Step, sequences: Any, states: Any, constants: Any = ()) -> list[Tensor]:
        states = known(states)
        _require_mask(mask, sequences, states)

        def standing(mask_t: Tensor, *arguments: Tensor) -> list[Tensor]:
            before = arguments[len(sequences) : len(sequences) + len(states)]
            outputs = outputs_of(step(*arguments))
            goes_on = at.neq(mask_t, 0)
            after = [
                at.switch(at.shape_padright(goes_on, new.ndim - 1), new, old)
                for new, old in zip(outputs, before, strict=False)
            ]
            return [*after, *outputs[len(states) :]]

        return loop(standing, [mask, *sequences], states, constants)

    return looped


def _require_mask(mask: Tensor, sequences: Sequence[Tensor], states: Sequence[Tensor]) -> None:
    """Refuse a mask of another shape than (T, B).

    Raises:
        ShapeError: naming what it got and needed.
    """
    needed = (common_time(known(sequences)), *(state.type.shape[0] for state in states[:1]))
    got = shape_of(mask)
    if len(got) != 2 or any(a not in (None, b) for a, b in zip(got, needed, strict=False)):
        raise ShapeError(
            f"mask {label(mask)}: got shape {show(got)}, needed {show(needed)}, "
            "(time, batch) of what is looped; give one 0 or 1 for each moment of each sequence"
        )


def truncated(loop: Loop, gradient_steps: int) -> Loop:
    """Stop the gradient every so many steps, counted from the end; values stay as they are.

    d states_t / d states_tm1 := 0 where T - t is a multiple of gradient_steps

    A last output is so trained through its last `gradient_steps` steps, and an output at every step
    through no more than these. Source: Williams and Peng, "An efficient gradient-based algorithm
    for on-line training of recurrent network trajectories" (1990), section 3, in whole blocks.

    Raises:
        UserError: gradient_steps is less than 1.
    """
    if gradient_steps < 1:
        raise UserError(f"gradient_steps: got {gradient_steps}, needed at least 1")

    def looped(step: Step, sequences: Any, states: Any, constants: Any = ()) -> list[Tensor]:
        sequences = known(sequences)
        time = common_time(sequences)
        cuts = (time - np.arange(time)) % gradient_steps == 0

        def cut(cut_t: Tensor, *arguments: Tensor) -> Any:
            moment, rest = arguments[: len(sequences)], arguments[len(sequences) :]
            before = [at.switch(cut_t, zero_grad(state), state) for state in rest[: len(states)]]
            return step(*moment, *before, *rest[len(states) :])

        return loop(cut, [at.constant(cuts, name="cut"), *sequences], states, constants)

    return looped


def bidirectional(step: Step, ahead: Direction, back: Direction, loop: Loop = scanned) -> Tensor:
    """Read a sequence in both directions and join what both say of each moment.

    h_t = [h→_t, h←_t]

    Shapes: the first output of the step `(B, H)` in each direction, result `(T, B, 2H)`. Source:
    Schuster and Paliwal, "Bidirectional recurrent neural networks" (1997), section II.
    """
    h_ahead, h_back = loop(step, *ahead)[0], backwards(loop)(step, *back)[0]
    return static(at.concatenate([h_ahead, h_back], axis=-1))
