"""Faults as the real SDKs meet them. What each SDK raises is measured (providers.md sections 1 to 5, 2026-11-22)."""

from __future__ import annotations

import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import anthropic
import botocore.eventstream
import botocore.exceptions
import httpx2
import openai
import pytest
import urllib3.exceptions
from google.genai import errors as google
from mistralai.client import errors as mistral

from spaturzu.sandbox import (
    Cut,
    ErrorEvent,
    ErrorKind,
    Failing,
    Fault,
    Held,
    Html,
    Malformed,
    NoTerminal,
    Outage,
    Refused,
    Reply,
    Reset,
    Sandbox,
    Silence,
    Stall,
    Status,
    native_error,
)
from spaturzu.sandbox.dialects import DIALECTS, Asked
from spaturzu.sandbox.plans import plan
from spaturzu.sandbox.script import Script
from spaturzu.sandbox.server import Send
from spaturzu_translators.messages import PROVIDERS, Provider
from tests.waiting import PATIENCE_S, soon

from .talk import SPEAKERS, Heard, Speaker

each_speaker = pytest.mark.parametrize("speaker", SPEAKERS, ids=str)

SHORT = httpx2.Timeout(PATIENCE_S, read=0.1)
RATE_LIMITS = {
    "openai": openai.RateLimitError,
    "anthropic": anthropic.RateLimitError,
    "bedrock": botocore.exceptions.ClientError,
    "gemini": google.ClientError,
    "mistral": mistral.SDKError,
}
SERVER_ERRORS = RATE_LIMITS | {
    "openai": openai.InternalServerError,
    "anthropic": anthropic.InternalServerError,
    "gemini": google.ServerError,
}
IN_STREAM = RATE_LIMITS | {
    "openai": openai.APIError,
    "anthropic": anthropic.APIStatusError,
    "bedrock": botocore.exceptions.EventStreamError,
    "gemini": google.ServerError,
    "mistral": mistral.ResponseValidationError,
}
REFUSED = {
    "openai": openai.APIConnectionError,
    "anthropic": anthropic.APIConnectionError,
    "bedrock": botocore.exceptions.EndpointConnectionError,
    "gemini": httpx2.ConnectError,
    "mistral": httpx2.ConnectError,
}
RESET = REFUSED | {
    "bedrock": botocore.exceptions.ConnectionClosedError,
    "gemini": httpx2.ReadError,
    "mistral": httpx2.ReadError,
}
RESET_IN_STREAM = RESET | {"anthropic": httpx2.ReadError, "bedrock": urllib3.exceptions.ProtocolError}
GONE = RESET | {"gemini": httpx2.RemoteProtocolError, "mistral": httpx2.RemoteProtocolError}
BROKEN_JSON = {
    "openai": json.JSONDecodeError,
    "anthropic": json.JSONDecodeError,
    "bedrock": botocore.eventstream.ChecksumMismatch,
    "gemini": google.UnknownApiResponseError,
    "mistral": mistral.ResponseValidationError,
}
HTTP_ERRORS = (
    openai.APIStatusError,
    anthropic.APIStatusError,
    botocore.exceptions.ClientError,
    google.APIError,
    mistral.MistralError,
)
KINDS: tuple[ErrorKind, ...] = (
    *("rate_limit", "quota_exhausted", "overloaded", "server", "timeout", "context_overflow", "content_policy"),
    *("auth", "permission", "not_found", "bad_request"),
)


def stream_of(speaker: Speaker, sandbox: Sandbox, *steps: Fault) -> Heard:
    """What was heard of a stream until it ended or failed; the failure is in `heard.finish` by its type."""
    sandbox.wires[speaker.provider].reply(Reply("one two three four"))
    sandbox.wires[speaker.provider].script(*steps)
    heard = Heard()
    try:
        speaker.stream(sandbox, heard)
    except tuple({*IN_STREAM.values(), *RESET_IN_STREAM.values(), *GONE.values(), *BROKEN_JSON.values()}) as error:
        heard.calls.append(("failed", type(error)))
    return heard


def failure(heard: Heard) -> type[Exception] | None:
    return next((kind for name, kind in heard.calls if name == "failed"), None)


