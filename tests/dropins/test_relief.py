"""A plain call to a silent place costs one first-token limit: then the rest of the chain is asked beside it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import openai
import pytest

import spaturzu
from spaturzu.router.hop import LOST
from spaturzu.router.workers import WORKERS
from spaturzu.sandbox import Held, Reply, Silence, Status, Usage
from spaturzu.sandbox.faults import Answering
from spaturzu_translators.messages import Provider
from tests.waiting import PATIENCE_S, asoon, interrupted_when

from .chains import SERVED, House, each_primary, other, same_error, sync_and_async
from .holding import holding

LIMIT_S = 0.3
NEVER_S = 2 * PATIENCE_S
"""Nobody waits so long, on the busiest of machines."""
ONE_LIMIT: dict[str, Any] = {"first_token_timeout": LIMIT_S}
SILENT = Silence(NEVER_S, times=None)
WORDY = Usage(output=2000)
PROMPT: list[Any] = [{"role": "user", "content": "Hello"}]


def _beside(house: House, step: Answering) -> Held:
    """`step`, which comes after the second place has been asked as well."""
    return Held(step, lambda: house.asked("anthropic"))


def said(record: Any) -> list[tuple[str, str, str | None]]:
    return [(hop.provider, hop.status, hop.code) for hop in record.hops]


@sync_and_async
@each_primary
def test_a_silent_place_costs_one_limit(house: House, primary: Provider, as_async: bool) -> None:
    house.answers(SILENT, primary)
    house.answers(SERVED, other(primary))
    client = house.chain(primary, other(primary), as_async=as_async, options=ONE_LIMIT)

    heard = house.call(primary, client, as_async=as_async)

    assert heard.said.text == SERVED.text
    assert said(heard.record) == [(primary, "failed", "answer_timeout"), (other(primary), "served", None)]
    silent, served = heard.record.hops
    assert silent.kind == "timeout"
    assert LIMIT_S <= silent.duration_s < PATIENCE_S
    assert served.hedge
    assert heard.record.served_by is served


@sync_and_async
@each_primary
def test_so_does_a_silent_one_after_it(house: House, primary: Provider, as_async: bool) -> None:
    """Three are asked at once, each one limit after the one before."""
    second, third = other(primary), other(other(primary))
    house.answers(SILENT, primary, second)
    house.answers(SERVED, third)
    client = house.chain(primary, second, third, as_async=as_async, options=ONE_LIMIT)

    heard = house.call(primary, client, as_async=as_async)

    assert heard.said.text == SERVED.text
    assert said(heard.record) == [
        (primary, "failed", "answer_timeout"),
        (second, "failed", "answer_timeout"),
        (third, "served", None),
    ]
    assert 2 * LIMIT_S <= heard.record.hops[0].duration_s < PATIENCE_S


@sync_and_async
def test_one_that_fails_beside_it_gives_way_to_the_next(house: House, as_async: bool) -> None:
    house.answers(SILENT, "openai")
    house.answers(Status(503, times=None), "anthropic")
    house.answers(SERVED, "mistral")
    client = house.chain("openai", "anthropic", "mistral", as_async=as_async, options=ONE_LIMIT)

    heard = house.call("openai", client, as_async=as_async)

    assert heard.said.text == SERVED.text
    assert [hop.status for hop in heard.record.hops] == ["failed", "failed", "served"]


@sync_and_async
def test_a_place_that_was_only_slow_keeps_its_call(house: House, as_async: bool) -> None:
    """The other's answer is there first, and waits: of its length, it could take this long."""
    house.wire("openai").script(_beside(house, Reply("Slow, but well.", delay_s=6 * LIMIT_S)))
    house.answers(Reply("Slow again.", delay_s=2 * LIMIT_S), "openai")
    house.answers(Reply("word word", usage=WORDY), "anthropic")
    client = house.chain("openai", "anthropic", as_async=as_async, options=ONE_LIMIT)

    heard = house.call("openai", client, as_async=as_async)

    assert heard.said.text == "Slow, but well."
    assert said(heard.record) == [("openai", "served", None), ("anthropic", "failed", LOST)]
    assert heard.record.served_by is heard.record.hops[0]

    assert house.call("openai", client, as_async=as_async).said.text == "Slow again."
    assert house.asked("anthropic") == 1  # how long it takes is known now


@sync_and_async
def test_a_place_that_fails_after_all_is_not_waited_for(house: House, as_async: bool) -> None:
    house.answers(_beside(house, Status(503, times=None)), "openai")
    house.answers(Reply("word word", usage=WORDY), "anthropic")
    client = house.chain("openai", "anthropic", as_async=as_async, options=ONE_LIMIT)

    started = time.monotonic()
    heard = house.call("openai", client, as_async=as_async)

    assert heard.said.text.startswith("word")
    assert [hop.kind for hop in heard.record.hops] == ["overloaded", None]
    assert time.monotonic() - started < PATIENCE_S  # of so many words it would be 100 s
    assert house.asked("openai") == 1


