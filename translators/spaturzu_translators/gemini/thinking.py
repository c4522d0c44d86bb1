"""Gemini's `thinkingConfig`: `{includeThoughts, thinkingLevel}` or a `thinkingBudget` (0 is off, -1 up to the model).

Source: providers.md 4.2 and 6.5, 2026-11-22.
"""

from __future__ import annotations

from ..loss import Losses
from ..messages import JSON, JSONObject
from ..requests import Effort, ReasoningOptions
from .fields import boolean, fields, integer, string
from .model_facts import EFFORT_BUDGETS, Thinking

_LEVELS: dict[Effort, str] = {
    "minimal": "MINIMAL",
    "low": "LOW",
    "medium": "MEDIUM",
    "high": "HIGH",
    "xhigh": "XHIGH",
}
_EFFORTS: dict[str, Effort] = {level: effort for effort, level in _LEVELS.items()}
_COARSE: dict[Effort, str] = {
    "minimal": "LOW",
    "low": "LOW",
    "medium": "HIGH",
    "high": "HIGH",
    "xhigh": "HIGH",
    "max": "HIGH",
}
_PLACE = "generationConfig.thinkingConfig"


def decode_thinking(value: JSON, who: str, kept: JSONObject) -> ReasoningOptions | None:
    """The options; what has no canonical name goes to `kept`."""
    config = fields(value, who)
    known = {"includeThoughts", "thinkingBudget", "thinkingLevel"}
    kept.update({f"{_PLACE}.{name}": item for name, item in config.items() if name not in known})
    effort = _decode_level(config, who, kept)
    budget = _decode_budget(config, who, kept)
    if budget == 0 and effort is None:
        effort, budget = "none", None
    include = boolean(config["includeThoughts"], f"{who}.includeThoughts") if "includeThoughts" in config else None
    if effort is None and budget is None and include is None:
        return None
    return ReasoningOptions(effort=effort, budget_tokens=budget, include_text=include)


def _decode_level(config: JSONObject, who: str, kept: JSONObject) -> Effort | None:
    if "thinkingLevel" not in config:
        return None
    effort = _EFFORTS.get(string(config["thinkingLevel"], f"{who}.thinkingLevel").upper())
    if effort is None:
        kept[f"{_PLACE}.thinkingLevel"] = config["thinkingLevel"]
    return effort


def _decode_budget(config: JSONObject, who: str, kept: JSONObject) -> int | None:
    if "thinkingBudget" not in config:
        return None
    budget = integer(config["thinkingBudget"], f"{who}.thinkingBudget")
    if budget < 0:
        kept[f"{_PLACE}.thinkingBudget"] = budget
        return None
    return budget


def encode_thinking(wanted: ReasoningOptions, model: Thinking | None, losses: Losses) -> JSONObject:
    """The config for a model that thinks as `model` says; None cannot think at all."""
    if model is None:
        losses.drop("reasoning")
        return {}
    config: JSONObject = {} if wanted.include_text is None else {"includeThoughts": wanted.include_text}
    if wanted.effort == "none":
        return config | _encode_off(wanted, model, losses)
    if wanted.effort is not None and (model.levels or wanted.budget_tokens is None):
        return config | _encode_effort(wanted, wanted.effort, model, losses)
    if wanted.budget_tokens is not None:
        return config | _encode_budget(wanted, wanted.budget_tokens, model, losses)
    return config


def _encode_off(wanted: ReasoningOptions, model: Thinking, losses: Losses) -> JSONObject:
    if wanted.budget_tokens is not None:
        losses.drop("reasoning.budget_tokens")
    if model.off:
        return {"thinkingBudget": 0}
    if model.levels:
        losses.approximate("reasoning.effort")
        return {"thinkingLevel": "LOW"}
    losses.approximate("reasoning")
    return {"thinkingBudget": model.low}


def _encode_effort(wanted: ReasoningOptions, effort: Effort, model: Thinking, losses: Losses) -> JSONObject:
    if not model.levels:
        losses.approximate("reasoning")
        return {"thinkingBudget": _within(EFFORT_BUDGETS[effort], model)}
    if wanted.budget_tokens is not None:
        losses.drop("reasoning.budget_tokens")
    level = (_COARSE if model.coarse else _LEVELS).get(effort, "XHIGH")
    if level == "MINIMAL" and not model.minimal:
        level = "LOW"
    if _EFFORTS[level] != effort:
        losses.approximate("reasoning.effort")
    return {"thinkingLevel": level}


def _encode_budget(wanted: ReasoningOptions, budget: int, model: Thinking, losses: Losses) -> JSONObject:
    if wanted.effort is not None:
        losses.drop("reasoning.effort")
    if budget == 0:
        losses.approximate("reasoning")
    elif budget != _within(budget, model):
        losses.approximate("reasoning.budget_tokens")
    return {"thinkingBudget": _within(budget, model) if budget or not model.off else 0}


def _within(budget: int, model: Thinking) -> int:
    return min(max(budget, model.low), model.high)
