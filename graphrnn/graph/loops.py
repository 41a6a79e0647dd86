"""Drivers that repeat a step over time: one copy of it, all T of them, or k at a time.

All have one signature and give the same numbers. A step takes the sequences at time t, the states
at t-1 and the constants, and returns the states at t, then any extra outputs:

    states_t, extras_t = step(*sequences_t, *states_tm1, *constants)        t = 0 … T-1

A step that has one output may return it bare. What a loop can be asked besides (backwards, masks,
truncation) is in `loop_options`.
"""

from collections.abc import Sequence
from typing import Protocol

from graphrnn.errors import UserError, unknown
from graphrnn.graph.shapes import Step, Tensor, with_shape
from graphrnn.graph.step_checks import LoopError, check_step, known, outputs_of
from graphrnn.upstream import scan_faults  # noqa: F401

import aesara
import aesara.tensor as at

__all__ = ["LOOPS", "Loop", "LoopError", "by", "loop_named", "scanned", "unrolled"]


class Loop(Protocol):
    """The one signature that every driver has."""

    def __call__(
        self,
        step: Step,
        sequences: Sequence[Tensor],
        states: Sequence[Tensor],
        constants: Sequence[Tensor] = (),
    ) -> list[Tensor]:
        """Repeat a step along the first axis of the sequences; give each output at all times."""


def scanned(
    step: Step,
    sequences: Sequence[Tensor],
    states: Sequence[Tensor],
    constants: Sequence[Tensor] = (),
) -> list[Tensor]:
    """Loop by Aesara's scan: the step stands in the graph once, whatever T is.

    Shapes: sequences `(T, …)`, states as the step returns them, results `(T, *output)`.

    Raises:
        LoopError: the step cannot be looped (see `check_step`).
        ShapeError: a length is unknown, or differs between sequences.

    Example:
        >>> from graphrnn.graph.shapes import tensor
        >>> x, total = tensor("x", "float32", (4, 2)), at.zeros(2, dtype="float32")
        >>> (totals,) = scanned(lambda x_t, total_tm1: total_tm1 + x_t, [x], [total])
        >>> totals.type.shape
        (4, 2)
    """
    sequences, states, constants = (known(v) for v in (sequences, states, constants))
    plan = check_step(step, sequences, states, constants)
    n_states = len(states)
    shapes = [v.type.shape[1:] for v in sequences] + [v.type.shape for v in (*states, *constants)]

    def body(*arguments: Tensor) -> list[Tensor]:
        # Scan's own variables have lost their lengths; the step gets what it was tried with.
        typed = (with_shape(v, tuple(shape)) for v, shape in zip(arguments, shapes, strict=True))
        outputs = outputs_of(step(*typed))
        # Scan wants a state's type unchanged by the step, lengths of axes included.
        new_states = [
            with_shape(output, tuple(state.type.shape))
            for output, state in zip(outputs, states, strict=False)
        ]
        return new_states + outputs[n_states:]

    results, _ = aesara.scan(
        body,
        sequences=list(sequences),
        outputs_info=[*states, *[None] * (len(plan.shapes) - n_states)],
        non_sequences=list(constants),
        n_steps=plan.time,
        return_list=True,
        strict=True,
    )
    return [
        with_shape(result, (plan.time, *shape))
        for result, shape in zip(results, plan.shapes, strict=True)
    ]


