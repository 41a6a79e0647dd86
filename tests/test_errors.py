from graphrnn import errors


def test_unknown_without_near_match_lists_what_is_known():
    message = str(errors.unknown("model", "qqq", ["theano_rnn"]))
    assert message == "unknown model 'qqq' (known: theano_rnn)"


def test_reason_without_a_message_names_the_error():
    assert errors.reason(OSError()) == "the system gave no reason (OSError)"
