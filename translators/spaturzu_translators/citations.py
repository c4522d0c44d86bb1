"""Citations between the wires: what a text's words rest on, said as the caller's provider would have said it.

Anthropic, Bedrock and OpenAI's Responses cite beside a text; OpenAI's chat completions and Gemini beside the whole
answer, by positions in it. Only what a reader needs goes over (address, title, quoted words, place in a document), so
whatever crosses is reported as approximated; Mistral's references name nothing that another wire could cite.
Gemini counts positions in bytes of UTF-8, all others in characters: google-genai 3.4.0's `Segment`, the API's
`CitationSource` (ai.google.dev), google-gemini/gemini-cli#29039, read 2026-11-30; a `Citation` counts characters.
Source: providers.md 1.3, 2.3, 2.6, 3.3, 4.3 and 11.2, and the SDKs' types (openai 3.54.0, anthropic 2.12.0,
botocore 1.44.5, google-genai 3.4.0), 2026-11-25.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Literal, TypeAlias, cast

from .foreign import UNSIGNED
from .loss import Losses
from .messages import JSON, NOTHING, JSONObject, ProviderFields, Reasoning, Text, Wire
from .responses import Candidate, Response
from .values import value

Unit: TypeAlias = Literal["char", "page", "block"]


@value
class Citation:
    """A source. `document` counts the request's documents; `first` up to before `last`: the place in it, in `unit`s.

    `start` up to before `end`: the characters of the text that rest on it; None: all of them.
    """

    url: str | None = None
    title: str | None = None
    quote: str | None = None
    document: int | None = None
    unit: Unit | None = None
    first: int | None = None
    last: int | None = None
    start: int | None = None
    end: int | None = None


_BESIDE_TEXT: dict[str, str] = {"anthropic": "citations", "bedrock": "citations", "openai_responses": "annotations"}
"""The wires that cite beside a text, and the field that does."""

_UNITS: dict[str, tuple[Unit, str, str]] = {
    "char_location": ("char", "start_char_index", "end_char_index"),
    "page_location": ("page", "start_page_number", "end_page_number"),
    "content_block_location": ("block", "start_block_index", "end_block_index"),
}
_PLACES: dict[str, Unit] = {"documentChar": "char", "documentPage": "page", "documentChunk": "block"}


def cited(response: Response, own: Wire, losses: Losses) -> Response:
    """`response` with other providers' citations in `own`'s form, beside its texts. Reports each that it changed."""
    candidates = [beside_texts(one, f"candidates[{at}]", own, losses) for at, one in enumerate(response.candidates)]
    return replace(response, candidates=tuple(candidates))


def beside_texts(candidate: Candidate, path: str, own: Wire, losses: Losses) -> Candidate:
    """An answer with other wires' citations beside its texts, in `own`'s form. Reports each text that it changed."""
    whole = list(_of_answer(candidate, own))
    if not whole and not any(isinstance(part, Text) and part.provider_fields for part in candidate.parts):
        return candidate
    parts, begins, last = list(candidate.parts), 0, len(answer_text(candidate)) - 1
    for at, part in enumerate(parts):
        if isinstance(part, Text) and part.text:
            here = _resting_on(whole, begins, begins + len(part.text), last)
            fields = said(part.provider_fields, own, len(part.text), here)
            begins += len(part.text)
            if fields is not None:
                losses.approximate(f"{path}.parts[{at}].provider_fields")
                parts[at] = replace(part, provider_fields=fields)
    return replace(candidate, parts=tuple(parts))


def beside_last(texts: Mapping[int, str], fields: ProviderFields, own: Wire) -> list[Citation]:
    """What other wires say beside a whole answer, in `fields`, of the last of its texts: those of its parts that are.

    For a stream that knows it when no other text can be cited any more. Places are those in that text.
    """
    if not fields.keys() - {own}:
        return []
    whole = list(_of_answer(answer_of(texts, fields), own))
    ends = sum(map(len, texts.values()))
    return _resting_on(whole, ends - len(texts[max(texts)]), ends, ends - 1)


def answer_of(texts: Mapping[int, str], fields: ProviderFields) -> Candidate:
    """The texts of an answer in their places among its parts, and what was said beside it."""
    places = range(max(texts, default=-1) + 1)
    parts = [Text(text=texts[at]) if at in texts else Reasoning() for at in places]
    return Candidate(parts=tuple(parts), provider_fields=fields)


def _resting_on(whole: list[Citation], begins: int, ends: int, last: int) -> list[Citation]:
    """Those of an answer's citations that rest on its text there, with places in that text."""
    return [_from(begins, one) for one in whole if begins <= min(one.start or 0, last) < ends]


