from graphrnn.comparison.pipes import Pipe
from graphrnn.comparison.workers import Process, TooLongError
from graphrnn.errors import UserError

import pytest


@pytest.fixture
def process(in_tmp, monkeypatch):
    """A worker whose answers are said here; no process is started."""
    monkeypatch.setattr(Pipe, "__init__", lambda self, words, environment, errors: None)

    class Task:
        threads = 2

    made = Process.__new__(Process)
    monkeypatch.setattr("graphrnn.comparison.workers.cloudpickle.dumps", lambda task: b"task")
    made.__init__(Task(), in_tmp / "work", in_tmp / "cache")
    made.process = type("Ended", (), {"returncode": -9})
    return made


def answer(monkeypatch, found):
    def answered(self, request, within):
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(Pipe, "answer", answered)


def test_an_answer_is_given(process, monkeypatch):
    answer(monkeypatch, {"bytes": 5})
    assert process.ask("memory") == {"bytes": 5}


def test_what_could_not_be_done_is_said(process, monkeypatch):
    answer(monkeypatch, {"problem": "no compiler"})
    with pytest.raises(UserError, match="^no compiler$"):
        process.ask("build")


def test_what_takes_too_long_was_stopped(process, monkeypatch):
    answer(monkeypatch, TimeoutError())
    with pytest.raises(TooLongError, match="stopped after 1.5 seconds"):
        process.ask("build", within=1.5)


def test_the_last_words_of_one_that_has_ended(process, monkeypatch):
    answer(monkeypatch, None)
    process.errors.write_text("")
    with pytest.raises(UserError, match="its process ended with -9"):
        process.ask("build")
    process.errors.write_text("Traceback\nMemoryError: too large\n")
    with pytest.raises(UserError, match="^MemoryError: too large$"):
        process.ask("build")
