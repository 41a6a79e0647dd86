"""`graphrnn evaluate`: how well a run predicts a text."""

from typing import TYPE_CHECKING

from graphrnn import toolchain
from graphrnn.cli.options import ThreadCount
from graphrnn.settings.sampling import StateUse

if TYPE_CHECKING:
    from collections.abc import Callable

    from graphrnn.runs.checkpoint import Checkpoint
    from graphrnn.sampling.evaluation import Evaluation

    from rich.table import Table


def evaluate(
    run: str = "latest",
    /,
    *,
    corpus: str | None = None,
    state: StateUse = "as-trained",
    model: str | None = None,
    trust: bool = False,
    backend: str = "auto",
    threads: ThreadCount = None,
) -> None:
    """Read a text with a trained network, and show how well it is predicted.

    Without a corpus it reads what the run held out of its own, which training never read.

    Args:
        run: Folder of the run, its name in runs/, "latest", or a checkpoint.
        corpus: Text to read, all of it: python-prose, python-docs, nietzsche, or a UTF-8 file;
            by default the part that the run held out of its own.
        state: How to read: in windows, each from a zero state (windows), or from end to end by one
            state (carried); by default as the run read its held-out text.
        model: The file of your own that defines the network of this run, as my_net.py:MODEL.
        trust: Run the copy of that file which the run keeps instead: it is a program.
        backend: What runs the graph: auto, native, aesara or python.
        threads: Threads to run on; by default OMP_NUM_THREADS, else one for each processor.
    """
    toolchain.start_aesara()
    from graphrnn.display.terminal import Display, console
    from graphrnn.runs.folder import load_run
    from graphrnn.sampling.evaluation import evaluate_text
    from graphrnn.sampling.trust import admit_model

    admit_model(run, model=model, trust=trust)
    checkpoint = load_run(run)
    screen = console()
    with Display(screen) as display:
        name, text = _text(checkpoint, corpus, display.line)
        report = display.built if display.live else lambda build: None
        evaluation = evaluate_text(
            checkpoint,
            text,
            state=state,
            backend=backend,
            threads=threads,
            report=report,
            read=lambda done, total: display.counted("reading", done, total),
        )
    if evaluation.unknown:
        display.line(_unknown_line(evaluation))
    display.line(
        f"{name}: {evaluation.characters:,} characters predicted, read {evaluation.read}\n"
        f"loss            {evaluation.loss:.4f} nats, {evaluation.bits:.4f} bits a character\n"
        f"accuracy        {evaluation.accuracy:.2%}\n"
        f"among the five  {evaluation.among_best:.2%}\n\n"
        "of each of the commonest characters (a row), the share predicted as (a column)\n"
    )
    screen.print(confusion_table(evaluation))


def _unknown_line(evaluation: "Evaluation") -> str:
    """Describe what was left out of a text."""
    shown = ", ".join(ascii(c) for c in evaluation.strangers[:10])
    more = f" and {len(evaluation.strangers) - 10} more" if len(evaluation.strangers) > 10 else ""
    total = evaluation.characters + evaluation.unknown
    return (
        f"{evaluation.unknown:,} of some {total:,} characters were left out: "
        f"the network has never seen {shown}{more}"
    )


def _text(
    checkpoint: "Checkpoint", corpus: str | None, tell: "Callable[[str], None]"
) -> tuple[str, str]:
    """Return the name and the text of what is to be read."""
    from graphrnn.data.text import load_corpus
    from graphrnn.sampling.evaluation import held_out_part

    if corpus:
        chosen = load_corpus(corpus)
        return chosen.name, chosen.text
    settings = checkpoint.header.settings
    own = load_corpus(settings.corpus, tell)
    if not settings.held_out:
        return f"{own.name}, of which nothing was held out", own.text
    return f"{own.name}, the part held out", held_out_part(checkpoint, own.text)


def confusion_table(evaluation: "Evaluation") -> "Table":
    """Build the table of what was taken for what, in per cent of each row."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    for heading in ("", *(_name(c) for c in evaluation.commonest), "other", "count"):
        table.add_column(heading, justify="right", no_wrap=True)
    for character, row in zip(evaluation.commonest, evaluation.confusion, strict=True):
        total = int(row.sum())
        shares = (f"{100 * n / total:.0f}" if total else "" for n in row)
        table.add_row(_name(character), *shares, f"{total:,}")
    return table


def _name(character: str) -> str:
    """Write a character so that blanks can be seen."""
    return repr(character) if not character.isprintable() or character.isspace() else character
