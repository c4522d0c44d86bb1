"""OpenAI's `moderation` and Mistral's `guardrails`, each asked for in the other's stead (providers.md 11.1 and 11.5),
and Gemini's safety settings where guardrails stop an answer.

The first two let a model of the provider's own look at what is asked and answered, and either tell what it saw or stop
the answer. Classes and thresholds are each provider's own, so that is all that carries over: emulated. Where the two
ends of a conversation are to be treated differently, both get the stricter way. Gemini has settings that stop an answer
and none that tell; its classes are fewer. Guardrails with thresholds of the caller's, and those that also stop what
could not be looked at, are not asked for in other words. What stops an answer is never left out in silence: where it
cannot be asked for, the target is skipped, as with Bedrock's guardrails (11.3).
Source: openai 3.54 `ModerationPolicy`, mistralai 3.7 `GuardrailConfig`, google-genai 3 `HarmCategory`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from .messages import JSON, JSONObject, ProviderFields, is_array, is_object

if TYPE_CHECKING:
    from .loss import Losses

Mode: TypeAlias = Literal["score", "block"]

MODEL = "omni-moderation-latest"
"""The one that OpenAI's own description of `moderation.model` names (openai 3.54)."""
_OPENAI, _MISTRAL = "provider_fields.openai.moderation", "provider_fields.mistral.guardrails"
_SAFETY = "provider_fields.gemini.safetySettings"
_HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
_PLAIN = frozenset({"action", "model_name"})


def put_guardrails(fields: ProviderFields, body: JSONObject, losses: Losses) -> None:
    """Into a body for Mistral: what checks as the moderation among `fields` does."""
    moderation = fields.get("openai", {}).get("moderation")
    if not is_object(moderation) or "guardrails" in body:
        return
    action = "block" if _moderation_stops(moderation) else "none"
    body["guardrails"] = [{"moderation_llm_v2": {"action": action}}]
    losses.reword(_MISTRAL, _OPENAI)


def put_moderation(fields: ProviderFields, body: JSONObject, losses: Losses) -> None:
    """Into a body for OpenAI, of either wire: what checks as the guardrails among `fields` do."""
    mode = _mode(fields)
    if mode is None or "moderation" in body:
        return
    body["moderation"] = {"model": MODEL, "policy": {"input": {"mode": mode}, "output": {"mode": mode}}}
    losses.reword(_OPENAI, _MISTRAL)


def put_safety(fields: ProviderFields, body: JSONObject, losses: Losses) -> None:
    """Into a body for Gemini: what stops answers as the guardrails among `fields` do."""
    if _mode(fields) != "block" or "safetySettings" in body:
        return
    body["safetySettings"] = [
        {"category": f"HARM_CATEGORY_{harm}", "threshold": "BLOCK_MEDIUM_AND_ABOVE"} for harm in _HARMS
    ]
    losses.reword(_SAFETY, _MISTRAL)


def _mode(fields: ProviderFields) -> Mode | None:
    """Of Mistral's guardrails, if they ask for no more than that."""
    asked = _asked(fields.get("mistral", {}).get("guardrails", []))
    if asked.more or not asked.looks:
        return None
    return "block" if asked.stops else "score"


@dataclass(slots=True)
class _Asked:
    """What guardrails ask for: that something is looked at, that it is stopped, and something more than that."""

    looks: bool = False
    stops: bool = False
    more: bool = False


_UNKNOWN = _Asked(looks=True, stops=True, more=True)


def _asked(guardrails: JSON) -> _Asked:
    asked = _Asked()
    for guardrail in guardrails if is_array(guardrails) else [None]:
        if not is_object(guardrail) or guardrail.get("block_on_error"):
            return _UNKNOWN
        for check in (check for name, check in guardrail.items() if name != "block_on_error" and check is not None):
            if not is_object(check) or check.get("action") not in (None, "none", "block"):
                return _UNKNOWN
            asked.looks = True
            asked.stops |= check.get("action") == "block"
            asked.more |= not check.keys() <= _PLAIN
    return asked


def _guardrails_stop(guardrails: JSON) -> bool:
    return _asked(guardrails).stops


def _moderation_stops(moderation: JSON) -> bool:
    policy = moderation.get("policy") if is_object(moderation) else None
    return is_object(policy) and any(is_object(side) and side.get("mode") == "block" for side in policy.values())


STOPS: dict[tuple[str, str], Callable[[JSON], bool]] = {
    ("mistral", "guardrails"): _guardrails_stop,
    ("openai", "moderation"): _moderation_stops,
}
"""By provider and field: does it stop an answer, rather than look at it?"""
