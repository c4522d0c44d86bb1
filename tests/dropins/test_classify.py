"""The caller's own word on failures and answers: `fallback_on` and `classify`."""

from __future__ import annotations

from typing import Any

import openai
import pytest

from spaturzu import ConfigError, Router, last_call
from spaturzu.router.classify import Seen
from spaturzu.sandbox import Failing, Reply, Status
from spaturzu_translators.messages import Provider
from spaturzu_translators.sse import data_frame

from .chains import SERVED, House, each_primary, other, plain_and_stream, sync_and_async


@each_primary
@pytest.mark.parametrize("kind", ["auth", "content_policy"])
def test_fallback_on_opens_a_way_for_what_stops(house: House, primary: Provider, kind: Any) -> None:
    house.answers(Failing(kind, times=None), primary)
    house.answers(SERVED, other(primary))
    client = house.chain(primary, other(primary), options={"fallback_on": [kind]})
    assert house.call(primary, client).said.text == SERVED.text


def test_fallback_on_closes_a_way(house: House) -> None:
    house.answers(Failing("rate_limit", times=None), "openai")
    client = house.chain("openai", "anthropic", options={"fallback_on": {"rate_limit": False}})
    heard = house.attempt("openai", client, stream=False, as_async=False)
    assert isinstance(heard.error, openai.RateLimitError)
    assert heard.statuses == ["failed"]


@sync_and_async
def test_classify_says_what_a_failure_is(house: House, as_async: bool) -> None:
    seen: list[Seen] = []

    def classify(what: Seen) -> Any:
        seen.append(what)
        return "overloaded" if what.failure and what.failure.code == "tenant_busy" else None

    house.answers(Status(400, {"error": {"message": "No.", "code": "tenant_busy"}}, times=None), "openai")
    client = house.chain("openai", "anthropic", as_async=as_async, options={"classify": classify})
    heard = house.call("openai", client, as_async=as_async)
    assert heard.statuses == ["failed", "served"]
    assert heard.record.hops[0].kind == "overloaded"
    assert [(what.provider, what.failure is None) for what in seen] == [("openai", False), ("anthropic", True)]


@pytest.mark.parametrize("place", ["primary", "target"])
def test_classify_can_refuse_an_answer(house: House, place: str) -> None:
    def classify(seen: Seen) -> Any:
        return "server" if seen.body and "sorry" in str(seen.body) else None

    house.answers(Reply("sorry") if place == "primary" else Status(503, times=None), "openai")
    house.answers(Reply("sorry") if place == "target" else SERVED, "anthropic")
    house.answers(SERVED, "mistral")
    once = {"retry": {"attempts": 1}}
    client = house.chain("openai", "anthropic", "mistral", options={"classify": classify, **once})
    heard = house.call("openai", client)
    assert heard.said.text == SERVED.text
    refused = heard.record.hops[0 if place == "primary" else 1]
    assert (refused.status, refused.kind, refused.code) == ("failed", "server", "classified")


def test_an_answer_that_the_hook_refuses_everywhere_is_the_primarys_error(house: House) -> None:
    house.answers(Reply("sorry"))
    options = {"classify": lambda seen: "server" if seen.body else None, "retry": {"attempts": 1}}
    heard = house.attempt("openai", house.chain("openai", "anthropic", options=options), stream=False, as_async=False)
    assert isinstance(heard.error, openai.InternalServerError)


def _raises(_: Seen) -> Any:
    raise LookupError("a bug")


