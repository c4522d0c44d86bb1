"""What an answer rests on reaches callers of other wires, plain and streamed, as their own SDKs read it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from spaturzu_translators import Provider, Wire, codec
from spaturzu_translators.events import Finished, fold, unfold
from spaturzu_translators.foreign import may_be_foreign
from spaturzu_translators.messages import Part, Reasoning, Text, ToolCall
from spaturzu_translators.responses import Candidate, Response

from .native import check_answer, check_frames
from .test_laws import ASKED

URL, TITLE, WORDS = "https://example.com/a", "A page", "Cluj lies on the Someș."
WEB: dict[Wire, dict[str, Any]] = {
    "anthropic": {
        "citations": [
            {
                "type": "web_search_result_location",
                "cited_text": "on the Someș",
                "encrypted_index": "e",
                "title": TITLE,
                "url": URL,
            }
        ]
    },
    "bedrock": {
        "citations": [{"title": TITLE, "sourceContent": [{"text": "on the Someș"}], "location": {"web": {"url": URL}}}]
    },
    "openai_responses": {
        "annotations": [{"type": "url_citation", "url": URL, "title": TITLE, "start_index": 0, "end_index": 23}]
    },
}
PAGE: dict[Wire, dict[str, Any]] = {
    "anthropic": {
        "citations": [
            {
                "type": "page_location",
                "cited_text": "x",
                "document_index": 1,
                "document_title": "t",
                "start_page_number": 2,
                "end_page_number": 4,
                "file_id": None,
            }
        ]
    },
    "bedrock": {
        "citations": [
            {
                "title": "t",
                "sourceContent": [{"text": "x"}],
                "location": {"documentPage": {"documentIndex": 1, "start": 2, "end": 4}},
            }
        ]
    },
}
SIX: tuple[Wire, ...] = ("openai", "anthropic", "bedrock", "gemini", "openai_responses")


def answer(wire: Wire, fields: dict[str, Any]) -> Response:
    before = Text(text="So: ")
    cited = Text(text=WORDS, provider_fields={wire: fields})
    return Response(id="r1", model="m", candidates=(Candidate(parts=(before, cited), finish_reason="stop"),))


def plain(caller: Wire, response: Response) -> dict[str, Any]:
    encoded = codec(caller).encode_response(response, ASKED)
    check_answer(caller, encoded.value)
    assert all(loss.matters == "tuning" for loss in encoded.losses)
    assert any("provider_fields" in loss.path and loss.kind == "approximated" for loss in encoded.losses)
    return encoded.value


def streamed(caller: Wire, response: Response) -> list[dict[str, Any]]:
    encoder = codec(caller).stream_encoder(ASKED)
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    check_frames(caller, frames)
    return frames


def urls(caller: Wire, body: Any) -> list[Any]:
    """The addresses in a plain answer, where the caller's SDK has them."""
    match caller:
        case "openai":
            return [one["url_citation"]["url"] for one in body["choices"][0]["message"].get("annotations", ())]
        case "openai_responses":
            texts = body["output"][0]["content"]
            return [one["url"] for text in texts for one in text["annotations"]]
        case "anthropic":
            cited = [one for block in body["content"] for one in block.get("citations", ())]
            return [one["url"] for one in cited]
        case "bedrock":
            blocks = [block.get("citationsContent", {}) for block in body["output"]["message"]["content"]]
            return [one["location"]["web"]["url"] for block in blocks for one in block.get("citations", ())]
        case _:
            return [one["uri"] for one in body["candidates"][0].get("citationMetadata", {}).get("citations", ())]


@pytest.mark.parametrize("served", WEB)
@pytest.mark.parametrize("caller", SIX)
def test_a_cited_page_reaches_every_caller_that_can_cite(served: Wire, caller: Wire) -> None:
    if served == caller:
        return
    response = answer(served, WEB[served])
    assert urls(caller, plain(caller, response)) == [URL]
    assert URL in str(streamed(caller, response))


