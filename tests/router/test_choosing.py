"""Which place a call tries first: as written, by weight, by speed, by price; and where a conversation stays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from spaturzu.router.breakers import FIRST_S, Breakers
from spaturzu.router.chain import Target
from spaturzu.router.choosing import CONVERSATIONS, FRESH_S, Choosing, Homes, Speeds
from spaturzu.router.drive import drive
from spaturzu_translators.messages import Message, Text

from .stage import ASKED, Clock, Fake, Primary, answering, body_of, failing, make_call

PRIMARY = "openai"


def _named(places: Iterable[Target | None]) -> list[str]:
    return [PRIMARY if place is None else place.provider for place in places]


def _order(choosing: Choosing, *targets: Target, **more: Any) -> list[str]:
    call = make_call(*targets, choosing=choosing, **more)
    return _named(choosing.order(call, call.chain.places))


def _first(choosing: Choosing, targets: Sequence[Target], times: int) -> Counter[str]:
    return Counter(_order(choosing, *targets)[0] for _ in range(times))


def test_as_written_is_the_default() -> None:
    assert _order(Choosing(), Fake("anthropic").target(), Fake("gemini").target()) == ["openai", "anthropic", "gemini"]


def test_each_place_comes_first_as_often_as_its_weight_says() -> None:
    choosing = Choosing(strategy="weighted", weight=3, random=Random(7).random)  # noqa: S311 - no secret
    targets = [Fake("anthropic").target(weight=1), Fake("gemini").target(weight=0)]

    first = _first(choosing, targets, 2000)

    assert first["openai"] / 2000 == pytest.approx(0.75, abs=0.04)
    assert first["gemini"] == 0


def test_a_place_without_weight_is_still_there_at_the_end() -> None:
    choosing = Choosing(strategy="weighted", weight=0)

    assert _order(choosing, Fake("anthropic").target(weight=1))[-1] == "openai"


def test_the_fastest_comes_first_once_all_are_measured() -> None:
    clock = Clock()
    choosing = Choosing(strategy="fastest", speeds=Speeds(clock))
    slow, fast = Fake("anthropic").target(), Fake("gemini").target()
    call = make_call(slow, fast, choosing=choosing)
    for place, seconds in ((None, 2.0), (slow, 3.0), (fast, 0.5)):
        choosing.served(call, place, seconds)

    assert _named(choosing.order(call, call.chain.places)) == ["gemini", "openai", "anthropic"]


def test_a_place_that_was_not_measured_lately_is_tried() -> None:
    clock = Clock()
    choosing = Choosing(strategy="fastest", speeds=Speeds(clock))
    slow = Fake("anthropic").target()
    call = make_call(slow, choosing=choosing)
    choosing.served(call, slow, 30.0)
    clock.passes(FRESH_S + 1)
    choosing.served(call, None, 0.1)

    assert _named(choosing.order(call, call.chain.places))[0] == "anthropic"


def test_calls_measure_the_places_that_serve_them() -> None:
    clock = Clock()
    choosing = Choosing(strategy="fastest", speeds=Speeds(clock))
    primary = Primary([answering(body_of("openai"))], during=lambda: clock.passes(4))
    target = Fake("mistral")

    for _ in range(3):
        drive(make_call(target.target(), choosing=choosing, clock=clock), primary)

    assert primary.sent == 1
    assert len(target.asked) == 2


def test_the_cheapest_comes_first_and_an_unknown_price_last() -> None:
    asked = replace(ASKED, model="gpt-4o")
    targets = [
        Fake("mistral").target(model="nobody-knows-me"),
        Fake("anthropic").target(model="claude-opus-4-1"),
        Fake("gemini").target(model="gemini-2.5-flash-lite"),
    ]

    order = _order(Choosing(strategy="cheapest"), *targets, asked=asked)

    assert order == ["gemini", "openai", "anthropic", "mistral"]


def _says(text: str, *more: str) -> Any:
    turns = [Message(role="user", parts=(Text(text=text),))]
    for reply in more:
        turns.append(Message(role="assistant", parts=(Text(text="I see."),)))
        turns.append(Message(role="user", parts=(Text(text=reply),)))
    return replace(ASKED, messages=tuple(turns))


def test_a_conversation_stays_where_it_was_served() -> None:
    clock = Clock()
    choosing = Choosing(affinity_s=300, homes=Homes(clock))
    fake = Fake("anthropic")
    target = fake.target()
    drive(make_call(target, asked=_says("First"), choosing=choosing, clock=clock), Primary([503]))
    healthy = Primary([answering(body_of("openai"))])

    drive(make_call(target, asked=_says("First", "Second"), choosing=choosing, clock=clock), healthy)
    drive(make_call(target, asked=_says("Another"), choosing=choosing, clock=clock), healthy)

    assert len(fake.asked) == 2
    assert healthy.sent == 1


def test_a_conversation_comes_back_when_the_cache_is_cold() -> None:
    clock = Clock()
    choosing = Choosing(affinity_s=300, homes=Homes(clock))
    target = Fake("anthropic").target()
    call = make_call(target, choosing=choosing)
    choosing.served(call, target, 1.0)
    clock.passes(301)

    assert _named(choosing.order(call, call.chain.places))[0] == "openai"


def test_a_session_is_a_conversation() -> None:
    choosing = Choosing(affinity_s=300)
    target = Fake("anthropic").target()
    one, other = make_call(target, asked=_says("First")), make_call(target, asked=_says("Something else"))
    one.record.session_id = other.record.session_id = "session-1"
    choosing.served(one, target, 1.0)

    assert _named(choosing.order(other, other.chain.places))[0] == "anthropic"


def test_conversations_are_forgotten_when_there_are_too_many() -> None:
    homes = Homes()
    for number in range(CONVERSATIONS + 1):
        homes.keep(number, "here")

    assert homes.of(0, 300) is None
    assert homes.of(1, 300) == "here"


def _asked_by(*fakes: Fake, primary: Primary, clock: Clock, breakers: Breakers, **more: Any) -> list[str]:
    """Who was asked by one call, in order."""
    targets = [fake.target() for fake in fakes]
    call = make_call(*targets, clock=clock, breakers=breakers, **{"sticky": True, **more})
    drive(call, primary)
    return [hop.provider for hop in call.record.hops]


def test_a_sticky_chain_stays_away_from_what_failed_once_until_a_probe_succeeds() -> None:
    clock = Clock()
    breakers, target = Breakers(clock, lambda: 0.5), Fake("anthropic")
    primary = Primary([503, 503, answering(body_of("openai"))])

    def asked() -> list[str]:
        return _asked_by(target, primary=primary, clock=clock, breakers=breakers)

    assert asked() == ["openai", "anthropic"]
    assert asked() == ["anthropic"]
    clock.passes(FIRST_S)
    assert asked() == ["openai", "anthropic"]  # the probe fails
    clock.passes(FIRST_S)
    assert asked() == ["anthropic"]  # and the next one is later
    clock.passes(FIRST_S)
    assert asked() == ["openai"]
    assert asked() == ["openai"]


def test_a_chain_that_is_not_sticky_asks_again_after_one_failure() -> None:
    clock = Clock()
    breakers, primary = Breakers(clock, lambda: 0.5), Primary([503, answering(body_of("openai"))])

    def asked() -> list[str]:
        return _asked_by(Fake("anthropic"), primary=primary, clock=clock, breakers=breakers, sticky=False)

    assert (asked(), asked()) == (["openai", "anthropic"], ["openai"])


def test_where_nobody_served_a_sticky_chain_stays_away_from_nobody() -> None:
    clock = Clock()
    breakers = Breakers(clock, lambda: 0.5)

    for _ in range(2):
        broken = Fake("anthropic", [ConnectionError()])
        assert _asked_by(broken, primary=Primary([503]), clock=clock, breakers=breakers) == ["openai", "anthropic"]


def test_a_sticky_chain_stays_where_a_request_was_at_fault() -> None:
    """Of a request that one place cannot take, the next call knows nothing."""
    clock = Clock()
    breakers, fakes = Breakers(clock, lambda: 0.5), (Fake("anthropic"),)
    overflow = failing(400, {"error": {"code": "context_length_exceeded", "message": "too long"}})
    primary = Primary([overflow, answering(body_of("openai"))])

    assert _asked_by(*fakes, primary=primary, clock=clock, breakers=breakers) == ["openai", "anthropic"]
    assert _asked_by(*fakes, primary=primary, clock=clock, breakers=breakers) == ["openai"]
