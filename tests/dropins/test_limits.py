"""Limits against real silence: one limit, then the next target; nobody waits twice, and a drip is no sign of life."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from spaturzu import last_call
from spaturzu.router.watchdog import WATCHDOG
from spaturzu.sandbox import Held, Refused, Reply, Silence, Stall, Status
from spaturzu_translators.messages import Provider
from tests.waiting import PATIENCE_S, soon

from .chains import (
    ASYNC_CLASSES,
    SERVED,
    Heard,
    House,
    each_primary,
    other,
    plain_and_stream,
    sync_and_async,
    undisturbed,
    without_retries,
)
from .holding import holding

LIMIT_S = 0.3
LONG_S = 4 * PATIENCE_S
"""So long is silent who is not to be waited for."""
LIMITS = {"first_token_timeout": LIMIT_S, "answer_timeout": LIMIT_S}
LONG = Reply("One two three four five six.", chunks=6)


def place_of(provider: Provider, url: str) -> dict[str, Any]:
    """The constructor's options that lead a drop-in there."""
    match provider:
        case "openai" | "anthropic":
            return {"base_url": url}
        case "bedrock":
            return {"endpoint_url": url}
        case "gemini":
            return {"http_options": {"base_url": url}}
        case "mistral":
            return {"server_url": url}


def codes(record: Any) -> list[str | None]:
    return [hop.code for hop in record.hops]


@sync_and_async
@plain_and_stream
@each_primary
def test_a_silent_primary_costs_one_limit(house: House, primary: Provider, stream: bool, as_async: bool) -> None:
    house.answers(Silence(LONG_S, times=None), primary)
    house.answers(SERVED, other(primary))
    client = house.chain(primary, other(primary), as_async=as_async, options=LIMITS)

    heard = house.call(primary, client, stream=stream, as_async=as_async)

    assert LIMIT_S <= heard.record.hops[0].duration_s < PATIENCE_S
    assert heard.said.text == SERVED.text
    assert codes(heard.record)[0] == ("first_token_timeout" if stream else "answer_timeout")
    assert heard.record.hops[0].attempts == 1
    assert house.asked(primary) <= 1  # not at all where it took the machine so long to connect


@sync_and_async
@plain_and_stream
@each_primary
def test_a_silent_target_costs_one_limit(house: House, primary: Provider, stream: bool, as_async: bool) -> None:
    silent, last = other(primary), other(other(primary))
    house.answers(Silence(LONG_S, times=None), silent)
    house.answers(SERVED, last)
    once = {"retry": {"attempts": 1}}
    house.answers(Refused(), primary)
    client = house.chain(primary, silent, last, as_async=as_async, options={**LIMITS, **once})

    heard = house.call(primary, client, stream=stream, as_async=as_async)

    assert LIMIT_S <= heard.record.hops[1].duration_s < PATIENCE_S
    assert heard.said.text == SERVED.text
    assert codes(heard.record)[1] == ("first_token_timeout" if stream else "answer_timeout")
    assert house.asked(silent) <= 1


@sync_and_async
@each_primary
def test_a_first_word_that_never_comes_costs_one_limit(house: House, primary: Provider, as_async: bool) -> None:
    house.answers(Stall(after_deltas=0, seconds=LONG_S, times=None), primary)
    house.answers(SERVED, other(primary))
    client = house.chain(primary, other(primary), as_async=as_async, options=LIMITS)

    heard = house.call(primary, client, stream=True, as_async=as_async)

    assert heard.said.text == SERVED.text
    assert codes(heard.record)[0] == "first_token_timeout"


@sync_and_async
@pytest.mark.parametrize("primary", ["openai", "anthropic", "gemini", "mistral"])
def test_a_plain_answer_that_stops_half_way_costs_the_idle_limit(
    house: House, primary: Provider, as_async: bool
) -> None:
    """Its head has come, so the rest is not waited for as long as for a whole answer."""
    house.answers(Stall(seconds=LONG_S, times=None), primary)
    house.answers(SERVED, other(primary))
    client = house.chain(primary, other(primary), as_async=as_async, options={"idle_timeout": LIMIT_S})
    heard = house.call(primary, client, as_async=as_async)
    assert heard.said.text == SERVED.text
    assert heard.record.hops[0].kind == "timeout"
    assert heard.record.hops[0].duration_s < PATIENCE_S


