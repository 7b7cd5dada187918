"""Which photographs go together: as many as a job may hold, each read when its turn comes."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from dataclasses import dataclass

from anomaly.client import photographs
from anomaly.client.errors import ClientError
from anomaly.client.photographs import Parcel, Source
from anomaly.client.sending import Options, Sender


@dataclass(frozen=True, slots=True)
class Item:
    """One photograph on its way: its place in the order, and what is sent of it."""

    number: int
    parcel: Parcel


def room(sender: Sender, options: Options) -> int:
    """Return the bytes that a job has for its photographs."""
    return sender.sizes.job_bytes - sender.around(options)


async def chunks(
    sender: Sender,
    numbered: Iterable[tuple[int, Source]],
    options: Options,
    unreadable: Callable[[int, ClientError], Awaitable[None]],
) -> AsyncGenerator[list[Item], None]:
    """Yield what goes together: for a pod each alone, for an endpoint what fits into a job.

    Alone too is what has no place in a job: a URL, and a photograph over the limit. What cannot be read goes
    to `unreadable`.
    """
    most_bytes = room(sender, options)
    chunk: list[Item] = []
    size = 0
    for number, source in numbered:
        try:
            item = Item(number, await asyncio.to_thread(photographs.read, source))
        except ClientError as error:
            await unreadable(number, error)
            continue
        bytes_ = item.parcel.base64_bytes
        if not sender.endpoint or item.parcel.data is None or bytes_ > most_bytes:
            yield [item]
            continue
        if chunk and (size + bytes_ > most_bytes or len(chunk) >= sender.sizes.photos):
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += bytes_
    if chunk:
        yield chunk
