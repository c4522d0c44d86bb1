"""Gemini's parts, both ways, for requests, responses and streams alike.

    {"text"} {"text", "thought": true} {"functionCall"} {"functionResponse"} {"inlineData"} {"fileData"}

Any part may carry `thoughtSignature` (providers.md 4.3, 2026-11-22). Everything else becomes an Opaque.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from typing import Any, assert_never, cast

from ..codec import as_object
from ..ids import map_id
from ..json_text import dumps, parsed, parsed_object
from ..loss import Losses
from ..media import type_by_suffix
from ..messages import (
    JSON,
    NOTHING,
    Blob,
    File,
    JSONObject,
    Modality,
    Opaque,
    Part,
    ProviderFields,
    Reasoning,
    Refusal,
    ResultPart,
    Text,
    ToolCall,
    ToolResult,
    Uri,
    is_object,
    lone_block,
    only_text,
)
from .detail import own_detail, put_detail
from .fields import boolean, fields, items, own, put_own, string, string_at, wrong

SENTINEL = b64encode(b"skip_thought_signature_validator").decode()
"""Stands in for the signature of a call that another provider made."""

_SENTINELS = (SENTINEL, "skip_thought_signature_validator")
_STORES = ("https://generativelanguage.googleapis.com/", "files/")
_CAN_FETCH = ("https://", "http://", "gs://")
_DEFAULT_TYPES: dict[Modality, str] = {
    "image": "image/jpeg",
    "document": "application/pdf",
    "audio": "audio/mpeg",
    "video": "video/mp4",
}


def decode_part(value: JSON, who: str) -> Part:
    """One part. A call or result that names no id has the id "": what is around it tells which it is."""
    part = as_object(value, who)
    if len(part) == 1 and isinstance(text := part.get("text"), str):  # nearly every part of a chat
        return Text(text)
    part = fields(part, who)
    for kind, decode in _DECODERS.items():
        if kind in part:
            return decode(part, who)
    if part.get("thought") is True and part.keys() <= {"thought", "thoughtSignature"}:
        return _decode_text({"text": "", **part}, who)
    return Opaque(issuer="gemini", value=value)


def plain_tool_part(content: JSON) -> ToolCall | ToolResult | None:
    """The one part of a turn that calls a tool, or gives its text, and says no more; None where it is anything else.

    `{"functionCall": {"id", "name", "args"}}`, unsigned, or
    `{"functionResponse": {"id", "name", "response": {"output": "some text"}}}`.
    """
    part = lone_block(content, "parts")
    if part is None:
        return None
    if len(part) == 1 and is_object(result := part.get("functionResponse")):
        return _plain_result(result)
    if is_object(call := part.get("functionCall")) and _is_bare(part):
        return _plain_call(call)
    return None


def _is_bare(part: JSONObject) -> bool:
    """Does it say nothing beside its kind?"""
    return len(part) == 1 or (len(part) == 2 and is_sentinel(part.get("thoughtSignature")))


def _plain_call(call: JSONObject) -> ToolCall | None:
    call_id, name, arguments = call.get("id"), call.get("name"), call.get("args")
    if len(call) == 3 and isinstance(call_id, str) and isinstance(name, str) and is_object(arguments):
        return ToolCall(call_id, name, dumps(arguments))
    return None


def _plain_result(result: JSONObject) -> ToolResult | None:
    call_id, name, response = result.get("id"), result.get("name"), result.get("response")
    if len(result) == 3 and isinstance(call_id, str) and isinstance(name, str) and is_object(response):
        text = response.get("output")
        if len(response) == 1 and isinstance(text, str):
            return ToolResult(call_id, (Text(text),), name)
    return None


def signature_of(part: JSONObject) -> str | None:
    """A part's thought signature; the sentinel of an emulated one counts as none."""
    signature = part.get("thoughtSignature")
    return None if is_sentinel(signature) else signature


def is_sentinel(signature: JSON) -> bool:
    """Is it what stands for the signature of what Gemini never said?"""
    return signature in _SENTINELS


