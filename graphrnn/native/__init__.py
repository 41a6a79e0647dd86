"""The native backend: an Aesara graph, loops included, becomes one C function.

    graph → program (loops over planned buffers) → C → shared library → callable

It knows Aesara and nothing of graphrnn: `aesara.function(..., mode=native_mode())` works for any
graph whose operations it covers.
"""
