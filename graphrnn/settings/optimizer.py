"""The settings of learning: the rule, its rate and how the rate changes, the gradients' limits."""

from typing import Annotated, Literal

from graphrnn.errors import UserError
from graphrnn.settings import schedules

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

Limit = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
LIST = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
"""Lets a list, as files have it, be read as a tuple even where each type must be right."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class LearningSettings:
    """How gradients become new weights; TrainSettings has all of these."""

    optimiser: Literal["sgd", "momentum", "nesterov", "rmsprop", "adam"] = "sgd"
    """Rule that turns gradients into updates."""
    rate: Limit = 0.01
    """Learning rate at the start; 0.001 is usual for rmsprop and adam."""
    momentum: Share | None = None
    """Share of the last update that the next one keeps, for sgd, momentum and nesterov
    (without it 0, 0.9 and 0.9)."""
    clip: Limit | None = None
    """Largest global norm of the gradients; without it they are left alone."""
    clip_value: Limit | None = None
    """Largest absolute value of a gradient's entry, before their norm is limited."""
    schedule: Literal["constant", "step", "exponential", "cosine"] = "constant"
    """How the rate changes: constant, step (by a factor at --decay-at), exponential (by a factor at
    each --decay-every), cosine (down to --final-rate along half a wave)."""
    decay: Annotated[float, Field(gt=0, le=1)] | None = None
    """Factor of step (without it 0.1) and exponential (0.95, as in the lesson)."""
    decay_at: Annotated[tuple[Annotated[int, Field(gt=0, lt=2**63)], ...], LIST] | None = None
    """Sequences after which step multiplies the rate; say it once for each."""
    decay_every: Annotated[int, Field(gt=0, lt=2**63)] | None = None
    """Sequences between two multiplications of exponential (without it 1000, as in the lesson)."""
    final_rate: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    """Rate that cosine ends with (without it 0)."""

    def __post_init__(self) -> None:
        """Refuse an option that nothing would use.

        Raises:
            UserError: naming the option, and what it belongs to.
        """
        for name, kinds in _BELONGS.items():
            kind = self.optimiser if name == "momentum" else self.schedule
            if getattr(self, name) is not None and kind not in kinds:
                owner = "optimiser" if name == "momentum" else "schedule"
                raise UserError(
                    f"--{name.replace('_', '-')}: got it with --{owner} {kind}, which has no use "
                    f"for it; leave it out, or use --{owner} {' or '.join(kinds)}"
                )
        if self.schedule == "step" and not self.decay_at:
            raise UserError(
                "--decay-at: got none, needed with --schedule step; "
                "say after how many sequences the rate changes"
            )
        if self.final_rate is not None and self.final_rate > self.rate:
            raise UserError(
                f"--final-rate: got {self.final_rate:g}, needed at most --rate, {self.rate:g}; "
                "lower it"
            )

    @property
    def rule(self) -> tuple[str, dict[str, float]]:
        """The name of the rule in updates.RULES, and its options.

        Example:
            >>> LearningSettings(momentum=0.5).rule, LearningSettings(optimiser="nesterov").rule
            (('momentum', {'keep': 0.5}), ('nesterov', {}))
        """
        if not self.momentum and self.optimiser == "sgd":
            return "sgd", {}
        if self.momentum is None:
            return self.optimiser, {}
        name = "momentum" if self.optimiser == "sgd" else self.optimiser
        return name, {"keep": self.momentum}

    def rate_after(self, sequences: int, total: int) -> float:
        """Give the rate of the step that comes after so many sequences of a total.

        Example:
            >>> round(LearningSettings(rate=0.1, schedule="exponential").rate_after(2000, 9000), 5)
            0.09025
        """
        if self.schedule == "step":
            return schedules.step(
                self.rate, sequences, at=self.decay_at or (), factor=self.decay or 0.1
            )
        if self.schedule == "exponential":
            return schedules.exponential(
                self.rate, sequences, every=self.decay_every or 1000, factor=self.decay or 0.95
            )
        if self.schedule == "cosine":
            return schedules.cosine(self.rate, sequences, total=total, end=self.final_rate or 0.0)
        return schedules.constant(self.rate, sequences)


_BELONGS = {
    "momentum": ("sgd", "momentum", "nesterov"),
    "decay": ("step", "exponential"),
    "decay_at": ("step",),
    "decay_every": ("exponential",),
    "final_rate": ("cosine",),
}
"""Options that only some rules or schedules have."""
