"""How much to think: `thinking` and `output_config.effort`, both ways. Source: providers.md 2.2 and 6.5, 2026-11-22."""

from __future__ import annotations

from typing import TypeAlias, cast, get_args

from ..foreign import UNSIGNED, Stripped, lacks_thought, strip_blocks, strip_inner
from ..loss import Losses
from ..messages import JSON, JSONObject
from ..requests import Effort, ReasoningOptions
from .model_facts import EFFORT_BUDGETS, LEAST_BUDGET, always_thinks, before_4_6, takes_budgets
from .reading import wrong

Wire: TypeAlias = tuple[JSONObject | None, str | None]
"""`thinking` and `output_config.effort`."""

_EFFORTS: frozenset[str] = frozenset(get_args(Effort))
_DISPLAYS = {"summarized": True, "omitted": False}


def decode_thinking(wire: Wire, model: str, limit: int, *, forced: bool) -> tuple[ReasoningOptions | None, bool]:
    """The options, and whether they are all that `wire` says: if not, the request keeps it as well."""
    options = _options(*wire)
    return options, encode_thinking(options, model, limit, Losses(), forced=forced) == wire


def _options(thinking: JSONObject | None, effort: str | None) -> ReasoningOptions | None:
    known = cast(Effort, effort) if effort in _EFFORTS else None
    kind = thinking.get("type") if thinking else None
    if kind == "disabled":
        return ReasoningOptions(effort="none")
    if thinking is None or kind not in ("enabled", "adaptive"):
        return ReasoningOptions(effort=known) if known else None
    include_text = _DISPLAYS.get(str(thinking.get("display")))
    if kind == "enabled":
        return ReasoningOptions(effort=known, budget_tokens=_budget(thinking), include_text=include_text)
    return ReasoningOptions(effort=known or "high", include_text=include_text)  # high is what no effort means here


def _budget(thinking: JSONObject) -> int:
    budget = thinking.get("budget_tokens")
    return budget if isinstance(budget, int) else wrong("anthropic request: thinking.budget_tokens", "a number", budget)


def encode_thinking(
    options: ReasoningOptions | None,
    model: str,
    limit: int,
    losses: Losses,
    *,
    forced: bool,
    unthought: bool = False,
) -> Wire:
    """`limit` is max_tokens: a budget is at least 1024 and below it. A forced tool forbids thinking, not effort.

    `unthought`: the history ends in calls that were made without a thought, which forbids a budget.
    """
    if options is None:
        return None, None
    if options.effort == "none" or (options.effort is None and options.budget_tokens == 0):
        return _least(losses) if always_thinks(model) else _off(options, losses)
    effort, budget = _wanted(options, losses)
    if before_4_6(model):
        effort, budget = None, _budget_for(effort, budget, losses)
    elif budget is not None and (unthought or not takes_budgets(model)):
        effort, budget = _effort_for(effort, budget, losses), None
    if budget is not None:
        budget = _fitting(budget, limit, losses, forbidden=forced or unthought)
    if effort is None and budget is None:
        losses.drop("reasoning")
        return None, None
    return _thinking(options, budget, losses, forced=forced), effort


def _off(options: ReasoningOptions, losses: Losses) -> Wire:
    if options.effort is None:
        losses.approximate("reasoning")
    if options.budget_tokens is not None:
        losses.drop("reasoning.budget_tokens")
    if options.include_text:
        losses.drop("reasoning.include_text")
    return {"type": "disabled"}, None


def _least(losses: Losses) -> Wire:
    """As little thinking as a model does that never stops."""
    losses.approximate("reasoning")
    return {"type": "adaptive"}, "low"


def _effort_for(effort: Effort | None, budget: int, losses: Losses) -> Effort:
    """The effort that thinks about as much, for models that know no budgets."""
    if effort is not None:
        losses.drop("reasoning.budget_tokens")
        return effort
    losses.approximate("reasoning")
    for name, tokens in EFFORT_BUDGETS.items():
        if name != "minimal" and budget <= tokens:
            return name
    return "max"


def _wanted(options: ReasoningOptions, losses: Losses) -> tuple[Effort | None, int | None]:
    """Effort and budget as this wire knows them. A budget below zero leaves the amount to the model."""
    effort, budget = options.effort, options.budget_tokens
    if budget is not None and budget <= 0:
        losses.drop("reasoning.budget_tokens")
        budget = None
    if effort == "minimal":
        losses.approximate("reasoning.effort")
        effort = "low"
    elif effort is None and budget is None and (options.include_text or options.budget_tokens):
        losses.approximate("reasoning.effort")
        effort = "high"
    return effort, budget


def _budget_for(effort: Effort | None, budget: int | None, losses: Losses) -> int | None:
    if effort is None:
        return budget
    if budget is not None:
        losses.drop("reasoning.effort")
        return budget
    losses.approximate("reasoning")
    return EFFORT_BUDGETS[effort]


def _fitting(budget: int, limit: int, losses: Losses, *, forbidden: bool) -> int | None:
    if forbidden or limit <= LEAST_BUDGET:
        losses.drop("reasoning.budget_tokens")
        return None
    fitting = max(LEAST_BUDGET, min(budget, limit - 1))
    if fitting != budget:
        losses.approximate("reasoning.budget_tokens")
    return fitting


def _thinking(options: ReasoningOptions, budget: int | None, losses: Losses, *, forced: bool) -> JSONObject | None:
    if forced:
        if options.include_text:
            losses.drop("reasoning.include_text")
        return None
    thinking: JSONObject = {"type": "adaptive"} if budget is None else {"type": "enabled", "budget_tokens": budget}
    if options.include_text is not None:
        thinking["display"] = "summarized" if options.include_text else "omitted"
    return thinking


def strip(body: JSONObject, model: str) -> Stripped:
    """A request without the thoughts of other providers, which have no signature, and without their citations."""
    kept, places = strip_blocks(body, "messages", "content", _is_foreign)
    kept, places = strip_inner(kept, places, "messages", "content", _uncited)
    if not is_budget(body.get("thinking")) or not unthought(kept.get("messages")):
        return kept, places
    rest = {name: value for name, value in kept.items() if name != "thinking"}
    return (rest if before_4_6(model) else {**rest, "thinking": {"type": "adaptive"}}), [*places, "thinking"]


def is_budget(thinking: JSON) -> bool:
    """Does it ask for thoughts within a budget?"""
    return isinstance(thinking, dict) and cast(JSONObject, thinking).get("type") == "enabled"


def unthought(messages: JSON) -> bool:
    """Do the messages end in calls that were made without a thought?"""
    return lacks_thought(messages, _is_result, _is_thought)


def _is_result(block: JSONObject) -> bool:
    return block.get("type") == "tool_result"


def _is_thought(block: JSONObject) -> bool:
    return block.get("type") in ("thinking", "redacted_thinking")


def _uncited(block: JSONObject) -> JSONObject:
    """A text without citations that Anthropic's search did not seal."""
    citations = block.get("citations")
    if not isinstance(citations, list):
        return block
    items = cast("list[JSONObject]", citations)
    sealed = [item for item in items if _seal(item) != UNSIGNED]
    return block if len(sealed) == len(items) else {**block, "citations": sealed or None}


def _seal(citation: JSON) -> JSON:
    return cast(JSONObject, citation).get("encrypted_index") if isinstance(citation, dict) else None


def _is_foreign(block: JSONObject) -> bool:
    return block.get("type") == "thinking" and block.get("signature") == UNSIGNED
