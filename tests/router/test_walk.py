"""The walk over a chain: whom it asks, in which order, when it goes on, and what is left in the record."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import replace
from math import inf
from typing import Any

import httpx2
import openai
import pytest

from spaturzu.router.breakers import FIRST_S, JITTER, OPEN_AT, Breakers
from spaturzu.router.call import Call
from spaturzu.router.drive import adrive, drive
from spaturzu.router.judge import Reply
from spaturzu.router.limits import GRACE_S, MIN_HOP_S, Limits
from spaturzu.router.retry import RetryPolicy
from spaturzu.router.walk import (
    Answer,
    Broken,
    NativeAnswer,
    Pulled,
    SendPrimary,
    SendTarget,
    Sleep,
    TargetAnswer,
    walk,
)
from spaturzu_translators.codec import codec
from spaturzu_translators.directions import DIRECTIONS, Direction
from spaturzu_translators.failures import Failure
from spaturzu_translators.messages import PROVIDERS, Blob, Message, Provider, Text, ToolCall
from spaturzu_translators.requests import Request, Tool, ToolChoice, WireRequest
from spaturzu_translators.responses import Candidate

from .rows import ANSWERS
from .stage import (
    ASKED,
    Clock,
    Fake,
    Primary,
    answering,
    body_of,
    bytes_of,
    failing,
    frames_of,
    make_call,
    saying,
)

DOWN = Failure(kind="overloaded", status=503)


def openai_error(status: int, code: str | None = None) -> openai.APIStatusError:
    """The SDK's own."""
    body = {"error": {"message": "sk-secret", "type": "invalid_request_error", "param": None, "code": code}}
    response = httpx2.Response(status, json=body, request=httpx2.Request("POST", "https://example.com"))
    return openai.OpenAI(api_key="k")._make_status_error_from_response(response)


def hops(call: Call) -> list[tuple[str, str]]:
    return [(hop.provider, hop.status) for hop in call.record.hops]


# order


def test_a_primary_that_answers_is_asked_alone() -> None:
    fake = Fake("anthropic")
    call, reply = make_call(fake.target()), answering(body_of("openai"))
    result = drive(call, Primary([reply]))
    assert result == NativeAnswer(reply.native)
    assert fake.asked == []
    assert hops(call) == [("openai", "served")]
    assert call.record.hops[0].model == "served"


def test_targets_are_asked_in_their_order_until_one_answers() -> None:
    first, second, third = Fake("openai", [openai_error(503)]), Fake("anthropic"), Fake("mistral")
    call = make_call(first.target(), second.target(), third.target())
    result = drive(call, Primary())
    assert isinstance(result, Answer)
    assert [len(fake.asked) for fake in (first, second, third)] == [1, 1, 0]
    assert hops(call) == [("openai", "failed"), ("openai", "failed"), ("anthropic", "served")]
    assert call.record.served_by is call.record.hops[2]


@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
def test_every_direction_answers_in_the_callers_shape(direction: Direction) -> None:
    call = make_call(Fake(direction.target).target(), primary=direction.primary)
    result = drive(call, Primary())
    assert isinstance(result, Answer)
    response = codec(direction.primary).decode_response(result.body, "asked")
    assert response.candidates[0].parts == (Text(text="Hello"),)
    assert result.hop.status == "served"


@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
def test_every_direction_streams_in_the_callers_shape(direction: Direction) -> None:
    call = make_call(Fake(direction.target).target(), primary=direction.primary, asked=replace(ASKED, stream=True))
    result = drive(call, Primary())
    assert isinstance(result, Pulled)
    assert result.hop.status == "pending"
    said = result.head + b"".join(map(result.relay.feed, result.source)) + result.relay.end()
    assert result.relay.failure is None
    assert b"Hello" in said


# what stops, what goes on


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_the_callers_own_mistake_ends_the_walk(status: int) -> None:
    fake, reply = Fake("anthropic"), failing(status)
    result = drive(make_call(fake.target()), Primary([reply]))
    assert isinstance(result, Broken)
    assert result.native is reply.native
    assert fake.asked == []


BAD_DAYS: list[Any] = [
    *(408, 429, 500, 502, 503, 504, 529),
    *(httpx2.ConnectError("refused"), httpx2.ReadError("reset"), httpx2.ReadTimeout("slow")),
    failing(429, {"error": {"code": "insufficient_quota", "type": "insufficient_quota", "message": "No."}}),
]


