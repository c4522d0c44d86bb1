"""Encoders that lie about their losses, on purpose: the law must catch each of them within a default run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from hypothesis import Phase, find, settings
from hypothesis.errors import NoSuchExample

from spaturzu_translators import WIRES, Encoded, Loss, Wire, codec
from spaturzu_translators.messages import Message
from spaturzu_translators.requests import Request

from .laws import unexplained
from .strategies import requests

Encode: TypeAlias = Callable[[Request], Encoded[Any]]


def swallows_a_report(encode: Encode) -> Encode:
    """It says nothing of a seed, or of another plain setting, that it dropped."""

    def encode_request(request: Request) -> Encoded[Any]:
        encoded = encode(request)
        return Encoded(encoded.value, tuple(loss for loss in encoded.losses if loss.path not in _SETTINGS))

    return encode_request


_SETTINGS = {"seed", "user", "top_k", "service_tier"}


def drops_a_part(encode: Encode) -> Encode:
    """It leaves out the last part of a long turn."""

    def encode_request(request: Request) -> Encoded[Any]:
        return encode(replace(request, messages=tuple(map(_shortened, request.messages))))

    return encode_request


def _shortened(message: Message) -> Message:
    return replace(message, parts=message.parts[:-1]) if len(message.parts) > 1 else message


def cries_wolf(encode: Encode) -> Encode:
    """It reports a temperature lost that it carried."""

    def encode_request(request: Request) -> Encoded[Any]:
        encoded = encode(request)
        false = Loss(path="max_tokens", kind="approximated", matters="tuning")
        return Encoded(encoded.value, (*encoded.losses, false) if request.max_tokens else encoded.losses)

    return encode_request


def breaks_the_law(wire_name: Wire, encode: Encode, request: Request) -> bool:
    encoded = encode(request)
    return unexplained(request, codec(wire_name).decode_request(encoded.value), encoded.losses) is not None


quick = settings(max_examples=300, phases=[Phase.generate], database=None)


@pytest.mark.parametrize("wire_name", WIRES)
@pytest.mark.parametrize("mutant", [swallows_a_report, drops_a_part, cries_wolf], ids=lambda mutant: mutant.__name__)
def test_the_law_catches_an_encoder_that(mutant: Callable[[Encode], Encode], wire_name: Wire) -> None:
    mutated = mutant(codec(wire_name).encode_request)
    found = find(requests(), lambda request: breaks_the_law(wire_name, mutated, request), settings=quick)
    assert not breaks_the_law(wire_name, codec(wire_name).encode_request, found)


def test_an_honest_encoder_is_not_accused() -> None:
    encode = codec("mistral").encode_request
    few = settings(quick, max_examples=60)
    with pytest.raises(NoSuchExample):
        find(requests(), lambda request: breaks_the_law("mistral", encode, request), settings=few)