def unrolled(
    step: Step,
    sequences: Sequence[Tensor],
    states: Sequence[Tensor],
    constants: Sequence[Tensor] = (),
) -> list[Tensor]:
    """Loop in Python: the step stands in the graph T times, open to every rewrite.

    Shapes and errors as for `scanned`.

    Example:
        >>> from graphrnn.graph.shapes import tensor
        >>> x, total = tensor("x", "float32", (4, 2)), at.zeros(2, dtype="float32")
        >>> (totals,) = unrolled(lambda x_t, total_tm1: total_tm1 + x_t, [x], [total])
        >>> totals.type.shape
        (4, 2)
    """
    sequences, states, constants = (known(v) for v in (sequences, states, constants))
    plan = check_step(step, sequences, states, constants)
    now = list(states)
    history: list[list[Tensor]] = []
    for t in range(plan.time):
        moment = [with_shape(v[t], tuple(v.type.shape[1:])) for v in sequences]
        outputs = outputs_of(step(*moment, *now, *constants))
        now = [
            with_shape(output, tuple(state.type.shape))
            for output, state in zip(outputs, states, strict=False)
        ]
        history.append(now + outputs[len(states) :])
    return [
        with_shape(at.stack(values), (plan.time, *shape))
        for values, shape in zip(zip(*history, strict=True), plan.shapes, strict=True)
    ]


def by(k: int) -> Loop:
    """Build the driver that scans over T/k pieces, k steps written out in each.

    Shapes and errors as for `scanned`; k must divide T. Few copies to compile and to rewrite, as
    with scan, but the overhead of an iteration is paid once in k steps.

    Raises:
        UserError: k is not positive; when the loop is built, k does not divide T.

    Example:
        >>> from graphrnn.graph.shapes import tensor
        >>> x, total = tensor("x", "float32", (4, 2)), at.zeros(2, dtype="float32")
        >>> (totals,) = by(2)(lambda x_t, total_tm1: total_tm1 + x_t, [x], [total])
        >>> totals.type.shape
        (4, 2)
    """
    if k < 1:
        raise UserError(f"--loop: got {k}, needed at least 1 step at a time")

    def loop(
        step: Step,
        sequences: Sequence[Tensor],
        states: Sequence[Tensor],
        constants: Sequence[Tensor] = (),
    ) -> list[Tensor]:
        sequences, states, constants = (known(v) for v in (sequences, states, constants))
        plan = check_step(step, sequences, states, constants)
        require_divides(k, plan.time)
        pieces = plan.time // k
        n_sequences, n_states = len(sequences), len(states)

        def piece(*arguments: Tensor) -> list[Tensor]:
            moments, rest = arguments[:n_sequences], arguments[n_sequences:]
            outputs = unrolled(step, moments, rest[:n_states], rest[n_states:])
            return [*(output[-1] for output in outputs[:n_states]), *outputs]

        cut = [v.reshape((pieces, k, *v.type.shape[1:])) for v in sequences]
        results = scanned(piece, cut, states, constants)[n_states:]
        return [
            with_shape(result.reshape((plan.time, *shape)), (plan.time, *shape))
            for result, shape in zip(results, plan.shapes, strict=True)
        ]

    return loop


def require_divides(k: int, time: int) -> None:
    """Refuse pieces that do not fill the time.

    Raises:
        UserError: k does not divide T.
    """
    if time % k:
        near = [n for n in range(1, time + 1) if time % n == 0]
        raise UserError(
            f"--loop: got {k} steps at a time for T = {time}, needed a divisor of {time} "
            f"({', '.join(map(str, near))}); use one of these or another --time"
        )


LOOPS: dict[str, Loop] = {"scan": scanned, "unrolled": unrolled}


def loop_named(name: str, time: int | None = None) -> Loop:
    """Find a driver by its name, or by the number of steps it writes out at a time.

    Raises:
        UserError: there is none of that name, or the number does not divide T where T is given.

    Example:
        >>> loop_named("scan") is scanned
        True
        >>> loop_named("3", time=8)
        Traceback (most recent call last):
        graphrnn.errors.UserError: --loop: got 3 steps at a time for T = 8, needed a divisor of 8 \
(1, 2, 4, 8); use one of these or another --time
    """
    if name in LOOPS:
        return LOOPS[name]
    try:
        k = int(name)
    except ValueError:
        raise unknown("loop", name, [*LOOPS, "a number of steps"]) from None
    driver = by(k)
    if time is not None:
        require_divides(k, time)
    return driver
