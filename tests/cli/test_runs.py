from graphrnn.cli import app
from tests.cli.test_app import refused


def test_a_run_is_a_row(capsys, drawn):
    app.main(["runs"])
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row == ["drawn", "reference,", "3", "python-prose", "20", "of", "40", "1.500", "0.693",
                   "stopped"]  # fmt: skip


def test_a_run_that_cannot_be_read_is_a_row_too(capsys, drawn):
    drawn.settings.write_text("hidden = 0\n")
    app.main(["runs", str(drawn.path.parent)])
    assert "got 0, needed a value greater than 0" in capsys.readouterr().out


def test_no_runs(capsys, in_tmp):
    assert "'runs': no runs there; train one first" in refused(capsys, "runs")
