"""The input items of OpenAI's Responses, both ways, and those that an answer's output shares with them.

Messages, thoughts, calls and results are items of one flat list here, and parts of turns in the canonical form. What an
item says beside its content stands under `item` of its first part. Shapes: providers.md section 1.R, 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeGuard, assert_never, cast

from ..codec import BadWire, as_list, as_object
from ..foreign import Stripped
from ..loss import Joins
from ..messages import (
    JSON,
    Blob,
    File,
    JSONObject,
    Message,
    Opaque,
    Part,
    Reasoning,
    Refusal,
    ResultPart,
    Text,
    ToolCall,
    ToolResult,
    Uri,
    merge_turns,
)
from ..requests import Request
from .fields import OWN, Writing, call_id, extras, is_foreign_answer, is_ours, keep, own, text_of
from .parts import decode_content, encode_content, encode_output, is_plain

_WHO = "openai responses request"


@dataclass(slots=True)
class _Reading:
    """The conversation so far."""

    renamed: Mapping[str, str]
    system: list[Text] = field(default_factory=list[Text])
    messages: list[Message] = field(default_factory=list[Message])
    call_names: dict[str, str] = field(default_factory=dict[str, str])


def decode_input(value: JSON, renamed: Mapping[str, str]) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """The leading instructions, and the turns. Raises BadWire on what is no item."""
    if isinstance(value, str):
        return (), (Message(role="user", parts=(Text(text=value),)),)
    reading = _Reading(renamed)
    for number, item in enumerate(as_list(value or [], f"{_WHO}: input")):
        where = f"{_WHO}: input[{number}]"
        entry = as_object(item, where)
        kind = entry.get("type") or ("message" if "role" in entry else "item_reference" if "id" in entry else None)
        _READERS.get(text_of(kind, f"{where}.type"), _read_opaque)(entry, where, reading)
    return tuple(reading.system), merge_turns(reading.messages)


_SAID = frozenset({"type", "role", "content"})


def _read_message(item: JSONObject, where: str, reading: _Reading) -> None:
    parts = decode_content(item.get("content"), f"{where}.content")
    fields = item_fields(item, _SAID)
    match item.get("role"):
        case "assistant":
            reading.messages.append(Message(role="assistant", parts=tuple(of_item(parts, fields))))
        case "user":
            reading.messages.append(Message(role="user", parts=tuple(parts), provider_fields=keep(fields)))
        case "system" | "developer":
            texts = [part for part in parts if isinstance(part, Text)]
            if reading.messages or fields or len(texts) != len(parts):
                reading.messages.append(Message(role="system", parts=tuple(parts), provider_fields=keep(fields)))
            else:
                reading.system.extend(texts)
        case role:
            raise BadWire(f"{where}.role must be user, assistant, system or developer, found {role!r:.40}")


def item_fields(item: JSONObject, known: frozenset[str]) -> dict[str, JSON]:
    """What an item says beside `known`. That it is complete goes without saying, and so do ids that we made."""
    fields = extras(item, known)
    if fields.get("status") == "completed":
        del fields["status"]
    if is_ours(fields.get("id")):
        del fields["id"]
    return fields


def of_item(parts: list[Part], fields: dict[str, JSON]) -> list[Part]:
    """The parts of one item, which `fields` stand beside."""
    if not fields or not parts:
        return parts
    first = parts[0]
    return [replace(first, provider_fields={**first.provider_fields, **_item(first, fields)}), *parts[1:]]


def _item(part: Part, fields: dict[str, JSON]) -> Mapping[str, Mapping[str, JSON]]:
    return keep({**own(part.provider_fields), "item": fields})


REASONING = frozenset({"type", "summary", "content", "encrypted_content"})


def decode_reasoning(item: JSONObject, where: str) -> Reasoning:
    """Thoughts: the summary, or the text itself where a server shows it. What is encrypted is their signature.

    Ones that another provider had, under an id that we made, have no issuer, so that nobody gets them back.
    """
    summary, content = (
        [text_of(as_object(entry, where).get("text"), where) for entry in as_list(item.get(name) or [], where)]
        for name in ("summary", "content")
    )
    encrypted = item.get("encrypted_content") or None
    if encrypted is not None:
        text_of(encrypted, f"{where}.encrypted_content")
    foreign = encrypted is None and is_ours(item.get("id"))
    fields: dict[str, JSON] = {"item": said} if (said := item_fields(item, REASONING)) else {}
    if len(summary) > 1:
        fields["summary"] = item["summary"]
    if content:
        fields["content"] = item["content"]
    return Reasoning(
        text="\n\n".join(summary or content),
        signature=encrypted,
        issuer=None if foreign else "openai",
        provider_fields=keep(fields),
    )


def _read_reasoning(item: JSONObject, where: str, reading: _Reading) -> None:
    reading.messages.append(Message(role="assistant", parts=(decode_reasoning(item, where),)))


_CALL = frozenset({"type", "call_id", "name", "arguments"})


def decode_call(item: JSONObject, where: str, renamed: Mapping[str, str]) -> ToolCall:
    """A function's call."""
    name = text_of(item.get("name"), f"{where}.name")
    fields = item_fields(item, _CALL)
    return ToolCall(
        id=text_of(item.get("call_id") or item.get("id"), f"{where}.call_id"),
        name=renamed.get(name, name),
        arguments=text_of(item.get("arguments") or "", f"{where}.arguments"),
        provider_fields=keep({"item": fields} if fields else {}),
    )


