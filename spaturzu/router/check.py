"""What is wrong with a chain before any outage shows it. Sends nothing, unless the models are to be asked for."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, TypeAlias

from spaturzu_translators import structured
from spaturzu_translators.codec import codec
from spaturzu_translators.messages import Blob, Message, Provider, Text, Uri
from spaturzu_translators.requests import ReasoningOptions, Request, ResponseFormat, Tool, ToolChoice

from .chain import Target
from .lifecycle import Said
from .retirements import end_of
from .targets.common import resolve

Concern: TypeAlias = Literal["model", "price", "window", "capability", "retries", "domain"]
CONCERNS: tuple[Concern, ...] = ("model", "price", "window", "capability", "retries", "domain")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing wrong with one target, in a sentence that ends in what to do."""

    concern: Concern
    target: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a model: from a list of prices, or from its provider. None: not known."""

    has_price: bool
    context_window: int | None = None
    is_retired: bool | None = None


Lookup: TypeAlias = Callable[[Provider, str], Known]


SOON = timedelta(days=30)
"""A model that ends within so long is worth a finding."""


def check(targets: Sequence[Target], lookup: Lookup, today: date | None = None) -> Iterator[Finding]:
    """Findings for a chain, whose first target is the primary. One without a model is the primary of a drop-in."""
    today = today or datetime.now(UTC).date()
    known = {target.key: lookup(target.provider, target.model) for target in targets if target.model}
    for target in targets:
        if target.model:
            yield from _of_model(target, known[target.key])
            yield from _of_end(target, today)
        yield from _of_retries(target)
    for target in targets[1:]:
        if targets[0].model:
            yield from _of_window(target, targets[0], known)
        yield from _of_capabilities(target, targets[0])
    yield from _of_domains(targets)


def asked(targets: Sequence[Target], said: Sequence[Said], today: date | None = None) -> Iterator[Finding]:
    """Findings of what the providers say."""
    today = today or datetime.now(UTC).date()
    for target, of_model in zip(targets, said, strict=True):
        if of_model.exists is False:
            says = "the provider has no such model. Name one that it has"
            yield Finding(concern="model", target=name_of(target), says=says)
        if of_model.is_legacy and (of_model.ends is None or of_model.ends > today):
            until = f" until {of_model.ends}" if of_model.ends else ""
            says = f"its provider calls the model legacy, and serves it{until}. Name its successor"
            yield Finding(concern="model", target=name_of(target), says=says)
        else:
            yield from _of_day(target, of_model.ends, today)


def without_end(targets: Sequence[Target], said: Sequence[Said]) -> list[str]:
    """The targets of which neither we nor what was `said` knows when their model ends, and why it was not told."""
    return [
        name_of(target) + (f" (not told: {of_model.untold})" if of_model.untold else "")
        for target, of_model in zip(targets, said, strict=True)
        if target.model and of_model.ends is None and end_of(target.provider, target.model) is None
    ]


def name_of(target: Target) -> str:
    """`provider/model`."""
    return f"{target.provider}/{target.model or '(the call names it)'}"


def _of_model(target: Target, known: Known) -> Iterator[Finding]:
    if known.is_retired:
        says = "the list of prices calls the model deprecated: it ends soon, or has ended. Name its successor"
        yield Finding(concern="model", target=name_of(target), says=says)
    if not known.has_price:
        says = "no price is known, so its calls cost 'unknown' and no budget can count them. Add a price override"
        yield Finding(concern="price", target=name_of(target), says=says)


def _of_end(target: Target, today: date) -> Iterator[Finding]:
    yield from _of_day(target, end_of(target.provider, target.model), today)


def _of_day(target: Target, end: date | None, today: date) -> Iterator[Finding]:
    if end is not None and end <= today + SOON:
        ended = "ended" if end <= today else "ends"
        says = f"the model {ended} on {end}; calls get a 404 from then on. Name its successor"
        yield Finding(concern="model", target=name_of(target), says=says)


def _of_window(target: Target, primary: Target, known: dict[Any, Known]) -> Iterator[Finding]:
    ours, theirs = known[target.key].context_window, known[primary.key].context_window
    if ours is not None and theirs is not None and ours < theirs:
        says = (
            f"its context window ({ours:,}) is smaller than the primary's ({theirs:,}); longer calls cannot fall here"
        )
        yield Finding(concern="window", target=name_of(target), says=says)


_USER = Message(role="user", parts=(Text(text="probe"),))
_TOOL = Tool(name="probe", parameters={"type": "object", "properties": {"x": {"type": "string"}}})
_SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"], "additionalProperties": False}


def _with_part(part: Any) -> Request:
    return Request(model="", messages=(replace(_USER, parts=(*_USER.parts, part)),))


_BARE = Request(model="", messages=(_USER,))
PROBES: dict[str, Request] = {
    "tools": replace(_BARE, tools=(_TOOL,)),
    "a forced tool": replace(_BARE, tools=(_TOOL,), tool_choice=ToolChoice(mode="required", names=("probe",))),
    "structured output": replace(
        _BARE, response_format=ResponseFormat(type="json_schema", schema=_SCHEMA, name="probe", strict=True)
    ),
    "images": _with_part(Blob(modality="image", media_type="image/png", data="AAAA")),
    "images by URL": _with_part(Uri(modality="image", uri="https://example.com/a.png", media_type="image/png")),
    "documents": _with_part(Blob(modality="document", media_type="application/pdf", data="AAAA", name="a")),
    "audio": _with_part(Blob(modality="audio", media_type="audio/wav", data="AAAA")),
    "reasoning": replace(_BARE, reasoning=ReasoningOptions(effort="high")),
    "several answers (n)": replace(_BARE, candidate_count=2),
    "logprobs": replace(_BARE, logprobs=True),
}
"""A request for each capability that a call may need."""


def _of_capabilities(target: Target, primary: Target) -> Iterator[Finding]:
    missing = [name for name, probe in PROBES.items() if _lacks(target, probe) and not _lacks(primary, probe)]
    if missing:
        says = (
            f"calls with {', '.join(missing)} skip it: it cannot carry them as the primary does. Add a target that can"
        )
        yield Finding(concern="capability", target=name_of(target), says=says)


def _lacks(target: Target, probe: Request) -> bool:
    """Would the loss skip it? A forced tool stands in for structured output, as in a real call."""
    asked = replace(probe, model=target.model)
    encoded, _ = structured.encode_request(asked, codec(target.provider).encode_request)
    return any(loss.matters == "meaning" for loss in encoded.losses)


_POOLS = ("_client._transport._pool", "_api_client._httpx_client._transport._pool")


def _of_retries(target: Target) -> Iterator[Finding]:
    """The SDK's own retries are taken over; those of its transport and of unknown clients cannot be."""
    pools = (resolve(target.client, path) for path in _POOLS)
    layered = max((getattr(pool, "_retries", 0) or 0 for pool in pools if pool is not None), default=0)
    if layered:
        says = (
            f"its HTTP transport connects {layered} more times before the chain hears of a failure. Set retries=0 there"
        )
        yield Finding(concern="retries", target=name_of(target), says=says)
    elif target.sdk.max_retries(target.single) > 0 and target.single is target.client and _has_retries(target.client):
        says = "its client retries by itself and has no with_options() to stop that. Construct it with max_retries=0"
        yield Finding(concern="retries", target=name_of(target), says=says)


def _has_retries(client: Any) -> bool:
    return isinstance(getattr(client, "max_retries", None), int)


def _domain(target: Target) -> Hashable:
    """Endpoint and credential: a target's key less its model."""
    return replace(target, model="").key


def _of_domains(targets: Sequence[Target]) -> Iterator[Finding]:
    seen: dict[Any, Target] = {}
    for target in targets:
        domain = _domain(target)
        if domain in seen:
            says = (
                f"it shares endpoint and credential with {name_of(seen[domain])}: one outage or exhausted quota takes "
                "both. Use another region, key or provider"
            )
            yield Finding(concern="domain", target=name_of(target), says=says)
        seen.setdefault(domain, target)
