"""What the tables of provider facts say of answers (sections 6.1, 10 and 11, 2026-11-22), plain and streamed.

Each row is an answer as a target gives it, what is to be seen of it, the place of its loss, and a letter for each
caller: M mapped, E shown by other means or nearly, with a report, D dropped with one. Where a letter is not the
table's, more is carried than it says: citations go to every caller who can have them, images to Mistral's.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from spaturzu_translators import Loss, Provider, codec
from spaturzu_translators.events import fold, unfold
from spaturzu_translators.messages import PROVIDERS, JSONObject, Part, Refusal, Text, ToolCall
from spaturzu_translators.responses import Candidate, FinishReason, Response

from .test_cells import CALLERS, MODELS, ORDER, PLAIN, asked

URL = "https://example.com/source"


def answer(target: Provider, said: Any = None, end: str | None = None, beside: Any = None) -> Any:
    """A target's answer: its content or parts, how it ended, and what its choice or candidate says beside."""
    match target:
        case "openai":
            message: Any = {"role": "assistant", "content": "hello", **(said or {})}
            choice = {"index": 0, "message": message, "finish_reason": end or "stop", **(beside or {})}
            return {"id": "r1", "created": 1, "model": "m", "choices": [choice]}
        case "anthropic":
            content = said or [{"type": "text", "text": "hello"}]
            usage = {"input_tokens": 1, "output_tokens": 1}
            return {
                "id": "r1",
                "model": "m",
                "content": content,
                "stop_reason": end or "end_turn",
                "usage": usage,
                **(beside or {}),
            }
        case "bedrock":
            message = {"role": "assistant", "content": said or [{"text": "hello"}]}
            return {"output": {"message": message}, "stopReason": end or "end_turn", **(beside or {})}
        case "gemini":
            content = {"role": "model", "parts": said or [{"text": "hello"}]}
            candidate = {"index": 0, "content": content, "finishReason": end or "STOP", **(beside or {})}
            return {"responseId": "r1", "modelVersion": "m", "candidates": [candidate]}
        case "mistral":
            message = {"role": "assistant", "content": said or "hello"}
            choice = {"index": 0, "message": message, "finish_reason": end or "stop", **(beside or {})}
            return {"id": "r1", "created": 1, "model": "m", "choices": [choice]}


def twice(target: Provider, name: str) -> Any:
    """The answer and a second candidate."""
    one = answer(target)
    other = json.loads(json.dumps(one[name][0]).replace("hello", "second"))
    return {**one, name: [*one[name], {**other, "index": 1}]}


def converse_text(location: dict[str, Any]) -> list[Any]:
    citation = {"title": "t", "sourceContent": [{"text": "q"}], "location": location}
    return [{"citationsContent": {"content": [{"text": "hello"}], "citations": [citation]}}]


def claude_text(citation: dict[str, Any]) -> list[Any]:
    return [{"type": "text", "text": "hello", "citations": [citation]}]


CLAUDE_WEB = {
    "type": "web_search_result_location",
    "cited_text": "q",
    "encrypted_index": "e",
    "title": "t",
    "url": URL,
}
CLAUDE_DOCUMENT = {
    "type": "char_location",
    "cited_text": "quoted",
    "document_index": 0,
    "document_title": "t",
    "file_id": None,
    "start_char_index": 0,
    "end_char_index": 3,
}
DOCUMENT = {"documentChar": {"documentIndex": 0, "start": 0, "end": 3}}
ANNOTATION = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 5, "title": "t", "url": URL}}
GROUNDED = {
    "groundingChunks": [{"web": {"uri": URL, "title": "t"}}],
    "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 5}, "groundingChunkIndices": [0]}],
}
CITED = {"citationMetadata": {"citations": [{"startIndex": 0, "endIndex": 5, "uri": URL, "title": "t"}]}}
TOKEN = {"token": "hello", "logprob": -0.125, "bytes": [104], "top_logprobs": []}
CHOSEN = {"logprobsResult": {"chosenCandidates": [{"token": "hello", "logProbability": -0.125}]}}
PNG, WAV = "aGFsbG8=", "UklGRg=="
THOUGHT = [{"type": "thinking", "thinking": "hmmm", "signature": "c2lnbmVk"}, {"type": "text", "text": "hello"}]
CONVERSE_THOUGHT = [{"reasoningContent": {"reasoningText": {"text": "hmmm", "signature": "c2lnbmVk"}}}, {"text": "x"}]
GEMINI_THOUGHT = [{"text": "hmmm", "thought": True, "thoughtSignature": "c2lnbmVk"}, {"text": "x"}]
MISTRAL_THOUGHT = [
    {"type": "thinking", "thinking": [{"type": "text", "text": "hmmm"}], "signature": "c2lnbmVk", "closed": True},
    {"type": "text", "text": "x"},
]
PART, SIGNATURE, STOP = r"candidates\[0\]\.parts\[0\]", r"candidates\[0\]\.parts\[0\]\.signature", r".*\.stop_sequence"
LOGPROBS, CITES = r"candidates\[0\]\.logprobs", r"candidates\[0\]\..*provider_fields.*"

