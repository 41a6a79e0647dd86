from graphrnn.cli import app, findings

import pytest

pytestmark = [pytest.mark.shipped_flags, pytest.mark.stock_c]


def test_it_prints_what_was_found_in_two_columns(capsys, monkeypatch):
    rows = [("interpreter", "Python"), ("BLAS", "OpenBLAS")]
    monkeypatch.setattr(findings, "findings", lambda report: rows)
    app.main(["doctor"])
    assert capsys.readouterr().out == "interpreter  Python\nBLAS         OpenBLAS\n"
