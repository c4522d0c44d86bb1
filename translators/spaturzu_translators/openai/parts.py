"""Content parts and tool calls of OpenAI chat completions, both ways: what requests and answers share.

Shapes: providers.md section 1.3, 2026-11-22.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import assert_never

from ..codec import BadWire, as_list, as_object
from ..ids import Remembered, map_id, short_hash, short_name
from ..loss import Losses
from ..media import DETAIL_WORDS, DETAILS, type_by_suffix
from ..messages import (
    JSON,
    NOTHING,
    Blob,
    CacheTtl,
    Detail,
    File,
    JSONObject,
    Opaque,
    Part,
    ProviderFields,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
)
from ..provider_fields import with_shared
from .model_facts import ModelFacts

_NO_FIELDS: Mapping[str, JSON] = {}
_AUDIO_TYPES = {"wav": "audio/wav", "mp3": "audio/mpeg"}
_AUDIO_FORMATS = {
    "audio/wav": "wav",
    "audio/x-wav": "wav",
    "audio/wave": "wav",
    "audio/mpeg": "mp3",
    "audio/mp3": "mp3",
}
_TEXT_TYPES = ("text/", "application/json", "application/xml")
_CACHE_TTLS: dict[CacheTtl, CacheTtl] = {"5m": "30m", "30m": "30m", "1h": "30m", "12h": "12h"}
_LEGAL_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_ILLEGAL = re.compile(r"[^a-zA-Z0-9_-]")


class Writing:
    """What one encoding collects besides its JSON."""

    __slots__ = ("facts", "losses", "names", "renamed")

    def __init__(self, facts: ModelFacts, losses: Losses, renamed: dict[str, str]) -> None:
        self.facts, self.losses, self.renamed = facts, losses, renamed
        self.names = Remembered(wire_name)

    def name(self, name: str) -> str:
        """A tool's name under OpenAI's rule `[a-zA-Z0-9_-]{1,64}`, noted where it changes."""
        wire = self.names[name]
        if wire != name:
            self.renamed[wire] = name
        return wire


def wire_name(name: str) -> str:
    """`name`, or a legal name that is as unique."""
    if _LEGAL_NAME.fullmatch(name):
        return short_name(name, 64)
    return f"{_ILLEGAL.sub('_', name)[:55]}_{short_hash(name)}"


def own(fields: ProviderFields) -> Mapping[str, JSON]:
    """OpenAI's own fields among `fields`."""
    return with_shared("openai", fields, _NO_FIELDS) if fields else _NO_FIELDS


def keep(extras: Mapping[str, JSON]) -> ProviderFields:
    """`extras` as OpenAI's own fields."""
    return {"openai": extras} if extras else NOTHING


def extras(value: JSONObject, known: frozenset[str]) -> dict[str, JSON]:
    """What `value` says beside `known`. A null or an empty list says nothing."""
    if value.keys() <= known:
        return {}
    return {name: item for name, item in value.items() if name not in known and item is not None and item != []}


def text_of(value: JSON, where: str) -> str:
    """`value` if it is a string, else BadWire."""
    if not isinstance(value, str):
        raise BadWire(f"{where} must be a string, found {type(value).__name__}")
    return value


def text_at(value: JSONObject, name: str, where: str) -> str:
    """The string under `name`, else BadWire."""
    found = value.get(name)
    return found if isinstance(found, str) else text_of(found, f"{where}.{name}")


def decode_content(content: JSON, where: str) -> list[Part]:
    """The parts of a message's `content`; `where` names the message in a BadWire."""
    if isinstance(content, str):
        return [Text(content)] if content else []
    if content is None:
        return []
    if not isinstance(content, list):
        raise BadWire(f"{where}.content must be a string or a list of parts, found {type(content).__name__}")
    items = as_list(content, where)
    return [_decode_part(item, f"{where}.content[{number}]") for number, item in enumerate(items)]


def _decode_part(item: JSON, where: str) -> Part:
    part = as_object(item, where)
    kind = text_at(part, "type", where)
    decode = _DECODERS.get(kind)
    decoded = decode(part, where) if decode else None
    return Opaque(issuer="openai", value=part) if decoded is None else decoded


def _decode_text(part: JSONObject, where: str) -> Part:
    text = text_at(part, "text", where)
    if len(part) == 2:
        return Text(text)
    cache, fields = _beside(part, "text")
    return Text(text=text, cache=cache, provider_fields=keep(fields))


def _decode_refusal(part: JSONObject, where: str) -> Part:
    _, fields = _beside(part, "refusal")
    return Refusal(text=text_of(part.get("refusal"), f"{where}.refusal"), provider_fields=keep(fields))


def _decode_image(part: JSONObject, where: str) -> Part | None:
    image = as_object(part.get("image_url"), f"{where}.image_url")
    url = text_of(image.get("url"), f"{where}.image_url.url")
    if image.keys() - {"url", "detail"}:
        return None
    cache, fields = _beside(part, "image_url")
    detail = DETAILS.get(image.get("detail"))
    if detail is None and image.get("detail") != "auto":  # which is what no detail means
        fields |= extras(image, frozenset({"url"}))
    kept = keep(fields)
    if not url.startswith("data:"):
        return Uri(modality="image", uri=url, detail=detail, cache=cache, provider_fields=kept)
    if (found := _split_data_url(url)) is None:
        return None
    return Blob(modality="image", media_type=found[0], data=found[1], detail=detail, cache=cache, provider_fields=kept)


