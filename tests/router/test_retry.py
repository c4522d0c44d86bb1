"""Same-hop retries: how often, after how long, Retry-After in every spelling. Nothing sleeps; waits are returned."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu.router.breakers import LONGEST_S
from spaturzu.router.failures import failure_of_reply
from spaturzu.router.resets import reset_s
from spaturzu.router.retry import Retries, RetryPolicy
from spaturzu.router.verdicts import VERDICTS
from spaturzu_translators.failures import ErrorReply, Failure, FailureKind, retry_after_s
from spaturzu_translators.messages import PROVIDERS, Provider

SERVER = Failure(kind="server", status=500)
REFUSED = Failure(kind="connection")


def waits(
    failure: Failure,
    *,
    times: int = 5,
    max_retries: int = 2,
    remaining_s: float = inf,
    last: bool = False,
    **policy: Any,
):
    """What a hop is told after each of so many failures of one sort. `last`: nobody healthy is next."""
    retries = Retries(RetryPolicy(**policy), max_retries, lambda: last)
    return [retries.wait_after(failure, remaining_s=remaining_s) for _ in range(times)]


@pytest.mark.parametrize("failure", [SERVER, REFUSED, Failure(kind="timeout", status=504)])
def test_one_retry_at_once_and_no_more(failure: Failure) -> None:
    assert waits(failure, times=3) == [0.0, None, None]


@pytest.mark.parametrize("kind", ["rate_limit", "overloaded", "quota_exhausted", "timeout", "auth", "bad_request"])
def test_no_retry_for_what_a_retry_does_not_help(kind: FailureKind) -> None:
    assert waits(Failure(kind=kind), times=1) == [None]


def test_a_short_retry_after_is_waited_out_once() -> None:
    told = Failure(kind="rate_limit", status=429, retry_after_s=1.5)
    assert waits(told, times=2) == [1.5, None]


@pytest.mark.parametrize(("told", "waited"), [(2.5, 2.5), (2.51, None), (0.0, 0.0), (3600.0, None)])
def test_only_a_wait_within_max_wait_s_is_waited_out(told: float, waited: float | None) -> None:
    assert waits(Failure(kind="overloaded", status=529, retry_after_s=told), times=1) == [waited]


def test_max_wait_s_is_an_option() -> None:
    told = Failure(kind="rate_limit", retry_after_s=4)
    assert waits(told, times=1, max_wait_s=5) == [4]
    assert waits(told, times=1, max_wait_s=0) == [None]


def test_a_servers_own_wait_is_kept_before_it_is_asked_again() -> None:
    assert waits(Failure(kind="server", status=500, retry_after_s=2), times=1) == [2]
    assert waits(Failure(kind="server", status=500, retry_after_s=9), times=1) == [None]


def test_quota_is_not_retried_whatever_it_says() -> None:
    assert waits(Failure(kind="quota_exhausted", status=429, retry_after_s=0.1), times=1) == [None]


def test_an_sdk_that_may_not_retry_gets_one_attempt() -> None:
    assert waits(SERVER, times=1, max_retries=0) == [None]


def test_a_generous_sdk_still_gets_one_retry() -> None:
    assert waits(SERVER, times=2, max_retries=10) == [0.0, None]


def test_attempts_overrides_what_the_sdk_allows() -> None:
    assert waits(SERVER, times=1, attempts=1) == [None]
    assert waits(SERVER, times=2, attempts=2, max_retries=0) == [0.0, None]


def test_later_attempts_wait_longer_but_never_beyond_max_wait_s() -> None:
    first, *later, last = waits(SERVER, times=8, attempts=8)
    assert (first, last) == (0.0, None)
    assert all(wait is not None and 0 <= wait <= 2.5 for wait in later)


def test_a_retry_after_counts_anew_for_each_attempt() -> None:
    retries = Retries(RetryPolicy(attempts=4), 2, lambda: False)
    told = [Failure(kind="rate_limit", retry_after_s=wait) for wait in (0.5, 1.0, 2.0)]
    assert [retries.wait_after(failure, remaining_s=inf) for failure in told] == [0.5, 1.0, 2.0]


def test_x_should_retry_false_ends_a_hop() -> None:
    assert waits(Failure(kind="server", status=500, should_retry=False), times=1) == [None]
    assert waits(Failure(kind="connection", should_retry=False), times=1) == [None]


def test_x_should_retry_true_does_not_retry_an_overloaded_provider() -> None:
    assert waits(Failure(kind="overloaded", status=529, should_retry=True), times=1) == [None]


@pytest.mark.parametrize(("remaining_s", "waited"), [(inf, 2.0), (3.0, 2.0), (2.0, None), (0.5, None), (-1.0, None)])
def test_no_wait_reaches_the_deadline(remaining_s: float, waited: float | None) -> None:
    assert waits(Failure(kind="rate_limit", retry_after_s=2), times=1, remaining_s=remaining_s) == [waited]


def test_a_passed_deadline_forbids_even_the_retry_at_once() -> None:
    assert waits(SERVER, times=1, remaining_s=0.0) == [None]


failures = st.builds(
    Failure,
    kind=st.sampled_from(sorted(VERDICTS)),
    status=st.none() | st.sampled_from([400, 408, 429, 500, 502, 503, 504, 529]),
    retry_after_s=st.none() | st.floats(0, 100),
    should_retry=st.none() | st.booleans(),
)


@given(
    st.lists(failures, max_size=8),
    st.none() | st.integers(1, 4),
    st.integers(0, 5),
    st.floats(0, 10),
    st.just(inf) | st.floats(0, 10),
    st.booleans(),
)
def test_waits_are_never_too_many_nor_too_long(
    seen: list[Failure], attempts: int | None, max_retries: int, max_wait_s: float, remaining_s: float, last: bool
) -> None:
    policy = RetryPolicy(attempts=attempts, max_wait_s=max_wait_s)
    retries = Retries(policy, max_retries, lambda: last)
    told = [retries.wait_after(failure, remaining_s=remaining_s) for failure in seen]
    granted = [wait for wait in told if wait is not None]
    assert len(granted) < policy.allowed(max_retries, is_last=last)
    assert all(0 <= wait <= (LONGEST_S if last else max_wait_s) for wait in granted)
    assert all(wait < remaining_s for wait in granted)


def test_the_last_hop_waits_as_often_as_its_sdk_would() -> None:
    told_nothing = Failure(kind="overloaded", status=503)
    assert _at_most(waits(told_nothing, times=3, last=True)) == [0.5, 1.0, None]
    assert waits(told_nothing, times=1, last=True, max_retries=0) == [None]
    assert _at_most(waits(SERVER, times=4, last=True, max_retries=3)) == [0.0, 1.0, 2.0, None]


def _at_most(told: list[float | None]) -> list[float | None]:
    """The longest that each wait can be, of which half is chance: the next power of two that is a half or more."""
    return [wait if not wait else next(most for most in (0.5, 1.0, 2.0, 4.0, 8.0) if wait <= most) for wait in told]


def test_the_last_hops_waits_double_to_8_s() -> None:
    *granted, last = waits(Failure(kind="overloaded"), times=8, last=True, max_retries=7)
    assert (_at_most(granted), last) == ([0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0], None)


def test_half_of_a_wait_is_chance() -> None:
    seen = [waits(Failure(kind="overloaded"), times=1, last=True)[0] or 0.0 for _ in range(400)]
    assert all(0.25 <= wait <= 0.5 for wait in seen)
    assert max(seen) - min(seen) > 0.2


@pytest.mark.parametrize(("told", "waited"), [(2.6, 2.6), (20.0, 20.0), (20.1, None)])
def test_the_last_hop_waits_out_a_longer_retry_after(told: float, waited: float | None) -> None:
    assert waits(Failure(kind="rate_limit", retry_after_s=told), times=1, last=True) == [waited]


def test_the_last_hop_never_retries_what_a_retry_does_not_help() -> None:
    for kind in ("quota_exhausted", "timeout", "auth", "bad_request", "context_overflow", "cancelled"):
        assert waits(Failure(kind=kind, retry_after_s=0.1), times=1, last=True) == [None]


# the spellings of Retry-After

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
IN_90_S = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
A_MINUTE_AGO = format_datetime(NOW - timedelta(seconds=60), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": " 1.25 "}, 1.25),
        ({"retry-after": "Sun, 22 Nov 2026 12:01:30 GMT"}, 90.0),
        ({"retry-after": IN_90_S}, 90.0),
        ({"retry-after": A_MINUTE_AGO}, 0.0),
        ({"retry-after-ms": "1500"}, 1.5),
        ({"retry-after-ms": "12.5"}, 0.0125),
        ({"x-ms-retry-after-ms": "800"}, 0.8),
        ({"x-amz-retry-after": "2000"}, 2.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-inf"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Sun, 99 Nov 2026 99:99:99 GMT"}, None),
        ({"retry-after-ms": "-1"}, None),
        ({"retry-after-ms": "NaN"}, None),
        ({"x-amz-retry-after": "Infinity"}, None),
    ],
)
def test_retry_after_in_every_spelling(headers: dict[str, str], seconds: float | None) -> None:
    found = retry_after_s(headers, now=NOW.timestamp())
    assert found == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize("header", ["retry-after", "retry-after-ms", "x-amz-retry-after"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_provider_is_heard(provider: Provider, header: str) -> None:
    value = "2" if header == "retry-after" else "2000"
    failure = failure_of_reply(ErrorReply(status=429, headers={header: value}, body={}), provider)
    assert (failure.kind, failure.retry_after_s) == ("rate_limit", 2.0)


@pytest.mark.parametrize(
    ("delay", "seconds"), [("2s", 2.0), ("0.5s", 0.5), ("48.939935699s", 48.939935699), ("x", None)]
)
def test_googles_retry_info_is_heard(delay: str, seconds: float | None) -> None:
    info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}
    body = {"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "No.", "details": [info]}}
    assert failure_of_reply(ErrorReply(status=429, body=body), "gemini").retry_after_s == seconds


@pytest.mark.parametrize("unreadable", ["", "-1", "nan", "soon"])
def test_an_unreadable_spelling_gives_way_to_the_next(unreadable: str) -> None:
    assert retry_after_s({"retry-after-ms": unreadable, "retry-after": "3"}) == 3.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1s"}, 1.0),
        ({"x-ratelimit-remaining-requests": "5", "x-ratelimit-reset-requests": "1s"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1h2m3.5s"}, 3723.5),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "250ms"}, 0.25),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "-1s"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "nan"}, None),
        ({"x-ratelimit-remaining-tokens": "0"}, None),
        (
            {
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-11-22T12:00:08Z",
            },
            8.0,
        ),
        ({"anthropic-ratelimit-requests-remaining": "0", "anthropic-ratelimit-requests-reset": "soon"}, None),
    ],
)
def test_a_limit_with_nothing_left_says_when_it_is_reset(headers: dict[str, str], seconds: float | None) -> None:
    found = reset_s(headers, now=NOW.timestamp())
    assert found == (None if seconds is None else pytest.approx(seconds))


def test_the_reset_counts_where_no_retry_after_is_named() -> None:
    headers = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "2s"}
    told = failure_of_reply(ErrorReply(status=429, headers=headers, body={}), "openai")
    assert told.retry_after_s == 2.0
    assert (
        failure_of_reply(ErrorReply(status=429, headers={**headers, "retry-after": "1"}), "openai").retry_after_s == 1
    )
    assert failure_of_reply(ErrorReply(status=500, headers=headers, body={}), "openai").retry_after_s is None
