"""The messages of OpenAI chat completions, both ways.

A tool's result is a message of its own here and a part of the next user turn in the canonical form. `system` stands for
`developer` too: the API turns one into the other as the model needs. Shapes: providers.md section 1.3, 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never, cast

from ..codec import BadWire, as_list, as_object
from ..foreign import Stripped
from ..ids import map_id
from ..loss import Joins
from ..messages import (
    JSON,
    NOTHING,
    RESULT_PARTS,
    Blob,
    File,
    JSONObject,
    Message,
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
    merge_turns,
    only_text,
    plain_calls,
    plain_result,
    plain_turn,
)
from ..requests import Request
from ..sound import OURS
from .model_facts import model_facts
from .parts import (
    Writing,
    decode_calls,
    decode_content,
    encode_call,
    encode_content,
    extras,
    is_call,
    keep,
    own,
    text_at,
    text_of,
)

_WHO = "openai request"


def answer_parts(message: JSONObject, where: str, renamed: Mapping[str, str], default_id: str) -> list[Part]:
    """What an assistant's message says: thoughts, content, refusal, calls, in this order."""
    parts: list[Part] = []
    if message.get("reasoning_content"):
        text = text_of(message["reasoning_content"], f"{where}.reasoning_content")
        parts.append(Reasoning(text=text, issuer="openai"))
    parts += decode_content(message.get("content"), where)
    if message.get("refusal") is not None:
        parts.append(Refusal(text=text_of(message["refusal"], f"{where}.refusal")))
    parts += decode_calls(message, where, renamed, default_id)
    return parts


class _Reading:
    """The conversation so far. `function_id` is what the last deprecated `function_call` was given, for it has none."""

    __slots__ = ("call_names", "function_id", "messages", "renamed", "system")

    def __init__(self, renamed: Mapping[str, str]) -> None:
        self.renamed = renamed
        self.system: list[Text] = []
        self.messages: list[Message] = []
        self.call_names: dict[str, str] = {}
        self.function_id = ""

    def called(self, parts: Sequence[Part]) -> None:
        """Remember the calls among `parts`."""
        for part in parts:
            if isinstance(part, ToolCall):
                self.call_names[part.id] = part.name
                self.function_id = part.id

    def answered(self, call_id: str, name: str | None, content: tuple[ResultPart, ...], fields: ProviderFields) -> None:
        """Add a turn with the result of a call."""
        result = ToolResult(call_id, content, self.call_names.get(call_id) or name, provider_fields=fields)
        self.messages.append(Message("user", (result,)))


def decode_messages(value: JSON, renamed: Mapping[str, str]) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """The leading instructions, and the turns. Raises BadWire on a message that OpenAI does not know."""
    reading = _Reading(renamed)
    for number, item in enumerate(as_list(value, f"{_WHO}: messages")):
        if (turn := plain_turn(item)) is not None:
            reading.messages.append(turn)
        elif not renamed and (calls := plain_calls(item)) is not None:
            reading.called(calls)
            reading.messages.append(Message("assistant", calls))
        elif (result := plain_result(item)) is not None:
            call_id, text, name = result
            reading.answered(call_id, name, (Text(text),), NOTHING)
        else:
            _read(item, f"{_WHO}: messages[{number}]", reading)
    return tuple(reading.system), merge_turns(reading.messages)


def _read(item: JSON, where: str, reading: _Reading) -> None:
    message = as_object(item, where)
    role = message.get("role")
    read = _ROLES.get(role) if isinstance(role, str) else None
    if read is None:
        raise BadWire(f"{where}.role must be one of {', '.join(_ROLES)}, found {role!r:.40}")
    read(message, where, reading)


_SAID = frozenset({"role", "content"})


def _read_system(message: JSONObject, where: str, reading: _Reading) -> None:
    """Leading instructions are the request's; later ones, and ones with a name, stay where they are."""
    content = message.get("content")
    if content and len(message) == 2 and isinstance(content, str) and not reading.messages:
        reading.system.append(Text(content))
        return
    parts = decode_content(content, where)
    texts = [part for part in parts if isinstance(part, Text)]
    fields = extras(message, _SAID)
    if reading.messages or fields or len(texts) != len(parts):
        reading.messages.append(Message(role="system", parts=tuple(parts), provider_fields=keep(fields)))
    else:
        reading.system.extend(texts)


def _read_user(message: JSONObject, where: str, reading: _Reading) -> None:
    parts = decode_content(message.get("content"), where)
    reading.messages.append(Message(role="user", parts=tuple(parts), provider_fields=keep(extras(message, _SAID))))


ANSWER_FIELDS = frozenset({"role", "content", "refusal", "tool_calls", "function_call", "reasoning_content"})


