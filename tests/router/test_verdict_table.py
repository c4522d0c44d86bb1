"""Every row of the error table, with the SDK's real exception and with the real wire error, gives the row's verdict."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from spaturzu.router.failures import failure_of, failure_of_reply
from spaturzu.router.relay import NativeRelay
from spaturzu.router.verdicts import VERDICTS, same_hop
from spaturzu_translators.codec import codec
from spaturzu_translators.failures import ErrorReply, Failure
from spaturzu_translators.messages import Provider
from spaturzu_translators.requests import Request

from .rows import ANSWERS, CASES, INTERRUPTIONS, TRUNCATED_ROW, Case, Does
from .sdks import Said

every_row = pytest.mark.parametrize("case", CASES, ids=str)
wire_rows = pytest.mark.parametrize(
    "case", [case for case in CASES if isinstance(case.upstream, Said) and not case.in_stream], ids=str
)
stream_rows = pytest.mark.parametrize("case", [case for case in CASES if case.in_stream], ids=str)


def does(failure: Failure) -> Does:
    """What follows from a failure."""
    verdict = VERDICTS[failure.kind]
    return Does(verdict.falls, verdict.falls_from_target, same_hop(failure))


def verdict_of(failure: Failure | None) -> tuple[Any, ...]:
    """All that a row says."""
    assert failure is not None
    return failure.kind, *does(failure), failure.retry_after_s


def expected(case: Case) -> tuple[Any, ...]:
    return case.kind, *case.does, case.retry_after_s


def test_all_52_rows_have_a_case() -> None:
    rows = {case.row for case in (*CASES, *INTERRUPTIONS)} | ANSWERS.keys() | {TRUNCATED_ROW}
    assert rows == set(range(1, 53))


@every_row
def test_the_sdks_real_exception_gets_its_rows_verdict(case: Case) -> None:
    exc = case.exception()
    assert isinstance(exc, Exception)
    assert verdict_of(failure_of(exc, case.provider)) == expected(case)


@wire_rows
def test_the_real_wire_error_gets_its_rows_verdict(case: Case) -> None:
    assert isinstance(case.upstream, Said)
    assert verdict_of(failure_of_reply(case.upstream.reply, case.provider)) == expected(case)


@stream_rows
def test_the_real_error_inside_a_stream_gets_its_rows_verdict(case: Case) -> None:
    assert isinstance(case.upstream, Said)
    relay = native_relay(case.provider)
    assert b"".join(map(relay.feed, case.upstream.chunks)) == b""
    assert verdict_of(relay.failure) == expected(case)


@pytest.mark.parametrize("case", INTERRUPTIONS, ids=str)
def test_an_interruption_is_no_failure_of_a_provider(case: Case) -> None:
    """`failure_of` is never asked: `drive` catches Exception only. The kind that its hop gets ends every walk."""
    assert not isinstance(case.exception(), Exception)
    assert does(Failure(kind=case.kind)) == case.does


@pytest.mark.parametrize("row", ANSWERS)
def test_a_refusal_on_a_200_is_an_answer(row: int) -> None:
    provider, body = ANSWERS[row]
    response = codec(provider).decode_response(body, "m")
    assert {candidate.finish_reason for candidate in response.candidates} <= {"refusal", "content_filter", "guardrail"}


@pytest.mark.parametrize("provider", ["openai", "anthropic", "bedrock", "gemini", "mistral"])
def test_a_stream_without_its_terminal_event_failed(provider: Provider) -> None:
    relay = native_relay(provider)
    assert relay.end() == b""
    assert verdict_of(relay.failure) == ("server", True, True, "at_once", None)


def native_relay(provider: Provider) -> NativeRelay:
    return NativeRelay(codec(provider), lambda: Request(model="m", messages=(), stream=True))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
@pytest.mark.parametrize("provider", ["openai", "anthropic", "bedrock", "gemini", "mistral"])
def test_the_callers_own_mistakes_do_not_fall_back(provider: Provider, status: int) -> None:
    failure = failure_of_reply(ErrorReply(status=status, body={"message": "No."}), provider)
    assert does(failure) == Does(False, True, "never")


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
@pytest.mark.parametrize("provider", ["openai", "anthropic", "bedrock", "gemini", "mistral"])
def test_the_providers_bad_days_fall_back(provider: Provider, status: int) -> None:
    failure = failure_of_reply(ErrorReply(status=status, body="<html>"), provider)
    told = {500: "at_once", 502: "at_once", 504: "at_once", 408: "never"}
    assert does(failure) == Does(True, True, told.get(status, "if_told"))


@pytest.mark.parametrize(("said", "means"), [("false", False), ("true", True), ("maybe", None), ("", None)])
def test_x_should_retry_counts_where_it_is_a_yes_or_no(said: str, means: bool | None) -> None:
    reply = ErrorReply(status=500, headers={"x-should-retry": said}, body={})
    assert failure_of_reply(reply, "openai").should_retry is means
    assert failure_of_reply(reply, "anthropic").should_retry is means


def test_an_exception_that_nobody_knows_is_no_failure() -> None:
    assert failure_of(RuntimeError("a bug"), "openai") is None
    assert failure_of(KeyError("a bug"), "bedrock") is None


# recorded traffic

KINDS: dict[str, set[str]] = {
    "error_rate_limit": {"rate_limit"},
    "error_quota_or_billing": {"quota_exhausted"},
    "error_context_length": {"context_overflow"},
    "error_auth": {"auth"},
    "error_permission": {"permission"},
    "error_model_not_found": {"not_found"},
    "error_overloaded_or_unavailable": {"overloaded", "server"},
    "error_server": {"server"},
    "error_bad_request": {"bad_request"},
    "error_content_filter": {"content_policy"},
}
FINER = {
    "gemini-generate-042": {"rate_limit"},  # a limit per minute, with a RetryInfo of 48 s
    "openai-chat-066": {"context_overflow"},  # "Request too large", as a 429
    "mistral-chat-056": {"overloaded"},  # "Service tier capacity exceeded"
    "openai-chat-053": {"not_found"},  # an unknown model, as a 400
}
"""Recordings whose label is coarser than the table."""


def recorded_errors() -> list[Any]:
    """Every recorded error, if SPATURZU_CORPUS names the folder."""
    root = os.environ.get("SPATURZU_CORPUS")
    if not root:
        reason = "no recorded traffic: SPATURZU_CORPUS is not set"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason), id="no corpus")]
    files = sorted(Path(root, "interactions").rglob("*.json"))
    records = [json.loads(file.read_text("utf-8")) for file in files]
    return [pytest.param(record, id=record["id"]) for record in records if KINDS.keys() & set(record["features"])]


@pytest.mark.parametrize("record", recorded_errors())
def test_a_recorded_error_is_what_its_features_say(record: dict[str, Any]) -> None:
    response = record["response"]
    body = response["body"] if "body" in response else response.get("body_text", "")
    headers = {name.lower(): value for name, value in response["headers"].items()}
    failure = failure_of_reply(ErrorReply(status=response["status"], headers=headers, body=body), record["provider"])
    labels = KINDS.keys() & set(record["features"])
    assert failure.kind in FINER.get(record["id"], set.union(*(KINDS[name] for name in labels)))
