"""Our writers and readers of JSON text say what `json` says, value for value and error for error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu_translators.codec import BadWire
from spaturzu_translators.json_text import compact_dumps, dumps, parsed, parsed_object

from .test_fuzz import DEEP

values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["\ud83d", "\u2028", '"\\']),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(value=values)
def test_values_are_written_as_json_writes_them(value: Any) -> None:
    assert dumps(value) == json.dumps(value, ensure_ascii=False)
    assert compact_dumps(value) == json.dumps(value, ensure_ascii=False, separators=(",", ":"))


@given(value=values)
def test_text_is_read_as_json_reads_it_but_for_constants_that_are_none(value: Any) -> None:
    text = json.dumps(value)
    if any(word in json.dumps(value, ensure_ascii=False) for word in ("NaN", "Infinity")):
        return
    for padded in (text, f" {text}\n"):
        assert parsed(padded) == json.loads(padded)
        assert parsed_object(padded) == (value if isinstance(value, dict) else None)


@given(text=st.text(alphabet='{}[]":,0 ae\\n-.', max_size=12))
def test_what_is_not_json_is_refused_where_json_refuses_it(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"."):
            parsed(text)
        assert parsed_object(text) is None
    else:
        assert parsed(text) == expected


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}'])
def test_constants_that_json_does_not_have_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not JSON"):
        parsed(text)


@pytest.mark.parametrize("write", [dumps, compact_dumps])
def test_what_is_nested_too_deeply_is_bad_wire(write: Any) -> None:
    with pytest.raises(BadWire):
        write(DEEP)
    with pytest.raises(ValueError, match="nested too deeply"):
        parsed("[" * 200_000)


def test_what_json_cannot_write_is_refused_alike() -> None:
    for write in (dumps, compact_dumps, json.dumps):
        with pytest.raises(TypeError):
            write({"a": object()})  # type: ignore[dict-item]