@each_speaker
@pytest.mark.parametrize("way", ["plain", "stream"])
def test_a_status_raises_the_sdks_own_class_and_then_all_is_well(sandbox: Sandbox, speaker: Speaker, way: str) -> None:
    sandbox.wires[speaker.provider].script(Status(429), Status(503))
    ask = (lambda: speaker.plain(sandbox)) if way == "plain" else (lambda: speaker.stream(sandbox, Heard()))
    with pytest.raises(RATE_LIMITS[speaker.provider]):
        ask()
    with pytest.raises(SERVER_ERRORS[speaker.provider]):
        ask()
    ask()


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_error_has_a_body_in_the_providers_shape(provider: Provider, kind: ErrorKind) -> None:
    error = native_error(provider, kind)
    json.dumps(error.body)
    if error.status == 200:
        assert (provider, kind) in {("bedrock", "content_policy"), ("gemini", "content_policy")}
    elif provider == "bedrock":
        assert error.headers["x-amzn-errortype"].split(":")[0].endswith("Exception")
        assert set(error.body) == {"message"}
    elif provider != "mistral":
        assert error.body["error"]["message"]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 408, 409, 413, 422, 424, 429, 499, 500, 502, 503, 504, 529]
)
def test_every_status_has_a_body(provider: Provider, status: int) -> None:
    error = native_error(provider, status)
    assert (error.status, bool(error.body)) == (status, True)


@each_speaker
@pytest.mark.parametrize("kind", KINDS)
def test_failing_reaches_the_caller_with_that_kinds_status(sandbox: Sandbox, speaker: Speaker, kind: ErrorKind) -> None:
    expected = native_error(speaker.provider, kind).status
    sandbox.wires[speaker.provider].script(Failing(kind))
    if expected == 200:
        sandbox.wires[speaker.provider].script(Failing(kind))
        heard = Heard()
        speaker.stream(sandbox, heard)
        assert (speaker.plain(sandbox).text, heard.text) == ("", "")
        return
    with pytest.raises(HTTP_ERRORS) as caught:
        speaker.plain(sandbox)
    assert status_of(caught.value) == expected


def status_of(error: BaseException) -> int:
    match error:
        case botocore.exceptions.ClientError():
            return error.response["ResponseMetadata"]["HTTPStatusCode"]
        case google.APIError():
            return error.code
        case openai.APIStatusError() | anthropic.APIStatusError() | mistral.MistralError():
            return error.status_code
        case _:
            raise AssertionError(error)


def test_bodies_and_headers_of_a_status_can_be_given(sandbox: Sandbox) -> None:
    sandbox.openai.script(Status(429, {"error": {"code": "slow_down"}}, headers={"Retry-After": "7"}))
    with pytest.raises(openai.RateLimitError) as caught:
        SPEAKERS[0].plain(sandbox)
    assert (caught.value.code, caught.value.response.headers["retry-after"]) == ("slow_down", "7")


def test_an_sdks_own_retries_outlast_a_fault(sandbox: Sandbox) -> None:
    sandbox.openai.script(Status(500, times=2, headers={"retry-after-ms": "1"}))
    assert SPEAKERS[0].plain(sandbox, max_retries=2).text == "Hello"
    assert len(sandbox.openai.requests) == 3


@each_speaker
def test_a_refused_connection_is_refused_and_the_port_comes_back(sandbox: Sandbox, speaker: Speaker) -> None:
    wire = sandbox.wires[speaker.provider]
    speaker.plain(sandbox)
    url = wire.url
    with wire.refuse(), pytest.raises(REFUSED[speaker.provider]):
        speaker.plain(sandbox)
    assert (speaker.plain(sandbox).text, wire.url) == ("Hello", url)


def test_refused_as_a_step_ends_by_the_clock_or_by_a_reset(sandbox: Sandbox) -> None:
    speaker = SPEAKERS[0]
    sandbox.openai.script(Reply("first"), Refused(0.2), Reply("last"))
    assert speaker.plain(sandbox).text == "first"
    assert soon(lambda: _accepts(sandbox))
    assert speaker.plain(sandbox).text == "last"
    sandbox.openai.reply(Refused())
    with pytest.raises(openai.APIConnectionError):
        speaker.plain(sandbox)
    sandbox.reset()
    assert speaker.plain(sandbox).text == "Hello"


def _accepts(sandbox: Sandbox) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", sandbox.openai.port)) == 0


@each_speaker
def test_a_reset_before_the_answer(sandbox: Sandbox, speaker: Speaker) -> None:
    sandbox.wires[speaker.provider].script(Reset())
    with pytest.raises(RESET[speaker.provider]):
        speaker.plain(sandbox)


@each_speaker
def test_a_reset_within_a_plain_answer(sandbox: Sandbox, speaker: Speaker) -> None:
    sandbox.wires[speaker.provider].script(Reset(after_bytes=250))
    with pytest.raises(RESET[speaker.provider]):
        speaker.plain(sandbox)


@each_speaker
def test_a_reset_within_a_stream_comes_after_what_was_said(sandbox: Sandbox, speaker: Speaker) -> None:
    heard = stream_of(speaker, sandbox, Reset(after_deltas=2))
    assert (heard.text, failure(heard)) == ("one two ", RESET_IN_STREAM[speaker.provider])


