"""A stream of 1,000 chunks that its own provider sends: the drop-in beside the raw SDK."""

from __future__ import annotations

from asyncio import Runner
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from spaturzu.sandbox import Reply

from .callers import ask_openai, openai_clients
from .measure import Row, compare
from .provider import Servers

BOUND, ROUNDS, CHUNKS = 1.03, 40, 1000
TEXT = "".join(f" {number:06}" for number in range(CHUNKS))
"""Each chunk says something else, as those of a model do."""


def rows() -> Iterator[Row]:
    """Sent in one write, and chunk by chunk."""
    with Servers() as servers, Runner() as runner:
        for how, flushed in (("one write", False), ("flushed", True)):
            servers.reply("openai", Reply(TEXT, chunks=CHUNKS, flush_each=flushed))
            yield _compared(f"stream, {how}", openai_clients(servers, as_async=False), _read)
            asynchronous = openai_clients(servers, as_async=True)
            yield _compared(f"stream async, {how}", asynchronous, partial(_aread, runner))


def _compared(name: str, clients: dict[str, Any], read: Callable[[Any], None]) -> Row:
    ours, raw = partial(read, clients["chained"]), partial(read, clients["raw"])
    return compare(ours, raw, rounds=ROUNDS).row(name, "ms", BOUND)


def _read(client: Any) -> None:
    seen = sum(1 for _ in ask_openai(client, stream=True))
    assert seen > CHUNKS


def _aread(runner: Runner, client: Any) -> None:
    async def work() -> None:
        seen = 0
        async for _ in await ask_openai(client, stream=True):
            seen += 1
        assert seen > CHUNKS

    runner.run(work())
