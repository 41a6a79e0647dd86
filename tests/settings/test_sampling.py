from graphrnn.errors import UserError
from graphrnn.settings.messages import describe
from graphrnn.settings.sampling import SampleSettings

import pytest
from pydantic import ValidationError


@pytest.mark.parametrize("temperature", [0, -1])
def test_temperature_says_greedy(temperature):
    with pytest.raises(UserError, match="--temperature: got .*, needed more than 0;.*--greedy"):
        SampleSettings(temperature=temperature)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"length": 0}, "--length: got 0, needed a value greater than 0"),
        ({"temperature": float("inf")}, "--temperature: got inf, needed a finite number"),
        ({"top_k": 0}, "--top-k: got 0, needed a value greater than 0"),
        ({"top_p": 0.0}, "--top-p: got 0.0, needed a value greater than 0"),
        ({"top_p": 1.1}, "--top-p: got 1.1, needed a value less than or equal to 1"),
        ({"count": 1001}, "--count: got 1001, needed a value less than or equal to 1000"),
    ],
)
def test_out_of_range(settings, message):
    with pytest.raises(ValidationError) as error:
        SampleSettings(**settings)
    assert describe(error.value) == message
