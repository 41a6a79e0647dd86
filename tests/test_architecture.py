"""The house stays as it is drawn: imports run downward, functions and files stay short."""

import ast
import re
from pathlib import Path

import graphrnn

import pytest

PACKAGE = Path(graphrnn.__file__).parent
ROOT = PACKAGE.parent

# Each line may import what stands above it, and nothing beside or below.
FLOORS = [
    {"errors", "interrupts"},
    {"schedules", "events", "files"},
    {"learning", "recipes"},
    {"toolchain", "settings"},
    {"text"},
    {"batches", "checkpoints"},
    {"runs"},
    {"initial", "shapes"},
    {"steps", "layers"},
    {"cells", "loops"},
    {"loop_options", "losses", "updates", "python_rewrites"},
    {"models", "backends"},
    {"functions", "loop_choice"},
    {"preparation"},
    {"generation", "watching"},
    {"sampling"},
    {"trainer", "evaluation"},
    {"training"},
    {"display", "plots", "doctor"},
    {"notebook"},
    {"cli"},
    {"__main__"},
]
# The oracle shares no code with what it is held against.
ALONE = {"reference"}
# Wings beside the house, a file and a package: they read, and only a command calls them.
SIDE = {"gradients", "explosions"}
READERS = {"inspection", "comparison"}
# One module a subcommand; the command line alone registers them.
COMMANDS = "commands"
# A wing that knows Aesara, how an error is told, and nothing of the rest of the house.
WING = "native"

# A package that stands in one place of the house, whatever it has inside.
ROOMS = {"models"}

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


HOUSE = [path for path in MODULES if path.parent == PACKAGE]


def imported(path):
    """Give the modules of the package that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "graphrnn":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("graphrnn."):
            names.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {a.name.split(".")[1] for a in node.names if a.name.startswith("graphrnn.")}
    return names - {"__version__"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_imports_run_downward(path):
    if path.parent.name == WING:
        assert imported(path) <= {WING, "errors"}
        return
    if path.parent.name in READERS | {COMMANDS}:
        house = set().union(*FLOORS) - {"cli", "__main__"} | SIDE
        assert imported(path) <= house | READERS | {WING, COMMANDS}
        return
    if path.stem in ALONE:
        assert imported(path) == set()
        return
    if path.stem in SIDE:
        assert imported(path) <= set().union(*FLOORS) - {"cli", "__main__"} | SIDE
        return
    name = path.parent.name if path.parent.name in ROOMS else path.stem
    floor = next((i for i, floor in enumerate(FLOORS) if name in floor), None)
    assert floor is not None, f"{name} has no floor: give it one in FLOORS"
    above = set().union(*FLOORS[:floor]) | {WING} | ALONE | ({name} & ROOMS)
    above |= {COMMANDS} if name == "cli" else set()
    assert imported(path) <= above, f"{path.stem} imports {imported(path) - above}"


def test_every_floor_is_real():
    assert set().union(*FLOORS) | ALONE | SIDE == {path.stem for path in HOUSE} | ROOMS


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_functions_are_short(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 62, f"{path.name}: {node.name} has {length} lines"


def test_every_module_has_a_test():
    tested = {path.stem.removeprefix("test_") for path in (ROOT / "tests").glob("test_*.py")}
    missing = {path.stem for path in HOUSE} - tested - {"__main__"}
    assert not missing


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-peers.txt"])
def test_constraints_are_plain(name):
    """Each line is name==version with an optional marker: no addresses, no hashes."""
    for line in (ROOT / "scripts" / name).read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[^\s/]+( ; .*)?", line), line
