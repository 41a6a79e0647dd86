"""When a run's network is a program in a file: who may make it run."""

from pathlib import Path

from graphrnn.errors import UserError
from graphrnn.models import user_models
from graphrnn.runs.checkpoint import load_checkpoint
from graphrnn.runs.folder import RunFolder, find_checkpoint, find_run
from graphrnn.settings.recipes import is_in_file


def admit_model(run: str, *, model: str | None = None, trust: bool = False) -> None:
    """Load the network of a run whose network is in a file, where the user allows it.

    Named by `model` it is the user's own file; with `trust` it is the copy that the run keeps, if
    that is the file which the run was begun with. Without either nothing is loaded.

    Raises:
        UserError: there is no such run or file, the copy was changed, or the run has no such file.
    """
    if model is None and not trust:
        return
    file = _checkpoint(run)
    folder = RunFolder(file.parent) if file else find_run(run)
    header = load_checkpoint(file).header if file else None
    name = (header.settings if header else folder.read_settings()).model
    if not is_in_file(name):
        if model is not None and model != name:
            raise UserError(f"--model: got {model}, but the run is of {name}; leave it out")
        return
    if model is not None:
        user_models.load(model, name=name)
        return
    digest = header.versions.get(user_models.DIGEST, "") if header else ""
    _, _, attribute = name.rpartition(".py")
    user_models.load(f"{folder.model}{attribute}", name=name, digest=digest)


def _checkpoint(run: str) -> Path | None:
    """Return the checkpoint of a run, or None where it has saved none yet."""
    try:
        return find_checkpoint(run)
    except UserError:
        return None
