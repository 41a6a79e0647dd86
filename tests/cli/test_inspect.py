"""`graphrnn inspect` as it is typed."""

from graphrnn.cli.app import main

import pytest

SMALL = ["--hidden", "5", "--time", "4"]


def run(capsys, *words):
    main(["inspect", *words])
    return capsys.readouterr().out


def test_three_stages_are_listed_by_default(capsys, small_text):
    out = run(capsys, "theano_rnn", *SMALL)
    for stage in ("written", "gradient", "rewritten"):
        assert f"theano_rnn, scan, {stage}: " in out
    assert max(len(line) for line in out.splitlines()) <= 100
    assert "returns\n  loss\n  accuracy\nupdates\n" in out


def test_tables_and_a_file(capsys, in_tmp):
    out = run(
        capsys,
        "theano_rnn",
        *SMALL,
        "--cost",
        "--memory",
        "--history",
        "--rewrites",
        "--out",
        "g.svg",
    )
    for words in (
        "history of rewrites",
        "time of rewriting",
        "cost of one call",
        "peak",
        "GFLOP/s",
    ):
        assert words in out
    assert (in_tmp / "g.svg").read_bytes().startswith(b"<?xml")


def test_loops_are_compared(capsys):
    out = run(capsys, "theano_rnn", *SMALL, "--diff", "scan", "unrolled", "--stage", "written")
    assert "only in scan" in out
    assert any(line.startswith("+") for line in out.splitlines())


def test_stages_are_compared_and_costs_measured(capsys):
    out = run(capsys, "theano_rnn", *SMALL, "--diff", "written", "gradient")
    assert "only in gradient" in out
    out = run(capsys, "theano_rnn", *SMALL, "--cost", "--backend", "python")
    assert "(time measured)" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing_there"], "unknown model 'nothing_there'"),
        (["theano_rnn", "--stage", "writen"], "unknown stage 'writen'; did you mean 'written'"),
        (["theano_rnn", "--stage", "native", "--backend", "python"], "stage 'native' does not"),
        (["theano_rnn", "--loop", "rolled"], "unknown loop 'rolled'"),
        (["theano_rnn", "--diff", "scan", "written"], "--diff: got 'scan' and 'written'"),
        (["theano_rnn", "--out", "graph.gif"], "got the ending '.gif', needed one of .html"),
        (["theano_rnn", "--out", "."], "needed one of .html"),
        (["theano_rnn", "--out", "no/such/folder/g.html"], "there is no folder"),
        (["theano_rnn", "--hidden", "0"], "--hidden: got 0, needed a value greater than 0"),
    ],
)
def test_bad_input_is_one_line(capsys, in_tmp, words, message):
    with pytest.raises(SystemExit) as stopped:
        main(["inspect", *words])
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(in_tmp.iterdir())


def test_a_run_is_inspected(capsys, small_text):
    main(["train", "--corpus", "small.txt", "--sequences", "20", "--hidden", "4",
          "--backend", "native", "--out", "run"])  # fmt: skip
    capsys.readouterr()
    out = run(capsys, "run", "--stage", "written")
    assert "W_hh" in out
    assert "float32 (4, 4)" in out
