"""Content chunks and tool calls, both ways: what requests, answers and streams have in common.

Source: providers.md sections 5.3, 5.4, 6.3 and 10, 2026-11-22.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TypeAlias, cast

from ..codec import as_list, as_object
from ..foreign import UNSIGNED, Stripped, strip_blocks
from ..ids import map_id, short_name
from ..json_text import dumps
from ..loss import Losses
from ..media import DETAILS, type_by_suffix
from ..messages import (
    JSON,
    Blob,
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
    is_array,
)
from .reading import OWN, maybe_object, own_fields, required_string, rest_of, string, wrong

Chunk: TypeAlias = JSONObject

_TEXT = frozenset({"type", "text"})
_THINKING = frozenset({"type", "thinking", "signature"})
_CLOSED_THINKING = _THINKING | {"closed"}
_IMAGE = frozenset({"type", "image_url"})
_IMAGE_URL = frozenset({"url"})
_DOCUMENT = frozenset({"type", "document_url", "document_name"})
_AUDIO = frozenset({"type", "input_audio"})
_FILE = frozenset({"type", "file_id"})
_CALL = frozenset({"id", "type", "function", "index"})
_FUNCTION = frozenset({"name", "arguments"})

_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_NOT_IN_TOOL_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_TOOL_NAME_LIMIT = 64

_AUDIO_TYPES: tuple[tuple[str, str], ...] = (
    ("UklGR", "audio/wav"),
    ("ZkxhQw", "audio/flac"),
    ("T2dnUw", "audio/ogg"),
)
"""How base64 begins: RIFF, fLaC, OggS. The wire names no format; everything else counts as MP3."""


def decode_content(value: JSON, who: str) -> list[Part]:
    """A message's content: null, a string or a list of chunks."""
    if value is None or value == "":
        return []
    if isinstance(value, str):
        return [Text(value)]
    if not is_array(value):
        raise wrong(who, "a string or a list of chunks", value)
    return [decode_chunk(chunk, f"{who}[{at}]") for at, chunk in enumerate(value)]


def decode_chunk(value: JSON, who: str) -> Part:
    """One chunk. What no other provider has (references, resources, future types) stays opaque."""
    chunk = as_object(value, who)
    match chunk.get("type"):
        case "text":
            return Text(text=required_string(chunk, "text", who), provider_fields=rest_of(chunk, _TEXT))
        case "thinking":
            return _thinking(chunk, who)
        case "image_url":
            return _image(chunk, who)
        case "document_url":
            return _document(chunk, who)
        case "input_audio":
            return _audio(chunk, who)
        case "file":
            file_id = required_string(chunk, "file_id", who)
            fields = rest_of(chunk, _FILE)
            return File(modality="document", file_id=file_id, issuer=OWN, provider_fields=fields)
        case str():
            return Opaque(issuer=OWN, value=chunk)
        case kind:
            raise wrong(f"{who}.type", "a string", kind)


def in_words(part: Part) -> Part:
    """A reference or a resource in history as text, with the chunk beside it for Mistral; any other part as it is.

    Source: providers.md 5.3 and 11.5, 2026-11-22; mistralai 3.7.0's ReferenceChunk, ResourceChunk, ResourceLinkChunk.
    """
    if not isinstance(part, Opaque) or part.issuer != OWN:
        return part
    words = _words(cast(Chunk, part.value))
    return Text(text=words, provider_fields={OWN: {CHUNK: part.value}}) if words else part


CHUNK = "chunk"


def _words(chunk: Chunk) -> str:
    match chunk:
        case {"type": "reference", "reference_ids": [*ids]}:
            return f"[{', '.join(map(str, ids))}]"
        case {"type": "resource", "uri": str(uri), "content": {"type": "text", "text": str(text)}}:
            return f"{uri}\n{text}"
        case {"type": "resource_link", "uri": str(uri)}:
            return f"{chunk.get('title') or chunk.get('name') or 'resource'} ({uri})"
        case _:
            return ""


