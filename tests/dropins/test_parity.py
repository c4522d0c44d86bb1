"""Sync and async are the same thing twice: their names and parameters agree, and the effects that they perform."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any, get_args

import pytest

import spaturzu
import spaturzu.anthropic
import spaturzu.bedrock
import spaturzu.openai
import spaturzu.router.drive
from spaturzu.router.walk import Effect
from spaturzu.tracked.pump import AsyncPump, SyncPump

from .chains import House

PAIRS: list[tuple[Any, Any]] = [
    (spaturzu.openai.OpenAI, spaturzu.openai.AsyncOpenAI),
    (spaturzu.openai.AzureOpenAI, spaturzu.openai.AsyncAzureOpenAI),
    (spaturzu.anthropic.Anthropic, spaturzu.anthropic.AsyncAnthropic),
]


def _own(cls: type[Any]) -> dict[str, inspect.Signature]:
    """The methods that spaturzu adds to an SDK's class, or puts over its own."""
    ours = [base for base in cls.__mro__ if base.__module__.startswith("spaturzu")]
    return {
        name: inspect.signature(value)
        for base in ours
        for name, value in vars(base).items()
        if inspect.isfunction(value)
    }


@pytest.mark.parametrize(("sync", "as_async"), PAIRS)
def test_drop_ins_have_the_same_methods(sync: Any, as_async: Any) -> None:
    assert _own(sync) == _own(as_async)
    assert {"with_agent", "copy", "with_options", "__init__"} <= _own(sync).keys()


def test_the_async_bedrock_client_has_the_sync_ones_calls(house: House) -> None:
    sync = house.drop_in("bedrock")

    for name in ("converse", "converse_stream"):
        assert callable(getattr(sync, name))
        assert inspect.iscoroutinefunction(getattr(spaturzu.bedrock.AsyncBedrockRuntime, name))
    agent = inspect.signature(spaturzu.bedrock.AsyncBedrockRuntime.with_agent)
    assert list(agent.parameters) == list(inspect.signature(type(sync).with_agent).parameters)
    assert house.drop_in("bedrock", as_async=True).meta.service_model.service_name == "bedrock-runtime"


def _cases(name: str) -> set[str]:
    """The classes that a `match` in this function of the driver tells apart."""
    source = Path(spaturzu.router.drive.__file__).read_text(encoding="utf-8")
    (function,) = [node for node in ast.walk(ast.parse(source)) if getattr(node, "name", None) == name]
    return {node.cls.id for node in ast.walk(function) if isinstance(node, ast.MatchClass) and hasattr(node.cls, "id")}


def test_both_drivers_perform_the_same_effects() -> None:
    """The last effect is the match's default."""
    assert _cases("_perform") == _cases("_aperform")
    assert len(_cases("_perform")) >= len(get_args(Effect)) - 1


def test_both_pumps_are_closed_alike() -> None:
    names = {name.removeprefix("a") for name in vars(AsyncPump) if not name.startswith("_")}

    assert names == {name for name in vars(SyncPump) if not name.startswith("_")}


@pytest.mark.parametrize("provider", ["gemini", "mistral"])
def test_one_client_serves_both(house: House, provider: Any) -> None:
    client = house.chain(provider, "openai")

    sync = house.call(provider, client)
    as_async = house.call(provider, client, as_async=True)

    assert (sync.said.text, sync.said.kind) == (as_async.said.text, as_async.said.kind)
