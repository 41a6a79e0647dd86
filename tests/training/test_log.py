from importlib.util import find_spec

from graphrnn.errors import UserError
from graphrnn.runs.folder import RunFolder
from graphrnn.training.log import Log

import pytest


@pytest.fixture
def folder(in_tmp):
    return RunFolder(in_tmp)


def test_lines_wait_for_room_in_their_order(folder, monkeypatch):
    messages, full, write = [], [True], RunFolder.write_line

    def now_and_then(self, line):
        if full[0]:
            raise UserError("no space left on device")
        write(self, line)

    monkeypatch.setattr(RunFolder, "write_line", now_and_then)
    log = Log(folder, messages.append)
    log.write({"step": 1, "sequences": 4})
    log.write({"step": 2, "sequences": 8})
    assert folder.lines() == []
    full[0] = False
    log.write({"step": 3, "sequences": 12})
    assert [line["step"] for line in folder.lines()] == [1, 2, 3]
    assert messages == ["no space left on device; the run goes on, and its log when there is room"]


@pytest.mark.skipif(not find_spec("tensorboardX"), reason="needs tensorboardX")
def test_event_files_have_the_log_so_far_and_what_is_written(folder):
    log = Log(folder, print)
    log.write({"step": 1, "sequences": 4, "before": 1.0})
    with log.writing_events():
        log.write({"step": 2, "sequences": 8, "within": 1.0})
    log.write({"step": 3, "sequences": 12, "after": 1.0})
    (file,) = (folder.path / "events").iterdir()
    data = file.read_bytes()
    assert b"before" in data
    assert b"within" in data
    assert b"after" not in data
    assert len(folder.lines()) == 3
