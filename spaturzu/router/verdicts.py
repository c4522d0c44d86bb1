"""What follows from a failure: may the call go to the next target, and may the same one be asked again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from spaturzu_translators.failures import Failure, FailureKind

SameHop: TypeAlias = Literal["never", "at_once", "if_told"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`falls`: from the primary; `falls_from_target`: a fallback's own misconfiguration must not end the walk.

    `same_hop`: ask the same target again never, once at once, or after a short wait that it asked for.
    `weighs`: how much it counts towards the target's breaker; three open it.
    """

    falls: bool
    falls_from_target: bool
    same_hop: SameHop
    weighs: int


_FALLS = {"falls": True, "falls_from_target": True}
_PRIMARY_STOPS = {"falls": False, "falls_from_target": True}

VERDICTS: dict[FailureKind, Verdict] = {
    "rate_limit": Verdict(**_FALLS, same_hop="if_told", weighs=1),
    "quota_exhausted": Verdict(**_FALLS, same_hop="never", weighs=3),
    "overloaded": Verdict(**_FALLS, same_hop="if_told", weighs=2),
    "server": Verdict(**_FALLS, same_hop="at_once", weighs=1),
    "timeout": Verdict(**_FALLS, same_hop="never", weighs=2),
    "connection": Verdict(**_FALLS, same_hop="at_once", weighs=1),
    "context_overflow": Verdict(**_FALLS, same_hop="never", weighs=0),
    "content_policy": Verdict(falls=False, falls_from_target=False, same_hop="never", weighs=0),
    "auth": Verdict(**_PRIMARY_STOPS, same_hop="never", weighs=3),
    "permission": Verdict(**_PRIMARY_STOPS, same_hop="never", weighs=3),
    "not_found": Verdict(**_PRIMARY_STOPS, same_hop="never", weighs=3),
    "bad_request": Verdict(**_PRIMARY_STOPS, same_hop="never", weighs=0),
    "cancelled": Verdict(falls=False, falls_from_target=False, same_hop="never", weighs=0),
}


def same_hop(failure: Failure) -> SameHop:
    """May the same target be asked again? The provider's own `x-should-retry: false` forbids it."""
    if failure.should_retry is False:
        return "never"
    if failure.retry_after_s is not None and VERDICTS[failure.kind].same_hop != "never":
        return "if_told"
    return _BY_STATUS.get((failure.kind, failure.status)) or VERDICTS[failure.kind].same_hop


_BY_STATUS: dict[tuple[FailureKind, int | None], SameHop] = {("server", 503): "if_told", ("timeout", 504): "at_once"}
"""Where the status is finer than the kind: who is unavailable is not asked at once; a gateway's timeout may be."""
