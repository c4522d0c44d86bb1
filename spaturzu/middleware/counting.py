"""The tokens of a hop: as the provider reported them, else an estimate that says so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from spaturzu.ledger.journal import Draft
from spaturzu.ledger.record import UsageSource
from spaturzu.router.reported import Reported
from spaturzu_translators.messages import Wire
from spaturzu_translators.responses import Response, Usage

if TYPE_CHECKING:
    from spaturzu.router.call import Call
    from spaturzu.router.hop import Hop


@dataclass(frozen=True, slots=True)
class Counted:
    """Usage, and who counted. Both None where nobody can."""

    usage: Usage | None = None
    source: UsageSource | None = None


def counted(draft: Draft, live: tuple[Call, Hop] | None) -> Counted:
    """Of a draft: from its hop while that lives, else from what the draft has."""
    if live is None:
        usage = _of_draft(draft)
        return Counted(usage, None if usage is None else "provider")
    call, hop = live
    usage = None if hop.usage is None else hop.usage()
    said = None if hop.answer is None else hop.answer()
    if _is_final(hop, usage, said):
        return Counted(usage, None if usage is None else "provider")
    return _estimated(call, replace(said or _SILENT, usage=usage))


def _is_final(hop: Hop, usage: Usage | None, said: Response | None) -> bool:
    """Is what was reported the last word, or is there nothing to estimate by?

    Anthropic counts the output at its end; what it says at the beginning of a stream is no more than a first token.
    """
    if usage is not None and usage.output_tokens is not None:
        ended = said is None or any(candidate.finish_reason for candidate in said.candidates)
        return hop.status == "served" or hop.provider != "anthropic" or ended
    return hop.status == "skipped" or (hop.status == "failed" and said is None)


def _estimated(call: Call, said: Response) -> Counted:
    from spaturzu.pricing import estimate

    return Counted(*estimate(call.request_or_bare(), said))


_SILENT = Response(id="", model="", candidates=())


def _of_draft(draft: Draft) -> Usage | None:
    if "reported" not in draft:
        return None
    wire, usage = draft["reported"]
    return Reported(cast("Wire", wire), usage)()
