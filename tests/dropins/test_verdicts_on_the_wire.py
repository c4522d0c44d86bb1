"""Which failures reach the caller as they are, which fall back, and how often the same hop is asked first."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.config import Config

import spaturzu
from spaturzu.sandbox import Failing, Refused, Reset, Silence, Status, Step
from spaturzu_translators.messages import Provider
from tests.waiting import PATIENCE_S

from .chains import (
    SERVED,
    Heard,
    House,
    each_primary,
    other,
    plain_and_stream,
    same_error,
    sync_and_async,
    undisturbed,
    without_retries,
)

LONG_S = 4 * PATIENCE_S
TIMEOUT_S = 0.3
TIMEOUTS: dict[Provider, dict[str, Any]] = {
    "openai": {"timeout": TIMEOUT_S},
    "anthropic": {"timeout": TIMEOUT_S},
    "bedrock": {"config": Config(read_timeout=TIMEOUT_S)},
    "gemini": {"http_options": {"timeout": int(1000 * TIMEOUT_S)}},
    "mistral": {"timeout_ms": int(1000 * TIMEOUT_S)},
}
AT_ONCE: dict[str, tuple[Step, int]] = {
    "408": (Status(408, times=None), 1),
    "429": (Status(429, times=None), 1),
    "500": (Status(500, times=None), 2),
    "502": (Status(502, times=None), 2),
    "503": (Status(503, times=None), 1),
    "504": (Status(504, times=None), 2),
    "529": (Status(529, times=None), 1),
    "reset": (Reset(times=None), 2),
    "quota": (Failing("quota_exhausted", times=None), 1),
    "overloaded": (Failing("overloaded", times=None), 1),
    "retry-after 300": (Status(429, headers={"retry-after": "300"}, times=None), 1),
    "503, retry-after 300": (Status(503, headers={"retry-after": "300"}, times=None), 1),
}
"""What falls back, and how many requests the primary gets before that."""

KINDS = {"quota": "quota_exhausted", "reset": "connection", "429": "rate_limit", "529": "overloaded", "408": "timeout"}


def _ask(house: House, primary: Provider, **how: Any) -> tuple[Heard, float]:
    """A call of a primary with one target, and how long it took."""
    options, as_async, stream = how.pop("options", None), how.pop("as_async", False), how.pop("stream", False)
    house.answers(SERVED, other(primary))
    client = house.chain(primary, other(primary), as_async=as_async, options=options, **how)
    started = time.monotonic()
    heard = house.attempt(primary, client, stream=stream, as_async=as_async)
    return heard, time.monotonic() - started


@sync_and_async
@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
@each_primary
def test_a_caller_mistake_surfaces_as_the_sdk_says_it(
    house: House, primary: Provider, status: int, as_async: bool
) -> None:
    raw = house.raw_error(primary, Status(status))
    house.answers(Status(status, times=None), primary)

    heard, _ = _ask(house, primary, as_async=as_async)

    same_error(heard.error, raw)
    assert (house.asked(primary), house.asked(other(primary))) == (1, 0)
    assert heard.statuses == ["failed"]


@each_primary
def test_a_caller_mistake_surfaces_in_a_streamed_call(house: House, primary: Provider) -> None:
    raw = house.raw_error(primary, Status(404), stream=True)
    house.answers(Status(404, times=None), primary)

    heard, _ = _ask(house, primary, stream=True)

    same_error(heard.error, raw)
    assert (house.asked(primary), house.asked(other(primary))) == (1, 0)


@sync_and_async
@pytest.mark.parametrize("name", AT_ONCE)
@each_primary
def test_a_provider_failure_falls_back_at_once(house: House, primary: Provider, name: str, as_async: bool) -> None:
    step, requests = AT_ONCE[name]
    house.answers(step, primary)

    heard, took_s = _ask(house, primary, as_async=as_async)

    assert heard.said.text == SERVED.text
    assert heard.statuses == ["failed", "served"]
    assert house.asked(primary) == heard.record.hops[0].attempts == requests
    assert house.asked(other(primary)) == 1
    assert heard.record.hops[0].kind == KINDS.get(name, heard.record.hops[0].kind)
    assert took_s < PATIENCE_S


@plain_and_stream
@each_primary
def test_a_refused_connection_is_tried_twice(house: House, primary: Provider, stream: bool) -> None:
    house.answers(Refused(), primary)

    heard, _ = _ask(house, primary, stream=stream)

    assert heard.said.text == SERVED.text
    assert (heard.record.hops[0].kind, heard.record.hops[0].attempts) == ("connection", 2)


@sync_and_async
@each_primary
def test_a_silent_primary_is_left_after_the_callers_own_timeout(
    house: House, primary: Provider, as_async: bool
) -> None:
    house.answers(Silence(LONG_S, times=None), primary)

    heard, took_s = _ask(house, primary, as_async=as_async, **TIMEOUTS[primary])

    assert heard.said.text == SERVED.text
    assert heard.record.hops[0].kind == "timeout"
    assert house.asked(primary) <= 1  # not at all where it took the machine so long to connect
    assert TIMEOUT_S <= took_s < PATIENCE_S


@sync_and_async
@each_primary
def test_a_500_that_passes_is_served_by_the_second_attempt(house: House, primary: Provider, as_async: bool) -> None:
    house.wire(primary).script(Status(500))

    heard, _ = _ask(house, primary, as_async=as_async)

    assert heard.error is None
    assert heard.statuses == ["served"]
    assert (heard.record.hops[0].attempts, house.asked(primary), house.asked(other(primary))) == (2, 2, 0)


def _told(primary: Provider, seconds: float) -> dict[str, str]:
    """`Retry-After` as the provider says it (providers.md 0.3, 2026-11-22)."""
    return {"x-amz-retry-after": f"{1000 * seconds:g}"} if primary == "bedrock" else {"retry-after": f"{seconds:g}"}


@sync_and_async
@each_primary
def test_a_short_retry_after_is_waited_out_in_place(house: House, primary: Provider, as_async: bool) -> None:
    house.wire(primary).script(Status(429, headers=_told(primary, 0.2)))

    heard, took_s = _ask(house, primary, as_async=as_async)

    assert heard.error is None
    assert (heard.statuses, house.asked(primary)) == (["served"], 2)
    assert took_s >= 0.2


@each_primary
def test_a_short_retry_after_is_waited_out_once(house: House, primary: Provider) -> None:
    house.answers(Status(429, headers=_told(primary, 0.1), times=None), primary)

    heard, _ = _ask(house, primary)

    assert heard.said.text == SERVED.text
    assert (house.asked(primary), house.asked(other(primary))) == (2, 1)


@pytest.mark.parametrize("primary", ["openai", "anthropic", "bedrock"])
def test_a_client_without_retries_gets_none(house: House, primary: Provider) -> None:
    house.answers(Status(500, times=None), primary)

    heard, _ = _ask(house, primary, **without_retries(primary))

    assert heard.said.text == SERVED.text
    assert house.asked(primary) == 1


def test_retry_options_of_google_genai_are_the_routers_allowance(house: House) -> None:
    house.answers(Status(500, times=None), "gemini")

    heard, _ = _ask(house, "gemini", http_options={"retry_options": {"attempts": 1}})

    assert (heard.said.text, house.asked("gemini")) == (SERVED.text, 1)


def test_many_retries_of_google_genai_do_not_walk_the_chain_again(house: House) -> None:
    house.answers(Status(500, times=None), "gemini", "mistral")
    often = {"retry_options": {"attempts": 4, "initial_delay": 0.01}}
    client = house.chain("gemini", "mistral", http_options=often)

    heard = house.attempt("gemini", client, stream=False, as_async=False)

    assert heard.error is not None
    assert (house.asked("gemini"), house.asked("mistral")) == (2, 2)


@each_primary
def test_the_retry_option_says_how_many_attempts_a_hop_gets(house: House, primary: Provider) -> None:
    house.answers(Status(500, times=None), primary)

    heard, _ = _ask(house, primary, options={"retry": {"attempts": 1}})

    assert (heard.said.text, house.asked(primary)) == (SERVED.text, 1)


@pytest.mark.parametrize("primary", ["openai", "anthropic"])
def test_with_options_sets_the_allowance_of_one_call(house: House, primary: Provider) -> None:
    house.answers(Status(500, times=None), primary)
    house.answers(SERVED, other(primary))
    client = house.chain(primary, other(primary)).with_options(max_retries=0)

    heard = house.call(primary, client)

    assert (heard.said.text, house.asked(primary)) == (SERVED.text, 1)


def test_a_recovered_primary_serves_again(house: House) -> None:
    client = house.chain("openai", "anthropic")
    house.wire("openai").script(Status(503))

    texts = [house.call("openai", client).record.served_by.provider for _ in range(3)]

    assert texts == ["anthropic", "openai", "openai"]


@pytest.mark.parametrize("window", ["unknown", "larger"])
def test_a_context_overflow_falls_back_without_a_retry(house: House, window: str) -> None:
    """GPT-4o holds 128,000 tokens (genai-prices, 2026-11-22)."""
    house.answers(Failing("context_overflow", times=None), "openai")
    spare = "of-our-own" if window == "unknown" else "claude-haiku-5-5"
    client = house.drop_in("openai", options={"fallback": [house.target("anthropic", model=spare)]})

    client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": "Hi"}])

    hops = spaturzu.last_call().hops
    assert [(hop.kind, hop.status, hop.attempts) for hop in hops] == [
        ("context_overflow", "failed", 1),
        (None, "served", 1),
    ]


def test_a_context_overflow_does_not_go_where_the_window_is_no_larger(house: House) -> None:
    """Claude's 1,000,000 and GPT-4o's 128,000 are known; the one that is larger than both answers."""
    house.answers(Failing("context_overflow", times=None), "anthropic")
    fallback = [house.target("openai", model="gpt-4o"), house.target("gemini", model="gemini-2.5-flash")]
    client = house.drop_in("anthropic", options={"fallback": fallback})

    client.messages.create(model="claude-haiku-5-5", max_tokens=5, messages=[{"role": "user", "content": "Hi"}])

    hops = spaturzu.last_call().hops
    assert [hop.status for hop in hops] == ["failed", "skipped", "served"]
    assert "its context window of 128000 tokens is no larger" in hops[1].why


def test_the_deadline_is_shared_by_those_that_are_left(house: House) -> None:
    """Two are silent; the third still has its share."""
    house.answers(Silence(LONG_S, times=None), "openai", "anthropic")
    client = house.chain("openai", "anthropic", "mistral", options={"deadline": 2.4})

    def all_asked(heard: Heard) -> bool:
        return heard.error is None and "skipped" not in heard.statuses

    heard = undisturbed(lambda: house.attempt("openai", client, stream=False, as_async=False), all_asked)

    assert heard.error is None
    assert 1.6 < sum(hop.duration_s for hop in heard.record.hops) < 2.4
    assert heard.record.served_by.provider == "mistral"
    assert [hop.code for hop in heard.record.hops] == ["deadline", "deadline", None]


def test_the_deadline_bounds_the_whole_walk(house: House) -> None:
    house.answers(Silence(LONG_S, times=None))
    client = house.chain("openai", "anthropic", "mistral", options={"deadline": 0.6})

    def all_asked(heard: Heard) -> bool:
        return "skipped" not in heard.statuses

    heard = undisturbed(lambda: house.attempt("openai", client, stream=False, as_async=False), all_asked)

    assert 0.5 < sum(hop.duration_s for hop in heard.record.hops) < PATIENCE_S
    assert heard.error is not None
    assert heard.statuses == ["failed", "failed", "failed"]
