import struct

from graphrnn.events import Events
from graphrnn.runs import RunFolder

import pytest

proto = pytest.importorskip("tensorboardX.proto.event_pb2", reason="the optional extra is missing")


def read(folder):
    """Read all scalars of event files by the library's own messages: (name, step, value)."""
    found = []
    for path in sorted((folder / "events").iterdir()):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = proto.Event.FromString(data[12 : 12 + length])
            data = data[12 + length + 4 :]
            found += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
    return found


def test_what_is_written_can_be_read(in_tmp):
    events = Events(RunFolder(in_tmp).path, after=1)
    events.write({"step": 5, "sequences": 20, "loss": 2.5, "gradient_norm": None})
    events.write({"step": 6, "sequences": 24, "held_out_loss": 3.5})
    events.close()
    assert read(in_tmp) == [("loss", 5, 2.5), ("held_out_loss", 6, 3.5)]


def test_without_the_library_nothing_is_written(in_tmp, monkeypatch):
    monkeypatch.setattr("graphrnn.events.find_spec", lambda name: None)
    events = Events(in_tmp, after=1)
    events.write({"step": 5, "loss": 2.5})
    events.close()
    assert list(in_tmp.iterdir()) == []
