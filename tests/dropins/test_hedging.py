"""A slow call is sent to a second place as well: the first answer wins, the other is cancelled, both are on record."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import openai
import pytest

import spaturzu
from spaturzu.errors import ConfigError
from spaturzu.ledger.store import Store
from spaturzu.router.hop import LOST
from spaturzu.router.workers import MOST, WORKERS
from spaturzu.sandbox import Cut, Held, Reply, Status
from spaturzu.sandbox.faults import Answering
from spaturzu_translators.messages import Provider
from tests.waiting import PATIENCE_S, asoon, interrupted_when, soon

from .chains import Heard, House, each_primary, other, plain_and_stream, same_error, served_model, sync_and_async

AFTER_S = 0.05
LONG_S = 2 * PATIENCE_S
"""Nobody waits for it."""
SLOW = Reply("Slow.", delay_s=LONG_S)
LATER = Reply("Later.")
FAST = Reply("Fast.")
UNCAPPED: dict[str, Any] = {"hedge": {"after": AFTER_S, "max_share": None}}
PATIENT: dict[str, Any] = {"hedge": {"after": LONG_S, "max_share": None}}
PROMPT: list[Any] = [{"role": "user", "content": "Hello"}]


def _ask(house: House, primary: Provider, *targets: Provider, **how: Any) -> tuple[Heard, float]:
    """A call, and how long it took."""
    as_async, stream = how.pop("as_async", False), how.pop("stream", False)
    client = house.chain(primary, *targets, as_async=as_async, **{"options": UNCAPPED, **how})
    started = time.monotonic()
    heard = house.attempt(primary, client, stream=stream, as_async=as_async)
    return heard, time.monotonic() - started


def _once_hedged(house: House, step: Answering, second: Provider = "anthropic") -> Held:
    """`step`, which comes after the second place has been asked."""
    return Held(step, lambda: house.asked(second))


def _busy_connections(http: Any) -> int:
    return sum(not connection.is_idle() for connection in http._transport._pool.connections)


def _hedges(client: Any) -> Any:
    return client.spaturzu.health().hedges


@each_primary
@plain_and_stream
@sync_and_async
def test_a_slow_first_place_is_overtaken(house: House, primary: Provider, stream: bool, as_async: bool) -> None:
    house.answers(SLOW, primary)
    house.answers(FAST, other(primary))

    heard, took_s = _ask(house, primary, other(primary), stream=stream, as_async=as_async)

    assert heard.error is None
    assert heard.said.text == "Fast."
    assert took_s < LONG_S / 2
    lost, won = heard.record.hops
    assert (lost.status, lost.kind, lost.code, lost.hedge) == ("failed", "cancelled", LOST, False)
    assert (won.status, won.model, won.hedge) == ("served", served_model(other(primary)), True)
    assert heard.record.served_by is won


@plain_and_stream
@sync_and_async
def test_the_first_place_may_still_win(house: House, stream: bool, as_async: bool) -> None:
    house.answers(_once_hedged(house, LATER), "openai")
    house.answers(SLOW, "anthropic")

    heard, took_s = _ask(house, "openai", "anthropic", stream=stream, as_async=as_async)

    assert heard.said.text == "Later."
    assert took_s < LONG_S / 2
    assert heard.statuses == ["served", "failed"]
    assert heard.record.hops[1].code == LOST
    assert heard.record.served_by is heard.record.hops[0]


@plain_and_stream
@sync_and_async
def test_a_fast_first_place_has_the_call_for_itself(house: House, stream: bool, as_async: bool) -> None:
    heard, _ = _ask(house, "openai", "anthropic", stream=stream, as_async=as_async, options=PATIENT)

    assert heard.statuses == ["served"]
    assert house.asked("anthropic") == 0


@plain_and_stream
@sync_and_async
def test_the_losers_connection_is_released(house: House, stream: bool, as_async: bool) -> None:
    http = house.async_http if as_async else house.http
    house.answers(SLOW, "openai")
    house.answers(FAST, "anthropic")

    _, took_s = _ask(house, "openai", "anthropic", stream=stream, as_async=as_async)

    assert took_s < LONG_S / 2
    assert soon(lambda: _busy_connections(http) == 0)


@plain_and_stream
@sync_and_async
def test_where_both_fail_the_walk_goes_on(house: House, stream: bool, as_async: bool) -> None:
    house.answers(_once_hedged(house, Status(503)), "openai")
    house.answers(Status(503, times=None), "anthropic")
    house.answers(FAST, "mistral")

    heard, _ = _ask(house, "openai", "anthropic", "mistral", stream=stream, as_async=as_async)

    assert heard.said.text == "Fast."
    assert [(hop.provider, hop.status) for hop in heard.record.hops] == [
        ("openai", "failed"),
        ("anthropic", "failed"),
        ("mistral", "served"),
    ]
    assert house.asked("anthropic") == 1


@sync_and_async
def test_where_all_fail_the_primarys_own_error_is_raised(house: House, as_async: bool) -> None:
    raw = house.raw_error("openai", Status(503))
    house.answers(_once_hedged(house, Status(503, times=None)), "openai")
    house.answers(Status(429, times=None), "anthropic")

    heard, _ = _ask(house, "openai", "anthropic", as_async=as_async)

    same_error(heard.error, raw)
    assert "2. anthropic/claude" in str(getattr(heard.error, "__notes__", ""))


@sync_and_async
def test_a_first_failure_that_is_the_callers_ends_both(house: House, as_async: bool) -> None:
    house.answers(_once_hedged(house, Status(400, times=None)), "openai")
    house.answers(SLOW, "anthropic")

    heard, took_s = _ask(house, "openai", "anthropic", as_async=as_async)

    assert isinstance(heard.error, openai.BadRequestError)
    assert took_s < LONG_S / 2
    assert [(hop.kind, hop.code == LOST) for hop in heard.record.hops] == [("bad_request", False), ("cancelled", True)]


@sync_and_async
def test_a_hedge_that_fails_leaves_the_first_place_alone(house: House, as_async: bool) -> None:
    client = house.chain("openai", "anthropic", as_async=as_async, options=UNCAPPED)
    house.answers(Held(LATER, lambda: any(place.failures for place in client.spaturzu.health())), "openai")
    house.answers(Status(503, times=None), "anthropic")

    heard = house.call("openai", client, as_async=as_async)

    assert heard.said.text == "Later."
    assert heard.statuses == ["served", "failed"]


@sync_and_async
def test_no_place_whose_breaker_is_open_is_sent_a_hedge(house: House, as_async: bool) -> None:
    """The next one that is ready is."""
    house.answers(Status(503, headers={"retry-after": "300"}, times=None), "anthropic")
    house.call("mistral", house.chain("mistral", "openai"))
    client = house.chain("openai", "anthropic", "mistral", as_async=as_async, options=UNCAPPED)
    house.answers(Status(503, times=1), "openai")
    house.answers(FAST, "mistral")
    house.call("openai", client, as_async=as_async)
    house.answers(SLOW, "openai")

    heard = house.call("openai", client, as_async=as_async)

    assert [(hop.provider, hop.status) for hop in heard.record.hops] == [("openai", "failed"), ("mistral", "served")]


@pytest.mark.parametrize(
    "more",
    [
        {"store": True},
        {"tools": [{"type": "custom", "custom": {"name": "sql"}}]},
        {"extra_body": {"background": True}},
        {"extra_body": {"previous_response_id": "resp_1"}},
    ],
    ids=str,
)
def test_a_call_that_may_not_be_sent_twice_is_not(house: House, more: dict[str, Any]) -> None:
    client = house.chain("openai", "anthropic", options=UNCAPPED)
    house.answers(Held(LATER, lambda: _hedges(client).not_twice), "openai")

    answer = client.chat.completions.create(model="gpt-4o", messages=PROMPT, **more)

    assert answer.choices[0].message.content == "Later."
    assert house.asked("anthropic") == 0
    assert _hedges(client).not_twice == 1


@pytest.mark.parametrize(("store", "sent"), [(None, 0), (False, 1)], ids=["kept", "not kept"])
def test_a_response_is_sent_twice_only_where_openai_does_not_keep_it(house: House, store: Any, sent: int) -> None:
    client = house.chain("openai", "anthropic", options=UNCAPPED)
    house.answers(Held(LATER, lambda: house.asked("anthropic") + _hedges(client).not_twice), "openai")
    house.answers(SLOW, "anthropic")
    options = {} if store is None else {"store": store}

    client.responses.create(model="gpt-4o", input="Hello", **options)

    assert (house.asked("anthropic"), _hedges(client).sent, _hedges(client).not_twice) == (sent, sent, 1 - sent)


PRICED = "claude-haiku-4-5"


def _capped(house: House, max_share: float) -> Any:
    target = {**house.target("anthropic"), "model": PRICED}
    return house.drop_in("openai", options={"fallback": [target], "hedge": {"after": 0.02, "max_share": max_share}})


def test_hedges_cost_no_more_than_their_share(house: House) -> None:
    client = _capped(house, 0.2)
    decided = Held(LATER, lambda: house.asked("anthropic") + _hedges(client).capped >= house.asked("openai"))
    house.answers(decided, "openai")
    house.answers(FAST, "anthropic")

    for _ in range(8):
        client.chat.completions.create(model="gpt-4o", messages=PROMPT)
        done = _hedges(client)
        assert done.hedges_nanodollars <= 0.2 * done.calls_nanodollars

    assert done.calls == 8
    assert done.sent + done.capped == 8
    assert 0 < done.sent < 8
    assert house.asked("anthropic") == done.sent


def test_the_first_calls_of_a_capped_chain_have_earned_no_hedge(house: House) -> None:
    client = _capped(house, 0.03)
    house.answers(Held(LATER, lambda: _hedges(client).capped), "openai")

    client.chat.completions.create(model="gpt-4o", messages=PROMPT)

    assert (_hedges(client).sent, _hedges(client).capped) == (0, 1)


def test_a_share_of_an_unknown_price_is_refused_at_construction(house: House) -> None:
    fallback = [{**house.target("anthropic"), "model": "nobody-knows-me"}]

    with pytest.raises(ConfigError, match=r"price of anthropic/nobody-knows-me.*'max_share': None"):
        house.drop_in("openai", options={"fallback": fallback, "hedge": {"after": 1}})
    house.drop_in("openai", options={"fallback": fallback, "hedge": {"after": 1, "max_share": None}})
    prices = {"anthropic": {"nobody-knows-me": {"input": 1.0, "output": 5.0}}}
    instance = spaturzu.Spaturzu(prices=prices, metering=False)
    instance.wrap_openai(house.raw("openai"), fallback=fallback, hedge={"after": 1})


def test_a_hedge_without_a_second_place_is_refused(house: House) -> None:
    with pytest.raises(ConfigError, match="second place"):
        house.drop_in("openai", options={"hedge": {"after": 1}})


@pytest.mark.parametrize("hedge", [{"after": "p99"}, {"after": 0}, {"max_share": -1}, {"afterwards": 1}], ids=str)
def test_what_cannot_be_a_hedge_is_refused(house: House, hedge: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="'hedge"):
        house.chain("openai", "anthropic", options={"hedge": hedge})


def test_health_counts_hedges(house: House) -> None:
    client = house.chain("openai", "anthropic", options=UNCAPPED)
    house.wire("openai").script(FAST, SLOW, Held(LATER, lambda: house.asked("anthropic") == 2))
    house.wire("anthropic").script(FAST, SLOW)

    client.chat.completions.create(model="gpt-4o", messages=PROMPT, store=True)  # sent once, however slow it is
    for _ in range(2):
        house.call("openai", client)

    done = _hedges(client)
    assert (done.calls, done.sent, done.won) == (3, 2, 1)
    assert str(done) == "hedges: 2 of 3 calls, 1 won, 0 capped"
    assert house.chain("openai", "anthropic").spaturzu.health().hedges is None


def test_the_loser_is_metered(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what it was sent, which its provider may well charge for."""
    monkeypatch.setenv("SPATURZU_DB", str(tmp_path / "ledger.sqlite3"))
    instance = spaturzu.Spaturzu()
    fallback = [{**house.target("anthropic"), "model": PRICED}]
    client = instance.wrap_openai(house.raw("openai"), fallback=fallback, **UNCAPPED)
    house.answers(SLOW, "openai")

    client.chat.completions.create(model="gpt-4o", messages=PROMPT)
    assert soon(lambda: instance.flush() and instance.stats().recorded == 2)

    lost, won = Store(tmp_path / "ledger.sqlite3").select(
        "SELECT hop, outcome, kind, code, usage_source, input_tokens > 0, output_tokens, cost_nanodollars > 0 "
        "FROM hops ORDER BY hop"
    )
    assert lost[:4] == (0, "failed", "cancelled", LOST)
    assert lost[4] != "provider"
    assert lost[5:] == (1, 0, 1)
    assert won[:2] == (1, "served")


