"""OpenAI chat completions (`POST /v1/chat/completions`), and the many servers that speak it."""

from __future__ import annotations

from functools import partial

from ..codec import Codec
from ..sse import SseFramer, SseScanner
from .errors import decode_error, encode_error
from .request import decode_request, encode_request
from .response import decode_response, decode_usage, encode_response
from .stream import END, TERMINAL, StreamDecoder, StreamEncoder, continuing, frame
from .turns import strip

CODEC = Codec(
    provider="openai",
    decode_request=decode_request,
    encode_request=encode_request,
    decode_response=decode_response,
    encode_response=encode_response,
    decode_usage=partial(decode_usage, where="openai response: usage"),
    stream_decoder=StreamDecoder,
    stream_encoder=StreamEncoder,
    continuing=continuing,
    framer=SseFramer,
    scanner=SseScanner,
    frame=frame,
    end=END,
    terminal=TERMINAL,
    stream_content_type="text/event-stream",
    decode_error=decode_error,
    encode_error=encode_error,
    strip=strip,
    tells_malformed=False,
)
