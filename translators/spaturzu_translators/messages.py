"""The canonical conversation: messages made of parts, in OpenTelemetry GenAI words.

Every value is frozen. What a provider says that has no canonical name is kept under
`provider_fields[provider]`, so that decoding is total.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, NoReturn, TypeAlias, TypeGuard, cast

from .values import value, value_by_place

JSON: TypeAlias = Any
"""A value of `json.loads`: dict, list, str, int, float, bool or None."""

JSONObject: TypeAlias = dict[str, Any]

is_object = cast("Callable[[JSON], TypeGuard[JSONObject]]", dict.__instancecheck__)
"""`isinstance(value, dict)` that tells the type checker what a JSON object holds, without a `cast` at every call."""

is_array = cast("Callable[[JSON], TypeGuard[list[JSON]]]", list.__instancecheck__)
"""The same for an array."""

Provider: TypeAlias = Literal["openai", "anthropic", "bedrock", "gemini", "mistral"]
PROVIDERS: tuple[Provider, ...] = ("openai", "anthropic", "bedrock", "gemini", "mistral")

Wire: TypeAlias = Provider | Literal["openai_responses"]
"""A format on the wire: each provider's own, named like it, and OpenAI's second one."""
WIRES: tuple[Wire, ...] = (*PROVIDERS, "openai_responses")

ProviderFields: TypeAlias = Mapping[str, Mapping[str, JSON]]
"""Name of a provider, or of a wire, to its own fields, as they stood there."""


class _Nothing(dict[str, Mapping[str, JSON]]):
    """The empty mapping, immutable and hashable, so that a frozen value may default to it; a dict, for its speed."""

    __slots__ = ()

    def _refuse(self, *args: object, **kwargs: object) -> NoReturn:
        raise TypeError("NOTHING is immutable; make a new mapping")

    __setitem__ = __delitem__ = update = setdefault = pop = popitem = clear = _refuse  # type: ignore[assignment]

    def __hash__(self) -> int:  # type: ignore[override]
        return 0

    def __repr__(self) -> str:
        return "NOTHING"


NOTHING: ProviderFields = _Nothing()

Role: TypeAlias = Literal["system", "user", "assistant"]
Modality: TypeAlias = Literal["image", "audio", "video", "document"]
CacheTtl: TypeAlias = Literal["5m", "30m", "1h", "12h"]
Detail: TypeAlias = Literal["low", "medium", "high", "ultra_high"]
"""How closely media are to be looked at, from few tokens to many. None: as the provider sees fit."""


@value_by_place
class Text:
    """Plain text. `cache` marks the end of a cacheable prefix and says for how long."""

    text: str
    cache: CacheTtl | None = None
    provider_fields: ProviderFields = NOTHING


@value
class Refusal:
    """The model's own words for not answering."""

    text: str
    provider_fields: ProviderFields = NOTHING


@value
class Reasoning:
    """Thinking. `signature` and `redacted` (an opaque, base64 or encrypted block) bind it to `issuer`.

    `issuer` is the provider whose wire it was read from; a signature is replayed to its issuer only.
    """

    text: str = ""
    signature: str | None = None
    redacted: str | None = None
    issuer: Provider | None = None
    provider_fields: ProviderFields = NOTHING


@value_by_place
class ToolCall:
    """The model asks for a tool. `arguments` is JSON text exactly as the model wrote it, possibly invalid."""

    id: str
    name: str
    arguments: str = ""
    cache: CacheTtl | None = None
    provider_fields: ProviderFields = NOTHING


@value
class Blob:
    """Inline media: base64 text as on the wire."""

    modality: Modality
    media_type: str
    data: str
    name: str | None = None
    detail: Detail | None = None
    cache: CacheTtl | None = None
    provider_fields: ProviderFields = NOTHING


@value
class Uri:
    """Media by reference: http(s), gs or s3."""

    modality: Modality
    uri: str
    media_type: str | None = None
    name: str | None = None
    detail: Detail | None = None
    cache: CacheTtl | None = None
    provider_fields: ProviderFields = NOTHING


@value
class File:
    """Media in a provider's own file store; means nothing to any other provider than `issuer`."""

    modality: Modality
    file_id: str
    issuer: Provider
    media_type: str | None = None
    name: str | None = None
    detail: Detail | None = None
    cache: CacheTtl | None = None
    provider_fields: ProviderFields = NOTHING


@value
class Opaque:
    """A part only `issuer` can read (a server tool's call, a citation block, a future type): its wire JSON."""

    issuer: Wire
    value: JSON
    provider_fields: ProviderFields = NOTHING


ResultPart: TypeAlias = Text | Blob | Uri | File | Opaque
RESULT_PARTS = (Text, Blob, Uri, File, Opaque)


@value_by_place
class ToolResult:
    """The answer to a `ToolCall`. `name` where the wire carries it; `structured`: the one text is JSON."""

    call_id: str
    content: tuple[ResultPart, ...] = ()
    name: str | None = None
    is_error: bool = False
    structured: bool = False
    cache: CacheTtl | None = None
    provider_fields: ProviderFields = NOTHING


Part: TypeAlias = Text | Refusal | Reasoning | ToolCall | ToolResult | Blob | Uri | File | Opaque


