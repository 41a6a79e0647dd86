"""What the README says is so."""

import html
import re
import textwrap
from pathlib import Path

import graphrnn
from graphrnn import loops
from graphrnn.backends import compile_graph
from graphrnn.native import c_source
from graphrnn.shapes import tensor
from tests.inspected import four_lines

import aesara
import aesara.tensor as at
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_network_by_hand_learns(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 35
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    errors = np.asarray(names["errors"])
    assert errors[:100].mean() > 24
    assert errors[-1000:].mean() < 17
    assert "nats" in capsys.readouterr().out


def test_the_four_lines_print_what_the_readme_shows():
    shown, listed = re.findall(r"<pre>\n(.*?)</pre>", README, flags=re.DOTALL)
    looked = graphrnn.inspect(four_lines(), title="four lines")
    assert listed == looked.text("written") == str(looked)
    assert shown.strip() == aesara.printing.debugprint(four_lines(), file="str").strip()


def test_the_c_is_that_of_the_four_lines_above_it():
    section = README.split("## From four lines to C")[1]
    (code,) = re.findall(r"```text\n(.*?)```", section.split("<table>")[0], flags=re.DOTALL)
    shown, c = re.findall(r"<pre class=\"\w+\">\n(.*?)\n</pre>", section, flags=re.DOTALL)
    names = {"tensor": tensor, "at": at, "loops": loops, "compile_graph": compile_graph}
    exec(code, names)
    assert html.unescape(shown) == str(graphrnn.inspect(names["f"])).strip()
    assert textwrap.indent(html.unescape(c), "    ") in c_source(names["f"])


@pytest.mark.parametrize("target", re.findall(r"\]\(([^):]+)\)", README))
def test_links_lead_somewhere(target):
    assert (ROOT / target.partition("#")[0]).exists()


def test_every_module_is_in_the_picture():
    floors = README.split("| floor | files |")[1].split("\n\n")[0]
    named = set(re.findall(r"`(\w+)`", floors))
    files = {path.stem for path in (ROOT / "graphrnn").glob("*.py")} - {"__init__", "__main__"}
    assert named == files


def test_every_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"(?:`|^    )make ([a-z]+)", README, re.MULTILINE)) <= targets
