"""Content blocks and parts: what requests and responses share. A block is an object with exactly one member.

Source: providers.md section 3.3, 2026-11-22.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeAlias, assert_never

from ..codec import as_list, as_object
from ..foreign import UNSIGNED, Stripped, lacks_thought, strip_blocks
from ..ids import map_id
from ..json_text import dumps, parsed_object
from ..loss import Losses
from ..messages import (
    JSON,
    NOTHING,
    Blob,
    CacheTtl,
    File,
    JSONObject,
    Message,
    Opaque,
    Part,
    Provider,
    Reasoning,
    Refusal,
    ResultPart,
    Text,
    ToolCall,
    ToolResult,
    Uri,
    is_array,
    is_object,
    lone_block,
    lone_text,
    only_text,
)
from ..search_results import SEARCH_RESULT, as_text
from .media import decode_media, encode_media
from .model_facts import ModelFacts, facts_of
from .names import wire_name
from .wire import (
    NO_FIELDS,
    a_text,
    an_object,
    expected,
    keep,
    list_at,
    object_or_none,
    own_fields,
    rest,
    text_at,
)

MORE = "additionalModelRequestFields"
TTLS: dict[str | None, CacheTtl] = {None: "5m", "5m": "5m", "1h": "1h"}
_TOOL_USE = frozenset({"toolUseId", "name", "input"})
_TOOL_RESULT = frozenset({"toolUseId", "content", "status"})
_REASONING_TEXT = frozenset({"text", "signature"})
_CITED = frozenset({"content", "citations"})


class Reading:
    """What a decoder knows of the call so far: renamed tools, names of calls that it saw, and who signs thoughts."""

    __slots__ = ("calls", "renamed", "signer")

    def __init__(self, signer: Provider = "bedrock", renamed: Mapping[str, str] = NO_FIELDS) -> None:
        self.signer: Provider = signer
        self.renamed = renamed
        self.calls: dict[str, str] = {}


def decode_blocks(blocks: list[JSON], where: str, reading: Reading) -> list[Part]:
    """The parts of a list of blocks; a cachePoint marks the part before it."""
    parts: list[Part] = []
    for number, block in enumerate(blocks):
        found = object_or_none(block)
        if found and len(found) == 1 and isinstance(text := found.get("text"), str):
            parts.append(Text(text))  # most blocks; the long way round costs three times as much
        elif found and "cachePoint" in found:
            mark_cached(parts, found, f"{where}[{number}]")
        else:
            parts.append(decode_block(block, f"{where}[{number}]", reading))
    return parts


def plain_tool_turn(turn: JSON, reading: Reading) -> Message | None:
    """The turn that makes one call, or gives its text, and says no more; None where it is anything else."""
    block = lone_block(turn, "content")
    if block is None or len(block) != 1:
        return None
    part, role = None, turn["role"]
    if role == "assistant" and is_object(use := block.get("toolUse")):
        part = _plain_call(use, reading)
    elif role == "user" and is_object(result := block.get("toolResult")):
        part = _plain_result(result, reading)
    return None if part is None else Message(role, (part,))


def _plain_call(use: JSONObject, reading: Reading) -> ToolCall | None:
    call_id, name, arguments = use.get("toolUseId"), use.get("name"), use.get("input")
    if len(use) == 3 and isinstance(call_id, str) and isinstance(name, str) and is_object(arguments):
        reading.calls[call_id] = name = reading.renamed.get(name, name)
        return ToolCall(call_id, name, dumps(arguments))
    return None


def _plain_result(result: JSONObject, reading: Reading) -> ToolResult | None:
    call_id, blocks = result.get("toolUseId"), result.get("content")
    text = lone_text(blocks) if is_array(blocks) else None
    if text is not None and len(result) == 2 and isinstance(call_id, str):
        return ToolResult(call_id, (Text(text),), reading.calls.get(call_id))
    return None


def decode_block(block: JSON, where: str, reading: Reading) -> Part:
    """A block as a part; one without canonical name is Opaque."""
    found = as_object(block, where)
    if len(found) != 1:
        found = {name: value for name, value in found.items() if value is not None}
    if len(found) == 1:
        ((kind, value),) = found.items()
        part = _BLOCKS.get(kind, _opaque)(value, where, reading)
        if part is not None:
            return part
    return Opaque(issuer="bedrock", value=found)


def mark_cached(parts: list[Any], block: JSONObject, where: str) -> None:
    """Put a cachePoint on the part before it, or on an empty text where that one cannot carry it."""
    point = an_object(block, "cachePoint", where)
    ttl = TTLS.get(text_at(point, "ttl", f"{where}.cachePoint"))
    if ttl is None:
        parts.append(Text(text="", provider_fields=keep({"cachePoint": point})))
    elif parts and getattr(parts[-1], "cache", ttl) is None:
        parts[-1] = replace(parts[-1], cache=ttl)
    else:
        parts.append(Text(text="", cache=ttl))


def _text(value: JSON, where: str, reading: Reading) -> Part:
    return Text(text=value if isinstance(value, str) else expected(value, "a string", f"{where}.text"))


def _image(value: JSON, where: str, reading: Reading) -> Part | None:
    return decode_media("image", as_object(value, f"{where}.image"), f"{where}.image")


def _document(value: JSON, where: str, reading: Reading) -> Part | None:
    return decode_media("document", as_object(value, f"{where}.document"), f"{where}.document")


def _video(value: JSON, where: str, reading: Reading) -> Part | None:
    return decode_media("video", as_object(value, f"{where}.video"), f"{where}.video")


def _audio(value: JSON, where: str, reading: Reading) -> Part | None:
    return decode_media("audio", as_object(value, f"{where}.audio"), f"{where}.audio")


def _tool_use(value: JSON, where: str, reading: Reading) -> Part | None:
    """A call. `type: tool_use` says nothing more (models write it); `server_tool_use` is the provider's own."""
    where = f"{where}.toolUse"
    use = as_object(value, where)
    own = rest(use, _TOOL_USE)
    if own and own.get("type", "tool_use") != "tool_use":
        return None
    call_id, name = a_text(use, "toolUseId", where), a_text(use, "name", where)
    name = reading.renamed.get(name, name)
    reading.calls[call_id] = name
    arguments = use.get("input")
    fields = {key: item for key, item in own.items() if key != "type"} if own else own
    said = "{}" if arguments is None else dumps(arguments)
    return ToolCall(call_id, name, said, None, keep(fields) if fields else NOTHING)