async def _cancelled(house: House, call: asyncio.Task[Any]) -> None:
    """Once the second place has been asked."""
    assert await asoon(lambda: house.asked("anthropic"))
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


@plain_and_stream
def test_a_cancelled_call_releases_both(house: House, stream: bool) -> None:
    house.answers(SLOW, "openai", "anthropic")
    client = house.chain("openai", "anthropic", as_async=True, options=UNCAPPED)

    async def leave() -> tuple[float, Any]:
        started = time.monotonic()
        call = client.chat.completions.create(model="gpt-4o", messages=PROMPT, stream=stream)
        await _cancelled(house, asyncio.create_task(call))
        return time.monotonic() - started, len(asyncio.all_tasks())

    took_s, tasks = house.run(leave())

    assert took_s < LONG_S / 2
    assert tasks == 1
    assert house.asked("anthropic") == 1
    target = house.raw("anthropic", as_async=True)
    assert soon(lambda: _busy_connections(house.async_http) + _busy_connections(target._client) == 0)


def test_a_cancelled_call_of_a_sync_client_in_a_thread_releases_both(house: House) -> None:
    house.answers(SLOW, "bedrock", "anthropic")
    client = house.chain("bedrock", "anthropic", as_async=True, options=UNCAPPED)
    turns = [{"role": "user", "content": [{"text": "Hello"}]}]

    async def leave() -> None:
        call = client.converse(modelId="amazon.nova-lite-v1:0", messages=turns)
        await _cancelled(house, asyncio.create_task(call))

    started = time.monotonic()
    house.run(leave())

    assert time.monotonic() - started < LONG_S / 2
    target = house.raw("anthropic")
    assert house.asked("anthropic") == 1
    assert soon(lambda: _busy_connections(target._client) == 0)