ROWS: list[tuple[str, Provider, Any, str, str, str]] = [
    (
        "which sequence",
        "anthropic",
        answer("anthropic", end="stop_sequence", beside={"stop_sequence": "END"}),
        "END",
        STOP,
        "DMDD",
    ),
    (
        "which sequence",
        "bedrock",
        answer("bedrock", end="stop_sequence", beside={"additionalModelResponseFields": {"stop_sequence": "END"}}),
        "END",
        STOP,
        "DMDD",
    ),
    ("pages", "openai", answer("openai", {"annotations": [ANNOTATION]}), URL, CITES, "EEED"),
    ("pages", "anthropic", answer("anthropic", claude_text(CLAUDE_WEB)), URL, CITES, "EEED"),
    ("pages", "bedrock", answer("bedrock", converse_text({"web": {"url": URL}})), URL, CITES, "EEED"),
    ("grounding", "gemini", answer("gemini", beside={"groundingMetadata": GROUNDED}), URL, CITES, "EEED"),
    ("citations", "gemini", answer("gemini", beside=CITED), URL, CITES, "EEED"),
    ("a document", "anthropic", answer("anthropic", claude_text(CLAUDE_DOCUMENT)), "quoted", CITES, "DEDD"),
    ("a document", "bedrock", answer("bedrock", converse_text(DOCUMENT)), '"q"', CITES, "DEDD"),
    ("logprobs", "openai", answer("openai", beside={"logprobs": {"content": [TOKEN]}}), "-0.125", LOGPROBS, "DDEE"),
    ("logprobs", "gemini", answer("gemini", beside=CHOSEN), "-0.125", LOGPROBS, "EDDE"),
    (
        "logprobs",
        "mistral",
        answer("mistral", beside={"logprobs": {"content": [{**TOKEN, "token_id": 5}]}}),
        "-0.125",
        LOGPROBS,
        "MDDE",
    ),
    ("thoughts", "openai", answer("openai", {"reasoning_content": "hmmm"}), "hmmm", PART, "MMMM"),
    ("thoughts", "anthropic", answer("anthropic", THOUGHT), "hmmm", PART, "MMMM"),
    ("thoughts", "bedrock", answer("bedrock", CONVERSE_THOUGHT), "hmmm", PART, "MMMM"),
    ("thoughts", "gemini", answer("gemini", GEMINI_THOUGHT), "hmmm", PART, "MMMM"),
    ("thoughts", "mistral", answer("mistral", MISTRAL_THOUGHT), "hmmm", PART, "MMMM"),
    ("their signature", "anthropic", answer("anthropic", THOUGHT), "c2lnbmVk", SIGNATURE, "DMDD"),
    ("their signature", "bedrock", answer("bedrock", CONVERSE_THOUGHT), "c2lnbmVk", SIGNATURE, "DMDD"),
    ("their signature", "gemini", answer("gemini", GEMINI_THOUGHT), "c2lnbmVk", SIGNATURE, "DDDD"),
    ("their signature", "mistral", answer("mistral", MISTRAL_THOUGHT), "c2lnbmVk", SIGNATURE, "DDDD"),
    ("a refusal", "openai", answer("openai", {"content": None, "refusal": "never"}), "never", PART, "EEEE"),
    ("two answers", "openai", twice("openai", "choices"), "second", r"candidates\[1\]", "DDMM"),
    ("two answers", "gemini", twice("gemini", "candidates"), "second", r"candidates\[1\]", "MDDM"),
    ("two answers", "mistral", twice("mistral", "choices"), "second", r"candidates\[1\]", "MDDM"),
    (
        "an image",
        "bedrock",
        answer("bedrock", [{"image": {"format": "png", "source": {"bytes": PNG}}}]),
        PNG,
        PART,
        "DDMM",
    ),
    (
        "an image",
        "gemini",
        answer("gemini", [{"inlineData": {"mimeType": "image/png", "data": PNG}}]),
        PNG,
        PART,
        "DDMM",
    ),
    (
        "sound",
        "openai",
        answer("openai", {"content": None, "audio": {"id": "a", "data": WAV, "expires_at": 1, "transcript": ""}}),
        WAV,
        PART,
        "DDED",
    ),
    ("sound", "gemini", answer("gemini", [{"inlineData": {"mimeType": "audio/wav", "data": WAV}}]), WAV, PART, "EDDM"),
    ("latency", "bedrock", answer("bedrock", beside={"metrics": {"latencyMs": 321}}), "321", r".*\.metrics", "DDDD"),
    (
        "trace",
        "bedrock",
        answer("bedrock", beside={"trace": {"guardrail": {"modelOutput": ["seen"]}}}),
        "seen",
        r".*\.trace",
        "DDDD",
    ),
    (
        "other model fields",
        "bedrock",
        answer("bedrock", beside={"additionalModelResponseFields": {"seen": 1}}),
        "seen",
        r".*Fields",
        "DDDD",
    ),
    (
        "stop details",
        "anthropic",
        answer(
            "anthropic",
            end="refusal",
            beside={"stop_details": {"type": "refusal", "category": "cyber", "explanation": None}},
        ),
        "cyber",
        r".*\.stop_details",
        "DDDD",
    ),
    (
        "safety ratings",
        "gemini",
        answer("gemini", beside={"safetyRatings": [{"category": "SEEN"}]}),
        "SEEN",
        r".*\.safetyRatings",
        "DDDD",
    ),
]
"""Name, target, its answer, what is to be seen of it, the path of its loss, a letter for each caller of `ORDER`."""


