"""Breakers under a clock that the test moves: when a target is left out of its place, and how it comes back."""

from __future__ import annotations

import threading
from collections.abc import Hashable

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from spaturzu.router.breakers import FIRST_S, KEPT, LONGEST_S, OPEN_AT, WINDOW_S, Breakers
from spaturzu.router.verdicts import VERDICTS
from spaturzu_translators.failures import Failure, FailureKind

KEY, OTHER = ("url", "key", "model"), ("url", "key", "another model")
SERVER = Failure(kind="server")
TOLD = Failure(kind="rate_limit", retry_after_s=5.0)


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def passes(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breakers(clock: Clock) -> Breakers:
    return Breakers(clock, lambda: 0.5)


def fail(breakers: Breakers, times: int = 1, failure: Failure = SERVER, key: Hashable = KEY) -> None:
    for _ in range(times):
        breakers.failed(key, failure)


def test_nothing_has_failed_at_first(breakers: Breakers) -> None:
    assert breakers.quiet
    assert breakers.admit(KEY)
    assert breakers.reopens_in(KEY) == 0


def test_three_failures_in_a_row_open(breakers: Breakers) -> None:
    fail(breakers, 2)
    assert breakers.admit(KEY)
    fail(breakers)
    assert not breakers.admit(KEY)
    assert breakers.reopens_in(KEY) == FIRST_S


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        ("server", 3),
        ("connection", 3),
        ("rate_limit", 3),
        ("timeout", 2),
        ("overloaded", 2),
        ("quota_exhausted", 1),
        ("auth", 1),
        ("permission", 1),
        ("not_found", 1),
    ],
)
def test_heavier_failures_open_sooner(breakers: Breakers, kind: FailureKind, times: int) -> None:
    fail(breakers, times - 1, Failure(kind=kind))
    assert breakers.admit(KEY)
    fail(breakers, 1, Failure(kind=kind))
    assert not breakers.admit(KEY)


@pytest.mark.parametrize("kind", ["bad_request", "context_overflow", "content_policy", "cancelled"])
def test_the_callers_own_failures_do_not_count(breakers: Breakers, kind: FailureKind) -> None:
    fail(breakers, 20, Failure(kind=kind))
    assert breakers.admit(KEY)
    assert breakers.quiet


def test_a_success_ends_the_streak(breakers: Breakers) -> None:
    fail(breakers, 2)
    for _ in range(4):
        breakers.succeeded(KEY)
    fail(breakers)
    assert breakers.admit(KEY)


def test_a_retry_after_opens_at_once(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, 1, TOLD)
    assert not breakers.admit(KEY)
    assert breakers.reopens_in(KEY) == 5.0
    clock.passes(5.0)
    assert breakers.admit(KEY)


def test_a_retry_after_of_hours_is_probed_after_the_longest_pause(breakers: Breakers) -> None:
    fail(breakers, 1, Failure(kind="rate_limit", retry_after_s=7200.0))
    assert breakers.reopens_in(KEY) == LONGEST_S


def test_openings_double_up_to_the_longest(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, OPEN_AT)
    pauses = []
    for _ in range(6):
        pauses.append(breakers.reopens_in(KEY))
        clock.passes(pauses[-1])
        assert breakers.admit(KEY)
        fail(breakers)
    assert pauses == [2, 4, 8, 16, 20, 20]


def test_an_outage_of_any_length_overflows_nothing(breakers: Breakers, clock: Clock) -> None:
    for _ in range(2000):
        fail(breakers, 1, Failure(kind="quota_exhausted"))
        clock.passes(LONGEST_S)
    fail(breakers)
    assert breakers.reopens_in(KEY) == LONGEST_S


def test_an_opening_is_never_shortened(breakers: Breakers) -> None:
    fail(breakers, 1, Failure(kind="rate_limit", retry_after_s=15.0))
    fail(breakers, 1, Failure(kind="rate_limit", retry_after_s=1.0))
    assert breakers.reopens_in(KEY) == 15.0
    fail(breakers, OPEN_AT)
    assert breakers.reopens_in(KEY) == 15.0


def test_a_success_resets_the_doubling(breakers: Breakers, clock: Clock) -> None:
    for _ in range(3):
        fail(breakers, OPEN_AT)
        clock.passes(LONGEST_S)
    assert breakers.admit(KEY)
    breakers.succeeded(KEY)
    fail(breakers, OPEN_AT)
    assert breakers.reopens_in(KEY) == FIRST_S