def _tool_result(value: JSON, where: str, reading: Reading) -> Part | None:
    where = f"{where}.toolResult"
    result = as_object(value, where)
    own = rest(result, _TOOL_RESULT)
    if "type" in own:
        return None
    call_id = a_text(result, "toolUseId", where)
    blocks = list_at(result, "content", where)
    return ToolResult(
        call_id=call_id,
        content=tuple([_result_block(block, where, at, reading) for at, block in enumerate(blocks)]),
        name=reading.calls.get(call_id),
        is_error=text_at(result, "status", where) == "error",
        structured=len(blocks) == 1 and "json" in blocks[0],
        provider_fields=keep(own) if own else NOTHING,
    )


def _result_block(block: JSON, where: str, at: int, reading: Reading) -> ResultPart:
    where = f"{where}.content[{at}]"
    found = as_object(block, where)
    if len(found) == 1:
        if isinstance(text := found.get("text"), str):
            return Text(text)
        if "json" in found:
            return Text(dumps(found["json"]))
    part = decode_block(found, where, reading)
    return part if isinstance(part, _IN_RESULTS) else Opaque(issuer="bedrock", value=found)


_IN_RESULTS = (Text, Blob, Uri, Opaque)


def _reasoning(value: JSON, where: str, reading: Reading) -> Part | None:
    found, where = as_object(value, f"{where}.reasoningContent"), f"{where}.reasoningContent"
    if "redactedContent" in found:
        return Reasoning(redacted=a_text(found, "redactedContent", where), issuer="bedrock")
    if "reasoningText" not in found:
        return None
    said, where = an_object(found, "reasoningText", where), f"{where}.reasoningText"
    own = rest(said, _REASONING_TEXT)
    return Reasoning(
        text=text_at(said, "text", where) or "",
        signature=text_at(said, "signature", where) or None,
        issuer=None if said.get("signature") == UNSIGNED else reading.signer,
        provider_fields=keep(own) if own else NOTHING,
    )


