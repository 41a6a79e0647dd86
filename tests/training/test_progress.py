from graphrnn.runs.checkpoint import Point
from graphrnn.settings.training import TrainSettings
from graphrnn.training.progress import Mark, Progress


def test_time_left_is_what_the_speed_leaves():
    speed = Mark(seconds=5.0, sequences=40).speed(now=7.0, sequences=60)
    point = Point(sequences=60, loss=1.5, accuracy=0.25)
    seen = Progress.at(60, TrainSettings(time=4, sequences=100), point, speed)
    assert seen == Progress(60, 100, 1.5, 0.25, characters_per_second=40.0, seconds_left=4.0)


def test_a_run_beyond_its_end_has_no_time_left():
    seen = Progress.at(9, TrainSettings(sequences=5), Point(sequences=9, loss=1, accuracy=0), 1.0)
    assert (seen.total, seen.seconds_left) == (9, 0.0)
