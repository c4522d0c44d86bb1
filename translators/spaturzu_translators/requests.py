"""What a caller asks for, free of any provider's spelling."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field, fields
from operator import attrgetter
from typing import Literal, TypeAlias

from .messages import JSON, NOTHING, CacheTtl, JSONObject, Message, ProviderFields, Text
from .values import value, value_by_place


@value
class Tool:
    """A function the model may call. `parameters` is JSON Schema; None where the caller gave none (no arguments)."""

    name: str
    description: str | None = None
    parameters: JSONObject | None = None
    strict: bool | None = None
    cache: CacheTtl | None = None
    provider_fields: ProviderFields = NOTHING


@value
class OpaqueTool:
    """A tool that only `issuer` can run or read (web search, code execution, a custom grammar): its wire JSON."""

    issuer: str
    value: JSON
    cache: CacheTtl | None = None


AnyTool: TypeAlias = Tool | OpaqueTool


@value
class ToolChoice:
    """`mode` auto, none, required (any tool) ; `names` narrows: with required and one name that tool is forced."""

    mode: Literal["auto", "none", "required"]
    names: tuple[str, ...] = ()


SCHEMA_NAME = "response"
"""What a schema is called where a provider demands a name and the caller gave none."""


@value
class ResponseFormat:
    """`json_object` is any JSON; `json_schema` constrains it by `schema`. Plain text is `response_format=None`."""

    type: Literal["json_object", "json_schema"]
    schema: JSONObject | None = None
    name: str | None = None
    description: str | None = None
    strict: bool | None = None


@value
class SoundOptions:
    """An answer to be heard: a `voice` by its provider's name, a `format` (wav, pcm16, mp3). None: as it sees fit."""

    voice: str | None = None
    format: str | None = None


Effort: TypeAlias = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


@value
class ReasoningOptions:
    """How much to think: `effort` on one scale, or a `budget_tokens`. `include_text` asks for the thoughts."""

    effort: Effort | None = None
    budget_tokens: int | None = None
    include_text: bool | None = None


@value
class Request:
    """One chat call. None means that the caller did not say.

    `stream_usage`: does the caller of a stream see usage in it (OpenAI asks; all others always do).
    """

    model: str
    messages: tuple[Message, ...]
    system: tuple[Text, ...] = ()
    stream: bool = False
    stream_usage: bool = True
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: tuple[str, ...] = ()
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    candidate_count: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    tools: tuple[AnyTool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning: ReasoningOptions | None = None
    sound: SoundOptions | None = None
    user: str | None = None
    metadata: Mapping[str, str] | None = None
    service_tier: str | None = None
    provider_fields: ProviderFields = NOTHING


_PLAIN = {"model", "messages", "system", "tools", "stream", "stream_usage", "max_tokens", "temperature"}
_OPTIONS = attrgetter(*(each.name for each in fields(Request) if each.name not in _PLAIN))
_NO_OPTIONS = _OPTIONS(Request(model="", messages=()))


def is_plain(request: Request) -> bool:
    """Does it say no more than a conversation, its tools, `max_tokens`, `temperature` and whether it is streamed?

    Most do not; an encoder then need not ask for each of the options that are not there.
    """
    return _OPTIONS(request) == _NO_OPTIONS


@value_by_place
class WireRequest:
    """A request as one provider's HTTP body. Gemini and Bedrock carry `model` and `stream` in the path.

    For the other three they stand in `body` too. `renamed_tools` maps a tool's name on this wire to the caller's name
    where the wire's rules made them differ. `headers` are those that belong to the request and not to whose it is.
    """

    body: JSONObject
    model: str
    stream: bool = False
    renamed_tools: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
