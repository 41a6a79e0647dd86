"""Settings of learning: the optimizer, its learning rate and schedule, and gradient limits."""

from typing import Annotated

from graphrnn.errors import UserError
from graphrnn.settings import schedules
from graphrnn.settings.choices import OptimizerName, Schedule

from cyclopts import Parameter
from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.dataclasses import dataclass

ADAPTIVE = frozenset({"rmsprop", "adam"})
"""Those that measure the step of each entry by its gradients, and take smaller learning rates."""

BY_RECIPE = Parameter(show_default=lambda value: "as the network has it, see graphrnn models")
"""How the help shows the default of what differs from network to network."""

Limit = Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, lt=1)]
LIST = BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value)
"""Lets a list, as files have it, be read as a tuple even where each type must be right."""


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class LearningSettings:
    """How gradients become new weights; TrainSettings has all of these."""

    optimizer: Annotated[OptimizerName, BY_RECIPE] = "sgd"
    """Optimizer, which turns gradients into updates."""
    learning_rate: Annotated[Limit, BY_RECIPE] = 0.01
    """Learning rate at the start."""
    momentum: Share | None = None
    """Share of the last update that the next one keeps, for sgd, momentum and nesterov
    (without it 0, 0.9 and 0.9)."""
    clip: Limit | None = None
    """Largest global norm of the gradients; without it they are left alone."""
    clip_value: Limit | None = None
    """Largest absolute value of a gradient's entry, before their norm is limited."""
    schedule: Annotated[Schedule, BY_RECIPE] = "constant"
    """How the learning rate changes: constant, step (by a factor at --decay-at), exponential (by a
    factor at each --decay-every), cosine (down to --final-rate along half a wave)."""
    decay: Annotated[float, Field(gt=0, le=1)] | None = None
    """Factor of step (without it 0.1) and exponential (0.95, as in the lesson)."""
    decay_at: Annotated[tuple[Annotated[int, Field(gt=0, lt=2**63)], ...], LIST] | None = None
    """Sequences after which step multiplies the learning rate; say it once for each."""
    decay_every: Annotated[int, Field(gt=0, lt=2**63)] | None = None
    """Sequences between two multiplications of exponential (without it 1000, as in the lesson)."""
    final_rate: Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)] | None = None
    """Learning rate that cosine ends with (without it 0)."""

    def __post_init__(self) -> None:
        """Check that every given option is used.

        Raises:
            UserError: naming the option, and what it belongs to.
        """
        for name, kinds in _BELONGS.items():
            owner = "optimizer" if name == "momentum" else "schedule"
            kind = getattr(self, owner)
            if getattr(self, name) is not None and kind not in kinds:
                raise UserError(
                    f"--{name.replace('_', '-')}: got it with --{owner} {kind}, which has no use "
                    f"for it; leave it out, or use --{owner} {' or '.join(kinds)}"
                )
        if self.schedule == "step" and not self.decay_at:
            raise UserError(
                "--decay-at: got none, needed with --schedule step; "
                "say after how many sequences the learning rate changes"
            )
        if self.final_rate is not None and self.final_rate > self.learning_rate:
            raise UserError(
                f"--final-rate: got {self.final_rate:g}, needed at most --learning-rate, "
                f"{self.learning_rate:g}; lower it"
            )

    @property
    def optimizer_call(self) -> tuple[str, dict[str, float]]:
        """The name of the optimizer in updates.OPTIMIZERS, and its options.

        Example:
            >>> LearningSettings(momentum=0.5).optimizer_call
            ('momentum', {'momentum': 0.5})
            >>> LearningSettings(optimizer="nesterov").optimizer_call
            ('nesterov', {})
        """
        if not self.momentum and self.optimizer == "sgd":
            return "sgd", {}
        if self.momentum is None:
            return self.optimizer, {}
        name = "momentum" if self.optimizer == "sgd" else self.optimizer
        return name, {"momentum": self.momentum}

    def learning_rate_after(self, sequences: int, total: int) -> float:
        """Return the learning rate of the step that follows a number of sequences, out of a total.

        Example:
            >>> settings = LearningSettings(learning_rate=0.1, schedule="exponential")
            >>> round(settings.learning_rate_after(2000, 9000), 5)
            0.09025
        """
        start = self.learning_rate
        if self.schedule == "step":
            return schedules.step(
                start, sequences, at=self.decay_at or (), factor=self.decay or 0.1
            )
        if self.schedule == "exponential":
            return schedules.exponential(
                start, sequences, every=self.decay_every or 1000, factor=self.decay or 0.95
            )
        if self.schedule == "cosine":
            return schedules.cosine(start, sequences, total=total, end=self.final_rate or 0.0)
        return schedules.constant(start, sequences)


_BELONGS = {
    "momentum": ("sgd", "momentum", "nesterov"),
    "decay": ("step", "exponential"),
    "decay_at": ("step",),
    "decay_every": ("exponential",),
    "final_rate": ("cosine",),
}
"""Options that only some optimizers or schedules have."""
