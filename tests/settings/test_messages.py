from graphrnn.settings.messages import describe
from graphrnn.settings.training import TrainSettings

import pytest
from pydantic import ValidationError


def test_several_complaints_are_one_line():
    with pytest.raises(ValidationError) as error:
        TrainSettings(hidden=0, keep_every="often")
    assert describe(error.value) == (
        "--hidden: got 0, needed a value greater than 0; "
        "--keep-every: got often, needed a valid integer"
    )


def test_choices_are_listed():
    with pytest.raises(ValidationError) as error:
        TrainSettings(dtype="half")
    assert describe(error.value) == "--dtype: got half, needed 'float32' or 'float64'"
