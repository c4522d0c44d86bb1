"""Content parts of OpenAI's Responses, both ways: what a message, a tool's result or an answer is made of.

A part without canonical name is Opaque, as `{"content": part}`: items, which stand beside messages, are Opaque as they
are. Shapes: providers.md section 1.R, 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from ..codec import BadWire, as_list, as_object
from ..media import DETAIL_WORDS, DETAILS, type_by_suffix
from ..messages import (
    JSON,
    Blob,
    CacheTtl,
    Detail,
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
)
from .fields import OWN, Writing, extras, keep, own, text_of

_CACHE_TTLS: dict[CacheTtl, CacheTtl] = {"5m": "30m", "30m": "30m", "1h": "30m", "12h": "12h"}


def decode_content(content: JSON, where: str) -> list[Part]:
    """The parts of a `content`, or of a tool's `output`; `where` names it in a BadWire."""
    if isinstance(content, str):
        return [Text(text=content)] if content else []
    if content is None:
        return []
    if not isinstance(content, list):
        raise BadWire(f"{where} must be a string or a list of parts, found {type(content).__name__}")
    return [decode_part(item, f"{where}[{number}]") for number, item in enumerate(as_list(content, where))]


def decode_part(item: JSON, where: str) -> Part:
    """One part."""
    part = as_object(item, where)
    decode = _DECODERS.get(text_of(part.get("type"), f"{where}.type"))
    decoded = decode(part, where) if decode else None
    return Opaque(issuer=OWN, value={"content": part}) if decoded is None else decoded


def _decode_text(part: JSONObject, where: str) -> Part:
    text = text_of(part.get("text"), f"{where}.text")
    if len(part) == 2:
        return Text(text=text)
    cache, fields = _beside(part, "text")
    as_list(fields.get("annotations", []), f"{where}.annotations")
    return Text(text=text, cache=cache, provider_fields=keep(fields))


def _decode_refusal(part: JSONObject, where: str) -> Part:
    _, fields = _beside(part, "refusal")
    return Refusal(text=text_of(part.get("refusal"), f"{where}.refusal"), provider_fields=keep(fields))


def _decode_image(part: JSONObject, where: str) -> Part | None:
    cache, fields = _beside(part, "detail")
    match fields:
        case {"image_url": str(url), **rest} if not rest:
            media = _media("image", url, None, cache)
        case {"file_id": str(file_id), **rest} if not rest:
            media = File(modality="image", file_id=file_id, issuer="openai", cache=cache)
        case {"image_url": _} | {"file_id": _}:
            media = None
        case _:
            raise BadWire(f"{where} must have an image_url or a file_id")
    return media and _looked_at(media, part.get("detail"))


def _looked_at(media: Blob | Uri | File, detail: JSON) -> Part:
    """`media` with the `detail` that stood beside it; `auto` says nothing."""
    if detail in (None, "auto"):
        return media
    known = DETAILS.get(detail)
    return replace(media, detail=known) if known else replace(media, provider_fields=keep({"detail": detail}))


def _decode_file(part: JSONObject, where: str) -> Part | None:
    cache, fields = _beside(part, "filename")
    detail, name = fields.pop("detail", None), part.get("filename")
    if name is not None:
        text_of(name, f"{where}.filename")
    match fields:
        case {"file_id": str(file_id), **rest} if not rest:
            media = File(modality="document", file_id=file_id, issuer="openai", name=name, cache=cache)
        case {"file_data": str(data), **rest} if not rest and data.startswith("data:"):
            media = _media("document", data, name, cache)
        case {"file_url": str(url), **rest} if not rest:
            media = _media("document", url, name, cache)
        case _:
            media = None
    return media and _looked_at(media, detail)


def _media(modality: JSON, url: str, name: str | None, cache: CacheTtl | None) -> Blob | Uri | None:
    """Inline media, or media at an address; None where a `data:` address is not base64."""
    if not url.startswith("data:"):
        return Uri(modality=modality, uri=url, name=name, cache=cache)
    head, found, data = url.partition(";base64,")
    if not found or len(head) <= 5:
        return None
    return Blob(modality=modality, media_type=head[5:], data=data, name=name, cache=cache)


_DECODERS = {
    "input_text": _decode_text,
    "output_text": _decode_text,
    "text": _decode_text,
    "refusal": _decode_refusal,
    "input_image": _decode_image,
    "input_file": _decode_file,
}


def _beside(part: JSONObject, payload: str) -> tuple[CacheTtl | None, dict[str, JSON]]:
    """A part's cache marker, and what else stands beside its `type` and `payload`."""
    fields = extras(part, frozenset({"type", payload}))
    match fields.get("prompt_cache_breakpoint"):
        case {"mode": "explicit", **rest} if rest.keys() <= {"ttl"} and rest.get("ttl", "30m") in ("30m", "12h"):
            del fields["prompt_cache_breakpoint"]
            return rest.get("ttl", "30m"), fields
        case _:
            return None, fields


