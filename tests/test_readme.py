"""What the READMEs say is so: examples run, commands parse, links lead somewhere."""

import html
import importlib.util
import re
import shlex
import textwrap
from pathlib import Path

import graphrnn
from graphrnn.backends.compile import compile_graph
from graphrnn.cli.app import app
from graphrnn.graph import loops
from graphrnn.graph.shapes import tensor
from graphrnn.native import c_source
from tests.inspected import four_lines

import aesara
import aesara.tensor as at
import numpy as np
import pytest

pytestmark = pytest.mark.shipped_flags

ROOT = Path(__file__).parent.parent
READMES = {
    path.parent.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *(p for d in ("graphrnn", "scripts", "tests", "findings")
                                       for p in (ROOT / d).rglob("README.md"))]
}  # fmt: skip
README, NATIVE = READMES["."], READMES["graphrnn/native"]
WRITTEN = re.findall(r"^(?: {4})(\S.*)$|`([^`\n]+)`", "\n".join(READMES.values()), re.MULTILINE)
COMMANDS = sorted({(line or inline).strip() for line, inline in WRITTEN})


def test_it_is_read_in_one_sitting():
    assert len(README.splitlines()) <= 250


def test_the_network_by_hand_learns(capsys):
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    assert len([line for line in code.splitlines() if line.strip()]) <= 35
    assert len(re.findall(r"^(?:from|import) graphrnn", code, flags=re.MULTILINE)) == 1
    names: dict[str, object] = {}
    exec(compile(code, "README.md", "exec"), names)
    losses = [line["loss"] for line in names["run"].log]
    assert losses[0] > 20
    assert losses[-1] < 17
    assert "nats at first" in capsys.readouterr().out


def test_the_four_lines_print_what_the_readme_shows():
    shown, listed = re.findall(r"<pre>\n(.*?)</pre>", README, flags=re.DOTALL)
    looked = graphrnn.inspect(four_lines(), title="four lines")
    assert listed == looked.text("written") == str(looked)
    assert shown.strip() == aesara.printing.debugprint(four_lines(), file="str").strip()


def test_blocks_print_what_their_readme_shows(capsys):
    blocks = r"```python\n((?:(?!```).)*)```\n\n```text\n(.*?)```"
    pairs = re.findall(blocks, READMES["graphrnn/graph"], re.DOTALL)
    assert len(pairs) == 2
    for code, printed in pairs:
        with np.errstate(invalid="ignore"):
            exec(compile(code, "README.md", "exec"), {})
        assert capsys.readouterr().out == printed


def test_a_batch_of_a_text_is_one_c_function_but_for_the_last():
    (code,) = re.findall(r"```python\n(.*?)```", NATIVE, re.DOTALL)
    names = {}
    exec(compile(code, "README.md", "exec"), names)
    data = np.random.default_rng(0).standard_normal((1000, 8)).astype("float32")
    for k in (0, 7, 15):
        wanted = data[k * 64 : (k + 1) * 64].mean(axis=0)
        np.testing.assert_allclose(names["mean"](data, k), wanted, rtol=1e-4, atol=1e-5)


def test_the_c_is_that_of_the_four_lines_above_it():
    (code,) = re.findall(r"```text\n(.*?)```", NATIVE.split("<table>")[0], flags=re.DOTALL)
    shown, c = re.findall(r"<pre class=\"\w+\">\n(.*?)\n</pre>", NATIVE, flags=re.DOTALL)
    names = {"tensor": tensor, "at": at, "loops": loops, "compile_graph": compile_graph}
    exec(code, names)
    assert html.unescape(shown) == str(graphrnn.inspect(names["f"])).strip()
    assert textwrap.indent(html.unescape(c), "    ") in c_source(names["f"])


LINKS = [
    (folder, target)
    for folder, text in READMES.items()
    for target in re.findall(r"\]\(([^):]+)\)", text)
]


@pytest.mark.parametrize(("folder", "target"), LINKS)
def test_links_lead_somewhere(folder, target):
    path, _, section = target.partition("#")
    result = (ROOT / folder / path) if path else ROOT / folder / "README.md"
    assert result.exists()
    if section:
        page = result / "README.md" if result.is_dir() else result
        titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
        assert section in {re.sub(r"[^\w -]", "", t.lower()).replace(" ", "-") for t in titles}


def test_every_target_that_is_named_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = {m[1] for text in COMMANDS if (m := re.match(r"make ([a-z-]+)", text))}
    assert named
    assert named <= targets


@pytest.mark.parametrize("text", [text for text in COMMANDS if text.startswith("graphrnn ")])
def test_a_command_is_one_that_graphrnn_takes(text):
    words = shlex.split(text.split("…")[0], comments=True)[1:]
    if "--help" in words or words[-1].startswith("--"):
        words = words[:-1]  # an option that is named without a value
    if len(words) > 1 or "--" in text:
        app.parse_args(words, exit_on_error=False, print_error=False)
    else:
        assert words[0] in {name for names in app for name in [names]}


@pytest.mark.parametrize("text", [text for text in COMMANDS if "python -m scripts." in text])
def test_a_script_that_is_named_exists(text):
    (name,) = re.findall(r"python -m (scripts\.\w+)", text)
    assert importlib.util.find_spec(name)
