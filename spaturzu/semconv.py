"""OpenTelemetry's names for calls to models, and ours beside them.

Written out: no package carries the current names (those in opentelemetry-semantic-conventions 0.66b2 are all marked
deprecated, the convention has moved to a repository of its own). Spans use the names that both generations share;
metrics have an older and a newer set (convention "GenAI", development status, read 2026-11-22).
"""

from __future__ import annotations

from spaturzu_translators.messages import Provider, Wire

OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
REQUEST_MODEL = "gen_ai.request.model"
REQUEST_STREAM = "gen_ai.request.stream"
REQUEST_PARAMETERS: dict[Wire, dict[str, tuple[tuple[str, ...], ...]]] = {
    "openai": {
        "gen_ai.request.max_tokens": (("max_completion_tokens",), ("max_tokens",)),
        "gen_ai.request.temperature": (("temperature",),),
        "gen_ai.request.top_p": (("top_p",),),
        "gen_ai.request.reasoning.level": (("reasoning_effort",),),
    },
    "openai_responses": {
        "gen_ai.request.max_tokens": (("max_output_tokens",),),
        "gen_ai.request.temperature": (("temperature",),),
        "gen_ai.request.top_p": (("top_p",),),
        "gen_ai.request.reasoning.level": (("reasoning", "effort"),),
    },
    "anthropic": {
        "gen_ai.request.max_tokens": (("max_tokens",),),
        "gen_ai.request.temperature": (("temperature",),),
        "gen_ai.request.top_p": (("top_p",),),
        "gen_ai.request.reasoning.level": (("output_config", "effort"),),
    },
    "bedrock": {
        "gen_ai.request.max_tokens": (("inferenceConfig", "maxTokens"),),
        "gen_ai.request.temperature": (("inferenceConfig", "temperature"),),
        "gen_ai.request.top_p": (("inferenceConfig", "topP"),),
    },
    "gemini": {
        "gen_ai.request.max_tokens": (("generationConfig", "maxOutputTokens"),),
        "gen_ai.request.temperature": (("generationConfig", "temperature"),),
        "gen_ai.request.top_p": (("generationConfig", "topP"),),
        "gen_ai.request.reasoning.level": (("generationConfig", "thinkingConfig", "thinkingLevel"),),
    },
    "mistral": {
        "gen_ai.request.max_tokens": (("max_tokens",),),
        "gen_ai.request.temperature": (("temperature",),),
        "gen_ai.request.top_p": (("top_p",),),
        "gen_ai.request.reasoning.level": (("reasoning_effort",),),
    },
}
"""Where a wire has them. Stop sequences are the caller's text, and left out."""
RESPONSE_MODEL = "gen_ai.response.model"
RESPONSE_ID = "gen_ai.response.id"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
AGENT = "gen_ai.agent.name"
CONVERSATION = "gen_ai.conversation.id"
FINISH_REASONS = "gen_ai.response.finish_reasons"
SERVER_ADDRESS, SERVER_PORT = "server.address", "server.port"
ERROR_TYPE = "error.type"
TOKEN_TYPE = "gen_ai.token.type"  # noqa: S105 - a kind of token that costs money

USAGE = {
    "input_tokens": "gen_ai.usage.input_tokens",
    "output_tokens": "gen_ai.usage.output_tokens",
    "cache_read_tokens": "gen_ai.usage.cache_read.input_tokens",
    "cache_creation_tokens": "gen_ai.usage.cache_write.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
}
"""By our field of `Usage`."""

PROVIDERS: dict[Provider, str] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "bedrock": "aws.bedrock",
    "gemini": "gcp.gemini",
    "mistral": "mistral_ai",
}
VERTEX = "gcp.vertex_ai", ".googleapis.com", "aiplatform"
"""Gemini's name where it is Vertex that serves it, and what its hosts have in them."""
OPERATIONS: dict[Provider, str] = {"gemini": "generate_content"}
"""`chat` for the others."""
INFERENCE = frozenset({"chat", "generate_content", "text_completion"})
"""Operations whose spans carry what one call used."""

DURATION = "gen_ai.client.operation.duration"
TOKENS = "gen_ai.client.token.usage"
FIRST_CHUNK = "gen_ai.client.operation.time_to_first_chunk"
PER_CHUNK = "gen_ai.client.operation.time_per_output_chunk"
NEW_DURATION = "gen_ai.client.inference.duration"
NEW_FIRST_CHUNK = "gen_ai.client.inference.time_to_first_chunk"
NEW_PER_CHUNK = "gen_ai.client.inference.time_per_output_chunk"
MODALITY = "gen_ai.token.modality"
NEW_USAGE = {
    "input_tokens": "gen_ai.client.inference.usage.input_tokens",
    "output_tokens": "gen_ai.client.inference.usage.output_tokens",
    "cache_read_tokens": "gen_ai.client.inference.usage.cache_read.input_tokens",
    "cache_creation_tokens": "gen_ai.client.inference.usage.cache_write.input_tokens",
    "reasoning_tokens": "gen_ai.client.inference.usage.reasoning.output_tokens",
}
AUDIO = {"input_tokens": "input_audio_tokens", "output_tokens": "output_audio_tokens"}
"""The part of a count that is known to be audio; what modality the rest has is not told."""
NEW_OPERATION_TOKENS = {
    "input_tokens": "gen_ai.client.inference.operation.input_tokens",
    "output_tokens": "gen_ai.client.inference.operation.output_tokens",
}
OPT_IN = "OTEL_SEMCONV_STABILITY_OPT_IN"
OPT_IN_VALUE = "gen_ai_latest_experimental"
"""The environment variable, and what among its comma-separated values asks for the newer metrics as well."""

SECONDS_BOUNDARIES = tuple(0.01 * 2**step for step in range(14))
TOKENS_BOUNDARIES = tuple(4**step for step in range(14))

SUPPRESSED = {
    "opentelemetry.genai.client.inference.context": "spaturzu",
    "suppress_language_model_instrumentation": True,
}
"""Context entries that tell other instrumentations of model calls that this call has its span: of those built on
opentelemetry-util-genai (1.3b0), and of OpenLLMetry's."""
OUTER = "opentelemetry.genai.client.inference.context"
"""Set in the context by one of the former that is around us."""

CALL_ID = "spaturzu.call.id"
RUN_ID = "spaturzu.run.id"
AGENT_PATH = "spaturzu.agent.path"
CUSTOMER = "spaturzu.customer.id"
TAG = "spaturzu.tag."
HOP = "spaturzu.hop.index"
HEDGE = "spaturzu.hop.hedge"
ATTEMPTS = "spaturzu.hop.attempts"
OUTCOME = "spaturzu.hop.outcome"
FAILURE = "spaturzu.failure.kind"
LOSSES = "spaturzu.losses"
COST = "spaturzu.cost.usd"
USAGE_SOURCE = "spaturzu.usage.source"
PRIMARY_PROVIDER = "spaturzu.primary.provider"
CHAIN_LENGTH = "spaturzu.chain.length"
SERVED_BY = "spaturzu.served_by"
STITCHED = "spaturzu.stream.stitched"
FALLBACK_EVENT = "spaturzu.fallback"
FALLBACK_FROM, FALLBACK_TO = "spaturzu.fallback.from", "spaturzu.fallback.to"
FALLBACK_COUNT = "spaturzu.fallback.count"
COST_TOTAL = "spaturzu.cost"
BREAKER = "spaturzu.breaker.state"
BREAKER_STATES = {"closed": 0, "half_open": 1, "open": 2}
TARGET = "spaturzu.target"
