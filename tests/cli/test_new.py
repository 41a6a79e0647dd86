"""A network of one's own from the command line: written, trained, kept, sampled, looked into."""

from graphrnn.cli import app
from graphrnn.models import user_models, user_template
from tests.cli.test_app import refused


def test_a_new_file_is_the_template_and_overwrites_nothing(capsys, in_tmp):
    app.main(["new", "mine.py"])
    assert "train --model mine.py" in capsys.readouterr().out
    text = (in_tmp / "mine.py").read_text(encoding="utf-8")
    assert "graphrnn train --model mine.py" in text
    got = user_models.load("mine.py").model
    assert got.summary == user_template.MODEL.summary
    assert "'mine.py' is there already" in refused(capsys, "new", "mine.py")
    assert "needed a name that ends in .py" in refused(capsys, "new", "mine")
    assert "no such file or directory" in refused(capsys, "new", "nowhere/mine.py")


def test_from_a_new_file_to_text(capsys, small_text, monkeypatch):
    app.main(["new", "mine.py"])
    few = ["--hidden", "4", "--batch", "4", "--backend", "python"]
    app.main(["train", "--model", "mine.py", "--corpus", "small.txt", "--sequences", "40", *few])
    out = capsys.readouterr().out
    assert "sample runs/mine-1" in out
    assert "--trust" in out
    monkeypatch.setattr(user_models, "_LOADED", {})
    words = ["sample", "runs/mine-1", "--prompt", "the", "--length", "9", "--backend", "python"]
    assert "is a program in a file" in refused(capsys, *words)
    app.main([*words, "--trust"])
    assert capsys.readouterr().out.startswith("the")
    app.main(["inspect", "mine.py", "--hidden", "4", "--stage", "written"])
    assert "mine.py, scan, written" in capsys.readouterr().out

    (small_text.parent / "mine.py").write_text("raise SystemExit('it ran')")
    (small_text.parent / "runs/mine-1/model.py").write_text("raise SystemExit('it ran')")
    for words in (["show", "runs/mine-1"], ["runs"], ["plot", "runs/mine-1"]):
        app.main(words)  # these need no network, and run no file
        assert capsys.readouterr().out