def _decode_audio(part: JSONObject, where: str) -> Part | None:
    audio = as_object(part.get("input_audio"), f"{where}.input_audio")
    data = text_of(audio.get("data"), f"{where}.input_audio.data")
    media_type = _AUDIO_TYPES.get(text_of(audio.get("format"), f"{where}.input_audio.format"))
    if media_type is None or len(audio) != 2:
        return None
    cache, fields = _beside(part, "input_audio")
    return Blob(modality="audio", media_type=media_type, data=data, cache=cache, provider_fields=keep(fields))


def _decode_file(part: JSONObject, where: str) -> Part | None:
    """A stored file, or an inline PDF; any other inline file stays as it is."""
    file = {name: value for name, value in as_object(part.get("file"), f"{where}.file").items() if value is not None}
    cache, fields = _beside(part, "file")
    kept = keep(fields)
    match file:
        case {"file_id": str(file_id), **rest} if rest.keys() <= {"filename"}:
            name = rest.get("filename")
            return File(
                modality="document", file_id=file_id, issuer="openai", name=name, cache=cache, provider_fields=kept
            )
        case {"file_data": str(url), **rest} if rest.keys() <= {"filename"}:
            found = _split_data_url(url)
            if found is None or found[0] != "application/pdf":
                return None
            name = rest.get("filename")
            return Blob(
                modality="document", media_type=found[0], data=found[1], name=name, cache=cache, provider_fields=kept
            )
        case _:
            return None


