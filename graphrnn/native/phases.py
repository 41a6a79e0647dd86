"""The phases of a build, as they are reported while it runs."""

from enum import StrEnum


class Phase(StrEnum):
    """What a build is at; the text is what a reader is shown. READY ends one, NOTE is a remark."""

    GRAPH = "building the graph and its gradients"
    REWRITING = "rewriting"
    REWRITING_BODY = "rewriting a loop body"
    LOWERING = "lowering to one C function"
    COMPILING = "compiling C"
    READY = "ready"
    NOTE = "note"
