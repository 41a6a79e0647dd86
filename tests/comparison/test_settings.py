from graphrnn.comparison.settings import CompareSettings
from graphrnn.settings.messages import describe

import pytest
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch": 0}, "--batch: got 0, needed a value greater than 0"),
        ({"hidden": 65_537}, "--hidden: got 65537, needed a value less than or equal to 65536"),
        ({"rewrites": ("maybe",)}, "--rewrites: got maybe, needed 'on' or 'off'"),
        ({"budget": float("inf")}, "--budget: got inf, needed a finite number"),
        ({"threads": 257}, "--threads: got 257, needed a value less than or equal to 256"),
    ],
)
def test_out_of_range(settings, message):
    with pytest.raises(ValidationError) as error:
        CompareSettings(**settings)
    assert describe(error.value) == message
