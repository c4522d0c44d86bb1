"""`spaturzu translate` shows the translated request and its losses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from spaturzu.cli.commands import cli

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


def test_openais_second_wire_is_read_and_written_too(tmp_path: Path) -> None:
    result = run(tmp_path, REQUEST, "--to", "openai_responses", "--model", "gpt-4.1")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["input"] == [{"role": "user", "content": "hi"}]
