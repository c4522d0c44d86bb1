"""Which of a provider's APIs serves a call: OpenAI has two, and some of its models think with tools in one only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from spaturzu_translators.anthropic.model_facts import MARK_SAMPLING, takes_sampling
from spaturzu_translators.messages import JSONObject, Wire
from spaturzu_translators.openai.model_facts import model_facts
from spaturzu_translators.requests import Request

from .targets import sdk
from .targets.common import resolve

if TYPE_CHECKING:
    from .chain import Target

RESPONSES: Wire = "openai_responses"


def wire_to(target: Target, spoken: Wire, request: Callable[[], Request]) -> Wire:
    """The wire for `target` in a call whose caller speaks `spoken`. Raises BadWire on a malformed request.

    Without `api`, OpenAI is reached by chat completions, unless the caller speaks Responses, or the model refuses tools
    there while it thinks (providers.md 1.2, 2026-11-22).
    """
    if target.provider != "openai" or target.api == "chat":
        return target.provider
    wants = target.api == "responses" or spoken == RESPONSES or _chat_refuses(target.model, request)
    return RESPONSES if wants and (target.api or _has_responses(target)) else "openai"


_TODAYS = "2026-10-21"
"""The API version from which Anthropic takes no sampling at all (providers.md 2.2, 2026-11-22)."""


def at_version(request: Request, target: Target, to: Wire) -> Request:
    """`request` with leave to sample, where the target's `params` ask for an API version in which its model may.

    `params={"extra_headers": {"anthropic-version": "2023-06-01"}}` is how a user opts in.
    """
    headers: Any = target.params.get("extra_headers") if to == "anthropic" else None
    version = cast("JSONObject", headers).get("anthropic-version") if isinstance(headers, dict) else None
    if not isinstance(version, str) or version >= _TODAYS or not takes_sampling(target.model):
        return request
    own = {**request.provider_fields.get("anthropic", {}), MARK_SAMPLING: True}
    return replace(request, provider_fields={**request.provider_fields, "anthropic": own})


def _has_responses(target: Target) -> bool:
    """Clients that only quack like OpenAI's often have chat completions only."""
    return resolve(target.client, sdk(RESPONSES).method) is not None


def _chat_refuses(model: str, request: Callable[[], Request]) -> bool:
    facts = model_facts(model)
    if facts.tools_while_reasoning == "yes" or not (asked := request()).tools:
        return False
    effort = asked.reasoning and asked.reasoning.effort
    return effort != "none" and (facts.tools_while_reasoning == "no" or asked.reasoning is not None)