def test_positions_count_in_the_whole_answer() -> None:
    response = answer("anthropic", WEB["anthropic"])
    (cited,) = plain("openai", response)["choices"][0]["message"]["annotations"]
    assert (cited["url_citation"]["start_index"], cited["url_citation"]["end_index"]) == (4, 4 + len(WORDS))
    last = streamed("openai", response)[-1]["choices"][0]["delta"]
    assert last["annotations"] == [cited]
    (place,) = plain("gemini", response)["candidates"][0]["citationMetadata"]["citations"]
    assert (place["startIndex"], place["endIndex"], place["title"]) == (4, 4 + len(WORDS.encode()), TITLE)


@pytest.mark.parametrize(("served", "caller"), [("anthropic", "bedrock"), ("bedrock", "anthropic")])
def test_a_place_in_a_document_goes_between_claudes_two_doors(served: Wire, caller: Wire) -> None:
    response = answer(served, PAGE[served])
    after = codec(caller).decode_response(plain(caller, response), "m")
    assert after.candidates[0].parts[1].provider_fields[caller] == PAGE[caller]
    assert "documentPage" in str(streamed("bedrock", response)) or caller == "anthropic"


def test_geminis_grounding_stands_beside_the_text_that_it_supports() -> None:
    grounding = {
        "groundingChunks": [{"web": {"uri": URL, "title": TITLE}}],
        "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 4}, "groundingChunkIndices": [0]}],
    }
    candidate = Candidate(
        parts=(Text(text=WORDS),), finish_reason="stop", provider_fields={"gemini": {"groundingMetadata": grounding}}
    )
    response = Response(id="r1", model="m", candidates=(candidate,))
    assert urls("anthropic", plain("anthropic", response)) == [URL]
    assert urls("bedrock", plain("bedrock", response)) == [URL]
    (cited,) = plain("openai_responses", response)["output"][0]["content"][0]["annotations"]
    assert (cited["url"], cited["start_index"], cited["end_index"]) == (URL, 0, 4)


def test_chat_completions_annotations_stand_beside_the_text() -> None:
    annotation = {
        "type": "url_citation",
        "url_citation": {"url": URL, "title": TITLE, "start_index": 0, "end_index": 4},
    }
    message = {"role": "assistant", "content": WORDS, "annotations": [annotation]}
    body = {
        "id": "r",
        "model": "m",
        "created": 1,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
    }
    response = codec("openai").decode_response(body, "m")
    assert urls("anthropic", plain("anthropic", response)) == [URL]
    assert codec("openai").encode_response(response, ASKED).value["choices"][0]["message"]["annotations"] == [
        annotation
    ]


def test_a_citation_from_elsewhere_does_not_come_home_to_anthropic() -> None:
    history = [{"role": "assistant", "content": plain("anthropic", answer("bedrock", WEB["bedrock"]))["content"]}]
    body = json.dumps({"messages": history}).encode()
    assert may_be_foreign("anthropic", body)
    kept, places = codec("anthropic").strip(json.loads(body), "claude-opus-5-5")
    assert places == ["messages[0].content[1]"]
    assert URL not in json.dumps(kept)
    assert WORDS in json.dumps(kept, ensure_ascii=False)
    own = json.dumps(
        {"messages": [{"role": "assistant", "content": [{"type": "text", "text": WORDS, **WEB["anthropic"]}]}]}
    )
    assert not may_be_foreign("anthropic", own.encode())


def test_mistral_cannot_cite_and_says_so() -> None:
    losses = codec("mistral").encode_response(answer("anthropic", WEB["anthropic"]), ASKED).losses
    assert "candidates[0].parts[1].provider_fields.anthropic.citations" in {loss.path for loss in losses}


SAID, CITED = "Să știți: ", "Clujul e pe Someș 🌊."
WHOLE = SAID + CITED


