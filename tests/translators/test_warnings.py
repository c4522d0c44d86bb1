"""The translators under `python -X dev -W error`: no warning of any kind, nothing left open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DRIVEN = """
import gc, json
from spaturzu_translators import DIRECTIONS, WIRES, codec
from spaturzu_translators.events import fold, unfold
from spaturzu_translators.loss_matrix import features, page
from spaturzu_translators.messages import Text
from spaturzu_translators.responses import Candidate, Response

answer = Response(id="r", model="m", candidates=(Candidate(parts=(Text(text="hi"),), finish_reason="stop"),))
assert page()
for primary in WIRES:
    for _, request in features(primary):
        for target in WIRES:
            encoded = codec(target).encode_request(request)
            codec(target).decode_request(encoded.value)
    c = codec(primary)
    c.decode_response(c.encode_response(answer, request).value, "m")
    encoder, framer, decoder = c.stream_encoder(request), c.framer(), c.stream_decoder("m")
    wire = b"".join(c.frame(frame) for event in unfold(answer) for frame in encoder.feed(event))
    wire += b"".join(map(c.frame, encoder.close())) + c.end
    frames = [frame for at in range(len(wire)) for frame in framer.feed(wire[at : at + 1])] + framer.close()
    assert fold([event for frame in frames for event in decoder.feed(frame)]).candidates == answer.candidates
gc.collect()
print("done")
"""


def test_the_translators_warn_of_nothing_and_leave_nothing_open() -> None:
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", DRIVEN]
    run = subprocess.run(command, cwd=ROOT / "translators", capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "done\n", "")
