"""The tokens of a hop: as the provider reported them, else an estimate that says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeAlias, cast, final

from spaturzu.courtesy import load
from spaturzu.ledger.journal import Draft
from spaturzu.ledger.record import UsageSource
from spaturzu.router.hosted import NONE, Hosted
from spaturzu.router.reported import Reported
from spaturzu_translators.messages import JSON, JSONObject, Wire
from spaturzu_translators.responses import Response, Usage

if TYPE_CHECKING:
    from spaturzu.router.call import Call
    from spaturzu.router.hop import Hop


@final
@dataclass(frozen=True, slots=True)
class Seen:
    """A hop whose answer is still to be read, and its call."""

    call: Call
    hop: Hop


Live: TypeAlias = Seen | Callable[[], str] | str | None
"""What there is beside a draft: its hop, what names the model that was asked for, a request's JSON, or nothing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Usage, and who counted. Both None where nobody can."""

    usage: Usage | None = None
    source: UsageSource | None = None
    hosted: Hosted = NONE
    """What the provider ran itself."""


def counted(draft: Draft, live: Live) -> Counted:
    """Of a draft: from its hop while that lives, else from what the draft has. Of a request's JSON: an estimate."""
    found = _counted(draft, live)
    if found.usage is None or not found.usage.provider_fields:
        return found
    load("spaturzu.pricing")
    from spaturzu.pricing.counts import hosted_in_usage

    return replace(found, hosted={**hosted_in_usage(found.usage), **found.hosted})


def together(used: Iterable[Usage | None]) -> Usage | None:
    """The tokens of several hops. What none of them knows stays None."""
    total: Usage | None = None
    for usage in filter(None, used):
        total = usage if total is None else replace(usage, **_sums(total, usage))
    return total


def _sums(one: Usage, other: Usage) -> dict[str, int]:
    pairs = {name: (getattr(one, name), getattr(other, name)) for name in _TOKENS}
    return {name: sum(filter(None, pair)) for name, pair in pairs.items() if pair != (None, None)}


_TOKENS = tuple(field.name for field in fields(Usage) if field.name.endswith("_tokens"))


def _counted(draft: Draft, live: Live) -> Counted:
    if isinstance(live, str):
        return _of_request(live)
    if not isinstance(live, Seen):
        said = _of_draft(draft)
        usage = None if said is None else said()
        return Counted(usage, None if usage is None else "provider", NONE if said is None else said.ran)
    call, hop = live.call, live.hop
    hosted = NONE if hop.hosted is None else hop.hosted()
    usage = None if hop.usage is None else hop.usage()
    said = None if hop.answer is None else hop.answer()
    if _is_final(hop, usage, said):
        return Counted(usage, None if usage is None else "provider", hosted)
    return Counted(*_estimated(call, replace(said or _SILENT, usage=usage)), hosted)


def _of_request(body: str) -> Counted:
    """An embedding has no output."""
    load("spaturzu.pricing")
    from spaturzu.pricing.tokens import count_tokens

    try:
        texts = list(_texts(json.loads(body)))
    except ValueError:
        return Counted()
    tokens, source = count_tokens("\n".join(texts))
    return Counted(Usage(input_tokens=tokens), source)


def _texts(value: JSON) -> Iterator[str]:
    """What stands under `text`, wherever: so Gemini's requests have it."""
    if isinstance(value, list):
        for inner in cast("list[JSON]", value):
            yield from _texts(inner)
    elif isinstance(value, dict):
        held = cast("JSONObject", value)
        if isinstance(text := held.get("text"), str):
            yield text
        for inner in held.values():
            yield from _texts(inner)


def _is_final(hop: Hop, usage: Usage | None, said: Response | None) -> bool:
    """Is what was reported the last word, or is there nothing to estimate by?

    Anthropic counts the output at its end; what it says at the beginning of a stream is no more than a first token.
    """
    if usage is not None and usage.output_tokens is not None:
        ended = said is None or any(candidate.finish_reason for candidate in said.candidates)
        return hop.status == "served" or hop.provider != "anthropic" or ended
    return hop.status == "skipped" or (hop.status == "failed" and said is None)


def _estimated(call: Call, said: Response) -> tuple[Usage, UsageSource]:
    load("spaturzu.pricing")
    from spaturzu.pricing import estimate

    return estimate(call.request_or_bare(), said)


_SILENT = Response(id="", model="", candidates=())


def _of_draft(draft: Draft) -> Reported | None:
    if "reported" not in draft:
        return None
    wire, usage, *ran = draft["reported"]
    return Reported(cast("Wire", wire), usage, ran=ran[0] if ran else NONE)
