"""Character-level recurrent networks as static graphs: built, compiled and explained on Aesara."""

from graphrnn import toolchain

# Aesara reads its configuration when it is imported, and every module below imports it.
toolchain.configure()

__version__ = "0.1.0"
