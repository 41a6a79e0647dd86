"""What a loop can be asked besides: each option takes a loop and gives a loop of its signature.

They compose in every order, and work with every driver: the driver sees only another step and more
sequences. Options apply from the outside in. `backwards` turns the sequences that it is given, and
the masks of the options inside of it too, so that a mask's moment stays with the moment that it
speaks of; `truncated` counts the steps of the loop, in the direction in which they are taken.

    moment t                          0    1    2    3
    x                                 a    b    ·    ·      the text, and padding behind it
    mask                              1    1    0    0
    masked(scanned, mask)             a →  b →  b →  b      what the state has read, step by step
    masked(backwards(scanned), mask)  ba ← b ←  · ←  ·      the same as
    backwards(masked(scanned, mask))  ba ← b ←  · ←  ·      in the other order

An option is a frozen dataclass. A loop of a user's own is taken for a driver: whatever it adds to
the sequences by itself is not turned.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from graphrnn.errors import ShapeError, UserError
from graphrnn.graph.loops import Loop, scanned
from graphrnn.graph.shapes import Step, Tensor, label, shape_of, show, static, with_shape
from graphrnn.graph.step_checks import common_time, known, outputs_of

import aesara.tensor as at
import numpy as np
from aesara.gradient import zero_grad

Direction = tuple[Sequence[Tensor], Sequence[Tensor], Sequence[Tensor]]
"""Sequences, states and constants of one direction."""


@dataclass(frozen=True)
class _Option(ABC):
    """A loop that asks something more of the loop inside of it."""

    loop: Loop

    @abstractmethod
    def __call__(
        self, step: Step, sequences: Any, states: Any, constants: Any = ()
    ) -> list[Tensor]:
        """Loop a step; see `loops.Loop`."""

    def turned(self) -> Self:
        """Return this option for sequences that run from the end to the beginning."""
        return replace(self, loop=_turned(self.loop))


def _turned(loop: Loop) -> Loop:
    """Return a loop for turned sequences; a driver adds none of its own."""
    return loop.turned() if isinstance(loop, _Option) else loop


def _inside(loop: Loop) -> Iterator[_Option]:
    """Return the options of a loop, from the outside in."""
    while isinstance(loop, _Option):
        yield loop
        loop = loop.loop


@dataclass(frozen=True)
class _Last(_Option):
    """See `last`."""

    def __call__(
        self, step: Step, sequences: Any, states: Any, constants: Any = ()
    ) -> list[Tensor]:
        results = self.loop(step, sequences, states, constants)
        return [with_shape(result[-1], tuple(result.type.shape[1:])) for result in results]


def last(loop: Loop) -> Loop:
    """Return a loop that gives each output at its last moment: `(…)` where `loop` gives `(T, …)`.

    The last moment is that of the sequences, T-1, except that `backwards(last(loop))` gives the
    last step, which reads moment 0.

    Raises:
        UserError: `loop` gives no more than the last already.

    Example:
        >>> from graphrnn.graph.shapes import tensor
        >>> x, total = tensor("x", "float32", (4, 2)), at.zeros(2, dtype="float32")
        >>> (sum_,) = last(scanned)(lambda x_t, total_tm1: total_tm1 + x_t, [x], [total])
        >>> sum_.type.shape
        (2,)
    """
    if any(isinstance(option, _Last) for option in _inside(loop)):
        raise UserError(
            "last: got a loop that gives only its last outputs, needed one with a time axis; "
            "say last once"
        )
    return _Last(loop)


@dataclass(frozen=True)
class _Backwards(_Option):
    """See `backwards`."""

    def __call__(
        self, step: Step, sequences: Any, states: Any, constants: Any = ()
    ) -> list[Tensor]:
        reversed_ = [_reversed(v) for v in known(sequences)]
        results = _turned(self.loop)(step, reversed_, states, constants)
        if any(isinstance(option, _Last) for option in _inside(self.loop)):
            return results
        return [_reversed(result) for result in results]


def backwards(loop: Loop) -> Loop:
    """Return a loop from the end to the beginning; results stand at the moment that was read.

    states_t = step(sequences_t, states_{t+1})        t = T-1 … 0

    The last in time of a result is then that after one step, the first that after all of them.
    A mask inside is read in the same direction: `backwards(masked(loop, mask))` is
    `masked(backwards(loop), mask)`.
    """
    return _Backwards(loop)


def _reversed(sequence: Tensor) -> Tensor:
    """Turn a sequence round, its name and shape kept."""
    turned = with_shape(sequence[::-1], tuple(sequence.type.shape))
    turned.name = sequence.name
    return turned


@dataclass(frozen=True)
class _Masked(_Option):
    """See `masked`."""

    mask: Tensor

    def turned(self) -> Self:
        """Turn the mask with what it speaks of."""
        return replace(self, loop=_turned(self.loop), mask=_reversed(self.mask))

    def __call__(
        self, step: Step, sequences: Any, states: Any, constants: Any = ()
    ) -> list[Tensor]:
        states = known(states)
        _require_mask(self.mask, sequences, states)

        def standing(mask_t: Tensor, *arguments: Tensor) -> list[Tensor]:
            before = arguments[len(sequences) : len(sequences) + len(states)]
            outputs = outputs_of(step(*arguments))
            goes_on = at.neq(mask_t, 0)
            after = [
                at.switch(at.shape_padright(goes_on, new.ndim - 1), new, old)
                for new, old in zip(outputs, before, strict=False)
            ]
            return [*after, *outputs[len(states) :]]

        return self.loop(standing, [self.mask, *sequences], states, constants)


def masked(loop: Loop, mask: Tensor) -> Loop:
    """Return a loop whose states stand still where the mask is 0: for unequal lengths.

    s_t = step(x_t, s_tm1) where mask[t, b] ≠ 0, else s_tm1

    Shapes: mask `(T, B)`, of any dtype; states `(B, …)`. Extra outputs are what the step computed.

    Raises:
        ShapeError: when the loop is built, the mask does not fit sequences and states.
    """
    return _Masked(loop, mask)


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


@dataclass(frozen=True)
class _Truncated(_Option):
    """See `truncated`."""

    gradient_steps: int

    def __call__(
        self, step: Step, sequences: Any, states: Any, constants: Any = ()
    ) -> list[Tensor]:
        sequences = known(sequences)
        time = common_time(sequences)
        cuts = (time - np.arange(time)) % self.gradient_steps == 0

        def cut(cut_t: Tensor, *arguments: Tensor) -> Any:
            moment, rest = arguments[: len(sequences)], arguments[len(sequences) :]
            before = [at.switch(cut_t, zero_grad(state), state) for state in rest[: len(states)]]
            return step(*moment, *before, *rest[len(states) :])

        return self.loop(cut, [at.constant(cuts, name="cut"), *sequences], states, constants)


def truncated(loop: Loop, gradient_steps: int) -> Loop:
    """Return a loop that stops the gradient every so many steps, counted from the last step.

    d states_t / d states_tm1 := 0 where T - t is a multiple of gradient_steps

    Values stay as they are. A last output is so trained through its last `gradient_steps` steps,
    and an output at every step through no more than these. Steps are those of the loop: of one that
    runs backwards the last step reads moment 0, in whichever order the options stand. Source:
    Williams and Peng, "An efficient gradient-based algorithm for on-line training of recurrent
    network trajectories" (1990), section 3, in whole blocks.

    Raises:
        UserError: gradient_steps is less than 1.
    """
    if gradient_steps < 1:
        raise UserError(f"gradient_steps: got {gradient_steps}, needed at least 1")
    if isinstance(loop, _Option):
        # What is cut is the state of the driver's own step: behind a mask that lets it stand too.
        return replace(loop, loop=truncated(loop.loop, gradient_steps))
    return _Truncated(loop, gradient_steps)


def bidirectional(step: Step, ahead: Direction, back: Direction, loop: Loop = scanned) -> Tensor:
    """Read a sequence in both directions and join what both say of each moment.

    h_t = [h→_t, h←_t]

    Shapes: the first output of the step `(B, H)` in each direction, result `(T, B, 2H)`; of
    `last(loop)`, what either direction has read in the end, `(B, 2H)`. Source: Schuster and
    Paliwal, "Bidirectional recurrent neural networks" (1997), section II.
    """
    h_ahead, h_back = loop(step, *ahead)[0], backwards(loop)(step, *back)[0]
    return static(at.concatenate([h_ahead, h_back], axis=-1))