def _decode_text(part: JSONObject, who: str) -> Text | Reasoning:
    text = string(part["text"], f"{who}.text")
    if len(part) == 1:
        return Text(text=text)
    if "thought" in part and boolean(part["thought"], f"{who}.thought"):
        signature = signature_of(part)
        if signature is not None:
            string(signature, f"{who}.thoughtSignature")
        rest = _rest(part, "text", "thought", "thoughtSignature")
        issuer = None if is_sentinel(part.get("thoughtSignature")) else "gemini"
        return Reasoning(text=text, signature=signature, issuer=issuer, provider_fields=own(rest))
    return Text(text=text, provider_fields=own(_rest(part, "text")))


_CALL = frozenset({"id", "name", "args"})
_RESPONSE = frozenset({"id", "name", "response", "parts"})
_INLINE = frozenset({"mimeType", "data", "displayName"})
_FILE = frozenset({"mimeType", "fileUri", "displayName"})


def _decode_call(part: JSONObject, who: str) -> ToolCall:
    who = f"{who}.functionCall"
    call = fields(part["functionCall"], who)
    arguments = dumps(_any_object(call, "args", who))
    beside = _beside(part, "functionCall", call, _CALL)
    return ToolCall(string_at(call, "id", who, ""), string_at(call, "name", who), arguments, None, beside)


def _decode_result(part: JSONObject, who: str) -> ToolResult:
    who = f"{who}.functionResponse"
    result = fields(part["functionResponse"], who)
    content, is_error, structured = _decode_answer(_any_object(result, "response", who))
    if "parts" in result:
        media = enumerate(items(result["parts"], f"{who}.parts"))
        content = (*content, *(_result_part(item, f"{who}.parts[{n}]") for n, item in media))
    return ToolResult(
        call_id=string_at(result, "id", who, ""),
        content=content,
        name=string_at(result, "name", who),
        is_error=is_error,
        structured=structured,
        provider_fields=_beside(part, "functionResponse", result, _RESPONSE),
    )


def _decode_answer(answer: JSONObject) -> tuple[tuple[ResultPart, ...], bool, bool]:
    """`response` as text, whether it is an error, whether the text is JSON.

    Google reads `output` and `error` as the answer itself, and any other object as the answer in whole.
    """
    if not answer:
        return (), False, False
    is_error = len(answer) == 1 and "error" in answer
    said: Any = answer
    if len(answer) == 1 and (is_error or "output" in answer):
        (said,) = answer.values()
    if isinstance(said, str):
        return (Text(said),), is_error, False
    return (Text(dumps(said)),), is_error, True


def _result_part(value: JSON, who: str) -> ResultPart:
    part = decode_part(value, who)
    return part if isinstance(part, _MEDIA) else Opaque(issuer="gemini", value=value)


_MEDIA = (Blob, Uri, File)


def _decode_inline(part: JSONObject, who: str) -> Blob:
    who = f"{who}.inlineData"
    detail, part = own_detail(part)
    blob = fields(part["inlineData"], who)
    media_type = string_at(blob, "mimeType", who, "")
    return Blob(
        modality=modality_of(media_type),
        media_type=media_type,
        data=_standard_base64(string_at(blob, "data", who)),
        name=_name(blob, who),
        detail=detail,
        provider_fields=_beside(part, "inlineData", blob, _INLINE),
    )


def _decode_file(part: JSONObject, who: str) -> Uri | File:
    who = f"{who}.fileData"
    detail, part = own_detail(part)
    data = fields(part["fileData"], who)
    uri = string_at(data, "fileUri", who)
    media_type = string_at(data, "mimeType", who) if "mimeType" in data else None
    modality = modality_of(media_type or _type_by_name(uri))
    extra = _beside(part, "fileData", data, _FILE)
    name = _name(data, who)
    if uri.startswith(_STORES):
        return File(
            modality=modality,
            file_id=uri,
            issuer="gemini",
            media_type=media_type,
            name=name,
            detail=detail,
            provider_fields=extra,
        )
    return Uri(modality=modality, uri=uri, media_type=media_type, name=name, detail=detail, provider_fields=extra)