def _thinking(chunk: Chunk, who: str) -> Part:
    """`closed` is true unless said otherwise, so only false is worth keeping."""
    texts: list[str] = []
    for at, item in enumerate(as_list(chunk.get("thinking"), f"{who}.thinking")):
        inner = as_object(item, f"{who}.thinking[{at}]")
        if inner.get("type") != "text":
            return Opaque(issuer=OWN, value=chunk)
        texts.append(required_string(inner, "text", f"{who}.thinking[{at}]"))
    known = _THINKING if chunk.get("closed") is False else _CLOSED_THINKING
    signature = string(chunk, "signature", who)
    return Reasoning(
        text="".join(texts),
        signature=signature or None,
        issuer=None if signature == UNSIGNED else OWN,
        provider_fields=rest_of(chunk, known),
    )


def _image(chunk: Chunk, who: str) -> Part:
    """`image_url` is a URL or an object of `url` and `detail`."""
    value = chunk.get("image_url")
    detail: Detail | None = None
    if isinstance(value, str):
        url, fields = value, rest_of(chunk, _IMAGE)
    else:
        inner = as_object(value, f"{who}.image_url")
        detail = DETAILS.get(inner.get("detail"))
        known = _IMAGE_URL | {"detail"} if detail or inner.get("detail") == "auto" else _IMAGE_URL
        url, fields = required_string(inner, "url", f"{who}.image_url"), rest_of(inner, known)
    if not url.startswith("data:"):
        return Uri(modality="image", uri=url, detail=detail, provider_fields=fields)
    media_type, data = _data_url(url)
    if not media_type:
        return Opaque(issuer=OWN, value=chunk)
    return Blob(modality="image", media_type=media_type, data=data, detail=detail, provider_fields=fields)


def _document(chunk: Chunk, who: str) -> Part:
    url, name = required_string(chunk, "document_url", who), string(chunk, "document_name", who)
    fields = rest_of(chunk, _DOCUMENT)
    if not url.startswith("data:"):
        return Uri(modality="document", uri=url, name=name, provider_fields=fields)
    media_type, data = _data_url(url)
    if media_type != "application/pdf":
        return Opaque(issuer=OWN, value=chunk)
    return Blob(modality="document", media_type=media_type, data=data, name=name, provider_fields=fields)


def _audio(chunk: Chunk, who: str) -> Part:
    """`input_audio` is base64 without a format, or a URL."""
    value, fields = required_string(chunk, "input_audio", who), rest_of(chunk, _AUDIO)
    if value.startswith(("http://", "https://")):
        return Uri(modality="audio", uri=value, provider_fields=fields)
    if value.startswith("data:"):
        return Opaque(issuer=OWN, value=chunk)
    return Blob(modality="audio", media_type=audio_type(value), data=value, provider_fields=fields)


def _data_url(url: str) -> tuple[str, str]:
    """Media type and base64 text of a data URL; an empty type where it has none or is not base64."""
    head, found, data = url.partition(";base64,")
    return (head[len("data:") :], data) if found else ("", "")


def audio_type(data: str) -> str:
    """The media type that base64 audio shows by its first bytes."""
    return next((media_type for start, media_type in _AUDIO_TYPES if data.startswith(start)), "audio/mpeg")


def decode_calls(calls: list[JSONObject], who: str, seed: str) -> list[ToolCall]:
    return [decode_call(call, f"{who}[{at}]", f"{seed} {at}") for at, call in enumerate(calls)]


def decode_call(call: JSONObject, who: str, seed: str) -> ToolCall:
    """A tool call. One without an id (absent, or the SDK's "null") gets one that depends on `seed` alone."""
    function, found_id = maybe_object(call, "function", who) or {}, call_id(string(call, "id", who))
    fields = rest_of(call, _CALL)
    if not function.keys() <= _FUNCTION:
        inner = {name: value for name, value in function.items() if name not in _FUNCTION}
        fields = {OWN: {**own_fields(fields), "function": inner}}
    who = f"{who}.function"
    arguments = arguments_text(function.get("arguments"), who)
    name = required_string(function, "name", who)
    return ToolCall(found_id or synthetic_id(seed), name, arguments, None, fields)


