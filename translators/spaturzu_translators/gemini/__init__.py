"""Gemini `generateContent` and `streamGenerateContent?alt=sse`: REST JSON of the Developer API and of Vertex."""

from __future__ import annotations

import re

from ..codec import Codec
from ..sse import SseFramer, SseScanner, data_frame
from .errors import decode_error, encode_error
from .history import strip
from .request import decode_request, encode_request
from .response import decode_response, decode_usage, encode_response
from .stream import StreamDecoder, StreamEncoder, continuing

TERMINAL = re.compile(rb'"(?:finishReason|blockReason)"\s*:\s*"')
"""The last chunk names a finish reason; a blocked prompt has no candidate and names a block reason instead."""

CODEC = Codec(
    provider="gemini",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    decode_usage=decode_usage,
    usage_key="usageMetadata",
    stream_decoder=StreamDecoder,
    stream_encoder=StreamEncoder,
    continuing=continuing,
    framer=SseFramer,
    scanner=SseScanner,
    frame=data_frame,
    end=b"",
    terminal=TERMINAL,
    stream_content_type="text/event-stream",
    decode_error=decode_error,
    encode_error=encode_error,
    strip=strip,
)
