"""Options that cannot work are refused at construction, with a sentence that names key, value and remedy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import spaturzu as package
from spaturzu import ConfigError, spaturzu
from spaturzu_translators.messages import PROVIDERS, Provider

from .chains import ASYNC_CLASSES, DOWN, SERVED, House, each_primary

Options = Callable[[House], dict[str, Any]]


def _with(of: Provider = "anthropic", **changed: Any) -> Options:
    """One target, changed."""
    return lambda house: {"fallback": [{**house.target(of), **changed}]}


def _without(key: str) -> Options:
    return lambda house: {"fallback": [{k: v for k, v in house.target("anthropic").items() if k != key}]}


WRONG: dict[str, tuple[Options, list[str]]] = {
    "a misspelt key": (lambda _: {"falback": []}, ["'falback'", "unknown key", "fallback"]),
    "a misspelt key of a target": (_with(modle="m"), ["'fallback[0].modle'", "unknown key", "model"]),
    "a misspelt key of retry": (lambda _: {"retry": {"atempts": 2}}, ["'retry.atempts'", "attempts"]),
    "a misspelt key of fetch_media": (
        lambda _: {"fetch_media": {"max_byte": 1}},
        ["unknown key 'fetch_media.max_byte'; known here: max_bytes, types, private"],
    ),
    "what fetch_media cannot be": (lambda _: {"fetch_media": "yes"}, ["'fetch_media' is 'yes'", "dictionary"]),
    "a hedge after what nobody measures": (
        lambda _: {"hedge": {"after": "p50"}},
        ["'hedge.after' is 'p50': input should be 'p95'", "'hedge.after' is 'p50': input should be a valid number"],
    ),
    "a name that names no target": (
        lambda house: {"fallback": [house.target("mistral"), "anthropic"]},
        ["fallback[1] is 'anthropic'", "write PROVIDER/MODEL"],
    ),
    "a target that is none": (
        lambda _: {"fallback": [None]},
        ["'fallback[0]' is None", "should be a valid dictionary"],
    ),
    "no client": (_without("client"), ["'fallback[0].client'", "missing", "add it"]),
    "no model": (_without("model"), ["'fallback[0].model'", "missing", "add it"]),
    "no provider": (_without("provider"), ["'fallback[0].provider'", "missing", "add it"]),
    "an unknown provider": (_with(provider="azure"), ["'fallback[0].provider'", "'azure'", "'openai'", "'mistral'"]),
    "an empty chain": (lambda _: {"fallback": []}, ["'fallback'", "empty", "at least one target"]),
    "a chain that is no list": (lambda house: {"fallback": house.target("mistral")}, ["'fallback'", "list"]),
    "an empty model": (_with(model=""), ["'fallback[0].model'", "''", "at least 1 character"]),
    "a model that is no name": (_with(model=5), ["'fallback[0].model'", "5", "string"]),
    "no tokens": (_with(max_tokens=0), ["'fallback[0].max_tokens'", "0", "greater than or equal to 1"]),
    "no time": (_with(timeout=-1), ["'fallback[0].timeout'", "-1", "greater than 0"]),
    "no attempts": (lambda _: {"retry": {"attempts": 0}}, ["'retry.attempts'", "0", "greater than or equal to 1"]),
    "no deadline": (lambda _: {"deadline": 0}, ["'deadline'", "0", "greater than 0"]),
    "an unknown choice": (lambda _: {"on_loss": "warn"}, ["'on_loss'", "'warn'", "'skip'", "'allow'"]),
    "a budget": (lambda _: {"budget": {"hard_cap": True}}, ["'budget'", "cannot be enforced", "leave the key out"]),
    "a timeout of a bedrock call": (_with("bedrock", timeout=3), ["fallback[0].timeout", "bedrock", "read_timeout"]),
    "another provider's client": (
        lambda house: {"fallback": [house.target("anthropic", client=house.raw("mistral"))]},
        ["fallback[0].client", "Mistral", "messages.create", "raw client"],
    ),
    "no client at all": (_with(client=None), ["fallback[0].client", "NoneType", "messages.create"]),
    "a client's class": (_with(client=dict), ["fallback[0].client", "messages.create"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_the_sentence_names_key_value_and_remedy(house: House, name: str) -> None:
    make, words = WRONG[name]

    with pytest.raises(ConfigError) as caught:
        house.drop_in("openai", options=make(house))

    said = str(caught.value)
    assert said.startswith("spaturzu: ")
    for word in words:
        assert word in said
    assert isinstance(caught.value, ValueError)


def test_several_mistakes_are_told_at_once(house: House) -> None:
    with pytest.raises(ConfigError, match=r"'fallback\[0\].modle'.*'deadlin'"):
        house.drop_in("openai", options={"fallback": [{**house.target("gemini"), "modle": 1}], "deadlin": 3})


def test_the_second_target_is_named_by_its_place(house: House) -> None:
    fallback = [house.target("anthropic"), house.target("mistral", max_tokens=-4)]

    with pytest.raises(ConfigError, match=r"'fallback\[1\].max_tokens' is -4"):
        house.drop_in("openai", options={"fallback": fallback})


def test_options_that_are_no_mapping_are_told_so(house: House) -> None:
    with pytest.raises(ConfigError, match="mapping"):
        house.drop_in("openai", options=[house.target("anthropic")])


def test_a_message_never_shows_a_clients_credentials(house: House) -> None:
    target = {**house.target("anthropic"), "provider": "azure"}

    with pytest.raises(ConfigError) as caught:
        house.drop_in("openai", options={"fallback": target})

    assert "sandbox-key" not in str(caught.value)


@each_primary
def test_an_async_client_in_a_sync_chain_is_refused(house: House, primary: Provider) -> None:
    """Gemini's, Mistral's and Bedrock's clients serve sync callers, so their chains are sync even where used async."""
    for target in ASYNC_CLASSES:
        options = {"fallback": [house.target(target, as_async=True)]}

        with pytest.raises(
            ConfigError, match=r"fallback\[0\].client is async \(Async\w+\).*give the SDK's sync client"
        ):
            house.drop_in(primary, options=options)