@each_speaker
def test_silence_says_nothing_and_then_hangs_up(sandbox: Sandbox, speaker: Speaker) -> None:
    sandbox.wires[speaker.provider].script(Silence(0.1))
    began = time.monotonic()
    with pytest.raises(GONE[speaker.provider]):
        speaker.plain(sandbox)
    assert time.monotonic() - began >= 0.1


def test_silence_lasts_longer_than_a_clients_timeout(sandbox: Sandbox) -> None:
    sandbox.openai.script(Silence(), Silence())
    with pytest.raises(openai.APITimeoutError):
        SPEAKERS[0].plain(sandbox, timeout=0.1)
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(f"{sandbox.url('openai')}/chat/completions", json={"model": "m"}, timeout=SHORT)


@each_speaker
@pytest.mark.parametrize("framing", ["right", "missing"])
def test_a_clean_cut_ends_a_stream_silently(sandbox: Sandbox, speaker: Speaker, framing: str) -> None:
    heard = stream_of(speaker, sandbox, Cut(after_deltas=2, framing=framing))
    assert (heard.text, heard.finish, failure(heard)) == ("one two ", None, None)


@each_speaker
def test_a_cut_against_the_framing_is_noticed(sandbox: Sandbox, speaker: Speaker) -> None:
    wrong = GONE | {"anthropic": httpx2.RemoteProtocolError, "bedrock": urllib3.exceptions.ProtocolError}
    heard = stream_of(speaker, sandbox, Cut(after_deltas=2, framing="wrong"))
    assert (heard.text, failure(heard)) == ("one two ", wrong[speaker.provider])


@pytest.mark.parametrize("framing", ["right", "missing", "wrong"])
def test_a_cut_plain_answer_is_half_of_it(sandbox: Sandbox, framing: str) -> None:
    sandbox.openai.script(Cut(framing=framing))
    with httpx2.stream("POST", f"{sandbox.url('openai')}/chat/completions", json={"model": "m"}) as response:
        body = b""
        failed = False
        try:
            for data in response.iter_bytes():
                body += data
        except httpx2.RemoteProtocolError:
            failed = True
    assert body.startswith(b'{"id":')
    assert (not body.endswith(b"}}"), failed) == (True, framing == "wrong")


def test_a_negative_cut_counts_from_the_end(sandbox: Sandbox) -> None:
    sandbox.openai.script(Cut(after_events=-1))
    answer = httpx2.post(f"{sandbox.url('openai')}/chat/completions", json={"model": "m", "stream": True})
    assert '"finish_reason":"stop"' in answer.text
    assert "[DONE]" not in answer.text


@each_speaker
def test_a_stalled_stream_goes_on_after_its_pause(sandbox: Sandbox, speaker: Speaker) -> None:
    began = time.monotonic()
    heard = stream_of(speaker, sandbox, Stall(after_deltas=1, seconds=0.1))
    assert heard.text == "one two three four"
    assert time.monotonic() - began >= 0.1


def test_a_stall_longer_than_the_clients_patience_is_a_timeout(sandbox: Sandbox) -> None:
    sandbox.openai.script(Stall(after_events=1))
    with pytest.raises(httpx2.ReadTimeout):
        httpx2.post(f"{sandbox.url('openai')}/chat/completions", json={"model": "m", "stream": True}, timeout=SHORT)


@each_speaker
def test_a_malformed_event_breaks_the_stream_where_it_stands(sandbox: Sandbox, speaker: Speaker) -> None:
    heard = stream_of(speaker, sandbox, Malformed(after_deltas=2))
    assert (heard.text, failure(heard)) == ("one two ", BROKEN_JSON[speaker.provider])


@each_speaker
def test_a_malformed_plain_answer(sandbox: Sandbox, speaker: Speaker) -> None:
    """botocore swallows it and returns a dict without the answer."""
    broken = BROKEN_JSON | {"bedrock": KeyError, "gemini": json.JSONDecodeError}
    sandbox.wires[speaker.provider].script(Malformed())
    with pytest.raises(broken[speaker.provider]):
        speaker.plain(sandbox)


@each_speaker
def test_a_web_page_with_an_error_status(sandbox: Sandbox, speaker: Speaker) -> None:
    sandbox.wires[speaker.provider].script(Html(status=502))
    with pytest.raises(SERVER_ERRORS[speaker.provider]):
        speaker.plain(sandbox)


def test_a_web_page_on_a_200(sandbox: Sandbox) -> None:
    sandbox.mistral.script(Html())
    with pytest.raises(mistral.SDKError, match="text/html"):
        SPEAKERS[4].plain(sandbox)


