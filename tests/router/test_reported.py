"""What an answer says of its usage is on its hop, and is decoded when asked for."""

from __future__ import annotations

import pytest

from spaturzu.router.drive import drive
from spaturzu_translators.codec import codec
from spaturzu_translators.messages import PROVIDERS, Provider
from spaturzu_translators.responses import Usage

from .stage import USAGE, Fake, Primary, answering, body_of, make_call


def counts(usage: Usage | None) -> tuple[int | None, int | None]:
    assert usage is not None
    return usage.input_tokens, usage.output_tokens


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_primarys_own_answer_reports_its_usage(provider: Provider):
    call = make_call(primary=provider)
    drive(call, Primary([answering(body_of(provider))]))
    (hop,) = call.record.hops
    assert hop.usage is not None
    assert counts(hop.usage()) == counts(USAGE)


@pytest.mark.parametrize("target", PROVIDERS)
def test_a_targets_answer_reports_its_usage(target: Provider):
    call = make_call(Fake(target).target(), primary="openai")
    drive(call, Primary([503]))
    hop = call.record.hops[-1]
    assert hop.usage is not None
    assert counts(hop.usage()) == counts(USAGE)


def test_an_answer_without_usage_keeps_what_was_said():
    body = body_of("openai")
    del body["usage"]
    call = make_call()
    drive(call, Primary([answering(body)]))
    (hop,) = call.record.hops
    assert hop.usage is not None
    assert hop.answer is not None
    assert hop.usage() is None
    assert hop.answer() == codec("openai").decode_response(body, "")


def test_a_usage_that_cannot_be_read_is_none():
    call = make_call()
    drive(call, Primary([answering({**body_of("openai"), "usage": {"prompt_tokens": "many"}})]))
    (hop,) = call.record.hops
    assert hop.usage is not None
    assert hop.usage() is None
