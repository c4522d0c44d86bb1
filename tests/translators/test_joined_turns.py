"""Turns that become one on the wire, and what was lost inside them: each has a loss of its own."""

from __future__ import annotations

from spaturzu_translators import codec
from spaturzu_translators.loss import Loss, Losses
from spaturzu_translators.messages import Message, Text, Uri
from spaturzu_translators.requests import Request


def test_a_part_that_is_lost_in_a_joined_turn_is_named() -> None:
    """The chain skips the target because of the picture, and `fetch_media` finds it by its path."""
    picture = Uri(modality="image", uri="https://example.org/a.png")
    turns = (Message(role="user", parts=(picture, Text(text="a"))), Message(role="user", parts=(Text(text="b"),)))
    request = Request(model="anthropic.claude-opus-5-5-v1:0", messages=turns, max_tokens=5)
    losses = codec("bedrock").encode_request(request).losses
    assert set(losses) == {
        Loss(path="messages[0]", kind="emulated", matters="tuning"),
        Loss(path="messages[1]", kind="emulated", matters="tuning"),
        Loss(path="messages[0].parts[0]", kind="dropped", matters="meaning"),
    }


def test_joined_turns_that_lost_nothing_are_tuning() -> None:
    turns = tuple(Message(role="user", parts=(Text(text=text),)) for text in "ab")
    request = Request(model="anthropic.claude-opus-5-5-v1:0", messages=turns, max_tokens=5)
    losses = codec("bedrock").encode_request(request).losses
    assert {(loss.kind, loss.matters) for loss in losses} == {("emulated", "tuning")}


def test_what_is_gone_says_for_all_inside_it_how_much_it_matters() -> None:
    losses = Losses()
    losses.drop("a")
    losses.drop("a.b", "meaning")
    assert losses.found() == (Loss(path="a", kind="dropped", matters="meaning"),)


def test_a_grave_loss_two_levels_inside_words_is_not_swallowed_by_a_light_one_between() -> None:
    losses = Losses()
    losses.emulate("a")
    losses.drop("a.b")
    losses.drop("a.b.c", "meaning")
    grave = [loss for loss in losses.found() if loss.matters == "meaning"]
    assert grave == [Loss(path="a.b.c", kind="dropped", matters="meaning")]