def test_only_one_caller_is_the_probe(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, OPEN_AT)
    clock.passes(FIRST_S)
    admitted: list[bool] = []
    together = threading.Barrier(16)

    def ask() -> None:
        together.wait()
        admitted.append(breakers.admit(KEY))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(admitted) == [False] * 15 + [True]


def test_a_probe_that_succeeds_closes(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, OPEN_AT)
    clock.passes(FIRST_S)
    assert breakers.admit(KEY)
    breakers.succeeded(KEY)
    assert breakers.admit(KEY)
    assert breakers.admit(KEY)


def test_a_probe_that_fails_once_opens_again(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, OPEN_AT)
    clock.passes(FIRST_S)
    assert breakers.admit(KEY)
    fail(breakers)
    assert not breakers.admit(KEY)
    assert breakers.reopens_in(KEY) == 2 * FIRST_S


def test_a_probe_without_a_verdict_makes_way_for_another(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, OPEN_AT)
    clock.passes(FIRST_S)
    assert breakers.admit(KEY)
    assert not breakers.admit(KEY)
    fail(breakers, 1, Failure(kind="bad_request"))
    assert not breakers.admit(KEY)
    breakers.released(KEY)
    assert breakers.admit(KEY)


def test_another_model_on_the_same_key_is_not_punished(breakers: Breakers) -> None:
    fail(breakers, 10)
    assert breakers.admit(OTHER)
    assert breakers.reopens_in(OTHER) == 0


class AnyHistory(RuleBasedStateMachine):
    """Whatever happens in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breakers = Breakers(self.clock, lambda: 0.5)
        self.opened = False

    @rule(
        kind=st.sampled_from(sorted(VERDICTS)),
        told=st.none() | st.floats(0.1, 100),
    )
    def fails(self, kind: FailureKind, told: float | None) -> None:
        before = self.clock.now + self.breakers.reopens_in(KEY)
        self.breakers.failed(KEY, Failure(kind=kind, retry_after_s=told))
        after = self.clock.now + self.breakers.reopens_in(KEY)
        assert after >= before - 1e-9
        self.opened = self.opened or after > self.clock.now

    @rule()
    def succeeds(self) -> None:
        self.breakers.succeeded(KEY)
        self.opened = False
        assert self.breakers.is_closed(KEY)

    @rule()
    def is_let_go(self) -> None:
        self.breakers.released(KEY)

    @rule(seconds=st.floats(0, 30))
    def time_passes(self, seconds: float) -> None:
        self.clock.passes(seconds)

    @rule()
    def is_asked_for(self) -> None:
        cooled = self.breakers.reopens_in(KEY) > 0
        first, second = self.breakers.admit(KEY), self.breakers.admit(KEY)
        if cooled:
            assert not first
            assert not second
        else:
            assert not (first and second and self.opened)

    @invariant()
    def no_pause_is_longer_than_the_longest(self) -> None:
        assert 0 <= self.breakers.reopens_in(KEY) <= LONGEST_S + 1e-9

    def teardown(self) -> None:
        """It always comes back."""
        self.clock.passes(LONGEST_S + 1e-6)
        self.breakers.released(KEY)
        assert self.breakers.admit(KEY)


TestAnyHistory = AnyHistory.TestCase


def test_a_failure_too_old_to_count_is_forgotten_though_its_target_is_never_asked_again(
    breakers: Breakers, clock: Clock
) -> None:
    fail(breakers)
    clock.passes(WINDOW_S + 1)
    assert not breakers.quiet

    breakers.admit(OTHER)

    assert breakers.quiet


def test_an_open_breaker_is_not_forgotten(breakers: Breakers, clock: Clock) -> None:
    fail(breakers, OPEN_AT)
    clock.passes(WINDOW_S + 1)

    breakers.admit(OTHER)

    assert breakers.admit(KEY)
    assert not breakers.admit(KEY), "the first is the probe"


def test_of_too_many_targets_the_oldest_are_forgotten_several_at_a_time(breakers: Breakers) -> None:
    for number in range(KEPT + 1):
        fail(breakers, key=("url", "key", f"model {number}"))

    known = len(breakers.all_health())

    assert known == KEPT + 1 - KEPT // 8
    fail(breakers, OPEN_AT - 1, key=("url", "key", f"model {KEPT}"))
    assert not breakers.admit(("url", "key", f"model {KEPT}")), "the latest is remembered"
