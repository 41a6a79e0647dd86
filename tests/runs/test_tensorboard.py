import math
import resource
import struct

from graphrnn.runs import tensorboard as module
from graphrnn.runs.tensorboard import Events

import pytest

proto = pytest.importorskip("tensorboardX.proto.event_pb2", reason="the optional extra is missing")


def records(path):
    """Read the whole records of a file; one that a kill has torn ends it, as in TensorBoard."""
    data = path.read_bytes()
    while len(data) >= 12:
        (length,) = struct.unpack("<Q", data[:8])
        if len(data) < 12 + length + 4:
            return
        yield proto.Event.FromString(data[12 : 12 + length])
        data = data[12 + length + 4 :]


def read(folder):
    """Read the scalars of a folder as TensorBoard does, as (name, step, value).

    Files in the order of their names; where one says START at a step, all that was read of that
    step and of later ones is forgotten.
    """
    results = []
    for path in sorted((folder / "events").iterdir()):
        for event in records(path):
            if event.HasField("session_log") and event.session_log.status == 1:
                results = [scalar for scalar in results if scalar[1] < event.step]
            results += [(v.tag, event.step, v.simple_value) for v in event.summary.value]
    return results


def single(value):
    """Round a number to the precision that an event has."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def numbers(lines):
    """Give what events of these lines of a log are to hold."""
    return [
        (name, line["step"], single(value))
        for line in lines
        for name, value in line.items()
        if name not in ("step", "sequences") and value is not None
    ]


def test_what_is_written_can_be_read(in_tmp):
    events = Events(in_tmp)
    events.write({"step": 5, "sequences": 20, "loss": 2.5, "gradient_norm": None})
    events.write({"step": 6, "sequences": 24, "held_out_loss": 3.5, "gradient_norm": math.nan})
    assert read(in_tmp) == [("loss", 5, 2.5), ("held_out_loss", 6, 3.5)]  # before it is closed
    events.close()
    assert read(in_tmp) == [("loss", 5, 2.5), ("held_out_loss", 6, 3.5)]


def test_check_sums_are_those_of_the_format(in_tmp):
    """CRC-32C by its definition, bit by bit; masked as TFRecord has it."""

    def masked(data):
        crc = 0xFFFFFFFF
        for byte in data:
            crc ^= byte
            for _ in range(8):
                crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)
        crc ^= 0xFFFFFFFF
        return struct.pack("<I", (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF)

    Events(in_tmp, [{"step": 1, "loss": 2.5}]).close()
    (path,) = (in_tmp / "events").iterdir()
    data, seen = path.read_bytes(), 0
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        assert data[8:12] == masked(data[:8])
        assert data[12 + length : 16 + length] == masked(data[12 : 12 + length])
        data, seen = data[16 + length :], seen + 1
    assert seen == 3


def test_another_process_hides_what_was_written_and_writes_the_whole_log(in_tmp):
    """Of steps that are taken again what a killed process wrote does not count; gaps are filled."""
    lines = [{"step": step, "loss": 0.1 * step, "accuracy": 0.5} for step in range(1, 6)]
    killed = Events(in_tmp)
    for line in (lines[0], lines[2], {"step": 4, "loss": 9.0}, {"step": 77, "loss": 9.0}):
        killed.write(line)
    killed.close()
    (path,) = (in_tmp / "events").iterdir()
    path.write_bytes(path.read_bytes()[:-7])
    again = Events(in_tmp, lines[:3])
    for line in lines[3:]:
        again.write(line)
    again.close()
    assert read(in_tmp) == numbers(lines)


def test_writers_of_one_second_and_of_a_clock_that_was_set_back(in_tmp, monkeypatch):
    lines = [{"step": 1, "loss": 1.0}]
    for now, more in ((1e9, 2), (1e9, 3), (9e8, 4)):
        monkeypatch.setattr(module.clock, "time", lambda now=now: now)
        events = Events(in_tmp, lines)
        lines.append({"step": more, "loss": float(more)})
        events.write(lines[-1])
        events.close()
        assert read(in_tmp) == numbers(lines)
    assert len(list((in_tmp / "events").iterdir())) == 3


def test_a_full_disk_ends_the_events_alone(in_tmp):
    messages = []
    events = Events(in_tmp, [{"step": 1, "loss": 1.0}], messages.append)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    (path,) = (in_tmp / "events").iterdir()
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 9, hard))
    try:
        events.write({"step": 2, "loss": 2.0})
        events.write({"step": 3, "loss": 3.0})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    events.close()
    assert messages == [
        "events for TensorBoard end here: no space left on device; log.jsonl has them all"
    ]
    assert read(in_tmp) == [("loss", 1, 1.0)]


def test_without_the_library_nothing_is_written(in_tmp, monkeypatch):
    monkeypatch.setattr("graphrnn.runs.tensorboard.find_spec", lambda name: None)
    events = Events(in_tmp)
    events.write({"step": 5, "loss": 2.5})
    events.close()
    assert list(in_tmp.iterdir()) == []
