"""The lesson's ladder of networks: one file for each kind, one short function for each rung."""

from graphrnn.errors import unknown
from graphrnn.models import char_windows, lstm, numpy_trained, rnn, theano_style
from graphrnn.models.model import Forward, Learn, Model, Sizes, Weight, Weights
from graphrnn.models.user_models import loaded
from graphrnn.settings.recipes import is_in_file

__all__ = ["MODELS", "Forward", "Learn", "Model", "Sizes", "Weight", "Weights", "model_named"]

MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        char_windows.THREE_CHAR,
        char_windows.EIGHT_CHAR,
        rnn.RNN,
        rnn.RNN_ZEROS,
        rnn.RNN_SEQUENCES,
        rnn.RNN_ONEHOT,
        lstm.STATEFUL_LSTM,
        rnn.GRU,
        theano_style.THEANO_RNN,
        theano_style.THEANO_GRU,
        theano_style.THEANO_GRU_FUSED,
        numpy_trained.REFERENCE,
        numpy_trained.REFERENCE_GRU,
        numpy_trained.REFERENCE_LSTM,
        lstm.STACKED_LSTM,
    )
}


def model_named(name: str) -> Model:
    """Find a network by its name, or by that of a file that was loaded.

    Raises:
        UserError: there is none of that name, or its file was not loaded.
    """
    if is_in_file(name):
        return loaded(name).model
    if name not in MODELS:
        raise unknown("model", name, MODELS)
    return MODELS[name]