def cells() -> list[Any]:
    return [
        pytest.param(target, body, seen, place, caller, letter, id=f"{target} to {caller}: {name}")
        for name, target, body, seen, place, letters in ROWS
        for caller, letter in zip(ORDER[target], letters, strict=True)
    ]


def plain(target: Provider, body: JSONObject, caller: Provider) -> tuple[Any, tuple[Loss, ...]]:
    response = codec(target).decode_response(body, MODELS[target])
    encoded = codec(caller).encode_response(response, of(caller))
    return encoded.value, encoded.losses


def streamed(target: Provider, body: JSONObject, caller: Provider) -> tuple[Any, tuple[Loss, ...]]:
    """The same answer through the target's own stream."""
    own, decoder = codec(target).stream_encoder(of(target)), codec(target).stream_decoder(MODELS[target])
    events = list(unfold(codec(target).decode_response(body, MODELS[target])))
    frames = [frame for event in events for frame in own.feed(event)] + own.close()
    told = [event for frame in frames for event in decoder.feed(frame)] + decoder.close()
    encoder = codec(caller).stream_encoder(of(caller))
    return [frame for event in told for frame in encoder.feed(event)] + encoder.close(), encoder.losses


def of(provider: Provider) -> Any:
    return replace(asked(provider, PLAIN[provider]), model=CALLERS[provider])


@pytest.mark.parametrize("told", [plain, streamed])
@pytest.mark.parametrize(("target", "body", "seen", "place", "caller", "letter"), cells())
def test_an_answer_is_what_the_tables_say(
    target: Provider, body: JSONObject, seen: str, place: str, caller: Provider, letter: str, told: Any
) -> None:
    said, losses = told(target, body, caller)
    kinds = {loss.kind for loss in losses if re.fullmatch(place, loss.path)}
    assert (seen in json.dumps(said)) is (letter != "D")
    match letter:
        case "M":
            assert not kinds
        case "D":
            assert kinds == {"dropped"}
        case _:
            assert kinds & {"emulated", "approximated"}


