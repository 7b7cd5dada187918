"""A model that works until it is needed."""

from collections.abc import Sequence

from anomaly.errors import AnomalyError
from anomaly.types import Detection, Image, ModelCard


class Failing:
    """A detector that works while it is warmed, and then fails in one way for good, as the real ones tell it."""

    card = ModelCard("failing", classes=("crack",))

    def __init__(self, error: AnomalyError) -> None:
        self._error = error
        self._calls = 0

    def detect(
        self, images: Sequence[Image], threshold: float, keys: Sequence[str] = ()
    ) -> list[list[Detection]]:
        """Answer nothing once, and then fail."""
        self._calls += 1
        if self._calls == 1:
            return [[] for _ in images]
        raise self._error