def _read_call(item: JSONObject, where: str, reading: _Reading) -> None:
    call = decode_call(item, where, reading.renamed)
    reading.call_names[call.id] = call.name
    reading.messages.append(Message(role="assistant", parts=(call,)))


_RESULT = frozenset({"type", "call_id", "name", "output"})


def _read_result(item: JSONObject, where: str, reading: _Reading) -> None:
    given = item.get("call_id")
    if given is None:
        _read_opaque(item, where, reading)
        return
    answers = text_of(given, f"{where}.call_id")
    fields = item_fields(item, _RESULT)
    result = ToolResult(
        call_id=answers,
        content=tuple(_result_part(part, where) for part in decode_content(item.get("output"), f"{where}.output")),
        name=reading.call_names.get(answers) or item.get("name"),
        provider_fields=keep({"item": fields} if fields else {}),
    )
    reading.messages.append(Message(role="user", parts=(result,)))


def _result_part(part: Part, where: str) -> ResultPart:
    if isinstance(part, Text | Blob | Uri | File | Opaque):
        return part
    raise BadWire(f"{where}.output has a {type(part).__name__.lower()}, which no tool returns")


def _read_opaque(item: JSONObject, where: str, reading: _Reading) -> None:
    """An item that only OpenAI can read: outputs come from the caller, all else from the model."""
    kind = str(item.get("type"))
    role = "user" if kind.endswith("_output") or kind == "mcp_approval_response" else "assistant"
    reading.messages.append(Message(role=role, parts=(Opaque(issuer=OWN, value=item),)))


_READERS = {
    "message": _read_message,
    "reasoning": _read_reasoning,
    "function_call": _read_call,
    "function_call_output": _read_result,
}


def encode_input(request: Request, writing: Writing) -> list[JSONObject]:
    """The turns as items, after instructions that are more than one plain text."""
    wire: list[JSONObject] = []
    if request.system and instructions(request) is None:
        parts: list[tuple[str, Part]] = [(f"system[{number}]", part) for number, part in enumerate(request.system)]
        wire.append({"role": "system", "content": encode_content(parts, writing)})
    joins = Joins(writing.losses)
    for number, message in enumerate(request.messages):
        path, before = f"messages[{number}]", len(wire)
        _WRITERS[message.role](message, path, writing, wire)
        if said := wire[before:]:
            says = any(item.get("content", True) for item in said)
            joins.turn(number, message.role, own(message.provider_fields), says)
    return wire


def instructions(request: Request) -> str | None:
    """The one plain text that stands in `instructions`."""
    if len(request.system) == 1 and is_plain(request.system[0]):
        return request.system[0].text
    return None


def _with_paths(message: Message, path: str) -> list[tuple[str, Part]]:
    return [(f"{path}.parts[{index}]", part) for index, part in enumerate(message.parts)]


def _write_system(message: Message, path: str, writing: Writing, wire: list[JSONObject]) -> None:
    said: list[tuple[str, Part]] = []
    for place, part in _with_paths(message, path):
        if isinstance(part, Text | Opaque):
            said.append((place, part))
        else:
            writing.losses.drop(place, "meaning")
    wire.append({"role": "system", "content": encode_content(said, writing), **own(message.provider_fields)})


def _write_user(message: Message, path: str, writing: Writing, wire: list[JSONObject]) -> None:
    """Results and outputs as items of their own, then what the user says."""
    said: list[tuple[str, Part]] = []
    before = len(wire)
    for place, part in _with_paths(message, path):
        if isinstance(part, ToolResult):
            wire.append(_write_result(part, place, writing))
        elif is_item(part):
            wire.append(part.value)
        else:
            said.append((place, part))
    fields = own(message.provider_fields)
    if said or len(wire) == before:
        wire.append({"role": "user", "content": encode_content(said, writing), **fields})
        if fields and len(wire) - before > 1:
            writing.losses.approximate(path)  # the results are a turn without them
    else:
        for name in fields:
            writing.losses.drop(f"{path}.provider_fields.{OWN}.{name}")


def is_item(part: Part) -> TypeGuard[Opaque]:
    """Is it an item of this wire, rather than a part of a message?"""
    return isinstance(part, Opaque) and part.issuer == OWN and part.value.keys() != {"content"}


def _write_result(result: ToolResult, path: str, writing: Writing) -> JSONObject:
    """There is no place for an error flag: the text says it."""
    parts: list[tuple[str, Part]] = [(f"{path}.content[{at}]", part) for at, part in enumerate(result.content)]
    output = encode_content(parts, writing)
    if result.is_error:
        output = f"Error: {output}" if isinstance(output, str) else [{"type": "input_text", "text": "Error:"}, *output]
        writing.losses.emulate(f"{path}.is_error")
        writing.losses.emulate(f"{path}.content")
    if result.cache:
        writing.losses.drop(f"{path}.cache")
    fields: Mapping[str, JSON] = own(result.provider_fields).get("item", {})
    return {"type": "function_call_output", "call_id": call_id(result.call_id), "output": output, **fields}


