"""JSON Schema between dialects. Each function says what it changed, so that a codec can report it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, cast

from .loss import Losses, Matters
from .messages import JSON, JSONObject, is_array, is_object

_OPENAPI_TYPES: dict[Any, str | None] = {
    "TYPE_UNSPECIFIED": None,
    "STRING": "string",
    "NUMBER": "number",
    "INTEGER": "integer",
    "BOOLEAN": "boolean",
    "ARRAY": "array",
    "OBJECT": "object",
    "NULL": "null",
    0: None,
    1: "string",
    2: "number",
    3: "integer",
    4: "boolean",
    5: "array",
    6: "object",
    7: "null",
}
_OPENAPI_NAMES = {
    "any_of": "anyOf",
    "one_of": "oneOf",
    "prefix_items": "prefixItems",
    "min_items": "minItems",
    "max_items": "maxItems",
    "min_length": "minLength",
    "max_length": "maxLength",
    "min_properties": "minProperties",
    "max_properties": "maxProperties",
    "additional_properties": "additionalProperties",
    "property_ordering": "propertyOrdering",
    "ref": "$ref",
    "defs": "$defs",
}
_OPENAPI_COUNTS = frozenset({"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"})


def from_openapi(schema: JSONObject) -> JSONObject:
    """Gemini's OpenAPI 3 `Schema` as JSON Schema.

    Types in capitals or as proto numbers become lower case, `nullable` an `anyOf` with null, counts written as strings
    numbers; `propertyOrdering` orders the properties. Source: google-genai 3.4.0 `types.Schema`, 2026-11-22.
    """
    said = {_OPENAPI_NAMES.get(name, name): value for name, value in schema.items() if value is not None}
    nullable, order = said.pop("nullable", False), said.pop("propertyOrdering", ())
    if said.get("format") == "enum":
        del said["format"]
    if "example" in said:
        said["examples"] = [said.pop("example")]
    found = {name: value for name, item in said.items() if (value := _from_openapi(name, item)) is not None}
    if isinstance(order, list) and isinstance(found.get("properties"), dict):
        found["properties"] = _ordered(found["properties"], cast("list[JSON]", order))
    return _nullable(found) if nullable else found


def _from_openapi(name: str, value: JSON) -> JSON:
    match name:
        case "type" if isinstance(value, str | int):
            return _OPENAPI_TYPES.get(value.upper() if isinstance(value, str) else value, value)
        case "items" | "additionalProperties" if isinstance(value, dict):
            return from_openapi(cast(JSONObject, value))
        case "properties" | "$defs" if isinstance(value, dict):
            return {key: _schema(item) for key, item in cast(JSONObject, value).items()}
        case "anyOf" | "oneOf" | "prefixItems" if isinstance(value, list):
            return [_schema(item) for item in cast("list[JSON]", value)]
        case _ if name in _OPENAPI_COUNTS and isinstance(value, str) and value.isdecimal() and len(value) < 20:
            return int(value)
        case _:
            return value


def _schema(value: JSON) -> JSON:
    return from_openapi(cast(JSONObject, value)) if isinstance(value, dict) else value


def _ordered(properties: JSONObject, order: list[JSON]) -> JSONObject:
    first = {name: properties[name] for name in order if isinstance(name, str) and name in properties}
    return first | properties


_ABOUT = ("title", "description", "default", "examples")


def _nullable(schema: JSONObject) -> JSONObject:
    about = {name: schema[name] for name in _ABOUT if name in schema}
    rest = {name: value for name, value in schema.items() if name not in about}
    if rest.keys() == {"anyOf"} and isinstance(rest["anyOf"], list):
        return {"anyOf": [*rest["anyOf"], {"type": "null"}], **about}
    return {"anyOf": [rest, {"type": "null"}], **about} if rest else about


_ANTHROPIC_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)
_TYPES = frozenset({"object", "array", "string", "integer", "number", "boolean", "null"})
_REMARKS = frozenset({"$schema", "$id", "$comment"})
_LIMITS = frozenset(
    {
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "format",
        "minItems",
        "maxItems",
        "uniqueItems",
        "minProperties",
        "maxProperties",
        "default",
        "examples",
        "deprecated",
        "readOnly",
        "writeOnly",
        "propertyOrdering",
    }
)
"""Keywords that narrow a value or describe it: as words in the description a model still follows them, mostly."""


def for_anthropic(schema: JSONObject) -> tuple[JSONObject, Matters | None]:
    """The schema in the dialect of Anthropic's structured outputs, and how much the change matters, if there is one.

    Every object is closed, `oneOf` becomes `anyOf`, a list of types an `anyOf`, and what the dialect lacks moves into
    the description. It matters (`meaning`) where structure is lost: an object that was open on purpose, a keyword that
    is more than a limit. Raises ValueError where no schema of the dialect says anything near.
    Source: providers.md 2.5, 2026-11-22.
    """
    lost: list[str] = []
    found = _anthropic(schema, lost)
    return (schema, None) if found == schema else (found, "meaning" if lost else "tuning")


def _anthropic(value: JSON, lost: list[str]) -> JSONObject:
    if not isinstance(value, dict):
        raise ValueError("the dialect has no schema that is true or false")
    rest = {name: item for name, item in cast(JSONObject, value).items() if name not in _REMARKS}
    kept: JSONObject = {}
    if "$defs" in rest:
        kept["$defs"] = {name: _anthropic(item, lost) for name, item in _members(rest.pop("$defs"))}
    if "$ref" in rest:
        if not str(rest["$ref"]).startswith("#/$defs/"):
            raise ValueError("the dialect has references into $defs only")
        return {**kept, "$ref": rest["$ref"]}
    if isinstance(rest.get("type"), list):
        rest = _one_type_each(rest)
    kept.update((name, rest.pop(name)) for name in ("title", "description") if name in rest)
    _put_literals(rest, kept)
    _put_union(rest, kept, lost)
    _put_type(rest, kept, lost)
    if not kept.keys() & {"type", "anyOf", "allOf", "enum", "const"}:
        raise ValueError("the dialect has no schema that allows any value")
    return _told(rest, kept, lost)


def _members(schemas: JSON) -> Iterable[tuple[str, JSON]]:
    if not isinstance(schemas, dict):
        raise ValueError("properties and definitions are objects")
    return cast(JSONObject, schemas).items()


def _one_type_each(schema: JSONObject) -> JSONObject:
    """`{"type": ["string", "null"], ...}` as an `anyOf` of one type each."""
    about = {name: schema[name] for name in ("title", "description", "default", "enum", "const") if name in schema}
    rest = {name: item for name, item in schema.items() if name not in about and name != "type"}
    if "enum" in about or "const" in about:
        return {**about, **rest}
    return {
        **about,
        "anyOf": [{"type": "null"} if kind == "null" else {**rest, "type": kind} for kind in schema["type"]],
    }


def _put_literals(rest: JSONObject, kept: JSONObject) -> None:
    if isinstance(rest.get("enum"), list) and rest["enum"] and all(map(_is_plain, rest["enum"])):
        kept["enum"] = rest.pop("enum")
    if "const" in rest and _is_plain(rest["const"]):
        kept["const"] = rest.pop("const")


def _is_plain(value: JSON) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _put_union(rest: JSONObject, kept: JSONObject, lost: list[str]) -> None:
    for name in ("anyOf", "oneOf", "allOf"):
        if isinstance(rest.get(name), list) and not kept.keys() & {"anyOf", "allOf"}:
            kept["allOf" if name == "allOf" else "anyOf"] = [_anthropic(item, lost) for item in rest.pop(name)]
            rest.pop("type", None)


def _put_type(rest: JSONObject, kept: JSONObject, lost: list[str]) -> None:
    kind = rest.pop("type", None)
    if kind is None:
        return
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ValueError("the dialect lacks this type")
    kept["type"] = kind
    if kind == "object":
        _put_object(rest, kept, lost)
    elif kind == "array":
        _put_array(rest, kept, lost)
    elif kind == "string" and str(rest.get("format")) in _ANTHROPIC_FORMATS:
        kept["format"] = rest.pop("format")


def _put_object(rest: JSONObject, kept: JSONObject, lost: list[str]) -> None:
    if rest.pop("additionalProperties", False) is not False:
        lost.append("additionalProperties")
    properties = {name: _anthropic(item, lost) for name, item in _members(rest.pop("properties", {}))}
    kept.update(properties=properties, additionalProperties=False)
    if "required" in rest:
        kept["required"] = rest.pop("required")


def _put_array(rest: JSONObject, kept: JSONObject, lost: list[str]) -> None:
    if "items" in rest:
        kept["items"] = _anthropic(rest.pop("items"), lost)
    if rest.get("minItems") in (0, 1):
        kept["minItems"] = rest.pop("minItems")


def _told(rest: JSONObject, kept: JSONObject, lost: list[str]) -> JSONObject:
    """`kept`, with what is left of the schema in its description."""
    if not rest:
        return kept
    lost.extend(rest.keys() - _LIMITS)
    words = "{" + ", ".join(f"{name}: {json.dumps(item, ensure_ascii=False)}" for name, item in rest.items()) + "}"
    return {**kept, "description": f"{kept['description']}\n\n{words}" if kept.get("description") else words}


def openai_strict(strict: bool | None, schema: JSON, path: str, losses: Losses) -> bool | None:
    """`strict` as OpenAI takes it: it refuses a schema outside of its strict dialect, which then binds no more: a loss.

    Source: providers.md 1.4, 2026-11-22; the keywords: developers.openai.com, structured outputs, read 2026-11-30.
    """
    if not strict or schema is None or (is_object(schema) and schema.get("type") == "object" and _is_strict(schema)):
        return strict
    losses.drop(f"{path}.strict")
    return None


_NOT_STRICT = frozenset(
    {"allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "patternProperties"}
)


def _is_strict(schema: JSON) -> bool:
    """Is every object in it closed, with all of its properties required, and no keyword one that the dialect lacks?"""
    if not is_object(schema) or schema.keys() & _NOT_STRICT or ("$ref" in schema and len(schema) > 1):
        return False
    properties = schema.get("properties", {})
    if "properties" in schema or schema.get("type") == "object":
        required = schema.get("required", [])
        if schema.get("additionalProperties") is not False or not (is_object(properties) and is_array(required)):
            return False
        if any(name not in required for name in properties):
            return False
    return all(map(_is_strict, _inner(schema)))


def _inner(schema: JSONObject) -> Iterable[JSON]:
    """The schemas right inside of it."""
    for name in ("properties", "$defs", "definitions"):
        found = schema.get(name)
        yield from found.values() if is_object(found) else ()
    any_of = schema.get("anyOf")
    yield from any_of if is_array(any_of) else ()
    if "items" in schema:
        yield schema["items"]
