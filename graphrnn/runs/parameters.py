"""Shared variables in one safetensors file: those of a network that is built by hand."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from graphrnn.errors import UserError, reason
from graphrnn.files import kind_of, write_atomically

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as to_bytes

Params = Sequence[Any] | Mapping[str, Any] | Any
"""Shared variables of Aesara: in a row, by names of one's own, or all that a function has."""

_KEY, FORMAT = "graphrnn-parameters", 1


def named(params: Params) -> dict[str, Any]:
    """Return shared variables by name.

    Raises:
        UserError: one has no name, or two have the same.
    """
    if isinstance(params, Mapping):
        return dict(params)
    if hasattr(params, "get_shared"):
        return _numbered(params.get_shared())
    result: dict[str, Any] = {}
    for k, variable in enumerate(params):
        name = getattr(variable, "name", None)
        if not name:
            raise UserError(f"parameter {k + 1}: has no name; give it one, or pass a dictionary")
        if name in result:
            raise UserError(f"parameter {name!r}: two have this name; pass a dictionary of others")
        result[name] = variable
    return result


def _numbered(variables: Sequence[Any]) -> dict[str, Any]:
    """Return a function's variables by name; a number parts those of one name, or of none."""
    result: dict[str, Any] = {}
    for variable in variables:
        name = variable.name or "unnamed"
        alike = sum(other.partition("#")[0] == name for other in result)
        result[f"{name}#{alike + 1}" if alike else name] = variable
    return result


def save(path: str | Path, params: Params, *, notes: Mapping[str, Any] | None = None) -> None:
    """Save the values of shared variables, generators of random numbers included.

    The file is written whole or not at all; `notes` are kept beside them, as JSON.

    Raises:
        UserError: a variable has no name, or the file cannot be written.

    Example:
        >>> import aesara, tempfile
        >>> W = aesara.shared(np.ones(2), name="W", shape=(2,))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(Path(folder, "net.safetensors"), [W])
        ...     W.set_value(np.zeros(2))
        ...     load(Path(folder, "net.safetensors"), [W])
        {}
        >>> W.get_value().tolist()
        [1.0, 1.0]
    """
    values = {name: variable.get_value() for name, variable in named(params).items()}
    tensors = {n: np.asarray(v, order="C") for n, v in values.items() if not _is_generator(v)}
    states = {n: v.bit_generator.state for n, v in values.items() if _is_generator(v)}
    header = {"format": FORMAT, "generators": states, "notes": dict(notes or {})}
    write_atomically(Path(path), to_bytes(tensors, {_KEY: json.dumps(header)}))


def load(path: str | Path, params: Params) -> dict[str, Any]:
    """Set shared variables to the values of a file, and return its notes.

    Nothing is set unless all fits; no code of the file is run.

    Raises:
        UserError: the file cannot be read, or its tensors are not those of these variables.
    """
    variables = named(params)
    tensors, header = _read(Path(path))
    states = header["generators"]
    where = f"parameters {str(path)!r}"
    missing = [name for name in variables if name not in tensors and name not in states]
    surplus = [name for name in (*tensors, *states) if name not in variables]
    if missing or surplus:
        lacks = f"has no {', '.join(missing)}" if missing else ""
        more = f"has {', '.join(surplus)} too" if surplus else ""
        raise UserError(f"{where}: {' and '.join(filter(None, (lacks, more)))}; name the same ones")
    values = {
        name: _fitting(where, name, variable.get_value(borrow=True), tensors, states)
        for name, variable in variables.items()
    }
    for name, value in values.items():
        variables[name].set_value(value)
    return dict(header["notes"])


def _fitting(
    where: str, name: str, old: Any, tensors: Mapping[str, Any], states: Mapping[str, Any]
) -> Any:
    """Return the value for a variable, if it is of the kind, dtype and shape of the old one.

    Raises:
        UserError: it is not.
    """
    if _is_generator(old) != (name in states):
        raise UserError(f"{where}: {name}: one of a generator and an array, needed the same kind")
    if name in states:
        try:
            generator = np.random.Generator(type(old.bit_generator)())
            generator.bit_generator.state = states[name]
        except (ValueError, TypeError, KeyError, OverflowError) as error:
            raise UserError(f"{where}: {name}: is no state of such a generator") from error
        return generator
    new, old = tensors[name], np.asarray(old)
    if (new.dtype, new.shape) != (old.dtype, old.shape):
        raise UserError(
            f"{where}: {name}: got {new.dtype} {new.shape}, needed {old.dtype} {old.shape}; "
            "build the network that was saved"
        )
    return new


def _is_generator(value: Any) -> bool:
    """Return whether a value is a generator of random numbers."""
    return isinstance(value, np.random.Generator)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Read tensors and header.

    Raises:
        UserError: there is no such file, or it is another one.
    """
    where = f"parameters {str(path)!r}"
    try:
        kind = kind_of(path)
        if kind != "a file":
            raise UserError(
                f"{where}: {'no such file' if kind is None else f'is {kind}'}; name one"
            )
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get(_KEY)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        header: Any = json.loads(text) if text is not None else None
    except OSError as error:
        raise UserError(f"{where}: {reason(error)}") from error
    except (SafetensorError, ValueError, TypeError, AttributeError, RecursionError) as error:
        detail = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{where}: is no such file, or is cut short ({detail})") from error
    parts = [header.get(k) for k in ("generators", "notes")] if isinstance(header, dict) else [0]
    if all(isinstance(part, dict) for part in parts) and header.get("format") == FORMAT:
        return tensors, header
    raise UserError(f"{where}: was not written by graphrnn.save; name another file")
