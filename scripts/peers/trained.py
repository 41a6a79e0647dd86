"""What a peer's file gives: functions on a network that it has built."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from scripts.peers.work import Array


def _no_evaluation(x: Array, y: Array) -> float:
    raise NotImplementedError("this peer is not asked for held-out losses")


@dataclass
class Trained:
    """A compiled training step.

    `prepare` turns NumPy's x and y `(T, B)` into what the peer wants to be handed, and is not
    timed; `step` takes that, trains once and gives the loss in nats per sequence, finished;
    `evaluate` gives the loss in nats per character.
    """

    prepare: Callable[[Array, Array], tuple[Any, ...]]
    step: Callable[..., float]
    evaluate: Callable[[Array, Array], float] = field(default=_no_evaluation)


@dataclass
class Writer:
    """A network that writes: `read` gives the logits `(V,)` behind a text, `write` draws n more."""

    read: Callable[[Array], Array]
    write: Callable[[int], Any]