_DECODERS: dict[str, Callable[[JSONObject, str], Part]] = {
    "text": _decode_text,
    "functionCall": _decode_call,
    "functionResponse": _decode_result,
    "inlineData": _decode_inline,
    "fileData": _decode_file,
}


def modality_of(media_type: str) -> Modality:
    """What a media type shows or sounds like; what is neither is a document."""
    kind = media_type.partition("/")[0].lower()
    return cast(Modality, kind) if kind in ("image", "audio", "video") else "document"


def _any_object(values: JSONObject, name: str, who: str) -> JSONObject:
    """A JSON object of the caller's own making: its names and nulls are its own. Null itself is empty."""
    value = values.get(name)
    return value if is_object(value) else {} if value is None else wrong(values, name, who, "an object")


def _type_by_name(uri: str) -> str:
    if "youtube.com/" in uri or "youtu.be/" in uri:
        return "video/*"
    return type_by_suffix(uri) or ""


def _standard_base64(data: str) -> str:
    """google-genai writes the URL-safe alphabet; other providers read the standard one only."""
    return data.replace("-", "+").replace("_", "/") if "-" in data or "_" in data else data


def _name(values: JSONObject, who: str) -> str | None:
    return string_at(values, "displayName", who) if "displayName" in values else None


def _beside(part: JSONObject, kind: str, inner: JSONObject, known: frozenset[str]) -> ProviderFields:
    """What a part says beside its `kind`, and inside that beside the `known`."""
    if _is_bare(part) and inner.keys() <= known:
        return NOTHING
    within = {f"{kind}.{name}": value for name, value in inner.items() if name not in known}
    return own(_rest(part, kind) | within)


def _rest(part: JSONObject, *known: str) -> JSONObject:
    """A part's own fields beside `known`. A sentinel, and `thought: false`, say nothing."""
    if len(part) == 1:
        return {}
    return {
        name: value
        for name, value in part.items()
        if name not in known
        and not (name == "thought" and value is False)
        and not (name == "thoughtSignature" and value in _SENTINELS)
    }


def encode_text(text: str, provider_fields: ProviderFields = NOTHING) -> JSONObject:
    """A text part."""
    return put_own({"text": text}, provider_fields)


def encode_thought(part: Reasoning) -> JSONObject:
    """A thought, signed where Gemini signed it; another's has the sentinel."""
    wire: JSONObject = {"text": part.text, "thought": True}
    if part.issuer != "gemini":
        wire["thoughtSignature"] = SENTINEL
    elif part.signature is not None:
        wire["thoughtSignature"] = part.signature
    return put_own(wire, part.provider_fields)


def encode_call(
    part: ToolCall, path: str, losses: Losses, *, name: str | None = None, named: bool = True
) -> JSONObject:
    """A call under `name`; not `named`: without its id."""
    if part.cache is not None:
        losses.drop(f"{path}.cache")
    arguments = _object(part.arguments)
    if arguments is None:
        arguments = {"_raw": part.arguments}
        losses.emulate(f"{path}.arguments")
    call: JSONObject = {"name": name or part.name, "args": arguments}
    if named:
        call = {"id": map_id("gemini", part.id), **call}
    return put_own({"functionCall": call}, part.provider_fields)


def encode_result(part: ToolResult, path: str, losses: Losses, *, name: str, named: bool = True) -> JSONObject:
    """A result of the call to `name`: its text as `response`, its media as `parts`."""
    if part.cache is not None:
        losses.drop(f"{path}.cache")
    media: list[JSONObject] = []
    said = only_text(part.content)
    if not said:
        said = _encode_content(part, path, media, losses)
    result: JSONObject = {"id": map_id("gemini", part.call_id)} if named else {}
    result["name"] = name
    result["response"] = _encode_answer(part, said)
    if media:
        result["parts"] = media
    return put_own({"functionResponse": result}, part.provider_fields)


