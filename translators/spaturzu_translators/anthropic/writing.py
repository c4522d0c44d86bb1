"""Canonical parts as content blocks: what requests, responses and streams share.

Source: providers.md 2.3, 2026-11-22.
"""

from __future__ import annotations

import base64
from binascii import Error as BadBase64
from collections.abc import Iterable
from typing import assert_never

from ..ids import map_id
from ..json_text import parsed_object
from ..loss import Losses
from ..media import type_by_suffix
from ..messages import (
    Blob,
    CacheTtl,
    File,
    JSONObject,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
    only_text,
)
from .reading import own_fields

_PDF = "application/pdf"
IMAGE_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})

_CONTROLS: dict[CacheTtl, JSONObject] = {
    "5m": {"type": "ephemeral"},
    "30m": {"type": "ephemeral", "ttl": "1h"},
    "1h": {"type": "ephemeral", "ttl": "1h"},
    "12h": {"type": "ephemeral", "ttl": "1h"},
}
_UNKNOWN_CACHE = ("30m", "12h")


def with_cache(block: JSONObject, cache: CacheTtl | None, path: str, losses: Losses) -> JSONObject:
    """`block`, marked. Half an hour and half a day become an hour."""
    if cache:
        block["cache_control"] = _CONTROLS[cache]
        if cache in _UNKNOWN_CACHE:
            losses.approximate(f"{path}.cache")
    return block


def encode_blocks(parts: Iterable[Part], path: str, losses: Losses) -> list[JSONObject]:
    """The blocks of a message's parts, with what is lost on the way."""
    blocks = (encode_block(part, f"{path}[{index}]", losses) for index, part in enumerate(parts))
    return [block for block in blocks if block is not None]


def encode_block(part: Part, path: str, losses: Losses) -> JSONObject | None:
    """A part as the block of a request; None where it has none."""
    match part:
        case Text():
            return _encode_text(part, path, losses)
        case ToolCall():
            return encode_tool_use(part, path, losses)
        case ToolResult():
            return _encode_tool_result(part, path, losses)
        case Blob() | Uri() | File():
            return _encode_media(part, path, losses)
        case Reasoning():
            return _replayed(part, path, losses)
        case Refusal():
            return encode_refusal(part, path, losses)
        case Opaque():
            return encode_opaque(part, path, losses)
        case _:
            assert_never(part)


def _encode_text(part: Text, path: str, losses: Losses) -> JSONObject | None:
    """Blank text is an error here, so it is left out."""
    own = own_fields(part.provider_fields)
    if own and "search_result" in own:
        return with_cache(dict(own["search_result"]), part.cache, path, losses)
    if not part.text.strip():
        if part.text:
            losses.drop(path)
        return None
    return with_cache({"type": "text", "text": part.text, **own}, part.cache, path, losses)


def encode_refusal(part: Refusal, path: str, losses: Losses) -> JSONObject | None:
    """A refusal's words as plain text."""
    if not part.text:
        return None
    losses.emulate(path)
    return {"type": "text", "text": part.text}


def encode_opaque(part: Opaque, path: str, losses: Losses) -> JSONObject | None:
    """Our own block as it was; nobody else's."""
    if part.issuer == "anthropic":
        return part.value
    losses.drop(path, "meaning")
    return None


def _replayed(part: Reasoning, path: str, losses: Losses) -> JSONObject | None:
    """A thought goes back only where it came from, and only signed: the API rejects any other."""
    if part.issuer == "anthropic" and (part.signature or part.redacted is not None):
        return thinking_block(part)
    losses.drop(path)
    return None


def thinking_block(part: Reasoning) -> JSONObject:
    """One of our own thoughts."""
    if part.redacted is not None:
        return {"type": "redacted_thinking", "data": part.redacted}
    own = own_fields(part.provider_fields)
    return {"type": "thinking", "thinking": part.text, "signature": part.signature or "", **own}


