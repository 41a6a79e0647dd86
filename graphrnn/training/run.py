"""Starts a run, or resumes one, and trains it to its end.

A step depends on the weights, the optimizer state, the carried states, the generator and the
position in the text. A checkpoint holds all of these, so that a resumed run takes the same steps,
to the last bit, as one that was never interrupted.
"""

from dataclasses import dataclass, replace

from graphrnn.data.text import OF_PYTHON
from graphrnn.errors import UserError
from graphrnn.interrupts import signal_of
from graphrnn.models.from_settings import require_fitting, with_user_model
from graphrnn.models.network import Network
from graphrnn.models.user_models import loaded
from graphrnn.runs.checkpoint import Checkpoint, Header, Position, load_checkpoint
from graphrnn.runs.folder import RunFolder, claim_folder, find_run
from graphrnn.sampling.networks import network_in
from graphrnn.settings.recipes import is_in_file
from graphrnn.settings.training import TrainSettings, resumed
from graphrnn.training.checkpointing import keep_best
from graphrnn.training.corpus import Data, passes, prepare, with_loop
from graphrnn.training.early_stopping import EarlyStopping, validations_since_best
from graphrnn.training.interrupt import Interrupted, Stop
from graphrnn.training.progress import Quiet, Watcher
from graphrnn.training.trainer import Trainer


@dataclass(frozen=True)
class Trained:
    """A run that has finished, or has reached the number of steps to stop at."""

    folder: RunFolder
    checkpoint: Checkpoint
    network: Network
    data: Data | None = None
    """The text, where it was read."""

    @property
    def done(self) -> bool:
        """Return whether all sequences were trained on."""
        return self.checkpoint.header.sequences >= self.checkpoint.header.settings.sequences


def train(settings: TrainSettings, watcher: Watcher | None = None) -> Trained:
    """Train a network and save it.

    Raises:
        UserError: a setting, the corpus, the folder or the disk does not allow it.
        DivergedError: the loss rose too far, or left the finite numbers.
        Interrupted: Ctrl-C or SIGTERM; the checkpoint of that moment is kept.
    """
    watcher, settings = watcher or Quiet(), with_user_model(settings)
    data = prepare(settings)
    settings, why = with_loop(settings, data)
    folder, made = claim_folder(settings)
    with folder.locked():
        try:
            folder.write_settings(settings)
            if is_in_file(settings.model):
                folder.write_model(loaded(settings.model).source)
            return _trained(settings, data, folder, None, watcher, why, new=True)
        except BaseException:
            folder.abandon(made)
            raise


def resume(
    run: str, changes: TrainSettings | None = None, watcher: Watcher | None = None
) -> Trained:
    """Resume a run from its last checkpoint, or from its start if it has none.

    The result is, to the last bit, that of an uninterrupted run on this machine. `changes` may name
    more sequences, and other settings that do not affect the results of a step.

    Raises:
        UserError: no such run, another process trains there, a setting that may not change, another
            text, or nothing left to do.
        DivergedError, Interrupted: as `train`.
    """
    watcher = watcher or Quiet()
    folder = find_run(run)
    with folder.locked():
        checkpoint = load_checkpoint(folder.last) if folder.last.exists() else None
        own = checkpoint.header.settings if checkpoint else folder.read_settings()
        settings = resumed(replace(own, out=None), changes)
        settings = replace(settings, out=folder.path)
        if checkpoint:
            _require_work(checkpoint.header, settings)
            require_fitting(settings, len(checkpoint.vocabulary), checkpoint.weights)
        named = changes is not None and "corpus" in changes.given
        data = prepare(settings, None if named else watcher.noted)
        if checkpoint and checkpoint.header.position:
            _require_same_text(checkpoint.header.position, data, settings)
        return _trained(settings, data, folder, checkpoint, watcher)


