"""One call for findings on its way: read on the decoding threads, looked at on the model thread, and back.

A photograph crosses threads three times, from the event loop to where it is read, from there straight to the
models, and back; a small one that is alone is read where the models are. All that a batch of the models answers comes
back at one waking of the loop.
"""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace

from anomaly.batching import Batcher
from anomaly.deadline import Deadline
from anomaly.errors import AnomalyError, CallerGone, InternalError
from anomaly.imaging.photo import Photo
from anomaly.metrics import Meter
from anomaly.pipeline import Pipeline, Task, View
from anomaly.tiling import Piece
from anomaly.types import Findings, Limits, Options

log = logging.getLogger(__name__)

Seen = list[Piece]
"""What the models saw on one view."""

Arrival = tuple[Task, list[Seen]] | Findings | AnomalyError
"""A photograph as read, with what was seen on each of its views; what is known of it; or why it failed."""

Recall = Callable[[str], Findings | None]
"""Gives what was found before on the file of a digest, None where that is not known."""


class Mail:
    """Hands values from other threads to the futures of one event loop, many at one waking."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._due: deque[tuple[asyncio.Future[Arrival], Arrival]] = deque()
        self._called = False

    def put(self, future: "asyncio.Future[Arrival]", value: Arrival) -> None:
        """Give `future` its value soon; from any thread, in order. Nobody waits on a loop that is closed."""
        self._due.append((future, value))
        if not self._called:
            self._called = True
            try:
                self.loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:
                log.debug("an answer came after its event loop was closed")

    def _deliver(self) -> None:
        self._called = False  # before the first is taken: what comes from now on calls anew, or is seen here
        while self._due:
            future, value = self._due.popleft()
            if not future.done():
                future.set_result(value)


class Call:
    """The photographs of one call; they are admitted to the models whole or refused whole.

    `arrivals` has a future for each, of `mail`'s loop. `refusal` says why all of them were refused, once they
    have arrived.
    """

    def __init__(
        self,
        photos: Sequence[Photo | AnomalyError],
        options: Options,
        limit: Deadline,
        *,
        limits: Limits,
        pipeline: Pipeline,
        batcher: "Batcher[View, Seen]",
        mail: Mail,
        meter: Meter,
        recall: Recall,
    ) -> None:
        self.arrivals: list[asyncio.Future[Arrival]] = [mail.loop.create_future() for _ in photos]
        self.refusal: AnomalyError | None = None
        self._photos: list[Photo | AnomalyError | None] = list(photos)
        self._options, self._limit, self._limits = options, limit, limits
        self._pipeline, self._batcher, self._mail, self._meter = pipeline, batcher, mail, meter
        self._recall = recall
        self._lock = threading.Lock()
        self._tasks: list[tuple[asyncio.Future[Arrival], Task]] = []
        self._unread = len(photos)
        self._looks: Sequence[Future[Seen]] = ()
        self._left = False

    def read(self, number: int) -> None:
        """Read a photograph; who reads the last one hands all of them to the models. Any thread; raises nothing."""
        photo, self._photos[number] = self._photos[number], None  # its bytes are of no more use
        work = self._prepared(photo)
        arrival = self.arrivals[number]
        with self._lock:
            if isinstance(work, Task):
                self._tasks.append((arrival, work))
            self._unread -= 1
            last = not self._unread
        if not isinstance(work, Task):
            self._mail.put(arrival, work)
        if last and self._tasks:
            self._hand_over()

    def leave(self) -> None:
        """Give up what has not had its turn: it takes no more time of anything. Any thread."""
        with self._lock:
            self._left = True
            looks = self._looks
        for look in looks:
            look.cancel()

    def _prepared(self, photo: Photo | AnomalyError | None) -> Task | Findings | AnomalyError:
        if isinstance(photo, AnomalyError):
            return photo
        if photo is None or self._left:
            return CallerGone("the caller hung up")
        try:
            self._limit.check()
            with self._meter.stage("read"):
                file = photo.file(self._limits)
                known = self._recall(file.digest)
                if known is not None:
                    return replace(known, frame_id=file.frame_id)
                return self._pipeline.prepare(file.frame(self._limits), self._options)
        except AnomalyError as error:
            return error
        except Exception:
            log.exception("reading a photo failed")
            return InternalError("reading this photo failed; the server's log says how")

    def _hand_over(self) -> None:
        tasks, self._tasks = self._tasks, []
        views = [view for _, task in tasks for view in task.views]
        try:
            looks = [] if self._left else self._batcher.submit(views, self._limit.at, places=len(tasks))
        except AnomalyError as error:
            self.refusal = error
            looks = []
        if not looks:
            for arrival, _ in tasks:
                self._mail.put(arrival, self.refusal or CallerGone("the caller hung up"))
            return
        with self._lock:
            self._looks = looks
            left = self._left
        if left:  # while they were handed over
            self.leave()
        start = 0
        for arrival, task in tasks:
            own = looks[start : start + len(task.views)]
            start += len(own)
            waiting = Waiting(self._mail, arrival, task, own)
            for look in own:
                look.add_done_callback(waiting.seen)


class Waiting:
    """A photograph whose views are with the models.

    A look keeps what it calls when it is done: what waits lets go of its looks and of the photograph then, or
    they would hold one another until the collector comes.
    """

    def __init__(
        self, mail: Mail, arrival: "asyncio.Future[Arrival]", task: Task, looks: "Sequence[Future[Seen]]"
    ) -> None:
        self._mail, self._arrival = mail, arrival
        self._task: Task | None = task
        self._looks = looks
        self._left = len(looks)
        self._lock = threading.Lock()

    def seen(self, look: "Future[Seen]") -> None:
        """Deliver the photograph once all of its views were seen, or as soon as one of them failed."""
        cancelled = look.cancelled()
        error = None if cancelled else look.exception()
        broken = cancelled or error is not None
        with self._lock:
            self._left -= 1
            task, looks = self._task, self._looks
            if task is None or (self._left and not broken):
                return
            self._task, self._looks = None, ()
        if not broken:
            self._mail.put(self._arrival, (task, [each.result() for each in looks]))
            return
        for each in looks:  # the others need not run
            each.cancel()
        if isinstance(error, AnomalyError):
            self._mail.put(self._arrival, error)
        elif error is not None:
            self._mail.put(self._arrival, InternalError("the models failed on this photo"))
