"""When and after how long the same hop is asked again. No wait that cannot pay off, none before a healthy next hop."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from spaturzu_translators.failures import Failure

from .breakers import LONGEST_S
from .verdicts import same_hop

if TYPE_CHECKING:
    from tenacity.wait import wait_base

FIRST_S, GROWS_TO_S = 0.5, 8.0
"""The last hop's own waits, as the SDKs have them (providers.md 0.3, 2026-11-22): 0.5 s, doubling to 8 s."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`attempts` at one hop, the first included; None: what the SDK's own `max_retries` allows.

    That is one more where a healthy hop is next, and all of them on the last hop. `max_wait_s` is the longest
    `Retry-After` that is waited out before a healthy next hop.
    """

    attempts: int | None = None
    max_wait_s: float = 2.5

    def allowed(self, max_retries: int, *, is_last: bool = False) -> int:
        """How many attempts one hop gets, where its SDK would retry `max_retries` times."""
        if self.attempts is not None:
            return self.attempts
        return 1 + (max_retries if is_last else min(1, max_retries))


@cache
def _backoff() -> wait_base:
    """Half of a wait is chance. Loaded when first waited for."""
    from tenacity import wait_exponential, wait_random_exponential

    half, most_s = FIRST_S / 2, GROWS_TO_S / 2
    return wait_exponential(half, max=most_s) + wait_random_exponential(half, max=most_s)


def backoff_s(attempts: int) -> float:
    """The wait before one more attempt, after so many."""
    from tenacity import RetryCallState, Retrying

    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempts
    return _backoff()(state)


class Retries:
    """One hop's attempts. `wait_after(failure)` is the wait before the next attempt, or None: leave the hop."""

    __slots__ = ("_attempts", "_is_last", "_max_retries", "_policy")

    def __init__(self, policy: RetryPolicy, max_retries: int, is_last: Callable[[], bool]) -> None:
        self._policy, self._max_retries, self._is_last = policy, max_retries, is_last
        self._attempts = 0

    def wait_after(self, failure: Failure, *, remaining_s: float) -> float | None:
        """Seconds to wait before asking again; None where the hop is to be left. It is asked about every failure."""
        self._attempts += 1
        if same_hop(failure) == "never":
            return None
        wait_s = self._quick(failure)
        if wait_s is None and self._is_last():
            wait_s = self._patient(failure)
        return wait_s if wait_s is not None and wait_s < remaining_s else None

    def _quick(self, failure: Failure) -> float | None:
        """What is worth it even if a healthy hop is next: at once, or after a short wait that the provider names."""
        if self._attempts >= self._policy.allowed(self._max_retries):
            return None
        told_s = failure.retry_after_s
        if told_s is not None:
            return told_s if told_s <= self._policy.max_wait_s else None
        if same_hop(failure) == "if_told":
            return None
        return 0.0 if self._attempts == 1 else min(self._policy.max_wait_s, backoff_s(self._attempts))

    def _patient(self, failure: Failure) -> float | None:
        """What is worth it if nobody else is left."""
        if self._attempts >= self._policy.allowed(self._max_retries, is_last=True):
            return None
        told_s = failure.retry_after_s
        if told_s is not None:
            return told_s if told_s <= LONGEST_S else None
        return backoff_s(self._attempts)
