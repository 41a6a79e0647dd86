"""A validation error in one line, with the names that the command line uses."""

from typing import Any

from pydantic import (
    ValidationError,
)


def describe(error: ValidationError) -> str:
    """Describe a validation error in one line, with the names that the command line uses.

    Example:
        >>> from graphrnn.settings.training import TrainSettings
        >>> try:
        ...     TrainSettings(hidden=0)
        ... except ValidationError as error:
        ...     print(describe(error))
        --hidden: got 0, needed a value greater than 0
    """
    return "; ".join(_describe_one(dict(item)) for item in error.errors())


def _describe_one(item: dict[str, Any]) -> str:
    """Describe one of pydantic's errors: the name, what it got, what it needed."""
    name = str(item["loc"][0]).replace("_", "-") if item["loc"] else "settings"
    needed = str(item["msg"]).partition(", unable")[0]
    for opening in ("Input should be ", "Value error, "):
        needed = needed.removeprefix(opening)
    if needed.startswith(("greater", "less")):
        needed = f"a value {needed}"
    return f"--{name}: got {item['input']}, needed {needed}"