def ended(run: str, changes: TrainSettings | None = None) -> Trained | None:
    """Return a run that is trained but lacks its curves, since its process was killed before.

    None if there is more to train, or nothing is missing.

    Raises:
        UserError: no such run, another process trains there, a setting that may not change.
    """
    folder = find_run(run)
    with folder.locked():
        if not folder.last.exists() or folder.has_curves:
            return None
        checkpoint = load_checkpoint(folder.last)
        header = checkpoint.header
        settings = resumed(replace(header.settings, out=None), changes)
        if header.position is None or not _end(header, settings):
            return None
        keep_best(folder, checkpoint)
        network = network_in(checkpoint, backend=settings.backend, threads=settings.threads)
        return Trained(folder, checkpoint, network)


def _require_work(header: Header, settings: TrainSettings) -> None:
    """Check that there is something left to train.

    Raises:
        UserError: the checkpoint has no position, or is at the end of these settings.
    """
    if header.position is None:
        raise UserError("--resume: the checkpoint has weights alone, needed one of a training run")
    end = _end(header, settings)
    if end:
        raise UserError(f"--resume: {end}")
    if settings.steps is not None and settings.steps <= header.position.steps:
        raise UserError(
            f"--steps: got {settings.steps:,}, and the run has taken {header.position.steps:,}; "
            "say more, or leave it out to go on to the end"
        )


def _end(header: Header, settings: TrainSettings) -> str:
    """Describe why a run has ended, and what would let it continue; empty if it has not ended."""
    last = header.held_out[-1].sequences if header.held_out else None
    if settings.held_out and last != header.sequences:
        return ""  # the last thing of a run is a validation
    if header.sequences >= settings.sequences:
        return (
            f"got {settings.sequences:,} sequences, and the run has done {header.sequences:,}; "
            "say a larger --sequences to train it longer"
        )
    if EarlyStopping(settings.patience).is_due(header.held_out):
        waited = validations_since_best(header.held_out)
        return (
            f"got a patience of {settings.patience:,}, and the run ended after {waited:,} "
            "validations without a better loss; say a larger --patience"
        )
    return ""


def _require_same_text(position: Position, data: Data, settings: TrainSettings) -> None:
    """Check that the text is the one that the run started with.

    Raises:
        UserError: it is another one.
    """
    if position.text != data.digest:
        own = settings.corpus in OF_PYTHON
        why = "each version of Python has its own" if own else "it was changed, or is another one"
        raise UserError(
            f"--corpus: {settings.corpus!r} is not the text that this run was begun with ({why}); "
            "name a file with that text, or train anew"
        )


def _require_same_backend(header: Header, trainer: Trainer) -> None:
    """Check that the backend is the one that the run started with, unless the user named another.

    Raises:
        UserError: `auto` resolves to another one here, as without a compiler.
    """
    was, now = header.versions.get("backend", trainer.backend), trainer.backend
    chosen = trainer.settings.backend
    if was != now and chosen == header.settings.backend:
        raise UserError(
            f"--resume: the run was trained by {was}, and --backend {chosen} comes to {now} now, "
            f"which rounds otherwise; mend what keeps it from {was}, or say "
            f"--backend {now.split()[-1]} to go on all the same"
        )


def _trained(
    settings: TrainSettings,
    data: Data,
    folder: RunFolder,
    checkpoint: Checkpoint | None,
    watcher: Watcher,
    note: str = "",
    new: bool = False,
) -> Trained:
    """Compile, restore the checkpoint if there is one, and train."""
    watcher.prepared(data)
    watcher.noted(passes(settings, data))
    if note:
        watcher.noted(note)
    try:
        trainer = Trainer.build(settings, data, folder, watcher)
    except KeyboardInterrupt as error:
        saved = "the run stands where it stood" if checkpoint else "nothing was saved"
        raise Interrupted(signal_of(error), f"before training began; {saved}") from None
    if checkpoint:
        _require_same_backend(checkpoint.header, trainer)
        trainer.restore(checkpoint)
        watcher.noted(
            f"going on after step {trainer.count.steps:,}, {trainer.count.sequences:,} sequences"
        )
    if not new:  # only now is it known that nothing stands against going on
        folder.cut_back(trainer.count.steps)
        folder.write_settings(settings)
    if checkpoint:
        keep_best(folder, checkpoint)
    with trainer.log.writing_events(), Stop() as stop:
        trainer.run(stop)
    return Trained(folder, trainer.checkpoint(), trainer.network, data)
