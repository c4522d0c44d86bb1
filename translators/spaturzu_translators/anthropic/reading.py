"""Content blocks as canonical parts: what requests, responses and streams share.

Source: providers.md 2.3, 2026-11-22.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NoReturn, TypeAlias

from ..codec import BadWire, as_list, as_object
from ..json_text import compact_dumps
from ..messages import (
    JSON,
    NOTHING,
    RESULT_PARTS,
    Blob,
    CacheTtl,
    File,
    JSONObject,
    Message,
    Opaque,
    Part,
    ProviderFields,
    Reasoning,
    ResultPart,
    Text,
    ToolCall,
    ToolResult,
    Uri,
    is_array,
    is_object,
    lone_block,
)
from ..provider_fields import with_shared
from ..search_results import as_text, only_text

Names: TypeAlias = Mapping[str, str]
"""A tool call's id to its tool's name."""

_NONE: Mapping[str, JSON] = MappingProxyType({})
_TTLS: dict[str, CacheTtl] = {"5m": "5m", "1h": "1h"}


def string(value: JSONObject, name: str, who: str) -> str:
    """The string under `name`, else BadWire."""
    found = value.get(name)
    return found if isinstance(found, str) else wrong(f"{who}.{name}", "a string", found)


def wrong(what: str, wanted: str, found: JSON) -> NoReturn:
    """Raise BadWire: `what` must be `wanted`, and is not."""
    raise BadWire(f"{what} must be {wanted}, found {type(found).__name__}")


def own_fields(provider_fields: ProviderFields) -> Mapping[str, JSON]:
    """What stood on this provider's own wire."""
    return with_shared("anthropic", provider_fields, _NONE) if provider_fields else _NONE


def kept_fields(fields: Mapping[str, JSON]) -> ProviderFields:
    """`fields` as provider fields; none at all where there are none."""
    return {"anthropic": fields} if fields else NOTHING


def extras(block: JSONObject, known: frozenset[str]) -> tuple[CacheTtl | None, ProviderFields]:
    """The cache mark of a block, and its fields that have no canonical name. A null is no field."""
    if block.keys() <= known:
        return None, NOTHING
    rest = {name: value for name, value in block.items() if name not in known and value is not None}
    if not rest:
        return None, NOTHING
    cache = cache_of(rest.get("cache_control"))
    if cache:
        del rest["cache_control"]
    return cache, kept_fields(rest)


def cache_of(control: JSON) -> CacheTtl | None:
    """The time to live that a `cache_control` asks for, 5 minutes where it does not say; None if it is not that."""
    if not is_object(control):
        return None
    if control.get("type") != "ephemeral" or control.keys() - {"type", "ttl"}:
        return None
    return _TTLS.get(str(control.get("ttl") or "5m"))


def decode_blocks(content: JSON, who: str, names: Names) -> tuple[Part, ...]:
    """The parts of a message's content: a string or a list of blocks."""
    if isinstance(content, str):
        return (Text(content),)
    if not is_array(content):
        wrong(who, "a string or a list of blocks", content)
    return tuple([decode_block(block, f"{who}[{number}]", names) for number, block in enumerate(content)])


def decode_block(block: JSON, who: str, names: Names) -> Part:
    """One block as a part; a block without a canonical name is Opaque."""
    found = as_object(block, who)
    decode = _DECODERS.get(string(found, "type", who))
    return decode(found, who, names) if decode else Opaque(issuer="anthropic", value=found)


_TEXT = frozenset({"type", "text"})
_UNCITED = _TEXT | {"citations"}


def decode_text(block: JSONObject, who: str, names: Names) -> Text:
    """A text block. `citations` stay ours."""
    text = string(block, "text", who)
    if len(block) == 2:
        return Text(text)
    citations = block.get("citations")
    if citations is not None:
        as_list(citations, f"{who}.citations")
    cache, fields = extras(block, _TEXT if citations else _UNCITED)
    return Text(text=text, cache=cache, provider_fields=fields)


_THINKING = frozenset({"type", "thinking", "signature"})


def _decode_thinking(block: JSONObject, who: str, names: Names) -> Reasoning:
    """An empty signature is what a foreign target's thoughts carry: nobody issued it, so nobody gets it back."""
    signature = block.get("signature") or None
    if signature is not None and not isinstance(signature, str):
        wrong(f"{who}.signature", "a string", signature)
    _, fields = extras(block, _THINKING)
    issuer = "anthropic" if signature else None
    text = string(block, "thinking", who)
    return Reasoning(text=text, signature=signature, issuer=issuer, provider_fields=fields)


def _decode_redacted(block: JSONObject, who: str, names: Names) -> Reasoning:
    return Reasoning(redacted=string(block, "data", who), issuer="anthropic")


_TOOL_USE = frozenset({"type", "id", "name", "input"})


def _decode_tool_use(block: JSONObject, who: str, names: Names) -> ToolCall:
    cache, fields = extras(block, _TOOL_USE)
    call_id, name = string(block, "id", who), string(block, "name", who)
    return ToolCall(call_id, name, arguments_text(block.get("input") or {}), cache, fields)


def arguments_text(value: JSON) -> str:
    """A tool call's input as the model would have written it."""
    return compact_dumps(value)


