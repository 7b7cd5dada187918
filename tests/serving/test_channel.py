"""What is said of a job before its result: in order, not too often, and never after it."""

import asyncio
import time

import orjson
import pytest

from anomaly.serving.handling import channel as module
from anomaly.serving.handling.channel import Channel


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let progress be told every 20 ms."""
    monkeypatch.setattr(module, "EVERY_S", 0.02)


class Posts:
    """Takes bodies, each for as long as `takes_s`, and notes them when they have come."""

    def __init__(self, takes_s: float = 0.0, answers: bool = True) -> None:
        self.takes_s, self.answers = takes_s, answers
        self.come: list[object] = []

    async def __call__(self, body: bytes) -> bool:
        """Take one."""
        await asyncio.sleep(self.takes_s)
        self.come.append(orjson.loads(body))
        return self.answers


def progress(done: int, of: int) -> dict[str, object]:
    """Return the body that tells it, as the platform takes it."""
    return {"status": "IN_PROGRESS", "output": {"progress": {"done": done, "of": of}}}


def test_progress_is_told_now_and_then_and_only_the_latest() -> None:
    """Of a hundred steps within two moments few are told, in their order, and the first moment's last one is."""

    async def run() -> tuple[list[object], float]:
        posts, started = Posts(), time.perf_counter()
        channel = Channel(progress=posts)
        for step in range(10):
            for done in range(step * 10, step * 10 + 10):
                channel.tell(done, 100)
            await asyncio.sleep(0.01)
        await channel.close()
        return posts.come, time.perf_counter() - started

    come, took_s = asyncio.run(run())
    assert 2 <= len(come) <= took_s / module.EVERY_S + 1
    done = [each["output"]["progress"]["done"] for each in come]  # type: ignore[index]
    assert done == sorted(set(done))
    assert all(each % 10 == 9 for each in done)


def test_a_job_that_ends_soon_tells_nothing() -> None:
    """Before the first moment there is no news worth a request."""

    async def run() -> list[object]:
        posts = Posts()
        channel = Channel(progress=posts)
        channel.tell(1, 2)
        await channel.close()
        await asyncio.sleep(0.05)
        return posts.come

    assert asyncio.run(run()) == []


def test_closing_waits_for_what_is_under_way() -> None:
    """A post that has begun has ended when `close` returns, and none begins after it."""

    async def run() -> tuple[list[object], list[object]]:
        posts = Posts(takes_s=0.1)
        channel = Channel(progress=posts)
        channel.tell(1, 3)
        await asyncio.sleep(0.05)
        channel.tell(2, 3)
        await channel.close()
        at_close = list(posts.come)
        channel.tell(3, 3)
        await asyncio.sleep(0.15)
        return at_close, posts.come

    at_close, later = asyncio.run(run())
    assert at_close == later == [progress(1, 3)]


def test_an_abandoned_job_tells_nothing_more() -> None:
    """What is under way is given up at once."""

    async def run() -> list[object]:
        posts = Posts(takes_s=0.3)
        channel = Channel(progress=posts)
        channel.tell(1, 3)
        await asyncio.sleep(0.04)
        channel.abandon()
        await asyncio.sleep(0.4)
        return posts.come

    assert asyncio.run(run()) == []


def test_progress_that_fails_does_not_end_the_telling() -> None:
    """The next news are told all the same."""

    async def run() -> list[object]:
        posts = Posts()

        async def post(body: bytes) -> bool:
            if not posts.come:
                posts.come.append("failed")
                raise OSError("no way")
            return await posts(body)

        channel = Channel(progress=post)
        for done in (1, 2):
            channel.tell(done, 3)
            await asyncio.sleep(0.05)
        await channel.close()
        return posts.come

    assert asyncio.run(run()) == ["failed", progress(2, 3)]


def test_chunks_follow_one_another() -> None:
    """Each is sent as the SDK sends what a generator yields, and the next waits for it."""

    async def run() -> tuple[list[object], bool]:
        posts = Posts(takes_s=0.01)
        channel = Channel(chunks=posts)
        await channel.send(b"[1]")
        assert posts.come == [{"output": [1]}]
        await channel.send(b"[2]")
        return posts.come, channel.streamed

    assert asyncio.run(run()) == ([{"output": [1]}, {"output": [2]}], True)


def test_a_stream_that_broke_has_no_hole() -> None:
    """After a chunk that could not be brought no other is sent."""

    async def run() -> list[object]:
        posts = Posts(answers=False)
        channel = Channel(chunks=posts)
        await channel.send(b"1")
        await channel.send(b"2")
        return posts.come

    assert asyncio.run(run()) == [{"output": 1}]


def test_a_channel_without_posts_is_silent() -> None:
    """Where the platform has no stream, nothing is streamed, and nothing fails."""

    async def run() -> bool:
        channel = Channel()
        channel.tell(1, 2)
        await channel.send(b"1")
        await channel.close()
        return channel.streamed

    assert asyncio.run(run()) is False
