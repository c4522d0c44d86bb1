"""What a sandbox provider answers, in words that hold for all five; each dialect says it in its own wire format."""

from __future__ import annotations

import json as json_module
import re
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from itertools import pairwise
from typing import Literal, TypeAlias

from spaturzu_translators.messages import JSON, JSONObject

Finish: TypeAlias = Literal["stop", "stop_sequence", "length", "context_window", "tool_calls", "content_filter"]
"""Finish reasons that every dialect translates; any other word goes out as it is."""

_WORDS = re.compile(r"\S*\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall:
    """A tool call. Without an `id` each request gets a fresh one that the provider's rules allow."""

    name: str
    arguments: JSONObject = field(default_factory=dict[str, JSON])
    id: str | None = None

    @property
    def arguments_json(self) -> str:
        """The arguments as providers write them into strings."""
        return json_module.dumps(self.arguments, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Token counts in OpenTelemetry's sense: `input` includes both cache counts, `output` includes `reasoning`.

    Each dialect writes them in its provider's sense (Anthropic and Bedrock count cached input apart, Gemini thoughts).
    """

    input: int = 12
    output: int = 7
    cache_read: int = 0
    cache_write: int = 0
    reasoning: int = 0

    @property
    def uncached(self) -> int:
        """Input tokens that no cache served or kept."""
        return self.input - self.cache_read - self.cache_write


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, plain or streamed as the request asks.

    `text`: None says `json`, or nothing beside tool calls, or "Hello". `json`: what the model answers where the request
    demands structured output (and wherever there is no text). `chunks`: how many text deltas a stream has, at
    most one per character; None gives one per word. `finish`: see `Finish`; None follows from the tool calls.
    `body`: sent as it is on a 200 instead of a rendered answer (a dict as JSON). `flush_each`: one packet per event
    even without `chunk_delay_s`; without it a stream that does not wait leaves in one write.
    """

    text: str | None = None
    _: KW_ONLY
    tool_calls: tuple[ToolCall, ...] = ()
    reasoning: str | None = None
    json: JSON = None
    usage: Usage = Usage()
    chunks: int | None = None
    delay_s: float = 0.0
    chunk_delay_s: float = 0.0
    flush_each: bool = False
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    finish: Finish | str | None = None
    body: JSONObject | str | bytes | None = None

    def said(self, *, structured: bool) -> str:
        """The text of the answer to a request that does or does not demand structured output."""
        if self.json is not None and (structured or self.text is None):
            return json_module.dumps(self.json, ensure_ascii=False)
        if self.text is None:
            return "" if self.tool_calls else "Hello"
        return self.text

    def pieces(self, *, structured: bool) -> list[str]:
        """The text as a stream's deltas."""
        return split(self.said(structured=structured), self.chunks)

    @property
    def reason(self) -> str:
        """The finish reason in the words of `Finish`, or a provider's own word."""
        return self.finish or ("tool_calls" if self.tool_calls else "stop")


def split(text: str, count: int | None) -> list[str]:
    """`text` in `count` pieces of nearly one length, none of them empty; by words without a count."""
    if count is None:
        return [piece for piece in _WORDS.findall(text) if piece]
    count = max(1, min(count, len(text)))
    bounds = [len(text) * at // count for at in range(count + 1)]
    return [text[start:end] for start, end in pairwise(bounds) if end > start]
