import subprocess
import sys

from graphrnn.graph import updates
from graphrnn.settings.choices import OPTIMIZER_NAMES


def test_every_optimizer_has_its_equation():
    assert list(updates.OPTIMIZERS) == list(OPTIMIZER_NAMES)
    assert all(updates.OPTIMIZERS[name] is getattr(updates, name) for name in OPTIMIZER_NAMES)


def test_building_a_graph_imports_no_library_of_settings():
    code = (
        "import sys; from graphrnn.models import network; "
        "print({'pydantic', 'cyclopts'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
