"""The meter: each hop becomes a record. On the caller's path it notes what is at hand; the rest happens off it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from spaturzu.attribution import uuid7
from spaturzu.courtesy import load
from spaturzu.ledger.journal import Draft
from spaturzu.ledger.record import Record
from spaturzu.ledger.stats import Trouble
from spaturzu.router.call import Call
from spaturzu.router.hop import CallRecord, Hop
from spaturzu.router.hosted import Hosted
from spaturzu.router.reported import Reported
from spaturzu_translators.responses import Usage

from .counting import Live, Seen, counted

if TYPE_CHECKING:
    from spaturzu.pricing import Overrides

FAILED, CANCELLED = 500, 499
"""The status of a hop that failed without one, as the published client has it, and of one that the caller ended."""

_FIELDS = frozenset(Record.__dataclass_fields__)


class Meter:
    """`hop` hears of hops that are over, `passed` of other calls. `put` takes a draft and what belongs to it."""

    def __init__(self, put: Callable[[Draft, Any], None]) -> None:
        self._put = put

    def hop(self, call: Call, hop: Hop) -> None:
        """A record of a hop that is over, or was not tried."""
        draft = draft_of(call, hop)
        self._put(draft, beside(draft, call, hop))

    def passed(self, draft: Draft, text: str | None = None) -> None:
        """A record of a call that passed through; `text`: its request, by which its tokens are estimated."""
        self._put(draft, text)


def draft_of_passed(record: CallRecord, status: int | None, latency_ms: int) -> Draft:
    """What is known of a call that was passed through, whatever it was."""
    failed = status is None or status >= 400
    draft: Draft = {
        "id": record.id,
        "call_id": record.id,
        "hop": 0,
        "provider": record.provider,
        "request_model": "",
        "outcome": "failed" if failed else "served",
        "status": status or FAILED,
        "started_at": record.started_at,
        "latency_ms": latency_ms,
    }
    _attribute(draft, record)
    return draft


def beside(draft: Draft, call: Call, hop: Hop) -> Live:
    """What its record takes beside the draft: where the answer told its usage, no more than how to name the model.

    So the request and the answer are not kept in memory until the recorder comes by.
    """
    if "reported" in draft and hop.recorded is None:
        return None if hop.asked else call.naming
    return Seen(call, hop)


def unrecorded(_: Draft, live: Live) -> None:
    """Where nothing is recorded: whoever waits for a hop's record is told that there is none."""
    if isinstance(live, Seen) and live.hop.recorded is not None:
        live.hop.recorded(None)


def draft_of(call: Call, hop: Hop) -> Draft:
    """What is known of a hop as it ends, as JSON. Its usage stays as it stands on the wire."""
    record, call_id = call.record, call.record.id
    answered = hop.status == "served" or hop.status == "abandoned"
    draft: Draft = {
        "id": _id(call, hop, call_id),
        "call_id": call_id,
        "hop": hop.index,
        "provider": hop.provider,
        "request_model": hop.asked or hop.model,
        "outcome": hop.status,
        "status": 200 if answered else _status(hop),
        "attempts": hop.attempts,
        "started_at": record.started_at + (hop.started - call.started),
        "latency_ms": int(hop.duration_s * 1000),
    }
    if answered:
        draft["response_model"] = hop.model
        draft["response_id"] = hop.response_id
        draft["service_tier"] = hop.service_tier
        if isinstance(hop.usage, Reported) and hop.usage.usage:
            draft["reported"] = [hop.usage.wire, hop.usage.usage]
            if hop.usage.ran:
                draft["reported"].append(dict(hop.usage.ran))
    else:
        draft["kind"], draft["code"] = hop.kind, hop.code
    if hop.first_token_s is not None:
        draft["first_token_ms"] = int(hop.first_token_s * 1000)
    if hop.streamed:
        draft["streamed"] = True
    if record.stitched:
        draft["stitched"] = True
    if hop.losses:
        draft["losses"] = [loss.path for loss in hop.losses]
    _attribute(draft, record)
    return draft


def _attribute(draft: Draft, record: CallRecord) -> None:
    if record.run_id is not None:
        draft["run_id"], draft["parent_request_id"] = record.run_id, record.parent_request_id
        draft["agent_name"], draft["agent_path"] = record.agent_path[-1], record.agent_path
    if record.tags:
        draft["tags"] = record.tags
    if record.customer_id is not None:
        draft["customer_id"] = record.customer_id
    if record.session_id is not None:
        draft["session_id"] = record.session_id


def _id(call: Call, hop: Hop, call_id: str) -> str:
    """The first hop that is tried has the call's own id, which is what later calls name as their parent."""
    if hop.attempts and (hop.index == 0 or not any(earlier.attempts for earlier in call.record.hops[: hop.index])):
        return call_id
    return uuid7(call.record.started_at + (hop.started - call.started))


def _status(hop: Hop) -> int | None:
    if hop.status == "skipped":
        return None
    return hop.http_status or (CANCELLED if hop.kind == "cancelled" else FAILED)


def _asked(live: Live) -> str | None:
    """The model that the caller asked for, where the draft does not have it."""
    if live is None or isinstance(live, str):
        return None
    if isinstance(live, Seen):
        return None if live.hop.asked else live.call.model
    return live()


@dataclass(slots=True)
class Completing:
    """Makes records of drafts, in the recorder's thread, and shows each to its hop. `priced`: no gateway will do it."""

    trouble: Trouble
    priced: bool
    overrides: Overrides | None = None

    def __call__(self, draft: Draft, live: Live) -> Record:
        """`live` is None for a draft that a dead process left: its usage is what the draft says. Text: see `passed`."""
        if not isinstance(live, Seen):
            return self._made(draft, live)
        try:
            record = self._made(draft, live)
        except Exception:
            unrecorded(draft, live)
            raise
        if live.hop.recorded is not None:
            live.hop.recorded(record)
        return record

    def _made(self, draft: Draft, live: Live) -> Record:
        fields = {name: value for name, value in draft.items() if name in _FIELDS}
        if "losses" in fields:
            fields["losses"] = tuple(fields["losses"])
        hop = live.hop if isinstance(live, Seen) else None
        if (asked := _asked(live)) is not None:
            fields["request_model"] = asked
        if draft.get("operation") == "unmetered":
            self.trouble.stats.unmetered += 1
        found = counted(draft, live)
        fields["usage"], fields["usage_source"], fields["hosted"] = found.usage, found.source, found.hosted
        if found.source not in (None, "provider"):
            self._tell_estimated(draft)
        if found.usage is not None and (self.priced or (hop is not None and hop.recorded is not None)):
            fields |= self._price(fields, found.usage, found.hosted)
        return Record(**fields)

    def _tell_estimated(self, draft: Draft) -> None:
        from spaturzu.pricing.tokens import tokenizer_failure

        self.trouble.stats.estimated += 1
        if (error := tokenizer_failure()) is not None:
            self.trouble.tell(error, draft)

    def _price(self, fields: dict[str, Any], usage: Usage, hosted: Hosted) -> dict[str, Any]:
        load("spaturzu.pricing")
        from spaturzu.pricing import price

        found = price(
            fields["provider"],
            fields.get("response_model"),
            usage,
            hosted=hosted,
            request_model=fields["request_model"],
            service_tier=fields.get("service_tier"),
            at=fields["started_at"],
            overrides=self.overrides,
        )
        return {} if found is None else {"cost_nanodollars": found.nanodollars, "price_source": found.provenance}
