"""When and after how long the same hop is asked again: tenacity's strategies over a failure."""

from __future__ import annotations

from dataclasses import dataclass

from tenacity import RetryCallState, stop_after_attempt, wait_random_exponential
from tenacity.stop import stop_base
from tenacity.wait import wait_base

from spaturzu_translators.failures import Failure

from .verdicts import same_hop


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """`attempts` at one hop, the first included; None: one retry, if the SDK's own `max_retries` allows any.

    `max_wait_s` is the longest `Retry-After` that is waited out on the same hop.
    """

    attempts: int | None = None
    max_wait_s: float = 2.5

    def allowed(self, max_retries: int) -> int:
        """How many attempts one hop gets, where its SDK would retry `max_retries` times."""
        return self.attempts if self.attempts is not None else 1 + min(1, max_retries)


class _WaitAsTold(wait_base):
    """The provider's own wait; else none before the first retry and a growing, jittered one before later ones."""

    def __init__(self, longest_s: float) -> None:
        self._later = wait_random_exponential(multiplier=0.25, max=longest_s)

    def __call__(self, retry_state: RetryCallState) -> float:
        failure = _failure(retry_state)
        if failure.retry_after_s is not None:
            return failure.retry_after_s
        return 0.0 if retry_state.attempt_number == 1 else self._later(retry_state)


class Retries:
    """One hop's attempts. `wait_after(failure)` is the wait before the next attempt, or None: leave the hop."""

    __slots__ = ("_policy", "_state", "_stop")

    def __init__(self, policy: RetryPolicy, max_retries: int) -> None:
        self._policy = policy
        self._stop: stop_base = stop_after_attempt(policy.allowed(max_retries))
        self._state: RetryCallState | None = None  # made for the first failure that may be retried: most may not

    def wait_after(self, failure: Failure, *, remaining_s: float | None) -> float | None:
        """Seconds to wait before asking again; None where the hop is to be left. No wait that cannot pay off."""
        permission = same_hop(failure)
        if permission == "never" or (permission == "if_told" and failure.retry_after_s is None):
            return None
        state = self._state = self._state or RetryCallState(None, None, (), {})  # type: ignore[arg-type]
        state.set_result(failure)
        if self._stop(state):
            return None
        longest_s = self._policy.max_wait_s
        wait = _WaitAsTold(longest_s)(state)
        state.attempt_number += 1
        return wait if wait <= longest_s and (remaining_s is None or wait < remaining_s) else None


def _failure(state: RetryCallState) -> Failure:
    assert state.outcome is not None  # noqa: S101 - set by wait_after just before
    failure: Failure = state.outcome.result()
    return failure
