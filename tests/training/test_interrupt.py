import signal
import threading

from graphrnn.training.interrupt import Interrupted, Stop

import pytest


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_is_noted_and_the_handlers_come_back(number, code):
    before = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    with Stop() as stop:
        assert not stop
        signal.raise_signal(number)
        assert stop
        assert stop.signal is number
    assert before == [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]
    error = Interrupted(number, "after 3 of 4")
    assert error.exit_code == code
    assert str(error).endswith("after 3 of 4")


def test_a_second_sigterm_changes_nothing_and_a_second_ctrl_c_ends():
    with Stop() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert stop.signal is signal.SIGTERM
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_in_another_thread_there_is_nothing_to_catch():
    before, results = signal.getsignal(signal.SIGINT), []

    def enter():
        with Stop() as stop:
            results.append((bool(stop), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert results == [(False, before)]


def test_what_is_ignored_stays_so():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with Stop() as stop:
            signal.raise_signal(signal.SIGTERM)
            assert not stop
    finally:
        signal.signal(signal.SIGTERM, before)