@pytest.mark.parametrize("primary", ASYNC_CLASSES)
def test_an_async_primary_takes_sync_and_async_clients(house: House, primary: Provider) -> None:
    for as_async in (False, True):
        options = {"fallback": [house.target(target, as_async=as_async) for target in ASYNC_CLASSES]}
        house.drop_in(primary, as_async=True, options=options)


def test_wrapping_validates_alike(house: House) -> None:
    with pytest.raises(ConfigError, match="unknown key 'falback'"):
        spaturzu().wrap_openai(house.raw("openai"), falback=[])

    with pytest.raises(ConfigError, match="is async"):
        spaturzu().wrap_mistral(house.raw("mistral"), fallback=[house.target("openai", as_async=True)])


@pytest.mark.parametrize("name", ["openai", "anthropic", "bedrock", "google", "gemini", "mistral"])
def test_wrapping_what_is_no_client_says_what_is_missing(name: str) -> None:
    with pytest.raises(ConfigError, match=r"a object without `.*` is no .* client"):
        getattr(spaturzu(), f"wrap_{name}")(object())


@pytest.mark.parametrize("name", PROVIDERS)
def test_wrapping_another_providers_client_says_what_is_missing(house: House, name: Provider) -> None:
    theirs = house.raw("anthropic" if name in ("openai", "mistral") else "openai")

    with pytest.raises(ConfigError, match=rf"a \w+ without `.*` is no {name} client"):
        getattr(spaturzu(), f"wrap_{name}")(theirs)


def test_wrapping_a_client_of_another_aws_service_is_refused() -> None:
    import boto3

    other: Any = boto3.client("sts", region_name="us-east-1")  # pyright: ignore[reportUnknownMemberType]
    with pytest.raises(ConfigError, match="a STS without `converse` is no bedrock client"):
        spaturzu().wrap_bedrock(other)


def test_google_is_another_name_for_gemini(house: House) -> None:
    client = house.drop_in("openai", options={"fallback": [{**house.target("gemini"), "provider": "google"}]})

    house.answers(DOWN, "openai")
    assert house.call("openai", client).record.served_by.provider == "gemini"


@pytest.mark.parametrize(("model", "sampled"), [("claude-sonnet-4-6", True), ("claude-opus-5-5", False)])
def test_an_older_api_version_lets_an_old_claude_sample(house: House, model: str, sampled: bool) -> None:
    house.answers(DOWN, "openai")
    house.answers(SERVED, "anthropic")
    version = {"extra_headers": {"anthropic-version": "2023-06-01"}}
    target = {**house.target("anthropic"), "model": model, "params": version}
    client = house.drop_in("openai", options={"fallback": [target]})
    client.chat.completions.create(model="gpt-4.1", temperature=0.2, messages=[{"role": "user", "content": "hi"}])

    asked = house.wire("anthropic").requests[-1]
    assert asked.headers["anthropic-version"] == "2023-06-01"
    assert asked.body.get("temperature") == (0.2 if sampled else None)
    record = package.last_call()
    assert record is not None
    assert ("temperature" in {loss.path for loss in record.hops[-1].losses}) == (not sampled)


SETTINGS = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]
SAFETY: list[tuple[Provider, Provider, dict[str, Any]]] = [
    ("gemini", "mistral", {"safe_prompt": True}),
    ("mistral", "gemini", {"safetySettings": SETTINGS}),
    ("gemini", "bedrock", {"guardrailConfig": {"guardrailIdentifier": "g", "guardrailVersion": "1"}}),
]


@pytest.mark.parametrize(("primary", "target", "params"), SAFETY)
def test_a_target_is_asked_for_its_own_safety(
    house: House, primary: Provider, target: Provider, params: dict[str, Any]
) -> None:
    house.answers(DOWN, primary)
    house.answers(SERVED, target)
    client = house.drop_in(primary, options={"fallback": [{**house.target(target), "params": params}]})
    heard = house.call(primary, client)
    assert (heard.said.text, heard.statuses) == (SERVED.text, ["failed", "served"])
    assert house.wire(target).requests[-1].body.items() >= params.items()


def test_a_chain_of_names_may_be_a_tuple(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "any")

    client = house.drop_in("openai", options={"fallback": ("anthropic/claude-haiku-5-5",)})

    assert [target.target for target in client.spaturzu.health().targets][1:] == ["anthropic/claude-haiku-5-5"]
