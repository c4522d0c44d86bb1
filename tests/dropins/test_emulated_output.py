"""Structured output from a model that has none: a forced tool, and the caller's own helper still gives the object."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

import spaturzu
from spaturzu.sandbox import Reply, Status, ToolCall

from .chains import House, plain_and_stream

NOVA = "amazon.nova-pro-v1:0"


class City(BaseModel):
    """What the caller wants."""

    name: str


@plain_and_stream
def test_parse_works_on_a_target_that_only_has_tools(house: House, stream: bool) -> None:
    house.wire("openai").reply(Status(503, times=None))
    house.wire("bedrock").reply(Reply(tool_calls=(ToolCall(name="structured_answer", arguments={"name": "Cluj"}),)))
    client = house.drop_in("openai", options={"fallback": [{**house.target("bedrock"), "model": NOVA}]})
    messages = [{"role": "user", "content": "Which city?"}]
    if stream:
        with client.chat.completions.stream(model="gpt-6", messages=messages, response_format=City) as events:
            answer = events.get_final_completion()
    else:
        answer = client.chat.completions.parse(model="gpt-6", messages=messages, response_format=City)
    assert answer.choices[0].message.parsed == City(name="Cluj")
    assert answer.choices[0].finish_reason == "stop"
    sent = house.wire("bedrock").requests[-1].body
    assert sent is not None
    assert sent["toolConfig"]["toolChoice"] == {"tool": {"name": "structured_answer"}}
    record = spaturzu.last_call()
    assert record is not None
    assert record.served_by is not None
    assert "response_format" in [loss.path for loss in record.served_by.losses]


def test_a_schema_beside_tools_of_ones_own_skips_such_a_target(house: House) -> None:
    house.wire("openai").reply(Status(503, times=None))
    client = house.drop_in("openai", max_retries=0, options={"fallback": [{**house.target("bedrock"), "model": NOVA}]})
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    with pytest.raises(Exception, match="503") as caught:
        client.chat.completions.create(
            model="gpt-6",
            messages=[{"role": "user", "content": "Which city?"}],
            tools=[tool],
            response_format={"type": "json_schema", "json_schema": {"name": "c", "schema": {"type": "object"}}},
        )
    assert "cannot carry response_format" in caught.value.__notes__[0]
