"""Writes the golden listings anew: `.venv/bin/python -m tests.write_golden`, then read the diff."""

from graphrnn.inspection.inspector import inspect
from tests import conftest  # noqa: F401  the same settings as in the tests
from tests.inspected import four_lines, lesson
from tests.inspection.listing.test_lines import GOLDEN


def main():
    inspection = lesson()
    texts = {f"theano_rnn_{stage}": inspection.text(stage) for stage in inspection.stages}
    texts["four_lines"] = inspect(four_lines(), title="four lines").text("written")
    for name, text in texts.items():
        (GOLDEN / f"{name}.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
