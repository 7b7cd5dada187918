"""The form of an answer, by the request's `Accept` (RFC 9110, 12.5.1)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from anomaly.pipeline import Outcome
from anomaly.report import csv, pictures
from anomaly.serving.pod.answered import Answered
from anomaly.types import Findings, Options
from anomaly.wire import answer

Form = Literal["json", "csv", "jpeg", "png", "webp"]

_FORMS: dict[str, Form] = {
    "application/json": "json",
    "text/csv": "csv",
    "image/jpeg": "jpeg",
    "image/png": "png",
    "image/webp": "webp",
    "text/*": "csv",
    "image/*": "jpeg",
    "application/*": "json",
    "*/*": "json",
}


def wanted(header: str | None, *, pictures: bool = True) -> Form:
    """Return the form that `Accept` likes best of those that are written here; JSON where it likes none.

    Of equals the first one counts. `pictures` False leaves pictures out, as for several photographs.
    """
    if header is None or header == "*/*":
        return "json"
    liked = [each.partition(";") for each in header.lower().split(",")]
    known = [
        (_quality(parameters), form)
        for name, _, parameters in liked
        if (form := _FORMS.get(name.strip())) is not None and (pictures or form in ("json", "csv"))
    ]
    best = max(known, key=lambda each: each[0], default=(0.0, "json"))
    return best[1] if best[0] > 0 else "json"


def suited(form: Form, options: Options) -> Options:
    """Return the options that an answer in this form needs: a picture needs the photograph kept."""
    if form == "json" or form == "csv":
        return options
    return replace(options, debug=True, picture=replace(options.picture, format=form))


def write(form: Form, findings: Findings, options: Options, elapsed_ms: float) -> Answered:
    """Write one photograph's answer."""
    if form == "json":
        return Answered(answer.to_json(answer.detect_response(findings, options, elapsed_ms)))
    headers = (("X-Anomaly-Count", str(len(findings.anomalies))), ("Vary", "Accept"))
    if form == "csv":
        return Answered(csv.write([findings]).encode(), csv.MEDIA_TYPE, headers=headers)
    picture = pictures.annotated(findings, options.picture)
    return Answered(picture, pictures.MEDIA_TYPES[form], headers=headers)


def write_batch(form: Form, outcomes: Sequence[Outcome], options: Options, elapsed_ms: float) -> Answered:
    """Write a batch's answer; CSV holds the photographs that could be read, and says how many could not."""
    if form != "csv":
        return Answered(answer.to_json(answer.batch_response(outcomes, options, elapsed_ms)))
    found = [each.result for each in outcomes if isinstance(each.result, Findings)]
    headers = (
        ("X-Anomaly-Count", str(sum(len(each.anomalies) for each in found))),
        ("X-Error-Count", str(len(outcomes) - len(found))),
        ("Vary", "Accept"),
    )
    return Answered(csv.write(found).encode(), csv.MEDIA_TYPE, headers=headers)


def _quality(parameters: str) -> float:
    for each in parameters.split(";"):
        name, _, value = each.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