@each_speaker
def test_an_error_event_comes_in_the_providers_own_form(sandbox: Sandbox, speaker: Speaker) -> None:
    heard = stream_of(speaker, sandbox, ErrorEvent(after_deltas=2))
    assert (heard.text, failure(heard)) == ("one two ", IN_STREAM[speaker.provider])


@each_speaker
def test_a_stream_without_its_terminal_has_all_of_the_text(sandbox: Sandbox, speaker: Speaker) -> None:
    heard = stream_of(speaker, sandbox, NoTerminal())
    assert (heard.text, heard.finish, failure(heard)) == ("one two three four", None, None)


@each_speaker
def test_an_outage_ends_by_itself(sandbox: Sandbox, speaker: Speaker) -> None:
    sandbox.wires[speaker.provider].script(Outage(0.1))
    with pytest.raises(SERVER_ERRORS[speaker.provider]):
        speaker.plain(sandbox)
    time.sleep(0.1)  # since the request that met it, at least
    assert speaker.plain(sandbox).text == "Hello"


def test_an_outage_lasts_from_the_first_request_that_meets_it() -> None:
    script = Script()
    outage, after = Outage(10), Reply("after")
    script.append(outage)
    script.append(after)
    assert [script.take(now) for now in (100, 105, 109.9)] == [outage] * 3
    assert [script.take(now) for now in (110, 111)] == [after, script.reply]


def test_a_fault_without_an_end_lasts_until_the_reset(sandbox: Sandbox) -> None:
    sandbox.openai.script(Status(500, times=None))
    for _ in range(3):
        with pytest.raises(openai.InternalServerError):
            SPEAKERS[0].plain(sandbox)
    sandbox.openai.reset()
    assert SPEAKERS[0].plain(sandbox).text == "Hello"


def test_a_fault_breaks_its_own_reply_where_it_names_one(sandbox: Sandbox) -> None:
    sandbox.openai.script(NoTerminal(reply=Reply("mine")), NoTerminal())
    heard = [Heard(), Heard()]
    for each in heard:
        SPEAKERS[0].stream(sandbox, each)
    assert [each.text for each in heard] == ["mine", "Hello"]


def test_an_outage_of_every_other_request(sandbox: Sandbox) -> None:
    script = Script()
    outage = Outage(10, every=2)
    script.append(outage)
    assert [script.take(now) for now in (100, 101, 102, 103, 111)] == [
        *(outage, script.reply, outage, script.reply, script.reply)
    ]


@each_speaker
def test_a_cut_inside_of_an_event_loses_that_event(sandbox: Sandbox, speaker: Speaker) -> None:
    heard = stream_of(speaker, sandbox, Cut(after_deltas=1, inside=True, framing="wrong"))
    assert heard.text == "one "
    assert failure(heard) is not None


def test_broken_events_come_in_runs() -> None:
    for count in (1, 3):
        actions = plan(Malformed(count=count), Asked(model="m", stream=True), DIALECTS["openai"], Reply())
        assert sum(action.data.count(b'"broken"') for action in actions if isinstance(action, Send)) == count


def test_a_server_that_waits_notices_who_has_left(sandbox: Sandbox) -> None:
    others = set(threading.enumerate())
    sandbox.openai.script(Silence(600))
    with pytest.raises(openai.APITimeoutError):
        SPEAKERS[0].plain(sandbox, timeout=0.05)
    assert soon(lambda: not _serving(others)), "a thread of that connection's is left"


def _serving(others: set[threading.Thread]) -> int:
    return sum(thread.name == "sandbox-openai" for thread in set(threading.enumerate()) - others)


@each_speaker
def test_a_held_answer_comes_when_something_else_has_happened(sandbox: Sandbox, speaker: Speaker) -> None:
    happened = threading.Event()
    sandbox.wires[speaker.provider].script(Held(Reply("at last"), happened.is_set))
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(speaker.plain, sandbox)
        assert soon(lambda: sandbox.wires[speaker.provider].requests)
        assert not answer.done()
        happened.set()
        assert answer.result().text == "at last"
    assert speaker.plain(sandbox).text == "Hello"


def test_a_fault_is_held_as_often_as_it_answers(sandbox: Sandbox) -> None:
    asked: list[int] = []
    sandbox.openai.script(Held(Status(503, times=2), lambda: asked.append(1) or True))
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            SPEAKERS[0].plain(sandbox)
    assert len(asked) == 2


def test_what_never_happens_ends_the_connection(sandbox: Sandbox) -> None:
    sandbox.openai.script(Held(Reply("never"), lambda: False, seconds=0.05))
    with pytest.raises(openai.APIConnectionError):
        SPEAKERS[0].plain(sandbox)
