"""OpenAI's errors, both ways: `{"error": {message, type, param, code}}`, as a body or inside a stream.

Both of OpenAI's wires have them (`openai_errors`); inside a stream, the SDK raises a bare `APIError`.
"""

from __future__ import annotations

from ..openai_errors import decode_error, decode_error_object, encode_error, encode_error_object

__all__ = ["decode_error", "decode_error_object", "encode_error", "encode_error_object"]