def _guard(value: JSON, where: str, reading: Reading) -> Part | None:
    return guarded_text(as_object(value, f"{where}.guardContent"), f"{where}.guardContent")


def guarded_text(guard: JSONObject, where: str) -> Text | None:
    """Text for the guardrail's eyes: readable as text, and kept whole because without the guardrail it means less."""
    if "text" not in guard:
        return None
    said = an_object(guard, "text", where)
    return Text(text=a_text(said, "text", f"{where}.text"), provider_fields=keep({"guardContent": guard}))


def _cited(value: JSON, where: str, reading: Reading) -> Part | None:
    """Generated text stands inside the citations block; it is the answer's text all the same."""
    found, where = as_object(value, f"{where}.citationsContent"), f"{where}.citationsContent"
    said = [as_object(item, f"{where}.content") for item in list_at(found, "content", where)]
    text = "".join(text_at(item, "text", f"{where}.content") or "" for item in said)
    fields = {"citations": as_list(found.get("citations") or [], f"{where}.citations"), **rest(found, _CITED)}
    return Text(text=text, provider_fields=keep(fields))


def _found(value: JSON, where: str, reading: Reading) -> Part | None:
    result = as_object(value, f"{where}.searchResult")
    content = [{"type": "text", **as_object(said, where)} for said in list_at(result, "content", where)]
    return as_text({"type": SEARCH_RESULT, **result, "content": content})


def _opaque(value: JSON, where: str, reading: Reading) -> Part | None:
    return None


_Decode: TypeAlias = Callable[[JSON, str, Reading], Part | None]
_BLOCKS: dict[str, _Decode] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "video": _video,
    "audio": _audio,
    "toolUse": _tool_use,
    "toolResult": _tool_result,
    "reasoningContent": _reasoning,
    "guardContent": _guard,
    "citationsContent": _cited,
    "searchResult": _found,
}


class Writing:
    """What an encoder knows of the call: losses so far, the model's facts, and names given away.

    `replaying`: history for the model, where unsigned thoughts are refused; else an answer for the caller.
    """

    __slots__ = ("documents", "facts", "losses", "renamed", "replaying")

    def __init__(self, losses: Losses, facts: ModelFacts, replaying: bool = True) -> None:
        self.losses, self.facts, self.replaying = losses, facts, replaying
        self.renamed: dict[str, str] = {}
        self.documents: set[str] = set()


def encode_part(part: Part, path: str, writing: Writing) -> list[JSONObject]:
    """The blocks that say `part`; none where it is reported lost."""
    match part:
        case Text():
            blocks = _text_blocks(part, path, writing)
        case Refusal():
            return _refusal_blocks(part, path, writing)
        case Reasoning():
            return _reasoning_blocks(part, path, writing)
        case ToolCall():
            blocks = [_tool_use_block(part, path, writing)]
        case ToolResult():
            blocks = [_tool_result_block(part, path, writing)]
        case Blob() | Uri():
            block = encode_media(part, path, writing.losses, writing.documents, claude=writing.facts.claude)
            blocks = [] if block is None else [block]
        case File() | Opaque():
            return _issued_blocks(part, path, writing)
        case _:
            assert_never(part)
    if part.cache is not None and (blocks or (isinstance(part, Text) and not part.text)):
        blocks += cache_point(part.cache, path, writing)
    return blocks


