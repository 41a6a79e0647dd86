"""Options that several subcommands have, and how their values are read."""

import re
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


ELSEWHERE = {
    "epochs": "--sequences, those of all passes over the text together",
    "iterations": "--sequences", "iters": "--sequences", "max-steps": "--steps",
    "lr": "--learning-rate", "step-size": "--learning-rate", "optim": "--optimizer",
    "lr-schedule": "--schedule", "scheduler": "--schedule",
    "hidden-size": "--hidden", "hidden-dim": "--hidden", "rnn-size": "--hidden",
    "units": "--hidden",
    "embedding-dim": "--embedding", "emb-dim": "--embedding", "num-layers": "--layers",
    "batch-size": "--batch", "bs": "--batch",
    "seq-length": "--time", "seq-len": "--time", "sequence-length": "--time", "bptt": "--time",
    "grad-clip": "--clip", "clip-norm": "--clip", "max-norm": "--clip",
    "data": "--corpus", "dataset": "--corpus", "input": "--corpus", "text": "--corpus",
    "output": "--out", "output-dir": "--out", "save-dir": "--out", "checkpoint": "--resume RUN",
    "resume-from": "--resume RUN", "val-split": "--held-out", "validation-split": "--held-out",
    "early-stopping": "--patience", "precision": "--dtype", "workers": "--threads",
    "num-workers": "--threads", "device": "--backend and --threads; it runs on the processor",
    "gpu": "--backend and --threads; it runs on the processor", "temp": "--temperature",
    "num-samples": "--count", "max-length": "--length", "max-new-tokens": "--length",
    "start": "--prompt", "prime": "--prompt", "prefix": "--prompt",
}  # fmt: skip
"""What other programs call an option, and what it is called here."""


def meant(message: str) -> str:
    """Return a complaint about an unknown option with what is meant, where another name has it.

    Example:
        >>> meant("Unknown option: --lr. Did you mean --clip?")
        'Unknown option: --lr; here it is --learning-rate'
        >>> meant("Unknown option: --hiden. Did you mean --hidden?")
        'Unknown option: --hiden. Did you mean --hidden?'
    """
    match = re.search(r"[Uu]nknown option:? \"?--([\w-]+)", message)
    name = match[1].replace("_", "-").lower() if match else ""
    if match is None or name not in ELSEWHERE:
        return message
    return f"Unknown option: --{match[1]}; here it is {ELSEWHERE[name]}"


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
