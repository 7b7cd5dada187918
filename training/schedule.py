"""What is trained, on how much of what, from which seed."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """`rounds` times `photographs_per_round` new photographs of `recipe`, each seen `passes` times.

    To make a photograph costs more than to learn from it; mirrored, it serves again. The learning rate
    goes from `first_rate` to `last_rate` along half a cosine. `average` is the share of the averaged
    weights that stays from step to step.
    """

    recipe: str
    rounds: int
    first_rate: float
    last_rate: float
    passes: int = 2
    average: float = 0.998


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

    def as_dict(self) -> dict[str, object]:
        """Return plain values, for JSON."""
        return asdict(self)


RELEASE = Schedule(
    seed=20261121,
    stages=(
        Stage("full", 165, 2e-3, 2e-3),
        Stage("full", 35, 2e-3, 2e-5, average=0.996),
    ),
)
"""The shipped weights: after the warm-up a steady rate, then one that falls to a hundredth.

While the rate is steady it does not depend on how long the stage is to be: a run may be lengthened or cut
short there, and then brought to its end by the second stage.
"""

SCHEDULES = {"release": RELEASE}
"""The schedules that the trainer knows by name."""
