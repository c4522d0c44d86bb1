"""Reading Bedrock's JSON with clear complaints."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any, NoReturn, cast

from ..codec import BadWire
from ..messages import JSON, JSONObject, ProviderFields, is_array, is_object

OWN = "bedrock"
NO_FIELDS: JSONObject = {}


def object_or_none(value: JSON) -> JSONObject | None:
    """`value` where it is an object."""
    return value if is_object(value) else None


def own_fields(fields: ProviderFields) -> JSONObject:
    """Bedrock's own fields. Not to be changed."""
    return cast(JSONObject, fields.get(OWN, NO_FIELDS)) if fields else NO_FIELDS


def keep(fields: JSONObject) -> ProviderFields:
    """Provider fields that hold `fields`, which is not empty."""
    return {OWN: fields}


def rest(found: JSONObject, known: AbstractSet[str]) -> JSONObject:
    """The members beside the known ones; null counts as absent."""
    if found.keys() <= known:
        return NO_FIELDS
    return {name: value for name, value in found.items() if name not in known and value is not None}


def expected(value: JSON, kind: str, where: str) -> NoReturn:
    """Raise BadWire: `where must be kind, found ...`."""
    raise BadWire(f"{where} must be {kind}, found {type(value).__name__}")


def object_at(found: JSONObject, name: str, where: str) -> JSONObject | None:
    """A member that is an object or absent."""
    value = found.get(name)
    if value is None:
        return None
    return value if is_object(value) else expected(value, "an object", f"{where}.{name}")


def an_object(found: JSONObject, name: str, where: str) -> JSONObject:
    """A member that must be there and be an object."""
    value = found.get(name)
    return value if is_object(value) else expected(value, "an object", f"{where}.{name}")


def list_at(found: JSONObject, name: str, where: str) -> list[Any]:
    """A member that is a list, or empty where absent."""
    value = found.get(name)
    if value is None:
        return []
    return value if is_array(value) else expected(value, "a list", f"{where}.{name}")


def text_at(found: JSONObject, name: str, where: str) -> str | None:
    """A member that is a string or absent."""
    value = found.get(name)
    return value if value is None or isinstance(value, str) else expected(value, "a string", f"{where}.{name}")


def a_text(found: JSONObject, name: str, where: str) -> str:
    """A member that must be there and be a string."""
    value = found.get(name)
    return value if isinstance(value, str) else expected(value, "a string", f"{where}.{name}")


def integer_at(found: JSONObject, name: str, where: str) -> int | None:
    """A member that is a whole number or absent."""
    value = found.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    return (
        int(value)
        if isinstance(value, float) and value.is_integer()
        else expected(value, "an integer", f"{where}.{name}")
    )


def number_at(found: JSONObject, name: str, where: str) -> float | None:
    """A member that is a number or absent."""
    value = found.get(name)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    return expected(value, "a number", f"{where}.{name}")
