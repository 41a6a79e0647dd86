"""Names to choose from, listed once, without importing the libraries that settings need."""

from typing import Literal, get_args

OptimizerName = Literal["sgd", "momentum", "nesterov", "rmsprop", "adam"]
"""Every optimizer; graph/updates.py has a function of each name."""

OPTIMIZER_NAMES: tuple[str, ...] = get_args(OptimizerName)

Schedule = Literal["constant", "step", "exponential", "cosine"]
"""How the learning rate changes; settings/schedules.py has the equations."""
