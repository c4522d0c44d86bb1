"""The caller begins the answer: models that go on with it are given the beginning, all others are asked to go on."""

from __future__ import annotations

from typing import Any

import pytest

import spaturzu
from spaturzu.sandbox.clients import MODELS
from spaturzu_translators.messages import Provider
from spaturzu_translators.prefill import CONTINUE

from .chains import DOWN, SERVED, House

BEGUN = "The capital is"
OLD_CLAUDE = "anthropic.claude-sonnet-4-5-20250929-v1:0"
HISTORY = [{"role": "user", "content": "Which city?"}, {"role": "assistant", "content": BEGUN}]
ENDS: dict[Provider, list[Any]] = {
    "openai": [{"role": "assistant", "content": BEGUN}, {"role": "user", "content": CONTINUE}],
    "anthropic": [{"role": "assistant", "content": BEGUN}, {"role": "user", "content": CONTINUE}],
    "bedrock": [
        {"role": "assistant", "content": [{"text": BEGUN}]},
        {"role": "user", "content": [{"text": CONTINUE}]},
    ],
    "gemini": [{"role": "model", "parts": [{"text": BEGUN}]}, {"role": "user", "parts": [{"text": CONTINUE}]}],
    "mistral": [HISTORY[0], {"role": "assistant", "content": BEGUN, "prefix": True}],
}


def begin(client: Any, caller: Provider) -> None:
    if caller == "anthropic":
        client.messages.create(model="claude-opus-4-5", max_tokens=50, messages=HISTORY)
    else:
        client.chat.complete(model=MODELS["mistral"], messages=[HISTORY[0], {**HISTORY[1], "prefix": True}])


def ended(house: House, target: Provider) -> list[Any]:
    """The last two turns that the target got, and what its hop reports as lost of them."""
    body = house.wire(target).requests[-1].body
    assert body is not None
    return body["contents" if target == "gemini" else "messages"][-2:]


def lost() -> list[str]:
    record = spaturzu.last_call()
    assert record is not None
    assert record.served_by is not None
    return [loss.path for loss in record.served_by.losses if loss.path.startswith("messages")]


@pytest.mark.parametrize("target", ENDS)
@pytest.mark.parametrize("caller", ["anthropic", "mistral"])
def test_a_begun_answer_is_gone_on_with_or_asked_for(house: House, caller: Provider, target: Provider) -> None:
    if caller == target:
        return
    house.answers(DOWN, caller)
    house.answers(SERVED, target)
    begin(house.chain(caller, target), caller)
    assert ended(house, target) == ENDS[target]
    assert lost() == ([] if target == "mistral" else ["messages[1]"])


def test_an_old_claude_behind_bedrock_goes_on(house: House) -> None:
    house.answers(DOWN, "anthropic")
    house.answers(SERVED, "bedrock")
    target = {**house.target("bedrock"), "model": OLD_CLAUDE}
    begin(house.drop_in("anthropic", options={"fallback": [target]}), "anthropic")
    assert ended(house, "bedrock")[-1] == {"role": "assistant", "content": [{"text": BEGUN}]}
    assert lost() == []


def test_what_an_openai_caller_ends_with_is_no_beginning(house: House) -> None:
    house.answers(DOWN, "openai")
    for target in ("gemini", "anthropic"):
        house.answers(SERVED, target)
        house.chain("openai", target).chat.completions.create(model="gpt-6", messages=HISTORY)
        (text,) = ended(house, "gemini")[-1]["parts"]
        assert text == {"text": BEGUN}
    assert ended(house, "anthropic") == ENDS["anthropic"]  # which refuses a history that ends so
