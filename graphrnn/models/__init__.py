"""The lesson's ladder of networks: one file for each kind, one short function for each rung."""

from graphrnn.errors import unknown
from graphrnn.models import by_hand, handmade, lstm, recurrent, theano
from graphrnn.models.model import Forward, Learn, Model, Sizes, Weight, Weights

__all__ = ["MODELS", "Forward", "Learn", "Model", "Sizes", "Weight", "Weights", "model_named"]

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        by_hand.THREE_CHAR,
        by_hand.EIGHT_CHAR,
        recurrent.RNN,
        recurrent.RNN_ZEROS,
        recurrent.RNN_SEQUENCES,
        recurrent.RNN_ONEHOT,
        lstm.STATEFUL_LSTM,
        recurrent.GRU,
        theano.THEANO_RNN,
        theano.THEANO_GRU,
        theano.THEANO_GRU_FUSED,
        handmade.REFERENCE,
        handmade.REFERENCE_GRU,
        handmade.REFERENCE_LSTM,
        lstm.STACKED_LSTM,
    )
}


def model_named(name: str) -> Model:
    """Find a network by its name.

    Raises:
        UserError: there is none of that name.
    """
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    return MODELS[name]
