"""Is a 200 an answer at all? Proxies put errors there, some SDKs make empty objects of anything, and models refuse."""

from __future__ import annotations

from spaturzu_translators.codec import BadWire, Codec, FailedAnswer, codec
from spaturzu_translators.events import Event, Finished, PartStarted, TextDelta, is_content
from spaturzu_translators.failures import Failure
from spaturzu_translators.messages import JSONObject, Refusal, Wire
from spaturzu_translators.responses import Response

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
    return not _KEYS[wire_name].isdisjoint(body) or (bool(body) and _OF_ERRORS.isdisjoint(body))


_OF_ERRORS = frozenset({"error", "__type", "message", "detail"})
"""The keys of the five providers' error bodies."""


def refusal(wire_name: Wire, body: JSONObject) -> Failure | None:
    """The failure that an answer is whose every candidate was stopped by a content filter, or a blocked prompt is."""
    try:
        response = codec(wire_name).decode_response(body, "")
    except (BadWire, FailedAnswer):
        return None  # somebody else's to judge
    refused = all(candidate.finish_reason in _REFUSING for candidate in response.candidates)
    return REFUSED if refused else None


REFUSED = Failure(kind="content_policy", status=200, code="content_filter")
_REFUSING = frozenset({"content_filter", "refusal"})


MALFORMED_ANSWER = Failure(kind="server", code="malformed_answer")
"""What a model made of its answer is none (Gemini's MALFORMED_FUNCTION_CALL and its like), and the caller's wire has no
word for that: its end would look like any other."""


def is_malformed(response: Response, to: Codec) -> bool:
    """Is all of it malformed, for a caller whose wire cannot say so?"""
    ends = [candidate.finish_reason for candidate in response.candidates]
    return not to.tells_malformed and bool(ends) and all(end == "malformed" for end in ends)


class Refusals:
    """What a stream says before its first content, to whom a refusal is none: `shows(event)` of each in turn.

    `spoken`: a refusal in words has begun. `all`: whoever ended did so with a refusal, and somebody did.
    """

    def __init__(self) -> None:
        self.spoken = self.all = False
        self._parts = set[tuple[int, int]]()

    def shows(self, event: Event) -> bool:
        """Does it show the caller something of an answer that is no refusal?"""
        match event:
            case PartStarted(part=Refusal()):
                self._parts.add((event.candidate, event.index))
                self.spoken = True
                return False
            case TextDelta() if (event.candidate, event.index) in self._parts:
                return False
            case Finished() if event.finish_reason in _REFUSING:
                self.all = True
                return False
            case _:
                return is_content(event)