def _from(begins: int, citation: Citation) -> Citation:
    """A place in the answer as one in its text that begins there."""
    start, end = citation.start, citation.end
    return replace(citation, start=None if start is None else start - begins, end=None if end is None else end - begins)


def said(fields: ProviderFields, own: Wire, length: int, more: list[Citation] | None = None) -> ProviderFields | None:
    """The fields of a text of `length` with other wires' citations in `own`'s form; None where it has none of them."""
    name = _BESIDE_TEXT[own]
    if name in fields.get(own, NOTHING):
        return None
    found = [*(more or ()), *_beside_text(fields, own)]
    wire = [item for citation in found if (item := _WRITERS[own](citation, length)) is not None]
    if not wire:
        return None
    rest = {wire_: _without(values, _BESIDE_TEXT.get(wire_)) for wire_, values in fields.items()}
    return {**{wire_: values for wire_, values in rest.items() if values}, own: {**rest.get(own, {}), name: wire}}


def _without(values: Mapping[str, JSON], name: str | None) -> Mapping[str, JSON]:
    return {key: item for key, item in values.items() if key != name}


def beside_answer(fields: ProviderFields, own: Wire, offset: int, length: int) -> list[JSONObject]:
    """The citations of a text for a wire that cites by positions in the answer, where the text begins at `offset`."""
    found = [_WRITERS[own](citation, length) for citation in _beside_text(fields, own)] if fields else []
    return [_moved(item, offset) for item in found if item is not None]


def of_candidate(candidate: Candidate, path: str, own: Wire, losses: Losses) -> list[JSONObject]:
    """The same for an answer and its texts, reported: at the texts that they leave, and at the answer they join."""
    wire: list[JSONObject] = []
    offset = 0
    for at, part in enumerate(candidate.parts):
        if isinstance(part, Text):
            if told := beside_answer(part.provider_fields, own, offset, len(part.text)):
                moved(bool(part.text), f"{path}.parts[{at}].provider_fields", losses)
                wire += told
            offset += len(part.text)
    wire += of_answer(candidate, own)
    if wire:
        losses.approximate(f"{path}.provider_fields")
    if own == "gemini" and wire:
        text = answer_text(candidate)
        wire = [{**item, **{name: len(_utf8(text[: item[name]])) for name in _PLACES_GEMINI}} for item in wire]
    return wire


def of_answer(candidate: Candidate, own: Wire) -> list[JSONObject]:
    """What another wire said beside the whole answer, for one that cites there too; places are characters."""
    found = _of_answer(candidate, own) if candidate.provider_fields else ()
    length = len(answer_text(candidate))
    return [item for citation in found if (item := _WRITERS[own](citation, length)) is not None]


_PLACES_GEMINI = ("startIndex", "endIndex")


def answer_text(candidate: Candidate) -> str:
    """All text of an answer, in which wires that cite beside it count."""
    return "".join(part.text for part in candidate.parts if isinstance(part, Text))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _characters(text: str, place: int | None) -> int | None:
    """How many characters of `text` its first `place` bytes are."""
    return None if place is None else len(_utf8(text)[:place].decode("utf-8", "ignore"))


def moved(shown: bool, path: str, losses: Losses) -> None:
    """Report citations that left the text at `path`; one without words (Nova's) is gone with them."""
    if shown:
        losses.approximate(path)
    else:
        losses.drop(path)