def _issued_blocks(part: File | Opaque, path: str, writing: Writing) -> list[JSONObject]:
    if isinstance(part, Opaque) and part.issuer == "bedrock":
        return [part.value]
    writing.losses.drop(path, "meaning")
    return []


def _text_blocks(part: Text, path: str, writing: Writing) -> list[JSONObject]:
    """Bedrock refuses blank text in history."""
    own = own_fields(part.provider_fields)
    if own:
        return _own_text_blocks(part, own)
    if part.provider_fields and (found := _search_result(part, path, writing)):
        return [{"searchResult": found}]
    if part.text and (not writing.replaying or not part.text.isspace()):
        return [{"text": part.text}]
    if part.text:
        writing.losses.drop(path)
    return []


def _search_result(part: Text, path: str, writing: Writing) -> JSONObject | None:
    """The block of a search result, as Anthropic's own; models known to have none read the text."""
    block = part.provider_fields.get("anthropic", NO_FIELDS).get(SEARCH_RESULT)
    if block is None:
        return None
    if not writing.facts.search_results or not block.keys() <= _SEARCH_RESULT or not is_array(block.get("content")):
        writing.losses.emulate(f"{path}.provider_fields.anthropic.{SEARCH_RESULT}")
        return None
    found = {name: value for name, value in block.items() if name != "type"}
    return {**found, "content": [{"text": said["text"]} for said in block["content"]]}


_SEARCH_RESULT = frozenset({"type", "source", "title", "content", "citations"})


def _refusal_blocks(part: Refusal, path: str, writing: Writing) -> list[JSONObject]:
    """Bedrock has no refusal block: its words become text."""
    blocks = _text_blocks(Text(text=part.text), path, writing)
    if blocks:
        writing.losses.emulate(path)
    return blocks


def _own_text_blocks(part: Text, own: JSONObject) -> list[JSONObject]:
    for kind in ("guardContent", "cachePoint"):
        if kind in own:
            return [{kind: own[kind]}]
    if "citations" not in own:
        return [{"text": part.text}] if part.text else []
    return [{"citationsContent": {"content": [{"text": part.text}], **own}}]


def cache_point(ttl: CacheTtl, path: str, writing: Writing) -> list[JSONObject]:
    """The block that ends a cacheable prefix. Five minutes is the default; Bedrock knows one other: an hour."""
    if not writing.facts.cache:
        writing.losses.drop(f"{path}.cache")
        return []
    if ttl == "5m":
        return [{"cachePoint": {"type": "default"}}]
    if ttl != "1h":
        writing.losses.approximate(f"{path}.cache")
    return [{"cachePoint": {"type": "default", "ttl": "1h"}}]


def _reasoning_blocks(part: Reasoning, path: str, writing: Writing) -> list[JSONObject]:
    """Thoughts with the signature of the model's vendor: Anthropic signs for a Claude, here as at its own door."""
    ours = part.issuer == "bedrock"
    signed = ours or (part.issuer == "anthropic" and writing.facts.signer == "anthropic")
    if signed and part.redacted is not None:
        return _redacted_blocks(part.redacted, ours, path, writing)
    signature = part.signature if signed else None
    if signature is None and (writing.replaying or not part.text):
        writing.losses.drop(path)
        return []
    _report_thoughts(part, signature, path, writing)
    said: JSONObject = {"text": part.text, **own_fields(part.provider_fields)}
    if signature is None and not ours:
        signature = UNSIGNED
    return [{"reasoningContent": {"reasoningText": said if signature is None else {**said, "signature": signature}}}]


