"""An answer that its provider calls malformed, for callers whose wire has no word for that (providers.md 6.1)."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from spaturzu.sandbox import Reply, Status, Usage
from spaturzu_translators.messages import Provider

from .chains import SERVED, House, plain_and_stream, sync_and_async

ONCE = {"retry": {"attempts": 1}}
WORDS: list[tuple[Provider, str]] = [
    ("gemini", "MALFORMED_FUNCTION_CALL"),
    ("bedrock", "malformed_model_output"),
    ("mistral", "error"),
]


@sync_and_async
@plain_and_stream
@pytest.mark.parametrize("primary", ["openai", "anthropic"])
@pytest.mark.parametrize(("target", "word"), WORDS)
def test_a_malformed_answer_is_the_targets_failure(
    house: House, primary: Provider, target: Provider, word: str, stream: bool, as_async: bool
) -> None:
    house.answers(Status(503, times=None), primary)
    house.answers(Reply("", finish=word), target)
    last: Provider = "anthropic" if primary == "openai" else "openai"
    house.answers(SERVED, last)
    client = house.chain(primary, target, last, as_async=as_async, options=ONCE)
    heard = house.call(primary, client, stream=stream, as_async=as_async)
    assert (heard.said.text, heard.statuses) == (SERVED.text, ["failed", "failed", "served"])
    failed = heard.record.hops[1]
    assert (failed.kind, failed.code) == ("server", "malformed_answer")


@plain_and_stream
@pytest.mark.parametrize(("primary", "target"), [("gemini", "bedrock"), ("mistral", "gemini"), ("bedrock", "mistral")])
def test_a_caller_who_has_a_word_for_it_is_told(
    house: House, primary: Provider, target: Provider, stream: bool
) -> None:
    house.answers(Status(503, times=None), primary)
    house.answers(Reply("half", finish=dict(WORDS)[target]), target)
    heard = house.call(primary, house.chain(primary, target, options=ONCE), stream=stream)
    assert (heard.said.text, heard.statuses) == ("half", ["failed", "served"])


@plain_and_stream
@pytest.mark.parametrize(("target", "word"), WORDS)
def test_a_malformed_answer_is_paid_for(house: House, target: Provider, word: str, stream: bool) -> None:
    house.answers(Status(503, times=None), "openai")
    house.answers(Reply("", finish=word, usage=Usage(input=11)), target)
    house.answers(SERVED, "anthropic")
    heard = house.call("openai", house.chain("openai", target, "anthropic", options=ONCE), stream=stream)
    usage: Any = heard.record.hops[1].usage
    assert (usage() if callable(usage) else usage).input_tokens == 11


def test_a_stream_that_turns_out_malformed_after_its_first_words_raises(house: House) -> None:
    house.answers(Status(503, times=None), "openai")
    house.answers(Reply("half of it", finish="MALFORMED_RESPONSE"), "gemini")
    heard = house.attempt("openai", house.chain("openai", "gemini", options=ONCE), stream=True, as_async=False)
    assert isinstance(heard.error, openai.APIError)
    assert heard.record.hops[1].code == "malformed_answer"
