"""A comparison that nobody measured."""

from graphrnn.comparison.forms import PHASES, BuildCost, Cell, Comparison, Form, Steps

MACHINE = dict.fromkeys(
    ("processor", "processors", "threads", "system", "python", "graphrnn", "aesara", "numpy",
     "compiler"), "x",
)  # fmt: skip
SCAN, UNROLLED = Form("scan", "native"), Form("unrolled", "native")
PLAIN = Form("scan", "python", rewrites=False)


def cell(form, time, build, step):
    cold = dict.fromkeys(PHASES, build / 4)
    steps = Steps(step, 0.9 * step, 1.1 * step, 9)
    return Cell(form, time, BuildCost(cold, cold, (10, 5), 7, 2_000_000), steps, steps, 10**8)


def comparison(*cells, steps=1000):
    return Comparison("net", MACHINE, steps, 1e-3, cells, held=1, gradients=3)
