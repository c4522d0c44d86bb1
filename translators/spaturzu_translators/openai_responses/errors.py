"""Errors of OpenAI's Responses, both ways: as a body, inside an answer, or inside a stream.

A failed generation is an answer with HTTP 200, `status: failed` and `error: {code, message}`; inside a stream it is
`response.failed`, and all else an `error` event. Source: providers.md section 1.R, 2026-11-22.
"""

from __future__ import annotations

from ..failures import Failure
from ..messages import JSONObject
from ..openai_errors import decode_error, decode_error_object, encode_error, encode_error_object

__all__ = ["decode_error", "decode_error_object", "encode_error", "error_event"]


def error_event(failure: Failure, sequence_number: int) -> JSONObject:
    """The error inside a stream, in both of its forms: flat for who reads events, nested so that the SDK raises."""
    error = encode_error_object(failure)
    told = {"code": error["code"], "message": error["message"], "param": None}
    return {"type": "error", **told, "sequence_number": sequence_number, "error": error}