def call_id(value: str | None) -> str | None:
    """An id, or None where there is none: the SDK writes a missing one as the string "null"."""
    return None if value == "null" else value or None


def synthetic_id(seed: str) -> str:
    """The same id for the same place."""
    return map_id(OWN, f"no id: {seed}")


def arguments_text(value: JSON, who: str) -> str:
    """Arguments as JSON text; the wire has them as text or as an object."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, dict):
        return dumps(value)
    raise wrong(f"{who}.arguments", "a string or an object", value)


def wire_id(call_id: str) -> str:
    """An id by the rules of the wire: exactly 9 letters and digits."""
    return map_id(OWN, call_id)


def encode_call(call: ToolCall, id_: str, name: str, *, index: int | None = None) -> JSONObject:
    """A whole call, `id_` and `name` being those of the wire. Answers number their calls, requests do not."""
    function: JSONObject = {"name": name, "arguments": call.arguments or "{}"}
    wire: JSONObject = {"id": id_, "type": "function", "function": function}
    if index is not None:
        wire["index"] = index
    if not call.provider_fields:
        return wire
    own = own_fields(call.provider_fields)
    function.update(own.get("function", {}))
    return _with_own(wire, own, except_for="function")


def wire_name(name: str) -> str:
    """A tool name by the wire's rules: up to 64 of `a-zA-Z0-9_-`. Two names stay two."""
    if _TOOL_NAME.fullmatch(name):
        return name
    clean = _NOT_IN_TOOL_NAME.sub("_", name)
    if clean == name:
        return short_name(name, _TOOL_NAME_LIMIT)
    return f"{clean[: _TOOL_NAME_LIMIT - 10]}_{map_id(OWN, f'tool {name}')}"


def content_of(chunks: list[Chunk]) -> str | list[Chunk]:
    """Plain text where that says it all."""
    if not chunks:
        return ""
    if len(chunks) == 1 and chunks[0].keys() == _TEXT:
        return cast(str, chunks[0]["text"])
    return chunks


def encode_parts(parts: Iterable[tuple[str, Part]], report: Losses) -> list[Chunk]:
    """The chunks of parts with their paths; what cannot be said is reported."""
    return [chunk for path, part in parts if (chunk := encode_part(part, path, report)) is not None]


def encode_part(part: Part, path: str, report: Losses) -> Chunk | None:
    """One chunk. Tool calls and results stand elsewhere on this wire; thoughts are shown as they are."""
    match part:
        case Text(provider_fields={"mistral": {"chunk": chunk}}):
            return cast(Chunk, chunk)
        case Text():
            return _completed({"type": "text", "text": part.text}, part, path, report)
        case Refusal():
            report.emulate(path)
            return {"type": "text", "text": part.text}
        case Reasoning():
            return think_chunk(part.text, part.signature, own_fields(part.provider_fields))
        case Blob():
            return _encode_blob(part, path, report)
        case Uri():
            return _encode_uri(part, path, report)
        case File():
            return _encode_file(part, path, report)
        case Opaque(issuer="mistral"):
            return cast(Chunk, part.value)
        case Opaque() | ToolCall() | ToolResult():
            report.drop(path, "meaning")
            return None


def think_chunk(text: str, signature: str | None, own: Mapping[str, JSON]) -> Chunk:
    inner = [{"type": "text", "text": text}] if text else []
    chunk: Chunk = {"type": "thinking", "thinking": inner, "closed": True, **own}
    if signature is not None:
        chunk["signature"] = signature
    return chunk


def shown_reasoning(part: Reasoning, path: str, report: Losses) -> Reasoning | None:
    """A thought as an answer may show it: only our own signature, an empty one on another's."""
    if part.issuer == OWN:
        return part
    if not part.text:
        report.drop(path)
        return None
    for name in ("signature", "redacted"):
        if getattr(part, name) is not None:
            report.drop(f"{path}.{name}")
    return replace(part, signature=UNSIGNED, redacted=None)