@pytest.mark.parametrize("kind", ["grounding", "citation", "second part"])
def test_geminis_bytes_are_characters_elsewhere(kind: str) -> None:
    begins, ends = len(SAID.encode()), len(WHOLE.encode())
    parts = (Text(text=WHOLE),) if kind != "second part" else (Text(text=SAID), Text(text=CITED))
    segment = {"startIndex": begins, "endIndex": ends}
    if kind == "second part":
        segment = {"partIndex": 1, "startIndex": 0, "endIndex": len(CITED.encode())}
    grounding = {
        "groundingChunks": [{"web": {"uri": URL, "title": TITLE}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }
    own = {"groundingMetadata": grounding}
    if kind == "citation":
        own = {"citationMetadata": {"citations": [{**segment, "uri": URL, "title": TITLE}]}}
    candidate = Candidate(parts=parts, finish_reason="stop", provider_fields={"gemini": own})
    response = Response(id="r1", model="m", candidates=(candidate,))
    texts = plain("openai_responses", response)["output"][0]["content"]
    (cited,) = [(text["text"], one) for text in texts for one in text["annotations"]]
    text, place = cited
    assert text[place["start_index"] : place["end_index"]] == CITED


def test_characters_are_bytes_for_a_gemini_caller_plain_and_streamed() -> None:
    annotation = {"type": "url_citation", "url": URL, "title": TITLE, "start_index": len(SAID), "end_index": len(WHOLE)}
    text = Text(text=WHOLE, provider_fields={"openai_responses": {"annotations": [annotation]}})
    response = Response(id="r1", model="m", candidates=(Candidate(parts=(text,), finish_reason="stop"),))
    (place,) = plain("gemini", response)["candidates"][0]["citationMetadata"]["citations"]
    assert WHOLE.encode()[place["startIndex"] : place["endIndex"]].decode() == CITED
    last = streamed("gemini", response)[-1]["candidates"][0]["citationMetadata"]["citations"]
    assert last == [place]


def grounded(segment: dict[str, int]) -> dict[str, Any]:
    return {
        "groundingChunks": [{"web": {"uri": URL, "title": TITLE}}],
        "groundingSupports": [{"segment": segment, "groundingChunkIndices": [0]}],
    }


@pytest.mark.parametrize("parts", [(Text(text=WHOLE),), (Reasoning(text="hm"), Text(text=SAID), Text(text=CITED))])
def test_chat_completions_callers_see_geminis_grounding_plain_and_streamed(parts: tuple[Part, ...]) -> None:
    segment = {"startIndex": len(SAID.encode()), "endIndex": len(WHOLE.encode())}
    if len(parts) > 1:
        segment = {"partIndex": 2, "startIndex": 0, "endIndex": len(CITED.encode())}
    own = {"gemini": {"groundingMetadata": grounded(segment)}}
    response = Response(
        id="r1", model="m", candidates=(Candidate(parts=parts, finish_reason="stop", provider_fields=own),)
    )
    (cited,) = plain("openai", response)["choices"][0]["message"]["annotations"]
    place = cited["url_citation"]
    assert (place["url"], WHOLE[place["start_index"] : place["end_index"]]) == (URL, CITED)
    assert streamed("openai", response)[-1]["choices"][0]["delta"]["annotations"] == [cited]


def test_gemini_callers_see_chat_completions_annotations_plain_and_streamed() -> None:
    place = {"url": URL, "title": TITLE, "start_index": len(SAID), "end_index": len(WHOLE)}
    message = {"annotations": [{"type": "url_citation", "url_citation": place}]}
    candidate = Candidate(
        parts=(Text(text=WHOLE),), finish_reason="stop", provider_fields={"openai": {"message": message}}
    )
    response = Response(id="r1", model="m", candidates=(candidate,))
    (cited,) = plain("gemini", response)["candidates"][0]["citationMetadata"]["citations"]
    assert WHOLE.encode()[cited["startIndex"] : cited["endIndex"]].decode() == CITED
    assert streamed("gemini", response)[-1]["candidates"][0]["citationMetadata"]["citations"] == [cited]


def test_a_part_of_a_merged_stream_of_geminis_is_counted_as_it_was_merged() -> None:
    """A thought and a text, each in two chunks, are parts 0 and 1."""
    told = [{"text": "h", "thought": True}, {"text": "m", "thought": True}, {"text": SAID}, {"text": CITED}]
    frames: list[dict[str, Any]] = [{"candidates": [{"content": {"role": "model", "parts": [part]}}]} for part in told]
    segment = {"partIndex": 1, "startIndex": len(SAID.encode()), "endIndex": len(WHOLE.encode())}
    frames.append({"candidates": [{"finishReason": "STOP", "groundingMetadata": grounded(segment)}]})
    decoder, encoder = codec("gemini").stream_decoder("m"), codec("openai").stream_encoder(ASKED)
    events = [event for frame in frames for event in decoder.feed(frame)] + decoder.close()
    out = [frame for event in events for frame in encoder.feed(event)] + encoder.close()
    check_frames("openai", out)
    (cited,) = out[-1]["choices"][0]["delta"]["annotations"]
    place = cited["url_citation"]
    assert (place["url"], WHOLE[place["start_index"] : place["end_index"]]) == (URL, CITED)


@pytest.mark.parametrize("after", [(), (ToolCall(id="call_1", name="f", arguments="{}"),)])
def test_a_streamed_responses_caller_sees_geminis_grounding_at_its_text(after: tuple[Part, ...]) -> None:
    """It comes with the answer's end, when only the last text is still open; an earlier one has it in the response."""
    segment = {"startIndex": len(SAID.encode()), "endIndex": len(WHOLE.encode())}
    own = {"gemini": {"groundingMetadata": grounded(segment)}}
    candidate = Candidate(parts=(Text(text=WHOLE), *after), finish_reason="stop", provider_fields=own)
    response = Response(id="r1", model="m", candidates=(candidate,))
    frames = streamed("openai_responses", response)
    check_frames("openai_responses", frames)
    (cited,) = frames[-1]["response"]["output"][0]["content"][0]["annotations"]
    assert (cited["url"], WHOLE[cited["start_index"] : cited["end_index"]]) == (URL, CITED)
    plainly = plain("openai_responses", response)["output"][0]["content"][0]["annotations"]
    kinds = [frame["type"] for frame in frames]
    added = [frame["annotation"] for frame in frames if frame["type"] == "response.output_text.annotation.added"]
    assert (plainly, added) == ([cited], [] if after else [cited])
    assert kinds.index("response.output_text.done") < kinds.index("response.content_part.done")
    assert [frame["sequence_number"] for frame in frames] == list(range(len(frames)))


@pytest.mark.parametrize("caller", ["anthropic", "bedrock"])
def test_geminis_grounding_is_streamed_at_the_last_text(caller: Provider) -> None:
    """The block of an earlier text is over by then: the hop's losses say that the grounding is gone."""
    parts = (Text(text=SAID), ToolCall(id="call_1", name="f", arguments="{}"), Text(text=CITED))
    chunks = [{"web": {"uri": f"{URL}{number}", "title": TITLE}} for number in (0, 1)]
    supports = [
        {"segment": {"partIndex": at, "startIndex": 0, "endIndex": 4}, "groundingChunkIndices": [number]}
        for number, at in enumerate((0, 2))
    ]
    own = {"gemini": {"groundingMetadata": {"groundingChunks": chunks, "groundingSupports": supports}}}
    candidate = Candidate(parts=parts, finish_reason="tool_calls", provider_fields=own)
    response = Response(id="r1", model="m", candidates=(candidate,))
    encoder = codec(caller).stream_encoder(ASKED)
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    check_frames(caller, frames)
    assert (f"{URL}0" in json.dumps(frames), f"{URL}1" in json.dumps(frames)) == (False, True)
    lost = {loss.path: loss.kind for loss in encoder.losses}
    assert lost["candidates[0].parts[2].provider_fields"] == "approximated"
    assert lost["candidates[0].provider_fields.gemini.groundingMetadata"] == "dropped"


@pytest.mark.parametrize("caller", ["anthropic", "bedrock"])
def test_a_stream_that_goes_on_after_a_text_does_not_end_it_twice(caller: Provider) -> None:
    response = Response(id="r1", model="m", candidates=(Candidate(parts=(Text(text=SAID), Text(text=CITED))),))
    events = list(unfold(response))
    first = codec(caller).stream_encoder(ASKED)
    sent = [frame for event in events[:5] for frame in first.feed(event)]
    rest = codec(caller).continuing(ASKED, sent)
    ended = Finished(finish_reason="stop")
    frames = [*sent, *(frame for event in [*events[4:-1], ended] for frame in rest.feed(event)), *rest.close()]
    check_frames(caller, frames)
    decoder = codec(caller).stream_decoder("m")
    folded = fold([event for frame in frames for event in decoder.feed(frame)] + decoder.close())
    assert [part.text for part in folded.candidates[0].parts if isinstance(part, Text)] == [SAID, CITED]
    assert json.dumps(frames).lower().replace("_", "").count("contentblockstop") == 2
