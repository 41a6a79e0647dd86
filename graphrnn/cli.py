"""The command line: one subcommand a verb; bad input is one line on stderr and exit code 2."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from graphrnn import __version__
from graphrnn.errors import UserError
from graphrnn.settings import SampleSettings, TrainSettings, describe

import cyclopts
from cyclopts import Parameter
from pydantic import ValidationError

app = cyclopts.App(
    name="graphrnn",
    help="Character-level recurrent networks as static graphs, compiled by Aesara.",
    help_epilogue="Add --debug to any command to see the whole traceback of an error.",
    version=__version__,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)

# The heavy modules are imported inside the commands: --help and a typing error answer at once.


@app.command
def train(settings: Annotated[TrainSettings, Parameter(name="*")] = TrainSettings()) -> None:  # noqa: B008
    """Train a network, draw its loss curve, save it and let it write."""
    from graphrnn.display import Display, results_table
    from graphrnn.plots import loss_curve
    from graphrnn.training import CHECKPOINT, prepare, train

    from rich.console import Console

    console = Console()
    with Display(console) as display:
        data = prepare(settings)
        display.line(
            f"{settings.model} on {data.corpus}: {len(data.train):,} characters to train on, "
            f"{len(data.held_out):,} held out, {len(data.vocabulary)} symbols"
        )
        display.line("compiling (the first time on a machine takes longest; it is kept in a cache)")
        run = train(settings, display)
    header = run.checkpoint.header
    picture = run.folder / "loss.png"
    loss_curve(header, picture)
    console.print()
    console.print(results_table(header.train[-1], header.held_out[-1]))
    display.line(f"\nnetwork     {run.folder / CHECKPOINT}\nloss curve  {picture}")
    _write_sample(run.folder, settings.backend)
    program = _program()
    display.line(
        "\ntry next:\n"
        f'  {program} sample {run.folder} --prompt "The " --length 1000 --temperature 0.5\n'
        f'  {program} next {run.folder} " th"'
    )


def _write_sample(folder: Path, backend: str) -> None:
    """End a run with a few lines that the network wrote."""
    from graphrnn.display import Display
    from graphrnn.sampling import load_sampler

    from rich.console import Console

    with Display(Console()) as display:
        sampler = load_sampler(str(folder), backend=backend, report=display.built)
    known = set(sampler.vocabulary.characters)
    prompt = "The " if set("The ") <= known else sampler.vocabulary.characters[-1]
    settings = SampleSettings(prompt=prompt, length=300)
    print(f"\nit writes (temperature {settings.temperature:g}, prompt {prompt!r}):\n")
    print(prompt + "".join(sampler.write(settings)))


@app.command
def sample(
    run: str = "latest",
    /,
    *,
    settings: Annotated[SampleSettings, Parameter(name="*")] = SampleSettings(),  # noqa: B008
    backend: str = "aesara",
) -> None:
    """Let a trained network write.

    Args:
        run: Folder of the run, its name in runs/, or "latest".
        settings: How to draw.
        backend: What runs the graph: aesara or python.
    """
    from graphrnn.display import Display
    from graphrnn.sampling import load_sampler

    from rich.console import Console

    with Display(Console(stderr=True)) as display:
        report = display.built if display.live else _say_nothing
        sampler = load_sampler(run, backend=backend, report=report)
    characters = sampler.write(settings)
    first = next(characters)
    sys.stdout.write(settings.prompt + first)
    for character in characters:
        sys.stdout.write(character)
        sys.stdout.flush()
    sys.stdout.write("\n")


def _say_nothing(build: object) -> None:
    """Keep a pipe clean."""


@app.command(name="next")
def next_(
    run: str,
    text: str,
    /,
    *,
    count: Annotated[int, Parameter(validator=cyclopts.validators.Number(gt=0))] = 5,
    backend: str = "aesara",
) -> None:
    """Show the likeliest next characters after a text, with their probabilities.

    Args:
        run: Folder of the run, its name in runs/, or "latest".
        text: What the network reads first.
        count: How many characters to show.
        backend: What runs the graph: aesara or python.
    """
    from graphrnn.sampling import load_sampler

    sampler = load_sampler(run, backend=backend)
    sampler.read(text)
    for character, probability in sampler.next_characters(count):
        print(f"{character!r:<6} {probability:6.1%}")


@app.command
def doctor() -> None:
    """Say what was found on this machine: interpreter, libraries, compiler, BLAS, cache."""
    from graphrnn.display import Display
    from graphrnn.doctor import findings

    from rich.console import Console

    with Display(Console(stderr=True)) as display:
        report = display.built if display.live else _say_nothing
        rows = findings(report)
    width = max(len(name) for name, _ in rows)
    for name, found in rows:
        print(f"{name:<{width}}  {found}")


def _program() -> str:
    """Say how to call this program: by its name where the shell finds it, else by its path."""
    beside = Path(sys.executable).with_name("graphrnn")
    found = shutil.which("graphrnn")
    if found and Path(found).resolve() == beside.resolve():
        return "graphrnn"
    return os.path.relpath(beside) if beside.exists() else "python -m graphrnn"


def one_line(error: BaseException) -> str:
    """Put an error into one line.

    Example:
        >>> one_line(ValueError("two   words"))
        'two words'
    """
    cause = error.__cause__
    validation = error if isinstance(error, ValidationError) else cause
    text = describe(validation) if isinstance(validation, ValidationError) else str(error)
    return " ".join(text.split())


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Raises:
        SystemExit: 2 after bad input, 3 after a loss that is not finite, 130 after Ctrl-C.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    code = 2
    try:
        app(words, exit_on_error=False, print_error=False)
        return
    except KeyboardInterrupt:
        if debug:
            raise
        message, code = "interrupted", 130
    except UserError as error:
        if debug:
            raise
        message, code = one_line(error), error.exit_code
    except (cyclopts.CycloptsError, ValidationError) as error:
        if debug:
            raise
        # A complaint of our own may reach us wrapped by the parser.
        message = one_line(error.__cause__ if isinstance(error.__cause__, UserError) else error)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`): nothing is wrong. Python would complain
        # once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return
    sys.stderr.write(f"graphrnn: {message}\n")
    raise SystemExit(code)
