"""Earlier names in the files of runs, which can still be read and resumed."""

from typing import Any

from graphrnn.settings.training import renamed

LOG = {"rate": "learning_rate"}
"""Columns of log.jsonl."""

_POSITION = {"recent": "moving_average"}
_WRITTEN = {
    b'"optimizer":': b'"optimiser":',
    b'"learning_rate":': b'"rate":',
    b'"moving_average":': b'"recent":',
}
"""Keys of a header as they are written now, and as format 2 wrote them; each is there once.

Inside of a text the quotation mark that ends a key would have a backslash before it.
"""


def header_from_2(tree: Any) -> Any:
    """Return the header of a checkpoint of format 2 with current names.

    TrainSettings itself accepts the old names of settings.
    """
    if isinstance(tree, dict) and isinstance(tree.get("position"), dict):
        return tree | {"position": renamed(tree["position"], _POSITION)}
    return tree


def header_of_2(text: bytes) -> bytes:
    """Return a header in the form of format 2, from which its digest was computed.

    Example:
        >>> header_of_2(b'{"format":2,"settings":{"optimizer":"sgd","learning_rate":0.1}}')
        b'{"format":2,"settings":{"optimiser":"sgd","rate":0.1}}'
    """
    for now, before in _WRITTEN.items():
        text = text.replace(now, before)
    return text