@value_by_place
class Message:
    """One turn. Tool results are parts of the *user* turn that follows the calls, before its other parts."""

    role: Role
    parts: tuple[Part, ...]
    provider_fields: ProviderFields = NOTHING


def plain_turn(item: JSON) -> Message | None:
    """The turn `{"role": "user" or "assistant", "content": "some text"}`, as several wires write most of them.

    None where `item` is anything else, which then has to be read the long way.
    """
    if is_object(item) and len(item) == 2:
        role, content = item.get("role"), item.get("content")
        if content and isinstance(content, str) and (role == "user" or role == "assistant"):
            return Message(role, (Text(content),))
    return None


def plain_block_turn(item: JSON, key: str, roles: Mapping[JSON, Role]) -> Message | None:
    """The same for wires that write it `{"role": one of `roles`, key: [{"text": "some text"}]}`."""
    if is_object(item) and len(item) == 2:
        blocks, role = item.get(key), item.get("role")
        if is_array(blocks) and isinstance(role, str) and role in roles:
            text = lone_text(blocks)
            return None if text is None else Message(roles[role], (Text(text),))
    return None


def lone_text(blocks: list[JSON]) -> str | None:
    """The text of `[{"text": "some text"}]`; None where `blocks` are anything else."""
    block = blocks[0] if len(blocks) == 1 else None
    if is_object(block) and len(block) == 1:
        text = block.get("text")
        return text if isinstance(text, str) else None
    return None


def lone_block(turn: JSON, key: str) -> JSONObject | None:
    """The one block under `key` of a turn that has its role beside it and no more; None where it is anything else."""
    if is_object(turn) and len(turn) == 2 and "role" in turn:
        blocks = turn.get(key)
        block = blocks[0] if is_array(blocks) and len(blocks) == 1 else None
        return block if is_object(block) else None
    return None


def plain_calls(item: JSON) -> tuple[ToolCall, ...] | None:
    """The calls of an assistant's turn that says nothing else, as chat completions write them.

    `{"role": "assistant", "content": None or "", "tool_calls": [{"id", "type", "function": {"name", "arguments"}}]}`;
    None where `item` is anything else.
    """
    if not is_object(item) or len(item) != 3 or item.get("role") != "assistant" or item.get("content", 0) not in _EMPTY:
        return None
    calls: list[ToolCall] = []
    listed = item.get("tool_calls")
    if not listed or not is_array(listed):
        return None
    for found in listed:
        if (call := _plain_call(found)) is None:
            return None
        calls.append(call)
    return tuple(calls)


_EMPTY = (None, "")


def _plain_call(call: JSON) -> ToolCall | None:
    if is_object(call) and len(call) == 3 and call.get("type") == "function" and is_object(call.get("function")):
        call_id, function = call.get("id"), call["function"]
        name, arguments = function.get("name"), function.get("arguments")
        if isinstance(name, str) and isinstance(arguments, str) and len(function) == 2 and _is_id(call_id):
            return ToolCall(call_id, name, arguments)
    return None


def _is_id(value: JSON) -> TypeGuard[str]:
    return isinstance(value, str) and value not in _NO_IDS


_NO_IDS = ("", "null")
"""How a missing id is written; mistralai writes the second."""


def plain_result(item: JSON) -> tuple[str, str, str | None] | None:
    """Id, text and name of `{"role": "tool", "tool_call_id", "content": "some text"}`, which may have a `name`.

    None where `item` is anything else.
    """
    if is_object(item) and item.get("role") == "tool":
        call_id, content, name = item.get("tool_call_id"), item.get("content"), item.get("name")
        if content and isinstance(content, str) and _is_id(call_id):
            if name is None and len(item) == 3:
                return call_id, content, None
            if isinstance(name, str) and len(item) == 4:
                return call_id, content, name
    return None


def only_text(parts: tuple[Part, ...]) -> str:
    """The text that is all that `parts` say, as in most turns; "" where they say more, or nothing."""
    if len(parts) == 1:
        part = parts[0]
        if isinstance(part, Text) and part.cache is None and not part.provider_fields:
            return part.text
    return ""


def merge_turns(messages: list[Message]) -> tuple[Message, ...]:
    """The canonical form: neighbours of one role are one turn, unless one carries provider fields of its own.

    Every `decode_request` ends with it. Within a user turn tool results come first (providers demand it).
    """
    role = None
    for message in messages:  # most histories are in this form already
        if message.role == role or (len(message.parts) > 1 and message.role == "user"):
            return tuple(_merged(messages))
        role = message.role
    return tuple(messages)


def _merged(messages: list[Message]) -> Iterator[Message]:
    """The turns; the parts of those that are one are joined once, at its end."""
    run: list[Message] = []
    for message in messages:
        if run and (run[0].role != message.role or run[0].provider_fields != message.provider_fields):
            yield _one_turn(run)
            run = []
        run.append(message)
    yield _one_turn(run)


def _one_turn(run: list[Message]) -> Message:
    first = run[0]
    parts = first.parts if len(run) == 1 else tuple(part for message in run for part in message.parts)
    if first.role == "user" and len(parts) > 1:
        parts = tuple(sorted(parts, key=_after_results))
    return (
        first if parts == first.parts else Message(role=first.role, parts=parts, provider_fields=first.provider_fields)
    )


def _after_results(part: Part) -> bool:
    return not isinstance(part, ToolResult)