@pytest.mark.parametrize(
    "failure", BAD_DAYS, ids=lambda failure: failure if isinstance(failure, int) else type(failure).__name__
)
def test_a_providers_bad_day_falls_back(failure: Any) -> None:
    primary = Primary([failure])
    assert isinstance(drive(make_call(Fake("anthropic").target()), primary), Answer)
    assert primary.sent == 1


@pytest.mark.parametrize("status", [401, 403, 404, 400])
def test_a_targets_own_misconfiguration_does_not_end_the_walk(status: int) -> None:
    broken, sound = Fake("openai", [openai_error(status)]), Fake("anthropic")
    assert isinstance(drive(make_call(broken.target(), sound.target()), Primary()), Answer)


def test_content_policy_ends_the_walk_wherever_it_speaks() -> None:
    policed, fake = failing(400, {"error": {"code": "content_filter", "message": "No."}}), Fake("anthropic")
    assert isinstance(drive(make_call(fake.target()), Primary([policed])), Broken)
    assert fake.asked == []
    strict, down = Fake("openai", [openai_error(400, "content_filter")]), failing(503)
    result = drive(make_call(strict.target(), fake.target()), Primary([down]))
    assert isinstance(result, Broken)
    assert (result.native, fake.asked) == (down.native, [])


@pytest.mark.parametrize("row", ANSWERS)
def test_a_model_that_would_not_answer_has_answered(row: int) -> None:
    provider, body = ANSWERS[row]
    fake = Fake("openai")
    result = drive(make_call(fake.target(), primary=provider), Primary([answering(body)]))
    assert isinstance(result, NativeAnswer)
    assert fake.asked == []


def test_an_unknown_exception_of_a_target_does_not_end_the_walk() -> None:
    class Odd(Exception): ...

    call = make_call(Fake("openai", [Odd("sk-secret")]).target(), Fake("anthropic").target())
    assert isinstance(drive(call, Primary()), Answer)
    assert (call.record.hops[1].kind, call.record.hops[1].code) == ("bad_request", "Odd")


def test_a_client_that_cannot_even_be_called_does_not_end_the_walk() -> None:
    useless = Fake("openai").target(client=object())
    call = make_call(useless, Fake("anthropic").target())
    assert isinstance(drive(call, Primary()), Answer)
    assert call.record.hops[1].code == "AttributeError"


def test_an_unknown_exception_of_the_primary_is_raised_as_it_is() -> None:
    class Denied(Exception): ...

    fake, denied = Fake("anthropic"), Denied("the budget is spent")
    with pytest.raises(Denied) as raised:
        drive(make_call(fake.target()), Primary([denied]))
    assert raised.value is denied
    assert fake.asked == []


@pytest.mark.parametrize("answer", ["<html>Please wait</html>", 7, {"no": "answer"}, {"error": {"message": "No."}}])
def test_a_target_that_talks_nonsense_is_left(answer: Any) -> None:
    nonsense, sound = Fake("mistral", [answer]), Fake("anthropic")
    call = make_call(nonsense.target(), sound.target())
    assert isinstance(drive(call, Primary()), Answer)
    assert call.record.hops[1].kind == "server"


def test_nonsense_counts_towards_a_targets_breaker() -> None:
    clock = Clock()
    breakers, target = Breakers(clock), Fake("mistral", [{"no": "answer"}]).target()
    for _ in range(OPEN_AT):
        drive(make_call(target, clock=clock, breakers=breakers), Primary())
    assert not breakers.admit(target.key)


@pytest.mark.parametrize("content", [b"<html>Please wait</html>", b'{"id": "cut', b"", b"[]", b"\xff\xfe"])
def test_a_200_that_is_no_answer_falls_back(content: bytes) -> None:
    reply = Reply(native=object(), status=200, headers={}, content=content)
    assert isinstance(drive(make_call(Fake("anthropic").target()), Primary([reply])), Answer)


def test_an_exhausted_chain_gives_the_primarys_own_failure() -> None:
    down = failing(503)
    call = make_call(Fake("openai", [openai_error(500)]).target(), Fake("anthropic", [KeyError("x")]).target())
    result = drive(call, Primary([down]))
    assert isinstance(result, Broken)
    assert (result.failure.kind, result.native) == ("overloaded", down.native)
    assert hops(call) == [("openai", "failed"), ("openai", "failed"), ("anthropic", "failed")]


