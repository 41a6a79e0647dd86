#!/bin/sh
# onnx 1.23.2: the reference evaluator ignores sequence_lens of RNN, GRU and LSTM.
#
# The input sequence_lens says how many steps each sequence of a batch has; what follows is padding.
# The evaluator goes through all steps of all sequences, so that the last state Y_h is that of the
# padding. The argument is accepted and never read.
#
# Consequence: an exported recurrent network that reads padded batches seems wrong when it is held
# against the reference, or seems right when it is not. ONNX Runtime 1.32.0 reads sequence_lens.
set -eu

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(not (sys.version_info >= (3, 11)))' || {
    echo "NumPy 2.4.6 needs Python 3.11 or later: set PYTHON to one" >&2
    exit 2
}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
trap 'exit 2' HUP INT TERM
"$python" -m venv "$folder/venv" || exit 2
"$folder/venv/bin/python" -m pip install -qq --disable-pip-version-check \
    onnx==1.23.2 numpy==2.4.6 || exit 2

"$folder/venv/bin/python" -W ignore - <<'END'
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

X = np.array([1.0, 2.0, 3.0], dtype="float32").reshape(3, 1, 1)  # step, sequence, feature
LENGTHS = np.array([2], dtype="int32")
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def last_state(op, x, lengths):
    """Run one recurrent layer of one unit and give its last state."""
    gates = GATES[op]
    arrays = {
        "X": x,
        "W": np.full((1, gates, 1), 0.5, dtype="float32"),
        "R": np.full((1, gates, 1), 0.25, dtype="float32"),
        "lengths": lengths,
    }
    node = helper.make_node(op, ["X", "W", "R", "", "lengths"], ["", "Y_h"], hidden_size=1)
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape)
        for n, v in arrays.items()
    ]
    outputs = [helper.make_tensor_value_info("Y_h", TensorProto.FLOAT, (1, 1, 1))]
    graph = helper.make_graph([node], "layer", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)])
    onnx.checker.check_model(model)
    return float(ReferenceEvaluator(model).run(None, arrays)[0].item())


h = 0.0
for x_t in X[:2].ravel():
    h = np.tanh(0.5 * x_t + 0.25 * h)

print("onnx", onnx.__version__)
print("last state of a sequence of two steps and one of padding:")
stands = True
for op in GATES:
    padded, cut = last_state(op, X, LENGTHS), last_state(op, X[:2], LENGTHS)
    whole = last_state(op, X, np.array([3], dtype="int32"))
    print(f"{op:<5} got {padded:.4f}, as of three steps; expected {cut:.4f}, as without padding")
    stands = stands and padded == whole and abs(whole - cut) > 1e-3
    stands = stands and (op != "RNN" or abs(cut - h) < 1e-6)
if not stands:
    sys.exit("changed: sequence_lens is no longer ignored")
print("as stated: sequence_lens is ignored")
END
