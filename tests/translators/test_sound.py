"""Answers that one hears, between OpenAI's chat and Gemini: asked for, given plain and streamed, and sent back."""

from __future__ import annotations

import base64
import io
import json
import wave
from typing import Any

import pytest

from spaturzu_translators import codec
from spaturzu_translators.events import unfold
from spaturzu_translators.foreign import may_be_foreign
from spaturzu_translators.messages import Blob, Message, Text
from spaturzu_translators.requests import Request, SoundOptions, WireRequest
from spaturzu_translators.responses import Candidate, Response

from .native import check_answer, check_frames

SAMPLES = b"\x01\x00\x02\x00\xff\x7f"
RATE, PCM = 24_000, "audio/L16;codec=pcm;rate=24000"
KORE = {"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}}


def asked(form: str | None = None) -> Request:
    said = (Message(role="user", parts=(Text(text="hi"),)),)
    return Request(model="m", messages=said, stream=True, sound=SoundOptions(voice="alloy", format=form))


def heard(*samples: bytes) -> Response:
    """Gemini's answer, in as many parts."""
    parts = tuple(
        Blob(modality="audio", media_type=PCM, data=base64.b64encode(part).decode()) for part in samples or (SAMPLES,)
    )
    return Response(id="r1", model="m", candidates=(Candidate(parts=parts, finish_reason="stop"),))


def test_what_either_asks_for_the_other_is_asked() -> None:
    body = {
        "messages": [{"role": "user", "content": "hi"}],
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "wav"},
    }
    request = codec("openai").decode_request(WireRequest(body=body, model="m"))
    gemini = codec("gemini").encode_request(request)
    assert gemini.value.body["generationConfig"] == {"responseModalities": ["AUDIO"]}
    assert {loss.path: loss.kind for loss in gemini.losses} == {"sound.voice": "dropped", "sound.format": "emulated"}
    home = codec("openai").encode_request(request).value.body
    assert {name: home[name] for name in ("modalities", "audio")} == {
        name: body[name] for name in ("modalities", "audio")
    }

    spelt = {"voice_config": {"prebuilt_voice_config": {"voice_name": "Kore"}}}  # as google-genai writes it
    config = {"responseModalities": ["AUDIO"], "speechConfig": spelt}
    contents = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": config}
    request = codec("gemini").decode_request(WireRequest(body=contents, model="m"))
    config["speechConfig"] = KORE
    assert codec("gemini").encode_request(request).value.body == contents
    openai = codec("openai").encode_request(request)
    assert openai.value.body["audio"] == {"voice": "alloy", "format": "pcm16"}
    assert [loss.path for loss in openai.losses] == ["sound.voice"]


@pytest.mark.parametrize("samples", [(SAMPLES,), (SAMPLES[:2], SAMPLES[2:])])
def test_an_openai_caller_hears_gemini_in_the_format_it_asked_for(samples: tuple[bytes, ...]) -> None:
    for form in ("pcm16", "wav"):
        body = codec("openai").encode_response(heard(*samples), asked(form)).value
        check_answer("openai", body)
        data = base64.b64decode(body["choices"][0]["message"]["audio"]["data"])
        if form == "pcm16":
            assert data == SAMPLES
            continue
        with wave.open(io.BytesIO(data)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2)
            assert file.readframes(9) == SAMPLES


def test_a_streaming_openai_caller_hears_each_piece() -> None:
    encoder = codec("openai").stream_encoder(asked("pcm16"))
    frames = [frame for event in unfold(heard(SAMPLES[:2], SAMPLES[2:])) for frame in encoder.feed(event)]
    check_frames("openai", frames)
    deltas = [choice["delta"] for frame in frames for choice in frame["choices"]]
    pieces = [base64.b64decode(delta["audio"]["data"]) for delta in deltas if "audio" in delta]
    assert b"".join(pieces) == SAMPLES


@pytest.mark.parametrize(
    ("data", "kind"),
    [(SAMPLES, PCM), (b"RIFF1234WAVE", "audio/wav"), (b"ID3\x04", "audio/mpeg"), (b"fLaC", "audio/flac")],
)
def test_a_gemini_caller_hears_openai_plain_and_streamed(data: bytes, kind: str) -> None:
    text = base64.b64encode(data).decode()
    audio = {"id": "audio_1", "data": text, "expires_at": 5, "transcript": "hi"}
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "audio": audio}}
    body = {"id": "c", "object": "chat.completion", "created": 5, "model": "m", "choices": [choice]}
    response = codec("openai").decode_response(body, "m")
    encoded = codec("gemini").encode_response(response, asked())
    check_answer("gemini", encoded.value)
    inline = {"inlineData": {"mimeType": kind, "data": text}}
    assert encoded.value["candidates"][0]["content"]["parts"] == [inline]
    assert "candidates[0].parts[0]" in {loss.path for loss in encoded.losses}
    encoder = codec("gemini").stream_encoder(asked())
    frames = [frame for event in unfold(response) for frame in encoder.feed(event)] + encoder.close()
    assert frames[0]["candidates"][0]["content"]["parts"] == [inline]


def test_sound_that_openai_never_made_is_not_sent_back_to_it() -> None:
    message = codec("openai").encode_response(heard(), asked("wav")).value["choices"][0]["message"]
    own = {"role": "assistant", "audio": {"id": "audio_abc"}}
    body = {"model": "gpt-audio", "messages": [{"role": "user", "content": "hi"}, message, own]}
    assert may_be_foreign("openai", json.dumps(body).encode())
    stripped, places = codec("openai").strip(body, "gpt-audio")
    assert ("audio" in stripped["messages"][1], stripped["messages"][2], places) == (False, own, ["messages[1].audio"])
