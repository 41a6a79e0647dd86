"""Inspects a graph: as text, as a page, as files, and in a notebook."""

from pathlib import Path
from typing import Any

from graphrnn.inspection.record.sources import find_source
from graphrnn.inspection.stages import Stages


class Inspection(Stages):
    """The inspection of one graph: its stages as text and files. Everything is computed lazily."""

    def save(self, path: str | Path, stage: str = "rewritten") -> Path:
        """Write the graph to a file: .html, .svg, .png, .dot or .json by its ending.

        Raises:
            UserError: an unknown ending, or the file cannot be written.
        """
        from graphrnn.inspection.page.export import save

        return save(self, Path(path), self.known(stage))

    def __str__(self) -> str:
        return self.text(self.first)

    def __repr__(self) -> str:
        return f"<Inspection of {self.title}: {', '.join(self.stages)}>"

    def _repr_html_(self) -> str:
        """Return the page as HTML for a notebook."""
        import html

        from graphrnn.inspection.page.html import page

        return (
            f'<iframe style="width:100%;height:640px;border:0" '
            f'srcdoc="{html.escape(page(self), quote=True)}"></iframe>'
        )


def inspect(thing: Any, *, title: str = "") -> Inspection:
    """Inspect a function, variables, a function graph, a model or a run.

    Example:
        >>> import aesara.tensor as at
        >>> x = at.TensorType("float64", (3,))("x")
        >>> inspect([at.exp(x)], title="e").stages
        ('written', 'rewritten')
    """
    if isinstance(thing, Inspection):
        return thing
    if isinstance(thing, (str, Path)):
        from graphrnn.inspection.record.model_sources import model_source

        return Inspection(model_source(str(thing)))
    return Inspection(find_source(thing, title=title))
