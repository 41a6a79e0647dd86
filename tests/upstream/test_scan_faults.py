"""The table of what is wrong in Aesara's scan: a test for each row, and the same for people."""

import re
from collections import Counter
from pathlib import Path

import graphrnn
from graphrnn.upstream.scan_faults import SCAN_FAULTS


def test_every_fault_has_its_test():
    files = sorted(Path(__file__).parent.glob("test_scan_*.py"))
    text = "".join(path.read_text(encoding="utf-8") for path in files)
    for fault in SCAN_FAULTS:
        assert f"def {fault.test}(" in text
    assert max(Counter(fault.name for fault in SCAN_FAULTS).values()) == 1


def test_the_table_for_people_is_that_of_the_code():
    path = Path(graphrnn.__file__).parent / "upstream" / "README.md"
    section = path.read_text(encoding="utf-8").split("## Where its scan is wrong")[1]
    rows = [line for line in section.splitlines() if re.match(r"\| (?!---|fault )", line)]
    assert rows == [fault.row() for fault in SCAN_FAULTS]