def _read_assistant(message: JSONObject, where: str, reading: _Reading) -> None:
    default_id = f"call_{len(reading.messages)}"
    parts = answer_parts(message, where, reading.renamed, default_id)
    reading.called(parts)
    fields = extras(message, ANSWER_FIELDS)
    reading.messages.append(Message("assistant", tuple(parts), keep(fields)))


def _read_tool(message: JSONObject, where: str, reading: _Reading) -> None:
    _add_result(message, text_at(message, "tool_call_id", where), where, reading)


def _read_function(message: JSONObject, where: str, reading: _Reading) -> None:
    _add_result(message, reading.function_id or text_of(message.get("name"), f"{where}.name"), where, reading)


_RESULT = frozenset({"role", "content", "tool_call_id", "name"})


def _add_result(message: JSONObject, call_id: str, where: str, reading: _Reading) -> None:
    content = decode_content(message.get("content"), where)
    parts = tuple([_result_part(part, where) for part in content])
    reading.answered(call_id, message.get("name"), parts, keep(extras(message, _RESULT)))


def _result_part(part: Part, where: str) -> ResultPart:
    if isinstance(part, RESULT_PARTS):
        return part
    raise BadWire(f"{where}.content has a {type(part).__name__.lower()}, which no tool returns")


_ROLES = {
    "user": _read_user,
    "assistant": _read_assistant,
    "system": _read_system,
    "developer": _read_system,
    "tool": _read_tool,
    "function": _read_function,
}


def encode_messages(request: Request, writing: Writing) -> list[JSONObject]:
    """The instructions and the turns, as OpenAI's messages."""
    wire: list[JSONObject] = []
    if text := only_text(request.system):
        wire.append({"role": "system", "content": text})
    elif request.system:
        parts: list[tuple[str, Part]] = [(f"system[{number}]", part) for number, part in enumerate(request.system)]
        if content := encode_content(parts, writing):
            wire.append({"role": "system", "content": content})
    joins = Joins(writing.losses)
    for number, message in enumerate(request.messages):
        if (text := only_text(message.parts)) and not message.provider_fields:
            wire.append({"role": message.role, "content": text})
            joins.turn(number, message.role, NOTHING)
        else:
            before = len(wire)
            _WRITERS[message.role](message, f"messages[{number}]", writing, wire)
            joins.turn(number, message.role, own(message.provider_fields), _says(wire, before))
    return wire


def _says(wire: list[JSONObject], before: int) -> bool:
    """Is anything said from message `before` on?"""
    return any(said["content"] or len(said) > 2 for said in wire[before:])


def _write_system(message: Message, path: str, writing: Writing, wire: list[JSONObject]) -> None:
    said: list[tuple[str, Part]] = []
    for index, part in enumerate(message.parts):
        place = f"{path}.parts[{index}]"
        if isinstance(part, Text | Opaque):
            said.append((place, part))
        else:
            writing.losses.drop(place, "meaning")
    wire.append({"role": "system", "content": encode_content(said, writing), **own(message.provider_fields)})


def _write_user(message: Message, path: str, writing: Writing, wire: list[JSONObject]) -> None:
    """Results as messages of their own, then what the user says; a result's media move there too."""
    said: list[tuple[str, Part]] = []
    moved: list[tuple[str, Part]] = []
    before, fields = len(wire), own(message.provider_fields)
    for index, part in enumerate(message.parts):
        if isinstance(part, ToolResult):
            wire.append(_write_result(part, path, index, writing, moved))
        else:
            said.append((f"{path}.parts[{index}]", part))
    content = encode_content(moved + said, writing) if moved or said else ""
    if content or len(wire) == before:
        wire.append({"role": "user", "content": content, **fields})
        if fields and len(wire) - before > 1:
            writing.losses.approximate(path)  # the results are a turn without them
    else:
        for name in fields:
            writing.losses.drop(f"{path}.provider_fields.openai.{name}")
    if moved:
        writing.losses.emulate(path)


def _write_result(
    result: ToolResult, path: str, index: int, writing: Writing, moved: list[tuple[str, Part]]
) -> JSONObject:
    content: JSON = only_text(result.content)
    if not content or result.is_error or result.cache:
        content = _result_content(result, f"{path}.parts[{index}]", writing, moved)
    wire: JSONObject = {"role": "tool", "tool_call_id": map_id("openai", result.call_id), "content": content}
    wire.update(own(result.provider_fields))
    return wire


def _result_content(result: ToolResult, path: str, writing: Writing, moved: list[tuple[str, Part]]) -> JSON:
    """A tool message holds text only, and has no place for an error flag: the text says it."""
    said: list[tuple[str, Part]] = []
    for number, part in enumerate(result.content):
        place = f"{path}.content[{number}]"
        if isinstance(part, Text | Opaque):
            said.append((place, part))
        else:
            moved.append((place, part))
            said.append((place, Text(text=f"[{part.modality} in the next user message]")))
    content = encode_content(said, writing)
    if result.is_error:
        content = f"Error: {content}" if isinstance(content, str) else [{"type": "text", "text": "Error:"}, *content]
        writing.losses.emulate(f"{path}.is_error")
        writing.losses.emulate(f"{path}.content")
    if result.cache:
        writing.losses.drop(f"{path}.cache")
    return content