def strip(body: JSONObject, model: str) -> Stripped:
    """A request without the thoughts of other providers, whose signature is empty; some models have none at all."""
    kept, places = strip_blocks(body, "messages", "content", _is_foreign)
    more = object_or_none(body.get(MORE)) or {}
    budgets = [name for name in ("thinking", "reasoning_config") if is_budget(more.get(name))]
    if not budgets or not unthought(kept.get("messages"), facts_of(model)):
        return kept, places
    rest = {name: value for name, value in more.items() if name not in budgets}
    return {**kept, MORE: rest}, [*places, *(f"{MORE}.{name}" for name in budgets)]


def is_budget(thinking: JSON) -> bool:
    """Does it ask for thoughts within a budget?"""
    return (object_or_none(thinking) or {}).get("type") == "enabled"


def unthought(messages: JSON, facts: ModelFacts) -> bool:
    """Do a Claude's messages end in calls that were made without a thought?"""
    return facts.claude and lacks_thought(messages, _is_result, _is_thought)


def _is_result(block: JSONObject) -> bool:
    return "toolResult" in block


def _is_thought(block: JSONObject) -> bool:
    return "reasoningContent" in block


def _is_foreign(block: JSONObject) -> bool:
    thought = object_or_none(block.get("reasoningContent")) or {}
    return (object_or_none(thought.get("reasoningText")) or {}).get("signature") == UNSIGNED


def _redacted_blocks(redacted: str, ours: bool, path: str, writing: Writing) -> list[JSONObject]:
    """Anthropic's string is Bedrock's bytes."""
    if not ours:
        writing.losses.approximate(f"{path}.issuer")
        writing.losses.approximate(f"{path}.redacted")
        redacted = base64.b64encode(redacted.encode()).decode()
    return [{"reasoningContent": {"redactedContent": redacted}}]


def _report_thoughts(part: Reasoning, signature: str | None, path: str, writing: Writing) -> None:
    if part.issuer != writing.facts.signer and signature:
        writing.losses.approximate(f"{path}.issuer")
    if part.signature is not None and signature is None:
        writing.losses.drop(f"{path}.signature")
    if part.redacted is not None:
        writing.losses.drop(f"{path}.redacted")


def _tool_use_block(call: ToolCall, path: str, writing: Writing) -> JSONObject:
    arguments = parsed_object(call.arguments or "{}")
    if arguments is None:
        writing.losses.emulate(f"{path}.arguments")
        arguments = {"_raw": call.arguments}
    name = wire_name(call.name, writing.renamed) if writing.replaying else call.name
    use: JSONObject = {"toolUseId": map_id("bedrock", call.id), "name": name, "input": arguments}
    return {"toolUse": use | own_fields(call.provider_fields) if call.provider_fields else use}


def _tool_result_block(result: ToolResult, path: str, writing: Writing) -> JSONObject:
    content: list[JSONObject] = []
    if not result.structured and (text := only_text(result.content)) and not text.isspace():
        content.append({"text": text})
    else:
        for at, part in enumerate(result.content):
            content += _result_blocks(part, f"{path}.content[{at}]", result.structured, writing)
    block: JSONObject = {"toolUseId": map_id("bedrock", result.call_id), "content": content}
    if result.is_error:
        block["status"] = "error"
    return {"toolResult": block | own_fields(result.provider_fields) if result.provider_fields else block}


def _result_blocks(part: ResultPart, path: str, structured: bool, writing: Writing) -> list[JSONObject]:
    """Results hold text, JSON objects, images, documents and videos, and no cache marks."""
    if not isinstance(part, Opaque) and part.cache is not None:
        writing.losses.drop(f"{path}.cache")
        part = replace(part, cache=None)
    if isinstance(part, Text) and structured:
        value = parsed_object(part.text)
        if value is not None and dumps(value) == part.text:  # other spacing would come back changed
            return [{"json": value}]
    if isinstance(part, Blob | Uri) and part.modality == "audio":
        writing.losses.drop(path, "meaning")
        return []
    return encode_part(part, path, writing)
