"""`graphrnn sample`: one text or several, whole or as they come, or a talk line by line."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from graphrnn import toolchain
from graphrnn.cli.options import ThreadCount
from graphrnn.errors import UserError, printable
from graphrnn.settings.sampling import CheckpointChoice, SampleSettings, StateUse

from cyclopts import Parameter

if TYPE_CHECKING:
    from graphrnn.sampling.sampler import Sampler

CHOICES = 5

_HELP = (
    "Type a text, and the network reads it. A number from 1 to 5 takes that character; an empty\n"
    "line lets it write one line's worth; Ctrl-D ends."
)


def sample(
    run: str = "latest",
    /,
    *,
    settings: Annotated[SampleSettings, Parameter(name="*")] = SampleSettings(),  # noqa: B008
    stream: bool = False,
    interactive: bool = False,
    checkpoint: CheckpointChoice = "best",
    state: StateUse = "as-trained",
    model: str | None = None,
    trust: bool = False,
    backend: str = "auto",
    threads: ThreadCount = None,
) -> None:
    """Let a trained network write.

    Args:
        run: Folder of the run, its name in runs/, "latest", or a checkpoint.
        settings: How to draw. A higher temperature makes the text more random, a lower one safer.
        stream: Print the text as it is written.
        interactive: Read lines from you, and show the likeliest next characters to choose from.
        checkpoint: The network of the lowest held-out loss (best), or the newest (last).
        state: What the network sees of the text: its last characters (windows), or all of it by a
            state that goes on (carried); by default what it was trained on.
        model: The file of your own that defines the network of this run, as my_net.py:MODEL.
        trust: Run the copy of that file which the run keeps instead: it is a program.
        backend: What runs the graph: auto, native, aesara or python.
        threads: Threads to run on; by default OMP_NUM_THREADS, else one for each processor.
    """
    toolchain.start_aesara()
    from graphrnn.backends.compile import silent
    from graphrnn.display.terminal import Display, console
    from graphrnn.sampling.sampler import load_sampler
    from graphrnn.sampling.trust import admit_model

    admit_model(run, model=model, trust=trust)

    if stream and settings.count > 1:
        raise UserError(f"--stream: got it with --count {settings.count}; leave one of them out")
    with Display(console(stderr=True)) as display:
        report = display.built if display.live else silent
        sampler = load_sampler(run, checkpoint=checkpoint, state=state, backend=backend,
                               threads=threads, report=report)  # fmt: skip
        drawn = settings.seed is None and not settings.greedy
        prompt, seed = sampler.prompt_of(settings), settings.some_seed()
        settings = replace(settings, prompt=prompt, seed=seed)
        if not interactive:
            pieces = begun(sampler, settings)
    if interactive:
        talk(sampler, settings, seed)
        return
    again = f"; seed {seed}" if drawn else ""
    sys.stderr.write(f"graphrnn: {sampler.trained}; {sampler.described}{again}\n")
    show(pieces, settings, stream=stream)


def begun(sampler: "Sampler", settings: SampleSettings) -> Iterator[list[str]]:
    """Begin to write, so that an error is shown before anything is printed."""
    pieces = (
        ([piece] for piece in sampler.write(settings))
        if settings.count == 1
        else iter([sampler.texts(settings)])
    )
    first = next(pieces)

    def all_of_them() -> Iterator[list[str]]:
        yield first
        yield from pieces

    return all_of_them()


def show(pieces: Iterator[list[str]], settings: SampleSettings, *, stream: bool) -> None:
    """Print texts, and say on stderr where one repeats itself."""
    texts, prompt = [""] * settings.count, settings.prompt or ""
    if stream:
        sys.stdout.write(printable(prompt))
    for new in pieces:
        texts = [text + piece for text, piece in zip(texts, new, strict=True)]
        if stream:
            sys.stdout.write(printable(new[0]))
            sys.stdout.flush()
    if stream:
        sys.stdout.write("\n")
    else:
        for k, text in enumerate(texts):
            if settings.count > 1:
                sys.stdout.write(
                    f"{'' if k == 0 else chr(10)}--- {k + 1} of {settings.count} ---\n"
                )
            sys.stdout.write(printable(f"{prompt}{text}\n"))
    sys.stdout.flush()
    from graphrnn.sampling.repetition import repetition

    for k, text in enumerate(texts):
        again = repetition(text)
        if again is not None:
            which = f"text {k + 1}" if settings.count > 1 else "the text"
            sys.stderr.write(
                f"graphrnn: {which} repeats {again!r} over and over; "
                "try a higher --temperature, --top-k or --top-p, or train longer\n"
            )


def talk(sampler: "Sampler", settings: SampleSettings, seed: int) -> None:
    """Read lines, show the likeliest next characters after each, and let one choose among them."""
    print(_HELP)
    text, turn = sampler.prompt_of(settings), 0
    sampler.read(text)
    while True:
        best = sampler.next_characters(CHOICES)
        shown = "   ".join(f"{k} {c!r} {p:.1%}" for k, (c, p) in enumerate(best, start=1))
        print(f"\n{printable(text)}\n\n  next: {shown}")
        try:
            line = input("> ")
        except EOFError:
            print()
            return
        turn += 1
        try:
            if line.isdigit() and len(line) == 1 and 1 <= int(line) <= len(best):
                new = best[int(line) - 1][0]
                sampler.read(new)
            elif line:
                new = line
                sampler.read(new)
            else:
                new = "".join(sampler.go_on(replace(settings, length=60, seed=seed + turn)))
        except UserError as error:
            print(f"  {printable(str(error))}")
            continue
        text += new
