"""What is sent back for a job: strict JSON that the platform takes, or a sentence that says why not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from anomaly.errors import AnomalyError, AnswerTooLarge
from anomaly.types import MaskFormat, Options
from anomaly.wire import answer

MOST_BYTES = 20_000_000
"""RunPod takes about 20 MB; a larger result is refused there, and the job ends COMPLETED without an output."""

MOST_CHUNK_BYTES = 1_000_000
"""RunPod's documentation gives so much to what a handler yields at once."""

_ENVELOPE_BYTES = 64
"""Room for what stands around the output: `{"output":...,"stopPod":true}`."""

Render = Callable[[Options], object]
"""Gives an answer with its masks in the form that the options say."""


@dataclass(frozen=True, slots=True)
class Written:
    """An output as JSON text. Its repr is short: the SDK formats what a handler returns, for its debug log."""

    json: bytes = field(repr=False)


def write(render: Render, options: Options, most_bytes: int = MOST_BYTES) -> Written:
    """Return the answer that `render` gives, as JSON of at most `most_bytes` with what goes around it.

    Where it is larger as asked for, its masks are written as RLE, which is the smallest form. Raises
    `AnswerTooLarge` where that is not enough.
    """
    sizes = []
    for each in _ladder(options):
        written = answer.to_json(render(each))
        if len(written) + _ENVELOPE_BYTES <= most_bytes:
            return Written(written)
        sizes.append(len(written))
    raise AnswerTooLarge(
        f"the answer has {min(sizes) / 1e6:.1f} MB and RunPod takes {most_bytes / 1e6:.0f}; send fewer photos"
        " in a job, give a bucket in s3Config, or leave include_masks and include_centre_lines out"
    )


def write_linked(render: Callable[[], object], most_bytes: int = MOST_BYTES) -> Written:
    """Return the answer that `render` gives once its masks and pictures are links. Raises `AnswerTooLarge`."""
    written = answer.to_json(render())
    if len(written) + _ENVELOPE_BYTES > most_bytes:
        raise AnswerTooLarge(
            f"the answer has {len(written) / 1e6:.1f} MB without its masks and pictures, and RunPod takes"
            f" {most_bytes / 1e6:.0f}; send fewer photos in a job, or leave include_centre_lines out"
        )
    return Written(written)


def error(failure: AnomalyError) -> dict[str, object]:
    """Return what a handler answers for a failure: RunPod wants `error` to be a string, here JSON text."""
    return {"error": answer.to_json(answer.error_response(failure)).decode()}


def body(result: Mapping[str, object], *, stop: bool = False) -> bytes:
    """Return the body of a job-done call for what the SDK's `run_job` gives; `stop` asks for a new worker."""
    output = result.get("output")
    extra = {key: value for key, value in result.items() if key != "output"} | (
        {"stopPod": True} if stop else {}
    )
    if not isinstance(output, Written):
        return answer.to_json(({} if output is None else {"output": output}) | extra)
    if not extra:
        return b'{"output":' + output.json + b"}"
    return b'{"output":' + output.json + b"," + answer.to_json(extra)[1:]


def _ladder(options: Options) -> list[Options]:
    if options.include_masks and options.mask_format is not MaskFormat.RLE:
        return [options, replace(options, mask_format=MaskFormat.RLE)]
    return [options]
