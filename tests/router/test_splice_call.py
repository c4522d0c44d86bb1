"""Where a second answer goes on with a first one that was cut in its tool call."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu.router.splice import Diverged
from spaturzu.router.splice_call import CallSplice, same_arguments
from spaturzu_translators.events import Event, Started, fold, unfold
from spaturzu_translators.messages import Part, Reasoning, Text, ToolCall
from spaturzu_translators.responses import Candidate, Response

SAID = ToolCall(id="first", name="weather", arguments='{"city":"Cluj-N')
AGAIN = ToolCall(id="second", name="weather", arguments='{"city": "Cluj-Napoca", "days": 3}')
LOOK = Text(text="Let me look.")
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def joined(said: ToolCall, *second: Part, text: str = "Let me look.") -> Response:
    """What the caller has in the end."""
    first = [Started(id="1", model="m"), *_unfinished(LOOK, said)]
    splice = CallSplice(said, 1, text=text, parts=2, prefilled=False)
    answer = Response(id="2", model="n", candidates=(Candidate(parts=second, finish_reason="tool_calls"),))
    return fold([*first, *(event for each in unfold(answer) for event in splice.feed(each))])


def _unfinished(*parts: Part) -> list[Event]:
    answer = Response(id="1", model="m", candidates=(Candidate(parts=parts),))
    return list(unfold(answer))[1:-2]


@pytest.mark.parametrize(
    "before",
    [(), (LOOK,), (Text(text="look."),), (Reasoning(text="Hm."), LOOK)],
    ids=["none", "all", "end", "thoughts"],
)
def test_the_same_call_goes_on_under_its_first_id(before: tuple[Part, ...]) -> None:
    (candidate,) = joined(SAID, *before, AGAIN).candidates
    assert candidate.parts == (LOOK, replace(SAID, arguments='{"city":"Cluj-Napoca", "days": 3}'))
    assert candidate.finish_reason == "tool_calls"


def test_calls_after_it_are_the_second_answers_own() -> None:
    more = ToolCall(id="third", name="time", arguments="{}")
    (candidate,) = joined(SAID, LOOK, AGAIN, more).candidates
    assert candidate.parts[2] == more


@pytest.mark.parametrize(
    "second",
    [
        (replace(AGAIN, name="time"),),
        (replace(AGAIN, arguments='{"city":"Paris"}'),),
        (replace(AGAIN, arguments='{"city":"Cluj'),),
        (Text(text="Something else."), AGAIN),
        (LOOK, Text(text=" And more."), AGAIN),
        (LOOK,),
    ],
    ids=["another tool", "other arguments", "too few", "other text", "more text", "no call"],
)
def test_another_answer_is_not_glued_on(second: tuple[Part, ...]) -> None:
    with pytest.raises(Diverged):
        joined(SAID, *second)


def test_text_that_was_not_said_before_the_call_cannot_be_said_any_more() -> None:
    with pytest.raises(Diverged):
        joined(SAID, LOOK, AGAIN, text="")


@given(documents, st.data())
def test_a_document_is_the_same_however_it_is_written(document: object, data: st.DataObject) -> None:
    tight, loose = json.dumps(document, separators=(",", ":")), json.dumps(document, indent=1)
    cut = data.draw(st.integers(0, len(tight)))
    length = same_arguments(tight[:cut], loose)
    assert length is not None
    assert json.loads(tight[:cut] + loose[length:]) == document
    assert same_arguments(loose, tight) == len(tight)
