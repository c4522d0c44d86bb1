"""The caller's own word on what a failure, or an answer, is: `classify=fn`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias, get_args

from spaturzu_translators.failures import Failure, FailureKind
from spaturzu_translators.messages import JSONObject, Provider

KINDS: tuple[FailureKind, ...] = get_args(FailureKind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of one request: a `failure`, or the `body` of a plain answer in its provider's own JSON.

    `failure.message` is the provider's text; it may repeat what a prompt said.
    """

    provider: Provider
    model: str
    failure: Failure | None = None
    body: JSONObject | None = None


Classify: TypeAlias = Callable[[Seen], FailureKind | None]
"""Gives the kind that this is, or None: what spaturzu thinks. For an answer a kind makes it a failure of that kind."""


class Classifier:
    """Asks the hook. One that raises or gives no kind changes nothing: `errors` counts it, `last_error` says why."""

    def __init__(self, hook: Classify) -> None:
        self._hook = hook
        self.errors = 0
        self.last_error: str | None = None

    def failure(self, provider: Provider, model: str, failure: Failure) -> Failure:
        """The failure, of the kind that the hook says."""
        kind = self._ask(Seen(provider=provider, model=model, failure=failure))
        return failure if kind is None else replace(failure, kind=kind)

    def answer(self, provider: Provider, model: str, body: JSONObject) -> Failure | None:
        """The failure that a plain answer is in the hook's eyes, if it is one."""
        kind = self._ask(Seen(provider=provider, model=model, body=body))
        return None if kind is None else Failure(kind=kind, code="classified")

    def _ask(self, seen: Seen) -> FailureKind | None:
        try:
            kind = self._hook(seen)
        except Exception as error:  # noqa: BLE001 - the hook is the caller's: its failure is counted, never the call's
            return self._wrong(f"it raised {type(error).__name__}")
        if kind is None or kind in KINDS:
            return kind
        return self._wrong(f"it gave a {type(kind).__name__} that is no kind of failure")

    def _wrong(self, why: str) -> None:
        self.errors += 1
        self.last_error = why