def test_the_note_lists_every_hop_and_no_providers_text() -> None:
    picture = Blob(modality="image", media_type="image/png", data="aGk=")
    asked = replace(ASKED, messages=(Message(role="user", parts=(Text(text="What is it?"), picture)),))
    texts_only = Fake("openai").target(provider="mistral", client=Fake("mistral", [ValueError("sk-secret")]).client)
    call = make_call(texts_only, Fake("openai", [openai_error(401, "invalid_api_key")]).target(), asked=asked)
    drive(call, Primary([failing(503, {"error": {"message": "sk-secret", "code": "slow_down"}})]))
    title, *lines = call.record.note.splitlines()
    assert title == "spaturzu tried:"
    assert [line.split(":")[0].strip() for line in lines] == ["1. openai/asked", "2. mistral/other", "3. openai/other"]
    assert "overloaded, 503, slow_down" in lines[0]
    assert "ValueError" in lines[1]
    assert "auth, 401, invalid_api_key" in lines[2]
    assert "sk-secret" not in call.record.note
    assert "What is it?" not in call.record.note


# losses


def with_two_answers() -> Request:
    return replace(ASKED, candidate_count=2)


def test_a_target_that_would_lose_meaning_is_skipped() -> None:
    lossy, faithful = Fake("anthropic"), Fake("openai")
    call = make_call(lossy.target(), faithful.target(), asked=with_two_answers())
    assert isinstance(drive(call, Primary()), Answer)
    assert lossy.asked == []
    skipped = call.record.hops[1]
    assert skipped.status == "skipped"
    assert "candidate_count" in str(skipped)
    assert any(loss.path == "candidate_count" for loss in skipped.losses)


def test_nothing_but_lossy_targets_leaves_the_primarys_own_error() -> None:
    down = failing(503)
    call = make_call(Fake("anthropic").target(), asked=with_two_answers())
    result = drive(call, Primary([down]))
    assert isinstance(result, Broken)
    assert result.native is down.native
    assert "skipped, it cannot carry candidate_count" in call.record.note


def test_on_loss_allow_sends_what_can_be_said() -> None:
    lossy = Fake("anthropic")
    call = make_call(lossy.target(), asked=with_two_answers(), on_loss="allow")
    assert isinstance(drive(call, Primary()), Answer)
    assert len(lossy.asked) == 1
    assert any(loss.path == "candidate_count" for loss in call.record.hops[1].losses)


