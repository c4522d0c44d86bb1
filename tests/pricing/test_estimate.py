"""Token estimates where a provider reported none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from spaturzu.pricing import estimate
from spaturzu.pricing.estimate import MEDIA_TOKENS
from spaturzu.pricing.tokens import count_tokens
from spaturzu_translators.messages import Blob, Message, Reasoning, Text, ToolCall, ToolResult
from spaturzu_translators.requests import Request, Tool
from spaturzu_translators.responses import Candidate, Response, Usage

SAMPLES = json.loads((Path(__file__).parent / "samples.json").read_text("utf-8"))["samples"]
WORDS = SAMPLES["english"]["text"]

in_another_process = """
import sys
sys.addaudithook(lambda event, args: event.startswith("socket.") and sys.exit(f"{event} {args}"))
from spaturzu.pricing.tokens import count_tokens
print(*count_tokens(sys.argv[1]))
"""


def counted_with(folder: Path, text: str) -> str:
    """By a process that finds tiktoken's data there or nowhere, and ends with an error if it opens a socket."""
    environment = {**os.environ, "TIKTOKEN_CACHE_DIR": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", in_another_process, text], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def ask(*parts, **more) -> Request:
    return Request(model="m", messages=(Message(role="user", parts=parts),), **more)


def came(*parts, usage=None) -> Response:
    return Response(id="1", model="m", candidates=(Candidate(parts=parts),), usage=usage)


@pytest.mark.parametrize("name", SAMPLES)
def test_estimate_is_within_a_sixth_of_the_true_count(name):
    sample = SAMPLES[name]
    counted, _ = count_tokens(sample["text"])
    assert abs(counted - sample["o200k_base"]) <= max(2, sample["o200k_base"] / 6)


def test_without_data_it_is_the_rule_of_thumb_and_no_socket_is_opened(tmp_path):
    number, source = counted_with(tmp_path, WORDS).split()
    assert source == "heuristic"
    assert abs(int(number) - SAMPLES["english"]["o200k_base"]) < 8


def test_damaged_data_is_not_replaced_over_the_network(tmp_path):
    (tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790").write_bytes(b"IQ== 0\n")
    assert counted_with(tmp_path, WORDS).endswith("heuristic")
    assert [path.name for path in tmp_path.iterdir()] == ["fb374d419588a4632f3f557e76b4b70aebbca790"]


def test_with_data_the_count_is_tiktokens():
    pytest.importorskip("tiktoken")
    folder = os.environ.get("TIKTOKEN_CACHE_DIR")
    if folder is None:
        pytest.skip("TIKTOKEN_CACHE_DIR names no folder with tiktoken's data")
    assert counted_with(Path(folder), WORDS) == f"{SAMPLES['english']['o200k_base']} tiktoken"


def test_nothing_is_no_tokens():
    assert count_tokens("")[0] == 0


def test_all_that_was_asked_counts():
    base = estimate(ask(Text(text=WORDS)), None)[0].input_tokens
    tool = Tool(name="find", description=WORDS, parameters={"type": "object"})
    result = ToolResult(call_id="1", content=(Text(text=WORDS),))
    call = ToolCall(id="1", name="find", arguments=json.dumps({"what": WORDS}))
    more = [
        ask(Text(text=WORDS), system=(Text(text=WORDS),)),
        ask(Text(text=WORDS), tools=(tool,)),
        ask(Text(text=WORDS), result),
        ask(Text(text=WORDS), call),
        ask(Text(text=WORDS), Reasoning(text=WORDS)),
    ]
    for request in more:
        assert estimate(request, None)[0].input_tokens >= 1.8 * base
    picture = Blob(modality="image", media_type="image/png", data="A" * 100_000)
    assert estimate(ask(Text(text=WORDS), picture), None)[0].input_tokens == base + MEDIA_TOKENS["image"]


def test_abandoned_answer_counts_as_far_as_it_came():
    usage, _ = estimate(ask(Text(text="Hi")), came(Text(text=WORDS)))
    assert usage.output_tokens == count_tokens(WORDS)[0]
    assert estimate(ask(Text(text="Hi")), None)[0].output_tokens == 0


def test_what_a_broken_stream_reported_of_its_input_stands():
    said = Usage(input_tokens=1_000, output_tokens=1, cache_read_tokens=900)
    usage, _ = estimate(ask(Text(text="Hi")), came(Text(text=WORDS), usage=said))
    assert (usage.input_tokens, usage.cache_read_tokens) == (1_000, 900)
    assert usage.output_tokens == count_tokens(WORDS)[0]


class Leafed(str):
    """A text that notes how much of it is taken."""

    taken = 0
    __slots__ = ()

    def __getitem__(self, at: Any) -> str:
        piece = super().__getitem__(at)
        Leafed.taken += len(piece)
        return piece


def test_of_a_long_text_a_sample_is_counted():
    text = Leafed(" ".join([WORDS] * 20_000))
    counted, _ = count_tokens(text)
    assert 0 < Leafed.taken < len(text) / 4
    assert counted == pytest.approx(20_000 * SAMPLES["english"]["o200k_base"], rel=0.15)
