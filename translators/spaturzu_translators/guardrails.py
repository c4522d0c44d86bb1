"""OpenAI's `moderation` and Mistral's `guardrails`, each asked for in the other's stead (providers.md 11.1 and 11.5),
and Gemini's safety settings where guardrails stop an answer.

The first two let a model of the provider's own look at what is asked and answered, and either tell what it saw or stop
the answer. Classes and thresholds are each provider's own, so that is all that carries over: emulated. Where the two
ends of a conversation are to be treated differently, both get the stricter way. Gemini has settings that stop an answer
and none that tell; its classes are fewer. Guardrails with thresholds of the caller's, and
those that also stop what could not be looked at, are not asked for in other words.
Source: openai 3.54 `ModerationPolicy`, mistralai 3.7 `GuardrailConfig`, google-genai 3 `HarmCategory`.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from .loss import Losses
from .messages import JSON, JSONObject, ProviderFields, is_array, is_object

Mode: TypeAlias = Literal["score", "block"]

MODEL = "omni-moderation-latest"
"""The one that OpenAI's own description of `moderation.model` names (openai 3.54)."""
_OPENAI, _MISTRAL = "provider_fields.openai.moderation", "provider_fields.mistral.guardrails"
_SAFETY = "provider_fields.gemini.safetySettings"
_HARMS = ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT")
_PLAIN = frozenset({"action", "model_name"})


def put_guardrails(fields: ProviderFields, body: JSONObject, losses: Losses) -> None:
    """Into a body for Mistral: what checks as the moderation among `fields` does."""
    modes = _modes(fields.get("openai", {}).get("moderation"))
    if not modes or "guardrails" in body:
        return
    stops = "block" in modes
    body["guardrails"] = [{"moderation_llm_v2": {"action": "block" if stops else "none"}}]
    losses.emulate(_MISTRAL)
    losses.emulate(_OPENAI)


def put_moderation(fields: ProviderFields, body: JSONObject, losses: Losses) -> None:
    """Into a body for OpenAI, of either wire: what checks as the guardrails among `fields` do."""
    mode = _mode(fields.get("mistral", {}).get("guardrails"))
    if mode is None or "moderation" in body:
        return
    body["moderation"] = {"model": MODEL, "policy": {"input": {"mode": mode}, "output": {"mode": mode}}}
    losses.emulate(_OPENAI)
    losses.forget(_MISTRAL)
    losses.emulate(_MISTRAL)


def put_safety(fields: ProviderFields, body: JSONObject, losses: Losses) -> None:
    """Into a body for Gemini: what stops answers as the guardrails among `fields` do."""
    if _mode(fields.get("mistral", {}).get("guardrails")) != "block" or "safetySettings" in body:
        return
    body["safetySettings"] = [
        {"category": f"HARM_CATEGORY_{harm}", "threshold": "BLOCK_MEDIUM_AND_ABOVE"} for harm in _HARMS
    ]
    losses.emulate(_SAFETY)
    losses.forget(_MISTRAL)
    losses.emulate(_MISTRAL)


def _modes(moderation: JSON) -> set[Mode]:
    """What becomes of what is asked and of what is answered; empty: nothing that is known here."""
    if not is_object(moderation):
        return set()
    policy = moderation.get("policy")
    sides = [policy.get(side) for side in ("input", "output")] if is_object(policy) else [None, None]
    return {"block" if is_object(side) and side.get("mode") == "block" else "score" for side in sides}


def _mode(guardrails: JSON) -> Mode | None:
    """None: one of them says more than that something is to be looked at, or stopped."""
    if not is_array(guardrails) or not guardrails:
        return None
    actions: set[JSON] = set()
    for guardrail in guardrails:
        if not is_object(guardrail) or guardrail.get("block_on_error"):
            return None
        for check in (value for name, value in guardrail.items() if name != "block_on_error"):
            if not is_object(check) or not check.keys() <= _PLAIN:
                return None
            actions.add(check.get("action") or "none")
    if not actions <= {"none", "block"}:
        return None
    return "block" if "block" in actions else "score"
