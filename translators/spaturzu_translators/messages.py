"""The canonical conversation: messages made of parts, in OpenTelemetry GenAI words.

Every value is frozen. What a provider says that has no canonical name is kept under
`provider_fields[provider]`, so that decoding is total.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NoReturn, TypeAlias

from .values import value

JSON: TypeAlias = Any
"""A value of `json.loads`: dict, list, str, int, float, bool or None."""

JSONObject: TypeAlias = dict[str, Any]

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


@value
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


@value
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
    cache: CacheTtl | None = None
    provider_fields: ProviderFields = NOTHING


@value
class Uri:
    """Media by reference: http(s), gs or s3."""

    modality: Modality
    uri: str
    media_type: str | None = None
    name: str | None = None
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
    cache: CacheTtl | None = None
    provider_fields: ProviderFields = NOTHING


@value
class Opaque:
    """A part only `issuer` can read (a server tool's call, a citation block, a future type): its wire JSON."""

    issuer: Wire
    value: JSON
    provider_fields: ProviderFields = NOTHING


ResultPart: TypeAlias = Text | Blob | Uri | File | Opaque


@value
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


@value
class Message:
    """One turn. Tool results are parts of the *user* turn that follows the calls, before its other parts."""

    role: Role
    parts: tuple[Part, ...]
    provider_fields: ProviderFields = NOTHING


def merge_turns(messages: list[Message]) -> tuple[Message, ...]:
    """The canonical form: neighbours of one role are one turn, unless one carries provider fields of its own.

    Every `decode_request` ends with it. Within a user turn tool results come first (providers demand it).
    """
    merged: list[Message] = []
    for message in messages:
        previous = merged[-1] if merged else None
        if previous and previous.role == message.role and previous.provider_fields == message.provider_fields:
            merged[-1] = _with_parts(previous, previous.parts + message.parts)
        else:
            merged.append(_with_parts(message, message.parts))
    return tuple(merged)


def _with_parts(message: Message, parts: tuple[Part, ...]) -> Message:
    if message.role == "user" and any(isinstance(part, ToolResult) for part in parts):
        parts = tuple(sorted(parts, key=lambda part: not isinstance(part, ToolResult)))
    if parts is message.parts:
        return message
    return Message(role=message.role, parts=parts, provider_fields=message.provider_fields)
