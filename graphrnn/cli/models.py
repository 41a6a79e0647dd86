"""`graphrnn models`: the lesson's ladder of networks."""

from dataclasses import fields

from graphrnn import toolchain
from graphrnn.cli.program import program
from graphrnn.settings.recipes import recipe_for


def models(name: str | None = None, /) -> None:
    """List the networks, with the lesson's section that each comes from.

    Args:
        name: One of them: show what it is, and what it is trained by unless you say otherwise.
    """
    toolchain.start_aesara()
    from graphrnn.display.terminal import console, models_table
    from graphrnn.models import model_named

    if name is None:
        console().print(models_table())
        return
    model, recipe = model_named(name), recipe_for(name)
    print(f"{model.name}: {model.summary}\nthe lesson's section: {model.section}\n")
    for field in fields(recipe):
        value = getattr(recipe, field.name)
        if value is not None:
            print(f"  {field.name:<14} {value}")
    print(f"\nto train it:\n  {program()} train --model {name}")
