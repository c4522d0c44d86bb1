"""Is the JSON of a 200 an answer at all? Proxies put errors there, and some SDKs make empty objects of anything."""

from __future__ import annotations

from spaturzu_translators.codec import BadWire, FailedAnswer, codec
from spaturzu_translators.failures import Failure
from spaturzu_translators.messages import JSONObject, Wire

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
    """An error inside a 200 is none, nor is an empty object; all else is left to the SDK to judge."""
    return bool(_KEYS[wire_name] & body.keys()) or (bool(body) and not _OF_ERRORS & body.keys())


_OF_ERRORS = frozenset({"error", "__type", "message", "detail"})
"""The keys of the five providers' error bodies."""


def refusal(wire_name: Wire, body: JSONObject) -> Failure | None:
    """The failure that an answer is whose every candidate was stopped by a content filter, or a blocked prompt is."""
    try:
        response = codec(wire_name).decode_response(body, "")
    except (BadWire, FailedAnswer):
        return None  # somebody else's to judge
    if all(candidate.finish_reason in ("content_filter", "refusal") for candidate in response.candidates):
        return Failure(kind="content_policy", status=200, code="content_filter")
    return None