@sync_and_async
@each_primary
def test_a_handshake_that_nobody_answers_costs_one_limit(house: House, primary: Provider, as_async: bool) -> None:
    """And its connection is let go of, which httpcore does not do for a task that is cancelled."""
    house.answers(SERVED, other(primary))
    left = threading.Semaphore(0)

    def listen(door: socket.socket) -> None:
        with door.accept()[0] as client:
            with contextlib.suppress(ConnectionResetError):
                while client.recv(1 << 16):
                    pass
            left.release()

    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=listen, args=(door,), daemon=True).start()
        url = f"https://127.0.0.1:{door.getsockname()[1]}"
        options = {"fallback": [house.target(other(primary))], **LIMITS}
        client = house.drop_in(primary, as_async=as_async, options=options, **place_of(primary, url))
        heard = house.call(primary, client, as_async=as_async)
        assert heard.said.text == SERVED.text
        assert codes(heard.record)[0] == "answer_timeout"
        assert heard.record.hops[0].duration_s < PATIENCE_S
        assert left.acquire(timeout=PATIENCE_S)


@contextlib.contextmanager
def full_port() -> Iterator[str]:
    """A port whose queue is full: who connects hears nothing, as from a host behind a firewall."""
    with contextlib.ExitStack() as held:
        door = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):
            caller = held.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(door.getsockname())
        yield f"http://127.0.0.1:{door.getsockname()[1]}"


