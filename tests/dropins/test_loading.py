"""What the recorder's thread would load is loaded before it where an SDK could see it half loaded."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys
import openai
import spaturzu.openai
uses_httpx = "httpx" in sys.modules
spaturzu.openai.OpenAI(api_key="k")
assert not uses_httpx or "httpx2" in sys.modules
print("ok")
"""


def test_no_thread_loads_httpx2_while_an_sdk_of_the_older_generation_may_look_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("ok\n", "")