def encode_content(parts: Sequence[tuple[str, Part]], writing: Writing) -> JSON:
    """What a user, the instructions or a tool say: one plain text as a string, else a list."""
    if len(parts) == 1 and isinstance(parts[0][1], Text) and is_plain(parts[0][1]):
        return parts[0][1].text
    told = [(path, part) for path, part in parts if not isinstance(part, Text) or part.text]
    wire = [value for path, part in told if (value := _encode_input(part, path, writing)) is not None]
    return wire or ""


def is_plain(part: Text) -> bool:
    """Is there nothing but text?"""
    return not part.cache and not own(part.provider_fields)


def _encode_input(part: Part, path: str, writing: Writing) -> JSONObject | None:
    match part:
        case Text():
            wire = {"type": "input_text", "text": part.text}
        case Blob():
            wire = _encode_blob(part, path, writing)
        case Uri():
            wire = _encode_uri(part, path, writing)
        case File():
            wire = _encode_file(part, path, writing)
        case Opaque(value={"content": content}) if part.issuer == OWN:
            return content
        case Opaque() | Reasoning() | ToolCall() | ToolResult() | Refusal():
            wire = None
        case _:
            assert_never(part)
    if wire is None:
        writing.losses.drop(path, "meaning")
        return None
    return _with_own(wire, part, path, writing)


def encode_output(part: Text | Refusal | Opaque, path: str, writing: Writing) -> JSONObject:
    """What an assistant said, as it stands in a message of its own."""
    match part:
        case Text():
            if part.cache:
                writing.losses.drop(f"{path}.cache")
            fields = {name: value for name, value in own(part.provider_fields).items() if name != "item"}
            return {"type": "output_text", "text": part.text, "annotations": [], **fields}
        case Refusal():
            return {"type": "refusal", "refusal": part.text}
        case Opaque():
            return part.value["content"]
        case _:
            assert_never(part)


def _with_own(wire: JSONObject, part: Part, path: str, writing: Writing) -> JSONObject:
    """`wire` with the part's cache marker and its own fields."""
    if isinstance(part, Text | Blob | Uri | File) and part.cache:
        wire |= _encode_cache(part.cache, f"{path}.cache", writing)
    if wire["type"] == "input_image":
        wire["detail"] = "auto"
    if isinstance(part, Blob | Uri | File) and part.detail:
        _encode_detail(part.detail, wire, f"{path}.detail", writing)
    return {**wire, **own(part.provider_fields)}


def _encode_detail(detail: Detail, wire: JSONObject, path: str, writing: Writing) -> None:
    """Pictures and files have one; `medium` has no word here, and a file nothing above `high`."""
    if detail not in DETAIL_WORDS:
        writing.losses.drop(path)
        return
    wire["detail"] = DETAIL_WORDS[detail]
    if wire["type"] == "input_file" and detail == "ultra_high":
        wire["detail"] = "high"
        writing.losses.approximate(path)


def _encode_cache(cache: CacheTtl, path: str, writing: Writing) -> JSONObject:
    if not writing.facts.cache_breakpoints:
        writing.losses.drop(path)
        return {}
    ttl = _CACHE_TTLS[cache]
    if ttl != cache:
        writing.losses.approximate(path)
    return {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": ttl}}


def _encode_blob(part: Blob, path: str, writing: Writing) -> JSONObject | None:
    data = f"data:{part.media_type};base64,{part.data}"
    match part.modality:
        case "image":
            _drop_name(part, path, writing)
            return {"type": "input_image", "image_url": data}
        case "document":
            if part.name is None:  # it is required here
                writing.losses.approximate(f"{path}.name")
            return {"type": "input_file", "filename": part.name or _file_name(part.media_type), "file_data": data}
        case "audio" | "video":
            return None
        case _:
            assert_never(part.modality)


def _file_name(media_type: str) -> str:
    kind = media_type.partition("/")[2]
    return f"document.{kind}" if kind.isalnum() else "document"


def _encode_uri(part: Uri, path: str, writing: Writing) -> JSONObject | None:
    if part.modality not in ("image", "document") or not part.uri.startswith(("https://", "http://")):
        return None
    if part.media_type not in (None, type_by_suffix(part.uri)):
        writing.losses.drop(f"{path}.media_type")
    if part.modality == "image":
        _drop_name(part, path, writing)
        return {"type": "input_image", "image_url": part.uri}
    return {"type": "input_file", "file_url": part.uri} | ({"filename": part.name} if part.name else {})


def _encode_file(part: File, path: str, writing: Writing) -> JSONObject | None:
    if part.issuer != "openai":
        return None
    if part.media_type is not None:
        writing.losses.drop(f"{path}.media_type")
    if part.modality == "image":
        _drop_name(part, path, writing)
        return {"type": "input_image", "file_id": part.file_id}
    if part.modality != "document":
        writing.losses.approximate(f"{path}.modality")
    return {"type": "input_file", "file_id": part.file_id} | ({"filename": part.name} if part.name else {})


def _drop_name(part: Blob | Uri | File, path: str, writing: Writing) -> None:
    if part.name is not None:
        writing.losses.drop(f"{path}.name")
