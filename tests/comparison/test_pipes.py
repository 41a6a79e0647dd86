import os
import sys

from graphrnn.comparison.pipes import Pipe

import pytest

ECHO = """
import json
for line in open(0):
    asked = json.loads(line)
    if asked.get("end"):
        raise SystemExit(3)
    if not asked.get("silent"):
        print(json.dumps({"heard": asked}), flush=True)
"""


@pytest.fixture
def pipe(in_tmp):
    made = Pipe([sys.executable, "-c", ECHO], os.environ, in_tmp / "new" / "errors")
    yield made
    made.close()


def test_a_line_is_answered_by_a_line(pipe):
    assert pipe.answer({"a": 1}, 60) == {"heard": {"a": 1}}
    assert pipe.answer({"b": [2]}, 60) == {"heard": {"b": [2]}}


def test_a_process_that_has_ended_answers_nothing(pipe):
    assert pipe.answer({"end": True}, 60) is None
    assert pipe.process.returncode is not None
    pipe.close()  # twice is no error


def test_one_that_takes_too_long_is_ended(pipe):
    with pytest.raises(TimeoutError):
        pipe.answer({"silent": True}, 0.05)
    assert pipe.process.returncode < 0
