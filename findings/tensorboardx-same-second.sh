#!/bin/sh
# tensorboardX 2.6.5: a second SummaryWriter of the same second erases the first one's records.
#
# The name of an event file is the time in whole seconds and the host's name, and the file is opened
# for writing anew. Two writers made on one folder within a second thus have one file: the second
# empties it, though the first has been closed.
#
# Consequence: a run that is stopped and continued at once, or a test of it, loses what it wrote
# before.
#
# Seen upstream: lanpa/tensorboardX#776.
set -eu

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not (sys.version_info >= (3, 11)))' || {
    echo "NumPy 2.4.6 needs Python 3.11 or later: set PYTHON to one" >&2
    exit 2
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    tensorboardX==2.6.5 numpy==2.4.6 protobuf==7.36.2 || exit 2

"$folder/venv/bin/python" -W ignore - <<'END'
import struct
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from tensorboardX import SummaryWriter
from tensorboardX.proto.event_pb2 import Event


def tags(path):
    """Read the tags of an event file: each record is a length, 4 bytes, the event, 4 bytes."""
    data, found = path.read_bytes(), []
    while data:
        (size,) = struct.unpack("<Q", data[:8])
        event = Event.FromString(data[12 : 12 + size])
        found += [value.tag for value in event.summary.value]
        data = data[16 + size :]
    return found


with tempfile.TemporaryDirectory() as name:
    folder = Path(name)
    time.sleep(1 - time.time() % 1)  # both begin early in one second
    for tag in ("first", "second"):
        writer = SummaryWriter(name)
        writer.add_scalar(tag, 1.0, 0)
        writer.close()
    files = sorted(folder.iterdir())
    found = sorted(tag for file in files for tag in tags(file))

print("tensorboardX", version("tensorboardX"))
print("event files:", len(files), " expected: 2")
print("records:    ", found, " expected: ['first', 'second']")
if (len(files), found) != (1, ["second"]):
    sys.exit("changed: both writers' records are kept")
print("as stated: the second writer has erased the first one's records")
END
