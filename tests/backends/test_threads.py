"""Several things at once, in order."""

import threading

import numpy as np
import pytest
import torch

from anomaly.backends import sam2
from anomaly.backends.boxprompts import normalised
from anomaly.backends.device import inference, place
from anomaly.backends.rfdetr.resize import Resizer
from anomaly.backends.threads import Threads
from tests.tiny_sam import save_tiny_sam2


@pytest.mark.parametrize("count", [1, 2, 3])
def test_answers_come_in_order(count: int) -> None:
    """However many threads there are, each answer stands where its question stood."""
    threads = Threads(count)
    assert threads.map(lambda a, b: a - b, [5, 6, 7, 8], [1, 2, 3, 4]) == [4] * 4
    assert threads.map(str, []) == []


def test_several_are_done_at_once() -> None:
    """Two that wait for each other both come to an end."""
    meeting = threading.Barrier(2, timeout=10)
    assert sorted(Threads(2).map(lambda _: meeting.wait(), [0, 0])) == [0, 1]


def test_work_goes_on_while_nobody_waits() -> None:
    """What was begun is done before its results are asked for, where there are threads."""
    done = threading.Event()
    results = Threads(2).begin(lambda value: done.set() or value, [1, 2])
    assert done.wait(10)
    assert list(results) == [1, 2]
    assert list(Threads(1).begin(str, [1, 2])) == ["1", "2"]


def test_one_alone_costs_no_thread() -> None:
    """What is alone is done by the thread that asks."""
    assert Threads(4).map(lambda _: threading.get_ident(), [0]) == [threading.get_ident()]


def test_the_first_error_comes_out() -> None:
    """An error of one is the error of all."""
    with pytest.raises(ZeroDivisionError):
        Threads(2).map(lambda value: 1 // value, [1, 0, 2])


def test_pictures_are_the_same_whoever_reduces_them(tmp_path_factory: pytest.TempPathFactory) -> None:
    """On several threads, under inference, the networks see the same pixels as on one."""
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (90 + 10 * n, 120, 3), np.uint8) for n in range(5)]
    segmenter = sam2.load(weights=save_tiny_sam2(tmp_path_factory.mktemp("threads") / "a.pt"), device="cpu")
    placement = place("cpu", "fp32")
    with inference(placement):
        one, many = (normalised(images, segmenter._network, placement, Threads(count)) for count in (1, 3))
        assert torch.equal(one, many)
        resizer = Resizer(96, "cpu")
        resizer._threads = Threads(1)
        few = resizer(images)
        resizer._threads = Threads(3)
        assert torch.equal(resizer(images), few)
