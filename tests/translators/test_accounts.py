"""For whom a call is made reaches the wires that have only metadata for it, and comes back from there."""

from __future__ import annotations

from typing import Any

import pytest

from spaturzu_translators import Provider, codec
from spaturzu_translators.messages import Message, Text
from spaturzu_translators.requests import Request

from .laws import unexplained

HELLO = (Message(role="user", parts=(Text(text="hi"),)),)
PLACES: dict[Provider, str] = {"bedrock": "requestMetadata", "gemini": "labels", "mistral": "metadata"}


@pytest.mark.parametrize("provider", PLACES)
@pytest.mark.parametrize(
    ("asked", "sent", "lost"),
    [
        ({"user": "u1"}, {"user_id": "u1"}, []),
        ({"user": "u1", "metadata": {"team": "a"}}, {"team": "a", "user_id": "u1"}, []),
        ({"metadata": {"user_id": "u1"}}, {"user_id": "u1"}, ["metadata.user_id", "user"]),
        ({"user": "u1", "metadata": {"user_id": "u2"}}, {"user_id": "u1"}, ["metadata.user_id"]),
    ],
)
def test_the_user_stands_in_the_metadata(
    provider: Provider, asked: dict[str, Any], sent: dict[str, str], lost: list[str]
) -> None:
    request = Request(model="m", messages=HELLO, **asked)
    encoded = codec(provider).encode_request(request)
    after = codec(provider).decode_request(encoded.value)
    assert (encoded.value.body[PLACES[provider]], [loss.path for loss in encoded.losses]) == (sent, lost)
    assert after.user == "u1"
    assert not unexplained(request, after, encoded.losses)


def test_a_user_that_the_wire_cannot_write_is_dropped_alone() -> None:
    request = Request(model="m", messages=HELLO, user="Zoë", metadata={"team": "a"})
    for provider, lost in (("bedrock", ["user"]), ("gemini", ["user"]), ("mistral", [])):
        encoded = codec(provider).encode_request(request)
        assert encoded.value.body[PLACES[provider]]["team"] == "a"
        assert [loss.path for loss in encoded.losses] == lost


def test_a_user_in_bedrocks_metadata_is_anthropics_and_openais() -> None:
    body = {"messages": [{"role": "user", "content": [{"text": "hi"}]}], "requestMetadata": {"user_id": "u1"}}
    request = codec("bedrock").decode_request(codec("bedrock").encode_request(Request(model="m", messages=HELLO)).value)
    assert request.user is None
    request = codec("bedrock").decode_request(
        codec("bedrock").encode_request(Request(model="m", messages=HELLO, user="u1")).value
    )
    assert codec("bedrock").encode_request(request).value.body == body
    assert codec("anthropic").encode_request(request).value.body["metadata"] == {"user_id": "u1"}
    assert codec("openai").encode_request(request).value.body["user"] == "u1"
