"""How long a call may wait for what: to connect, for the first token, between a stream's events, for a hop, in all.

Seconds throughout; `inf` is no limit.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Literal, TypeAlias

from spaturzu_translators.requests import Request

from .lazy import cached_property

LimitName: TypeAlias = Literal[
    "connect_timeout", "first_token_timeout", "answer_timeout", "idle_timeout", "hop_timeout", "deadline"
]
"""Which limit ran out: the `code` of the hop's failure, whose kind is `timeout`."""

FIRST_TOKEN_S, ANSWER_S, IDLE_S = 12.0, 120.0, 15.0
TOKENS_A_SECOND = 20
"""Who writes at least so many is well: an answer of a known length takes no longer than its first token and these."""
THINKING = 5
"""A model that thinks gets so many times these: 60 s to its first token (peers.md 5.4, 2026-11-22)."""
PINGS = 2
"""Events without content stretch the idle limit to so many times its length, and no further."""
GRACE_S = 0.25
"""The transport's own timeouts are so much longer than the limits that they back up."""
MIN_HOP_S = 2.0
"""What each later hop is left of a deadline that is long enough for it."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """A chain's limits. None: the default, which is longer where the model thinks; a number holds for all calls.

    `first_token_s` is for streams. `answer_s` is for plain calls, whose first token is the whole answer: where the
    request says how long that may be, it has the first token's time and as long as its tokens take. Without an
    `answer_s` of the user's own, the rest of the chain is asked too when a first token would be due (`relief`). None
    holds where nobody is left to ask. `idle_s` is for streams after their first content. `hop_s` is for one hop with
    its retries, `deadline_s` for the whole call, streams to their end. Without a fallback and without a number nothing
    holds.
    """

    connect_s: float = 5.0
    first_token_s: float | None = None
    answer_s: float | None = None
    idle_s: float | None = None
    hop_s: float = inf
    deadline_s: float = inf

    @cached_property
    def have_no_end(self) -> bool:
        """May a hop last for ever, once it says anything?"""
        return self.hop_s == self.deadline_s == inf

    @cached_property
    def soonest_s(self) -> float:
        """The shortest that `until_content_s` can be."""
        first_s = FIRST_TOKEN_S if self.first_token_s is None else self.first_token_s
        return min(first_s, ANSWER_S if self.answer_s is None else self.answer_s)

    def first_token(self, *, thinking: bool) -> float:
        """After so long without a word a place is silent, if anybody else is there."""
        return _or_default(self.first_token_s, FIRST_TOKEN_S, thinking)

    def until_content_s(self, *, stream: bool, thinking: bool, most_tokens: int | None = None) -> float:
        """How long a hop that has others behind it may take to say its first word, of an answer of `most_tokens`."""
        first_s = self.first_token(thinking=thinking)
        if stream:
            return first_s
        whole_s = _or_default(self.answer_s, ANSWER_S, thinking)
        if self.answer_s is not None or most_tokens is None:
            return whole_s
        return min(whole_s, first_s + most_tokens / TOKENS_A_SECOND)

    @cached_property
    def least_between_events_s(self) -> float:
        """The shortest that `between_events_s` can be."""
        return self.between_events_s(thinking=False)

    def between_events_s(self, *, thinking: bool) -> float:
        """How long a stream may be silent after its first word. Keep-alives make it PINGS times as long at most."""
        return _or_default(self.idle_s, IDLE_S, thinking)


def _or_default(given: float | None, default: float, thinking: bool) -> float:
    if given is not None:
        return given
    return default * THINKING if thinking else default


@dataclass(frozen=True, slots=True)
class Share:
    """What one hop gets of the deadline. `worth_it` is False where that is too little to be tried."""

    seconds: float
    worth_it: bool


def share_of(remaining_s: float, deadline_s: float, *, hops_left: int, places: int) -> Share:
    """One hop's share, with `hops_left` of `places` hops behind it: what is left, but for a reserve for each of those.

    The reserve is MIN_HOP_S, or half an equal share of a short deadline. Less than half a reserve is not worth trying.
    Source of the rule: peers.md 5.4, 2026-11-22.
    """
    if deadline_s == inf:
        return Share(inf, worth_it=True)
    reserve_s = min(MIN_HOP_S, deadline_s / (2 * places))
    seconds = remaining_s - hops_left * reserve_s
    return Share(seconds, worth_it=seconds > reserve_s / 2)


_UNASKED = re.compile(r"gpt-(?:5|6)(?!.*chat)|o[134](?![a-z])|gemini-(?:2\.5|[3-9])|magistral|deepseek-reasoner")
"""Models that think unless told not to (providers.md 1.2 and 6.5, 2026-11-22)."""


@lru_cache(maxsize=1024)
def thinks_unasked(model: str) -> bool:
    """Does this model think where the request does not say?"""
    return _UNASKED.search(model) is not None


def thinks(request: Request, model: str) -> bool:
    """Will `model` think before it answers `request`?"""
    asked = request.reasoning
    if asked is None:
        return thinks_unasked(model)
    return asked.effort != "none" and asked.budget_tokens != 0