def test_a_loss_of_tuning_rides_on_the_hop() -> None:
    call = make_call(Fake("anthropic").target(), asked=replace(ASKED, seed=7))
    assert isinstance(drive(call, Primary()), Answer)
    assert [loss.path for loss in call.record.hops[1].losses if loss.matters == "tuning"] == ["seed"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_malformed_request_is_the_primarys_to_refuse(stream: bool) -> None:
    call, refused = make_call(Fake("anthropic").target(), Fake("openai").target()), failing(400)
    call.__dict__["wire"] = WireRequest(body={"model": "m", "messages": 7, "stream": stream}, model="m", stream=stream)
    result = drive(call, Primary([refused]))
    assert isinstance(result, Broken)
    assert result.native is refused.native


@pytest.mark.parametrize("stream", [False, True])
def test_a_malformed_request_skips_targets_that_need_it_translated(stream: bool) -> None:
    other = Fake("anthropic")
    call = make_call(other.target(), Fake("openai").target())
    call.__dict__["wire"] = WireRequest(body={"model": "m", "messages": 7, "stream": stream}, model="m", stream=stream)
    assert isinstance(drive(call, Primary()), Answer | Pulled)
    assert call.record.hops[1].status == "skipped"
    assert other.asked == []


# retries and deadlines, by hand


def by_hand(call: Call) -> tuple[Any, Callable[[Any], Any]]:
    """The first effect, and how to answer it."""
    steps = walk(call)

    def answer(outcome: Any) -> Any:
        try:
            return steps.send(outcome)
        except StopIteration as stop:
            return stop.value

    return steps.send(None), answer


def test_a_reset_is_retried_once_before_the_next_target() -> None:
    call = make_call(Fake("anthropic").target(), max_retries=2)
    effect, answer = by_hand(call)
    reset = Broken(Failure(kind="connection", code="ReadError"))
    assert isinstance(effect, SendPrimary)
    assert isinstance(answer(reset), SendPrimary)
    assert isinstance(answer(reset), SendTarget)
    assert call.record.hops[0].attempts == 2
    assert "2 attempts" in call.record.note


def test_a_short_retry_after_is_slept_out() -> None:
    effect, answer = by_hand(make_call(Fake("anthropic").target(), max_retries=2))
    told = Broken(Failure(kind="rate_limit", status=429, retry_after_s=1.5))
    assert answer(told) == Sleep(1.5)
    assert isinstance(answer(None), SendPrimary)
    assert isinstance(answer(told), SendTarget)
    assert isinstance(effect, SendPrimary)


def test_a_long_retry_after_goes_to_the_next_target_at_once() -> None:
    _, answer = by_hand(make_call(Fake("anthropic").target(), max_retries=2))
    assert isinstance(answer(Broken(Failure(kind="rate_limit", retry_after_s=30.0))), SendTarget)


def test_targets_are_retried_as_their_owners_allow() -> None:
    target = Fake("openai").target()
    target.client.max_retries = 0
    call = make_call(target, max_retries=2)
    _, answer = by_hand(call)
    assert isinstance(answer(Broken(DOWN)), SendTarget)
    assert isinstance(answer(Broken(Failure(kind="server", status=500))), Broken)
    assert call.record.hops[1].attempts == 1


def test_a_hop_served_by_its_second_attempt_has_no_failure_on_it() -> None:
    call = make_call(max_retries=2, deadline_s=60)
    _, answer = by_hand(call)
    answer(Broken(Failure(kind="server", status=500, code="server_error")))
    assert answer(NativeAnswer("native")) == NativeAnswer("native")
    hop = call.record.hops[0]
    assert (hop.status, hop.attempts, hop.kind, hop.http_status, hop.code) == ("served", 2, None, None, None)


def test_a_hops_time_is_measured_with_its_retries() -> None:
    clock = Clock()
    call = make_call(clock=clock, max_retries=2, deadline_s=60)
    _, answer = by_hand(call)
    clock.passes(0.25)
    answer(Broken(Failure(kind="server", status=500)))
    clock.passes(0.5)
    answer(NativeAnswer("native"))
    assert call.record.hops[0].duration_s == pytest.approx(0.75)


def test_without_a_deadline_a_last_hop_is_not_hurried() -> None:
    call = make_call(Fake("openai").target())
    effect, answer = by_hand(call)
    assert (effect.timeout_s, effect.watch is None) == (None, False)
    effect = answer(Broken(DOWN))
    assert effect.timeout_s is None
    assert effect.watch.soonest_s == inf  # it has a time to connect, and no other


def test_each_hop_gets_what_is_left_of_the_deadline_but_a_reserve_for_those_behind_it() -> None:
    clock = Clock()
    call = make_call(Fake("openai").target(), Fake("mistral").target(timeout_s=1.0), clock=clock, deadline_s=20.0)
    effect, answer = by_hand(call)
    assert effect.timeout_s == 20.0 - 2 * MIN_HOP_S + GRACE_S
    clock.passes(4.0)
    assert answer(Broken(DOWN)).timeout_s == 16.0 - MIN_HOP_S + GRACE_S
    clock.passes(1.0)
    assert answer(Broken(DOWN)).timeout_s == 1.0


def test_the_reserve_of_a_short_deadline_is_half_an_equal_share() -> None:
    effect, answer = by_hand(make_call(Fake("openai").target(), deadline_s=0.4, clock=(clock := Clock())))
    assert effect.timeout_s == pytest.approx(0.3 + GRACE_S)
    clock.passes(0.3)
    assert answer(Broken(DOWN)).timeout_s == pytest.approx(0.1 + GRACE_S)


def test_hop_timeout_bounds_a_hop_with_its_retries() -> None:
    clock, retry = Clock(), RetryPolicy(attempts=3)
    call = make_call(Fake("openai").target(), clock=clock, retry=retry, limits=Limits(hop_s=5.0))
    effect, answer = by_hand(call)
    assert effect.timeout_s == 5.0 + GRACE_S
    clock.passes(2.0)
    assert answer(Broken(Failure(kind="server"))).timeout_s == 3.0 + GRACE_S


def test_a_hop_that_would_get_too_little_is_skipped() -> None:
    clock, fake, down = Clock(), Fake("anthropic"), failing(503)
    call = make_call(fake.target(), clock=clock, deadline_s=2.0)
    result = drive(call, Primary([down], during=lambda: clock.passes(1.9)))
    assert isinstance(result, Broken)
    assert result.native is down.native
    assert fake.asked == []
    assert "skipped, too little is left of the deadline of 2 s" in call.record.note


def test_no_retry_outlives_the_deadline() -> None:
    clock = Clock()
    call = make_call(clock=clock, deadline_s=2.0, max_retries=2, retry=RetryPolicy(attempts=5))
    _, answer = by_hand(call)
    clock.passes(1.0)
    assert isinstance(answer(Broken(Failure(kind="rate_limit", retry_after_s=1.5))), Broken)


# breakers


def test_a_cooled_down_primary_is_asked_last() -> None:
    clock, fake = Clock(), Fake("anthropic")
    breakers, target = Breakers(clock), fake.target()
    for _ in range(2):
        drive(make_call(target, clock=clock, breakers=breakers), Primary())
    call, primary = make_call(target, clock=clock, breakers=breakers), Primary()
    assert isinstance(drive(call, primary), Answer)
    assert (primary.sent, hops(call)) == (0, [("anthropic", "served")])


def test_a_primary_that_is_asked_last_still_has_the_last_word() -> None:
    clock, fake, down = Clock(), Fake("openai", [openai_error(500)]), failing(529)
    breakers = Breakers(clock)
    call = make_call(fake.target(), clock=clock, breakers=breakers)
    breakers.failed(call.key, Failure(kind="quota_exhausted"))
    result = drive(call, Primary([down]))
    assert isinstance(result, Broken)
    assert result.native is down.native
    assert [hop.model for hop in call.record.hops] == ["other", "asked"]


def test_a_target_that_ends_the_walk_before_the_primary_says_why() -> None:
    clock, strict = Clock(), Fake("openai", [openai_error(400, "content_filter")])
    breakers, lossy = Breakers(clock), Fake("anthropic")
    call = make_call(lossy.target(), strict.target(), clock=clock, breakers=breakers, asked=with_two_answers())
    breakers.failed(call.key, Failure(kind="quota_exhausted"))
    primary = Primary()
    result = drive(call, primary)
    assert isinstance(result, Broken)
    assert (result.failure.kind, primary.sent) == ("content_policy", 0)


def test_when_all_are_cooled_down_all_are_still_asked() -> None:
    clock, fake = Clock(), Fake("openai", [openai_error(503)])
    breakers, target = Breakers(clock), fake.target()
    for _ in range(3):
        call = make_call(target, clock=clock, breakers=breakers, retry=RetryPolicy(attempts=1), deadline_s=4.0)
        primary = Primary([down := failing(503)])
        result = drive(call, primary)
        assert isinstance(result, Broken)
        assert result.native is down.native
    assert breakers.reopens_in(target.key) > 0
    assert len(fake.asked) == 3


def test_those_that_reopen_first_are_asked_first() -> None:
    clock = Clock()
    breakers = Breakers(clock)
    late, soon = Fake("anthropic").target(), Fake("mistral").target()
    call = make_call(late, soon, clock=clock, breakers=breakers)
    for key, wait_s in ((call.key, 9.0), (late.key, 8.0), (soon.key, 3.0)):
        breakers.failed(key, Failure(kind="rate_limit", retry_after_s=wait_s))
    assert isinstance(drive(call, Primary()), Answer)
    assert hops(call) == [("mistral", "served")]


def test_the_primary_comes_back_by_a_probe() -> None:
    clock, breakers, target = Clock(), None, Fake("anthropic").target()
    breakers = Breakers(clock)
    for _ in range(2):
        drive(make_call(target, clock=clock, breakers=breakers), Primary())
    clock.passes(FIRST_S * (1 + JITTER))
    reply = answering(body_of("openai"))
    call = make_call(target, clock=clock, breakers=breakers)
    assert drive(call, Primary([reply])) == NativeAnswer(reply.native)
    assert breakers.quiet


def test_a_target_that_nobody_needed_keeps_its_chance_of_a_probe() -> None:
    clock, target = Clock(), Fake("anthropic").target()
    breakers = Breakers(clock)
    breakers.failed(target.key, Failure(kind="quota_exhausted"))
    clock.passes(30.0)
    drive(make_call(target, clock=clock, breakers=breakers), Primary([answering(body_of("openai"))]))
    assert breakers.admit(target.key)


@pytest.mark.parametrize("left", ["skipped", "bad_request", "interrupted", "asleep"])
def test_a_probe_that_is_left_without_a_verdict_can_be_had_again(left: str) -> None:
    clock, fake = Clock(), Fake("openai", [openai_error(400)])
    breakers, target = Breakers(clock), fake.target()
    breakers.failed(target.key, Failure(kind="quota_exhausted"))
    clock.passes(30.0)
    call = make_call(target, clock=clock, breakers=breakers, deadline_s=5.0)
    steps = walk(call)
    steps.send(None)
    if left == "skipped":
        clock.passes(6.0)
    effect = None
    try:
        effect = steps.send(Broken(DOWN))
        if left == "bad_request":
            steps.send(Broken(Failure(kind="bad_request", status=400)))
        elif left == "asleep":
            assert isinstance(steps.send(Broken(Failure(kind="rate_limit", retry_after_s=1.0))), Sleep)
    except StopIteration:
        assert left in ("skipped", "bad_request")
    assert (effect is None) == (left == "skipped")
    steps.close()
    assert breakers.admit(target.key)


def test_a_chain_of_one_is_never_cooled_down() -> None:
    clock = Clock()
    breakers = Breakers(clock)
    for _ in range(5):
        primary = Primary()
        drive(make_call(clock=clock, breakers=breakers), primary)
        assert primary.sent == 1
    assert breakers.quiet


# interruptions


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
@pytest.mark.parametrize("where", ["primary", "target"])
def test_an_interruption_passes_through_and_leaves_a_cancelled_hop(
    interruption: type[BaseException], where: str
) -> None:
    last = Fake("anthropic")
    fake = Fake("mistral", [interruption()])
    call = make_call(fake.target(), last.target())
    with pytest.raises(interruption):
        drive(call, Primary([interruption()] if where == "primary" else [503]))
    assert (call.record.hops[-1].status, call.record.hops[-1].kind) == ("failed", "cancelled")
    assert len(call.record.hops) == (1 if where == "primary" else 2)
    assert last.asked == []


class AsyncPrimary(Primary):
    """The same, awaited."""

    async def send(self, timeout_s: float | None) -> Reply:  # type: ignore[override]
        return super().send(timeout_s)


def test_a_cancelled_task_leaves_a_cancelled_hop() -> None:
    class Waiting(AsyncPrimary):
        async def send(self, timeout_s: float | None) -> Reply:  # type: ignore[override]
            await asyncio.sleep(30)
            raise AssertionError("it was cancelled")

    async def run() -> Call:
        call = make_call(Fake("anthropic").target())
        task = asyncio.create_task(adrive(call, Waiting()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return call

    assert hops(asyncio.run(run())) == [("openai", "failed")]


@pytest.mark.parametrize("provider", ["openai", "anthropic", "bedrock"])
def test_a_sync_client_serves_an_async_caller_from_a_thread(provider: Provider) -> None:
    threads: list[str] = []

    class Noting(Fake):
        def __call__(self, **kwargs: Any) -> Any:
            threads.append(threading.current_thread().name)
            return super().__call__(**kwargs)

    call = make_call(Noting(provider).target(), primary="mistral")
    assert isinstance(asyncio.run(adrive(call, AsyncPrimary())), Answer)
    assert threads
    assert threading.main_thread().name not in threads


# what reaches a target's client

LIMIT: dict[Provider, Callable[[dict[str, Any]], Any]] = {
    "openai": lambda asked: asked["max_tokens"],
    "anthropic": lambda asked: asked["max_tokens"],
    "bedrock": lambda asked: asked["inferenceConfig"]["maxTokens"],
    "gemini": lambda asked: asked["config"]["maxOutputTokens"],
    "mistral": lambda asked: asked["max_tokens"],
}
TIMEOUT: dict[Provider, Callable[[dict[str, Any]], Any]] = {
    "openai": lambda asked: asked["timeout"],
    "anthropic": lambda asked: asked["timeout"],
    "gemini": lambda asked: asked["config"]["httpOptions"]["timeout"] / 1000,
    "mistral": lambda asked: asked["timeout_ms"] / 1000,
}
PARAMS: dict[Provider, tuple[dict[str, Any], Callable[[dict[str, Any]], Any]]] = {
    "openai": ({"seed": 7}, lambda asked: asked["seed"]),
    "anthropic": ({"top_k": 7}, lambda asked: asked["top_k"]),
    "bedrock": ({"additionalModelRequestFields": {"k": 7}}, lambda asked: asked["additionalModelRequestFields"]["k"]),
    "gemini": ({"generationConfig": {"topK": 7}}, lambda asked: asked["config"]["topK"]),
    "mistral": ({"random_seed": 7}, lambda asked: asked["random_seed"]),
}


@pytest.mark.parametrize("primary", ["openai", "anthropic", "bedrock", "gemini", "mistral"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_targets_overrides_reach_its_client(provider: Provider, primary: Provider) -> None:
    params, param_of = PARAMS[provider]
    fake = Fake(provider)
    timeout_s = 4.5 if provider in TIMEOUT else None
    target = fake.target(model="override", max_tokens=99, timeout_s=timeout_s, params=params)
    assert isinstance(drive(make_call(target, primary=primary), Primary()), Answer)
    asked = fake.asked[0]
    assert asked["modelId" if provider == "bedrock" else "model"] == "override"
    assert LIMIT[provider](asked) == 99
    assert param_of(asked) == 7
    if provider in TIMEOUT:
        assert TIMEOUT[provider](asked) == 4.5


@pytest.mark.parametrize("provider", PROVIDERS)
def test_without_overrides_the_callers_own_limit_holds(provider: Provider) -> None:
    fake = Fake(provider)
    drive(make_call(fake.target(), primary="mistral" if provider != "mistral" else "openai"), Primary())
    assert LIMIT[provider](fake.asked[0]) == 50


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_target_of_the_callers_own_provider_gets_the_callers_own_words(provider: Provider) -> None:
    fake = Fake(provider)
    call = make_call(fake.target(), primary=provider)
    call.wire.body["aKeyThatNobodyKnows"] = {"kept": True}
    result = drive(call, Primary())
    assert isinstance(result, Answer)
    assert result.body == body_of(provider)
    asked = fake.asked[0]
    assert (asked["config"] if provider == "gemini" else asked)["aKeyThatNobodyKnows"] == {"kept": True}
    assert call.record.hops[1].losses == ()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stream_of_the_callers_own_provider_comes_as_it_is(provider: Provider) -> None:
    fake = Fake(provider)
    call = make_call(fake.target(), primary=provider, asked=replace(ASKED, stream=True))
    result = drive(call, Primary())
    assert isinstance(result, Pulled)
    said = result.head + b"".join(map(result.relay.feed, result.source)) + result.relay.end()
    assert said == bytes_of(provider)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_own_limit_changes_nothing_else_of_the_callers_own_words(provider: Provider) -> None:
    two = (Text(text="one"), Text(text="two"))
    asked = replace(
        ASKED, messages=(Message(role="user", parts=two), Message(role="user", parts=(Text(text="three"),)))
    )
    call = make_call(Fake(provider).target(max_tokens=99), primary=provider, asked=asked)
    call.wire.body["aKeyThatNobodyKnows"] = {"kept": True}
    prepared = call.prepare(call.chain.targets[0])
    changed = json.loads(json.dumps(call.wire.body).replace(" 50", " 99").replace('"asked"', '"other"'))
    assert not hasattr(prepared, "why")
    assert prepared.wire.body == changed  # type: ignore[union-attr]


@pytest.mark.parametrize(("model", "name"), [("gpt-6-astra", "max_completion_tokens"), ("a-model", "max_tokens")])
@pytest.mark.parametrize("given", ["max_tokens", "max_completion_tokens"])
def test_openais_limit_has_the_name_that_the_target_model_takes(given: str, model: str, name: str) -> None:
    call = make_call(Fake("openai").target(max_tokens=99, model=model))
    call.__dict__["wire"] = WireRequest(body={"model": "m", "messages": [], given: 50}, model="m")
    prepared = call.prepare(call.chain.targets[0])
    assert prepared.wire.body == {"model": model, "messages": [], name: 99}  # type: ignore[union-attr]


# tool names


ODD_NAME = "look.up:it"
TOOL = Tool(name=ODD_NAME, description="Looks it up", parameters={"type": "object", "properties": {}})


def with_odd_tool() -> Request:
    return replace(ASKED, tools=(TOOL,), tool_choice=ToolChoice(mode="auto"))


@pytest.mark.parametrize("stream", [False, True])
def test_a_renamed_tool_comes_back_under_the_callers_name(stream: bool) -> None:
    asked = replace(with_odd_tool(), stream=stream)
    renamed = codec("openai").encode_request(replace(asked, model="other")).value.renamed_tools
    (wire_name,) = renamed
    called = replace(
        saying(),
        candidates=(
            Candidate(parts=(ToolCall(id="call_1", name=wire_name, arguments="{}"),), finish_reason="tool_calls"),
        ),
    )
    fake = Fake("openai", [frames_of("openai", called) if stream else body_of("openai", called)])
    call = make_call(fake.target(), primary="gemini", asked=asked)
    result = drive(call, Primary())
    assert fake.asked[0]["tools"][0]["function"]["name"] == wire_name != ODD_NAME
    if isinstance(result, Pulled):
        said = result.head + b"".join(map(result.relay.feed, result.source)) + result.relay.end()
        assert f'"name":"{ODD_NAME}"'.encode() in said
    else:
        assert isinstance(result, Answer)
        assert result.body["candidates"][0]["content"]["parts"][0]["functionCall"]["name"] == ODD_NAME


CITIES = ("Rome", "Oslo", "Lima")


@pytest.mark.parametrize("forbidden", [True, False])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("target", ["bedrock", "gemini", "mistral"])
def test_where_only_words_forbid_parallel_calls_the_first_is_taken(
    target: Provider, stream: bool, forbidden: bool
) -> None:
    tool = replace(TOOL, name="look_up")
    asked = replace(ASKED, tools=(tool,), parallel_tool_calls=not forbidden, stream=stream)
    calls = tuple(ToolCall(id=f"callAB{city[:3]}", name="look_up", arguments=f'{{"q":"{city}"}}') for city in CITIES)
    answer = replace(saying(), candidates=(Candidate(parts=(Text(text="so"), *calls), finish_reason="tool_calls"),))
    fake = Fake(target, [frames_of(target, answer) if stream else body_of(target, answer)])
    call = make_call(fake.target(), primary="openai", asked=asked)
    result = drive(call, Primary())
    if isinstance(result, Pulled):
        said = (result.head + b"".join(map(result.relay.feed, result.source)) + result.relay.end()).decode()
        losses = [f"response.{loss.path}" for loss in result.relay.losses]
    else:
        assert isinstance(result, Answer)
        said, losses = json.dumps(result.body), [loss.path for loss in call.record.hops[1].losses]
    by_words = forbidden and target != "mistral"
    further = {"response.candidates[0].parts[2]", "response.candidates[0].parts[3]"} if by_words else set[str]()
    assert {path for path in losses if path.startswith("response.candidates")} == further
    assert [city in said for city in CITIES] == [True, not by_words, not by_words]


# streams before their first content


def test_a_target_stream_that_breaks_before_content_falls_back_and_is_closed() -> None:
    broken = Fake("openai", [[frames_of("openai")[0], httpx2.ReadError("reset")]])
    sound = Fake("anthropic")
    call = make_call(broken.target(), sound.target(), asked=replace(ASKED, stream=True), primary="mistral")
    assert isinstance(drive(call, Primary()), Pulled)
    assert (broken.closed, sound.closed) == (call.record.hops[1].attempts, 0)
    assert call.record.hops[1].kind == "connection"


def test_a_native_stream_that_is_cut_before_content_falls_back_and_is_closed() -> None:
    closed: list[bool] = []
    lifecycle = codec("openai").frame(frames_of("openai")[0])
    reply = Reply(native=object(), status=200, headers={}, source=iter([lifecycle]), close=lambda: closed.append(True))
    call = make_call(Fake("anthropic").target(), asked=replace(ASKED, stream=True))
    assert isinstance(drive(call, Primary([reply])), Pulled)
    assert closed == [True]
    assert (call.record.hops[0].kind, call.record.hops[0].code) == ("server", "stream_truncated")


def test_a_native_stream_is_pending_until_it_ends() -> None:
    reply = Reply(native=object(), status=200, headers={}, source=iter([bytes_of("openai")]))
    call = make_call(Fake("anthropic").target(), asked=replace(ASKED, stream=True))
    result = drive(call, Primary([reply]))
    assert isinstance(result, NativeAnswer)
    assert result.stream is not None
    assert result.stream.head == bytes_of("openai")
    assert hops(call) == [("openai", "pending")]


def test_a_plain_target_answer_needs_no_reading_by_hand() -> None:
    call = make_call(Fake("anthropic").target())
    _, answer = by_hand(call)
    assert isinstance(answer(Broken(DOWN)), SendTarget)
    result = answer(TargetAnswer(body_of("anthropic")))
    assert isinstance(result, Answer)
    assert call.record.hops[1].model == "served"
