"""What is kept of the language reference is prose, each paragraph once."""

import re
from collections import Counter

from graphrnn.data import prose

import pytest


@pytest.mark.parametrize(
    "block",
    [
        "Function definitions\n====================",
        '   funcdef ::= [decorators] "def" funcname "(" [parameter_list] ")" the suite of it all.',
        "| Operator | Description of what the operator does to its two operands here. |",
        "   >>> x = 1\n   >>> print(the value of x, which was set in the line above this one)",
        "too short to be a sentence.",
        "It has words enough to be taken for a sentence but it does not end as one does",
        "f(x, y)[1:2] + g(z)[3:4] - h(w)(5, 6, 7, 8) % k(1, 2, 3) and a few words more of it.",
    ],
)
def test_what_is_no_prose_is_left_out(block):
    assert list(prose.paragraphs(block)) == []


def test_a_list_s_items_are_paragraphs_without_their_bullets():
    text = (
        "1. The first of these items is a sentence of its own.\n\n"
        "* The second is one, **too**, as you see."
    )
    assert list(prose.paragraphs(text)) == [
        "The first of these items is a sentence of its own.",
        "The second is one, too, as you see.",
    ]


def test_the_corpus_is_long_and_has_each_paragraph_once():
    text = prose.python_prose()
    blocks = text.rstrip("\n").split("\n\n")
    assert len(text) > 150_000
    assert max(Counter(blocks).values()) == 1
    assert max(map(len, text.splitlines())) <= prose.WIDTH
    assert not re.search(r"  |[|<>{}=]", text)
    assert text == prose.python_prose()


def test_most_of_it_is_words():
    text = prose.python_prose()
    letters = sum(c.isalpha() or c.isspace() for c in text)
    assert letters / len(text) > 0.93
