"""Nobody answers: the primary's own error, as its SDK says it, with a note that lists every hop."""

from __future__ import annotations

from typing import Any

import pytest

from spaturzu.sandbox import Failing, Refused, Reset, Status, Step
from spaturzu_translators.messages import Provider

from .chains import House, each_primary, other, plain_and_stream, same_error, sync_and_async

ONCE = {"retry": {"attempts": 1}}
TWICE = {"retry": {"attempts": 2}}
SECRET = "sk-live-31415"
TOLD: dict[str, Step] = {
    "503": Status(503, times=None),
    "429": Status(429, times=None),
    "overloaded": Failing("overloaded", times=None),
    "quota": Failing("quota_exhausted", times=None),
    "500": Status(500, times=None),
    "refused": Refused(),
    "reset": Reset(times=None),
}


def headers_of(error: Any) -> Any:
    """The headers of the response that an SDK's error has."""
    response = getattr(error, "response", None) or getattr(error, "raw_response", None)
    return response["ResponseMetadata"]["HTTPHeaders"] if isinstance(response, dict) else response.headers


@sync_and_async
@pytest.mark.parametrize("name", TOLD)
@each_primary
def test_the_primarys_own_error_is_raised(house: House, primary: Provider, name: str, as_async: bool) -> None:
    raw = house.raw_error(primary, TOLD[name])
    house.answers(TOLD[name], primary)
    house.answers(Status(500, times=None), other(primary))
    client = house.chain(primary, other(primary), as_async=as_async, options=TWICE)

    heard = house.attempt(primary, client, stream=False, as_async=as_async)

    same_error(heard.error, raw, in_words=name not in ("refused", "reset"))
    assert heard.statuses == ["failed", "failed"]
    assert heard.error is not None
    assert heard.error.__dict__["spaturzu"] is heard.record
    assert house.asked(other(primary)) == 2


@plain_and_stream
@each_primary
def test_the_error_tells_every_hop_and_nothing_that_a_provider_wrote(
    house: House, primary: Provider, stream: bool
) -> None:
    targets = [other(primary), other(other(primary))]
    house.answers(Status(503, {"error": {"message": SECRET}, "message": SECRET}, times=None))
    client = house.chain(primary, *targets, options=ONCE)

    error: Any = house.attempt(primary, client, stream=stream, as_async=False).error

    (note,) = error.__notes__
    assert [line.split("/")[0].strip() for line in note.splitlines()] == [
        "spaturzu tried:",
        *(f"{number}. {provider}" for number, provider in enumerate((primary, *targets), 1)),
    ]
    assert all("503" in line for line in note.splitlines()[1:])
    assert SECRET not in note


@sync_and_async
@plain_and_stream
@each_primary
def test_the_errors_response_tells_who_was_asked(house: House, primary: Provider, stream: bool, as_async: bool) -> None:
    house.answers(Status(503, times=None))
    client = house.chain(primary, other(primary), as_async=as_async, options=ONCE)

    heard = house.attempt(primary, client, stream=stream, as_async=as_async)

    headers = headers_of(heard.error)
    assert headers["x-spaturzu-provider"] == primary
    assert headers["x-spaturzu-hops"] == "2"
    assert headers["x-spaturzu-model"]


@sync_and_async
@plain_and_stream
@pytest.mark.parametrize(("status", "requests"), [(503, 1), (500, 2)])
@each_primary
def test_the_sdk_does_not_walk_the_chain_again(
    house: House, primary: Provider, status: int, requests: int, stream: bool, as_async: bool
) -> None:
    house.answers(Status(status, times=None))
    options = {"retry": {"attempts": requests}}
    client = house.chain(primary, other(primary), as_async=as_async, options=options)

    heard = house.attempt(primary, client, stream=stream, as_async=as_async)

    assert heard.error is not None
    assert (house.asked(primary), house.asked(other(primary))) == (requests, requests)


@pytest.mark.parametrize(("max_retries", "requests"), [(0, 1), (1, 2), (2, 3)])
def test_the_last_hop_is_asked_as_often_as_its_sdk_would(house: House, max_retries: int, requests: int) -> None:
    """The primary is not: somebody is next. Its second try is at once, the last hop's third after a wait."""
    house.answers(Status(500, times=None))
    spare = house.target("anthropic", client=house.raw("anthropic").with_options(max_retries=max_retries))
    client = house.drop_in("openai", options={"fallback": [spare]}, max_retries=max_retries)

    house.attempt("openai", client, stream=False, as_async=False)

    assert (house.asked("openai"), house.asked("anthropic")) == (min(2, requests), requests)


@sync_and_async
@each_primary
def test_attempts_are_all_there_are_without_a_chain_too(house: House, primary: Provider, as_async: bool) -> None:
    """The SDK does not try them all again."""
    house.answers(Status(500, times=None), primary)
    client = house.drop_in(primary, as_async=as_async, options=TWICE)

    heard = house.attempt(primary, client, stream=False, as_async=as_async)

    assert house.asked(primary) == heard.record.hops[0].attempts == 2
    same_error(heard.error, house.raw_error(primary, Status(500)), in_words=False)


@each_primary
def test_without_a_chain_the_sdk_retries_as_it_always_did(house: House, primary: Provider) -> None:
    """openai and anthropic ask three times, botocore too; the other two only where they are told to."""
    house.answers(Status(500, headers={"retry-after-ms": "1"}, times=None), primary)
    raw = house.raw(primary)
    house.attempt(primary, raw, stream=False, as_async=False)
    expected = house.asked(primary)

    heard = house.attempt(primary, house.drop_in(primary), stream=False, as_async=False)

    assert heard.error is not None
    assert house.asked(primary) == 2 * expected


def test_a_fallbacks_own_misconfiguration_does_not_hide_the_outage(house: House) -> None:
    house.answers(Status(503, times=None), "openai")
    house.answers(Status(401, times=None), "anthropic")
    client = house.chain("openai", "anthropic", "mistral")

    heard = house.call("openai", client)

    assert heard.statuses == ["failed", "failed", "served"]
    assert [hop.kind for hop in heard.record.hops] == ["overloaded", "auth", None]


def test_an_error_keeps_the_transports_exception_as_its_cause(house: House) -> None:
    house.answers(Refused())
    client = house.chain("openai", "anthropic", options=ONCE)

    error: Any = house.attempt("openai", client, stream=False, as_async=False).error

    assert type(error.__cause__).__name__ == "ConnectError"
    assert error.request.url.path == "/v1/chat/completions"
