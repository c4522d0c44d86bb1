"""What came back, free of any provider's spelling."""

from __future__ import annotations

from typing import Literal, TypeAlias

from .messages import JSON, NOTHING, Part, ProviderFields, Text
from .values import value

FinishReason: TypeAlias = Literal[
    "stop",
    "stop_sequence",
    "length",
    "context_window",
    "tool_calls",
    "content_filter",
    "guardrail",
    "refusal",
    "pause",
    "malformed",
    "other",
]


@value
class Usage:
    """Tokens, each None where the provider did not say.

    `input_tokens` includes cache reads and cache creation; `output_tokens` includes reasoning.
    """

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_creation_tokens: int | None = None
    cache_creation_5m_tokens: int | None = None
    cache_creation_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    input_audio_tokens: int | None = None
    output_audio_tokens: int | None = None
    provider_fields: ProviderFields = NOTHING


@value
class Candidate:
    """One answer. `finish_reason` None: the provider gave none. `logprobs` is the issuer's wire JSON."""

    parts: tuple[Part, ...] = ()
    finish_reason: FinishReason | None = None
    stop_sequence: str | None = None
    logprobs: JSON = None
    provider_fields: ProviderFields = NOTHING


@value
class Response:
    """A whole answer. `created` is Unix seconds. `model` is the model that served."""

    id: str
    model: str
    candidates: tuple[Candidate, ...]
    usage: Usage | None = None
    created: int | None = None
    provider_fields: ProviderFields = NOTHING

    @property
    def text(self) -> str:
        """All text of the first answer."""
        parts = self.candidates[0].parts if self.candidates else ()
        return "".join(part.text for part in parts if isinstance(part, Text))
