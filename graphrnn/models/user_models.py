"""A network of one's own: a `Model` in a Python file, which commands take as `my_net.py:MODEL`.

Such a file is a program. It runs only when the user names it, or trusts the copy that a run keeps:
a run folder or a checkpoint by itself never makes it run.
"""

import hashlib
import importlib.util
import sys
import traceback
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

from graphrnn import files
from graphrnn.errors import UserError, reason
from graphrnn.models.model import Model
from graphrnn.settings import recipes
from graphrnn.settings.recipes import Recipe

DIGEST = "model"
"""What the SHA-256 of the file is called in a checkpoint, beside the versions of libraries."""
_MODULE = "graphrnn_user_model"
LARGEST = 1_000_000
"""Bytes of a file that defines a network, at most."""


@dataclass(frozen=True)
class UserModel:
    """A network that was loaded from a file, and the text of that file."""

    model: Model
    source: bytes

    @property
    def digest(self) -> str:
        """The SHA-256 of the file."""
        return hashlib.sha256(self.source).hexdigest()


_LOADED: dict[str, UserModel] = {}


def loaded(name: str) -> UserModel:
    """Return a network that was loaded in this process.

    Raises:
        UserError: it was not: nobody has named its file.
    """
    if name not in _LOADED:
        raise UserError(
            f"model {name!r}: is a program in a file, which runs only when you name it; "
            f"say --model {name}, or --trust to run the copy that the run keeps"
        )
    return _LOADED[name]


def load_named(name: str, *, again: bool = True) -> None:
    """Load the file of a network that the user has named; do nothing for one of ours.

    Without `again` a file that was loaded in this process is not run once more.

    Raises:
        UserError: the file cannot be used.
    """
    if recipes.is_in_file(name) and (again or name not in _LOADED):
        load(name)


def load(place: str, *, name: str = "", digest: str = "") -> UserModel:
    """Run a file, and keep the network that it defines, under another name if one is given.

    Only where the user has named the file, or trusts it. With a `digest` it must have this SHA-256.

    Raises:
        UserError: no such file, it ends in an error, it defines no such network, or it is not the
            file that the run was begun with.
    """
    path, _, attribute = place.rpartition(".py")
    file, attribute, name = Path(f"{path}.py"), attribute.removeprefix(":"), name or place
    source = _read(file)
    if digest and hashlib.sha256(source).hexdigest() != digest:
        raise UserError(
            f"{str(file)!r}: is not the file that the run was begun with; name your own: --model"
        )
    module = _executed(file, source)
    model = _model_in(module, attribute, str(file))
    recipe = getattr(module, "RECIPE", Recipe())
    if not isinstance(recipe, Recipe):
        raise UserError(f"{name}: RECIPE: got a {type(recipe).__name__}, needed a graphrnn.Recipe")
    recipes.OF_FILES[name] = recipe
    _LOADED[name] = UserModel(replace(model, name=name), source)
    return _LOADED[name]


def _read(file: Path) -> bytes:
    """Read a file that defines a network.

    Raises:
        UserError: it cannot be read, or is too large.
    """
    try:
        source = files.read_file(file, links=True)
    except (OSError, ValueError) as error:
        why = reason(error) if isinstance(error, OSError) else str(error)
        raise UserError(f"--model: {str(file)!r}: {why}; name a Python file") from error
    if len(source) > LARGEST:
        raise UserError(
            f"--model: {str(file)!r}: got {len(source):,} bytes, needed at most {LARGEST:,}"
        )
    return source


def _executed(file: Path, source: bytes) -> ModuleType:
    """Run a file as a module of its own; what stands beside it can be imported.

    Raises:
        UserError: it ends in an error, with the line that did.
    """
    spec = importlib.util.spec_from_loader(_MODULE, loader=None, origin=str(file))
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(file)
    beside = str(file.parent.resolve())
    sys.path.insert(0, beside)
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)
    except Exception as error:
        raise UserError(f"--model: {_where(error, file)}") from error
    finally:
        sys.path.remove(beside)
    return module


def _where(error: Exception, file: Path) -> str:
    """Describe an error in a file in one line, with the number of the line of that file."""
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    line = error.lineno if isinstance(error, SyntaxError) else lines[-1] if lines else None
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{file.name}:{line or '?'}: {type(error).__name__}: {text}"


def _model_in(module: ModuleType, attribute: str, file: str) -> Model:
    """Find the network that a file defines.

    Raises:
        UserError: it has none of that name, or several and none was named.
    """
    models = {n: v for n, v in vars(module).items() if isinstance(v, Model)}
    if not attribute and len(models) == 1:
        return next(iter(models.values()))
    if attribute in models:
        return models[attribute]
    there = ", ".join(f"{file}:{n}" for n in models) or "no graphrnn.Model"
    if hasattr(module, attribute or "\0"):
        kind = type(getattr(module, attribute)).__name__
        raise UserError(f"--model: {file}:{attribute} is a {kind}, needed a graphrnn.Model")
    raise UserError(f"--model: got {file}:{attribute or '?'}, and the file has {there}")
