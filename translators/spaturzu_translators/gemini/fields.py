"""Gemini's JSON objects: proto JSON, whose keys may be camelCase or snake_case and whose nulls mean absent.

Own fields without a canonical name keep their place as a dotted name: `generationConfig.mediaResolution`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NoReturn

from ..codec import BadWire, as_list, as_object
from ..messages import JSON, NOTHING, JSONObject, ProviderFields, is_object


@lru_cache(maxsize=1024)
def _camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(word[:1].upper() + word[1:] for word in rest) if head else name


def fields(value: JSON, who: str) -> JSONObject:
    """The object's fields by camelCase name, without its nulls. `who` is the subject of the BadWire."""
    found = as_object(value, who)
    for name, item in found.items():
        if item is None or "_" in name:
            return {_camel(name): item for name, item in found.items() if item is not None}
    return found


def items(value: JSON, who: str) -> list[JSON]:
    """A repeated field; Google's parsers also take a single object for a list of one."""
    return [value] if is_object(value) else as_list(value, who)


def string(value: JSON, who: str) -> str:
    """`value` if it is a string, else BadWire."""
    if not isinstance(value, str):
        raise BadWire(f"{who} must be a string, found {type(value).__name__}")
    return value


def string_at(values: JSONObject, name: str, who: str, default: str | None = None) -> str:
    """The string under `name`; without a `default`, a BadWire where there is none."""
    value = values.get(name, default)
    return value if isinstance(value, str) else wrong(values, name, who, "a string")


def wrong(values: JSONObject, name: str, who: str, expected: str) -> NoReturn:
    """Raise the BadWire that says what should stand under `name`."""
    if name not in values:
        raise BadWire(f"{who} lacks {name}")
    raise BadWire(f"{who}.{name} must be {expected}, found {type(values[name]).__name__}")


def strings(value: JSON, who: str) -> tuple[str, ...]:
    """`value` if it is a list of strings, else BadWire."""
    return tuple(string(item, f"{who}[{number}]") for number, item in enumerate(as_list(value, who)))


def number(value: JSON, who: str) -> float:
    """`value` if it is a number, else BadWire."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise BadWire(f"{who} must be a number, found {type(value).__name__}")
    return value


_INT64 = 20
"""Characters of the longest one; of many more Python makes no number at all."""


def integer(value: JSON, who: str) -> int:
    """`value` if it is a whole number (proto JSON also writes `5.0` and `"5"`), else BadWire."""
    if isinstance(value, str) and len(value) <= _INT64 and value.removeprefix("-").isdecimal():
        return int(value)
    found = number(value, who)
    if isinstance(found, float) and not found.is_integer():
        raise BadWire(f"{who} must be a whole number, found {value}")
    return int(value)


def boolean(value: JSON, who: str) -> bool:
    """`value` if it is true or false, else BadWire."""
    if not isinstance(value, bool):
        raise BadWire(f"{who} must be true or false, found {type(value).__name__}")
    return value


def rest(values: JSONObject, known: frozenset[str]) -> JSONObject:
    """What stands beside the `known` names; a dict of its own."""
    if values.keys() <= known:
        return {}
    return {name: value for name, value in values.items() if name not in known}


def own(values: JSONObject) -> ProviderFields:
    """`values` as Gemini's provider fields."""
    return {"gemini": values} if values else NOTHING


def own_fields(provider_fields: ProviderFields) -> Mapping[str, JSON]:
    """Gemini's own fields."""
    return provider_fields.get("gemini", NOTHING) if provider_fields else NOTHING


def put(target: JSONObject, name: str, value: Any) -> None:
    """Set a field by its dotted name."""
    *path, last = name.split(".")
    for step in path:
        target = target.setdefault(step, {})
    target[last] = value


def put_own(target: JSONObject, provider_fields: ProviderFields) -> JSONObject:
    """`target` with Gemini's own fields back in their places."""
    if provider_fields:
        for name, value in provider_fields.get("gemini", NOTHING).items():
            put(target, name, value)
    return target
