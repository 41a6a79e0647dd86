from graphrnn.cli import app
from graphrnn.models import MODELS
from tests.cli.test_app import refused

import pytest


def test_every_network_is_listed_with_its_section(capsys):
    app.main(["models"])
    out = capsys.readouterr().out
    for name, model in MODELS.items():
        (line,) = (line for line in out.splitlines() if line.split()[:1] == [name])
        assert model.section.split()[0] in line


@pytest.mark.parametrize(
    ("name", "shown", "hidden"),
    [
        ("stacked_lstm", ["dropout        0.2", "time           40"], ["momentum"]),
        ("theano_rnn", ["optimizer      sgd", "learning_rate  0.01"], ["embedding", "layers"]),
    ],
)
def test_one_network_is_shown_with_what_it_is_trained_by(capsys, name, shown, hidden):
    app.main(["models", name])
    out = capsys.readouterr().out
    assert MODELS[name].summary in out
    assert f"train --model {name}" in out
    assert all(text in out for text in shown)
    assert not any(text in out for text in hidden)


def test_an_unknown_network_is_one_line(capsys):
    assert "unknown model 'grus'; did you mean 'gru'" in refused(capsys, "models", "grus")
