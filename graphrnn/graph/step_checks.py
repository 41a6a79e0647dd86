"""What a step must be before it is looped: tried once, while the graph is built."""

from collections.abc import Sequence
from dataclasses import dataclass

from graphrnn.errors import ShapeError, UserError
from graphrnn.graph.shapes import Shape, Step, Tensor, label, shape_of, show, static, tensor

from aesara.compile.sharedvalue import SharedVariable
from aesara.graph.basic import ancestors
from aesara.tensor.random.op import RandomVariable
from aesara.tensor.type import TensorType


class LoopError(UserError, ValueError):
    """A step that cannot be looped; raised while the graph is built, before anything compiles."""


@dataclass(frozen=True)
class Plan:
    """What the trial step showed: how often to repeat it, and the shape of each of its outputs."""

    time: int
    shapes: tuple[Shape, ...]


def check_step(
    step: Step, sequences: Sequence[Tensor], states: Sequence[Tensor], constants: Sequence[Tensor]
) -> Plan:
    """Try a step on one moment and check what scan would stumble over, or silently get wrong.

    Raises:
        LoopError: a state changes its rank, dtype or shape in a step; the step draws random
            numbers, or uses a shared variable that is not among the constants.
        ShapeError: a length is unknown, or the sequences differ in theirs.
    """
    for kind, variables in (("sequence", sequences), ("state", states), ("constant", constants)):
        for variable in variables:
            _require_static(kind, variable)
    time = common_time(sequences)
    moment = [
        tensor(f"{label(sequence)}_t", sequence.type.dtype, sequence.type.shape[1:])
        for sequence in sequences
    ]
    before = [tensor(f"{label(state)}_tm1", state.type.dtype, state.type.shape) for state in states]
    outputs = outputs_of(step(*moment, *before, *constants))
    if len(outputs) < len(states):
        raise LoopError(
            f"step: got {len(outputs)} outputs, needed at least {len(states)}, one for each state "
            f"({', '.join(map(label, states))}); return every state at time t, in that order"
        )
    for state, output in zip(states, outputs, strict=False):
        _check_state(state, output)
    _check_sources(outputs, [*moment, *before, *constants])
    shapes = tuple(tuple(state.type.shape) for state in states) + tuple(
        shape_of(output) for output in outputs[len(states) :]
    )
    return Plan(time, shapes)


def outputs_of(returned: Tensor | Sequence[Tensor]) -> list[Tensor]:
    """Build a list of what a step returned.

    Raises:
        LoopError: something in it is no symbolic tensor.
    """
    outputs = list(returned) if isinstance(returned, (list, tuple)) else [returned]
    for output in outputs:
        if not isinstance(getattr(output, "type", None), TensorType):
            raise LoopError(
                f"step: returned {output!r}, needed symbolic tensors; "
                "return each state at time t, then extra outputs"
            )
    return outputs


def known(variables: Sequence[Tensor]) -> list[Tensor]:
    """Return variables with their shapes in their types, as far as they can be known."""
    return [static(v) if isinstance(getattr(v, "type", None), TensorType) else v for v in variables]


def _require_static(kind: str, variable: Tensor) -> None:
    """Refuse what is no tensor of known shape."""
    if not isinstance(getattr(variable, "type", None), TensorType):
        raise LoopError(
            f"{kind}: got {variable!r}, needed a symbolic tensor; wrap it in at.as_tensor"
        )
    if None in variable.type.shape:
        raise ShapeError(
            f"{kind} {label(variable)}: got shape {show(variable.type.shape)}, needed every length "
            "known; make it by shapes.tensor(name, dtype, shape) or at.specify_shape"
        )


def common_time(sequences: Sequence[Tensor]) -> int:
    """Return T, which every sequence has as the length of its first axis."""
    if not sequences:
        raise LoopError("sequences: got none, needed at least one to loop over")
    for sequence in sequences:
        if sequence.type.ndim == 0:
            raise ShapeError(f"sequence {label(sequence)}: got a scalar, needed time as first axis")
    times = [int(sequence.type.shape[0]) for sequence in sequences]
    if len(set(times)) > 1:
        lengths = ", ".join(f"{label(s)} {time}" for s, time in zip(sequences, times, strict=True))
        raise ShapeError(
            f"sequences: got unequal lengths in time ({lengths}), needed one T for all"
        )
    if times[0] == 0:
        raise ShapeError("sequences: got a length of 0 in time, needed at least one step")
    return times[0]


def _check_state(state: Tensor, output: Tensor) -> None:
    """Hold a state's new value against its old: rank, dtype, shape.

    Raises:
        LoopError: naming the state, what the step gave, what it needed, and the remedy.
    """
    name, old, new = f"state {label(state)}", state.type, output.type
    if new.ndim != old.ndim:
        raise LoopError(
            f"{name}: the step returns {new.ndim} axes, needed {old.ndim} like the initial state, "
            f"shape {show(old.shape)}; give the initial state the shape of one step's value, "
            "without a time axis"
        )
    if new.dtype != old.dtype:
        raise LoopError(
            f"{name}: the step returns {new.dtype}, needed {old.dtype} like the initial state; "
            f"cast one: .astype({old.dtype!r}) in the step, or start from {new.dtype}"
        )
    got = shape_of(output)
    if any(length not in (None, needed) for length, needed in zip(got, old.shape, strict=True)):
        remedy = (
            "give the initial state its batch, for example at.zeros((batch, hidden)); "
            "scan does not broadcast it"
            if 1 in old.shape
            else "make the initial state and the step's weights agree"
        )
        raise LoopError(
            f"{name}: the step returns shape {show(got)}, needed {show(old.shape)} like the "
            f"initial state; {remedy}"
        )


def _check_sources(outputs: Sequence[Tensor], given: Sequence[Tensor]) -> None:
    """Refuse random draws and hidden shared variables inside a step.

    Raises:
        LoopError: naming the variable and the remedy.
    """
    allowed = set(given)
    for variable in ancestors(outputs, blockers=list(given)):
        if variable.owner and isinstance(variable.owner.op, RandomVariable):
            raise LoopError(
                f"step: draws random numbers ({variable.owner.op.name}), which every step would "
                "repeat unless scan's updates are handed on; draw them for all T before the loop "
                "and pass them as a sequence"
            )
        if isinstance(variable, SharedVariable) and variable not in allowed:
            raise LoopError(
                f"step: uses the shared variable {label(variable)} that is not passed to it; "
                "add it to the constants of the loop and to the step's arguments"
            )
