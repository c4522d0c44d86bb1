"""What a provider ran itself for an answer, and bills beside the tokens: searches, sessions of code, pictures.

Each reader counts what one wire says of it. Anthropic counts in its usage, which is read elsewhere. OpenAI's Responses
count in `tool_usage` (openai 3.54: `num_requests` are the billable searches), before that in items alone, of which one
that opens a page is no search. Gemini tells its queries: Gemini 3 charges for each, earlier ones for each answer that
had any (price page as quoted 2026-03). Anthropic names the container that code ran in, not for how long (anthropic
2.12).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias, cast

from spaturzu_translators.messages import JSON, NOTHING, JSONObject, Opaque, Wire

if TYPE_CHECKING:
    from spaturzu.pricing.units import HostedTool
    from spaturzu_translators.responses import Response

    from .kept import Kept

Hosted: TypeAlias = "Mapping[HostedTool, int]"

NONE = cast("Hosted", NOTHING)

_PER_ANSWER = re.compile(r"gemini-[12]\b")
_CALLS = frozenset({"web_search_call", "file_search_call", "code_interpreter_call", "image_generation_call"})


def hosted(wire: Wire, body: JSONObject) -> Hosted:
    """Of a whole answer, as it stands on its wire. A microsecond at most where nothing was run."""
    return _READERS[wire]((body,)) if wire in _READERS else NONE


def hosted_in_stream(wire: Wire, kept: Kept) -> Hosted:
    """Of a stream, as far as it came and is kept. Off the caller's path: all of it may be looked through."""
    trace = _TRACES.get(wire)
    if trace is None:
        return NONE
    frames = list(kept.frames(trace))
    if wire != "openai_responses":
        return _READERS[wire](frames)
    ends = [frame["response"] for frame in frames if isinstance(frame.get("response"), dict)]
    return _responses(ends[-1:] or ({"output": [frame.get("item") for frame in frames]},))


def hosted_in(response: Response) -> Hosted:
    """Of a canonical answer, whose codec keeps what only its own provider says."""
    parts = [part for candidate in response.candidates for part in candidate.parts]
    items = [part.value for part in parts if isinstance(part, Opaque)]
    contained: JSONObject = {**response.provider_fields.get("anthropic", {}), "type": "message"}
    grounded = [{**candidate.provider_fields.get("gemini", {})} for candidate in response.candidates]
    return {
        **_responses(({**response.provider_fields.get("openai", {}), "output": items},)),
        **_gemini(({"modelVersion": response.model, "candidates": grounded},)),
        **_anthropic((contained,)),
    }


def _responses(bodies: Iterable[JSONObject]) -> Hosted:
    for body in bodies:
        items = [item for item in _objects(body.get("output")) if item.get("type") in _CALLS]
        if items or body.get("tool_usage"):
            return _of_items(items, body)
    return NONE


def _of_items(items: list[JSONObject], body: JSONObject) -> Hosted:
    kinds = Counter(item["type"] for item in items)
    billed = _at(body, "tool_usage", "web_search", "num_requests")
    searches = billed if type(billed) is int else sum(map(_is_search, items))
    previews = any(str(tool.get("type")).startswith("web_search_preview") for tool in _objects(body.get("tools")))
    sessions = {item.get("container_id") for item in items if item["type"] == "code_interpreter_call"}
    return _without_zeros(
        {
            "preview_searches" if previews else "web_searches": searches,
            "file_searches": kinds["file_search_call"],
            "code_sessions": len(sessions),
            "pictures": kinds["image_generation_call"],
        }
    )


def _is_search(item: JSONObject) -> bool:
    return item["type"] == "web_search_call" and _at(item, "action", "type") in ("search", None)


def _gemini(bodies: Iterable[JSONObject]) -> Hosted:
    """An empty query is none. The last chunk that tells of a candidate's grounding tells all of it."""
    model, told = "", dict[int, JSONObject]()
    for body in bodies:
        model = str(body.get("modelVersion") or model)
        for number, candidate in enumerate(_objects(body.get("candidates"))):
            if "groundingMetadata" in candidate:
                told[candidate.get("index", number)] = candidate["groundingMetadata"] or {}
    if not told:
        return NONE
    queries = [sum(map(bool, metadata.get("webSearchQueries") or ())) for metadata in told.values()]
    maps = [any("maps" in chunk for chunk in _objects(metadata.get("groundingChunks"))) for metadata in told.values()]
    searches = sum(map(bool, queries)) if _PER_ANSWER.search(model) else sum(queries)
    return _without_zeros({"web_searches": searches, "map_searches": sum(maps)})


def _anthropic(bodies: Iterable[JSONObject]) -> Hosted:
    """Whole answers, or the events of a stream."""
    for body in bodies:
        place = body if body.get("type") == "message" else body.get("message") or body.get("delta")
        if isinstance(place, dict) and cast("JSONObject", place).get("container"):
            return {"timed_sessions": 1}
    return NONE


def _objects(value: JSON) -> list[JSONObject]:
    values = cast("list[JSON]", value) if isinstance(value, list) else []
    return [cast("JSONObject", one) for one in values if isinstance(one, dict)]


def _at(value: JSON, *path: str) -> JSON:
    for name in path:
        value = cast("JSONObject", value).get(name) if isinstance(value, dict) else None
    return value


def _without_zeros(counts: Hosted) -> Hosted:
    return {tool: count for tool, count in counts.items() if count}


_READERS: dict[Wire, Callable[[Iterable[JSONObject]], Hosted]] = {
    "openai_responses": _responses,
    "gemini": _gemini,
    "anthropic": _anthropic,
}
_TRACES: dict[Wire, re.Pattern[bytes]] = {
    "openai_responses": re.compile(rb'"response\.(?:completed|incomplete|output_item\.done)"'),
    "gemini": re.compile(rb'"groundingMetadata"'),
    "anthropic": re.compile(rb'"container"\s*:\s*\{'),
}
"""What the events of a stream have in them that tell of it."""
