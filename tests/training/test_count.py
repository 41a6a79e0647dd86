from graphrnn.training.count import Count


def test_it_advances_by_batches():
    count = Count(batch=4)
    for _ in range(3):
        count.advance()
    assert (count.steps, count.sequences) == (3, 12)


def test_what_the_next_batch_reaches_the_last_one_then_reached():
    count = Count(batch=3)
    for _ in range(20):
        ahead = {every: count.reaches(every) for every in (1, 4, 7, 60)}
        count.advance()
        assert ahead == {every: count.reached(every) for every in ahead}
    assert count.reached(60)
    assert not count.reached(61)
    assert not count.reached(None)


def test_each_multiple_is_reached_once():
    count, results = Count(batch=4), []
    for _ in range(10):
        count.advance()
        if count.reached(10):
            results.append(count.sequences)
    assert results == [12, 20, 32, 40]