@sync_and_async
def test_where_all_others_fail_it_is_waited_for(house: House, as_async: bool) -> None:
    house.answers(_beside(house, Reply("At last.")), "openai")
    house.answers(Status(503, times=None), "anthropic")
    client = house.chain("openai", "anthropic", as_async=as_async, options=ONE_LIMIT)

    heard = house.call("openai", client, as_async=as_async)

    assert heard.said.text == "At last."
    assert [hop.status for hop in heard.record.hops] == ["served", "failed"]


@sync_and_async
@pytest.mark.parametrize("status", [503, 400])
def test_where_all_fail_the_primarys_own_error_is_raised(house: House, status: int, as_async: bool) -> None:
    raw = house.raw_error("openai", Status(status))
    house.answers(_beside(house, Status(status, times=None)), "openai")
    house.answers(Status(429, times=None), "anthropic")
    client = house.chain("openai", "anthropic", as_async=as_async, options=ONE_LIMIT)

    heard = house.attempt("openai", client, stream=False, as_async=as_async)

    same_error(heard.error, raw)
    assert "2. anthropic/claude" in str(getattr(heard.error, "__notes__", ""))


@sync_and_async
def test_an_error_that_is_the_callers_ends_all(house: House, as_async: bool) -> None:
    house.answers(_beside(house, Status(400, times=None)), "openai")
    house.answers(SILENT, "anthropic")
    client = house.chain("openai", "anthropic", as_async=as_async, options=ONE_LIMIT)

    heard = house.attempt("openai", client, stream=False, as_async=as_async)

    assert isinstance(heard.error, openai.BadRequestError)
    assert [(hop.kind, hop.code == LOST) for hop in heard.record.hops] == [("bad_request", False), ("cancelled", True)]


@sync_and_async
def test_a_silent_place_opens_its_breaker(house: House, as_async: bool) -> None:
    house.answers(SILENT, "openai")
    house.answers(SERVED, "anthropic")
    client = house.chain("openai", "anthropic", as_async=as_async, options=ONE_LIMIT)

    for _ in range(2):
        house.call("openai", client, as_async=as_async)

    assert client.spaturzu.health().targets[0].state != "closed"


@sync_and_async
def test_nobody_is_asked_beside_it_where_a_limit_for_plain_answers_was_said(house: House, as_async: bool) -> None:
    house.answers(Reply("Slow.", delay_s=3 * LIMIT_S), "openai")
    client = house.chain("openai", "anthropic", as_async=as_async, options={**ONE_LIMIT, "answer_timeout": NEVER_S})

    assert house.call("openai", client, as_async=as_async).said.text == "Slow."
    assert house.asked("anthropic") == 0


def test_nor_where_the_call_may_be_answered_once_only(house: House) -> None:
    house.answers(Reply("Slow.", delay_s=3 * LIMIT_S), "openai")
    client = house.chain("openai", "anthropic", options=ONE_LIMIT)

    client.chat.completions.create(model="gpt-4o", messages=PROMPT, store=True)

    assert house.asked("anthropic") == 0


def test_a_call_that_is_answered_in_time_starts_no_thread(house: House) -> None:
    before = WORKERS.threads
    client = house.chain("openai", "anthropic", options={"first_token_timeout": NEVER_S})

    def asked() -> None:
        house.call("openai", client)

    asked()
    assert WORKERS.threads == before


@sync_and_async
def test_the_silent_connection_is_let_go_of(house: House, as_async: bool) -> None:
    house.answers(SERVED, "anthropic")
    with holding("openai", "request", stream=False) as silent:
        options = {"fallback": [house.target("anthropic", as_async=as_async)], **ONE_LIMIT}
        client = house.drop_in("openai", as_async=as_async, options=options, base_url=silent.url)
        assert house.call("openai", client, as_async=as_async).said.text == SERVED.text
        assert silent.left.acquire(timeout=PATIENCE_S)


def test_an_interrupt_releases_both(house: House) -> None:
    house.answers(SILENT, "openai", "anthropic")
    client = house.chain("openai", "anthropic", options=ONE_LIMIT)

    with pytest.raises(KeyboardInterrupt), interrupted_when(lambda: house.asked("anthropic")):
        client.chat.completions.create(model="gpt-4o", messages=PROMPT)

    record = spaturzu.last_call()
    assert record is not None
    assert [(hop.status, hop.kind) for hop in record.hops] == 2 * [("failed", "cancelled")]


def test_a_cancelled_call_releases_both(house: House) -> None:
    house.answers(SILENT, "openai", "anthropic")
    client = house.chain("openai", "anthropic", as_async=True, options=ONE_LIMIT)

    async def leave() -> int:
        loop = asyncio.get_running_loop()
        call = asyncio.create_task(client.chat.completions.create(model="gpt-4o", messages=PROMPT))
        await asoon(lambda: house.asked("anthropic"))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        mine = asyncio.current_task()
        await asoon(lambda: all(task is mine or task.done() for task in asyncio.all_tasks(loop)))
        return len(asyncio.all_tasks())

    assert house.run(leave()) == 1


def test_a_router_without_a_primary_has_the_same(house: House) -> None:
    house.answers(SILENT, "anthropic")
    house.answers(SERVED, "mistral")
    router = spaturzu.Router([house.target("anthropic"), house.target("mistral")], **ONE_LIMIT)

    assert router.chat.completions.create(messages=PROMPT).choices[0].message.content == SERVED.text
