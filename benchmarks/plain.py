"""A call that its own provider answers: the drop-in beside the raw SDK.

The bound is on a call. Its record is priced and stored up to a tenth of a second later, for many calls at once, by the
recorder's thread: the rows without a bound have calls and records together.
"""

from __future__ import annotations

from asyncio import Runner
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import spaturzu
from spaturzu.sandbox import Reply

from .callers import anthropic_clients, ask_anthropic, ask_openai, openai_clients
from .measure import Row, compare
from .provider import Servers

BOUND, ROUNDS = 1.04, 1500
STORED_ROUNDS, STORED_CALLS = 15, 100
PROVIDERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "openai": (openai_clients, ask_openai),
    "anthropic": (anthropic_clients, ask_anthropic),
}


def rows() -> Iterator[Row]:
    """Both SDKs, sync and async, with a chain and without."""
    with Servers() as servers, Runner() as runner:
        for provider, (make, ask) in PROVIDERS.items():
            servers.reply(provider, Reply("Hello " * 20))  # type: ignore[arg-type]
            clients = make(servers, as_async=False)
            yield from _compared(f"plain {provider}", clients, partial(_batch, ask))
            yield _stored(f"plain {provider}, chained, and its record", clients, ask)
            asynchronous = make(servers, as_async=True)
            yield from _compared(f"plain {provider} async", asynchronous, partial(_abatch, runner, ask))


def _compared(name: str, clients: dict[str, Any], batch: Callable[[Any], None]) -> Iterator[Row]:
    raw = partial(batch, clients["raw"])
    for kind in ("alone", "chained"):
        times = compare(partial(batch, clients[kind]), raw, rounds=ROUNDS)
        yield times.row(f"{name}, {kind}", "us", BOUND)


def _stored(name: str, clients: dict[str, Any], ask: Callable[[Any], Any]) -> Row:
    def ours() -> None:
        _batch(ask, clients["chained"], STORED_CALLS)
        spaturzu.flush()

    raw = partial(_batch, ask, clients["raw"], STORED_CALLS)
    return compare(ours, raw, rounds=STORED_ROUNDS, calls=STORED_CALLS).row(name, "us", None)


def _batch(ask: Callable[[Any], Any], client: Any, calls: int = 1) -> None:
    for _ in range(calls):
        ask(client)


def _abatch(runner: Runner, ask: Callable[[Any], Any], client: Any) -> None:
    async def work() -> None:
        await ask(client)

    runner.run(work())
