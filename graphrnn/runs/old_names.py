"""What was named otherwise in the files of earlier runs, which are still read and gone on with."""

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
    """Return the header of a checkpoint of format 2 with the names of today.

    Its settings have theirs from TrainSettings, which reads old names wherever it meets them.
    """
    if isinstance(tree, dict) and isinstance(tree.get("position"), dict):
        return tree | {"position": renamed(tree["position"], _POSITION)}
    return tree


def header_of_2(text: bytes) -> bytes:
    """Return a header as format 2 wrote it, over which its digest was taken.

    Example:
        >>> header_of_2(b'{"format":2,"settings":{"optimizer":"sgd","learning_rate":0.1}}')
        b'{"format":2,"settings":{"optimiser":"sgd","rate":0.1}}'
    """
    for now, before in _WRITTEN.items():
        text = text.replace(now, before)
    return text
