"""Down the ladder until an answer fits: as asked for, masks as RLE, masks and pictures in a bucket."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from anomaly.errors import AnswerTooLarge
from anomaly.service import Service
from anomaly.serving.handling import results
from anomaly.serving.handling.results import Render, Written
from anomaly.serving.storing.shelf import Shelf
from anomaly.serving.storing.stowing import stow
from anomaly.storage import Target
from anomaly.types import Options

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ladder:
    """One job's. Its objects go to `target`, where there is one, below `folder`."""

    service: Service
    shelf: Shelf
    target: Target | None
    folder: str
    options: Options
    most_bytes: int

    async def fit(self, render: Render, *, light: bool = False) -> Written:
        """Write the answer that `render` gives in as many bytes as may be; what is `light` costs no thread.

        Raises `AnswerTooLarge`, or the `StorageError` that kept its parts out of the bucket.
        """
        written = partial(results.write, render, self.options, self.most_bytes)
        try:
            return written() if light else await self.service.off_loop(written)
        except AnswerTooLarge:
            if self.target is None:
                raise
        bucket = await self.shelf.open(self.target)
        log.info("job %s: its masks and pictures go to the bucket %s", self.folder, self.target.bucket)
        # On a thread of its own: the network takes its time, and decoding is not to wait for it.
        return await asyncio.to_thread(
            results.write_linked, lambda: stow(render(self.options), bucket, self.folder), self.most_bytes
        )