def _encode_content(part: ToolResult, path: str, media: list[JSONObject], losses: Losses) -> str | None:
    """A result's texts as one, if there are any; its media are added to `media`."""
    texts = [item.text for item in part.content if isinstance(item, Text) and item.text]
    blurred = len(texts) > 1
    for number, item in enumerate(part.content):
        if isinstance(item, Text):
            blurred |= bool(media and item.text)
        elif (wire := encode_media(item, f"{path}.content[{number}]", losses)) is not None:
            media.append(wire)
    if blurred:
        losses.approximate(f"{path}.content")
    _drop_beside(part, path, losses)
    return "\n".join(texts) if texts else None


def _encode_answer(part: ToolResult, text: str | None) -> JSONObject:
    said: Any = text or ""
    if part.structured:
        said = _value(said)
        if isinstance(said, dict) and not part.is_error and not said.keys() <= {"output", "error"}:
            return cast(JSONObject, said)
    if part.is_error:
        return {"error": said}
    return {} if text is None else {"output": said}


def _drop_beside(result: ToolResult, path: str, losses: Losses) -> None:
    """A result's text is a value in `response`: nothing stands beside it."""
    for number, part in enumerate(result.content):
        if isinstance(part, Text):
            if part.cache is not None:
                losses.drop(f"{path}.content[{number}].cache")
            for name in part.provider_fields.get("gemini", ()):
                losses.drop(f"{path}.content[{number}].provider_fields.gemini.{name}")


def drop_caches(parts: Iterable[Text], path: str, losses: Losses) -> None:
    """Gemini has no marks for its cache: `cachedContent` names a prefix that was stored before."""
    for number, part in enumerate(parts):
        if part.cache is not None:
            losses.drop(f"{path}[{number}].cache")


def encode_media(part: Blob | Uri | File | Opaque, path: str, losses: Losses) -> JSONObject | None:
    """Media or an Opaque; None, and a loss of meaning, where Gemini cannot read it."""
    if isinstance(part, Opaque):
        return _encode_opaque(part, path, losses)
    if not is_read(part):
        return losses.drop(path, "meaning")
    if part.cache is not None:
        losses.drop(f"{path}.cache")
    name: JSONObject = {"displayName": part.name} if part.name is not None else {}
    match part:
        case Blob():
            wire: JSONObject = {"inlineData": {"mimeType": part.media_type, "data": part.data, **name}}
            if modality_of(part.media_type) != part.modality:
                losses.approximate(f"{path}.modality")
        case Uri():
            wire = {"fileData": {"mimeType": _media_type(part, path, losses), "fileUri": part.uri, **name}}
        case File():
            typed = {"mimeType": part.media_type} if part.media_type is not None else {}
            wire = {"fileData": {**typed, "fileUri": part.file_id, **name}}
        case _:
            assert_never(part)
    return put_detail(put_own(wire, part.provider_fields), part.detail)


def is_read(part: Blob | Uri | File) -> bool:
    """Can Gemini get at it?"""
    if isinstance(part, Uri):
        return part.uri.startswith(_CAN_FETCH)
    return not isinstance(part, File) or part.issuer == "gemini"


def _encode_opaque(part: Opaque, path: str, losses: Losses) -> JSONObject | None:
    if part.issuer != "gemini":
        return losses.drop(path, "meaning")
    return cast(JSONObject, part.value)


def _media_type(part: Uri, path: str, losses: Losses) -> str:
    """Gemini wants one; it looks at the bytes all the same."""
    found = part.media_type or _type_by_name(part.uri) or _DEFAULT_TYPES[part.modality]
    if found not in (part.media_type, type_by_suffix(part.uri)):
        losses.approximate(f"{path}.media_type")
    if modality_of(found) != part.modality:
        losses.approximate(f"{path}.modality")
    return found


def encode_refusal(part: Refusal, path: str, losses: Losses) -> JSONObject:
    """Gemini has no words of its own for a refusal: it is text."""
    losses.emulate(path)
    return encode_text(part.text, part.provider_fields)


def _value(text: str) -> Any:
    """The JSON value that `text` writes, else the text itself."""
    try:
        return parsed(text)
    except ValueError:
        return text


def _object(arguments: str) -> JSONObject | None:
    return {} if not arguments or arguments.isspace() else parsed_object(arguments)