_DECODERS = {
    "text": _decode_text,
    "refusal": _decode_refusal,
    "image_url": _decode_image,
    "input_audio": _decode_audio,
    "file": _decode_file,
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


def _split_data_url(url: str) -> tuple[str, str] | None:
    head, found, data = url.partition(";base64,")
    return (head[5:], data) if found and len(head) > 5 and head.startswith("data:") else None


def encode_content(parts: list[tuple[str, Part]], writing: Writing) -> JSON:
    """A message's `content`: one plain text as a string, else a list. `parts` come with their paths."""
    if len(parts) == 1:
        _, part = parts[0]
        if isinstance(part, Text) and not part.cache and not own(part.provider_fields):
            return part.text
    told = [(path, part) for path, part in parts if not isinstance(part, Text) or part.text]
    wire = [value for path, part in told if (value := _encode_part(part, path, writing)) is not None]
    return wire or ""


def _encode_part(part: Part, path: str, writing: Writing) -> JSONObject | None:
    match part:
        case Text():
            wire = {"type": "text", "text": part.text}
        case Refusal():
            wire = {"type": "refusal", "refusal": part.text}
        case Blob():
            wire = _encode_blob(part, path, writing)
        case Uri():
            wire = _encode_uri(part, path, writing)
        case File():
            wire = _encode_file(part, path, writing)
        case Opaque() if part.issuer == "openai":
            return part.value
        case Opaque() | Reasoning() | ToolCall() | ToolResult():
            wire = None
        case _:
            assert_never(part)
    if wire is None:
        writing.losses.drop(path, "meaning")
        return None
    return _with_own(wire, part, path, writing)


def _with_own(wire: JSONObject, part: Part, path: str, writing: Writing) -> JSONObject:
    """`wire` with the part's cache marker and own fields, `detail` inside `image_url`."""
    if isinstance(part, Text | Blob | Uri | File) and part.cache:
        wire |= _encode_cache(part.cache, f"{path}.cache", writing)
    if isinstance(part, Blob | Uri | File) and part.detail:
        _encode_detail(part.detail, wire, f"{path}.detail", writing)
    for name, value in own(part.provider_fields).items():
        (wire["image_url"] if name == "detail" and "image_url" in wire else wire)[name] = value
    return wire


def _encode_detail(detail: Detail, wire: JSONObject, path: str, writing: Writing) -> None:
    """A picture's only; `medium` has no word here."""
    if "image_url" not in wire or detail not in DETAIL_WORDS:
        writing.losses.drop(path)
    else:
        wire["image_url"]["detail"] = DETAIL_WORDS[detail]


def _encode_cache(cache: CacheTtl, path: str, writing: Writing) -> JSONObject:
    if not writing.facts.cache_breakpoints:
        writing.losses.drop(path)
        return {}
    ttl = _CACHE_TTLS[cache]
    if ttl != cache:
        writing.losses.approximate(path)
    return {"prompt_cache_breakpoint": {"mode": "explicit", "ttl": ttl}}


def _encode_blob(part: Blob, path: str, writing: Writing) -> JSONObject | None:
    match part.modality:
        case "image":
            _drop_name(part, path, writing)
            return {"type": "image_url", "image_url": {"url": f"data:{part.media_type};base64,{part.data}"}}
        case "audio":
            return _encode_audio(part, path, writing)
        case "document":
            return _encode_document(part, path, writing)
        case "video":
            return None
        case _:
            assert_never(part.modality)


def _encode_audio(part: Blob, path: str, writing: Writing) -> JSONObject | None:
    audio_format = _AUDIO_FORMATS.get(part.media_type)
    if audio_format is None:
        return None
    _drop_name(part, path, writing)
    if _AUDIO_TYPES[audio_format] != part.media_type:
        writing.losses.approximate(f"{path}.media_type")
    return {"type": "input_audio", "input_audio": {"data": part.data, "format": audio_format}}


def _encode_document(part: Blob, path: str, writing: Writing) -> JSONObject | None:
    """A PDF as a file; a text document as its text (chat completions read PDFs only)."""
    if part.media_type == "application/pdf":
        if part.name is None:
            writing.losses.approximate(f"{path}.name")
        data = f"data:application/pdf;base64,{part.data}"
        return {"type": "file", "file": {"filename": part.name or "document.pdf", "file_data": data}}
    if not part.media_type.startswith(_TEXT_TYPES):
        return None
    try:
        text = base64.b64decode(part.data).decode()
    except ValueError:
        return None
    writing.losses.emulate(path)
    return {"type": "text", "text": f"{part.name}:\n{text}" if part.name else text}


def _encode_uri(part: Uri, path: str, writing: Writing) -> JSONObject | None:
    if part.modality != "image" or not part.uri.startswith(("https://", "http://")):
        return None
    _drop_name(part, path, writing)
    if part.media_type not in (None, type_by_suffix(part.uri)):
        writing.losses.drop(f"{path}.media_type")
    return {"type": "image_url", "image_url": {"url": part.uri}}


def _encode_file(part: File, path: str, writing: Writing) -> JSONObject | None:
    if part.issuer != "openai":
        return None
    if part.modality != "document":
        writing.losses.approximate(f"{path}.modality")
    if part.media_type is not None:
        writing.losses.drop(f"{path}.media_type")
    file = {"file_id": part.file_id} | ({"filename": part.name} if part.name else {})
    return {"type": "file", "file": file}


def _drop_name(part: Blob | Uri, path: str, writing: Writing) -> None:
    if part.name is not None:
        writing.losses.drop(f"{path}.name")


_CALL = frozenset({"id", "type", "function", "index"})
_FUNCTION = frozenset({"name", "arguments"})


def decode_calls(message: JSONObject, where: str, renamed: Mapping[str, str], default_id: str) -> list[Part]:
    """A message's `tool_calls`, or its deprecated `function_call`. `default_id` stands where a call has none."""
    calls: list[Part] = []
    if message.get("tool_calls") is not None:
        items = enumerate(as_list(message["tool_calls"], f"{where}.tool_calls"))
        calls = [_decode_call(item, f"{where}.tool_calls[{at}]", renamed, (default_id, at)) for at, item in items]
    if message.get("function_call") is not None:
        function = as_object(message["function_call"], f"{where}.function_call")
        calls.append(_decode_call({"function": function}, where, renamed, (default_id,)))
    return calls


def _decode_call(item: JSON, where: str, renamed: Mapping[str, str], default_id: tuple[str | int, ...]) -> Part:
    call = as_object(item, where)
    if call.get("type") not in (None, "function", "") or call.get("function") is None:
        return Opaque(issuer="openai", value=call)
    call_id = text_at(call, "id", where) if call.get("id") else map_id("openai", "_".join(map(str, default_id)))
    where = f"{where}.function"
    function = as_object(call["function"], where)
    name = text_at(function, "name", where)
    arguments = _arguments(function.get("arguments"), where)
    return ToolCall(call_id, renamed.get(name, name), arguments, None, keep(call_extras(call)))


def call_extras(call: JSONObject) -> dict[str, JSON]:
    """What a call says of its own: OpenAI says nothing, compatible servers put signatures there."""
    function: JSONObject | None = call.get("function")
    if len(call) == 3 and function and len(function) == 2:
        return {}
    found = extras(call, _CALL)
    inner = extras(function, _FUNCTION) if function else None
    return found | {"function": inner} if inner else found


def _arguments(value: JSON, where: str) -> str:
    """JSON text; some compatible servers send the object itself."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    return json.dumps(value) if isinstance(value, dict) else text_of(value, f"{where}.arguments")


def encode_call(call: ToolCall, name: str) -> JSONObject:
    """A call as it stands in `tool_calls`, of the tool that is called `name` on the wire."""
    function: JSONObject = {"name": name, "arguments": call.arguments or "{}"}
    wire: JSONObject = {"id": map_id("openai", call.id), "type": "function", "function": function}
    if call.provider_fields:
        for name, value in own(call.provider_fields).items():
            if name == "function":
                function.update(value)
            else:
                wire[name] = value
    return wire


def is_call(part: Opaque) -> bool:
    """Does OpenAI's opaque part stand in `tool_calls` (a custom tool's call)? Only calls have an id there."""
    return part.issuer == "openai" and "id" in as_object(part.value, "openai part")
