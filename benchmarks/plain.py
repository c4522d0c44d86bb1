"""A call that its own provider answers: the drop-in beside the raw SDK."""

from __future__ import annotations

from asyncio import Runner
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from spaturzu.sandbox import Reply

from .callers import anthropic_clients, ask_anthropic, ask_openai, openai_clients
from .measure import Row, compare
from .provider import Servers

BOUND, ROUNDS, CALLS = 1.04, 1500, 1
PROVIDERS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "openai": (openai_clients, ask_openai),
    "anthropic": (anthropic_clients, ask_anthropic),
}


def rows() -> Iterator[Row]:
    """Both SDKs, sync and async, with a chain and without."""
    with Servers() as servers, Runner() as runner:
        for provider, (make, ask) in PROVIDERS.items():
            servers.reply(provider, Reply("Hello " * 20))  # type: ignore[arg-type]
            yield from _compared(f"plain {provider}", make(servers, as_async=False), partial(_batch, ask))
            asynchronous = make(servers, as_async=True)
            yield from _compared(f"plain {provider} async", asynchronous, partial(_abatch, runner, ask))


def _compared(name: str, clients: dict[str, Any], batch: Callable[[Any], None]) -> Iterator[Row]:
    raw = partial(batch, clients["raw"])
    for kind in ("alone", "chained"):
        times = compare(partial(batch, clients[kind]), raw, rounds=ROUNDS, calls=CALLS)
        yield times.row(f"{name}, {kind}", "us", BOUND)


def _batch(ask: Callable[[Any], Any], client: Any) -> None:
    for _ in range(CALLS):
        ask(client)


def _abatch(runner: Runner, ask: Callable[[Any], Any], client: Any) -> None:
    async def work() -> None:
        for _ in range(CALLS):
            await ask(client)

    runner.run(work())
