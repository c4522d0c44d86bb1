"""Own fields, names and ids of OpenAI's Responses: what all of its files share.

What stands on this wire only is kept under `openai_responses`. What OpenAI's two wires say alike is kept under
`openai`, so that it goes from one to the other: `SHARED`. Files and encrypted thoughts are OpenAI's, whichever wire
they came by.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ..codec import BadWire
from ..ids import map_id, short_hash, short_name
from ..loss import Loss, Losses
from ..messages import JSON, NOTHING, JSONObject, ProviderFields, Wire
from ..provider_fields import with_shared
from .model_facts import ModelFacts

OWN: Wire = "openai_responses"
SHARED = frozenset({"moderation", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"})
"""Parameters of one name and one meaning on both wires; `verbosity` has one meaning, in two places."""

_CARRIED = re.compile(rf"provider_fields\.openai\.(?:{'|'.join(sorted(SHARED))}|verbosity|service_tier)")
_NO_FIELDS: Mapping[str, JSON] = {}
_LEGAL_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")
_OURS = re.compile(r"(?:msg|rs|fc)_spaturzu_")
_CALL_ID_LENGTH = 64


@dataclass(slots=True)
class Writing:
    """What one encoding collects besides its JSON."""

    facts: ModelFacts
    losses: Losses
    renamed: dict[str, str]

    def name(self, name: str) -> str:
        """A tool's name under OpenAI's rule `[a-zA-Z0-9_-]{1,64}`, noted where it changes."""
        wire = wire_name(name)
        if wire != name:
            self.renamed[wire] = name
        return wire


def wire_name(name: str) -> str:
    """`name`, or a legal name that is as unique."""
    if _LEGAL_NAME.fullmatch(name):
        return short_name(name, 64)
    return f"{_ILLEGAL.sub('_', name)[:55]}_{short_hash(name)}"


def call_id(given: str) -> str:
    """A call's id, of at most 64 characters (providers.md 6.3, 2026-11-22)."""
    return given if 0 < len(given) <= _CALL_ID_LENGTH else map_id("openai", given)


def item_id(prefix: str, response_id: str, number: int) -> str:
    """The id of an output item that another provider's answer becomes; it is known again by its form."""
    return f"{prefix}_spaturzu_{short_hash(response_id)}_{number}"


def is_ours(given: JSON) -> bool:
    """Did `item_id` make it? Then OpenAI has never heard of it."""
    return isinstance(given, str) and _OURS.match(given) is not None


_FOREIGN = "resp_spaturzu_"


def shown_id(given: str) -> str:
    """The id of an answer as its caller sees it: one that OpenAI did not give is known again by its form."""
    return given if given.startswith("resp_") else f"{_FOREIGN}{given}"


def given_id(shown: str) -> str:
    """The id that the answer had where it was given."""
    return shown.removeprefix(_FOREIGN)


def is_foreign_answer(given: JSON) -> bool:
    """Did `shown_id` make it, of another provider's id?"""
    return isinstance(given, str) and given.startswith(_FOREIGN)


def own(fields: ProviderFields) -> Mapping[str, JSON]:
    """This wire's own fields among `fields`."""
    return fields.get(OWN, _NO_FIELDS) if fields else _NO_FIELDS


def shared(fields: ProviderFields) -> Mapping[str, JSON]:
    """What OpenAI's chat completions would say too."""
    return with_shared("openai", fields, _NO_FIELDS) if fields else _NO_FIELDS


def keep(fields: Mapping[str, JSON], of_both: Mapping[str, JSON] = _NO_FIELDS) -> ProviderFields:
    """`fields` as this wire's own, `of_both` as both wires'."""
    if not of_both:
        return {OWN: fields} if fields else NOTHING
    return {OWN: fields, "openai": of_both} if fields else {"openai": of_both}


def not_carried(foreign: Iterable[Loss]) -> Iterator[Loss]:
    """Less what both of OpenAI's wires say."""
    return (loss for loss in foreign if not _CARRIED.fullmatch(loss.path))


def not_answered(foreign: Iterable[Loss]) -> Iterator[Loss]:
    """Less what both of OpenAI's wires say in an answer: the moderation of one has another shape on the other."""
    return (loss for loss in foreign if loss.path != "provider_fields.openai.service_tier")


def extras(value: JSONObject, known: frozenset[str]) -> dict[str, JSON]:
    """What `value` says beside `known`. A null or an empty list says nothing."""
    return {name: item for name, item in value.items() if name not in known and item is not None and item != []}


def text_of(value: JSON, where: str) -> str:
    """`value` if it is a string, else BadWire."""
    if not isinstance(value, str):
        raise BadWire(f"{where} must be a string, found {type(value).__name__}")
    return value
