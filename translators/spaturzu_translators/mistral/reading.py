"""Typed reads of wire JSON: null counts as absent, a wrong type raises BadWire that names the place."""

from __future__ import annotations

from collections.abc import Mapping

from ..codec import BadWire, as_list, as_object
from ..messages import JSON, NOTHING, JSONObject, ProviderFields, is_object
from ..provider_fields import with_shared

OWN = "mistral"
NO_FIELDS: Mapping[str, JSON] = {}


def wrong(who: str, expected: str, found: JSON) -> BadWire:
    """The error that says that `who` must be `expected`."""
    return BadWire(f"{who} must be {expected}, found {type(found).__name__}")


def string(source: JSONObject, name: str, who: str) -> str | None:
    value = source.get(name)
    if value is None or isinstance(value, str):
        return value
    raise wrong(f"{who}.{name}", "a string", value)


def required_string(source: JSONObject, name: str, who: str) -> str:
    value = source.get(name)
    if isinstance(value, str):
        return value
    raise wrong(f"{who}.{name}", "a string", value)


def integer(source: JSONObject, name: str, who: str) -> int | None:
    value = source.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise wrong(f"{who}.{name}", "a whole number", value)


def number(source: JSONObject, name: str, who: str) -> float | None:
    value = source.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise wrong(f"{who}.{name}", "a number", value)


def boolean(source: JSONObject, name: str, who: str) -> bool | None:
    value = source.get(name)
    if value is None or isinstance(value, bool):
        return value
    raise wrong(f"{who}.{name}", "true or false", value)


def maybe_object(source: JSONObject, name: str, who: str) -> JSONObject | None:
    value = source.get(name)
    return value if value is None or is_object(value) else as_object(value, f"{who}.{name}")


def objects(source: JSONObject, name: str, who: str, *, required: bool = False) -> list[JSONObject]:
    """The objects of the array `name`; none where it may be absent and is."""
    value = source.get(name)
    if value is None and not required:
        return []
    found = as_list(value, f"{who}.{name}")
    for at, item in enumerate(found):
        if not is_object(item):
            as_object(item, f"{who}.{name}[{at}]")
    return found


def rest_of(source: JSONObject, known: frozenset[str]) -> ProviderFields:
    """What `source` says beyond the `known` names, as this provider's own fields."""
    if source.keys() <= known:
        return NOTHING
    return kept({name: value for name, value in source.items() if name not in known and value is not None})


def kept(rest: Mapping[str, JSON]) -> ProviderFields:
    """`rest` as this provider's own fields."""
    return {OWN: rest} if rest else NOTHING


def own_fields(fields: ProviderFields) -> Mapping[str, JSON]:
    """The fields that a decoder of this folder kept."""
    return with_shared(OWN, fields, NO_FIELDS) if fields else NO_FIELDS
