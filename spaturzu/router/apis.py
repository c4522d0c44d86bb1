"""Which of a provider's APIs serves a call: OpenAI has two, and some of its models think with tools in one only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from spaturzu_translators.messages import Wire
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


def _has_responses(target: Target) -> bool:
    """Clients that only quack like OpenAI's often have chat completions only."""
    return resolve(target.client, sdk(RESPONSES).method) is not None


def _chat_refuses(model: str, request: Callable[[], Request]) -> bool:
    facts = model_facts(model)
    if facts.tools_while_reasoning == "yes" or not (asked := request()).tools:
        return False
    effort = asked.reasoning and asked.reasoning.effort
    return effort != "none" and (facts.tools_while_reasoning == "no" or asked.reasoning is not None)
