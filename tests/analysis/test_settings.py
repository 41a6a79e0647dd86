from graphrnn.analysis.settings import GradientSettings
from graphrnn.settings.messages import describe

import pytest
from pydantic import ValidationError


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"time": 1}, "--time: got 1, needed a value greater than or equal to 2"),
        ({"steps": -1}, "--steps: got -1, needed a value greater than or equal to 0"),
        ({"learning_rate": 0.0}, "--learning-rate: got 0.0, needed a value greater than 0"),
        ({"clip": float("nan")}, "--clip: got nan, needed a finite number"),
        ({"hiden": 5}, "--hiden: got 5, needed Unexpected keyword argument"),
    ],
)
def test_out_of_range(settings, message):
    with pytest.raises(ValidationError) as error:
        GradientSettings(**settings)
    assert describe(error.value) == message


def test_no_steps_measure_once():
    assert GradientSettings(steps=0).steps == 0
