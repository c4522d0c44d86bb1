"""Log probabilities of an answer's tokens, from one provider's words into another's (providers.md 11.1, 11.4 and 11.5).

Chat completions, Responses and Mistral tell them alike: `{"content": [{token, logprob, bytes, top_logprobs}]}`; Mistral
adds each token's number in its vocabulary. Gemini has the chosen tokens in one list and their rivals in another.
"""

from __future__ import annotations

from typing import TypeAlias

from .messages import JSON, JSONObject, is_array, is_object

Tokens: TypeAlias = list[JSONObject]
"""`{"token": str, "logprob": number, "bytes": UTF-8 or None, "top_logprobs": the same without their own}`, and perhaps
`token_id`."""

NO_TOKEN_ID = -1
"""Mistral's type demands a token's number; it is in no vocabulary where another provider gave none."""


def tokens_of(logprobs: JSON) -> Tokens | None:
    """The tokens of any provider's logprobs, in chat completions' words; None where they are nobody's."""
    if not is_object(logprobs):
        return None
    if "chosenCandidates" in logprobs:
        return _of_gemini(logprobs)
    found = logprobs.get("content")
    return found if is_array(found) and all(map(_is_token, found)) else None


def _is_token(item: JSON) -> bool:
    return is_object(item) and isinstance(item.get("token"), str) and isinstance(item.get("logprob"), int | float)


def _of_gemini(logprobs: JSONObject) -> Tokens | None:
    chosen = _spoken(logprobs["chosenCandidates"])
    if chosen is None:
        return None
    listed = logprobs.get("topCandidates")
    rivals = [_rivals(step) for step in listed] if is_array(listed) else []
    return [{**token, "top_logprobs": top} for token, top in zip(chosen, [*rivals, *[[]] * len(chosen)], strict=False)]


def _rivals(step: JSON) -> Tokens:
    return _spoken(step.get("candidates")) or [] if is_object(step) else []


def _spoken(found: JSON) -> Tokens | None:
    """Gemini's candidates as tokens; None where there are none to read."""
    if not is_array(found):
        return None
    told = [_token(item) for item in found if is_object(item)]
    return [{**token, "bytes": _utf8(token)} for token in told] if all(map(_is_token, told)) else None


def _token(item: JSONObject) -> JSONObject:
    token: JSONObject = {"token": item.get("token"), "logprob": item.get("logProbability")}
    return {**token, "token_id": item["tokenId"]} if isinstance(item.get("tokenId"), int) else token


def _utf8(token: JSONObject) -> list[int]:
    return list(token["token"].encode("utf-8", "surrogatepass"))


def with_ids(tokens: Tokens) -> Tokens:
    """`tokens` with the bytes and numbers that Mistral's types demand of each."""
    return [{**_with_id(token), **_with_rivals(token)} for token in tokens]


def _with_rivals(token: JSONObject) -> JSONObject:
    found = token.get("top_logprobs")
    return {"top_logprobs": [_with_id(item) for item in found if _is_token(item)]} if is_array(found) else {}


def _with_id(token: JSONObject) -> JSONObject:
    told, number = token.get("bytes"), token.get("token_id")
    spelt = told if is_array(told) else _utf8(token)
    return {**token, "bytes": spelt, "token_id": number if isinstance(number, int) else NO_TOKEN_ID}
