"""What is trained, on how much of what, from which seed."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """`rounds` times `photographs_per_round` new photographs of `recipe`, each seen `passes` times.

    To make a photograph costs more than to learn from it; mirrored, it serves again. The learning rate
    goes from `first_rate` to `last_rate` along half a cosine.
    """

    recipe: str
    rounds: int
    first_rate: float
    last_rate: float
    passes: int = 3


@dataclass(frozen=True, slots=True)
class Schedule:
    """All that decides the weights, apart from the code and the processor's rounding."""

    seed: int
    stages: tuple[Stage, ...]
    side_pixels: int = 256
    photographs_per_round: int = 512
    batch: int = 16
    weight_decay: float = 1e-2
    warm_up_steps: int = 300
    average: float = 0.998

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return asdict(self)


RELEASE = Schedule(
    seed=20261121,
    stages=(Stage("full", 8, 2e-3, 2e-3), Stage("worn", 16, 2e-3, 2e-5)),
)
"""The shipped weights."""

SCHEDULES = {"release": RELEASE}
"""The schedules that the trainer knows by name."""
