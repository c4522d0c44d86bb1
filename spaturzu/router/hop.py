"""The record of a call: its hops, in the order they were tried or skipped. Metadata only, never a prompt."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from time import time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from spaturzu.attribution import uuid7
from spaturzu_translators.failures import FailureKind
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import Provider
from spaturzu_translators.responses import Response, Usage

if TYPE_CHECKING:
    from .hosted import Hosted

TRIED = "spaturzu tried:"
"""The first line of a note."""

LOST = "hedge_lost"
"""The code of a hop that was cancelled because another one answered first."""

HopStatus: TypeAlias = Literal["pending", "served", "failed", "skipped", "abandoned"]


@dataclass(kw_only=True)  # without slots: what is rarely said stands in the class, and costs no call anything
class Hop:
    """One target in one call.

    `attempts` counts requests sent, retries included. `kind`, `http_status` and `code` say why it failed; `why` says in
    our words why it was skipped. `started` is read off the chain's clock; durations are seconds. A streamed hop is
    `pending` until its stream ends. `usage()` reads what the provider reported, or None, `answer()` what it said as
    far as it came, to estimate by, and `hosted()` what it ran itself; they are called off the caller's path.
    `first_token_s` is the time to the first content. `hedge`: sent while the hop before it was still being waited for.
    `response_id` and `service_tier` are the answer's own words. `chunks` counts the pieces that a stream came in,
    `malformed` its events that were no JSON, and were left out.
    """

    index: int
    provider: Provider
    model: str
    asked: str = ""
    """The model that was asked for; empty for the primary's, which stands in the caller's request."""
    started: float = 0.0
    losses: tuple[Loss, ...] = ()
    status: HopStatus = field(default="pending", init=False)
    attempts: int = field(default=0, init=False)
    duration_s: float = field(default=0.0, init=False)
    kind: FailureKind | None = field(default=None, init=False)
    http_status: int | None = field(default=None, init=False)
    code: str | None = field(default=None, init=False)
    why: str | None = field(default=None, init=False)
    usage: Callable[[], Usage | None] | None = field(default=None, init=False)
    answer: Callable[[], Response | None] | None = field(default=None, init=False)
    hosted: Callable[[], Hosted] | None = field(default=None, init=False)
    response_id: str | None = field(default=None, init=False)
    service_tier: str | None = field(default=None, init=False)
    first_token_s: float | None = field(default=None, init=False)
    streamed: bool = field(default=False, init=False)
    hedge: bool = field(default=False, init=False)
    malformed: int = field(default=0, init=False)
    chunks: int = field(default=0, init=False)
    opened: list[Generator[None]] | None = field(default=None, init=False, repr=False)
    """The middleware around it, while it lasts."""
    record: Callable[[], None] | None = field(default=None, init=False, repr=False)
    """Tells whoever keeps records that it is over; None before and after."""
    enter: Callable[[], Callable[[], object]] | None = field(default=None, init=False, repr=False)
    """Called before each of its requests, in the caller's context; what it returns is called after it, in the same."""
    recorded: Callable[[Any], None] | None = field(default=None, init=False, repr=False)
    """Called once off the caller's path: with the hop's `ledger.record.Record`, or with None where there is none."""

    def __getstate__(self) -> dict[str, Any]:
        return _still(self, _LIVE_OF_HOP)

    def over(self) -> None:
        """Resume the middleware around it, the innermost first, and have it recorded: once, however often called."""
        opened, record = self.opened, self.record
        self.opened = self.record = None
        if opened is not None:
            _resume(opened)
        if record is not None:
            record()

    def __str__(self) -> str:
        name = f"{self.provider}/{self.model}{' (hedge)' if self.hedge else ''}"
        if self.status == "skipped":
            return f"{name}: skipped, {self.why}"
        if self.status != "failed":
            return f"{name}: {self.status}, {self.duration_s:.3f} s"
        said = ", ".join(str(word) for word in (self.kind, self.http_status, self.code) if word is not None)
        tries = "" if self.attempts == 1 else f", {self.attempts} attempts"
        lost = f", lost {', '.join(loss.path for loss in self.losses)}" if self.losses else ""
        return f"{name}: {said}, {self.duration_s:.3f} s{tries}{lost}"


_LIVE_OF_HOP = frozenset({"usage", "answer", "hosted", "opened", "record", "enter", "recorded"})
_LIVE_OF_CALL = frozenset({"opened", "tracing", "broke"})


def _still(record: Any, live: frozenset[str]) -> dict[str, Any]:
    """What pickle takes of a record, which hangs on errors that go to other processes: all but what is live in it."""
    return {name: value for name, value in record.__dict__.items() if name not in live}


def _resume(opened: list[Generator[None]]) -> None:
    for concern in reversed(opened):
        next(concern, None)


@dataclass(kw_only=True)  # without slots, as above
class CallRecord:
    """What `spaturzu.last_call()` gives: who was asked, and every hop so far."""

    provider: Provider
    agent_path: tuple[str, ...] = ()
    run_id: str | None = None
    parent_request_id: str | None = None
    customer_id: str | None = None
    session_id: str | None = None
    tags: dict[str, str] = field(default_factory=dict[str, str])
    hops: list[Hop] = field(default_factory=list[Hop], init=False)
    stitched: bool = field(default=False, init=False)
    """Did a stream break and go on at another hop?"""
    broke: Callable[[], Response | None] | None = field(default=None, init=False, repr=False)
    """Reads what came of a stream that failed after its first content: `partial` calls it, once."""
    opened: list[Generator[None]] | None = field(default=None, init=False, repr=False)
    """What is around the whole call, while it lasts."""
    tracing: Any = field(default=None, init=False, repr=False)
    """What tracing keeps of the call from hop to hop."""
    started_at: float = field(default_factory=time, init=False)
    """Unix seconds."""
    _id: str | None = field(default=None, init=False, repr=False)
    _partial: Response | None = field(default=None, init=False, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        self.partial  # noqa: B018 - read now: later there is nothing to read it from
        return _still(self, _LIVE_OF_CALL)

    @property
    def partial(self) -> Response | None:
        """What came of a stream that failed after its first content: `.text`, and the tokens that it took in `.usage`.

        Of all that a record has, only this is content. Its usage is as the ledger has it, of all hops that said some
        of it: as they reported it, else estimated. None for any other call.
        """
        if self.broke is not None:
            self._partial, self.broke = self.broke(), None
        return self._partial

    def over(self) -> None:
        """The call is over: what is around it is resumed, once."""
        opened = self.opened
        if opened is not None:
            self.opened = None
            _resume(opened)

    @property
    def id(self) -> str:
        """A UUIDv7 of the call's start, made when first asked for."""
        if self._id is None:
            self._id = uuid7(self.started_at)
        return self._id

    @property
    def served_by(self) -> Hop | None:
        """The hop whose answer the caller got, or is getting."""
        return next((hop for hop in reversed(self.hops) if hop.status in ("served", "pending", "abandoned")), None)

    @property
    def note(self) -> str:
        """One line for each hop, as it stands under an exhausted chain's error."""
        return "\n".join([TRIED, *(f"  {number}. {hop}" for number, hop in enumerate(self.hops, 1))])
