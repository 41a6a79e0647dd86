"""Makes a loop that differs smaller, for as long as it still differs."""

from dataclasses import replace

from tests.loop_descriptions import Expr


def shrunk(case, fails, tries=400):
    """Give a smaller case for which `fails(case)` still holds."""
    smaller = True
    while smaller:
        smaller = False
        for candidate in _simpler(case):
            tries -= 1
            if tries < 0:
                return case
            if fails(candidate):
                case, smaller = candidate, True
                break
    return case


def _simpler(case):
    """Give the cases that are one step simpler, the boldest first."""
    loop = case.loop
    for k in range(len(case.reads)):
        if len(case.reads) > 1:
            yield replace(case, reads=case.reads[:k] + case.reads[k + 1 :])
    if case.order:
        yield replace(case, order=case.order - 1)
    for change in ({"until": None}, {"cut": -1}, {"backwards": False}, {"form": "scan"}):
        if any(getattr(loop, name) != value for name, value in change.items()):
            yield replace(case, loop=replace(loop, **change))
    if loop.form != "by" and loop.steps > 1:
        yield replace(
            case, loop=replace(loop, steps=loop.steps - 1, cut=min(loop.cut, loop.steps - 1))
        )
    last = len(loop.body) - 1
    if last >= len(loop.states) and last > 0 and all(r.output != last for r in case.reads):
        yield replace(case, loop=replace(loop, body=loop.body[:-1]))
    for kind in ("states", "sequences"):
        items = getattr(loop, kind)
        for k, item in enumerate(items):
            for name, plain in (("start", "zeros"), ("surplus", 0)):
                if getattr(item, name, plain) != plain:
                    new = (*items[:k], replace(item, **{name: plain}), *items[k + 1 :])
                    yield replace(case, loop=replace(loop, **{kind: new}))
    for k, read in enumerate(case.reads):
        for change in ({"rows": None}, {"shape": "identity"}):
            if any(getattr(read, name) != value for name, value in change.items()):
                yield replace(case, reads=(*case.reads[:k], replace(read, **change),
                                           *case.reads[k + 1 :]))  # fmt: skip
    for k, expr in enumerate(loop.body):
        for smaller in smaller_exprs(expr):
            body = (*loop.body[:k], smaller, *loop.body[k + 1 :])
            yield replace(case, loop=replace(loop, body=body))


def smaller_exprs(expr):
    """Give simpler values of the same shape and dtype: a part of it, a number, smaller parts."""
    for part in _parts(expr):
        if (part.shape, part.dtype) == (expr.shape, expr.dtype):
            yield part
    if expr.dtype == "float" and expr.args and expr.op != "spread":
        number = Expr("number", data=0.5)
        yield number if expr.shape == () else Expr("spread", (number,), expr.shape, data=expr.shape)
    if expr.op == "loop":
        loop, output, how = expr.data
        for k, body in enumerate(loop.body):
            for smaller in smaller_exprs(body):
                new = (*loop.body[:k], smaller, *loop.body[k + 1 :])
                yield replace(expr, data=(replace(loop, body=new), output, how))
    for k, arg in enumerate(expr.args):
        for smaller in smaller_exprs(arg):
            yield replace(expr, args=(*expr.args[:k], smaller, *expr.args[k + 1 :]))


def _parts(expr):
    """List what an expression is made of, the smallest first; not what an inner loop reads."""
    results = []
    for arg in expr.args:
        results += [*_parts(arg), arg]
    return results