def encode_tool_use(part: ToolCall, path: str, losses: Losses) -> JSONObject:
    """A call. `input` is an object here: arguments that are none stand in it as text under `_raw`."""
    block: JSONObject = {
        "type": "tool_use",
        "id": map_id("anthropic", part.id),
        "name": part.name,
        "input": _input(part.arguments, path, losses),
    }
    if part.provider_fields:
        block |= own_fields(part.provider_fields)
    return with_cache(block, part.cache, path, losses) if part.cache else block


def _input(arguments: str, path: str, losses: Losses) -> JSONObject:
    value = parsed_object(arguments or "{}")
    if value is None:
        losses.emulate(f"{path}.arguments")
        return {"_raw": arguments}
    return value


def _encode_tool_result(part: ToolResult, path: str, losses: Losses) -> JSONObject:
    block: JSONObject = {"type": "tool_result", "tool_use_id": map_id("anthropic", part.call_id)}
    if (text := only_text(part.content)) and not text.isspace():
        block["content"] = text
    elif content := encode_blocks(part.content, f"{path}.content", losses):
        block["content"] = compact(content)
    if part.is_error:
        block["is_error"] = True
    if part.provider_fields:
        block |= own_fields(part.provider_fields)
    return with_cache(block, part.cache, path, losses) if part.cache else block


def compact(blocks: list[JSONObject]) -> str | list[JSONObject]:
    """One bare text block is as good as its text."""
    if len(blocks) == 1 and blocks[0]["type"] == "text" and len(blocks[0]) == 2:
        return blocks[0]["text"]
    return blocks


def _encode_media(part: Blob | Uri | File, path: str, losses: Losses) -> JSONObject | None:
    source = _source(part, path, losses)
    if source is None:
        losses.drop(path, "meaning")
        return None
    block: JSONObject = {"type": part.modality, "source": source}
    if part.name is not None:
        if part.modality == "document":
            block["title"] = part.name
        else:
            losses.drop(f"{path}.name")
    if part.detail is not None:
        losses.drop(f"{path}.detail")
    block.update(own_fields(part.provider_fields))
    return with_cache(block, part.cache, path, losses)


def _source(part: Blob | Uri | File, path: str, losses: Losses) -> JSONObject | None:
    """The `source` of an image or document block, or None: there is no audio or video here."""
    if part.modality not in ("image", "document"):
        return None
    match part:
        case Blob():
            return (
                _image_source(part, path, losses) if part.modality == "image" else _document_source(part, path, losses)
            )
        case Uri():
            return _url_source(part, path, losses)
        case File():
            return _file_source(part, path, losses)
        case _:
            assert_never(part)


def _image_source(part: Blob, path: str, losses: Losses) -> JSONObject | None:
    kind = part.media_type
    if kind == "image/jpg":
        kind = "image/jpeg"
        losses.approximate(f"{path}.media_type")
    return {"type": "base64", "media_type": kind, "data": part.data} if kind in IMAGE_TYPES else None


def _document_source(part: Blob, path: str, losses: Losses) -> JSONObject | None:
    if part.media_type == "application/pdf":
        return {"type": "base64", "media_type": part.media_type, "data": part.data}
    if not part.media_type.startswith("text/"):
        return None
    try:
        text = base64.b64decode(part.data).decode()
    except (BadBase64, ValueError):
        return None
    if part.media_type != "text/plain":
        losses.emulate(f"{path}.media_type")
    return {"type": "text", "media_type": "text/plain", "data": text}


def _url_source(part: Uri, path: str, losses: Losses) -> JSONObject | None:
    if not part.uri.startswith(("https://", "http://")):
        return None
    promised = type_by_suffix(part.uri)
    if part.modality == "image":
        if part.media_type not in (None, promised):
            losses.drop(f"{path}.media_type")
    elif (part.media_type or promised or _PDF) != _PDF:
        return None
    elif (part.media_type or promised) is None:
        losses.approximate(f"{path}.media_type")
    return {"type": "url", "url": part.uri}


def _file_source(part: File, path: str, losses: Losses) -> JSONObject | None:
    if part.issuer != "anthropic":
        return None
    if part.media_type is not None:
        losses.drop(f"{path}.media_type")
    return {"type": "file", "file_id": part.file_id}
