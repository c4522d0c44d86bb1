"""Which of a provider's own fields only tune an answer. One that is not named here carries meaning.

A caller's field that nobody here has heard of may be the point of the call, so it skips foreign targets.
Source: providers.md sections 1 to 5 and 11, 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping

from .guardrails import STOPS
from .messages import JSON, ProviderFields

TUNING: dict[str, frozenset[str]] = {
    "openai": frozenset(
        {
            *("annotations", "completion_tokens_details", "content_filter_result", "content_filter_results", "detail"),
            *(
                "functions",
                "latency_checkpoint",
                "logit_bias",
                "max_completion_tokens",
                "message",
                "moderation",
                "name",
            ),
            *("obfuscation", "prediction", "prompt_cache_breakpoint", "prompt_cache_key", "prompt_cache_options"),
            *("prompt_cache_retention", "prompt_filter_results", "prompt_tokens_details", "reasoning_effort"),
            *("safety_identifier", "service_tier", "store", "stream_options", "system_fingerprint", "verbosity"),
        }
    ),
    "openai_responses": frozenset(
        {
            *("access_programs", "annotations", "billing", "content", "content_filters", "context_management", "image"),
            *("detail", "include", "input_tokens_details", "input_transformations", "item", "logprobs"),
            *(
                "max_tool_calls",
                "moderation",
                "output_tokens_details",
                "prompt_cache_breakpoint",
                "prompt_cache_diagnostics",
            ),
            *("prompt_cache_options", "reasoning", "store", "stream_options", "strict", "summary", "tool_usage"),
            "truncation",
        }
    ),
    "anthropic": frozenset(
        {
            "anthropic_version",  # Google Cloud's word for the header
            "$sampling",
            "$thinking",
            "amazon-bedrock-invocationMetrics",
            "cache_control",
            "caller",
            "citations",
            "context",
            "context_management",
            "defer_loading",
            "diagnostics",
            "eager_input_streaming",
            "inference_geo",
            "input_examples",
            "metadata",
            "output_config",
            "output_format",
            "search_result",
            "server_tool_use",
            "service_tier",
            "source",
            "speed",
            "stop_details",
            "transformations",
            "user_profile_id",
            "workspace_id",
        }
    ),
    "bedrock": frozenset(
        {
            "additionalModelResponseFieldPaths",
            "additionalModelResponseFields",
            "bucketOwner",
            "cachePoint",
            "citations",
            "context",
            "format",
            "metrics",
            "name",
            "outputConfig",
            "performanceConfig",
            "serverToolUsage",
            "serviceTier",
            "source",
            "stopReason",
            "trace",
        }
    ),
    "gemini": frozenset(
        {
            "avgLogprobs",
            "blockReason",
            "cacheTokensDetails",
            "candidatesTokensDetails",
            "citationMetadata",
            "createTime",
            "finishMessage",
            "finishReason",
            "functionCall.willContinue",
            "functionResponse.scheduling",
            "functionResponse.willContinue",
            "generationConfig.mediaResolution",
            "generationConfig.responseSchema",
            "generationConfig.thinkingConfig.thinkingBudget",
            "generationConfig.thinkingConfig.thinkingLevel",
            "generationConfig.topK",
            "groundingMetadata",
            "mediaResolution",
            "model",
            "modelStatus",
            "parameters",
            "partMetadata",
            "promptFeedback",
            "promptTokensDetails",
            "response",
            "responseJsonSchema",
            "safetyRatings",
            "safetySettings",
            "serviceTier",
            "store",
            "textOnly",
            "thoughtSignature",
            "tokenCount",
            "toolConfig.functionCallingConfig.streamFunctionCallArguments",
            "toolConfig.includeServerSideToolInvocations",
            "toolUsePromptTokenCount",
            "toolUsePromptTokensDetails",
            "totalTokenCount",
            "trafficType",
            "urlContextMetadata",
            "videoMetadata",
        }
    ),
    "mistral": frozenset(
        {
            "chunk",
            "closed",
            "completion_tokens_details",
            "detail",
            "finish_reason",
            "messages",
            "metadata",
            "min_tokens",
            "prediction",
            "prefix",
            "prompt_audio_seconds",
            "prompt_cache_key",
            "prompt_mode",
            "prompt_tokens_details",
            "repetition_penalty",
            "safe_prompt",
            "service_tier",
            "stream_options",
        }
    ),
}


_NATIVE = "additionalModelRequestFields."
"""Parameters of one model behind Bedrock (providers.md 11.3: dropped where no other wire has them)."""


def is_tuning(provider: str, name: str, value: JSON) -> bool:
    """Can a call do without this field of `provider`, as `value`, and still mean the same?"""
    if (stops := STOPS.get((provider, name))) is not None:
        return not stops(value)
    return name in TUNING.get(provider, ()) or (provider == "bedrock" and name.startswith(_NATIVE))


_REWORDED: dict[str, frozenset[str]] = {
    "anthropic": frozenset({"search_result"}),
    "gemini": frozenset({"parameters"}),
    "mistral": frozenset({"chunk"}),
}
"""The form in which a part stood on its own wire, where others have it in words of theirs: a search result or a
reference as text, an OpenAPI schema as JSON Schema."""


def is_reworded(provider: str, name: str) -> bool:
    """Does what this field of `provider` says stand beside it in other words?"""
    return name in _REWORDED.get(provider, ())


_ALIKE = frozenset({"prediction", "prompt_cache_key"})
_STORE = frozenset({"store"})
_SIBLINGS: dict[str, dict[str, frozenset[str]]] = {
    "openai": {"mistral": _ALIKE, "gemini": _STORE},
    "openai_responses": {"mistral": frozenset({"prompt_cache_key"})},
    "mistral": {"openai": _ALIKE},
    "gemini": {"openai": _STORE},
    "anthropic": {"bedrock": frozenset({"citations", "context"})},
    "bedrock": {"anthropic": frozenset({"citations", "context", "search_result"})},
}
"""Fields of one name, one meaning and one shape on two wires: what is predicted, whether a document is to be cited,
whether an answer is to be stored.

Citations themselves are lists, and of another shape on each wire. Source: providers.md 1.2, 2.3, 3.3, 5.2 and 11.
"""

MARK_ANEW = "$anew"
"""Our note: the history ends with the assistant's turn, on a wire where that does not begin the answer."""

MARK_MODE = "$prompt_mode"
"""Our note: the caller of Mistral asked for reasoning by `prompt_mode`, the older form of a high effort."""

MARK_PART = "$part"
"""Our note: Gemini's caller asked for a `detail` of this part by itself, not of all media."""

MARKERS = frozenset({"$sampling", "$user", MARK_ANEW, MARK_MODE, MARK_PART})
"""Our notes on how a caller spelled what has a canonical name; without them nothing is lost."""


def is_shared(own: str, other: str, name: str, value: JSON) -> bool:
    """Does `own` say this field of `other` alike?"""
    return name in _SIBLINGS.get(own, {}).get(other, ()) and not isinstance(value, list)


def with_shared(own: str, fields: ProviderFields, nothing: Mapping[str, JSON]) -> Mapping[str, JSON]:
    """The own fields among `fields`, and those of siblings that are said alike; `nothing` where there are none."""
    if not fields:
        return nothing
    found = fields.get(own, nothing)
    alike: dict[str, JSON] = {}
    for other in _SIBLINGS.get(own, ()):
        if other in fields:
            alike |= {name: value for name, value in fields[other].items() if is_shared(own, other, name, value)}
    return {**alike, **found} if alike else found
