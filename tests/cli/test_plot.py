import shutil
from pathlib import Path

from graphrnn.cli import app
from graphrnn.display import plots
from tests.cli.test_app import refused


def test_runs_of_one_name_are_distinguished(capsys, drawn, in_tmp, monkeypatch):
    other = Path(shutil.copytree(drawn.path, in_tmp / "other" / "drawn"))
    drew = []
    monkeypatch.setattr(plots, "curves", lambda headers, out: drew.append((headers, out)))
    app.main(["plot", "drawn", str(other), "--out", "both.png"])
    ((headers, out),) = drew
    assert list(headers) == ["drawn", str(other)]
    assert out == Path("both.png")
    assert "curves  both.png" in capsys.readouterr().out


def test_another_ending_is_refused(capsys, drawn):
    assert "needed a name that ends in .png" in refused(capsys, "plot", "--out", "a.jpg")
