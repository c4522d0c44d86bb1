"""Bedrock's answers say how long they took: what another provider served says what was measured."""

from __future__ import annotations

from spaturzu.bedrock import BedrockRuntime
from spaturzu.sandbox import Reply, Sandbox, Status, clients

DELAY_S = 0.02
ASKED = {"modelId": "amazon.nova-pro-v1:0", "messages": [{"role": "user", "content": [{"text": "hi"}]}]}


def test_the_latency_of_a_fallbacks_answer_is_measured_plain_and_streamed(sandbox: Sandbox) -> None:
    sandbox.bedrock.reply(Status(503, times=None))
    sandbox.openai.reply(Reply("hello", delay_s=DELAY_S))
    target = {"provider": "openai", "client": clients.openai(sandbox), "model": "gpt-6-astra"}
    client = BedrockRuntime(
        region_name="us-east-1",
        endpoint_url=sandbox.url("bedrock"),
        aws_access_key_id="a",
        aws_secret_access_key="b",
        spaturzu={"fallback": [target]},
    )
    plain = client.converse(**ASKED)
    streamed = list(client.converse_stream(**ASKED)["stream"])[-1]["metadata"]
    for answer in (plain, streamed):
        assert answer["metrics"]["latencyMs"] >= DELAY_S * 1000
        assert "trace" not in answer