@pytest.mark.parametrize("hook", [_raises, lambda _: "nonsense", lambda _: 5, lambda _: ["server"]])
def test_a_bad_hook_changes_nothing_and_is_counted(house: House, hook: Any) -> None:
    house.answers(Status(503, times=None), "openai")
    client = house.chain("openai", "anthropic", options={"classify": hook})
    assert house.call("openai", client).statuses == ["failed", "served"]
    assert client.spaturzu.health().errors["classify"] == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"fallback_on": ["ratelimit"]}, ["'ratelimit'", "fallback_on", "rate_limit"]),
        ({"fallback_on": {"server": 1}}, ["'fallback_on.server'", "True or False"]),
        ({"fallback_on": "server"}, ["'fallback_on'", "'server'", "list of kinds"]),
        ({"fallback_on": ["cancelled"]}, ["fallback_on.cancelled", "leave the key out"]),
        ({"classify": "server"}, ["'classify'", "give a function"]),
        ({"breaker": {"shard": "x"}}, ["'breaker.shard'", "unknown key", "shared"]),
        ({"breaker": {"shared": "/no/such/place/at all"}}, ["'breaker.shared'", "cannot be opened"]),
        ({"first_token_timeout": 0}, ["'first_token_timeout'", "greater than 0"]),
        ({"idle_timeout": float("nan")}, ["'idle_timeout'", "nan"]),
    ],
)
def test_bad_options_are_refused_with_a_sentence(house: House, options: Any, words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        house.chain("openai", "anthropic", options=options)
    assert all(word in str(caught.value) for word in words), str(caught.value)


WORDS = [f"no {number} " for number in range(100)]
"""More of them than events are held before content."""


def _refusal_in_words() -> bytes:
    """How OpenAI's chat completions refuse: in a field of its own, with `stop` for the finish reason."""
    deltas: list[Any] = [{"role": "assistant", "content": None, "refusal": ""}, *({"refusal": word} for word in WORDS)]
    choices = [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
    choices.append({"index": 0, "delta": {}, "finish_reason": "stop"})
    envelope = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-6-astra"}
    return b"".join(data_frame({**envelope, "choices": [choice]}) for choice in choices) + b"data: [DONE]\n\n"


@sync_and_async
def test_a_streamed_refusal_is_not_heard_where_another_answer_is_wanted(house: House, as_async: bool) -> None:
    house.answers(Reply(body=_refusal_in_words()), "openai")
    house.answers(SERVED, "anthropic")
    client = house.chain("openai", "anthropic", as_async=as_async, options={"fallback_on": ["content_policy"]})
    heard = house.call("openai", client, stream=True, as_async=as_async)
    assert (heard.said.text, heard.statuses) == (SERVED.text, ["failed", "served"])
    assert (heard.record.hops[0].kind, heard.record.hops[0].code) == ("content_policy", "content_filter")


def test_a_streamed_refusal_reaches_everybody_else_as_it_came(house: House) -> None:
    house.answers(Reply(body=_refusal_in_words()), "openai")
    heard = house.call("openai", house.chain("openai", "anthropic"), stream=True)
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in heard.events) == "".join(WORDS)
    assert heard.statuses == ["served"]


@sync_and_async
def test_a_refusal_everywhere_is_the_primarys_own(house: House, as_async: bool) -> None:
    house.answers(Reply(body=_refusal_in_words()), "openai")
    house.answers(Reply("", finish="content_filter"), "anthropic")
    client = house.chain("openai", "anthropic", as_async=as_async, options={"fallback_on": ["content_policy"]})
    heard = house.call("openai", client, stream=True, as_async=as_async)
    assert "".join(chunk.choices[0].delta.refusal or "" for chunk in heard.events) == "".join(WORDS)
    assert heard.statuses == ["served", "failed"]
    assert heard.record.served_by is heard.record.hops[0]


@sync_and_async
@plain_and_stream
@pytest.mark.parametrize("primary", ["openai", "anthropic", "bedrock", "gemini"])
def test_a_refusal_everywhere_is_what_the_primarys_own_client_gets(
    house: House, primary: Provider, stream: bool, as_async: bool
) -> None:
    """Mistral has no word for it."""
    target: Provider = "openai" if primary == "anthropic" else "anthropic"
    house.answers(Reply("", finish="content_filter"))
    alone = house.call(primary, house.drop_in(primary, as_async=as_async), stream=stream, as_async=as_async)
    client = house.chain(primary, target, as_async=as_async, options={"fallback_on": ["content_policy"]})
    heard = house.call(primary, client, stream=stream, as_async=as_async)
    assert (heard.said.text, heard.said.finish) == (alone.said.text, alone.said.finish)
    assert len(heard.events) == len(alone.events)
    assert heard.statuses == ["served", "failed"]
    assert house.asked(target) == 1


@plain_and_stream
def test_a_routers_refusal_is_that_of_its_first_target(house: House, stream: bool) -> None:
    house.answers(Reply("", finish="content_filter"))
    router = Router([house.target("anthropic"), house.target("gemini")], fallback_on=["content_policy"])
    answer: Any = router.chat.completions.create(messages=[{"role": "user", "content": "Hi"}], stream=stream)
    finishes = [choice.finish_reason for each in (answer if stream else [answer]) for choice in each.choices]
    assert finishes[-1] == "content_filter"
    record = last_call()
    assert record is not None
    assert [hop.status for hop in record.hops] == ["served", "failed"]
