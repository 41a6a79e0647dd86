"""The gradient of what is set in a part of an array, where Aesara's own ends in an assertion."""

from aesara.graph.basic import Variable
from aesara.tensor import subtensor


def summed_to(x: Variable, gx: Variable) -> Variable:
    """Sum a gradient over the axes along which a value was broadcast.

    These are the axes that the value lacks, and those where its length is known to be 1 and the
    gradient's is not.
    """
    added = gx.type.ndim - x.type.ndim
    if added:
        gx = gx.sum(axis=list(range(added)))
    known = zip(x.type.broadcastable, gx.type.broadcastable, strict=True)
    axes = [k for k, (single, summed) in enumerate(known) if single and not summed]
    return gx.sum(axis=axes, keepdims=True) if axes else gx


subtensor._sum_grad_over_bcasted_dims = summed_to