def strip(body: JSONObject, model: str) -> Stripped:
    """A request without the thoughts of other providers, whose signature is empty."""
    return strip_blocks(body, "messages", "content", _is_foreign)


def _is_foreign(chunk: JSONObject) -> bool:
    return chunk.get("type") == "thinking" and chunk.get("signature") == UNSIGNED


def _encode_blob(part: Blob, path: str, report: Losses) -> Chunk | None:
    url = f"data:{part.media_type};base64,{part.data}"
    match part.modality:
        case "image":
            return _image_chunk(url, part, path, report)
        case "document" if part.media_type == "application/pdf":
            return _document_chunk(url, part, path, report)
        case "document" if part.media_type.startswith("text/"):
            return _text_document(part, path, report)
        case "audio":
            if part.media_type != audio_type(part.data):
                report.approximate(f"{path}.media_type")
            _unsaid(part, path, report, "name")
            return _completed({"type": "input_audio", "input_audio": part.data}, part, path, report)
        case _:
            report.drop(path, "meaning")
            return None


def _encode_uri(part: Uri, path: str, report: Losses) -> Chunk | None:
    """URLs that the provider can fetch."""
    if part.modality == "video" or not part.uri.startswith(("http://", "https://")):
        report.drop(path, "meaning")
        return None
    if part.media_type not in (None, type_by_suffix(part.uri)):
        report.drop(f"{path}.media_type")
    match part.modality:
        case "image":
            return _image_chunk(part.uri, part, path, report)
        case "document":
            return _document_chunk(part.uri, part, path, report)
        case "audio":
            _unsaid(part, path, report, "name")
            return _completed({"type": "input_audio", "input_audio": part.uri}, part, path, report)


def _encode_file(part: File, path: str, report: Losses) -> Chunk | None:
    if part.issuer != OWN:
        report.drop(path, "meaning")
        return None
    return _completed({"type": "file", "file_id": part.file_id}, part, path, report)


def _image_chunk(url: str, part: Blob | Uri, path: str, report: Losses) -> Chunk:
    """`detail` and its like stand beside the URL in an object. Above `high` there is nothing."""
    _unsaid(part, path, report, "name", "cache")
    own = own_fields(part.provider_fields)
    if part.detail == "medium":
        report.drop(f"{path}.detail")
    elif part.detail is not None:
        own = {**own, "detail": "low" if part.detail == "low" else "high"}
        if part.detail == "ultra_high":
            report.approximate(f"{path}.detail")
    return {"type": "image_url", "image_url": {"url": url, **own} if own else url}


def _document_chunk(url: str, part: Blob | Uri, path: str, report: Losses) -> Chunk:
    chunk: Chunk = {"type": "document_url", "document_url": url}
    if part.name is not None:
        chunk["document_name"] = part.name
    return _completed(chunk, part, path, report)


def _text_document(part: Blob, path: str, report: Losses) -> Chunk | None:
    """A document of plain text is sent as text."""
    try:
        text = base64.b64decode(part.data).decode()
    except (binascii.Error, UnicodeDecodeError):
        report.drop(path, "meaning")
        return None
    report.emulate(path)
    return {"type": "text", "text": text}


def _completed(chunk: Chunk, part: Text | Blob | Uri | File, path: str, report: Losses) -> Chunk:
    """`chunk` with the part's own fields. There are no cache marks on this wire, only a cache key."""
    if part.cache is not None:
        report.drop(f"{path}.cache")
    if not isinstance(part, Text) and part.detail is not None:
        report.drop(f"{path}.detail")
    return _with_own(chunk, own_fields(part.provider_fields))


def _with_own(wire: JSONObject, own: Mapping[str, JSON], *, except_for: str = "") -> JSONObject:
    wire.update((name, value) for name, value in own.items() if name != except_for)
    return wire


def _unsaid(part: Blob | Uri, path: str, report: Losses, *names: str) -> None:
    for name in names:
        if getattr(part, name) is not None:
            report.drop(f"{path}.{name}")