def _moved(item: JSONObject, offset: int) -> JSONObject:
    """Positions in a text as positions in the answer."""
    if not offset:
        return item
    if "url_citation" in item:
        return {**item, "url_citation": _moved(item["url_citation"], offset)}
    names = ("start_index", "end_index", "startIndex", "endIndex")
    return {name: place + offset if name in names else place for name, place in item.items()}


def _beside_text(fields: ProviderFields, own: Wire) -> Iterator[Citation]:
    for wire, name in _BESIDE_TEXT.items():
        found = fields.get(wire, NOTHING).get(name) if wire != own else None
        yield from _read(found, _READERS[wire])


def _of_answer(candidate: Candidate, own: Wire) -> Iterator[Citation]:
    """What stands beside the whole answer: chat completions' annotations, Gemini's grounding and citations."""
    fields = candidate.provider_fields
    if own != "openai":
        message: JSON = fields.get("openai", NOTHING).get("message")
        yield from _read(_object(message).get("annotations"), _read_openai)
    if own != "gemini" and "gemini" in fields:
        for citation in _read(_object(fields["gemini"].get("citationMetadata")).get("citations"), _read_gemini):
            yield _counted(citation, answer_text(candidate), 0)
        yield from _grounded(_object(fields["gemini"].get("groundingMetadata")), candidate)


def _counted(citation: Citation, text: str, offset: int) -> Citation:
    """Bytes of `text`, which begins at `offset` in the answer, as characters of the answer."""
    start, end = _characters(text, citation.start or 0), _characters(text, citation.end)
    return replace(citation, start=offset + (start or 0), end=offset + (len(text) if end is None else end))


def _grounded(grounding: JSONObject, candidate: Candidate) -> Iterator[Citation]:
    """Each supported segment of the text, with the pages that support it. A segment counts in its own part."""
    chunks = _objects(grounding.get("groundingChunks"))
    for support in _objects(grounding.get("groundingSupports")):
        segment = _object(support.get("segment"))
        for number in support.get("groundingChunkIndices") or ():
            page = _object(chunks[number].get("web")) if isinstance(number, int) and number < len(chunks) else {}
            if page:
                start, end = _int(segment.get("startIndex")), _int(segment.get("endIndex"))
                cited = Citation(url=_str(page.get("uri")), title=_str(page.get("title")), start=start, end=end)
                yield _counted(cited, *_part_at(_int(segment.get("partIndex")), candidate))


def _part_at(number: int | None, candidate: Candidate) -> tuple[str, int]:
    """The text of a part, and where it begins in the answer; all of the answer where that is no text."""
    begins = 0
    for at, part in enumerate(candidate.parts):
        if isinstance(part, Text):
            if at == number:
                return part.text, begins
            begins += len(part.text)
    return answer_text(candidate), 0


def _read(found: JSON, reader: Callable[[JSONObject], Citation]) -> Iterator[Citation]:
    for item in _objects(found):
        citation = reader(item)
        if citation.url is not None or citation.document is not None:
            yield citation


def _objects(found: JSON) -> list[JSONObject]:
    items = cast("list[JSON]", found) if isinstance(found, list) else []
    return [cast(JSONObject, item) for item in items if isinstance(item, dict)]


def _object(found: JSON) -> JSONObject:
    return cast(JSONObject, found) if isinstance(found, dict) else {}


def _str(found: JSON) -> str | None:
    return found if isinstance(found, str) and found else None


def _int(found: JSON) -> int | None:
    return found if type(found) is int else None


def _read_anthropic(item: JSONObject) -> Citation:
    quote = _str(item.get("cited_text"))
    kind = _UNITS.get(str(item.get("type")))
    if kind is None:
        return Citation(
            url=_str(item.get("url")) or _str(item.get("source")), title=_str(item.get("title")), quote=quote
        )
    unit, first, last = kind
    return Citation(
        document=_int(item.get("document_index")),
        title=_str(item.get("document_title")),
        quote=quote,
        unit=unit,
        first=_int(item.get(first)),
        last=_int(item.get(last)),
    )


