from graphrnn.cli.options import respelled, whole
from graphrnn.errors import UserError

import pytest
from cyclopts import Token


def token(value):
    return (Token(keyword="--count", value=value),)


def test_whole_numbers_are_read():
    assert whole()(int, token("7")) == 7
    assert whole(256)(int, token("256")) == 256


@pytest.mark.parametrize(
    ("value", "needed"),
    [
        ("2.5", "a whole number"),
        ("many", "a whole number"),
        ("0", "a value greater than 0"),
        ("-3", "a value greater than 0"),
        ("257", "a value less than or equal to 256"),
    ],
)
def test_what_is_no_whole_number_within_the_limits(value, needed):
    with pytest.raises(UserError, match=f"^--count: got {value}, needed {needed}$"):
        whole(256)(int, token(value))


def test_old_spellings_are_those_of_two_commands_alone():
    assert respelled(["gradients", "--rate=1"]) == ["gradients", "--learning-rate=1"]
    assert respelled(["train", "--out", "--rates"]) == ["train", "--out", "--rates"]
    assert respelled(["sample", "--prompt", "--rate"]) == ["sample", "--prompt", "--rate"]
    assert respelled(["inspect", "gru", "--rules"]) == ["inspect", "gru", "--rewrites"]
    assert respelled([]) == []