@plain_and_stream
def test_an_interrupt_releases_both(house: House, stream: bool) -> None:
    house.answers(SLOW, "openai", "anthropic")
    client = house.chain("openai", "anthropic", options=UNCAPPED)

    started = time.monotonic()
    with interrupted_when(lambda: house.asked("anthropic")), pytest.raises(KeyboardInterrupt):
        client.chat.completions.create(model="gpt-4o", messages=PROMPT, stream=stream)

    assert time.monotonic() - started < LONG_S / 2
    assert house.asked("anthropic") == 1
    target = house.raw("anthropic")
    assert soon(lambda: _busy_connections(house.http) + _busy_connections(target._client) == 0)
    record = spaturzu.last_call()
    assert record is not None
    assert [(hop.status, hop.kind) for hop in record.hops] == 2 * [("failed", "cancelled")]


def test_who_did_not_ask_for_hedging_has_no_threads(house: House) -> None:
    before = WORKERS.threads

    house.call("openai", house.chain("openai", "anthropic"))

    assert WORKERS.threads == before


def test_without_a_free_thread_a_call_is_made_in_its_own(house: House) -> None:
    client = house.chain("openai", "anthropic", options=UNCAPPED)
    release = threading.Event()
    while WORKERS.submit(release.wait):
        pass
    try:
        heard = house.call("openai", client)
    finally:
        release.set()
        assert soon(lambda: WORKERS.free == WORKERS.threads)  # the next test needs two

    assert heard.statuses == ["served"]
    assert WORKERS.threads == MOST
    assert _hedges(client).busy == 1


def test_a_broken_stream_may_go_on_at_the_place_that_lost(house: House) -> None:
    text = "one two three four five six seven eight"
    house.wire("openai").script(_once_hedged(house, Cut(after_deltas=4, reply=Reply(text))))
    house.wire("anthropic").script(Reply("Lost.", delay_s=LONG_S), Reply(text))

    heard, _ = _ask(house, "openai", "anthropic", stream=True)

    assert heard.error is None
    assert heard.said.text == text
    assert [(hop.provider, hop.status) for hop in heard.record.hops] == [
        ("openai", "failed"),
        ("anthropic", "failed"),
        ("anthropic", "served"),
    ]
