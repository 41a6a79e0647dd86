from graphrnn.cli import app
from graphrnn.models import MODELS


def test_every_network_is_listed_with_its_section(capsys):
    app.main(["models"])
    out = capsys.readouterr().out
    for name, model in MODELS.items():
        (line,) = (line for line in out.splitlines() if line.split()[:1] == [name])
        assert model.section.split()[0] in line
