"""What a plan came to."""

from anomaly.errors import AnomalyError, DoesNotFit, WeightsError
from anomaly.vram import Plan, Wish, plan
from tests.vram.tables import table


def attempt(free_mb: int | None, wish: Wish) -> Plan | AnomalyError:
    """Return the plan, or the error in its place."""
    try:
        return plan(free_mb, table(), wish)
    except (DoesNotFit, WeightsError) as error:
        return error


def loaded(planned: Plan) -> tuple[str | None, str | None]:
    """Return the keys of what is loaded."""
    return (
        planned.detector.key if planned.detector else None,
        planned.segmenter.key if planned.segmenter else None,
    )
