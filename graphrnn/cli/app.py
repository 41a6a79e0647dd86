"""The command line: one subcommand a verb; bad input is one line on stderr and exit code 2."""

import contextlib
import errno
import io
import os
import sys
import threading
from collections.abc import Sequence

from graphrnn import __version__, interrupts
from graphrnn.cli.options import meant, respelled
from graphrnn.errors import UserError, printable, reason
from graphrnn.native.runtime.compilers import CompileError, ResourceError
from graphrnn.settings.messages import describe

import cyclopts
from pydantic import ValidationError

app = cyclopts.App(
    name="graphrnn",
    help="Character-level recurrent networks as static graphs, compiled by Aesara.",
    help_epilogue="Add --debug to any command to see the whole traceback of an error.",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

# Each command is imported when it is called, and what it needs inside it: --help and a typing error
# answer at once.
COMMANDS = {
    "train": "Train a network, draw its curves, save it and let it write.",
    "sample": "Let a trained network write.",
    "next": "Show the likeliest next characters after a text, with their probabilities.",
    "evaluate": "Read a text with a trained network, and show how well it is predicted.",
    "runs": "List the runs: what each is, how far it came, how well it did.",
    "show": "Print the summary of a run: its network, its settings, how it went.",
    "plot": "Draw loss and accuracy of one run, or of several over one another.",
    "gradients": "Show how far back in time a loss is felt.",
    "inspect": "See into a graph: its stages, its history and what it costs.",
    "compare": "Compare the ways to loop a network: equal numbers first, then time and memory.",
    "models": "List the networks, with the lesson's section that each comes from.",
    "new": "Write a file that defines a network of your own, to begin from.",
    "doctor": "Say what was found on this machine: interpreter, libraries, compiler, BLAS, cache.",
}
"""Each subcommand, and what it says of itself where all are listed."""

for _name, _summary in COMMANDS.items():
    app.command(f"graphrnn.cli.{_name}:{_name}", name=_name, help=_summary)


def one_line(error: BaseException) -> str:
    """Put an error into one line.

    Example:
        >>> one_line(ValueError("two   words"))
        'two words'
    """
    causes = () if isinstance(error, UserError) else (error, error.__cause__)
    validation = next((e for e in causes if isinstance(e, ValidationError)), None)
    text = describe(validation) if validation else str(error)
    return " ".join(shortened(word, 300) for word in text.split())


def shortened(text: str, longest: int) -> str:
    """Cut the middle out of what is too long to read.

    Example:
        >>> shortened("abcdefghij", 10), shortened("abcdefghijkl", 6)
        ('abcdefghij', 'abc…(12 letters)…jkl')
    """
    if len(text) <= longest:
        return text
    half = longest // 2
    return f"{text[:half]}…({len(text):,} letters)…{text[-half:]}"


def _open_standard_streams() -> None:
    """Open what the shell has closed (`<&-`, `>&-`, `2>&-`), or the next file would take its place.

    What is printed would then be written into a file of the run.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            mode = os.O_RDONLY if number == 0 else os.O_WRONLY
            opened = os.open(os.devnull, mode)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
            stream = open(number, "r" if number == 0 else "w", encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, stream)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Raises:
        SystemExit: 2 after bad input, 3 after a loss that is not finite, 130 after Ctrl-C, 143
            after SIGTERM.
    """
    _open_standard_streams()
    if threading.current_thread() is threading.main_thread():
        interrupts.raise_interrupts()
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = respelled([word for word in words if word != "--debug"])
    code = 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that cannot show a character gets its number, not a traceback.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app(words, exit_on_error=False, print_error=False)
        sys.stdout.flush()
        return
    except KeyboardInterrupt as error:
        if debug:
            raise
        number = interrupts.signal_of(error)
        message, code = interrupts.describe(number), interrupts.exit_code(number)
    except UserError as error:
        if debug:
            raise
        message, code = one_line(error), error.exit_code
    except (cyclopts.CycloptsError, ValidationError) as error:
        if debug:
            raise
        # A complaint of our own may reach us wrapped by the parser.
        own = error.__cause__ if isinstance(error.__cause__, UserError) else error
        message = meant(one_line(own))
    except (CompileError, ResourceError) as error:
        if debug:
            raise
        message = f"native backend: {one_line(error)}"
    except MemoryError as error:
        if debug:
            raise
        message = f"not enough memory: {one_line(error)}; use a smaller --hidden or --batch"
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong. Python would complain
        # once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    except OSError as error:
        if debug:
            raise
        message = f"cannot go on: {reason(error)}"
        if error.errno == errno.ENOSPC:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(OSError):  # the terminal may have gone
        sys.stderr.write(f"graphrnn: {printable(shortened(message, 2_000))}\n")
        sys.stderr.flush()
    raise SystemExit(code)
