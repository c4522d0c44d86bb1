"""Where a second answer goes on with a first one that was cut."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaturzu.router.splice import Diverged, Splice, repeated
from spaturzu_translators.events import (
    ArgumentsDelta,
    Event,
    Finished,
    PartEnded,
    PartStarted,
    Started,
    TextDelta,
    UsageReported,
    fold,
)
from spaturzu_translators.messages import Reasoning, Text, ToolCall
from spaturzu_translators.responses import Usage

SAID = "The river rises in the hills, runs past two"
REST = " old mills and ends in the sea."


def joined(said: str, pieces: list[str], *, prefilled: bool = False) -> str:
    """What the caller reads, if the second answer comes in `pieces`."""
    splice = Splice(said, open_part=0, open_text=True, parts=1, begun=True, prefilled=prefilled)
    events: list[Event] = [Started(id="2", model="m"), PartStarted(index=0, part=Text(text=""))]
    events += [TextDelta(index=0, text=piece) for piece in pieces]
    events += [PartEnded(index=0), Finished(finish_reason="stop")]
    out = [more for event in events for more in splice.feed(event)]
    assert [type(event) for event in out[-2:]] == [PartEnded, Finished]
    assert {event.index for event in out if isinstance(event, TextDelta)} <= {0}
    return said + "".join(event.text for event in out if isinstance(event, TextDelta))


@pytest.mark.parametrize(
    "second",
    [
        SAID + REST,
        "  \n" + SAID + REST,
        "in the hills, runs past two" + REST,
        "two" + REST,
        REST,
    ],
    ids=["from the start", "after white space", "the last words", "the last word", "what comes next"],
)
@given(data=st.data())
def test_nothing_is_said_twice_however_it_is_split(second: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(second) - 1), max_size=8)))
    pieces = [second[start:end] for start, end in zip([0, *cuts], [*cuts, len(second)], strict=True)]
    assert joined(SAID, pieces) == SAID + REST


@given(st.text(min_size=1), st.text())
def test_a_repeat_is_dropped_whole(said: str, rest: str) -> None:
    core = said.strip()
    if not core or rest[:1].isspace() or said != core:
        return
    assert repeated(said, said + rest, whole=True, prefilled=False) == len(said)


@given(st.text(min_size=1), st.text())
def test_what_is_dropped_was_said_before(said: str, new: str) -> None:
    """White space apart, nothing new is lost."""
    if not said.strip():
        return
    with suppress(Diverged):
        length = repeated(said, new, whole=True, prefilled=False)
        assert length is not None
        assert new[:length].strip() in said


@pytest.mark.parametrize(
    "second",
    [
        "Rivers end in the sea.",
        "The river is long and wide.",
        "the river rises in the hills, runs past two old mills",
        "Sure, here is the rest: old mills",
        "mills",
    ],
    ids=["another beginning", "the same beginning", "another spelling", "a preamble", "no border"],
)
def test_another_answer_is_not_glued_on(second: str) -> None:
    with pytest.raises(Diverged):
        joined(SAID, [second])


def test_a_model_that_was_given_the_beginning_may_end_a_word() -> None:
    assert joined("The riv", ["er rises."], prefilled=True) == "The river rises."
    assert joined("My name is", [" Claude."], prefilled=True) == "My name is Claude."
    assert joined("My name is ", [" Claude."], prefilled=True) == "My name is Claude."
    with pytest.raises(Diverged):
        joined("The river rises in", ["Rivers end in the sea."], prefilled=True)


def test_after_a_sentence_a_new_one_may_begin() -> None:
    assert joined("It rains.", [" The sun comes later."]) == "It rains. The sun comes later."


def test_languages_without_spaces_go_on_without_one() -> None:
    assert joined("河は山から", ["海へ流れる。"]) == "河は山から海へ流れる。"


def test_thoughts_of_the_second_answer_are_left_out_and_calls_follow_the_text() -> None:
    splice = Splice("I look it up.", open_part=1, open_text=True, parts=2, begun=True, prefilled=False)
    second: list[Event] = [
        Started(id="2", model="m"),
        PartStarted(index=0, part=Reasoning()),
        TextDelta(index=0, text="hm"),
        PartEnded(index=0),
        PartStarted(index=1, part=Text(text="")),
        TextDelta(index=1, text="I look it up."),
        PartEnded(index=1),
        PartStarted(index=2, part=ToolCall(id="c", name="weather")),
        ArgumentsDelta(index=2, arguments="{}"),
        PartEnded(index=2),
        Finished(finish_reason="tool_calls"),
        UsageReported(usage=Usage(output_tokens=3)),
    ]
    out = [more for event in second for more in splice.feed(event)]
    assert [type(event).__name__ for event in out] == [
        "PartEnded",
        "PartStarted",
        "ArgumentsDelta",
        "PartEnded",
        "Finished",
        "UsageReported",
    ]
    begun: list[Event] = [
        Started(id="1", model="m"),
        PartStarted(index=0, part=Reasoning(text="a")),
        PartEnded(index=0),
        PartStarted(index=1, part=Text(text="I look it up.")),
    ]
    parts = fold([*begun, *out]).candidates[0].parts
    assert [type(part).__name__ for part in parts] == ["Reasoning", "Text", "ToolCall"]


def test_a_call_instead_of_more_text_ends_the_text() -> None:
    splice = Splice("I look it up.", open_part=0, open_text=True, parts=1, begun=True, prefilled=False)
    out = list(splice.feed(PartStarted(index=0, part=ToolCall(id="c", name="weather"))))
    assert out == [PartEnded(index=0), PartStarted(index=1, part=ToolCall(id="c", name="weather"))]