_TOOL_RESULT = frozenset({"type", "tool_use_id", "content", "is_error"})


def _decode_tool_result(block: JSONObject, who: str, names: Names) -> ToolResult:
    call_id, content = string(block, "tool_use_id", who), block.get("content")
    parts = () if content is None or content == "" else decode_blocks(content, f"{who}.content", names)
    cache, fields = extras(block, _TOOL_RESULT)
    return ToolResult(
        call_id=call_id,
        content=tuple([_result_part(part, who) for part in parts]),
        name=names.get(call_id),
        is_error=bool(block.get("is_error")),
        cache=cache,
        provider_fields=fields,
    )


def _result_part(part: Part, who: str) -> ResultPart:
    if isinstance(part, RESULT_PARTS):
        return part
    raise BadWire(f"{who}.content must not hold a {type(part).__name__}")


def plain_tool_turn(turn: JSON, names: Names) -> Message | None:
    """The turn that makes one call, or gives its text, and says no more; None where it is anything else."""
    block = lone_block(turn, "content")
    if block is None:
        return None
    part, role = None, turn["role"]
    if role == "assistant" and len(block) == 4 and block.get("type") == "tool_use":
        part = _plain_call(block)
    elif role == "user" and len(block) == 3 and block.get("type") == "tool_result":
        part = _plain_result(block, names)
    return None if part is None else Message(role, (part,))


def _plain_call(block: JSONObject) -> ToolCall | None:
    call_id, name, arguments = block.get("id"), block.get("name"), block.get("input")
    if isinstance(call_id, str) and isinstance(name, str) and is_object(arguments):
        return ToolCall(call_id, name, arguments_text(arguments))
    return None


def _plain_result(block: JSONObject, names: Names) -> ToolResult | None:
    call_id, text = block.get("tool_use_id"), block.get("content")
    if text and isinstance(text, str) and isinstance(call_id, str):
        return ToolResult(call_id, (Text(text),), names.get(call_id))
    return None


_IMAGE = frozenset({"type", "source"})


def _decode_image(block: JSONObject, who: str, names: Names) -> Part:
    source = as_object(block.get("source"), f"{who}.source")
    cache, fields = extras(block, _IMAGE)
    match source.get("type"):
        case "base64":
            kind, data = string(source, "media_type", f"{who}.source"), string(source, "data", f"{who}.source")
            return Blob(modality="image", media_type=kind, data=data, cache=cache, provider_fields=fields)
        case "url":
            uri = string(source, "url", f"{who}.source")
            return Uri(modality="image", uri=uri, cache=cache, provider_fields=fields)
        case "file":
            file_id = string(source, "file_id", f"{who}.source")
            return File(modality="image", file_id=file_id, issuer="anthropic", cache=cache, provider_fields=fields)
        case _:
            return Opaque(issuer="anthropic", value=block)


_DOCUMENT = frozenset({"type", "source", "title"})
_CONTENT_DOCUMENT = frozenset({"type", "title"})


def _decode_document(block: JSONObject, who: str, names: Names) -> Part:
    source, name = as_object(block.get("source"), f"{who}.source"), block.get("title")
    if name is not None and not isinstance(name, str):
        wrong(f"{who}.title", "a string", name)
    cache, fields = extras(block, _DOCUMENT)
    match source.get("type"):
        case "base64":
            kind, data = string(source, "media_type", f"{who}.source"), string(source, "data", f"{who}.source")
        case "text":
            kind, data = "text/plain", _base64(string(source, "data", f"{who}.source"))
        case "content" if (text := only_text(source.get("content"))) is not None:
            kind, data = "text/plain", _base64(text)
            cache, fields = extras(block, _CONTENT_DOCUMENT)  # the source itself is kept: it marks what can be cited
        case "url":
            uri = string(source, "url", f"{who}.source")
            kind = "application/pdf"
            return Uri(modality="document", uri=uri, media_type=kind, name=name, cache=cache, provider_fields=fields)
        case "file":
            id_ = string(source, "file_id", f"{who}.source")
            return File(
                modality="document", file_id=id_, issuer="anthropic", name=name, cache=cache, provider_fields=fields
            )
        case _:
            return Opaque(issuer="anthropic", value=block)
    return Blob(modality="document", media_type=kind, data=data, name=name, cache=cache, provider_fields=fields)


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


_SEARCH_RESULT = frozenset({"type", "source", "title", "content", "citations"})


def _decode_search_result(block: JSONObject, who: str, names: Names) -> Part:
    """Text that names its source, so that every provider can read it; we get the block itself back."""
    cache, _ = extras(block, _SEARCH_RESULT)
    kept = {name: value for name, value in block.items() if name != "cache_control"} if cache else block
    return as_text(kept, cache) or Opaque(issuer="anthropic", value=block)


_DECODERS: dict[str, Callable[[JSONObject, str, Names], Part]] = {
    "text": decode_text,
    "thinking": _decode_thinking,
    "redacted_thinking": _decode_redacted,
    "tool_use": _decode_tool_use,
    "tool_result": _decode_tool_result,
    "image": _decode_image,
    "document": _decode_document,
    "search_result": _decode_search_result,
}
