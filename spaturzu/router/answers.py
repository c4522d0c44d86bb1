"""Is the JSON of a 200 an answer at all? Proxies put errors there, and some SDKs make empty objects of anything."""

from __future__ import annotations

from spaturzu_translators.messages import JSONObject

_KEYS: dict[str, frozenset[str]] = {
    "openai": frozenset({"choices"}),
    "openai_responses": frozenset({"output"}),
    "anthropic": frozenset({"content"}),
    "bedrock": frozenset({"output"}),
    "gemini": frozenset({"candidates", "promptFeedback", "usageMetadata"}),
    "mistral": frozenset({"choices"}),
}
"""The keys of which an answer has at least one."""


def is_answer(wire_name: str, body: JSONObject) -> bool:
    """An error inside a 200 is not; what says nothing of an error is left to the SDK to judge."""
    return "error" not in body or bool(_KEYS[wire_name] & body.keys())
