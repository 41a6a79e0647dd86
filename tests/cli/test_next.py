from graphrnn.cli import app
from graphrnn.sampling import sampler as samplers


class Sampler:
    """Knows what comes next."""

    described, trained = "each character from nothing", "the network after 8 sequences"

    def __init__(self):
        self.text = ""

    def read(self, text):
        self.text += text

    def next_characters(self, count):
        return [(" ", 0.625), ("\n", 0.25), ("a", 0.125)][:count]


def test_characters_and_shares_are_printed(capsys, monkeypatch):
    made, asked = Sampler(), []
    monkeypatch.setattr(
        samplers, "load_sampler", lambda *words, **options: asked.append((words, options)) or made
    )
    app.main(["next", "mine", "-th", "--count", "2", "--threads", "1"])
    captured = capsys.readouterr()
    assert captured.out == "' '     62.5%\n'\\n'    25.0%\n"
    assert captured.err == "graphrnn: the network after 8 sequences; each character from nothing\n"
    assert made.text == "-th"
    options = {"checkpoint": "best", "state": "as-trained", "backend": "auto", "threads": 1}
    assert asked == [(("mine",), options)]
