"""Makes the README's pictures: the terminal of `make train` as an SVG, and the loss curve.

Run it as `.venv/bin/python scripts/capture_run.py`, from the top folder, after a run of
`make train` has filled the cache; it trains once more, into a temporary folder.
"""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

PICTURES = Path(__file__).parent / "pictures"
WIDTH = 100


def main() -> None:
    """Train, record what is printed, and keep both pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "theano_rnn-1"
        done = subprocess.run(
            ["make", "train", f"ARGS=--out {run}"], capture_output=True, text=True, check=True
        )
        shutil.copy(run / "curves.png", PICTURES / "loss.png")
    console = Console(record=True, width=WIDTH, file=open("/dev/null", "w"), highlight=False)  # noqa: PTH123, SIM115
    console.print("$ make train", style="bold", markup=False)
    # The picture shows the folder that a user gets, not the temporary one.
    console.print(done.stdout.replace(str(run), "runs/theano_rnn-1"), markup=False)
    svg = console.export_svg(title="make train", theme=MONOKAI)
    # A picture must not ask another machine for a font.
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    (PICTURES / "train.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
