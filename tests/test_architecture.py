"""The house stays as the README draws it: imports run downward, functions and files stay short."""

import ast
import re
from pathlib import Path

import graphrnn

import pytest

PACKAGE = Path(graphrnn.__file__).parent
ROOT = PACKAGE.parent
HOUSE = (ROOT / "README.md").read_text(encoding="utf-8").split("## Map of the house")[1]
MAP = HOUSE.split("\n## ")[0] + (PACKAGE / "README.md").read_text(encoding="utf-8")

MODULES = {
    tuple(path.relative_to(PACKAGE).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name not in ("__init__.py", "__main__.py")
}


def names(cell):
    return [name.rstrip("/") for name in re.findall(r"`([\w/]+)`", cell)]


def drawn():
    """Read the tables: the floor of each place of the top level, and what is in each package."""
    floors, inside = {}, {}
    for line in MAP.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and names(cells[2]):
            package = names(cells[1])
            for k, name in enumerate(package or names(cells[2])):
                floors[name] = cells[0] if cells[0] == "wing" else (int(cells[0]), k)
            if package:
                inside[(package[0],)] = names(cells[2])
        elif len(cells) == 3 and "/" in cells[0] and names(cells[1]):
            (package,) = names(cells[0])
            inside[tuple(package.split("/"))] = names(cells[1])
    return floors, inside


FLOORS, INSIDE = drawn()
READ_BY_WINGS = 6
"""The highest floor that a wing reads."""


def imported(path):
    """Give the modules of the package that a file imports, anywhere in it, as paths."""
    result = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "graphrnn":
            base = tuple(node.module.split(".")[1:])
            for alias in node.names:
                whole = (*base, alias.name)
                result.add(whole if whole in MODULES or PACKAGE.joinpath(*whole).is_dir() else base)
        elif isinstance(node, ast.Import):
            ours = [a.name.split(".") for a in node.names if a.name.startswith("graphrnn.")]
            result |= {tuple(parts[1:]) for parts in ours}
    return result - {()}


def below(name, other):
    """Say whether a place of the top level may import another."""
    mine, its = FLOORS[name], FLOORS[other]
    if mine == "wing":
        return its == "wing" or its[0] <= READ_BY_WINGS
    if its == "wing":
        return mine[0] > READ_BY_WINGS + 1
    return its[0] < mine[0] or (its[0] == mine[0] and its[1] < mine[1] and name not in PACKAGES)


PACKAGES = {unit[0] for unit in INSIDE}


def allowed(module, other):
    """Say whether a module may import another: by their floors, or by their order in a package."""
    if module[0] != other[0]:
        return below(module[0], other[0])
    at = 1
    while at < min(len(module), len(other)) and module[at] == other[at]:
        at += 1
    if at == len(other):
        return True  # the package that it is in: no circle, says the test below
    order = INSIDE[module[:at]]
    return order.index(other[at]) < order.index(module[at])


@pytest.mark.parametrize("module", MODULES, ids=".".join)
def test_imports_run_downward(module):
    wrong = {other for other in imported(MODULES[module]) if not allowed(module, other)}
    assert not wrong


def test_no_circle_anywhere():
    arrows = {m: imported(path) & MODULES.keys() - {m} for m, path in MODULES.items()}
    while free := {m for m, others in arrows.items() if not others & arrows.keys()}:
        for module in free:
            del arrows[module]
    assert not arrows


def test_the_map_has_every_module_and_no_other():
    units = {}
    for module in MODULES:
        for k in range(1, len(module)):
            units.setdefault(module[:k], set()).add(module[k])
    assert {unit: set(order) for unit, order in INSIDE.items()} == units
    assert FLOORS.keys() == {module[0] for module in MODULES}
    assert all(len(order) == len(set(order)) for order in INSIDE.values())


@pytest.mark.parametrize("module", MODULES, ids=".".join)
def test_functions_are_short(module):
    path = MODULES[module]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or 0) - node.lineno + 1
            assert length <= 62, f"{path.name}: {node.name} has {length} lines"


def test_every_module_has_a_test():
    tests = {path.relative_to(ROOT / "tests") for path in (ROOT / "tests").rglob("test_*.py")}
    wanted = {module: Path(*module[:-1], f"test_{module[-1]}.py") for module in MODULES}
    assert {module for module, path in wanted.items() if path not in tests} == set()


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-peers.txt"])
def test_constraints_are_plain(name):
    """Each line is name==version with an optional marker: no addresses, no hashes."""
    for line in (ROOT / "scripts" / name).read_text().splitlines():
        assert re.fullmatch(r"[A-Za-z0-9_.-]+==[^\s/]+( ; .*)?", line), line