@contextlib.contextmanager
def mute_port() -> Iterator[str]:
    """A port that takes connections and never answers a TLS handshake."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        yield f"https://127.0.0.1:{door.getsockname()[1]}"


@pytest.mark.parametrize("port", [full_port, mute_port])
@each_primary
def test_a_connection_that_is_never_made_costs_the_connect_limit(house: House, primary: Provider, port: Any) -> None:
    house.answers(SERVED, other(primary))
    with port() as url:
        options = {"fallback": [house.target(other(primary))], "connect_timeout": LIMIT_S}
        client = house.drop_in(primary, options=options, **place_of(primary, url))
        heard = house.call(primary, client)
    assert heard.said.text == SERVED.text
    assert heard.record.hops[0].kind == "timeout"
    assert LIMIT_S <= heard.record.hops[0].duration_s < PATIENCE_S


def was_seen_connecting(heard: Heard) -> bool:
    """A thread that has not come to connecting by then is not seen to do it."""
    return codes(heard.record)[1] == "connect_timeout"


@sync_and_async
@plain_and_stream
@pytest.mark.parametrize("port", [full_port, mute_port])
@each_primary
def test_a_targets_connection_that_is_never_made_costs_it_too(
    house: House, primary: Provider, port: Any, stream: bool, as_async: bool
) -> None:
    unreachable, last = other(primary), other(other(primary))
    house.answers(SERVED, last)
    house.answers(Refused(), primary)
    with port() as url:
        takes_async = as_async and primary in ASYNC_CLASSES
        raw = _raw_at(house, unreachable, url, as_async=takes_async)
        fallback = [house.target(unreachable, client=raw), house.target(last, as_async=takes_async)]
        options = {"fallback": fallback, "connect_timeout": LIMIT_S, "retry": {"attempts": 1}}
        client = house.drop_in(primary, options=options, as_async=as_async)
        heard = undisturbed(lambda: house.call(primary, client, stream=stream, as_async=as_async), was_seen_connecting)
    assert heard.said.text == SERVED.text
    assert codes(heard.record)[1] == "connect_timeout"
    assert LIMIT_S <= heard.record.hops[1].duration_s < PATIENCE_S


@sync_and_async
@pytest.mark.parametrize("port", [full_port, mute_port])
@each_primary
def test_the_last_target_has_no_more_time_to_connect(
    house: House, primary: Provider, port: Any, as_async: bool
) -> None:
    house.answers(Refused(), primary)
    with port() as url:
        raw = _raw_at(house, other(primary), url, as_async=as_async and primary in ASYNC_CLASSES)
        options = {"fallback": [house.target(other(primary), client=raw)], "connect_timeout": LIMIT_S}
        client = house.drop_in(primary, options={**options, "retry": {"attempts": 1}}, as_async=as_async)
        heard = undisturbed(
            lambda: house.attempt(primary, client, stream=False, as_async=as_async), was_seen_connecting
        )
    assert heard.error is not None
    assert codes(heard.record)[1] == "connect_timeout"


@sync_and_async
@plain_and_stream
def test_the_last_hop_may_be_slow(house: House, stream: bool, as_async: bool) -> None:
    house.answers(Refused(), "openai")
    house.answers(Reply(SERVED.text, delay_s=3 * LIMIT_S), "anthropic")
    client = house.chain("openai", "anthropic", as_async=as_async, options={**LIMITS, "retry": {"attempts": 1}})
    assert house.call("openai", client, stream=stream, as_async=as_async).said.text == SERVED.text


@sync_and_async
def test_a_slow_primary_is_waited_for_if_nobody_can_carry_the_request(house: House, as_async: bool) -> None:
    """Two answers: no other provider has those."""
    house.answers(Reply(SERVED.text, delay_s=3 * LIMIT_S), "openai")
    client = house.chain("openai", "anthropic", as_async=as_async, options=LIMITS)
    ask: Any = {"model": "gpt-4o", "n": 2, "messages": [{"role": "user", "content": "Hi"}]}
    answer = client.chat.completions.create(**ask)
    assert (house.run(answer) if as_async else answer).choices[0].message.content == SERVED.text


def test_thinking_stretches_the_default_limits_only(house: House) -> None:
    from spaturzu.router.limits import Limits

    assert Limits().until_content_s(stream=True, thinking=False) == 12
    assert Limits().until_content_s(stream=True, thinking=True) == 60
    assert Limits().until_content_s(stream=False, thinking=False) == 120
    assert Limits(first_token_s=3).until_content_s(stream=True, thinking=True) == 3
    assert Limits().between_events_s(thinking=False) == 15


def test_a_plain_answer_of_a_known_length_has_no_more_time_than_its_tokens_take(house: House) -> None:
    from spaturzu.router.limits import Limits

    assert Limits().until_content_s(stream=False, thinking=False, most_tokens=100) == 12 + 5
    assert Limits().until_content_s(stream=False, thinking=True, most_tokens=100) == 60 + 5
    assert Limits().until_content_s(stream=False, thinking=False, most_tokens=50_000) == 120
    assert Limits(answer_s=90).until_content_s(stream=False, thinking=False, most_tokens=100) == 90

    house.answers(Silence(LONG_S, times=None), "openai")
    client = house.chain("openai", "anthropic", options={"first_token_timeout": LIMIT_S})
    ask: Any = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}
    client.chat.completions.create(**ask, max_tokens=4, store=True)  # nobody is asked beside it: see test_relief
    record: Any = last_call()
    assert codes(record)[0] == "answer_timeout"
    assert LIMIT_S + 0.2 <= record.hops[0].duration_s < PATIENCE_S


@sync_and_async
@each_primary
def test_a_plain_answer_that_drips_ends_at_the_deadline(house: House, primary: Provider, as_async: bool) -> None:
    with holding(primary, "drip", stream=False) as dripping:
        client = house.drop_in(primary, as_async=as_async, options={"deadline": 0.5}, **place_of(primary, dripping.url))
        heard = house.attempt(primary, client, stream=False, as_async=as_async)
        assert 0.4 <= heard.record.hops[0].duration_s < PATIENCE_S
        assert heard.error is not None
        assert codes(heard.record) == ["deadline"]
        assert dripping.left.acquire(timeout=PATIENCE_S)


@sync_and_async
@each_primary
def test_a_targets_answer_that_drips_leaves_the_next_its_share(house: House, primary: Provider, as_async: bool) -> None:
    """The one that drips is a raw client of the SDK, which reads the answer by itself."""
    slow, last = other(primary), other(other(primary))
    house.answers(SERVED, last)
    house.answers(Refused(), primary)
    with holding(slow, "drip", stream=False) as dripping:
        raw = _raw_at(house, slow, dripping.url)
        fallback = [house.target(slow, client=raw), house.target(last)]
        client = house.drop_in(
            primary, as_async=as_async, options={"fallback": fallback, "deadline": 1.2, "retry": {"attempts": 1}}
        )

        def all_asked(heard: Heard) -> bool:
            return heard.error is None and "skipped" not in heard.statuses

        heard = undisturbed(lambda: house.attempt(primary, client, stream=False, as_async=as_async), all_asked)
        assert heard.error is None
        assert heard.record.hops[1].duration_s < 1.2
        assert heard.said.text == SERVED.text
        assert codes(heard.record)[1] == "deadline"
        assert dripping.left.acquire(timeout=PATIENCE_S)


def _raw_at(house: House, provider: Provider, url: str, *, as_async: bool = False) -> Any:
    from spaturzu.sandbox import clients

    options = {**without_retries(provider), **place_of(provider, url)}
    own = as_async and provider in ASYNC_CLASSES
    return getattr(clients, f"async_{provider}" if own else provider)(house.sandbox, **options)


@sync_and_async
@each_primary
def test_a_stream_of_keep_alives_ends_at_the_first_token_limit(house: House, primary: Provider, as_async: bool) -> None:
    if primary == "bedrock":
        pytest.skip("its streams have no keep-alives")
    house.answers(SERVED, other(primary))
    with holding(primary, "drip", stream=True) as dripping:
        options = {"fallback": [house.target(other(primary))], **LIMITS}
        client = house.drop_in(primary, as_async=as_async, options=options, **place_of(primary, dripping.url))
        heard = house.call(primary, client, stream=True, as_async=as_async)
        assert heard.said.text == SERVED.text
        assert codes(heard.record)[0] == "first_token_timeout"
        assert dripping.left.acquire(timeout=PATIENCE_S)


@sync_and_async
@pytest.mark.parametrize(
    ("option", "code"), [("idle_timeout", "idle_timeout"), ("deadline", "deadline"), ("hop_timeout", "hop_timeout")]
)
@each_primary
def test_a_stream_that_stops_ends_with_the_primarys_timeout(
    house: House, primary: Provider, option: str, code: str, as_async: bool
) -> None:
    house.answers(Stall(after_deltas=2, seconds=LONG_S, reply=LONG, times=None), primary)
    client = house.drop_in(primary, as_async=as_async, options={option: 3 * LIMIT_S})

    def has_begun(heard: Heard) -> bool:
        return bool(heard.said.text)

    heard = undisturbed(lambda: house.attempt(primary, client, stream=True, as_async=as_async), has_begun)

    assert 3 * LIMIT_S - 0.1 <= heard.record.hops[0].duration_s < PATIENCE_S
    assert heard.said.text.startswith("One tw")
    assert codes(heard.record) == [code]
    assert "imeout" in type(heard.error).__name__


@sync_and_async
def test_a_slow_reader_is_not_the_streams_fault(house: House, as_async: bool) -> None:
    """Only the time that is spent waiting for the provider counts."""
    house.answers(LONG, "openai")
    client = house.chain("openai", "anthropic", as_async=as_async, options={"idle_timeout": 1.0})
    ask: Any = {"model": "gpt-4o", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
    if as_async:
        assert house.run(_read_slowly(client, ask)) == LONG.text
        return
    said = ""
    for chunk in client.chat.completions.create(**ask):
        said += chunk.choices[0].delta.content or ""
        time.sleep(0.05 if said else 1.2)
    assert said == LONG.text


async def _read_slowly(client: Any, ask: Any) -> str:
    said = ""
    async for chunk in await client.chat.completions.create(**ask):
        said += chunk.choices[0].delta.content or ""
        time.sleep(0.05 if said else 1.2)  # noqa: ASYNC251 - the whole loop is slow
    return said


def test_one_thread_watches_all_calls(house: House) -> None:
    counted = threading.Event()
    house.answers(Held(SERVED, counted.is_set), "openai")
    client = house.chain("openai", "anthropic", options={"answer_timeout": LONG_S})
    before = _watchdogs()
    calls = [threading.Thread(target=lambda: house.call("openai", client)) for _ in range(8)]
    for call in calls:
        call.start()
    assert soon(lambda: WATCHDOG.watched >= len(calls))
    now, watched = _watchdogs(), WATCHDOG.watched
    counted.set()
    for call in calls:
        call.join()
    assert watched >= len(calls)  # streams that other tests have left may be watched too
    assert 1 <= now <= before + 1


def _watchdogs() -> int:
    """Tests of the watchdog itself have some of their own."""
    return sum(thread.name == "spaturzu-watchdog" for thread in threading.enumerate())


def test_a_chain_without_limits_is_not_watched(house: House) -> None:
    """Without a fallback and without an option of ours the SDK's own timeouts are all there is."""
    gc.collect()  # streams that other tests have left
    watched = WATCHDOG.watched
    client = house.drop_in("openai")
    stream = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], stream=True)
    assert WATCHDOG.watched <= watched  # fewer where another thread is done meanwhile
    stream.close()


@pytest.mark.parametrize("primary", ["openai", "anthropic", "gemini", "mistral"])
@sync_and_async
def test_a_second_try_has_the_time_of_the_first(house: House, primary: Provider, as_async: bool) -> None:
    """How near to each other the pieces of a plain answer have to be says nothing of how soon the next one begins."""
    house.wire(primary).script(Status(500), Reply("Hello.", delay_s=5 * LIMIT_S))
    client = house.chain(primary, other(primary), as_async=as_async, options={"idle_timeout": LIMIT_S})

    heard = house.call(primary, client, as_async=as_async)

    assert [(hop.status, hop.attempts) for hop in heard.record.hops] == [("served", 2)]
