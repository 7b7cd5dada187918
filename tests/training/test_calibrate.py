import numpy as np

from anomaly.backends.components import Component
from anomaly.types import Box
from benchmarks.photographs import Labelled
from training.calibrate import fit, marked, right


def component(peak: float, length: float) -> Component:
    """Return a component of that peak and length; where it lies does not matter."""
    return Component(np.ones((1, 1), bool), 0, 0, length, peak, peak)


def test_scores_come_to_mean_what_they_say():
    """Of components that look alike, the score is the share that were cracks."""
    found = [component(0.9, 100)] * 100 + [component(0.5, 100)] * 100
    truth = [True] * 80 + [False] * 20 + [True] * 30 + [False] * 70
    calibration = fit(found, truth, [1.0] * 200)
    assert abs(calibration.score(found[0]) - 0.8) < 0.01
    assert abs(calibration.score(found[-1]) - 0.3) < 0.01


def test_a_longer_crack_never_scores_less():
    """Where the photographs say that length speaks against a crack, length is left out instead."""
    found = [component(0.8, 30)] * 20 + [component(0.8, 300)] * 20
    calibration = fit(found, [True] * 15 + [False] * 5 + [True] * 5 + [False] * 15, [1.0] * 40)
    assert calibration.log_length == 0
    assert abs(calibration.score(found[0]) - 0.5) < 0.01


def test_a_component_is_right_where_most_of_it_lies_on_a_marked_crack():
    """Pixels within five of a marked crack, or in a marked box, count as right."""
    crack = np.zeros((60, 80), bool)
    crack[20] = True
    near = marked(Labelled(np.zeros((60, 80, 3), np.uint8), crack, (Box(10, 45, 30, 60),)))
    line = np.ones((1, 40), bool)
    assert right(Component(line, 5, 24, 40, 0.9, 0.9), near)
    assert not right(Component(line, 5, 32, 40, 0.9, 0.9), near)
    assert right(Component(line[:, :15], 12, 50, 15, 0.9, 0.9), near)
