"""Middleware around hops: opened before the first request, resumed exactly once when the hop is over."""

from __future__ import annotations

import asyncio
from collections.abc import Generator
from typing import Any

import pytest

from spaturzu.router.call import Call
from spaturzu.router.drive import adrive, drive
from spaturzu.router.hop import Hop
from spaturzu.router.judge import Reply
from spaturzu.router.walk import Answer, Broken, NativeAnswer
from spaturzu.tracked.pump import SyncPump
from spaturzu_translators.messages import Message, Text
from spaturzu_translators.requests import Request

from ..router.stage import ASKED, Fake, Primary, answering, body_of, bytes_of, make_call


class Watch:
    """A concern that notes what it sees."""

    def __init__(self, name: str = "") -> None:
        self.name, self.seen, self.records = name, list[str](), list[str]()

    def __call__(self, call: Call, hop: Hop) -> Generator[None]:
        self.seen.append(f"{self.name}open {hop.provider} {hop.attempts}")
        yield
        self.seen.append(f"{self.name}over {hop.provider} {hop.status} {hop.attempts}")

    def record(self, call: Call, hop: Hop) -> None:
        self.records.append(f"{hop.provider} {hop.status}")


def streaming(data: bytes) -> Reply:
    return Reply(native=object(), status=200, headers={}, source=iter([data[:400], data[400:]]))


def asked_streamed() -> Request:
    return Request(model="asked", messages=(Message(role="user", parts=(Text(text="Hi"),)),), stream=True)


def test_each_hop_is_surrounded_and_its_retries_are_inside():
    watch, fallback = Watch(), Fake("anthropic")
    call = make_call(fallback.target(), middleware=(watch,), max_retries=1)
    assert isinstance(drive(call, Primary([500])), Answer)
    assert watch.seen == ["open openai 0", "over openai failed 2", "open anthropic 0", "over anthropic served 1"]


def test_the_first_is_the_outermost():
    seen: list[str] = []
    outer, inner = Watch("outer "), Watch("inner ")
    outer.seen = inner.seen = seen
    drive(make_call(middleware=(outer, inner)), Primary([answering(body_of("openai"))]))
    assert [line.split()[:2] for line in seen] == [
        ["outer", "open"],
        ["inner", "open"],
        ["inner", "over"],
        ["outer", "over"],
    ]


def test_a_denial_reaches_the_caller_and_nothing_is_sent():
    class Denied(Exception):
        pass

    def deny(call: Call, hop: Hop) -> Generator[None]:
        raise Denied
        yield

    watch, primary = Watch(), Primary([answering(body_of("openai"))])
    call = make_call(middleware=(watch, deny))
    with pytest.raises(Denied):
        drive(call, primary)
    assert primary.sent == 0
    assert watch.seen == ["open openai 0"]
    assert str(call.record.hops[0]) == "openai/: skipped, denied: Denied"


def test_an_interrupted_hop_is_over():
    watch = Watch()
    with pytest.raises(KeyboardInterrupt):
        drive(make_call(middleware=(watch,)), Primary([KeyboardInterrupt()]))
    assert watch.seen[1:] == ["over openai failed 1"]


def test_a_cancelled_task_leaves_a_hop_that_is_over():
    class Hanging(Primary):
        async def send(self, timeout_s: float | None) -> Any:
            await asyncio.sleep(30)

    watch = Watch()
    call = make_call(middleware=(watch,))

    async def cancelled() -> None:
        task = asyncio.create_task(adrive(call, Hanging()))  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert watch.seen[1:] == ["over openai failed 1"]
    assert call.record.hops[0].kind == "cancelled"


def test_each_hop_is_recorded_a_skipped_one_too_which_is_not_surrounded():
    watch, target = Watch(), Fake("anthropic").target()
    asked = Request(model="asked", messages=ASKED.messages, candidate_count=2)
    call = make_call(target, asked=asked, middleware=(watch,), record=watch.record)
    assert isinstance(drive(call, Primary([503])), Broken)
    assert watch.seen == ["open openai 0", "over openai failed 1"]
    assert watch.records == ["openai failed", "anthropic skipped"]


@pytest.mark.parametrize(("read", "status"), [("all", "served"), ("one", "abandoned"), ("none", "abandoned")])
def test_a_streams_hop_is_over_when_the_stream_is(read: str, status: str):
    watch = Watch()
    call = make_call(asked=asked_streamed(), middleware=(watch,))
    result = drive(call, Primary([streaming(bytes_of("openai"))]))
    assert isinstance(result, NativeAnswer)
    assert watch.seen == ["open openai 0"]
    assert result.stream is not None
    pump = SyncPump(call, result.stream, None, lambda _: None)
    chunks = pump.chunks()
    for _ in range({"all": 99, "one": 1, "none": 0}[read]):
        next(chunks, None)
    pump.close()
    pump.close()
    assert watch.seen[1:] == [f"over openai {status} 1"]
