"""`graphrnn new`: a file with a network of one's own to begin from."""

from pathlib import Path

from graphrnn.cli.program import program
from graphrnn.errors import UserError, reason


def new(file: Path, /) -> None:
    """Write a file that defines a network of your own, to begin from.

    Args:
        file: Where to write it: a name that ends in .py, of no file that is there.
    """
    import graphrnn

    if file.suffix != ".py":
        raise UserError(f"got {str(file)!r}, needed a name that ends in .py")
    template = Path(graphrnn.__file__).parent / "models" / "user_template.py"
    text = template.read_text(encoding="utf-8").replace("my_net.py", str(file))
    try:
        with file.open("x", encoding="utf-8") as opened:
            opened.write(text)
    except FileExistsError:
        raise UserError(f"{str(file)!r} is there already; name another file") from None
    except OSError as error:
        raise UserError(f"{str(file)!r}: {reason(error)}; name another file") from error
    print(f"wrote {file}\n\ntry next:\n  {program()} train --model {file}")
