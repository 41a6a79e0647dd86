from graphrnn.settings import fields

import pytest
from pydantic import TypeAdapter, ValidationError


@pytest.mark.parametrize(
    ("kind", "within", "beyond"),
    [
        (fields.Positive, (1, 2**63 - 1), (0, 2**63)),
        (fields.Seed, (0, 2**63 - 1), (-1, 2**63)),
        (fields.Threads, (1, 256), (0, 257)),
        (fields.Name, ("", "x" * 100), ("x" * 101,)),
        (fields.TextName, ("x" * 4096,), ("x" * 4097,)),
    ],
)
def test_limits(kind, within, beyond):
    adapter = TypeAdapter(kind)
    assert [adapter.validate_python(value) for value in within] == list(within)
    for value in beyond:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)
