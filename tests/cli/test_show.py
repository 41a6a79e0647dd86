from graphrnn.cli import app


def test_what_a_run_is_and_how_it_went(capsys, drawn):
    app.main(["show", "drawn"])
    out = capsys.readouterr().out
    for words in (
        "reference, H = 3",
        "20 of 40 sequences",
        "sgd, learning rate 0.01, constant",
        "last.safetensors  after 20 sequences",
        "log.jsonl  2 lines",
        "to go on: graphrnn train --resume",
    ):
        assert words in out
    (row,) = (line.split() for line in out.splitlines() if line.strip().startswith("20  "))
    assert row == ["20", "0.693", "1.000", "50.0%"]  # log 2 nats are one bit


def test_a_run_that_saved_nothing(capsys, drawn):
    drawn.last.unlink()
    app.main(["show", str(drawn.path)])
    assert "reference on python-prose was stopped, and has saved no checkpoint yet" in " ".join(
        capsys.readouterr().out.split()
    )
