"""What came of many photographs, put together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anomaly.client.answers import Answer, Failed, Result
from anomaly.report import coco, csv


@dataclass(frozen=True, slots=True)
class Survey:
    """One result for each photograph, in the order in which they were given."""

    results: tuple[Result, ...]

    @property
    def answers(self) -> tuple[Answer, ...]:
        """The photographs that were looked at."""
        return tuple(each for each in self.results if isinstance(each, Answer))

    @property
    def failures(self) -> tuple[Failed, ...]:
        """The photographs that were not, each with its code and its sentence."""
        return tuple(each for each in self.results if isinstance(each, Failed))

    @property
    def anomaly_count(self) -> int:
        """How many defects there are in all."""
        return sum(len(each.json["anomalies"]) for each in self.answers)

    @property
    def json(self) -> Mapping[str, Any]:
        """All of it in the shape of one answer of `POST /detect/batch`."""
        return {
            "results": [each.json for each in self.results],
            "image_count": len(self.results),
            "error_count": len(self.failures),
            "processing_time_ms": round(sum(each.json["processing_time_ms"] for each in self.answers), 2),
        }

    def csv(self) -> str:
        """Return a table with a line for each defect."""
        return csv.write(each.findings for each in self.answers)

    def coco(self) -> coco.Document:
        """Return a COCO data set; its masks are there where they were asked for."""
        names = [each.photo or each.frame_id for each in self.answers]
        return coco.document([each.findings for each in self.answers], names)