ENDS: dict[FinishReason, tuple[str, str, str, str, str]] = {
    "stop": ("stop", "end_turn", "end_turn", "STOP", "stop"),
    "stop_sequence": ("stop", "stop_sequence", "stop_sequence", "STOP", "stop"),
    "length": ("length", "max_tokens", "max_tokens", "MAX_TOKENS", "length"),
    "context_window": (
        "length",
        "model_context_window_exceeded",
        "model_context_window_exceeded",
        "MAX_TOKENS",
        "model_length",
    ),
    "tool_calls": ("tool_calls", "tool_use", "tool_use", "STOP", "tool_calls"),
    "content_filter": ("content_filter", "refusal", "content_filtered", "SAFETY", "error"),
    "guardrail": ("content_filter", "refusal", "guardrail_intervened", "MODEL_ARMOR", "error"),
    "refusal": ("stop", "refusal", "content_filtered", "SAFETY", "stop"),
    "pause": ("stop", "pause_turn", "end_turn", "CONTINUATION", "stop"),
    "malformed": ("stop", "end_turn", "malformed_model_output", "MALFORMED_RESPONSE", "error"),
    "other": ("stop", "end_turn", "end_turn", "OTHER", "stop"),
}
"""Table 6.1, in the order of `PROVIDERS`. A malformed answer never gets as far as OpenAI's and Anthropic's callers."""
IN_STREAMS = {"model_length": "length"}
"""Mistral's type of a chunk has fewer words."""


def ending(caller: Provider, said: Any) -> Any:
    """The finish reason in an answer or in the frames of one."""
    names = {"openai": "finish_reason", "anthropic": "stop_reason", "bedrock": "stopReason", "gemini": "finishReason"}
    found = re.findall(rf'"{names.get(caller, "finish_reason")}": "(\w+)"', json.dumps(said))
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("caller", PROVIDERS)
@pytest.mark.parametrize("reason", ENDS)
def test_an_answer_ends_as_the_table_says(reason: FinishReason, caller: Provider) -> None:
    parts: dict[FinishReason, Part] = {
        "tool_calls": ToolCall(id="call_1", name="f", arguments="{}"),
        "refusal": Refusal(text="no"),
    }
    candidate = Candidate(parts=(parts.get(reason, Text(text="hello")),), finish_reason=reason)
    response = Response(id="r1", model="m", candidates=(candidate,))
    word = ENDS[reason][PROVIDERS.index(caller)]
    encoder = codec(caller).stream_encoder(of(caller))
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    assert ending(caller, codec(caller).encode_response(response, of(caller)).value) == word
    assert ending(caller, frames) == (IN_STREAMS.get(word, word) if caller == "mistral" else word)


GEMINIS: dict[FinishReason, str] = {
    "content_filter": "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII LANGUAGE ESCALATION PUP_LIMITED_DISABLED "
    "IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION",
    "guardrail": "MODEL_ARMOR",
    "malformed": "MALFORMED_FUNCTION_CALL MALFORMED_RESPONSE UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS "
    "MISSING_THOUGHT_SIGNATURE",
    "other": "OTHER IMAGE_OTHER NO_IMAGE FINISH_REASON_UNSPECIFIED OF_NEXT_YEAR",
    "length": "MAX_TOKENS",
    "pause": "CONTINUATION",
}


@pytest.mark.parametrize(("reason", "words"), GEMINIS.items())
def test_geminis_many_words_are_read_as_the_table_says(reason: FinishReason, words: str) -> None:
    for word in words.split():
        body = answer("gemini", end=word)
        assert codec("gemini").decode_response(body, "m").candidates[0].finish_reason == reason
        decoder = codec("gemini").stream_decoder("m")
        assert fold([*decoder.feed(body), *decoder.close()]).candidates[0].finish_reason == reason
