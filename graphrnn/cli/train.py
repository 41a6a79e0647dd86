"""`graphrnn train`: train a network or go on with one, draw its curves, let it write."""

import shlex
import signal
from typing import TYPE_CHECKING, Annotated

from graphrnn import toolchain
from graphrnn.cli.program import program
from graphrnn.errors import DivergedError, UserError
from graphrnn.settings.recipes import is_in_file
from graphrnn.settings.sampling import SampleSettings
from graphrnn.settings.training import TrainSettings

from cyclopts import Parameter

if TYPE_CHECKING:
    from graphrnn.display.terminal import Display
    from graphrnn.training.run import Trained


def train(
    settings: Annotated[TrainSettings, Parameter(name="*")] = TrainSettings(),  # noqa: B008
    *,
    resume: str | None = None,
    trust: bool = False,
) -> None:
    """Train a network, draw its curves, save it and let it write.

    Args:
        settings: How to train.
        resume: Run to go on with from its last checkpoint: a folder, its name in runs/, or
            "latest". What follows is what it would have been without a stop.
        trust: With --resume: run the file that defines the run's network, by the copy that the run
            keeps. It is a program.
    """
    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes ends no training
    toolchain.start_aesara()
    from graphrnn.display.plots import curves
    from graphrnn.display.terminal import Display, console, results_table
    from graphrnn.sampling.trust import admit_model
    from graphrnn.training import run as training_run

    screen = console(lasting=True)
    with Display(screen) as display:
        try:
            if resume is None:
                run = training_run.train(settings, display)
            else:
                named = settings.model if "model" in settings.given else None
                admit_model(resume, model=named, trust=trust)
                run = training_run.ended(resume, settings) or training_run.resume(
                    resume, settings, display
                )
        except DivergedError as error:
            _show_norms(display, error)
            raise
    header, folder = run.checkpoint.header, run.folder
    curves({folder.path.name: header}, folder.curves)
    screen.print()
    screen.print(results_table(header))
    display.line(f"\nnetwork     {folder.last}\ncurves      {folder.curves}")
    call, name = program(), shlex.quote(str(folder.path))
    if header.position and header.position.steps == header.settings.steps and not run.done:
        display.line(
            f"\nstopped after step {header.position.steps:,}, as --steps says; to go on:\n"
            f"  {call} train --resume {name}"
        )
        return
    with Display(screen) as display:
        prompt = _write_sample(display, run)
    more = "" if header.settings.backend == "auto" else f" --backend {header.settings.backend}"
    more += " --trust" if is_in_file(header.settings.model) else ""
    display.line(
        "\ntry next:\n"
        f"  {call} sample {name} --prompt {shlex.quote(prompt)} --temperature 0.5{more}\n"
        f"  {call} next {name} {shlex.quote(prompt)}{more}"
    )


def _show_norms(display: "Display", error: DivergedError) -> None:
    """Show how the gradient fares on its way back in time, at the moment of a divergence."""
    from graphrnn.analysis.divergence import norms_at_divergence
    from graphrnn.training.divergence_check import Evidence

    seen = error.evidence
    if not isinstance(seen, Evidence) or seen.batch is None:
        return
    for line in norms_at_divergence(seen.network, seen.batch, seen.last, display.built):
        display.line(line)


def _write_sample(display: "Display", run: "Trained") -> str:
    """End a run with a few lines that the network wrote; returns the prompt."""
    from graphrnn.sampling.sampler import Sampler

    header = run.checkpoint.header
    sampler = Sampler.of_network(
        run.network, header.settings, run.checkpoint.vocabulary, report=display.built
    )
    prompt = sampler.some_prompt()
    settings = SampleSettings(prompt=prompt, length=400, temperature=0.5, seed=header.settings.seed)
    try:
        (text,) = sampler.texts(settings)
    except UserError as error:
        text = f"({error})"
    display.line(
        f"\nit writes (temperature {settings.temperature:g}, prompt {prompt!r}):\n\n{prompt}{text}"
    )
    return prompt