def _write_assistant(message: Message, path: str, writing: Writing, wire: list[JSONObject]) -> None:
    spoken: JSONObject | None = None
    for place, part in _with_paths(message, path):
        match part:
            case Text() | Refusal() if not part.text:
                continue
            case Text() | Refusal():
                spoken = _speak(part, place, spoken, writing, wire)
            case Opaque() if part.issuer == OWN and not is_item(part):
                spoken = _speak(part, place, spoken, writing, wire)
            case Opaque() if is_item(part):
                spoken = None
                wire.append(part.value)
            case ToolCall():
                spoken = None
                wire.append(encode_call(part, writing.name(part.name)))
                if part.cache:
                    writing.losses.drop(f"{place}.cache")
            case Reasoning():
                spoken = _think(part, place, spoken, writing, wire)
            case Blob() | Uri() | File() | ToolResult() | Opaque():
                writing.losses.drop(place, "meaning")
            case _:
                assert_never(part)


def _speak(
    part: Text | Refusal | Opaque, place: str, spoken: JSONObject | None, writing: Writing, wire: list[JSONObject]
) -> JSONObject | None:
    """Say `part` in a message: its item's own, the open one, or the short form that a plain text has."""
    fields = own(part.provider_fields)
    content = encode_output(part, place, writing)
    if "item" not in fields and spoken is None and isinstance(part, Text) and not fields:
        wire.append({"role": "assistant", "content": part.text})
        return None
    if "item" in fields or spoken is None:
        spoken = {"type": "message", "role": "assistant", "status": "completed", "content": []}
        wire.append(spoken | fields.get("item", {}))
        spoken = wire[-1]
    spoken["content"].append(content)
    return spoken


def _think(
    part: Reasoning, place: str, spoken: JSONObject | None, writing: Writing, wire: list[JSONObject]
) -> JSONObject | None:
    """OpenAI gets its own thoughts back, encrypted or by their id; all others are dropped."""
    fields = own(part.provider_fields)
    if part.issuer != "openai" or (part.signature is None and "id" not in fields.get("item", {})):
        writing.losses.drop(place)
        return spoken
    if part.redacted is not None:
        writing.losses.drop(f"{place}.redacted")
    wire.append(encode_reasoning(part))
    return None


def encode_reasoning(part: Reasoning) -> JSONObject:
    """Thoughts as an item."""
    fields = own(part.provider_fields)
    shown = [{"type": "summary_text", "text": part.text}] if part.text and "content" not in fields else []
    wire: JSONObject = {"type": "reasoning", "summary": fields.get("summary", shown), **fields.get("item", {})}
    if "content" in fields:
        wire["content"] = fields["content"]
    if part.signature is not None:
        wire["encrypted_content"] = part.signature
    return wire


def encode_call(call: ToolCall, name: str) -> JSONObject:
    """A call as an item, of the tool that is called `name` on the wire."""
    fields: Mapping[str, JSON] = own(call.provider_fields).get("item", {})
    return {
        "type": "function_call",
        "call_id": call_id(call.id),
        "name": name,
        "arguments": call.arguments or "{}",
        **fields,
    }


_WRITERS = {"system": _write_system, "user": _write_user, "assistant": _write_assistant}


def unknown_to_openai(body: JSONObject) -> str | None:
    """Where a request goes on from an answer, or refers to an item, that another provider gave; None where it does not.

    OpenAI stored neither, and there is nothing that could stand in their places.
    """
    if is_foreign_answer(body.get("previous_response_id")):
        return "previous_response_id"
    items = body.get("input")
    for number, item in enumerate(cast("list[JSON]", items) if isinstance(items, list) else ()):
        entry = cast(JSONObject, item) if isinstance(item, dict) else {}
        refers = entry.keys() == {"id"} or entry.get("type") == "item_reference"
        if refers and is_ours(entry.get("id")):
            return f"input[{number}]"
    return None


def strip(body: JSONObject, model: str) -> Stripped:
    """A request without the thoughts of other providers, and without the ids that we gave to the rest of their words.

    OpenAI looks items up by their ids, and knows none of these.
    """
    items = body.get("input")
    if not isinstance(items, list):
        return body, []
    kept: list[JSON] = []
    places: list[str] = []
    for number, item in enumerate(cast("list[JSON]", items)):
        if not isinstance(item, dict) or not is_ours(cast(JSONObject, item).get("id")):
            kept.append(item)
            continue
        entry = cast(JSONObject, item)
        if entry.get("type") == "reasoning":
            places.append(f"input[{number}]")
        else:
            places.append(f"input[{number}].id")
            kept.append({name: value for name, value in entry.items() if name != "id"})
    return ({**body, "input": kept}, places) if places else (body, [])
