"""The prose of Python's language reference: its paragraphs, without what only looks like text.

CPython carries the reference as plain text (`pydoc_data.topics`), of which more than half is
grammar, tables, examples and headings. A small network that learns these writes rows of blanks.
"""

import re
import textwrap
from collections.abc import Iterator

WIDTH = 78
"""Characters of a line."""

_FEWEST_WORDS, _FEWEST_LETTERS = 8, 0.88
"""A paragraph has at least so many words, and such a share of letters and blanks."""

_BULLET = re.compile(r"^([*+-]|\d+\.)\s+")
_EMPHASIS = re.compile(r"(\*{1,2})(\w[^*]*)\1")
_CODE = re.compile(r"[|{}=<>\\^~]|::|\.\.\.")


def paragraphs(text: str) -> Iterator[str]:
    r"""Return the paragraphs of prose in a text of the reference, each as one line.

    Example:
        >>> table = "+---+---+\n| a | b |\n+---+---+"
        >>> prose = "* The *body* of a loop is executed\n  again and again until it ends."
        >>> list(paragraphs(f"Loops\n=====\n\n{table}\n\n{prose}\n\n   for x in y: pass"))
        ['The body of a loop is executed again and again until it ends.']
    """
    for block in re.split(r"\n\s*\n", text):
        line = _EMPHASIS.sub(r"\2", _BULLET.sub("", " ".join(block.split())))
        if _is_prose(line):
            yield line


def _is_prose(line: str) -> bool:
    """Return whether a paragraph is made of sentences: words, from a capital to a full stop."""
    if not line or not line[0].isupper() or line[-1] not in ".:?!" or _CODE.search(line):
        return False
    letters = sum(c.isalpha() or c == " " for c in line)
    words = re.findall(r"[^\W\d_]+", line)
    return len(words) >= _FEWEST_WORDS and letters >= _FEWEST_LETTERS * len(line)


def python_prose() -> str:
    """Return the prose of the language reference of the running CPython, each paragraph once.

    Paragraphs stand in the order of their topics' names, wrapped, an empty line between two. Many
    stand in several topics; text that is held out of training must not occur in it.
    """
    from pydoc_data.topics import topics

    once = dict.fromkeys(line for name in sorted(topics) for line in paragraphs(topics[name]))
    filled = (
        textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False) for line in once
    )
    return "\n\n".join(filled) + "\n"
