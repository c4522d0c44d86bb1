"""A process's first fallback runs what was loaded when its client was made."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from spaturzu.sandbox import Sandbox, Status

ROOT = Path(__file__).parents[2]
PROGRAM = """
import sys, threading
import anthropic
from spaturzu.openai import OpenAI

openai_url, anthropic_url, stream = sys.argv[1], sys.argv[2], sys.argv[3] == "True"
claude = {"provider": "anthropic", "client": anthropic.Anthropic(base_url=anthropic_url, api_key="k"), "model": "m"}
client = OpenAI(base_url=openai_url, api_key="k", spaturzu={"fallback": [claude]})
loaded, caller = [], threading.current_thread()

def hook(event, args):
    if event == "import" and args[0].startswith("spaturzu") and threading.current_thread() is caller:
        loaded.append(args[0])

sys.addaudithook(hook)
answer = client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}], stream=stream)
if stream:
    list(answer)
print(sorted(set(loaded)))
"""


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("metering", ["on", "off"])
def test_the_first_fallback_loads_no_module_of_ours(metering: str, stream: bool, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "translators"))),
        "SPATURZU_DB": str(tmp_path / "ledger.sqlite3"),
        "SPATURZU_METERING": metering,
        "NO_PROXY": "127.0.0.1",
    }
    with Sandbox() as sandbox:
        sandbox.openai.reply(Status(503, times=None))
        command = [sys.executable, "-c", PROGRAM, sandbox.url("openai"), sandbox.url("anthropic"), str(stream)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
