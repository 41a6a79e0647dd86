"""Options that several subcommands have, and how their values are read."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from graphrnn.errors import UserError

from cyclopts import Parameter, Token


def whole(most: int | None = None) -> Callable[[Any, Sequence[Token]], int]:
    """Return a reader of whole numbers from 1; the parser's own rounds 2.5 to 2."""

    def read(kind: Any, tokens: Sequence[Token]) -> int:
        """Read one value.

        Raises:
            UserError: it is no whole number, or outside of the range.
        """
        (token,) = tokens
        needed = ""
        try:
            number = int(token.value)
        except ValueError:
            number, needed = 0, "a whole number"
        if not needed and number < 1:
            needed = "a value greater than 0"
        if most is not None and number > most:
            needed = f"a value less than or equal to {most}"
        if needed:
            raise UserError(f"{token.keyword or kind}: got {token.value}, needed {needed}")
        return number

    return read


Length = Annotated[int, Parameter(converter=whole())]
"""A number of things, at least one."""

ThreadCount = Annotated[int | None, Parameter(converter=whole(256))]
"""Threads to run on; None: as many as there are."""


LEARNING = {"--optimiser": "--optimizer", "--rate": "--learning-rate"}
OLD_SPELLINGS = {"train": LEARNING, "gradients": LEARNING, "inspect": {"--rules": "--rewrites"}}
"""By command, options as they were spelled once and as they are."""


def respelled(words: Sequence[str]) -> list[str]:
    """Return the words of a command line with old spellings of options as they are now.

    Example:
        >>> respelled(["train", "--rate", "0.1", "--optimiser=adam"])
        ['train', '--learning-rate', '0.1', '--optimizer=adam']
        >>> respelled(["next", "latest", "--rate"])
        ['next', 'latest', '--rate']
    """
    spelled = OLD_SPELLINGS.get(words[0], {}) if words else {}
    split = [word.partition("=") for word in words]
    return [spelled.get(name, name) + equals + value for name, equals, value in split]