def _write_anthropic(citation: Citation, length: int) -> JSONObject | None:
    """An address from elsewhere has no seal, which only Anthropic's own search can make: by that it is known again."""
    quote = citation.quote or ""
    for kind, (unit, first, last) in _UNITS.items():
        if citation.document is not None and citation.unit == unit:
            return {
                "type": kind,
                "cited_text": quote,
                "document_index": citation.document,
                "document_title": citation.title,
                "file_id": None,
                first: citation.first or 0,
                last: citation.last or 0,
            }
    if citation.url is None:
        return None
    return {
        "type": "web_search_result_location",
        "cited_text": quote,
        "encrypted_index": UNSIGNED,
        "title": citation.title,
        "url": citation.url,
    }


def _read_bedrock(item: JSONObject) -> Citation:
    quotes = [_str(source.get("text")) or "" for source in _objects(item.get("sourceContent"))]
    quote, title = "".join(quotes) or None, _str(item.get("title"))
    location = _object(item.get("location"))
    for kind, unit in _PLACES.items():
        if place := _object(location.get(kind)):
            return Citation(
                document=_int(place.get("documentIndex")),
                title=title,
                quote=quote,
                unit=unit,
                first=_int(place.get("start")),
                last=_int(place.get("end")),
            )
    url = _str(_object(location.get("web")).get("url")) or _str(item.get("source"))
    return Citation(url=url, title=title, quote=quote)


def _write_bedrock(citation: Citation, length: int) -> JSONObject | None:
    location: JSONObject | None = None
    for kind, unit in _PLACES.items():
        if citation.document is not None and citation.unit == unit:
            place = {"documentIndex": citation.document, "start": citation.first or 0, "end": citation.last or 0}
            location = {kind: place}
    if citation.url is not None:
        location = {"web": {"url": citation.url}}
    if location is None:
        return None
    item: JSONObject = {"location": location}
    if citation.title is not None:
        item["title"] = citation.title
    if citation.quote is not None:
        item["sourceContent"] = [{"text": citation.quote}]
    return item


def _read_responses(item: JSONObject) -> Citation:
    start, end = _int(item.get("start_index")), _int(item.get("end_index"))
    return Citation(url=_str(item.get("url")), title=_str(item.get("title")), start=start, end=end)


def _write_responses(citation: Citation, length: int) -> JSONObject | None:
    if citation.url is None:
        return None
    start, end = _span(citation, length)
    title = citation.title or citation.url
    return {"type": "url_citation", "url": citation.url, "title": title, "start_index": start, "end_index": end}


def _span(citation: Citation, length: int) -> tuple[int, int]:
    start = min(citation.start or 0, length)
    return start, length if citation.end is None else max(start, min(citation.end, length))


def _read_openai(item: JSONObject) -> Citation:
    return _read_responses(_object(item.get("url_citation")))


def _write_openai(citation: Citation, length: int) -> JSONObject | None:
    flat = _write_responses(citation, length)
    return flat and {"type": flat.pop("type"), "url_citation": flat}


def _read_gemini(item: JSONObject) -> Citation:
    start, end = _int(item.get("startIndex")), _int(item.get("endIndex"))
    return Citation(url=_str(item.get("uri")), title=_str(item.get("title")), start=start, end=end)


def _write_gemini(citation: Citation, length: int) -> JSONObject | None:
    if citation.url is None:
        return None
    start, end = _span(citation, length)
    return {"startIndex": start, "endIndex": end, "uri": citation.url, "title": citation.title or citation.url}


_READERS: dict[str, Callable[[JSONObject], Citation]] = {
    "anthropic": _read_anthropic,
    "bedrock": _read_bedrock,
    "openai_responses": _read_responses,
}
_WRITERS: dict[str, Callable[[Citation, int], JSONObject | None]] = {
    "anthropic": _write_anthropic,
    "bedrock": _write_bedrock,
    "openai_responses": _write_responses,
    "openai": _write_openai,
    "gemini": _write_gemini,
}
