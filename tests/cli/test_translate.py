"""`spaturzu translate` shows the translated request and its losses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from spaturzu.cli.commands import cli
from spaturzu_translators import WIRES, Wire, codec
from spaturzu_translators.loss_matrix import MODELS
from spaturzu_translators.messages import Message, Text
from spaturzu_translators.requests import Request, WireRequest

REQUEST = {"model": "gpt-6", "messages": [{"role": "user", "content": "hi"}], "seed": 7}


def run(tmp_path: Path, body: Any, *options: str) -> Result:
    """The command on a file that holds `body`."""
    file = tmp_path / "request.json"
    file.write_text(body if isinstance(body, str) else json.dumps(body))
    return CliRunner().invoke(cli, ["translate", "--from", "openai", *options, str(file)])


def test_the_body_goes_to_standard_output_and_losses_to_standard_error(tmp_path: Path) -> None:
    result = run(tmp_path, REQUEST, "--to", "anthropic", "--model", "claude-opus-5-5")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["messages"] == [{"role": "user", "content": "hi"}]
    assert "dropped: seed (only tuning)" in result.stderr


def test_a_loss_of_meaning_is_an_exit_status(tmp_path: Path) -> None:
    result = run(tmp_path, {**REQUEST, "n": 2}, "--to", "anthropic", "--json")
    assert result.exit_code == 1
    assert {"path": "candidate_count", "kind": "dropped", "matters": "meaning"} in json.loads(result.stdout)["losses"]


@pytest.mark.parametrize("body", ["{", "[]", {"model": "m", "messages": 5}], ids=["no JSON", "no object", "no request"])
def test_what_is_no_request_is_said_in_a_sentence(tmp_path: Path, body: Any) -> None:
    result = run(tmp_path, body, "--to", "gemini")
    assert result.exit_code == 2
    assert result.stderr.startswith("spaturzu: ")


@pytest.mark.parametrize(("content", "said"), [(b'{"model":', "is not JSON"), (b"\xff\xfe", "is not UTF-8 text")])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "request.json"
    file.write_bytes(content)
    result = CliRunner().invoke(cli, ["translate", "--from", "openai", "--to", "gemini", str(file)])
    assert result.exit_code == 2
    assert result.stderr.startswith(f"spaturzu: {file} {said}")


def test_a_model_that_the_target_has_not_is_replaced_by_one_that_it_has(tmp_path: Path) -> None:
    result = run(tmp_path, REQUEST, "--to", "anthropic")
    assert json.loads(result.stdout)["model"] == MODELS["anthropic"]
    assert result.stderr.startswith(f"for {MODELS['anthropic']}\n")
    assert "emulated: max_tokens (only tuning)" in result.stderr
    assert json.loads(run(tmp_path, REQUEST, "--to", "openai_responses").stdout)["model"] == "gpt-6"


def test_a_schema_beyond_the_target_is_shown_as_the_forced_tool_that_a_chain_sends(tmp_path: Path) -> None:
    schema = {"type": "object", "patternProperties": {"^x": {"type": "string"}}}
    asked = {**REQUEST, "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}
    result = run(tmp_path, asked, "--to", "anthropic")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["tool_choice"]["name"] == "structured_answer"
    assert "emulated: response_format (only tuning)" in result.stderr


@pytest.mark.parametrize("source", WIRES)
@pytest.mark.parametrize("target", WIRES)
def test_every_direction_prints_a_body_that_its_reader_takes(tmp_path: Path, source: Wire, target: Wire) -> None:
    asked = Request(model="m", max_tokens=9, messages=(Message(role="user", parts=(Text(text="hi"),)),))
    file = tmp_path / "request.json"
    file.write_text(json.dumps(codec(source).encode_request(asked).value.body))
    result = CliRunner().invoke(cli, ["translate", "--from", source, "--to", target, str(file)])
    assert result.exit_code == 0
    read = codec(target).decode_request(WireRequest(body=json.loads(result.stdout), model="m"))
    assert read.messages == asked.messages


def test_openais_second_wire_is_read_and_written_too(tmp_path: Path) -> None:
    result = run(tmp_path, REQUEST, "--to", "openai_responses", "--model", "gpt-4.1")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["input"] == [{"role": "user", "content": "hi"}]