class _Answer:
    """An assistant's turn while it is sorted into the places of one message."""

    __slots__ = ("blurred", "calls", "rank", "refusals", "said", "thoughts")

    def __init__(self) -> None:
        self.thoughts: list[str] = []
        self.said: list[tuple[str, Part]] = []
        self.refusals: list[str] = []
        self.calls: list[JSONObject] = []
        self.rank = 0
        self.blurred = False

    def reach(self, rank: int) -> None:
        """Note that a part of `rank` comes next: one that should have come earlier loses its place."""
        self.blurred |= rank < self.rank
        self.rank = rank


def _write_assistant(message: Message, path: str, writing: Writing, wire: list[JSONObject]) -> None:
    answer = _Answer()
    for index, part in enumerate(message.parts):
        _sort(part, f"{path}.parts[{index}]", answer, writing)
    said: JSONObject = {"role": "assistant", "content": encode_content(answer.said, writing) if answer.said else ""}
    if answer.thoughts:
        said["reasoning_content"] = "".join(answer.thoughts)
    if answer.refusals:
        said["refusal"] = "".join(answer.refusals)
    if answer.calls:
        said["tool_calls"] = answer.calls
    if said["content"] == "" and (answer.calls or answer.refusals):
        said["content"] = None
    said.update(own(message.provider_fields))
    wire.append(said)
    if answer.blurred or len(answer.thoughts) > 1 or len(answer.refusals) > 1:
        writing.losses.approximate(path)


def _sort(part: Part, place: str, answer: _Answer, writing: Writing) -> None:
    match part:
        case Text() | Refusal() if not part.text:
            return
        case Text():
            answer.reach(1)
            answer.said.append((place, part))
        case Refusal():
            answer.reach(2)
            answer.refusals.append(part.text)
        case ToolCall():
            answer.reach(3)
            answer.calls.append(encode_call(part, writing.name(part.name)))
            if part.cache:
                writing.losses.drop(f"{place}.cache")
        case Opaque() if is_call(part):
            answer.reach(3)
            answer.calls.append(part.value)
        case Opaque() if part.issuer == "openai":
            answer.reach(1)
            answer.said.append((place, part))
        case Reasoning() if part.issuer == "openai" and part.text and writing.facts.reasoning_history:
            answer.reach(0)
            answer.thoughts.append(part.text)
            drop_seal(part, place, writing)
        case Reasoning():
            writing.losses.drop(place)
        case Blob() | Uri() | File() | ToolResult() | Opaque():
            writing.losses.drop(place, "meaning")
        case _:
            assert_never(part)


def drop_seal(part: Reasoning, path: str, writing: Writing) -> None:
    """Thoughts are plain text here: nothing binds them to who thought them."""
    if part.signature is not None:
        writing.losses.drop(f"{path}.signature")
    if part.redacted is not None:
        writing.losses.drop(f"{path}.redacted")


_WRITERS = {"system": _write_system, "user": _write_user, "assistant": _write_assistant}


def strip(body: JSONObject, model: str) -> Stripped:
    """A request without thoughts, where its model has no place for any, and without sound that OpenAI never made."""
    if not isinstance(body.get("messages"), list):
        return body, []
    body, unheard = _without_sounds(body)
    if model_facts(model).reasoning_history:
        return body, unheard
    messages: list[JSON] = body["messages"]
    places = [
        f"messages[{number}].reasoning_content"
        for number, message in enumerate(messages)
        if isinstance(message, dict) and "reasoning_content" in message
    ]
    if not places:
        return body, unheard
    return {**body, "messages": [_thoughtless(message) for message in messages]}, [*unheard, *places]


def _without_sounds(body: JSONObject) -> Stripped:
    messages: list[JSON] = body["messages"]
    numbers = [number for number, message in enumerate(messages) if _is_foreign_sound(message)]
    if not numbers:
        return body, []
    kept = [_silent(message) if number in numbers else message for number, message in enumerate(messages)]
    return {**body, "messages": kept}, [f"messages[{number}].audio" for number in numbers]


def _is_foreign_sound(message: JSON) -> bool:
    match message:
        case {"audio": {"id": str(name)}}:
            return name.startswith(OURS)
        case _:
            return False


def _silent(message: JSON) -> JSONObject:
    """What it said in words, if it did."""
    said = {name: value for name, value in cast(JSONObject, message).items() if name != "audio"}
    return {**said, "content": said.get("content") or ""}


def _thoughtless(message: JSON) -> JSON:
    if not isinstance(message, dict):
        return message
    return {name: value for name, value in cast(JSONObject, message).items() if name != "reasoning_content"}
