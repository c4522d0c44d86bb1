"""Is the primary's HTTP answer an answer? A page of HTML, half a body or an error inside a 200 is not."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from spaturzu_translators.failures import ErrorReply, Failure
from spaturzu_translators.messages import JSON, JSONObject

from .answers import is_answer
from .call import Call
from .failures import failure_of_reply
from .hop import Hop
from .reported import report
from .walk import Broken, NativeAnswer


@dataclass(slots=True)  # not frozen: every call makes one, and setting frozen fields costs
class Reply:
    """An HTTP answer as the door read it: `content` if it is whole, else `source` yields its bytes.

    Header names are lower case.
    """

    native: Any
    status: int
    headers: Mapping[str, str]
    content: bytes | None = None
    source: Any = None
    close: Callable[[], Any] = lambda: None


def judge(call: Call, hop: Hop, reply: Reply) -> NativeAnswer | Broken:
    """What a whole reply is."""
    content = reply.content or b""
    try:
        body: JSON = json.loads(str(content, "utf-8"))
    except (ValueError, RecursionError):
        body = content.decode("utf-8", "replace")
    if reply.status >= 400:
        return _broken(call, reply, body)
    if not isinstance(body, dict):
        return Broken(Failure(kind="server", status=reply.status, code="malformed_body"), reply.native)
    answer = cast("JSONObject", body)
    if not is_answer(call.wire_name, answer):
        return _broken(call, reply, body)
    if call.wire_name == "openai_responses" and answer.get("status") == "failed" and call.chain.targets:
        return _broken(call, reply, body)  # its own form of an error; without a chain the caller gets it as ever
    named = answer.get("model") or answer.get("modelVersion")  # Bedrock's names none: the one that was asked for
    hop.model = named if isinstance(named, str) else call.wire.model
    report(hop, call.wire_name, answer, whole=call.record.tracing is not None)
    return NativeAnswer(reply.native, body=answer)


def _broken(call: Call, reply: Reply, body: JSON) -> Broken:
    headers = dict(reply.headers.items())  # they are looked up several times
    error = ErrorReply(status=reply.status, headers=headers, body=body)
    return Broken(failure_of_reply(error, call.provider), reply.native)
